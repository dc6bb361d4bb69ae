//! The trash: what is in it, when it goes, and emptying it. Files go in and come back by their own routes (`media.rs`).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::albums::bounded;
use super::auth::{Admin, Scope, Viewer};
use super::extract::Json as Body;
use super::flights::Accepted;
use super::problem::Problem;
use super::words::Kept;
use crate::app::App;
use crate::jobs::empty_trash;

/// Files that stay, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptItem {
    pub why: Kept,
    pub count: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TrashItem {
    /// Stored files in it.
    pub count: i64,
    pub size_bytes: i64,
    /// Seconds after which a file is deleted for good; null: only when somebody empties the trash.
    pub period_s: Option<u64>,
    /// Files that stay although their period may be over, by why.
    pub kept: Vec<KeptItem>,
}

/// Show what is in the trash, and for how long
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/trash", tag = "retention",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    responses((status = 200, body = TrashItem)))]
pub async fn get_trash(scope: Scope<Viewer>, State(app): State<Arc<App>>) -> Result<Json<TrashItem>, Problem> {
    let (count, size_bytes) = app.catalogue.trash_use(scope.workspace.id).await?;
    let kept = app.catalogue.kept_in_trash(scope.workspace.id, app.now()).await?;
    let period_s = Some(app.config.library.trash_period.as_secs()).filter(|seconds| *seconds > 0);
    let kept = kept.into_iter().map(|(why, count)| KeptItem { why: why.into(), count }).collect();
    Ok(Json(TrashItem { count, size_bytes, period_s, kept }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyTrashRequest {
    /// All that is in the trash now when left out.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 10_000)]
    media_ids: Option<Vec<Uuid>>,
}

/// Delete files of the trash for good
///
/// Row, object and what was made of it: nobody can bring them back. Files that a legal hold, an open share link, a download
/// or a job needs stay in the trash; the job's result says how many, and why. 409 when a named file is not in the trash.
/// Audited, with an entry for each file.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/trash/empty", tag = "retention",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    request_body = EmptyTrashRequest, responses((status = 202, body = Accepted)))]
pub async fn empty_trash(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    Body(wanted): Body<EmptyTrashRequest>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let media_ids = wanted.media_ids.map(bounded).transpose()?.map(|mut ids| {
        ids.sort();
        ids.dedup();
        ids
    });
    if let Some(ids) = &media_ids {
        let files = app.catalogue.media_by_ids(scope.workspace.id, ids).await?;
        if files.len() < ids.len() {
            return Err(Problem::not_found());
        }
        if let Some(media) = files.iter().find(|media| media.trashed_at.is_none()) {
            return Err(Problem::conflict(format!("{} is not in the trash: move it there first", media.name)));
        }
    }
    let detail = json!({ "files": media_ids.as_ref().map(Vec::len) });
    let job_id = empty_trash::queue(&app, scope.workspace.id, scope.caller.actor(), media_ids).await?;
    scope.audit(&app, "trash.empty", &job_id.to_string(), detail).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { job_id })))
}
