//! Workspaces: who sees what.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::Workspace;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::{Caller, ServerAdmin};
use super::extract::{self, QueryParams};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use super::site_zone;
use crate::app::App;

#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceItem {
    pub id: Uuid,
    pub name: String,
    /// The bucket that holds its objects.
    pub bucket: String,
    /// Where most of its docks stand, or its controllers when no dock said its place; null when none did: a name of the tz database.
    pub time_zone: Option<&'static str>,
    pub created_at: Timestamp,
}

impl WorkspaceItem {
    fn new(app: &App, workspace: Workspace) -> Self {
        let Workspace { id, name, bucket, created_at, .. } = workspace;
        Self { id, name, bucket, time_zone: site_zone::of_workspace(app, id), created_at }
    }
}

/// List the workspaces that the caller sees
#[utoipa::path(get, path = "/api/v1/workspaces", tag = "workspaces", params(PageQuery),
    responses((status = 200, body = Page<WorkspaceItem>)))]
pub async fn list_workspaces(
    caller: Caller,
    State(app): State<Arc<App>>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<WorkspaceItem>>, Problem> {
    let mut workspaces = app.catalogue.workspaces().await?;
    workspaces.retain(|workspace| caller.sees(workspace));
    Ok(Json(Page::cut(
        workspaces,
        &page,
        |workspace| workspace.name.clone(),
        |workspace| WorkspaceItem::new(&app, workspace),
    )?))
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct WorkspaceRequest {
    #[schema(min_length = 1, max_length = 64)]
    name: String,
}

/// Create a workspace and its bucket
///
/// For the administrator of the server.
#[utoipa::path(post, path = "/api/v1/workspaces", tag = "workspaces", request_body = WorkspaceRequest,
    responses((status = 201, body = WorkspaceItem)))]
pub async fn create_workspace(
    ServerAdmin(caller): ServerAdmin,
    State(app): State<Arc<App>>,
    extract::Json(request): extract::Json<WorkspaceRequest>,
) -> Result<(StatusCode, Json<WorkspaceItem>), Problem> {
    let workspace = app.admin(caller.actor()).add_workspace(&request.name).await?;
    Ok((StatusCode::CREATED, Json(WorkspaceItem::new(&app, workspace))))
}
