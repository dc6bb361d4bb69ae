//! Pilot 2 over HTTPS (pages "Media management", "Storage management" and "Device management" of the Pilot chapter): what its
//! bodies say, and what it is answered.
//!
//! Every answer is `{code, message, data}`. Reading is as tolerant as for docks: a field that is missing or of another type
//! is `None`, and only a body that cannot be acted on at all is [`BadBody`].

use serde_json::{Value, json};

use crate::device::ModelKey;
use crate::file::{FileUpload, StorageConfig};
use crate::lenient;
use crate::tolerant::{count, flag, get, int, text};

/// Tiny fingerprints that are read of one call.
pub const MAX_TINY_FINGERPRINTS: usize = 20_000;
/// Longest fingerprint, bytes; a tiny one has at most 52, the other 32.
pub const MAX_FINGERPRINT_BYTES: usize = 256;

/// Why a body cannot be acted on.
#[derive(Debug, thiserror::Error)]
pub enum BadBody {
    #[error("the body is not a JSON object")]
    NotAnObject,
    #[error("{0}")]
    Field(&'static str),
}

/// `fast-upload`: is this file stored already?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastUpload {
    pub fingerprint: String,
    pub name: Option<String>,
    pub path: Option<String>,
    pub drone_model_key: Option<String>,
    pub payload_model_key: Option<String>,
    pub is_original: Option<bool>,
    pub tiny_fingerprint: Option<String>,
    /// Of the aircraft that took it.
    pub aircraft_sn: Option<String>,
}

/// `upload-callback`.
#[derive(Clone, Debug, PartialEq)]
pub enum UploadCallback {
    Uploaded {
        file: Box<FileUpload>,
        tiny_fingerprint: Option<String>,
        /// Of the aircraft that took it.
        aircraft_sn: Option<String>,
    },
    /// The app's upload failed with this number; there is no file.
    Failed { result: i64, object_key: Option<String> },
}

/// `group-upload-callback`: a group of files (one wayline) was uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupUploadCallback {
    pub file_group_id: String,
    pub file_count: Option<i64>,
    pub file_uploaded_count: Option<i64>,
}

impl FastUpload {
    /// # Errors
    /// [`BadBody`]: no object, or no fingerprint.
    pub fn read(body: &[u8]) -> Result<Self, BadBody> {
        let body = object(body)?;
        let ext = get(&body, "ext");
        Ok(Self {
            fingerprint: fingerprint(get(&body, "fingerprint")).ok_or(BadBody::Field("fingerprint is missing"))?,
            name: text(get(&body, "name")),
            path: text(get(&body, "path")),
            drone_model_key: text(get(ext, "drone_model_key")),
            payload_model_key: text(get(ext, "payload_model_key")),
            is_original: flag(get(ext, "is_original")),
            tiny_fingerprint: tiny(ext),
            aircraft_sn: text(get(ext, "sn")),
        })
    }
}

/// The fingerprints that `files/tiny-fingerprints` asks about, as they were written. What is no text is left out.
///
/// # Errors
/// [`BadBody`]: no object, no list, or more than [`MAX_TINY_FINGERPRINTS`].
pub fn read_tiny_fingerprints(body: &[u8]) -> Result<Vec<String>, BadBody> {
    let mut body = object(body)?;
    let Some(Value::Array(list)) = body.get_mut("tiny_fingerprints").map(Value::take) else {
        return Err(BadBody::Field("tiny_fingerprints is not a list"));
    };
    if list.len() > MAX_TINY_FINGERPRINTS {
        return Err(BadBody::Field("more tiny_fingerprints than are taken at once"));
    }
    let fits = |text: &String| (1..=MAX_FINGERPRINT_BYTES).contains(&text.len());
    let texts = list.into_iter().filter_map(|item| if let Value::String(text) = item { Some(text) } else { None });
    Ok(texts.filter(fits).collect())
}

impl UploadCallback {
    /// # Errors
    /// [`BadBody`]: no object, or no key of a file that was uploaded.
    pub fn read(body: &[u8]) -> Result<Self, BadBody> {
        let body = object(body)?;
        let failed = int(get(&body, "result")).filter(|result| *result != 0);
        if let Some(result) = failed {
            return Ok(Self::Failed { result, object_key: text(get(&body, "object_key")) });
        }
        let mut file = FileUpload::read(&body).map_err(|unreadable| BadBody::Field(unreadable.0))?;
        file.fingerprint = fingerprint(get(&body, "fingerprint"));
        let ext = get(&body, "ext");
        Ok(Self::Uploaded { tiny_fingerprint: tiny(ext), aircraft_sn: text(get(ext, "sn")), file: Box::new(file) })
    }
}

