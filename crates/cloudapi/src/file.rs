//! Media files (dock page "File management"): credentials to upload with, and the report of each uploaded file.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::{Value, json};

use crate::error::Unreadable;
use crate::tolerant::{count, flag, float, get, int, text};

/// S3's limit of an object key, bytes.
pub const MAX_OBJECT_KEY_BYTES: usize = 1_024;

/// Longest text that is taken for a time, bytes. ISO 8601 with nanoseconds and an offset has 35.
pub const MAX_TIME_BYTES: usize = 64;

/// `storage_config_get`: 0 media, 1 PSDK UI resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageConfigGet {
    pub module: i64,
}

impl StorageConfigGet {
    pub(crate) fn read(data: &Value) -> Self {
        // a dock that leaves the module out wants what docks upload
        Self { module: int(get(data, "module")).unwrap_or(0) }
    }
}

/// The answer to `storage_config_get`.
#[derive(Clone)]
pub struct StorageConfig {
    pub bucket: String,
    pub region: String,
    /// `ali`, `aws` or `minio`.
    pub provider: String,
    /// With its scheme.
    pub endpoint: String,
    pub object_key_prefix: String,
    pub access_key_id: String,
    pub access_key_secret: String,
    pub security_token: String,
    /// Seconds; a number, never text.
    pub expire_s: i64,
}

// the secret, and the token that is worth as much, stay out of Debug
impl fmt::Debug for StorageConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageConfig")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("provider", &self.provider)
            .field("endpoint", &self.endpoint)
            .field("object_key_prefix", &self.object_key_prefix)
            .field("access_key_id", &self.access_key_id)
            .field("expire_s", &self.expire_s)
            .finish_non_exhaustive()
    }
}

impl StorageConfig {
    /// The object that docks get as `output` and Pilot 2 as `data`. Numbers and names are typed as the page says.
    pub(crate) fn output(&self) -> Value {
        json!({
            "bucket": self.bucket,
            "region": self.region,
            "provider": self.provider,
            "endpoint": self.endpoint,
            "object_key_prefix": self.object_key_prefix,
            "credentials": {
                "access_key_id": self.access_key_id,
                "access_key_secret": self.access_key_secret,
                "security_token": self.security_token,
                "expire": self.expire_s,
            },
        })
    }
}

/// The `data` that hands a dock its credentials.
pub fn storage_config_reply(config: &StorageConfig) -> Value {
    json!({ "result": 0, "output": config.output() })
}

/// `highest_priority_upload_flighttask_media`: the flight that the dock uploads first now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HighestPriorityUploadFlighttaskMedia {
    pub flight_id: String,
}

impl HighestPriorityUploadFlighttaskMedia {
    pub(crate) fn read(data: &Value) -> Result<Self, Unreadable> {
        Ok(Self { flight_id: text(get(data, "flight_id")).ok_or(Unreadable("flight_id is missing"))? })
    }
}

/// `data` of the command `upload_flighttask_media_prioritize`.
pub fn prioritize_command(flight_id: &str) -> Value {
    json!({ "flight_id": flight_id })
}

/// WGS-84, degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatLng {
    pub lat: f64,
    pub lng: f64,
}

/// When a picture was taken, as far as the report tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CapturedTime {
    /// The text had an offset.
    Utc { at: Timestamp, text: String },
    /// The text had none: local time of an unknown zone.
    Local { at: DateTime, text: String },
}

impl CapturedTime {
    /// As the device wrote it, without control characters and spaces around it.
    pub fn text(&self) -> &str {
        match self {
            Self::Utc { text, .. } | Self::Local { text, .. } => text,
        }
    }
}

/// `file_upload_callback`, in whatever form of the last years it came. Only the key is needed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileUpload {
    /// To the letter, but for the NULs of a C string behind it; 1 to [`MAX_OBJECT_KEY_BYTES`].
    pub object_key: String,
    /// The last part of the key when it was missing.
    pub name: String,
    pub path: Option<String>,
    pub cloud_to_cloud_id: Option<String>,
    pub fingerprint: Option<String>,
    /// Of a group of files, as an album of one waypoint; Pilot 2.
    pub file_group_id: Option<String>,
    /// 0 normal, 1 panorama; Pilot 2.
    pub sub_file_type: Option<i64>,
    pub flight_id: Option<String>,
    pub drone_model_key: Option<String>,
    pub payload_model_key: Option<String>,
    pub is_original: Option<bool>,
    pub gimbal_yaw_deg: Option<f64>,
    pub absolute_altitude_m: Option<f64>,
    pub relative_altitude_m: Option<f64>,
    pub captured: Option<CapturedTime>,
    /// `None` also for coordinates that cannot be: devices without GPS send 0, 1e-170 or 1e240.
    pub position: Option<LatLng>,
    pub uploaded_file_count: Option<i64>,
    pub expected_file_count: Option<i64>,
    /// 0 wayline, 1 one-key take-off.
    pub flight_type: Option<i64>,
    /// The `result` beside the file, when it is not 0: the device's upload failed.
    pub failed_result: Option<i64>,
}

