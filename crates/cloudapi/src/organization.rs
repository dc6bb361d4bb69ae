//! Binding a dock to an organization (dock page "Organization management").

use serde_json::{Value, json};

use crate::error::Unreadable;
use crate::tolerant::{get, text};

/// Devices in one message that are answered; DJI's page says one or two.
pub(crate) const MAX_DEVICES: usize = 16;

/// `airport_bind_status`: which of these are bound?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AirportBindStatus {
    pub devices: Vec<String>,
}

/// `airport_organization_get`: what is the organization called?
#[derive(Clone, PartialEq, Eq)]
pub struct AirportOrganizationGet {
    pub device_binding_code: String,
    pub organization_id: String,
}

/// `airport_organization_bind`: bind these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AirportOrganizationBind {
    pub bind_devices: Vec<BindDevice>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct BindDevice {
    pub sn: String,
    pub device_binding_code: String,
    pub organization_id: String,
    pub device_callsign: String,
    pub device_model_key: String,
}

// the binding code is a secret: it stays out of Debug
impl std::fmt::Debug for AirportOrganizationGet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AirportOrganizationGet").field("organization_id", &self.organization_id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for BindDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BindDevice")
            .field("sn", &self.sn)
            .field("organization_id", &self.organization_id)
            .finish_non_exhaustive()
    }
}

impl AirportBindStatus {
    pub(crate) fn read(data: &Value) -> Result<Self, Unreadable> {
        let devices = array(data, "devices")?;
        let devices = devices.iter().map(|device| text(get(device, "sn")).or_else(|| text(device)));
        Ok(Self { devices: devices.collect::<Option<_>>().ok_or(Unreadable("a device has no sn"))? })
    }
}

impl AirportOrganizationGet {
    pub(crate) fn read(data: &Value) -> Self {
        Self {
            device_binding_code: text(get(data, "device_binding_code")).unwrap_or_default(),
            organization_id: text(get(data, "organization_id")).unwrap_or_default(),
        }
    }
}

impl AirportOrganizationBind {
    pub(crate) fn read(data: &Value) -> Result<Self, Unreadable> {
        let devices = array(data, "bind_devices")?.iter().map(|device| {
            let field = |name| text(get(device, name)).unwrap_or_default();
            Ok(BindDevice {
                sn: text(get(device, "sn")).ok_or(Unreadable("a device has no sn"))?,
                device_binding_code: field("device_binding_code"),
                organization_id: field("organization_id"),
                device_callsign: field("device_callsign"),
                device_model_key: field("device_model_key"),
            })
        });
        Ok(Self { bind_devices: devices.collect::<Result<_, _>>()? })
    }
}

fn array<'a>(data: &'a Value, name: &str) -> Result<&'a [Value], Unreadable> {
    let items = get(data, name).as_array().ok_or(Unreadable("the list of devices is missing"))?;
    if items.len() > MAX_DEVICES { Err(Unreadable("too many devices in one message")) } else { Ok(items) }
}

/// One device's line in the answer to `airport_bind_status`.
#[derive(Clone, Debug, serde::Serialize)]
pub struct BindStatus {
    pub sn: String,
    pub is_device_bind_organization: bool,
    pub organization_id: String,
    pub organization_name: String,
    pub device_callsign: String,
}

pub fn bind_status_reply(status: &[BindStatus]) -> Value {
    json!({ "result": 0, "output": { "bind_status": status } })
}

pub fn organization_get_reply(organization_name: &str) -> Value {
    json!({ "result": 0, "output": { "organization_name": organization_name } })
}

/// One line for each device that was asked, 0 for a bound one.
pub fn organization_bind_reply(outcomes: &[(String, i64)]) -> Value {
    let err_infos: Vec<_> = outcomes.iter().map(|(sn, err_code)| json!({ "sn": sn, "err_code": err_code })).collect();
    json!({ "result": 0, "output": { "err_infos": err_infos } })
}