impl GroupUploadCallback {
    /// # Errors
    /// [`BadBody`]: no object, or no group.
    pub fn read(body: &[u8]) -> Result<Self, BadBody> {
        let body = object(body)?;
        Ok(Self {
            file_group_id: text(get(&body, "file_group_id")).ok_or(BadBody::Field("file_group_id is missing"))?,
            file_count: count(get(&body, "file_count")),
            file_uploaded_count: count(get(&body, "file_uploaded_count")),
        })
    }
}

fn object(body: &[u8]) -> Result<Value, BadBody> {
    lenient::parse(body).ok().filter(Value::is_object).ok_or(BadBody::NotAnObject)
}

fn fingerprint(value: &Value) -> Option<String> {
    text(value).filter(|text| text.len() <= MAX_FINGERPRINT_BYTES)
}

/// DJI's pages write `tinny`; the right spelling may come some day.
fn tiny(ext: &Value) -> Option<String> {
    fingerprint(get(ext, "tinny_fingerprint")).or_else(|| fingerprint(get(ext, "tiny_fingerprint")))
}

/// What surrounds every answer.
pub fn envelope(code: i64, message: &str, data: &Value) -> Value {
    json!({ "code": code, "message": message, "data": data })
}

/// The whole answer to `tiny-fingerprints`, in its envelope: a list of thousands is written once and not copied before.
pub fn tiny_fingerprints_answer(message: &str, stored: &[&str]) -> String {
    let [message, stored] =
        [serde_json::to_string(message), serde_json::to_string(stored)].map(|text| text.expect("texts are JSON"));
    format!(r#"{{"code":0,"message":{message},"data":{{"tiny_fingerprints":{stored}}}}}"#)
}

/// `data` of `sts`: what a dock gets as `output`.
pub fn sts_data(config: &StorageConfig) -> Value {
    config.output()
}

/// `data` of `upload-callback`.
pub fn upload_callback_data(object_key: &str) -> Value {
    json!({ "object_key": object_key })
}

/// A device in the list of topologies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologyDevice {
    pub sn: String,
    pub callsign: Option<String>,
    /// `domain-type-subtype`.
    pub model_key: Option<String>,
    pub online: bool,
}

/// `data` of `devices/topologies`: each gateway with the aircraft behind it.
pub fn topologies_data(gateways: &[(TopologyDevice, Vec<TopologyDevice>)]) -> Value {
    let list = gateways.iter().map(|(gateway, aircraft)| {
        let hosts = aircraft.iter().map(device).collect::<Vec<_>>();
        json!({ "hosts": hosts, "parents": [device(gateway)] })
    });
    json!({ "list": list.collect::<Vec<_>>() })
}

fn device(device: &TopologyDevice) -> Value {
    let key = device.model_key.as_deref().unwrap_or_default();
    let model = key.parse::<ModelKey>().ok();
    json!({
        "sn": device.sn,
        "device_callsign": device.callsign.as_deref().unwrap_or(&device.sn),
        "device_model": { "key": key, "domain": model.map(|model| model.domain.to_string()).unwrap_or_default(),
            "type": model.map(|model| model.device_type), "sub_type": model.map(|model| model.sub_type) },
        "online_status": device.online,
        "user_id": "",
        "user_callsign": "",
        "icon_urls": { "normal_icon_url": "", "selected_icon_url": "" },
    })
}

/// `data` of `workspaces/current`.
pub fn workspace_data(id: &str, name: &str, platform_name: &str) -> Value {
    json!({ "id": 1, "workspace_id": id, "workspace_name": name, "workspace_desc": "", "platform_name": platform_name, "bind_code": "" })
}

