//! Workspaces: who sees what. Everything else belongs to one.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Catalogue, Result};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    pub id: Uuid,
    pub name: String,
    /// The bucket that holds its objects: made from the name, unique.
    pub bucket: String,
    /// What a dock is told as its organization; text typed in by the operator on the dock's screen.
    pub organization_id: String,
    pub binding_code: String,
    pub created_at: Timestamp,
}

impl Catalogue {
    /// # Errors
    /// `Exists` when name or bucket is taken.
    pub async fn add_workspace(&self, _workspace: &Workspace) -> Result<()> {
        todo!()
    }
    pub async fn workspaces(&self) -> Result<Vec<Workspace>> {
        todo!()
    }
    /// By id or by name.
    pub async fn workspace(&self, _id_or_name: &str) -> Result<Option<Workspace>> {
        todo!()
    }
}
