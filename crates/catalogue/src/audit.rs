//! The audit log: who did what to what, append-only.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::page::{Key, List, page_of, page_size};
use crate::sqlite::{Query, Row};
use crate::value::{Columns as _, us};
use crate::{Catalogue, Page, Result};

#[derive(Clone, Debug)]
pub struct AuditEntry {
    pub id: Uuid,
    pub workspace_id: Option<Uuid>,
    pub at: Timestamp,
    /// `user:NAME`, `token:ID`, `rule:NAME`, `command line`, `dock:SN`, `server`.
    pub actor: String,
    /// A verb phrase: `dock.add`, `media.trash`.
    pub action: String,
    pub subject: String,
    pub detail: Value,
}

/// `None` means no condition.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub actor: Option<String>,
    /// An action (`media.trash`), or a noun with all its actions (`media`).
    pub action: Option<String>,
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
}

impl Catalogue {
    pub async fn add_audit(&self, entry: &AuditEntry) -> Result<()> {
        self.engine.write("write the audit log", insert(entry)).await.map(drop)
    }

    /// Newest first. With `None` the entries of every workspace and of none.
    ///
    /// # Errors
    /// `BadCursor`.
    pub async fn list_audit(
        &self,
        workspace_id: Option<Uuid>,
        filter: &AuditFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<AuditEntry>> {
        let mut after = Key::open(cursor, List::Audit)?;
        if let Some(to) = filter.to.map(us).filter(|to| *to < after.at) {
            after = Key { at: to, id: Uuid::nil() };
        }
        let mut sql = sqlx::QueryBuilder::new("SELECT * FROM audit WHERE (at, id) < (");
        sql.push_bind(after.at).push(", ").push_bind(after.id).push(")");
        if let Some(id) = workspace_id {
            sql.push(" AND workspace_id = ").push_bind(id);
        }
        if let Some(from) = filter.from {
            sql.push(" AND at >= ").push_bind(us(from));
        }
        if let Some(actor) = &filter.actor {
            sql.push(" AND actor = ").push_bind(actor);
        }
        if let Some(action) = &filter.action {
            sql.push(" AND (action = ").push_bind(action).push(" OR substr(action, 1, ");
            sql.push_bind(action.chars().count() as i64 + 1).push(") = ").push_bind(format!("{action}.")).push(")");
        }
        sql.push(" ORDER BY at DESC, id DESC LIMIT ").push_bind(page_size(limit) as i64 + 1);
        let rows = self.engine.fetch_all("cannot read the audit log", sql.build()).await?;
        let items = rows.iter().map(entry).collect::<Result<Vec<_>>>()?;
        Ok(page_of(items, limit, List::Audit, |entry| Key { at: us(entry.at), id: entry.id }))
    }
}

pub(crate) fn insert(entry: &AuditEntry) -> Query<'static> {
    sqlx::query(
        "INSERT INTO audit (id, workspace_id, at, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(entry.id)
    .bind(entry.workspace_id)
    .bind(us(entry.at))
    .bind(&entry.actor)
    .bind(&entry.action)
    .bind(&entry.subject)
    .bind(entry.detail.to_string())
}

fn entry(row: &Row) -> Result<AuditEntry> {
    Ok(AuditEntry {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        at: row.time("at")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        subject: row.get("subject")?,
        detail: row.json("detail")?,
    })
}
