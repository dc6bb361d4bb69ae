//! Wayline lists. This server keeps no waylines; an app that asks all the same hears that there are none.

use axum::extract::RawQuery;
use eyrie_cloudapi::pilot::no_waylines_data;
use serde_json::json;

use super::answer::Answer;
use super::crew::AppCrew;

const FIRST_PAGE: u32 = 1;
const PAGE_SIZE: u32 = 10;

/// List waylines: there are none
#[utoipa::path(get, path = "/wayline/api/v1/workspaces/{ws}/waylines", tag = "pilot", security(("controller" = [])),
    params(("ws" = String, Path, description = "the workspace of the token")),
    responses((status = 200, description = "DJI's envelope", body = Object)))]
pub(super) async fn list_waylines(_crew: AppCrew, RawQuery(query): RawQuery) -> Answer {
    let query = query.unwrap_or_default();
    let number = |name: &str, other| {
        let values = query.split('&').filter_map(|pair| pair.split_once('='));
        values.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse().ok()).unwrap_or(other)
    };
    Answer::done(no_waylines_data(number("page", FIRST_PAGE), number("page_size", PAGE_SIZE)))
}

/// Find wayline names that are taken: none is
#[utoipa::path(get, path = "/wayline/api/v1/workspaces/{ws}/waylines/duplicate-names", tag = "pilot",
    security(("controller" = [])), params(("ws" = String, Path, description = "the workspace of the token")),
    responses((status = 200, description = "DJI's envelope", body = Object)))]
pub(super) async fn duplicate_names(_crew: AppCrew) -> Answer {
    Answer::done(json!([]))
}
