//! `workspaces/current`: the workspace that the token is for.

use std::sync::Arc;

use axum::extract::State;
use eyrie_cloudapi::pilot::workspace_data;

use super::answer::Answer;
use super::crew::AppCrew;
use crate::app::App;

/// Show the workspace of a controller's token
#[utoipa::path(get, path = "/manage/api/v1/workspaces/current", tag = "pilot", security(("controller" = [])),
    responses((status = 200, description = "DJI's envelope", body = Object)))]
pub(super) async fn current_workspace(State(app): State<Arc<App>>, AppCrew(crew): AppCrew) -> Answer {
    let (id, name) = (crew.device.workspace_id.to_string(), &crew.device.workspace_name);
    Answer::done(workspace_data(&id, name, &app.config.pilot.platform_name))
}
