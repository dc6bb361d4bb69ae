//! Pilot 2 controllers: what they last said, their accounts, and what their login page sets.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::{Controller, PilotSettings};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::{Admin, Scope, Viewer};
use super::docks::{DockAircraft, DockPosition};
use super::extract::{self, PathParams};
use super::page::Page;
use super::problem::Problem;
use crate::admin::ControllerAccess;
use crate::app::App;
use crate::pilot::PilotSettingsItem;

/// A controller, live as far as it was heard.
#[derive(Debug, Serialize, ToSchema)]
pub struct ControllerItem {
    pub sn: String,
    pub workspace_id: Uuid,
    /// DJI's `domain-type-sub_type`.
    pub model_key: Option<String>,
    /// Heard over MQTT in the last 60 seconds.
    pub online: bool,
    pub last_seen_at: Option<Timestamp>,
    /// Behind it now.
    pub aircraft: Vec<DockAircraft>,
    pub credentials_issued_at: Option<Timestamp>,
    /// Its uploads lie below this, a slash between.
    pub object_key_prefix: Option<String>,
    pub firmware_version: Option<String>,
    /// WGS 84.
    pub position: Option<DockPosition>,
    pub disabled: bool,
    pub created_at: Timestamp,
}

impl ControllerItem {
    fn new(app: &App, controller: Controller) -> Self {
        let view = app.docks.live(&controller.sn, app.now());
        let online = view.as_ref().is_some_and(|view| view.online);
        let (live, aircraft) = view.map_or((controller.live, controller.aircraft), |view| (view.live, view.aircraft));
        let aircraft = aircraft.into_iter();
        let mut aircraft: Vec<_> =
            aircraft.map(|aircraft| DockAircraft { sn: aircraft.sn, model_key: aircraft.model_key }).collect();
        aircraft.sort_by(|a, b| a.sn.cmp(&b.sn));
        Self {
            workspace_id: controller.workspace_id,
            model_key: live.model_key,
            online,
            last_seen_at: live.last_seen_at,
            aircraft,
            credentials_issued_at: live.credentials_issued_at,
            object_key_prefix: app.docks.object_key_prefix(&controller.sn),
            firmware_version: live.firmware_version,
            position: live.lat.zip(live.lng).map(|(lat, lng)| DockPosition { lat, lng }),
            disabled: controller.disabled,
            created_at: controller.created_at,
            sn: controller.sn,
        }
    }
}

/// List controllers by serial number
///
/// All of them at once: a workspace has as many as it has crews.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/controllers", tag = "pilot",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    responses((status = 200, body = Page<ControllerItem>)))]
pub async fn list_controllers(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
) -> Result<Json<Page<ControllerItem>>, Problem> {
    let controllers = app.catalogue.controllers(Some(scope.workspace.id)).await?;
    let items = controllers.into_iter().map(|controller| ControllerItem::new(&app, controller)).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

/// Show a controller
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/controllers/{sn}", tag = "pilot",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("sn" = String, Path)),
    responses((status = 200, body = ControllerItem)))]
pub async fn get_controller(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, sn)): PathParams<(String, String)>,
) -> Result<Json<ControllerItem>, Problem> {
    let controller = visible(&app, scope.workspace.id, &sn).await?;
    Ok(Json(ControllerItem::new(&app, controller)))
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct ControllerRequest {
    /// Letters, digits, `-` and `_`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    sn: String,
}

/// What a controller logs in with, for those that do not use the login page. Password and token are shown this once.
#[derive(Serialize, ToSchema)]
pub struct ControllerAccessItem {
    pub sn: String,
    /// The SN.
    pub username: String,
    pub password: String,
    pub mqtt_url: String,
    /// `X-Auth-Token`, good for `pilot.token_lifetime`.
    pub token: String,
}

impl From<ControllerAccess> for ControllerAccessItem {
    fn from(access: ControllerAccess) -> Self {
        let ControllerAccess { sn, username, password, mqtt_url, token } = access;
        Self { sn, username, password, mqtt_url, token }
    }
}

/// Give a controller its account
///
/// Not needed for crews that log in at `/pilot`: that makes the account.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/controllers", tag = "pilot",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    request_body = ControllerRequest, responses((status = 201, body = ControllerAccessItem)))]
pub async fn add_controller(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    extract::Json(request): extract::Json<ControllerRequest>,
) -> Result<(StatusCode, Json<ControllerAccessItem>), Problem> {
    let access = app.admin(scope.caller.actor()).add_controller(&scope.workspace, &request.sn).await?;
    app.docks.load(&app.catalogue).await?;
    Ok((StatusCode::CREATED, Json(access.into())))
}

/// Give a controller a new password and token
///
/// Every login, token and connection of it ends at once. 403 for a disabled one.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/controllers/{sn}/rotate", tag = "pilot",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("sn" = String, Path)),
    responses((status = 200, body = ControllerAccessItem)))]
