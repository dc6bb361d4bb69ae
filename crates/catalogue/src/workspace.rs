//! Workspaces: who sees what. Everything else belongs to one.

use jiff::Timestamp;
use uuid::Uuid;

use crate::sqlite::Row;
use crate::value::{Columns as _, OrConstraint as _, us};
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
    pub async fn add_workspace(&self, workspace: &Workspace) -> Result<()> {
        let insert = sqlx::query("INSERT INTO workspaces VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(workspace.id)
            .bind(&workspace.name)
            .bind(&workspace.bucket)
            .bind(&workspace.organization_id)
            .bind(&workspace.binding_code)
            .bind(us(workspace.created_at));
        let written = self.engine.write("add a workspace", insert).await;
        written.map(drop).or_exists("workspace", &workspace.name)
    }

    /// All of them, by name.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>> {
        let query = sqlx::query("SELECT * FROM workspaces ORDER BY name");
        self.engine.fetch_all("cannot list workspaces", query).await?.iter().map(workspace).collect()
    }

    /// By id or by name; an id wins over a name that looks like one.
    pub async fn workspace(&self, id_or_name: &str) -> Result<Option<Workspace>> {
        let query = sqlx::query(
            "SELECT * FROM workspaces WHERE id = $1 OR name = $2 ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END LIMIT 1",
        )
        .bind(Uuid::try_parse(id_or_name).ok())
        .bind(id_or_name);
        self.engine.fetch_optional("cannot read a workspace", query).await?.as_ref().map(workspace).transpose()
    }
}

fn workspace(row: &Row) -> Result<Workspace> {
    Ok(Workspace {
        id: row.get("id")?,
        name: row.get("name")?,
        bucket: row.get("bucket")?,
        organization_id: row.get("organization_id")?,
        binding_code: row.get("binding_code")?,
        created_at: row.time("created_at")?,
    })
}
