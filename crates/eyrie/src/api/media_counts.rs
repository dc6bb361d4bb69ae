//! How many files a filter finds: the page lays its grid and its scrubber out before it has read any of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::MediaGroup;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::{Scope, Viewer};
use super::extract::{QueryParams, blank_is_none};
use super::media::MediaQuery;
use super::problem::Problem;
use super::words::MediaKind;
use crate::app::App;

const DEFAULT_STEP_S: u32 = 3_600;
/// Below a quarter of an hour no zone begins its day, and an answer would only grow.
const STEPS_S: std::ops::RangeInclusive<u32> = 900..=2_678_400;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StepQuery {
    /// Length of a slot of capture time, seconds.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<u32>, minimum = 900, maximum = 2678400, default = 3600)]
    step_s: Option<Step>,
    /// Counts the files of each dock or flight apart.
    #[param(inline)]
    by: Option<GroupBy>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    GatewaySn,
    FlightId,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Step(u32);

impl TryFrom<String> for Step {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let step = text.parse().ok().filter(|step| STEPS_S.contains(step));
        step.map(Self)
            .ok_or_else(|| format!("step_s: a number from {} to {} is needed", STEPS_S.start(), STEPS_S.end()))
    }
}

/// What a filter finds, in figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaCountsItem {
    pub total: i64,
    pub size_bytes: i64,
    /// Files of unknown capture time.
    pub undated: i64,
    /// Only kinds that occur.
    pub kinds: Vec<KindCount>,
    pub step_s: u32,
    /// By capture time, newest first; slots without files are left out.
    pub slots: Vec<SlotCount>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct KindCount {
    pub kind: MediaKind,
    pub count: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SlotCount {
    /// When the slot begins: a multiple of `step_s` since 1970.
    pub at: Timestamp,
    /// With `by`: the dock or flight, null for files that have none (`gateway_sn=none` and `flight_id=none` list those).
    pub group: Option<String>,
    pub count: i64,
}

/// Count files by kind and over time
///
/// The filter is the same as the list's.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/media/counts", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), MediaQuery, StepQuery),
    responses((status = 200, body = MediaCountsItem)))]
pub async fn count_media(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    QueryParams(query): QueryParams<MediaQuery>,
    QueryParams(step): QueryParams<StepQuery>,
) -> Result<Json<MediaCountsItem>, Problem> {
    let step_s = step.step_s.map_or(DEFAULT_STEP_S, |step| step.0);
    let by = step.by.map(|by| match by {
        GroupBy::GatewaySn => MediaGroup::GatewaySn,
        GroupBy::FlightId => MediaGroup::FlightId,
    });
    let counts = app.catalogue.count_media_over_time(scope.workspace.id, &query.into(), step_s, by).await?;
    Ok(Json(MediaCountsItem {
        total: counts.total,
        size_bytes: counts.size_bytes,
        undated: counts.undated,
        kinds: counts.kinds.into_iter().map(|(kind, count)| KindCount { kind: kind.into(), count }).collect(),
        step_s,
        slots: counts
            .slots
            .into_iter()
            .map(|slot| SlotCount { at: slot.at, group: slot.group, count: slot.count })
            .collect(),
    }))
}
