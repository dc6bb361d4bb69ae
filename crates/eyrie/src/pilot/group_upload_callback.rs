//! `group-upload-callback`: all files of a group (the shots of one wayline) were uploaded, or as many as could be.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use eyrie_catalogue::FileGroup;
use eyrie_cloudapi::pilot::GroupUploadCallback;
use http::HeaderMap;
use serde_json::{Value, json};

use super::answer::{Answer, Exchange};
use super::crew::AppCrew;
use crate::app::App;
use crate::events::Change;
use crate::reported::keep_event;

/// Report the end of a group of files
#[utoipa::path(post, path = "/media/api/v1/workspaces/{ws}/group-upload-callback", tag = "pilot",
    security(("controller" = [])), params(("ws" = String, Path, description = "the workspace of the token")),
    request_body = Object, responses((status = 200, description = "DJI's envelope", body = Object)))]
pub(super) async fn group_upload_callback(
    State(app): State<Arc<App>>,
    AppCrew(crew): AppCrew,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let path = format!("/media/api/v1/workspaces/{}/group-upload-callback", crew.device.workspace_id);
    let exchange = Exchange::new(&app, &crew, &headers, "group-upload-callback", path);
    let asked = serde_json::from_slice(&body).unwrap_or(Value::Null);
    if let Err(error) = keep_event(&app, exchange.raw_event(&body)).await {
        return exchange.end(asked, Answer::unavailable(error), None);
    }
    let group = match GroupUploadCallback::read(&body) {
        Ok(group) => group,
        Err(error) => return exchange.end(asked, error.into(), None),
    };
    let group = FileGroup {
        workspace_id: crew.device.workspace_id,
        gateway_sn: crew.device.sn.clone(),
        file_group_id: group.file_group_id,
        file_count: group.file_count,
        file_uploaded_count: group.file_uploaded_count,
    };
    let answer = match app.catalogue.save_file_group(&group, app.now()).await {
        Ok(flight_id) => {
            if let Some(flight_id) = flight_id {
                app.events.send(group.workspace_id, Change::Flight { flight_id });
            }
            Answer::done(json!({}))
        }
        Err(error) => error.into(),
    };
    exchange.end(asked, answer, None)
}
