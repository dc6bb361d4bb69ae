//! `GET /pilot/api/state`: what the page tells the crew about connection and uploads.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::crew::PageCrew;
use crate::api::docks::DockAircraft;
use crate::api::extract::{QueryParams, blank_is_none};
use crate::api::problem::Problem;
use crate::api::words::MediaStatus;
use crate::app::App;

#[derive(Debug, Serialize, ToSchema)]
pub struct PilotState {
    pub sn: String,
    /// It was heard over MQTT in the last 60 seconds.
    pub mqtt_connected: bool,
    /// Over MQTT.
    pub last_heard_at: Option<Timestamp>,
    /// Behind it now.
    pub aircraft: Vec<DockAircraft>,
    /// Files that it reported since `since` and that are stored.
    pub uploads_today: i64,
    /// The last one it reported.
    pub last_file: Option<LastFile>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LastFile {
    pub name: String,
    /// When it was reported first.
    pub at: Timestamp,
    pub size_bytes: Option<i64>,
    pub status: MediaStatus,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StateQuery {
    /// When the crew's day began; midnight in UTC when left out.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    since: Option<Timestamp>,
}

/// Show a controller's connection and uploads
#[utoipa::path(get, path = "/pilot/api/state", tag = "pilot", security(("controller" = [])), params(StateQuery),
    responses((status = 200, body = PilotState)))]
pub(super) async fn get_pilot_state(
    State(app): State<Arc<App>>,
    PageCrew(crew): PageCrew,
    QueryParams(query): QueryParams<StateQuery>,
) -> Result<Json<PilotState>, Problem> {
    let (sn, now) = (&crew.device.sn, app.now());
    let since = query.since.unwrap_or_else(|| midnight(now));
    let uploads = app.catalogue.uploads_of_controller(crew.device.workspace_id, sn, since).await?;
    let view = app.docks.live(sn, now);
    let live = view.as_ref().map(|view| &view.live);
    let aircraft = view.iter().flat_map(|view| &view.aircraft);
    let aircraft =
        aircraft.map(|aircraft| DockAircraft { sn: aircraft.sn.clone(), model_key: aircraft.model_key.clone() });
    let mut aircraft: Vec<_> = aircraft.collect();
    aircraft.sort_unstable_by(|a, b| a.sn.cmp(&b.sn));
    Ok(Json(PilotState {
        sn: sn.clone(),
        mqtt_connected: view.as_ref().is_some_and(|view| view.online),
        last_heard_at: live.and_then(|live| live.last_seen_at),
        aircraft,
        uploads_today: uploads.stored_count,
        last_file: uploads.last.map(|last| LastFile {
            name: last.name,
            at: last.created_at,
            size_bytes: last.size_bytes,
            status: last.status.into(),
        }),
    }))
}

fn midnight(now: Timestamp) -> Timestamp {
    now.to_zoned(TimeZone::UTC).start_of_day().map_or(now, |day| day.timestamp())
}
