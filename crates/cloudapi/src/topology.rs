//! `update_topo` (dock page "Device management"): the gateway and the devices behind it.

use serde_json::{Value, json};

use crate::device::ModelKey;
use crate::error::Unreadable;
use crate::tolerant::{get, int, text};
use crate::topic::Sn;

/// Devices behind one gateway that are looked at.
pub(crate) const MAX_SUB_DEVICES: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateTopo {
    pub domain: Option<i64>,
    pub device_type: Option<i64>,
    pub sub_type: Option<i64>,
    pub thing_version: Option<String>,
    /// Empty: the aircraft is off.
    pub sub_devices: Vec<SubDevice>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubDevice {
    pub sn: String,
    pub domain: Option<i64>,
    pub device_type: Option<i64>,
    pub sub_type: Option<i64>,
}

impl UpdateTopo {
    pub(crate) fn read(data: &Value) -> Result<Self, Unreadable> {
        let none = Vec::new();
        let devices = get(data, "sub_devices").as_array().unwrap_or(&none);
        if devices.len() > MAX_SUB_DEVICES {
            return Err(Unreadable("too many sub-devices"));
        }
        let devices = devices.iter().filter_map(|device| {
            // an aircraft's SN becomes a topic level: only what can be one. The rest is left out, as the dock must come online
            let sn: Sn = text(get(device, "sn"))?.parse().ok()?;
            Some(SubDevice {
                sn: sn.into(),
                domain: int(get(device, "domain")),
                device_type: int(get(device, "type")),
                sub_type: int(get(device, "sub_type")),
            })
        });
        Ok(Self {
            domain: int(get(data, "domain")),
            device_type: int(get(data, "type")),
            sub_type: int(get(data, "sub_type")),
            thing_version: text(get(data, "thing_version")),
            sub_devices: devices.collect(),
        })
    }

    /// `domain-type-subtype`, when all three were said.
    pub fn model_key(&self) -> Option<String> {
        model_key(self.domain, self.device_type, self.sub_type)
    }

    /// The message's `data`, for the simulator.
    pub fn write(&self) -> Value {
        let devices = self.sub_devices.iter().map(|device| {
            json!({ "sn": device.sn, "domain": device.domain, "type": device.device_type, "sub_type": device.sub_type,
                "index": "A", "device_secret": "", "nonce": "", "thing_version": "" })
        });
        json!({ "domain": self.domain, "type": self.device_type, "sub_type": self.sub_type, "device_secret": "", "nonce": "",
            "thing_version": self.thing_version, "sub_devices": devices.collect::<Vec<_>>() })
    }
}

impl SubDevice {
    pub fn model_key(&self) -> Option<String> {
        model_key(self.domain, self.device_type, self.sub_type)
    }
}

fn model_key(domain: Option<i64>, device_type: Option<i64>, sub_type: Option<i64>) -> Option<String> {
    Some(ModelKey { domain: domain?, device_type: device_type?, sub_type: sub_type? }.to_string())
}
