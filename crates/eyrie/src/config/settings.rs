//! Every setting by its name: how its text is read into [`Config`], and how it is shown.
//!
//! A key `section.name` of the file is `EYRIE_SECTION_NAME` in the environment. A setting with a flag `--name` has
//! `EYRIE_NAME` beside it.

use std::path::PathBuf;

use super::units::{Text, read_size, show_size};
use super::{Config, Tls};

pub(super) struct Setting {
    /// As in the file: `http.listen`.
    pub(super) key: &'static str,
    /// Without dashes.
    pub(super) flag: Option<&'static str>,
    /// Never shown; may also come from a file, by the same key with `_file` behind it.
    pub(super) secret: bool,
    /// A path in the configuration file counts from that file's folder.
    pub(super) path: bool,
    pub(super) read: fn(&mut Config, &str) -> Result<(), String>,
    pub(super) show: fn(&Config) -> String,
}

impl Setting {
    pub(super) fn env(&self) -> String {
        format!("EYRIE_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }

    pub(super) fn flag_env(&self) -> Option<String> {
        self.flag.map(|flag| format!("EYRIE_{}", flag.replace('-', "_").to_ascii_uppercase()))
    }
}

pub(super) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

const fn setting(
    key: &'static str,
    flag: Option<&'static str>,
    read: fn(&mut Config, &str) -> Result<(), String>,
    show: fn(&Config) -> String,
) -> Setting {
    Setting { key, flag, secret: false, path: false, read, show }
}

/// Sets a field that reads and shows itself.
macro_rules! plain {
    ($key:literal, $flag:expr, $($field:ident).+) => {
        setting($key, $flag, |config, text| { config.$($field).+ = Text::read(text)?; Ok(()) }, |config| config.$($field).+.show())
    };
    ($key:literal, $($field:ident).+) => { plain!($key, None, $($field).+) };
}

macro_rules! secret {
    ($key:literal, $flag:expr, $($field:ident).+) => { Setting { secret: true, ..plain!($key, $flag, $($field).+) } };
}

macro_rules! path {
    ($key:literal, $flag:expr, $($field:ident).+) => { Setting { path: true, ..plain!($key, $flag, $($field).+) } };
}

/// Bytes in a field of any whole number type.
macro_rules! size {
    ($key:literal, $($field:ident).+) => {
        setting(
            $key,
            None,
            |config, text| {
                config.$($field).+ = read_size(text)?.try_into().map_err(|_| format!("{text:?} is too large"))?;
                Ok(())
            },
            |config| show_size(config.$($field).+ as u64),
        )
    };
}

fn tls(config: &mut Config) -> &mut Tls {
    config.tls.get_or_insert_with(|| Tls { cert_file: PathBuf::new(), key_file: PathBuf::new() })
}

fn read_tls(config: &mut Config, text: &str, field: fn(&mut Tls) -> &mut PathBuf) -> Result<(), String> {
    if !text.is_empty() || config.tls.is_some() {
        *field(tls(config)) = PathBuf::from(text);
    }
    if config
        .tls
        .as_ref()
        .is_some_and(|tls| tls.cert_file.as_os_str().is_empty() && tls.key_file.as_os_str().is_empty())
    {
        config.tls = None;
    }
    Ok(())
}

pub(super) const SETTINGS: &[Setting] = &[
    path!("data", Some("data"), data),
    plain!("public_host", Some("public-host"), public_host),
    Setting {
        path: true,
        ..setting(
            "tls.cert_file",
            Some("tls-cert"),
            |config, text| read_tls(config, text, |tls| &mut tls.cert_file),
            |config| config.tls.as_ref().map(|tls| tls.cert_file.show()).unwrap_or_default(),
        )
    },
    Setting {
        path: true,
        ..setting(
            "tls.key_file",
            Some("tls-key"),
            |config, text| read_tls(config, text, |tls| &mut tls.key_file),
            |config| config.tls.as_ref().map(|tls| tls.key_file.show()).unwrap_or_default(),
        )
    },
    plain!("http.listen", Some("http"), http.listen),
    plain!("http.public_url", http.public_url),
    plain!("http.max_connections", http.limits.max_connections),
    plain!("http.header_timeout", http.limits.header_timeout),
    plain!("http.idle_timeout", http.limits.idle_timeout),
    size!("http.max_header_size", http.limits.max_header_bytes),
    size!("http.max_body_size", http.max_body_bytes),
    plain!("http.content_url_lifetime", http.content_url_lifetime),
    plain!("http.session_lifetime", http.session_lifetime),
    plain!("http.max_failed_logins", http.max_failed_logins),
    plain!("http.trusted_proxies", http.trusted_proxies),
    plain!("mqtt.listen", Some("mqtt"), mqtt.listen),
    plain!("mqtt.public_url", mqtt.public_url),
    secret!("mqtt.url", Some("mqtt-url"), mqtt.url),
    path!("mqtt.ca_file", None, mqtt.ca_file),
    plain!("mqtt.max_connections", mqtt.max_connections),
    size!("mqtt.max_packet_size", mqtt.max_packet_bytes),
    plain!("mqtt.handshake_timeout", mqtt.handshake_timeout),
    plain!("mqtt.max_inflight", mqtt.max_inflight),
    plain!("mqtt.max_queued", mqtt.max_queued),
    setting(
        "mqtt.max_keepalive",
        None,
        |config, text| {
            let seconds = std::time::Duration::read(text)?.as_secs();
            config.mqtt.max_keepalive_s = u16::try_from(seconds).map_err(|_| format!("{text:?} is over 65535 s"))?;
            Ok(())
        },
        |config| std::time::Duration::from_secs(config.mqtt.max_keepalive_s.into()).show(),
    ),
    plain!("mqtt.receive_maximum", mqtt.receive_maximum),
    plain!("s3.listen", Some("s3"), s3.listen),
    plain!("s3.public_url", s3.public_url),
    plain!("s3.region", s3.region),
    plain!("s3.provider", s3.provider),
    plain!("s3.domains", s3.domains),
    plain!("s3.max_connections", s3.limits.max_connections),
    plain!("s3.header_timeout", s3.limits.header_timeout),
    plain!("s3.idle_timeout", s3.limits.idle_timeout),
    size!("s3.max_header_size", s3.limits.max_header_bytes),
    size!("s3.max_put_size", s3.max_put_bytes),
    size!("s3.max_chunk_size", s3.max_chunk_bytes),
    size!("s3.min_free_space", s3.min_free_bytes),
    plain!("s3.upload_expiry", s3.upload_expiry),
    plain!("s3.credentials_lifetime", s3.credentials_lifetime),
    plain!("cloud_api.onboarding", cloud_api.onboarding),
    plain!("cloud_api.app_id", cloud_api.app_id),
    secret!("cloud_api.app_key", None, cloud_api.app_key),
    secret!("cloud_api.app_license", None, cloud_api.app_license),
    plain!("cloud_api.ntp_server_host", cloud_api.ntp_server_host),
    plain!("cloud_api.ntp_server_port", cloud_api.ntp_server_port),
    plain!("pilot.platform_name", pilot.platform_name),
    plain!("pilot.token_lifetime", pilot.token_lifetime),
    plain!("pilot.session_lifetime", pilot.session_lifetime),
    secret!("pilot.mqtt_url", None, pilot.mqtt_url),
    plain!("oidc.issuer", oidc.issuer),
    plain!("oidc.name", oidc.name),
    plain!("oidc.client_id", oidc.client_id),
    secret!("oidc.client_secret", None, oidc.client_secret),
    plain!("oidc.scopes", oidc.scopes),
    plain!("oidc.name_claim", oidc.name_claim),
    plain!("oidc.role_claim", oidc.role_claim),
    plain!("oidc.allowed_groups", oidc.allowed_groups),
    plain!("oidc.roles", oidc.roles),
    plain!("oidc.default_role", oidc.default_role),
    plain!("oidc.workspace", oidc.workspace),
    path!("oidc.ca_file", None, oidc.ca_file),
    plain!("library.flight_gap", library.flight_gap),
    plain!("library.trash_period", library.trash_period),
    plain!("map.tiles_url", map.tiles_url),
    plain!("map.tiles_attribution", map.tiles_attribution),
    plain!("map.tiles_max_zoom", map.tiles_max_zoom),
    path!("map.pmtiles_file", None, map.pmtiles_file),
    plain!("ingest.max_batch", ingest.max_batch),
    plain!("ingest.head_attempts", ingest.head_attempts),
    plain!("ingest.head_interval", ingest.head_interval),
    plain!("ingest.stalled_after", ingest.stalled_after),
    plain!("ingest.trace_keep", ingest.trace_keep),
    plain!("ingest.trace_keep_per_dock", ingest.trace_keep_per_dock),
    path!("media.ffmpeg", None, media.ffmpeg),
    path!("media.thermal_program", None, media.thermal_program),
    plain!("jobs.workers", jobs.workers),
    plain!("jobs.lease", jobs.lease),
    plain!("jobs.max_attempts", jobs.max_attempts),
    plain!("jobs.reconcile_interval", jobs.reconcile_interval),
    setting(
        "log.format",
        Some("log-format"),
        |config, text| {
            config.log.json = match text {
                "json" => true,
                "text" => false,
                _ => return Err(format!("{text:?} is neither text nor json")),
            };
            Ok(())
        },
        |config| if config.log.json { "json" } else { "text" }.into(),
    ),
    plain!("log.filter", Some("log"), log.filter),
];
