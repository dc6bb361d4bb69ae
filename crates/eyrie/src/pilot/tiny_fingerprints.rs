//! `files/tiny-fingerprints`: which of these files are stored already? The app asks for a whole card at once.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use eyrie_cloudapi::pilot::{read_tiny_fingerprints, tiny_fingerprints_answer};
use http::{HeaderMap, header};
use serde_json::json;

use super::answer::{Answer, Exchange, SUCCESS};
use super::crew::AppCrew;
use crate::app::App;

/// Ask which files are stored already
///
/// The answer has those of `tiny_fingerprints` that are stored in this workspace, as they were written and in their order.
#[utoipa::path(post, path = "/media/api/v1/workspaces/{ws}/files/tiny-fingerprints", tag = "pilot",
    security(("controller" = [])), params(("ws" = String, Path, description = "the workspace of the token")),
    request_body = Object, responses((status = 200, description = "DJI's envelope", body = Object)))]
pub(super) async fn tiny_fingerprints(
    State(app): State<Arc<App>>,
    AppCrew(crew): AppCrew,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = format!("/media/api/v1/workspaces/{}/files/tiny-fingerprints", crew.device.workspace_id);
    let exchange = Exchange::new(&app, &crew, &headers, "tiny-fingerprints", path);
    let asked = match read_tiny_fingerprints(&body) {
        Ok(asked) => asked,
        Err(error) => return exchange.end(json!({}), error.into(), None).into_response(),
    };
    let answer = match stored(&app, crew.device.workspace_id, &asked).await {
        Ok(stored) => {
            let stored: Vec<_> = stored.iter().filter_map(|n| asked.get(*n)).map(String::as_str).collect();
            let note = Some(format!("{} of {} are stored", stored.len(), asked.len()));
            // the lists themselves would fill the trace
            exchange.end(json!({"count": asked.len()}), Answer::done(json!({"count": stored.len()})), note);
            let body = tiny_fingerprints_answer(SUCCESS, &stored);
            return ([(header::CONTENT_TYPE, "application/json")], body).into_response();
        }
        Err(answer) => answer,
    };
    exchange.end(json!({"count": asked.len()}), answer, None).into_response()
}

/// Which of `asked` are stored, ascending.
async fn stored(app: &App, workspace_id: uuid::Uuid, asked: &[String]) -> Result<Vec<usize>, Answer> {
    let found = app.catalogue.stored_by_tiny_fingerprint(workspace_id, asked).await?;
    let (asked_as, objects): (Vec<_>, Vec<_>) = found.into_iter().map(|(n, bucket, key)| (n, (bucket, key))).unzip();
    let there = app.store.are_there(objects).await.map_err(Answer::unavailable)?;
    let mut stored: Vec<_> = asked_as.into_iter().zip(there).filter_map(|(n, there)| there.then_some(n)).collect();
    stored.sort_unstable();
    stored.dedup();
    Ok(stored)
}
