//! A controller's login, as its page needs it: shown, renewed, ended.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::{ControllerSession, PilotSettings};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::crew::PageCrew;
use crate::admin::ControllerGrant;
use crate::api::problem::Problem;
use crate::app::App;
use crate::config::{Secret, broker_url};
use crate::gate::login_password;

/// What the login page hands to Pilot 2.
#[derive(Debug, Serialize, ToSchema)]
pub struct PilotSession {
    /// Of the controller.
    pub sn: String,
    /// Who logged it in.
    pub user: Option<String>,
    /// `X-Auth-Token`; null where it is not a new one.
    pub token: Option<String>,
    pub token_expires_at: Timestamp,
    pub workspace_id: Uuid,
    pub workspace_name: String,
    pub platform_name: String,
    /// Null when the server uses an external broker and was not told how controllers reach it (`pilot.mqtt_url`).
    pub mqtt: Option<PilotMqtt>,
    /// Scheme, host and port for the `api` component.
    pub api_host: String,
    /// Null when it is not configured.
    pub license: Option<LicenseItem>,
    pub settings: PilotSettingsItem,
}

/// For the `thing` component.
#[derive(Serialize, ToSchema)]
pub struct PilotMqtt {
    #[schema(example = "tcp://10.0.0.5:1883")]
    pub host: String,
    /// Null where only TCP is known to work: at an external broker.
    #[schema(example = "ws://10.0.0.5:1883")]
    pub ws_host: Option<String>,
    /// The SN, or the account at an external broker.
    pub username: String,
    /// Stays the same over renewals and ends with the login; at an external broker as it was configured.
    pub password: String,
}

/// Of the application at DJI's developer site.
#[derive(Serialize, ToSchema)]
pub struct LicenseItem {
    pub app_id: String,
    pub app_key: String,
    pub app_license: String,
}

/// What the page sets in Pilot 2.
#[derive(Debug, Serialize, ToSchema)]
pub struct PilotSettingsItem {
    pub auto_upload_photo: bool,
    /// 0 original, 1 preview.
    pub auto_upload_photo_type: u8,
    pub auto_upload_video: bool,
}

impl From<PilotSettings> for PilotSettingsItem {
    fn from(settings: PilotSettings) -> Self {
        Self {
            auto_upload_photo: settings.auto_upload_photo,
            auto_upload_photo_type: settings.auto_upload_photo_type,
            auto_upload_video: settings.auto_upload_video,
        }
    }
}

// the password and the keys stay out of Debug
impl std::fmt::Debug for PilotMqtt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PilotMqtt").field("host", &self.host).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for LicenseItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LicenseItem").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

impl PilotSession {
    pub(super) async fn of_grant(app: &App, grant: &ControllerGrant) -> Result<Self, Problem> {
        let plain = Self::new(app, &grant.session, grant.token_expires_at).await?;
        Ok(Self { token: Some(grant.token.clone()), ..plain })
    }

    async fn new(app: &App, session: &ControllerSession, token_expires_at: Timestamp) -> Result<Self, Problem> {
        let workspace = app.catalogue.workspace(&session.workspace_id.to_string()).await?;
        let workspace = workspace.ok_or_else(Problem::not_found)?;
        let settings = app.catalogue.pilot_settings(workspace.id).await?;
        Ok(Self {
            sn: session.sn.clone(),
            user: session.actor.strip_prefix("user:").map(str::to_owned),
            token: None,
            token_expires_at,
            workspace_id: workspace.id,
            workspace_name: workspace.name,
            platform_name: app.config.pilot.platform_name.clone(),
            mqtt: mqtt(app, session),
            api_host: app.urls.http.clone(),
            license: license(app),
            settings: settings.into(),
        })
    }
}

/// Pilot 2 knows `tcp`, `ssl`, `ws` and `wss` (DJI documents the plain ones). Our broker hears all of them on one port.
fn mqtt(app: &App, session: &ControllerSession) -> Option<PilotMqtt> {
    if app.config.mqtt.url.is_some() {
        return external(app.config.pilot.mqtt_url.as_ref()?, &session.sn);
    }
    let (tls, address) = match app.urls.mqtt.split_once("://") {
        Some((scheme, address)) => (scheme == "mqtts", address),
        None => (false, app.urls.mqtt.as_str()),
    };
    let (tcp, ws) = if tls { ("ssl", "wss") } else { ("tcp", "ws") };
    Some(PilotMqtt {
        host: format!("{tcp}://{address}"),
        ws_host: Some(format!("{ws}://{address}")),
        username: session.sn.clone(),
        password: login_password(app, session.id),
    })
}

/// An account at a broker of others: whoever configured it made it there.
fn external(url: &Secret, sn: &str) -> Option<PilotMqtt> {
    let broker = broker_url(url).ok()?;
    let plain = broker.without_secrets();
    let (_, address) = plain.split_once("://")?;
    let host = format!("{}://{address}", if broker.tls { "ssl" } else { "tcp" });
    Some(PilotMqtt { host, ws_host: None, username: broker.username.replace("{sn}", sn), password: broker.password })
}

pub(super) fn license(app: &App) -> Option<LicenseItem> {
    let cloud_api = &app.config.cloud_api;
    let texts = [&cloud_api.app_id, &cloud_api.app_key.0, &cloud_api.app_license.0];
    texts.iter().all(|text| !text.is_empty()).then(|| LicenseItem {
        app_id: cloud_api.app_id.clone(),
        app_key: cloud_api.app_key.0.clone(),
        app_license: cloud_api.app_license.0.clone(),
    })
}

/// Show a controller's login
///
/// The same as the login answered, without the token.
#[utoipa::path(get, path = "/pilot/api/session", tag = "pilot", security(("controller" = [])),
    responses((status = 200, body = PilotSession)))]
pub(super) async fn get_pilot_session(
    State(app): State<Arc<App>>,
    PageCrew(crew): PageCrew,
) -> Result<Json<PilotSession>, Problem> {
    PilotSession::new(&app, &crew.session, crew.token_expires_at).await.map(Json)
}

/// Log a controller out
///
/// Its tokens and its MQTT password end at once.
#[utoipa::path(delete, path = "/pilot/api/session", tag = "pilot", security(("controller" = [])),
    responses((status = 204, description = "It is over")))]
pub(super) async fn delete_pilot_session(
    State(app): State<Arc<App>>,
    PageCrew(crew): PageCrew,
) -> Result<StatusCode, Problem> {
    app.admin(crew.session.actor.as_str()).end_controller_login(&crew.session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a controller a new token before the old one ends
///
/// The old one stays good until its own end. 401 when the login is too old to be renewed.
#[utoipa::path(post, path = "/pilot/api/renew", tag = "pilot", security(("controller" = [])),
    responses((status = 200, body = PilotSession)))]
pub(super) async fn renew_pilot(
    State(app): State<Arc<App>>,
    PageCrew(crew): PageCrew,
) -> Result<Json<PilotSession>, Problem> {
    let admin = app.admin(crew.session.actor.as_str());
    let grant = match admin.renew_controller_login(&crew.session).await {
        Err(crate::admin::AdminError::NotFound { .. }) => {
            return Err(Problem::unauthorized("this login is too old to be renewed: log in again"));
        }
        other => other?,
    };
    PilotSession::of_grant(&app, &grant).await.map(Json)
}
