//! Who did what to what.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::{AuditEntry, AuditFilter};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Admin, Scope, ServerAdmin};
use super::extract::{QueryParams, blank_is_none};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use crate::app::App;

/// Something that somebody did; entries are never changed or removed.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditItem {
    pub id: Uuid,
    /// Null: of the server, as a login of its administrator.
    pub workspace_id: Option<Uuid>,
    pub at: Timestamp,
    /// `user:NAME`, `token:ID`, `rule:NAME`, `command line`, `dock:SN`, `server`.
    pub actor: String,
    /// Noun and verb: `dock.add`, `media.trash`.
    pub action: String,
    pub subject: String,
    #[schema(value_type = Object)]
    pub detail: Value,
}

impl From<AuditEntry> for AuditItem {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { id, workspace_id, at, actor, action, subject, detail } = entry;
        // an action that says it all has none
        let detail = if detail.is_null() { json!({}) } else { detail };
        Self { id, workspace_id, at, actor, action, subject, detail }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Who did it: `user:NAME`, `token:ID`, `rule:NAME`, `command line`, `dock:SN`, `server`.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    actor: Option<String>,
    /// What was done: `media.trash`, or `media` for all that was done to files.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    action: Option<String>,
    /// At this time or later.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    from: Option<Timestamp>,
    /// Before this time.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    to: Option<Timestamp>,
}

impl From<AuditQuery> for AuditFilter {
    fn from(query: AuditQuery) -> Self {
        let AuditQuery { actor, action, from, to } = query;
        Self { actor, action, from, to }
    }
}

/// List the audit log of a workspace, the newest entry first
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/audit", tag = "administration",
    params(("ws" = String, Path, description = "id or name of the workspace"), AuditQuery, PageQuery),
    responses((status = 200, body = Page<AuditItem>)))]
pub async fn list_audit(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    QueryParams(query): QueryParams<AuditQuery>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<AuditItem>>, Problem> {
    let found = app.catalogue.list_audit(Some(scope.workspace.id), &query.into(), page.cursor(), page.limit()).await?;
    Ok(Json(Page::from_rows(found, AuditItem::from)))
}

/// List the audit log of the server, the newest entry first
///
/// That of every workspace, and what belongs to none: logins of the server's administrators, and refused ones under names that nobody
/// has. For the administrator of the server.
#[utoipa::path(get, path = "/api/v1/audit", tag = "administration", params(AuditQuery, PageQuery),
    responses((status = 200, body = Page<AuditItem>)))]
pub async fn list_server_audit(
    ServerAdmin(_caller): ServerAdmin,
    State(app): State<Arc<App>>,
    QueryParams(query): QueryParams<AuditQuery>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<AuditItem>>, Problem> {
    let found = app.catalogue.list_audit(None, &query.into(), page.cursor(), page.limit()).await?;
    Ok(Json(Page::from_rows(found, AuditItem::from)))
}

impl<R> Scope<R> {
    /// Writes down what the caller did in this workspace.
    pub async fn audit(&self, app: &App, action: &str, subject: &str, detail: Value) -> Result<(), Problem> {
        Ok(app.admin(self.caller.actor()).audit(Some(self.workspace.id), action, subject, detail).await?)
    }
}
