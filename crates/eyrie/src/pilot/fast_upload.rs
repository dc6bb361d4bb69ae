//! `fast-upload`: is this file stored already?

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use eyrie_cloudapi::pilot::FastUpload;
use http::HeaderMap;
use serde_json::json;

use super::answer::{Answer, Exchange};
use super::crew::AppCrew;
use crate::app::App;
use crate::reported::is_stored;

/// DJI documents the answer to a hit only; its demo says this to a miss, and the app uploads then.
const NOT_STORED: i64 = -1;

/// Ask whether a file is stored already
///
/// `code` 0: it is, in this workspace, and its object is in the store; -1: upload it.
#[utoipa::path(post, path = "/media/api/v1/workspaces/{ws}/fast-upload", tag = "pilot", security(("controller" = [])),
    params(("ws" = String, Path, description = "the workspace of the token")), request_body = Object,
    responses((status = 200, description = "DJI's envelope", body = Object)))]
pub(super) async fn fast_upload(
    State(app): State<Arc<App>>,
    AppCrew(crew): AppCrew,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let path = format!("/media/api/v1/workspaces/{}/fast-upload", crew.device.workspace_id);
    let exchange = Exchange::new(&app, &crew, &headers, "fast-upload", path);
    let asked = match FastUpload::read(&body) {
        Ok(asked) => asked,
        Err(error) => return exchange.end(json!({}), error.into(), None),
    };
    let answer = match look(&app, &crew.device.workspace_id, &asked.fingerprint).await {
        Ok(true) => Answer::done(json!({})),
        Ok(false) => Answer::no(NOT_STORED, "not stored: upload it"),
        Err(answer) => answer,
    };
    let shown = json!({"fingerprint": asked.fingerprint, "name": asked.name, "path": asked.path});
    exchange.end(shown, answer, None)
}

/// A row is not enough: its object must be there now.
async fn look(app: &App, workspace_id: &uuid::Uuid, fingerprint: &str) -> Result<bool, Answer> {
    for object in app.catalogue.stored_by_fingerprint(*workspace_id, fingerprint).await? {
        if is_stored(app, &object).await.map_err(Answer::unavailable)? {
            return Ok(true);
        }
    }
    Ok(false)
}
