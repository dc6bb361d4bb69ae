//! What is configured, and from where: to look at, not to change. The file belongs to whoever runs the machine.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::ServerAdmin;
use crate::app::App;
use crate::config::{Explained, explain_config};

#[derive(Debug, Serialize, ToSchema)]
pub struct ServerSettings {
    pub version: String,
    /// What docks, tools and browsers are given.
    pub addresses: ServerAddresses,
    /// In the order of the documented file.
    pub settings: Vec<SettingItem>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ServerAddresses {
    pub http: String,
    pub mqtt: String,
    pub s3: String,
    /// The login page that DJI Pilot 2 opens.
    pub pilot: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SettingItem {
    /// As in the file: `http.listen`.
    pub key: String,
    /// Secrets as `(set)`; empty when not set.
    pub value: String,
    /// `default`, `FILE:LINE`, a variable's name, or a flag.
    pub origin: String,
    /// The variable that would set it.
    pub environment: String,
}

impl From<Explained> for SettingItem {
    fn from(row: Explained) -> Self {
        Self { key: row.key.into(), value: row.value, origin: row.origin, environment: row.environment }
    }
}

/// Show what is configured, and from where
///
/// For the administrator of the server. Secrets are never shown.
#[utoipa::path(get, path = "/api/v1/settings", tag = "administration",
    responses((status = 200, body = ServerSettings)))]
pub async fn get_settings(ServerAdmin(_caller): ServerAdmin, State(app): State<Arc<App>>) -> Json<ServerSettings> {
    let urls = app.urls.clone();
    Json(ServerSettings {
        version: env!("CARGO_PKG_VERSION").into(),
        addresses: ServerAddresses {
            pilot: format!("{}/pilot", urls.http),
            http: urls.http,
            mqtt: urls.mqtt,
            s3: urls.s3,
        },
        settings: explain_config(&app.config).into_iter().map(SettingItem::from).collect(),
    })
}
