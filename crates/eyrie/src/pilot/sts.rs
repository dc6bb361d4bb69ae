//! `sts`: credentials that can write below the controller's own prefix.

use std::sync::Arc;

use axum::extract::State;
use eyrie_cloudapi::pilot::sts_data;
use http::HeaderMap;
use serde_json::json;

use super::answer::{Answer, Exchange};
use super::crew::AppCrew;
use crate::app::App;
use crate::dock::storage_config;

/// Give a controller credentials to upload with
///
/// No body is needed. The answer is DJI's envelope with the object that a dock gets for `storage_config_get`.
#[utoipa::path(post, path = "/storage/api/v1/workspaces/{ws}/sts", tag = "pilot", security(("controller" = [])),
    params(("ws" = String, Path, description = "the workspace of the token")),
    responses((status = 200, description = "DJI's envelope", body = Object)))]
pub(super) async fn sts(State(app): State<Arc<App>>, AppCrew(crew): AppCrew, headers: HeaderMap) -> Answer {
    let path = format!("/storage/api/v1/workspaces/{}/sts", crew.device.workspace_id);
    let exchange = Exchange::new(&app, &crew, &headers, "sts", path);
    let answer = match storage_config::grant(&app, &crew.device).await {
        Ok(config) => Answer::done(sts_data(&config)),
        Err(why) => Answer::unavailable(why),
    };
    exchange.end(json!({}), answer, None)
}
