//! `decode(encode(x)) == x`, and nothing from outside panics.

use eyrie_cloudapi::{
    FileUpload, LatLng, Message, ModelKey, Sn, SubDevice, Topic, UpdateTopo, captured_time, decode, event, reply,
    request, result_reply,
};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Text as a reader keeps it: no control characters, no space around it.
fn word() -> impl Strategy<Value = String> {
    "[A-Za-z0-9äß机_.,-]([A-Za-z0-9äß机 _./-]{0,30}[A-Za-z0-9äß机_-])?"
}

/// Seven decimals, as devices write; serde_json reads up to 15 digits exactly, and the 17th to the next number.
fn decimal(limit: i64) -> impl Strategy<Value = f64> {
    (-limit * 10_000_000..=limit * 10_000_000).prop_map(|number| number as f64 / 1e7)
}

fn upload() -> impl Strategy<Value = FileUpload> {
    let names = (word(), word(), option::of(word()), word(), option::of("[0-9A-F]{32}"), option::of(word()));
    let ext =
        (option::of(0..2_i64), option::of(word()), option::of(word()), option::of(word()), option::of(any::<bool>()));
    let numbers = (option::of(decimal(180)), option::of(decimal(9_000)), option::of(decimal(9_000)));
    let task = (option::of(0..i64::MAX), option::of(0..i64::MAX), option::of(0..9_i64), option::of(1..999_999_i64));
    let time = option::of(prop_oneof![
        Just("2024-05-10 10:15:30"),
        Just("2024-05-10T10:15:30.125+08:00"),
        Just("2024-05-10T10:15:30Z"),
    ]);
    let position =
        option::of((decimal(90), decimal(180)).prop_filter("nowhere", |(lat, lng)| *lat != 0.0 || *lng != 0.0));
    (names, ext, numbers, task, time, position).prop_map(|(names, ext, numbers, task, time, position)| FileUpload {
        object_key: names.0,
        name: names.1,
        path: names.2,
        cloud_to_cloud_id: Some(names.3),
        fingerprint: names.4,
        file_group_id: names.5,
        sub_file_type: ext.0,
        flight_id: ext.1,
        drone_model_key: ext.2,
        payload_model_key: ext.3,
        is_original: ext.4,
        gimbal_yaw_deg: numbers.0,
        absolute_altitude_m: numbers.1,
        relative_altitude_m: numbers.2,
        captured: time.and_then(captured_time),
        position: position.map(|(lat, lng)| LatLng { lat, lng }),
        uploaded_file_count: task.0,
        expected_file_count: task.1,
        flight_type: task.2,
        failed_result: task.3,
    })
}

fn topology() -> impl Strategy<Value = UpdateTopo> {
    let number = || option::of(0..999_i64);
    let device = ("[A-Z0-9]{1,20}", number(), number(), number())
        .prop_map(|(sn, domain, device_type, sub_type)| SubDevice { sn, domain, device_type, sub_type });
    (number(), number(), number(), option::of(word()), prop::collection::vec(device, 0..4)).prop_map(
        |(domain, device_type, sub_type, thing_version, sub_devices)| UpdateTopo {
            domain,
            device_type,
            sub_type,
            thing_version,
            sub_devices,
        },
    )
}

