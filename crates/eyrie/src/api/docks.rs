//! Docks: what they last said, what they asked and were answered, and their accounts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::{Dock, Exchange, TraceEntry};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::{Admin, Scope, Viewer};
use super::extract::{self, PathParams, QueryParams};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use super::site_zone;
use crate::admin::DockAccess;
use crate::app::App;

/// A dock, live as far as it was heard.
#[derive(Debug, Serialize, ToSchema)]
pub struct DockItem {
    pub sn: String,
    pub workspace_id: Uuid,
    pub callsign: Option<String>,
    /// DJI's `domain-type-sub_type`.
    pub model_key: Option<String>,
    /// Heard in the last 60 seconds.
    pub online: bool,
    pub last_seen_at: Option<Timestamp>,
    /// Files it still has to upload, as it counts them.
    pub remain_upload: Option<i64>,
    pub storage: DockStorage,
    /// The aircraft it holds.
    pub aircraft: Vec<DockAircraft>,
    pub credentials_issued_at: Option<Timestamp>,
    /// Its uploads lie below this, a slash between.
    pub object_key_prefix: Option<String>,
    pub firmware_version: Option<String>,
    /// 0 preparing, 1 flying, 2 recovering, 3 and 4 updating data, 5 idle, 255 aircraft fault, 256 unknown.
    pub flighttask_step_code: Option<i64>,
    /// What it said last that wanted an answer.
    pub last_exchange: Option<DockExchange>,
    /// Where it stands, WGS 84.
    pub position: Option<DockPosition>,
    /// Of the place where it stands: a name of the tz database.
    pub time_zone: Option<&'static str>,
    pub disabled: bool,
    /// When it bound itself with the right code.
    pub bound_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DockExchange {
    pub at: Timestamp,
    pub method: String,
    /// 0 is success; null: no answer was wanted.
    pub result: Option<i64>,
}

impl From<Exchange> for DockExchange {
    fn from(exchange: Exchange) -> Self {
        let Exchange { at, method, result } = exchange;
        Self { at, method, result }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DockStorage {
    pub total_kb: Option<i64>,
    pub used_kb: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DockAircraft {
    pub sn: String,
    pub model_key: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DockPosition {
    pub lat: f64,
    pub lng: f64,
}

impl DockItem {
    /// The row, under what the dock said since it was written.
    pub fn new(app: &App, dock: Dock) -> Self {
        let view = app.docks.live(&dock.sn, app.now());
        let online = view.as_ref().is_some_and(|view| view.online);
        let (live, aircraft) = view.map_or((dock.live, dock.aircraft), |view| (view.live, view.aircraft));
        let mut aircraft: Vec<_> = aircraft
            .into_iter()
            .map(|aircraft| DockAircraft { sn: aircraft.sn, model_key: aircraft.model_key })
            .collect();
        aircraft.sort_by(|a, b| a.sn.cmp(&b.sn));
        Self {
            workspace_id: dock.workspace_id,
            callsign: dock.callsign,
            model_key: live.model_key,
            online,
            last_seen_at: live.last_seen_at,
            remain_upload: live.remain_upload,
            storage: DockStorage { total_kb: live.storage_total_kb, used_kb: live.storage_used_kb },
            aircraft,
            credentials_issued_at: live.credentials_issued_at,
            object_key_prefix: app.docks.object_key_prefix(&dock.sn),
            firmware_version: live.firmware_version,
            flighttask_step_code: live.flighttask_step_code,
            last_exchange: app.trace.last(&dock.sn).map(DockExchange::from),
            time_zone: live.lat.zip(live.lng).and_then(|(lat, lng)| site_zone::of_place(lat, lng)),
            position: live.lat.zip(live.lng).map(|(lat, lng)| DockPosition { lat, lng }),
            disabled: dock.disabled,
            bound_at: dock.bound_at,
            created_at: dock.created_at,
            sn: dock.sn,
        }
    }
}

/// One exchange with a dock, secrets blanked.
#[derive(Debug, Serialize, ToSchema)]
pub struct TraceItem {
    pub id: Uuid,
    pub at: Timestamp,
    /// `up`: the dock spoke. `down`: we did.
    pub direction: String,
    pub topic: String,
    pub method: Option<String>,
    pub tid: String,
    pub bid: String,
    /// 0 is success; anything else is DJI's word for a failure.
    pub result: Option<i64>,
    pub duration_ms: Option<f64>,
    #[schema(value_type = Option<Value>)]
    pub asked: Value,
    #[schema(value_type = Option<Value>)]
    pub answered: Value,
    /// What to know besides, in words: why something was refused.
    pub note: Option<String>,
}

impl From<TraceEntry> for TraceItem {
    fn from(entry: TraceEntry) -> Self {
        let TraceEntry { id, gateway_sn: _, at, direction, topic, method, tid, bid, .. } = entry;
        let TraceEntry { result, duration_ms, asked, answered, note, .. } = entry;
        Self { id, at, direction, topic, method, tid, bid, result, duration_ms, asked, answered, note }
    }
}

/// List docks by serial number
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/docks", tag = "docks",
    params(("ws" = String, Path, description = "id or name of the workspace"), PageQuery),
    responses((status = 200, body = Page<DockItem>)))]
pub async fn list_docks(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<DockItem>>, Problem> {
    let docks = app.catalogue.docks(Some(scope.workspace.id)).await?;
    Ok(Json(Page::cut(docks, &page, |dock| dock.sn.clone(), |dock| DockItem::new(&app, dock))?))
}

/// Show one dock
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/docks/{sn}", tag = "docks",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("sn" = String, Path)),
    responses((status = 200, body = DockItem)))]
pub async fn get_dock(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, sn)): PathParams<(String, String)>,
) -> Result<Json<DockItem>, Problem> {
    let dock = visible(&app, scope.workspace.id, &sn).await?;
    Ok(Json(DockItem::new(&app, dock)))
}

