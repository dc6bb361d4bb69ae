//! `storage_config_get`: credentials that can write below the dock's own prefix, and nothing else.
//!
//! Signed here, without a call to anybody; the catalogue is touched once in a dock's life, to remember its prefix before
//! anything can be written below it.

use eyrie_catalogue::{DockLive, IssuedPrefix};
use eyrie_cloudapi::{StorageConfig, StorageConfigGet, error as codes, storage_config_reply};

use super::state::{Identity, prefix_for};
use super::{Answer, Call};

pub(super) async fn get(call: &Call<'_>, request: &StorageConfigGet) -> Answer {
    let (app, sn) = (call.app, call.sn());
    let Some(dock) = app.docks.identity(sn) else {
        return Answer::refused(codes::STORAGE_UNAVAILABLE, "the dock is not known here: add it with `eyrie dock add`");
    };
    if dock.disabled {
        return Answer::refused(codes::STORAGE_UNAVAILABLE, "the dock is disabled");
    }
    if !matches!(request.module, 0 | 1) {
        return Answer::refused(codes::ILLEGAL_ARGUMENT, format!("there is no storage for module {}", request.module));
    }
    if let Err(error) = app.store.writable() {
        return Answer::refused(codes::STORAGE_UNAVAILABLE, error.to_string());
    }
    // a file that could not be reported afterwards had better stay on the dock
    if let Err(error) = app.catalogue.writable() {
        return Answer::refused(codes::STORAGE_UNAVAILABLE, error.to_string());
    }
    let prefix = match app.docks.recorded_prefix(sn) {
        Some(prefix) => prefix,
        None => match record_prefix(call, &dock).await {
            Ok(prefix) => prefix,
            Err(error) => {
                return Answer::refused(codes::STORAGE_UNAVAILABLE, format!("the prefix could not be stored: {error}"));
            }
        },
    };
    let lifetime_s = u32::try_from(app.config.s3.credentials_lifetime.as_secs()).unwrap_or(u32::MAX);
    let credentials = app.issuer.dock_session(&prefix.bucket, &prefix.prefix, lifetime_s);
    app.docks.heard(sn, app.now(), &DockLive { credentials_issued_at: Some(app.now()), ..Default::default() });
    Answer::done(storage_config_reply(&StorageConfig {
        bucket: prefix.bucket,
        region: app.config.s3.region.clone(),
        provider: app.config.s3.provider.clone(),
        endpoint: app.urls.s3.clone(),
        object_key_prefix: prefix.prefix,
        access_key_id: credentials.access_key_id,
        access_key_secret: credentials.secret_access_key,
        security_token: credentials.session_token,
        expire_s: i64::from(lifetime_s),
    }))
}

/// Durable before the dock hears of it: a file that arrives below a prefix nobody remembers would be quarantined.
async fn record_prefix(call: &Call<'_>, dock: &Identity) -> eyrie_catalogue::Result<IssuedPrefix> {
    let prefix = IssuedPrefix {
        gateway_sn: dock.sn.clone(),
        workspace_id: dock.workspace_id,
        bucket: dock.bucket.clone(),
        prefix: prefix_for(&dock.sn),
        issued_at: call.app.now(),
    };
    call.app.catalogue.record_prefix(&prefix).await?;
    call.app.docks.remember_prefix(&prefix);
    Ok(prefix)
}