/// `data` of a list of waylines that has none.
pub fn no_waylines_data(page: u32, page_size: u32) -> Value {
    json!({ "list": [], "pagination": { "page": page, "page_size": page_size, "total": 0 } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callback(body: Value) -> UploadCallback {
        UploadCallback::read(body.to_string().as_bytes()).expect("readable")
    }

    #[test]
    fn a_callback_is_read_as_dji_writes_it() {
        let body = json!({
            "result": 0, "object_key": "pilot/RC1/a/DJI_1.JPG", "name": "DJI_1.JPG", "path": "DJI_202606011005_001_Route",
            "fingerprint": "ABC", "sub_file_type": 1,
            "ext": { "file_group_id": "g", "drone_model_key": "0-67-0", "payload_model_key": "1-53-0", "is_original": true,
                "tinny_fingerprint": "t_2026_6_1_8_5_1", "sn": "1581F" },
            "metadata": { "absolute_altitude": 56.311, "relative_altitude": "41", "created_time": "2026-06-01T10:05:01+02:00",
                "gimbal_yaw_degree": -91.4, "shoot_position": { "lat": 47.5, "lng": 8.5 } },
        });
        let UploadCallback::Uploaded { file, tiny_fingerprint, aircraft_sn } = callback(body) else {
            panic!("no file")
        };
        assert_eq!((tiny_fingerprint.as_deref(), aircraft_sn.as_deref()), (Some("t_2026_6_1_8_5_1"), Some("1581F")));
        assert_eq!((file.sub_file_type, file.file_group_id.as_deref()), (Some(1), Some("g")));
        assert_eq!((file.absolute_altitude_m, file.relative_altitude_m), (Some(56.311), Some(41.0)));
        assert_eq!((file.name.as_str(), file.fingerprint.as_deref()), ("DJI_1.JPG", Some("ABC")));
        assert!(file.position.is_some() && file.captured.is_some());
    }

    #[test]
    fn only_the_key_is_needed_and_a_failure_needs_nothing() {
        let UploadCallback::Uploaded { file, tiny_fingerprint: None, aircraft_sn: None } =
            callback(json!({ "object_key": "p/x" }))
        else {
            panic!("no file")
        };
        assert_eq!(file.name, "x");
        assert_eq!(callback(json!({ "result": "-5" })), UploadCallback::Failed { result: -5, object_key: None });
        for body in [&b"[]"[..], b"", b"{}", b"{\"object_key\":7}", b"{\"object_key\":\"\"}", b"nonsense"] {
            assert!(UploadCallback::read(body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn fast_upload_needs_its_fingerprint() {
        let read = |body: Value| FastUpload::read(body.to_string().as_bytes());
        let asked =
            read(json!({ "fingerprint": "AB", "ext": { "tinny_fingerprint": "t", "sn": "A" } })).expect("readable");
        assert_eq!((asked.fingerprint.as_str(), asked.tiny_fingerprint.as_deref()), ("AB", Some("t")));
        assert_eq!(asked.aircraft_sn.as_deref(), Some("A"));
        for body in [json!({}), json!({ "fingerprint": null }), json!({ "fingerprint": "x".repeat(257) })] {
            assert!(read(body).is_err());
        }
        assert!(read(json!({ "fingerprint": "AB", "ext": "nonsense", "name": [] })).expect("readable").name.is_none());
    }

    #[test]
    fn tiny_fingerprints_are_bounded() {
        let read = |body: Value| read_tiny_fingerprints(body.to_string().as_bytes());
        let list = json!({ "tiny_fingerprints": ["a", 5, null, "", "b", "x".repeat(257)] });
        assert_eq!(read(list).expect("readable"), ["a", "b"]);
        assert!(read(json!({ "tiny_fingerprints": "a" })).is_err());
        assert!(read(json!({ "tiny_fingerprints": vec!["a"; MAX_TINY_FINGERPRINTS] })).is_ok());
        assert!(read(json!({ "tiny_fingerprints": vec!["a"; MAX_TINY_FINGERPRINTS + 1] })).is_err());
    }

    #[test]
    fn an_answer_that_is_written_at_once_is_the_envelope() {
        let stored = ["a\"b", "é"];
        let written: Value = serde_json::from_str(&tiny_fingerprints_answer("success", &stored)).expect("JSON");
        assert_eq!(written, envelope(0, "success", &json!({ "tiny_fingerprints": stored })));
    }

    #[test]
    fn a_group_may_come_without_its_counts() {
        let read = |body: Value| GroupUploadCallback::read(body.to_string().as_bytes());
        let group =
            read(json!({ "file_group_id": "g", "file_count": "5", "file_uploaded_count": -1 })).expect("readable");
        assert_eq!((group.file_count, group.file_uploaded_count), (Some(5), None));
        assert!(read(json!({ "file_count": 5 })).is_err());
    }

    #[test]
    fn a_topology_has_gateways_as_parents_of_their_aircraft() {
        let device = |sn: &str, key: Option<&str>| TopologyDevice {
            sn: sn.into(),
            callsign: None,
            model_key: key.map(str::to_owned),
            online: true,
        };
        let data = topologies_data(&[(device("RC1", Some("2-119-0")), vec![device("A1", None)])]);
        assert_eq!(data["list"][0]["parents"][0]["device_model"]["type"], 119);
        assert_eq!(data["list"][0]["hosts"][0]["sn"], "A1");
        assert_eq!(data["list"][0]["hosts"][0]["device_model"]["domain"], "");
    }
}