/// List what a dock asked and what it was answered, the newest first
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/docks/{sn}/trace", tag = "docks",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("sn" = String, Path), PageQuery),
    responses((status = 200, body = Page<TraceItem>)))]
pub async fn list_trace(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, sn)): PathParams<(String, String)>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<TraceItem>>, Problem> {
    let dock = visible(&app, scope.workspace.id, &sn).await?;
    let found = app.catalogue.trace_of(&dock.sn, page.cursor(), page.limit()).await?;
    Ok(Json(Page::from_rows(found, TraceItem::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct DockRequest {
    /// Letters, digits, `-` and `_`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    sn: String,
    #[schema(max_length = 64)]
    callsign: Option<String>,
}

/// What may be changed of a dock.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DockChangeRequest {
    /// What people call it. The dock no longer changes it; with null it may say again itself.
    #[schema(max_length = 64)]
    callsign: Option<String>,
}

/// What a dock's operator types in on its screen. The password is shown this once.
#[derive(Serialize, ToSchema)]
pub struct DockAccessItem {
    pub sn: String,
    pub workspace_id: Uuid,
    /// The SN.
    pub username: String,
    pub password: String,
    pub mqtt_url: String,
    pub binding_code: String,
    pub organization_id: String,
}

impl From<DockAccess> for DockAccessItem {
    fn from(access: DockAccess) -> Self {
        let DockAccess { sn, workspace_id, username, password, mqtt_url, binding_code, organization_id } = access;
        Self { sn, workspace_id, username, password, mqtt_url, binding_code, organization_id }
    }
}

/// Give a dock its account
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/docks", tag = "docks",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    request_body = DockRequest, responses((status = 201, body = DockAccessItem)))]
pub async fn add_dock(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    extract::Json(request): extract::Json<DockRequest>,
) -> Result<(StatusCode, Json<DockAccessItem>), Problem> {
    let admin = app.admin(scope.caller.actor());
    let access = admin.add_dock(&scope.workspace, &request.sn, request.callsign.as_deref()).await?;
    app.docks.load(&app.catalogue).await?;
    Ok((StatusCode::CREATED, Json(access.into())))
}

/// What is typed in on a dock's screen, without the password, which nobody is told twice.
#[derive(Debug, Serialize, ToSchema)]
pub struct DockSetUpItem {
    pub mqtt_url: String,
    /// The SN.
    pub username: String,
    pub organization_id: String,
    pub binding_code: String,
}

/// Show what is typed in on a dock's screen
///
/// All but the password; `/rotate` makes a new one.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/docks/{sn}/set-up", tag = "docks",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("sn" = String, Path)),
    responses((status = 200, body = DockSetUpItem)))]
pub async fn get_dock_set_up(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, sn)): PathParams<(String, String)>,
) -> Result<Json<DockSetUpItem>, Problem> {
    let dock = visible(&app, scope.workspace.id, &sn).await?;
    Ok(Json(DockSetUpItem {
        mqtt_url: app.urls.mqtt.clone(),
        username: dock.sn,
        organization_id: scope.workspace.organization_id,
        binding_code: scope.workspace.binding_code,
    }))
}

