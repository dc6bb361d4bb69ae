//! Map elements. This server keeps none.

use serde_json::json;

use super::answer::Answer;
use super::crew::AppCrew;

/// List map elements: there are none
#[utoipa::path(get, path = "/map/api/v1/workspaces/{ws}/element-groups", tag = "pilot", security(("controller" = [])),
    params(("ws" = String, Path, description = "the workspace of the token")),
    responses((status = 200, description = "DJI's envelope", body = Object)))]
pub(super) async fn list_element_groups(_crew: AppCrew) -> Answer {
    Answer::done(json!([]))
}