pub async fn rotate_controller(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, sn)): PathParams<(String, String)>,
) -> Result<Json<ControllerAccessItem>, Problem> {
    let controller = visible(&app, scope.workspace.id, &sn).await?;
    let access = app.admin(scope.caller.actor()).rotate_controller(&controller.sn).await?;
    disconnect(&app, &controller.sn).await;
    Ok(Json(access.into()))
}

/// Shut a controller out
///
/// Its logins, tokens and connections end at once; what it uploaded stays.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/controllers/{sn}/disable", tag = "pilot",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("sn" = String, Path)),
    responses((status = 200, body = ControllerItem)))]
pub async fn disable_controller(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, sn)): PathParams<(String, String)>,
) -> Result<Json<ControllerItem>, Problem> {
    set_enabled(&app, &scope, &sn, false).await
}

/// Let a disabled controller log in again
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/controllers/{sn}/enable", tag = "pilot",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("sn" = String, Path)),
    responses((status = 200, body = ControllerItem)))]
pub async fn enable_controller(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, sn)): PathParams<(String, String)>,
) -> Result<Json<ControllerItem>, Problem> {
    set_enabled(&app, &scope, &sn, true).await
}

async fn set_enabled(
    app: &App,
    scope: &Scope<Admin>,
    sn: &str,
    enabled: bool,
) -> Result<Json<ControllerItem>, Problem> {
    let controller = visible(app, scope.workspace.id, sn).await?;
    let controller = app.admin(scope.caller.actor()).set_controller_enabled(&controller.sn, enabled).await?;
    app.docks.load(&app.catalogue).await?;
    if !enabled {
        disconnect(app, sn).await;
    }
    Ok(Json(ControllerItem::new(app, controller)))
}

/// The gate's watcher would do it too, a moment later.
async fn disconnect(app: &App, sn: &str) {
    if let Some(broker) = app.broker.get() {
        broker.disconnect(sn).await;
    }
}

async fn visible(app: &App, workspace_id: Uuid, sn: &str) -> Result<Controller, Problem> {
    let controller = app.catalogue.controller(sn).await?;
    controller.filter(|controller| controller.workspace_id == workspace_id).ok_or_else(Problem::not_found)
}

/// What login pages set; a field that is left out keeps its value.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PilotSettingsRequest {
    auto_upload_photo: Option<bool>,
    /// 0 original, 1 preview.
    #[schema(maximum = 1)]
    auto_upload_photo_type: Option<u8>,
    auto_upload_video: Option<bool>,
}

/// Show what Pilot 2 is told to upload
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/pilot-settings", tag = "pilot",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    responses((status = 200, body = PilotSettingsItem)))]
pub async fn get_pilot_settings(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
) -> Result<Json<PilotSettingsItem>, Problem> {
    Ok(Json(app.catalogue.pilot_settings(scope.workspace.id).await?.into()))
}

/// Say what Pilot 2 is told to upload
///
/// Login pages set it at the next login or reload.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/pilot-settings", tag = "pilot",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    request_body = PilotSettingsRequest, responses((status = 200, body = PilotSettingsItem)))]
pub async fn set_pilot_settings(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    extract::Json(request): extract::Json<PilotSettingsRequest>,
) -> Result<Json<PilotSettingsItem>, Problem> {
    let old = app.catalogue.pilot_settings(scope.workspace.id).await?;
    let settings = PilotSettings {
        auto_upload_photo: request.auto_upload_photo.unwrap_or(old.auto_upload_photo),
        auto_upload_photo_type: request.auto_upload_photo_type.unwrap_or(old.auto_upload_photo_type),
        auto_upload_video: request.auto_upload_video.unwrap_or(old.auto_upload_video),
    };
    if settings.auto_upload_photo_type > 1 {
        return Err(Problem::bad_request("auto_upload_photo_type: 0 is the original, 1 a preview"));
    }
    app.catalogue.set_pilot_settings(scope.workspace.id, settings).await?;
    let item = PilotSettingsItem::from(settings);
    let admin = app.admin(scope.caller.actor());
    admin.audit(Some(scope.workspace.id), "pilot.settings", &scope.workspace.name, json!(item)).await?;
    Ok(Json(item))
}
