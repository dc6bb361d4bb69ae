//! `osd` and `state`: one logical state arrives in parts, each with some of the properties. Merge, never replace.

use serde_json::Value;

use crate::tolerant::{count, float, get, int, text};

/// The properties that we use; `None` was not in this part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Property {
    /// Files still to upload.
    pub remain_upload: Option<i64>,
    /// Dock disk, presumably KB.
    pub storage_total_kb: Option<i64>,
    pub storage_used_kb: Option<i64>,
    pub flighttask_step_code: Option<i64>,
    pub mode_code: Option<i64>,
    /// Degrees, WGS-84; both or neither.
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub height_m: Option<f64>,
    pub firmware_version: Option<String>,
}

impl Property {
    pub(crate) fn read(data: &Value) -> Self {
        let position = crate::file::position(get(data, "latitude"), get(data, "longitude"));
        let storage = get(data, "storage");
        Self {
            remain_upload: int(get(get(data, "media_file_detail"), "remain_upload")),
            storage_total_kb: count(get(storage, "total")),
            storage_used_kb: count(get(storage, "used")),
            flighttask_step_code: int(get(data, "flighttask_step_code")),
            mode_code: int(get(data, "mode_code")),
            latitude: position.map(|position| position.lat),
            longitude: position.map(|position| position.lng),
            height_m: float(get(data, "height")),
            firmware_version: text(get(data, "firmware_version")),
        }
    }
}