/// Call a dock something else
#[utoipa::path(patch, path = "/api/v1/workspaces/{ws}/docks/{sn}", tag = "docks",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("sn" = String, Path)),
    request_body = DockChangeRequest, responses((status = 200, body = DockItem)))]
pub async fn change_dock(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, sn)): PathParams<(String, String)>,
    extract::Json(change): extract::Json<DockChangeRequest>,
) -> Result<Json<DockItem>, Problem> {
    let dock = visible(&app, scope.workspace.id, &sn).await?;
    let callsign = change.callsign.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let dock = app.admin(scope.caller.actor()).name_dock(&dock.sn, callsign).await?;
    app.docks.load(&app.catalogue).await?;
    Ok(Json(DockItem::new(&app, dock)))
}

/// Give a dock a new password
///
/// Its connection ends at once and the old password is worthless.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/docks/{sn}/rotate", tag = "docks",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("sn" = String, Path)),
    responses((status = 200, body = DockAccessItem)))]
pub async fn rotate_dock(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, sn)): PathParams<(String, String)>,
) -> Result<Json<DockAccessItem>, Problem> {
    let dock = visible(&app, scope.workspace.id, &sn).await?;
    let access = app.admin(scope.caller.actor()).rotate_dock(&dock.sn).await?;
    disconnect(&app, &dock.sn).await;
    Ok(Json(access.into()))
}

/// Shut a dock out
///
/// Its connection ends at once; what it uploaded stays.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/docks/{sn}/disable", tag = "docks",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("sn" = String, Path)),
    responses((status = 200, body = DockItem)))]
pub async fn disable_dock(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, sn)): PathParams<(String, String)>,
) -> Result<Json<DockItem>, Problem> {
    set_enabled(&app, &scope, &sn, false).await
}

/// Let a disabled dock in again
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/docks/{sn}/enable", tag = "docks",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("sn" = String, Path)),
    responses((status = 200, body = DockItem)))]
pub async fn enable_dock(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, sn)): PathParams<(String, String)>,
) -> Result<Json<DockItem>, Problem> {
    set_enabled(&app, &scope, &sn, true).await
}

async fn set_enabled(app: &App, scope: &Scope<Admin>, sn: &str, enabled: bool) -> Result<Json<DockItem>, Problem> {
    let dock = visible(app, scope.workspace.id, sn).await?;
    let dock = app.admin(scope.caller.actor()).set_dock_enabled(&dock.sn, enabled).await?;
    app.docks.load(&app.catalogue).await?;
    if !enabled {
        disconnect(app, &dock.sn).await;
    }
    Ok(Json(DockItem::new(app, dock)))
}

/// The gate's watcher would do it too, a moment later.
async fn disconnect(app: &App, sn: &str) {
    if let Some(broker) = app.broker.get() {
        broker.disconnect(sn).await;
    }
}

async fn visible(app: &App, workspace_id: Uuid, sn: &str) -> Result<Dock, Problem> {
    let dock = app.catalogue.dock(sn).await?;
    dock.filter(|dock| dock.workspace_id == workspace_id).ok_or_else(Problem::not_found)
}
