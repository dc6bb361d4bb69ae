//! `osd` and `state`: one logical state arrives in parts, each with some of the properties. Merge, never replace.

use serde_json::Value;

use crate::file::position;
use crate::tolerant::{count, flag, float, get, int, text};

/// The properties that we use; `None` was not in this part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Property {
    /// Files still to upload. Its range is undocumented.
    pub remain_upload: Option<i64>,
    /// Dock disk, presumably KB.
    pub storage_total_kb: Option<i64>,
    pub storage_used_kb: Option<i64>,
    /// 0 preparing, 1 flying, 2 post-flight recovery, 3 and 4 data updates, 5 idle, 255 aircraft fault, 256 unknown.
    pub flighttask_step_code: Option<i64>,
    pub mode_code: Option<i64>,
    /// Degrees, WGS-84; both or neither.
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    /// Above the ellipsoid.
    pub height_m: Option<f64>,
    /// Above the take-off point; aircraft.
    pub elevation_m: Option<f64>,
    pub firmware_version: Option<String>,
    /// Flights of this dock so far.
    pub job_number: Option<i64>,
    pub drone_in_dock: Option<bool>,
    pub aircraft: Option<DockedAircraft>,
}

/// `sub_device`: the aircraft that belongs to a dock. Comes whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DockedAircraft {
    pub sn: Option<String>,
    pub model_key: Option<String>,
    pub is_online: Option<bool>,
    pub is_paired: Option<bool>,
}

impl Property {
    pub(crate) fn read(data: &Value) -> Self {
        let position = position(get(data, "latitude"), get(data, "longitude"));
        let storage = get(data, "storage");
        let aircraft = get(data, "sub_device");
        Self {
            remain_upload: int(get(get(data, "media_file_detail"), "remain_upload")),
            storage_total_kb: count(get(storage, "total")),
            storage_used_kb: count(get(storage, "used")),
            flighttask_step_code: int(get(data, "flighttask_step_code")),
            mode_code: int(get(data, "mode_code")),
            latitude: position.map(|position| position.lat),
            longitude: position.map(|position| position.lng),
            height_m: float(get(data, "height")),
            elevation_m: float(get(data, "elevation")),
            firmware_version: text(get(data, "firmware_version")),
            job_number: count(get(data, "job_number")),
            drone_in_dock: flag(get(data, "drone_in_dock")),
            aircraft: aircraft.is_object().then(|| DockedAircraft {
                sn: text(get(aircraft, "device_sn")),
                model_key: text(get(aircraft, "device_model_key")),
                is_online: flag(get(aircraft, "device_online_status")),
                is_paired: flag(get(aircraft, "device_paired")),
            }),
        }
    }

    /// Takes over what a later part says, and keeps what it does not mention.
    pub fn merge(&mut self, later: Self) {
        fn take<T>(known: &mut Option<T>, said: Option<T>) {
            if said.is_some() {
                *known = said;
            }
        }
        // named one by one, so that a new property cannot be forgotten here
        let Self {
            remain_upload,
            storage_total_kb,
            storage_used_kb,
            flighttask_step_code,
            mode_code,
            latitude,
            longitude,
            height_m,
            elevation_m,
            firmware_version,
            job_number,
            drone_in_dock,
            aircraft,
        } = later;
        take(&mut self.remain_upload, remain_upload);
        take(&mut self.storage_total_kb, storage_total_kb);
        take(&mut self.storage_used_kb, storage_used_kb);
        take(&mut self.flighttask_step_code, flighttask_step_code);
        take(&mut self.mode_code, mode_code);
        take(&mut self.latitude, latitude);
        take(&mut self.longitude, longitude);
        take(&mut self.height_m, height_m);
        take(&mut self.elevation_m, elevation_m);
        take(&mut self.firmware_version, firmware_version);
        take(&mut self.job_number, job_number);
        take(&mut self.drone_in_dock, drone_in_dock);
        take(&mut self.aircraft, aircraft);
    }
}
