//! The audit log: who did what to what, append-only.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{Catalogue, Page, Result};

#[derive(Clone, Debug)]
pub struct AuditEntry {
    pub id: Uuid,
    pub workspace_id: Option<Uuid>,
    pub at: Timestamp,
    /// `user:NAME`, `token:ID`, `command line`, `dock:SN`, `server`.
    pub actor: String,
    /// A verb phrase: `dock.add`, `media.trash`.
    pub action: String,
    pub subject: String,
    pub detail: Value,
}

impl Catalogue {
    pub async fn add_audit(&self, _entry: &AuditEntry) -> Result<()> {
        todo!()
    }
    /// Newest first.
    pub async fn list_audit(&self, _workspace_id: Option<Uuid>, _cursor: Option<&str>, _limit: u32) -> Result<Page<AuditEntry>> {
        todo!()
    }
}
