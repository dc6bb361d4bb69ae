//! A video's proxy: small, H.264, for browsers that cannot play the original.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use eyrie_catalogue::{Media, MediaKind, MediaStatus};
use http::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::auth::{Operator, Scope, Viewer};
use super::extract::PathParams;
use super::flights::Accepted;
use super::media::{listed, signed_redirect};
use super::problem::{Kind, Problem};
use crate::app::App;
use crate::derived::{self, Form};
use crate::ffmpeg;
use crate::jobs::make_proxy;

/// Fetch a video's proxy
///
/// Redirects to a signed URL of the object store that works for a short while; `Range` works there. 404 when it was not
/// made: `POST` makes it.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/media/{id}/proxy", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 302, description = "The video is at `Location`", headers(("Location" = String)))))]
pub async fn get_proxy(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    method: Method,
) -> Result<Response, Problem> {
    let media = stored_video(&app, scope.workspace.id, id).await?;
    if derived::open(&app, &media, Form::Proxy).await.map_err(Problem::internal)?.is_none() {
        let why = match ffmpeg::find(&app) {
            Some(_) => "the video has no proxy yet",
            None => ffmpeg::MISSING,
        };
        return Err(Problem::new(Kind::NotFound, why));
    }
    let bucket = derived::bucket(media.workspace_id);
    signed_redirect(&app, &method, &bucket, &derived::key(&media, Form::Proxy), None)
}

/// Make a video's proxy
///
/// 720 lines, H.264, a keyframe each second, by ffmpeg; 409 when that is not installed on the server. Progress counts seconds
/// of the video; the job can be cancelled. While one is open, the same job is answered. Audited.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/media/{id}/proxy", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 202, body = Accepted)))]
pub async fn make_proxy(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let media = stored_video(&app, scope.workspace.id, id).await?;
    if ffmpeg::find(&app).is_none() {
        return Err(Problem::conflict(ffmpeg::MISSING));
    }
    if let Some(open) = app.catalogue.open_jobs_of_media(media.id, make_proxy::KIND).await?.first() {
        return Ok((StatusCode::ACCEPTED, Json(Accepted { job_id: open.id })));
    }
    let job = make_proxy::new_job(&app, &media);
    let job_id = job.id;
    app.catalogue.add_jobs(&[job], app.now()).await?;
    app.wake.wake();
    scope.audit(&app, "media.make_proxy", &media.id.to_string(), json!({ "job_id": job_id })).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { job_id })))
}

async fn stored_video(app: &App, workspace_id: Uuid, id: Uuid) -> Result<Media, Problem> {
    let media = listed(app, workspace_id, id).await?;
    if media.kind != MediaKind::Video {
        return Err(Problem::new(Kind::NotFound, "the file is not a video"));
    }
    if media.status != MediaStatus::Stored {
        return Err(Problem::new(Kind::NotFound, "the file's object is not in the store"));
    }
    Ok(media)
}