/// Any JSON, built of the names that are looked for.
fn json_like() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[0-9]{0,20}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "tid",
        "bid",
        "method",
        "data",
        "need_reply",
        "timestamp",
        "file",
        "object_key",
        "name",
        "ext",
        "metadata",
        "flight_task",
        "shoot_position",
        "lat",
        "lng",
        "create_time",
        "created_time",
        "devices",
        "sub_devices",
        "sn",
        "output",
        "result",
        "module",
        "media_file_detail",
        "storage",
        "sub_device",
        "is_original",
        "expected_file_count",
    ]);
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..8)
                .prop_map(|map| map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

const METHODS: [&str; 12] = [
    "config",
    "airport_bind_status",
    "airport_organization_get",
    "airport_organization_bind",
    "storage_config_get",
    "file_upload_callback",
    "highest_priority_upload_flighttask_media",
    "flighttask_progress",
    "update_topo",
    "psdk_ui_resource_upload_result",
    "flighttask_resource_get",
    "anything_else",
];
const KINDS: [&str; 7] = ["events", "requests", "status", "osd", "state", "services_reply", "property/set_reply"];

proptest! {
    #[test]
    fn a_written_report_is_read_again(upload in upload()) {
        let bytes = event("t", "b", 1, "SN1", "file_upload_callback", &upload.write());
        let incoming = decode("thing/product/SN1/events", &bytes).unwrap();
        prop_assert_eq!(incoming.message, Message::FileUploadCallback(Box::new(upload)));
        prop_assert_eq!(incoming.envelope.need_reply, Some(true));
    }

    #[test]
    fn a_written_topology_is_read_again(topology in topology()) {
        let bytes = request("t", "b", 1, "SN1", "update_topo", &topology.write());
        let incoming = decode("sys/product/SN1/status", &bytes).unwrap();
        prop_assert_eq!(incoming.message, Message::UpdateTopo(topology));
    }

    #[test]
    fn a_reply_repeats_any_tid_and_bid(tid in ".{0,80}", bid in any::<String>(), now_ms in any::<i64>()) {
        prop_assume!(bid.len() <= eyrie_cloudapi::MAX_ID_BYTES);
        let bytes = request(&tid, &bid, 1, "SN1", "config", &Value::Null);
        let incoming = decode("thing/product/SN1/requests", &bytes).unwrap();
        let written = reply(&incoming.envelope, &incoming.topic.sn, now_ms, &result_reply(0));
        let expected = json!({ "tid": tid, "bid": bid, "timestamp": now_ms, "gateway": "SN1", "method": "config",
            "data": { "result": 0 } });
        prop_assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), expected);
    }

    #[test]
    fn any_object_is_understood_or_answerable(data in json_like(), method in prop::sample::select(&METHODS[..]),
        kind in prop::sample::select(&KINDS[..])) {
        let message = json!({ "tid": "t", "bid": "b", "method": method, "data": data }).to_string();
        let incoming = decode(&format!("thing/product/SN1/{kind}"), message.as_bytes()).unwrap();
        prop_assert_eq!(incoming.envelope.tid, "t");
        if let Message::FileUploadCallback(upload) = incoming.message {
            prop_assert!((1..=1_024).contains(&upload.object_key.len()) && !upload.name.is_empty());
            prop_assert!(upload.position.is_none_or(|at| at.lat.abs() <= 90.0 && at.lng.abs() <= 180.0));
        }
    }

    #[test]
    fn any_envelope_is_read(message in json_like(), kind in prop::sample::select(&KINDS[..])) {
        prop_assert_eq!(decode(&format!("thing/product/SN1/{kind}"), message.to_string().as_bytes()).is_ok(), message.is_object());
    }

    #[test]
    fn any_bytes_are_an_error_at_worst(bytes in prop::collection::vec(any::<u8>(), 0..400), topic in any::<String>()) {
        let _ = decode("thing/product/SN1/events", &bytes);
        let _ = decode(&topic, &bytes);
        let _ = captured_time(&String::from_utf8_lossy(&bytes));
    }

    /// One byte of a good message is another: mended, refused or read otherwise, but never a panic.
    #[test]
    fn a_flipped_byte_is_an_error_at_worst(upload in upload(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = event("t", "b", 1, "SN1", "file_upload_callback", &upload.write());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode("thing/product/SN1/events", &bytes);
    }

    #[test]
    fn a_topic_is_written_as_it_was_read(root in "thing|sys", sn in "[A-Za-z0-9_-]{1,64}", kind in prop::sample::select(&KINDS[..])) {
        let text = format!("{root}/product/{sn}/{kind}");
        match Topic::parse(&text) {
            Ok(topic) => prop_assert_eq!(topic.to_string(), text),
            Err(_) => prop_assert!(root == "sys" && kind != "status"),
        }
    }

    #[test]
    fn a_serial_number_never_leaves_its_level(text in any::<String>()) {
        if let Ok(sn) = text.parse::<Sn>() {
            prop_assert!(sn.as_ref().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
            prop_assert_eq!(sn.to_string(), text);
        }
    }

    #[test]
    fn a_model_key_is_written_as_it_was_read(domain in 0..9_i64, device_type in 0..9_999_i64, sub_type in 0..99_i64) {
        let key = ModelKey { domain, device_type, sub_type };
        prop_assert_eq!(key.to_string().parse(), Ok(key));
    }
}
