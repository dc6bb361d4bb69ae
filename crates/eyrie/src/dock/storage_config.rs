//! `storage_config_get`, and Pilot 2's `sts`: credentials that can write below the device's own prefix, and nothing else.
//!
//! Signed here, without a call to anybody; the catalogue is touched once in a device's life, to remember its prefix before
//! anything can be written below it.

use std::sync::Arc;

use eyrie_catalogue::{DockLive, IssuedPrefix};
use eyrie_cloudapi::{StorageConfig, StorageConfigGet, error as codes, storage_config_reply};

use super::state::Identity;
use super::{Answer, Call};
use crate::app::App;

pub(super) async fn get(call: &Call<'_>, request: &StorageConfigGet) -> Answer {
    let Some(dock) = call.app.docks.identity(call.sn()) else {
        return Answer::refused(codes::STORAGE_UNAVAILABLE, "the dock is not known here: add it with `eyrie dock add`");
    };
    if !matches!(request.module, 0 | 1) {
        return Answer::refused(codes::ILLEGAL_ARGUMENT, format!("there is no storage for module {}", request.module));
    }
    match grant(call.app, &dock).await {
        Ok(config) => Answer::done(storage_config_reply(&config)),
        Err(why) => Answer::refused(codes::STORAGE_UNAVAILABLE, why),
    }
}

/// Where a dock or controller uploads to, with fresh credentials.
///
/// # Errors
/// Why there are none now, in words.
pub(crate) async fn grant(app: &Arc<App>, device: &Identity) -> Result<StorageConfig, String> {
    if device.disabled {
        return Err("the device is disabled".to_owned());
    }
    app.store.writable().map_err(|error| error.to_string())?;
    // a file that could not be reported afterwards had better stay on the device
    app.catalogue.writable().map_err(|error| error.to_string())?;
    let prefix = match app.docks.recorded_prefix(&device.sn) {
        Some(prefix) => prefix,
        None => record_prefix(app, device).await.map_err(|error| format!("the prefix could not be stored: {error}"))?,
    };
    let lifetime_s = u32::try_from(app.config.s3.credentials_lifetime.as_secs()).unwrap_or(u32::MAX);
    let credentials = app.issuer.dock_session(&prefix.bucket, &prefix.prefix, lifetime_s);
    // not "heard": a controller that asks over HTTPS may have no MQTT connection
    app.docks.said(&device.sn, &DockLive { credentials_issued_at: Some(app.now()), ..Default::default() });
    Ok(StorageConfig {
        bucket: prefix.bucket,
        region: app.config.s3.region.clone(),
        provider: app.config.s3.provider.clone(),
        endpoint: app.urls.s3.clone(),
        object_key_prefix: prefix.prefix,
        access_key_id: credentials.access_key_id,
        access_key_secret: credentials.secret_access_key,
        security_token: credentials.session_token,
        expire_s: i64::from(lifetime_s),
    })
}

/// Durable before the device hears of it: a file that arrives below a prefix nobody remembers would be quarantined.
async fn record_prefix(app: &App, device: &Identity) -> eyrie_catalogue::Result<IssuedPrefix> {
    let prefix = IssuedPrefix {
        gateway_sn: device.sn.clone(),
        workspace_id: device.workspace_id,
        bucket: device.bucket.clone(),
        prefix: device.kind.prefix_for(&device.sn),
        issued_at: app.now(),
    };
    app.docks.record_prefix(&app.catalogue, &prefix).await?;
    Ok(prefix)
}
