//! One test a row of the known deviations of `file_upload_callback` and of the envelope, and the documented forms since v1.2.

use eyrie_cloudapi::{CapturedTime, DecodeError, FileUpload, LatLng, Message, decode, reply, result_reply};
use serde_json::{Value, json};

const KEY: &str = "docks/7CTDTEST0001/f1/DJI_20240510101530_0004_V.JPG";

fn form(metadata: Value) -> Value {
    json!({
        "file": {
            "object_key": KEY, "path": "", "name": "DJI_20240510101530_0004_V.JPG", "cloud_to_cloud_id": "DEFAULT",
            "ext": { "flight_id": "f1", "drone_model_key": "0-91-1", "payload_model_key": "1-81-0", "is_original": true },
            "metadata": metadata,
        },
        "flight_task": { "uploaded_file_count": 3, "expected_file_count": 12, "flight_type": 0 },
    })
}

fn metadata() -> Value {
    json!({ "gimbal_yaw_degree": -91.5, "absolute_altitude": 156.2, "relative_altitude": 42.5,
        "create_time": "2024-05-10T10:15:30+08:00", "shoot_position": { "lat": 22.5, "lng": 114.0 } })
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut data = form(metadata());
    change(&mut data);
    data
}

fn read(data: Value) -> FileUpload {
    let payload = json!({ "tid": "t", "bid": "b", "timestamp": 1, "method": "file_upload_callback", "need_reply": 1, "data": data });
    match decode("thing/product/7CTDTEST0001/events", payload.to_string().as_bytes())
        .expect("an answerable message")
        .message
    {
        Message::FileUploadCallback(upload) => *upload,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_current_form_is_read_whole() {
    let upload = read(form(metadata()));
    assert_eq!(upload.object_key, KEY);
    assert_eq!(upload.name, "DJI_20240510101530_0004_V.JPG");
    assert_eq!(upload.path, None);
    assert_eq!(upload.flight_id.as_deref(), Some("f1"));
    assert_eq!(upload.position, Some(LatLng { lat: 22.5, lng: 114.0 }));
    assert_eq!(upload.gimbal_yaw_deg, Some(-91.5));
    assert_eq!(
        (upload.uploaded_file_count, upload.expected_file_count, upload.flight_type),
        (Some(3), Some(12), Some(0))
    );
    assert_eq!(upload.is_original, Some(true));
    assert_eq!(upload.failed_result, None);
    let Some(CapturedTime::Utc { at, .. }) = upload.captured else { panic!("a time with an offset") };
    assert_eq!(at.to_string(), "2024-05-10T02:15:30Z");
}

#[test]
fn what_is_written_is_read_again() {
    let upload = read(form(metadata()));
    assert_eq!(read(upload.write()), upload);
}

#[test]
fn v1_2_has_the_fields_at_the_root() {
    let mut data = form(metadata())["file"].clone();
    data["result"] = json!(0);
    data["fingerprint"] = json!("ABC");
    data["metadata"]["gimbal_yaw_degree"] = json!("12.25");
    data["metadata"]["shoot_position"] = json!({ "latitude": 1.5, "longitude": 2.5 });
    let upload = read(data);
    assert_eq!(upload.object_key, KEY);
    assert_eq!(upload.fingerprint.as_deref(), Some("ABC"));
    assert_eq!(upload.gimbal_yaw_deg, Some(12.25));
    assert_eq!(upload.position, Some(LatLng { lat: 1.5, lng: 2.5 }));
    assert_eq!(upload.failed_result, None);
}

#[test]
fn created_time_is_preferred_and_create_time_accepted() {
    let upload = read(with(|data| data["file"]["metadata"]["created_time"] = json!("2024-05-10T10:15:31+08:00")));
    assert!(matches!(upload.captured, Some(CapturedTime::Utc { text, .. }) if text.ends_with(":31+08:00")));
}

#[test]
fn times_in_every_known_spelling() {
    let captured = |text: &str| read(with(|data| data["file"]["metadata"]["create_time"] = json!(text))).captured;
    assert!(
        matches!(captured("2024-05-01 09:30:00"), Some(CapturedTime::Local { at, .. }) if at.to_string() == "2024-05-01T09:30:00")
    );
    for text in [
        "2024-05-01T09:30:00Z",
        "2024-05-01T09:30:00.123456+00:00",
        "2024-05-01T11:30:00+02:00\0",
        " 2024-05-01T09:30:00+00:00 ",
    ] {
        let Some(CapturedTime::Utc { at, .. }) = captured(text) else { panic!("{text:?}") };
        assert_eq!(at.as_second(), 1_714_555_800, "{text:?}");
    }
    for text in ["", "yesterday", "2024-13-40T99:00:00Z", "1714555800000"] {
        assert_eq!(captured(text), None, "{text:?}");
    }
}

#[test]
fn coordinates_that_cannot_be_are_no_position() {
    for (lat, lng) in [
        (json!(1e-170), json!(1e-170)),
        (json!(1e240), json!(8)),
        (json!(0), json!(0)),
        (json!(91), json!(0)),
        (json!(45), json!(181)),
        (json!("NaN"), json!(1)),
        (json!(null), json!(1)),
        (json!({}), json!([])),
    ] {
        let upload = read(with(|data| data["file"]["metadata"]["shoot_position"] = json!({ "lat": lat, "lng": lng })));
        assert_eq!(upload.position, None, "{lat} {lng}");
    }
    let equator = read(with(|data| data["file"]["metadata"]["shoot_position"] = json!({ "lat": 0, "lng": "8.5" })));
    assert_eq!(equator.position, Some(LatLng { lat: 0.0, lng: 8.5 }));
}

#[test]
fn parts_may_be_missing_null_or_of_the_wrong_type() {
    for value in [Value::Null, json!(7), json!("text"), json!([1])] {
        for part in ["metadata", "ext", "path"] {
            assert_eq!(read(with(|data| data["file"][part] = value.clone())).object_key, KEY);
        }
        assert_eq!(read(with(|data| data["flight_task"] = value.clone())).expected_file_count, None);
    }
    let bare = read(json!({ "file": { "object_key": KEY } }));
    assert_eq!(bare.name, "DJI_20240510101530_0004_V.JPG");
    assert_eq!((bare.flight_id, bare.captured, bare.position), (None, None, None));
}

#[test]
fn a_name_is_found_in_any_key() {
    let name = |key: &str| read(json!({ "file": { "object_key": key, "name": "" } })).name;
    assert_eq!(name("a/b.JPG"), "b.JPG");
    assert_eq!(name("a/b/"), "b");
    assert_eq!(name("b\0\0"), "b");
    assert_eq!(name("/"), "/");
    assert_eq!(name("a/\u{1}"), "a/\\u{1}");
    assert_eq!(name(" "), " ");
}

#[test]
fn flags_and_numbers_in_other_types() {
    for (value, flag) in
        [(json!(0), Some(false)), (json!(1), Some(true)), (json!("true"), Some(true)), (json!("?"), None)]
    {
        assert_eq!(read(with(|data| data["file"]["ext"]["is_original"] = value)).is_original, flag);
    }
    let upload = read(with(|data| {
        data["flight_task"] = json!({ "uploaded_file_count": "3", "expected_file_count": 4.0, "flight_type": "1" })
    }));
    assert_eq!(
        (upload.uploaded_file_count, upload.expected_file_count, upload.flight_type),
        (Some(3), Some(4), Some(1))
    );
    assert_eq!(read(with(|data| data["flight_task"]["expected_file_count"] = json!(-1))).expected_file_count, None);
}

#[test]
fn unknown_models_stay_text() {
    assert_eq!(
        read(with(|data| data["file"]["ext"]["drone_model_key"] = json!("0-4"))).drone_model_key.as_deref(),
        Some("0-4")
    );
}

#[test]
fn a_failed_upload_says_so() {
    assert_eq!(read(with(|data| data["result"] = json!("324030"))).failed_result, Some(324_030));
    assert_eq!(read(with(|data| data["result"] = json!(0))).failed_result, None);
}

#[test]
fn without_a_key_it_can_still_be_answered() {
    for data in [
        Value::Null,
        json!([]),
        json!({}),
        json!({ "file": {} }),
        json!({ "file": { "object_key": 5 } }),
        json!({ "file": { "object_key": "" } }),
        json!({ "file": { "object_key": "k".repeat(1_025) } }),
    ] {
        let payload = json!({ "tid": "t", "bid": "b", "method": "file_upload_callback", "data": data }).to_string();
        let incoming = decode("thing/product/A/events", payload.as_bytes()).unwrap();
        assert!(matches!(incoming.message, Message::Malformed { .. }), "{payload}");
        assert!(incoming.envelope.wants_reply());
    }
}

#[test]
fn need_reply_in_every_form() {
    for (value, wants) in [
        (json!(1), true),
        (json!(true), true),
        (json!("1"), true),
        (json!(null), true),
        (json!("x"), true),
        (json!(0), false),
        (json!(false), false),
        (json!("0"), false),
        (json!("false"), false),
    ] {
        let payload = json!({ "tid": "t", "bid": "b", "method": "m", "need_reply": value }).to_string();
        assert_eq!(
            decode("thing/product/A/events", payload.as_bytes()).unwrap().envelope.wants_reply(),
            wants,
            "{value}"
        );
    }
}

#[test]
fn a_reply_repeats_tid_and_bid_and_is_strictly_typed() {
    let payload = b"\xef\xbb\xbf{\"tid\":\"T 1\",\"bid\":\"B\\u0000\",\"timestamp:\":\"1760000000123\",\"gateway\":7,\"method\":\"flight_areas_get\",\"x\":{}}\0\0";
    let incoming = decode("thing/product/SN-1/requests", payload).unwrap();
    assert_eq!(incoming.envelope.timestamp_ms, Some(1_760_000_000_123));
    assert_eq!(incoming.topic.reply().unwrap().to_string(), "thing/product/SN-1/requests_reply");
    let bytes = reply(&incoming.envelope, &incoming.topic.sn, 42, &result_reply(0));
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    let expected = json!({ "tid": "T 1", "bid": "B\0", "timestamp": 42, "gateway": "SN-1", "method": "flight_areas_get", "data": { "result": 0 } });
    assert_eq!(value, expected);
}

#[test]
fn what_cannot_be_answered_is_an_error_and_no_panic() {
    let read = |topic: &str, payload: &[u8]| decode(topic, payload).unwrap_err();
    assert!(matches!(read("thing/product/A/events", b"{"), DecodeError::NotJson(_)));
    assert!(matches!(read("thing/product/A/events", b""), DecodeError::NotJson(_)));
    assert!(matches!(read("thing/product/A/events", &b"[".repeat(100_000)), DecodeError::NotJson(_)));
    assert!(matches!(read("thing/product/A/events", b"[1]"), DecodeError::NotAnObject));
    assert!(matches!(read("thing/product/A/events", &vec![b' '; (1 << 20) + 1]), DecodeError::TooLarge(_)));
    assert!(matches!(read("thing/product/A/events_reply", b"{}"), DecodeError::Downward));
    for topic in [
        "",
        "thing",
        "thing/product//events",
        "thing/product/../events",
        "sys/product/A/events",
        "thing/product/A/events/x",
        "a/b/c/d",
    ] {
        assert!(matches!(read(topic, b"{}"), DecodeError::Topic(_)), "{topic}");
    }
}

#[test]
fn the_status_reply_goes_to_the_root_it_came_from() {
    for root in ["sys", "thing"] {
        let incoming = decode(
            &format!("{root}/product/A/status"),
            b"{\"method\":\"update_topo\",\"data\":{\"domain\":\"3\",\"type\":2,\"sub_type\":0}}",
        )
        .unwrap();
        assert_eq!(incoming.topic.reply().unwrap().to_string(), format!("{root}/product/A/status_reply"));
        let Message::UpdateTopo(topology) = incoming.message else { panic!("a topology") };
        assert_eq!(topology.model_key().as_deref(), Some("3-2-0"));
        assert!(topology.sub_devices.is_empty());
    }
}
