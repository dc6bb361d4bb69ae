//! Flights, and which of them its dock uploads first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::{Flight, FlightFilter, NewJob};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Operator, Scope, Viewer};
use super::extract::{PathParams, QueryParams, blank_is_none};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use super::words::{FlightState, MediaSource};
use crate::app::App;
use crate::dock::state::GatewayKind;
use crate::jobs::prioritize_upload::{self, PrioritizeUpload};

/// A flight: known as soon as one file or event names it, with or without counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlightItem {
    pub flight_id: String,
    pub workspace_id: Uuid,
    pub gateway_sn: Option<String>,
    /// What `gateway_sn` is: a dock, or a controller with Pilot 2; null for one that is not known here.
    pub source: Option<MediaSource>,
    /// 0 wayline, 1 one-key take-off.
    pub flight_type: Option<i64>,
    pub expected_file_count: Option<i64>,
    pub uploaded_file_count: Option<i64>,
    /// Shots taken, as the dock counts them while it flies.
    pub media_count: Option<i64>,
    /// Files of this flight that are in the library and in the store.
    pub stored_count: i64,
    /// Those in the trash.
    pub trashed_count: i64,
    /// Those that were deleted for good.
    pub deleted_count: i64,
    pub state: FlightState,
    /// What the dock last said of the task: sent, in_progress, ok, failed ...
    pub task_status: Option<String>,
    /// `DJI_{time}_{number}_{route}`: the dock's track, or Pilot 2's folder of a wayline's run.
    pub track_id: Option<String>,
    pub first_captured_at: Option<Timestamp>,
    pub last_captured_at: Option<Timestamp>,
    /// west, south, east, north in degrees.
    pub bbox: Option<[f64; 4]>,
    /// When the dock said that it uploads this flight first.
    pub prioritized_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl FlightItem {
    pub fn new(app: &App, flight: Flight) -> Self {
        let stalled_after_s = i64::try_from(app.config.ingest.stalled_after.as_secs()).unwrap_or(i64::MAX);
        let device = flight.gateway_sn.as_deref().and_then(|sn| app.docks.identity(sn));
        // nobody tells how many files a crew will bring, but for a wayline's
        let is_counted = device.as_ref().is_none_or(|device| device.kind == GatewayKind::Dock);
        Self {
            state: flight.state(app.now(), stalled_after_s, is_counted).into(),
            source: device.map(|device| device.kind.source().into()),
            flight_id: flight.flight_id,
            workspace_id: flight.workspace_id,
            gateway_sn: flight.gateway_sn,
            flight_type: flight.flight_type,
            expected_file_count: flight.expected_file_count,
            uploaded_file_count: flight.uploaded_file_count,
            media_count: flight.media_count,
            stored_count: flight.stored_count,
            trashed_count: flight.trashed_count,
            deleted_count: flight.purged_count,
            task_status: flight.task_status,
            track_id: flight.track_id,
            first_captured_at: flight.first_captured_at,
            last_captured_at: flight.last_captured_at,
            bbox: flight.bbox,
            prioritized_at: flight.prioritized_at,
            created_at: flight.created_at,
            updated_at: flight.updated_at,
        }
    }
}

/// A flight without counts never has all its files by number. It is complete when its dock, heard for long since its last
/// word, has nothing left to upload.
fn state(app: &App, flight: &Flight) -> eyrie_catalogue::FlightState {
    use eyrie_catalogue::FlightState::{Complete, Stalled};
    let stalled_after_s = i64::try_from(app.config.ingest.stalled_after.as_secs()).unwrap_or(i64::MAX);
    let state = flight.state(app.now(), stalled_after_s);
    if state != Stalled || flight.expected().is_some() {
        return state;
    }
    let dock = flight.gateway_sn.as_deref().and_then(|sn| app.docks.live(sn, app.now()));
    let nothing_left = dock.is_some_and(|dock| {
        let since_s = dock.live.last_seen_at.map(|seen| seen.duration_since(flight.updated_at).as_secs());
        dock.live.remain_upload == Some(0) && since_s.is_some_and(|since| since >= stalled_after_s)
    });
    if nothing_left { Complete } else { Stalled }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FlightQuery {
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    gateway_sn: Option<String>,
    /// What brought it; `import`: no device that is known here.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    source: Option<MediaSource>,
}

/// List flights, the newest first
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/flights", tag = "flights",
    params(("ws" = String, Path, description = "id or name of the workspace"), FlightQuery, PageQuery),
    responses((status = 200, body = Page<FlightItem>)))]
pub async fn list_flights(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    QueryParams(query): QueryParams<FlightQuery>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<FlightItem>>, Problem> {
    let filter = FlightFilter { gateway_sn: query.gateway_sn.as_deref(), source: query.source.map(Into::into) };
    let found = app.catalogue.list_flights(scope.workspace.id, filter, page.cursor(), page.limit()).await?;
    Ok(Json(Page::from_rows(found, |flight| FlightItem::new(&app, flight))))
}

/// Show one flight
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/flights/{flight_id}", tag = "flights",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("flight_id" = String, Path)),
    responses((status = 200, body = FlightItem)))]
pub async fn get_flight(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, flight_id)): PathParams<(String, String)>,
) -> Result<Json<FlightItem>, Problem> {
    let flight = app.catalogue.flight(scope.workspace.id, &flight_id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(FlightItem::new(&app, flight)))
}

/// Work that was taken on and goes on after the answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// Its outcome is at `/jobs/{id}`.
    pub job_id: Uuid,
}

/// Ask the flight's dock to upload it first
///
/// The dock's answer becomes the outcome of the job; `prioritized_at` is set when the dock itself reports it.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/flights/{flight_id}/prioritize", tag = "flights",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("flight_id" = String, Path)),
    responses((status = 202, body = Accepted)))]
pub async fn prioritize_flight(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, flight_id)): PathParams<(String, String)>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let flight = app.catalogue.flight(scope.workspace.id, &flight_id).await?.ok_or_else(Problem::not_found)?;
    let gateway_sn = flight.gateway_sn.ok_or_else(|| Problem::conflict("no dock is known for this flight"))?;
    if app.docks.identity(&gateway_sn).is_some_and(|device| device.kind == GatewayKind::Controller) {
        return Err(Problem::conflict("this flight came from a remote controller, and only docks can be asked"));
    }
    let (job_id, now) = (app.new_id(), app.now());
    let payload = PrioritizeUpload { flight_id: flight_id.clone(), gateway_sn };
    let job = NewJob {
        id: job_id,
        workspace_id: Some(scope.workspace.id),
        kind: prioritize_upload::KIND.into(),
        media_id: None,
        flight_id: Some(flight_id.clone()),
        payload: serde_json::to_value(&payload).map_err(Problem::internal)?,
        run_after: now,
        max_attempts: app.config.jobs.max_attempts,
    };
    app.catalogue.add_jobs(&[job], now).await?;
    app.wake.wake();
    let detail = json!({ "gateway_sn": payload.gateway_sn, "job_id": job_id });
    scope.audit(&app, "flight.prioritize", &flight_id, detail).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { job_id })))
}
