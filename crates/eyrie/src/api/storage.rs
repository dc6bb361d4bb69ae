//! What a workspace's files take, by month of capture, dock and kind.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::{Scope, Viewer};
use super::problem::Problem;
use super::words::MediaKind;
use crate::app::App;

/// Stored files, in figures. What is made of them to look at (thumbnails, proxies) is not counted.
#[derive(Debug, Serialize, ToSchema)]
pub struct StorageItem {
    pub count: i64,
    pub size_bytes: i64,
    /// The trash is not in the other figures.
    pub trash_count: i64,
    pub trash_size_bytes: i64,
    /// Newest month first, files of unknown capture time last.
    pub uses: Vec<StorageUseItem>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct StorageUseItem {
    /// Of capture, in UTC: `2026-11`. Null when that is not known.
    pub month: Option<String>,
    /// Null for files that no dock or controller reported.
    pub gateway_sn: Option<String>,
    pub kind: MediaKind,
    pub count: i64,
    pub size_bytes: i64,
}

/// Show what the stored files take, by month, dock and kind
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/storage", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    responses((status = 200, body = StorageItem)))]
pub async fn get_storage(scope: Scope<Viewer>, State(app): State<Arc<App>>) -> Result<Json<StorageItem>, Problem> {
    let uses = app.catalogue.storage_use(scope.workspace.id).await?;
    let (trash_count, trash_size_bytes) = app.catalogue.trash_use(scope.workspace.id).await?;
    Ok(Json(StorageItem {
        count: uses.iter().map(|one| one.count).sum(),
        size_bytes: uses.iter().map(|one| one.size_bytes).sum(),
        trash_count,
        trash_size_bytes,
        uses: uses
            .into_iter()
            .map(|one| StorageUseItem {
                month: one.month,
                gateway_sn: one.gateway_sn,
                kind: one.kind.into(),
                count: one.count,
                size_bytes: one.size_bytes,
            })
            .collect(),
    }))
}
