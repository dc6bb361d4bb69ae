//! `config` (dock page "Configuration update"): its reply is the bare object, not wrapped in `result` and `output`.

use serde_json::{Value, json};

use crate::tolerant::{get, text};

/// What the dock asks for; always `json` and `product` so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub config_type: Option<String>,
    pub config_scope: Option<String>,
}

impl Config {
    pub(crate) fn read(data: &Value) -> Self {
        Self { config_type: text(get(data, "config_type")), config_scope: text(get(data, "config_scope")) }
    }
}

/// The licence triple of DJI's developer site, and the time server.
pub fn config_reply(
    app_id: &str,
    app_key: &str,
    app_license: &str,
    ntp_server_host: &str,
    ntp_server_port: u16,
) -> Value {
    json!({
        "app_id": app_id,
        "app_key": app_key,
        "app_license": app_license,
        "ntp_server_host": ntp_server_host,
        "ntp_server_port": ntp_server_port,
    })
}
