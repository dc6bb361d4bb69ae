//! `file_upload_callback` as each version of DJI's document has it (the history of its dock "File management" page), with
//! values of our own. One test a version.

#![allow(clippy::unwrap_used)] // helpers of tests fail as tests do

use eyrie_cloudapi::{CapturedTime, FileUpload, LatLng, Message, decode};
use serde_json::{Value, json};

const SN: &str = "7CTDTEST0001";
const KEY: &str = "7f0f2d3e/7CTDTEST0001/DJI_20240510101530_0004_W.JPG";

/// Through the whole door, as the message of `need_reply` and `method`.
fn report(need_reply: Value, method: Option<&str>, data: Value) -> FileUpload {
    let mut message = json!({
        "bid": "6a9a0d5e-0000-4000-8000-000000000001", "tid": "6a9a0d5e-0000-4000-8000-000000000002", "gateway": SN,
        "need_reply": need_reply, "timestamp:": 1_715_307_330_000_i64, "data": data,
    });
    if let Some(method) = method {
        message["method"] = json!(method);
    }
    let incoming = decode(&format!("thing/product/{SN}/events"), message.to_string().as_bytes()).unwrap();
    assert!(incoming.envelope.wants_reply());
    assert_eq!(incoming.envelope.timestamp_ms, Some(1_715_307_330_000));
    assert_eq!(incoming.envelope.method.as_deref(), Some("file_upload_callback"));
    match incoming.message {
        Message::FileUploadCallback(upload) => *upload,
        other => panic!("{other:?}"),
    }
}

/// What every version says, in this version's words.
fn holds(upload: &FileUpload) {
    assert_eq!(upload.object_key, KEY);
    assert_eq!(upload.name, "DJI_20240510101530_0004_W.JPG");
    assert_eq!(upload.path.as_deref(), Some("DJI_202405101015_001_roof"));
    assert_eq!(upload.flight_id.as_deref(), Some("f-1"));
    assert_eq!(upload.drone_model_key.as_deref(), Some("0-67-1"));
    assert_eq!(upload.payload_model_key.as_deref(), Some("1-53-0"));
    assert_eq!(upload.is_original, Some(true));
    assert_eq!(upload.gimbal_yaw_deg, Some(-91.5));
    assert_eq!(upload.absolute_altitude_m, Some(156.25));
    assert_eq!(upload.relative_altitude_m, Some(41.125));
    assert_eq!(upload.position, Some(LatLng { lat: 22.125, lng: 113.5 }));
    assert_eq!(upload.failed_result, None);
}

fn is_local(upload: &FileUpload, expected: &str) {
    assert!(matches!(&upload.captured, Some(CapturedTime::Local { text, .. }) if text == expected), "{upload:?}");
}

fn file(yaw: Value, time_name: &str, time: &str) -> Value {
    json!({
        "object_key": KEY, "path": "DJI_202405101015_001_roof", "name": "DJI_20240510101530_0004_W.JPG",
        "ext": { "flight_id": "f-1", "drone_model_key": "0-67-1", "payload_model_key": "1-53-0", "is_original": true },
        "metadata": {
            "gimbal_yaw_degree": yaw, "absolute_altitude": 156.25, "relative_altitude": 41.125, time_name: time,
            "shoot_position": { "lat": 22.125, "lng": 113.5 },
        },
    })
}

#[test]
fn v1_2_to_v1_3_1_example_at_the_root() {
    let mut data = file(json!("-91.5"), "create_time", "2024-05-10 10:15:30");
    data["result"] = json!(0);
    data["fingerprint"] = json!("0C8E8D3F0D1B4F6A9E5C7B2A1D3F5E70");
    data["type"] = json!(0);
    data["metadata"]["shoot_position"] = json!({ "latitude": 22.125, "longitude": 113.5 });
    let upload = report(json!(true), None, data);
    holds(&upload);
    is_local(&upload, "2024-05-10 10:15:30");
    assert_eq!(upload.fingerprint.as_deref(), Some("0C8E8D3F0D1B4F6A9E5C7B2A1D3F5E70"));
}

#[test]
fn v1_2_to_v1_3_1_table_flat_altogether() {
    let data = json!({
        "result": 0, "object_key": KEY, "path": "DJI_202405101015_001_roof", "name": "DJI_20240510101530_0004_W.JPG",
        "flight_id": "f-1", "drone_model_key": "0-67-1", "payload_model_key": "1-53-0", "is_original": 1,
        "gimbal_yaw_degree": "-91.5", "absolute_altitude": 156.25, "relative_altitude": 41.125,
        "create_time": "2024-05-10 10:15:30", "shoot_position": { "lat": 22.125, "lng": 113.5 },
    });
    let upload = report(json!(true), Some("file_upload_callback"), data);
    holds(&upload);
    is_local(&upload, "2024-05-10 10:15:30");
}

#[test]
fn v1_3_2_to_v1_7_wrapped_with_created_time() {
    let data = json!({ "result": 0, "file": file(json!(-91.5), "created_time", "2024-05-10T10:15:30+08:00") });
    let upload = report(json!(true), Some("file_upload_callback"), data);
    holds(&upload);
    let Some(CapturedTime::Utc { at, text }) = &upload.captured else { panic!("{upload:?}") };
    assert_eq!((at.to_string().as_str(), text.as_str()), ("2024-05-10T02:15:30Z", "2024-05-10T10:15:30+08:00"));
}

#[test]
fn v1_8_to_v1_10_without_result() {
    let upload = report(json!(1), None, json!({ "file": file(json!("-91.50"), "create_time", "2024-05-10 10:15:30") }));
    holds(&upload);
    is_local(&upload, "2024-05-10 10:15:30");
    assert_eq!((upload.expected_file_count, upload.cloud_to_cloud_id), (None, None));
}

#[test]
fn v1_11_with_flight_task() {
    let mut file = file(json!("-91.50"), "create_time", "2024-05-10 10:15:30");
    file["cloud_to_cloud_id"] = json!("DEFAULT");
    let task = json!({ "uploaded_file_count": 4, "expected_file_count": 20, "flight_type": 1 });
    let upload = report(json!(1), Some("file_upload_callback"), json!({ "file": file, "flight_task": task }));
    holds(&upload);
    assert_eq!(upload.cloud_to_cloud_id.as_deref(), Some("DEFAULT"));
    assert_eq!(
        (upload.uploaded_file_count, upload.expected_file_count, upload.flight_type),
        (Some(4), Some(20), Some(1))
    );
}

#[test]
fn v1_15_without_flight_task() {
    let mut file = file(json!("-91.50"), "create_time", "2024-05-10 10:15:30");
    file["cloud_to_cloud_id"] = json!("DEFAULT");
    let upload = report(json!(1), Some("file_upload_callback"), json!({ "file": file }));
    holds(&upload);
    assert_eq!((upload.uploaded_file_count, upload.expected_file_count, upload.flight_type), (None, None, None));
}

#[test]
fn the_demo_of_v1_10_and_its_progress() {
    let file = file(json!(-91.5), "created_time", "2024-05-10T02:15:30Z");
    let upload = report(json!(1), Some("file_upload_callback"), json!({ "result": 0, "progress": 100, "file": file }));
    holds(&upload);
}