impl FileUpload {
    pub(crate) fn read(data: &Value) -> Result<Self, Unreadable> {
        // documents up to v1.3.1 have the file's fields at the root
        let file = if get(data, "file").is_object() { get(data, "file") } else { data };
        let key = get(file, "object_key").as_str().ok_or(Unreadable("object_key is missing"))?.trim_end_matches('\0');
        if key.is_empty() || key.len() > MAX_OBJECT_KEY_BYTES {
            return Err(Unreadable("object_key is empty or too long"));
        }
        // tables of that time are flat altogether: what is not in its group may be beside it
        let (ext, metadata, task) = (get(file, "ext"), get(file, "metadata"), get(data, "flight_task"));
        let ext = |name| first([get(ext, name), get(file, name)]);
        let metadata = |name| first([get(metadata, name), get(file, name)]);
        let shot = metadata("shoot_position");
        let degrees = |short, long| first([get(shot, short), get(shot, long)]);
        let time = |name| captured_time(&text(metadata(name))?);
        Ok(Self {
            object_key: key.to_owned(),
            name: text(get(file, "name")).unwrap_or_else(|| last_part(key)),
            path: text(get(file, "path")),
            cloud_to_cloud_id: text(get(file, "cloud_to_cloud_id")),
            fingerprint: text(get(file, "fingerprint")),
            file_group_id: text(ext("file_group_id")),
            sub_file_type: int(ext("sub_file_type")),
            flight_id: text(ext("flight_id")),
            drone_model_key: text(ext("drone_model_key")),
            payload_model_key: text(ext("payload_model_key")),
            is_original: flag(ext("is_original")),
            gimbal_yaw_deg: float(metadata("gimbal_yaw_degree")),
            absolute_altitude_m: float(metadata("absolute_altitude")),
            relative_altitude_m: float(metadata("relative_altitude")),
            captured: time("created_time").or_else(|| time("create_time")),
            position: position(degrees("lat", "latitude"), degrees("lng", "longitude")),
            uploaded_file_count: count(get(task, "uploaded_file_count")),
            expected_file_count: count(get(task, "expected_file_count")),
            flight_type: int(get(task, "flight_type")),
            failed_result: int(get(data, "result")).filter(|result| *result != 0),
        })
    }

    /// The message's `data` in the documented form of v1.11, for the simulator. A path that is not known is empty, a
    /// bucket `DEFAULT`; `fingerprint`, `file_group_id`, `sub_file_type` and `result`, which other versions have, are there
    /// only when they are known.
    pub fn write(&self) -> Value {
        let mut metadata = json!({
            "gimbal_yaw_degree": self.gimbal_yaw_deg,
            "absolute_altitude": self.absolute_altitude_m,
            "relative_altitude": self.relative_altitude_m,
        });
        if let Some(captured) = &self.captured {
            metadata["create_time"] = json!(captured.text());
        }
        if let Some(position) = self.position {
            metadata["shoot_position"] = json!({ "lat": position.lat, "lng": position.lng });
        }
        let mut data = json!({
            "file": {
                "object_key": self.object_key,
                "path": self.path.as_deref().unwrap_or_default(),
                "name": self.name,
                "cloud_to_cloud_id": self.cloud_to_cloud_id.as_deref().unwrap_or("DEFAULT"),
                "ext": {
                    "flight_id": self.flight_id,
                    "drone_model_key": self.drone_model_key,
                    "payload_model_key": self.payload_model_key,
                    "is_original": self.is_original,
                },
                "metadata": metadata,
            },
            "flight_task": {
                "uploaded_file_count": self.uploaded_file_count,
                "expected_file_count": self.expected_file_count,
                "flight_type": self.flight_type,
            },
        });
        if let Some(fingerprint) = &self.fingerprint {
            data["file"]["fingerprint"] = json!(fingerprint);
        }
        if let Some(group) = &self.file_group_id {
            data["file"]["ext"]["file_group_id"] = json!(group);
        }
        if let Some(kind) = self.sub_file_type {
            data["file"]["ext"]["sub_file_type"] = json!(kind);
        }
        if let Some(result) = self.failed_result {
            data["result"] = json!(result);
        }
        data
    }
}

/// The first of several places that holds anything.
fn first<const N: usize>(places: [&Value; N]) -> &Value {
    places.into_iter().find(|place| !place.is_null()).unwrap_or(&Value::Null)
}

/// A key's name for people: what follows its last slash; the whole key, written with escapes, when nothing of that shows.
fn last_part(key: &str) -> String {
    let part = key.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let escaped = || text(&Value::from(key.escape_debug().to_string()));
    text(&Value::from(part)).or_else(escaped).unwrap_or_else(|| key.to_owned())
}

/// Coordinates that can be: finite, in range, and not both practically zero.
pub(crate) fn position(lat: &Value, lng: &Value) -> Option<LatLng> {
    const NOTHING_DEG: f64 = 1e-9;
    let (lat, lng) = (float(lat)?, float(lng)?);
    let in_range = lat.abs() <= 90.0 && lng.abs() <= 180.0;
    let is_nothing = lat.abs() < NOTHING_DEG && lng.abs() < NOTHING_DEG;
    (in_range && !is_nothing).then_some(LatLng { lat, lng })
}

/// A capture time: ISO 8601 with an offset, or without one, with a `T` or a space between date and time. `None` for what is
/// no time, and for a day without its hour.
pub fn captured_time(text: &str) -> Option<CapturedTime> {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let text = text.trim();
    if text.len() > MAX_TIME_BYTES {
        return None;
    }
    if let Ok(at) = text.parse() {
        return Some(CapturedTime::Utc { at, text: text.to_owned() });
    }
    let at = text.parse::<DateTime>().ok().filter(|_| text.contains([':', 'T', 't']))?;
    Some(CapturedTime::Local { at, text: text.to_owned() })
}
