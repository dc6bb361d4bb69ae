//! Flights, and which of them its dock uploads first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::{Flight, FlightFilter, NewJob, Silence};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Operator, Scope, Viewer};
use super::extract::{PathParams, QueryParams, blank_is_none};
use super::media::SearchText;
use super::page::{Page, PageQuery};
use super::problem::Problem;
use super::site_zone;
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
    /// Those that are missing in the store, in quarantine, or have `warnings` other than that nobody knows what they are.
    pub troubled_count: i64,
    pub state: FlightState,
    /// What the dock last said of the task: sent, in_progress, ok, failed ...
    pub task_status: Option<String>,
    /// `DJI_{time}_{number}_{route}`: the dock's track, or Pilot 2's folder of a wayline's run.
    pub track_id: Option<String>,
    pub first_captured_at: Option<Timestamp>,
    pub last_captured_at: Option<Timestamp>,
    /// west, south, east, north in degrees.
    pub bbox: Option<[f64; 4]>,
    /// Of the place where it was flown, or where its dock stands while no file has a position: a name of the tz database.
    pub time_zone: Option<&'static str>,
    /// When the dock said that it uploads this flight first.
    pub prioritized_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl FlightItem {
    pub fn new(app: &App, flight: Flight) -> Self {
        let Silence { now, after_s } = silence(app);
        let device = flight.gateway_sn.as_deref().and_then(|sn| app.docks.identity(sn));
        let zone_of_device = || site_zone::of_device(app, flight.gateway_sn.as_deref()?);
        Self {
            time_zone: flight.bbox.and_then(site_zone::of_box).or_else(zone_of_device),
            state: flight.state(now, after_s).into(),
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
            troubled_count: flight.troubled_count,
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

fn silence(app: &App) -> Silence {
    let after_s = i64::try_from(app.config.ingest.stalled_after.as_secs()).unwrap_or(i64::MAX);
    Silence { now: app.now(), after_s }
}

/// Which flights are wanted; conditions are joined by "and".
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
    /// Begun at this time or later: `first_captured_at`, or `created_at` while no file has told its time.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    from: Option<Timestamp>,
    /// Begun before this time.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    to: Option<Timestamp>,
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    state: Option<FlightState>,
    /// A part of its `track_id`, which ends with the name of the route, or of its `flight_id`; case ignored.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<String>, max_length = 256)]
    q: Option<SearchText>,
}

/// List flights, the one that began last first
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/flights", tag = "flights",
    params(("ws" = String, Path, description = "id or name of the workspace"), FlightQuery, PageQuery),
    responses((status = 200, body = Page<FlightItem>)))]
pub async fn list_flights(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    QueryParams(query): QueryParams<FlightQuery>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<FlightItem>>, Problem> {
    let filter = FlightFilter {
        gateway_sn: query.gateway_sn,
        source: query.source.map(Into::into),
        from: query.from,
        to: query.to,
        state: query.state.map(|state| (state.into(), silence(&app))),
        q: query.q.map(|text| text.0),
    };
    let found = app.catalogue.list_flights(scope.workspace.id, &filter, page.cursor(), page.limit()).await?;
    Ok(Json(Page::from_rows(found, |flight| FlightItem::new(&app, flight))))
}

/// What is under way, over all flights.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlightCountsItem {
    pub uploading: i64,
    pub stalled: i64,
    /// Docks and controllers that upload these.
    pub uploading_gateways: i64,
    /// Announced files of the uploading ones that did not come yet.
    pub files_left: i64,
}

/// Count the flights that are not complete
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/flights/counts", tag = "flights",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    responses((status = 200, body = FlightCountsItem)))]
pub async fn count_flights(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
) -> Result<Json<FlightCountsItem>, Problem> {
    let counts = app.catalogue.count_flights(scope.workspace.id, silence(&app)).await?;
    Ok(Json(FlightCountsItem {
        uploading: counts.uploading,
        stalled: counts.stalled,
        uploading_gateways: counts.uploading_gateways,
        files_left: counts.files_left,
    }))
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
