//! The exact bytes of every reply and command, and what `Debug` must not show.

#![allow(clippy::unwrap_used)] // helpers of tests fail as tests do

use eyrie_cloudapi::{
    BindStatus, Envelope, Message, Sn, StorageConfig, Topic, bind_status_reply, command, config_reply, decode, error,
    error_reply, event, flight_areas_reply, model_name, offline_map_reply, organization_bind_reply,
    organization_get_reply, prioritize_command, reply, request, result_reply, storage_config_reply,
};
use serde_json::{Value, json};

const NOW_MS: i64 = 1_760_000_001_000;

fn asked(method: &str) -> Envelope {
    let bytes = request("t-1", "b-1", 1, "SN1", method, &Value::Null);
    decode("thing/product/SN1/requests", &bytes).unwrap().envelope
}

/// The reply to `method` with `data`, and the same as it must be: every field, none more, numbers as numbers.
fn golden(method: &str, data: Value, expected: Value) {
    let sn: Sn = "SN1".parse().unwrap();
    let bytes = reply(&asked(method), &sn, NOW_MS, &data);
    let written: Value = serde_json::from_slice(&bytes).unwrap();
    let whole = json!({ "tid": "t-1", "bid": "b-1", "timestamp": NOW_MS, "gateway": "SN1", "method": method, "data": expected });
    assert_eq!(written, whole);
}

fn storage_config() -> StorageConfig {
    StorageConfig {
        bucket: "dock-media".into(),
        region: "us-east-1".into(),
        provider: "minio".into(),
        endpoint: "http://10.0.0.5:9000".into(),
        object_key_prefix: "docks/SN1".into(),
        access_key_id: "EXAMPLEKEY".into(),
        access_key_secret: "examplesecret".into(),
        security_token: "exampletoken".into(),
        expire_s: 3_600,
    }
}

#[test]
fn an_answer_to_the_letter() {
    let bytes = reply(&asked("file_upload_callback"), &"SN1".parse().unwrap(), NOW_MS, &result_reply(0));
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        r#"{"tid":"t-1","bid":"b-1","timestamp":1760000001000,"gateway":"SN1","method":"file_upload_callback","data":{"result":0}}"#
    );
}

#[test]
fn config_is_bare() {
    golden(
        "config",
        config_reply("101", "key", "licence", "ntp.example", 123),
        json!({ "app_id": "101", "app_key": "key", "app_license": "licence", "ntp_server_host": "ntp.example", "ntp_server_port": 123 }),
    );
}

#[test]
fn airport_bind_status() {
    let status = BindStatus {
        sn: "SN1".into(),
        is_device_bind_organization: true,
        organization_id: "o".into(),
        organization_name: "Org".into(),
        device_callsign: "Roof".into(),
    };
    golden(
        "airport_bind_status",
        bind_status_reply(&[status]),
        json!({ "result": 0, "output": { "bind_status": [{ "sn": "SN1", "is_device_bind_organization": true,
            "organization_id": "o", "organization_name": "Org", "device_callsign": "Roof" }] } }),
    );
}

#[test]
fn airport_organization_get_and_bind() {
    let named = json!({ "result": 0, "output": { "organization_name": "Org" } });
    golden("airport_organization_get", organization_get_reply("Org"), named);
    golden(
        "airport_organization_bind",
        organization_bind_reply(&[("SN1".into(), 0), ("AC1".into(), error::BOUND_ELSEWHERE)]),
        json!({ "result": 0, "output": { "err_infos": [{ "sn": "SN1", "err_code": 0 }, { "sn": "AC1", "err_code": 210_232 }] } }),
    );
}

#[test]
fn maps_are_empty_but_there() {
    golden("flight_areas_get", flight_areas_reply(), json!({ "result": 0, "output": { "files": [] } }));
    let none = json!({ "result": 0, "output": { "offline_map_enable": false, "files": [] } });
    golden("offline_map_get", offline_map_reply(), none);
}

#[test]
fn storage_config_has_the_names_and_types_a_dock_reads() {
    golden(
        "storage_config_get",
        storage_config_reply(&storage_config()),
        json!({ "result": 0, "output": {
            "bucket": "dock-media", "region": "us-east-1", "provider": "minio", "endpoint": "http://10.0.0.5:9000",
            "object_key_prefix": "docks/SN1",
            "credentials": { "access_key_id": "EXAMPLEKEY", "access_key_secret": "examplesecret",
                "security_token": "exampletoken", "expire": 3_600 },
        } }),
    );
}

#[test]
fn refusals() {
    golden("x", error_reply(error::ILLEGAL_ARGUMENT), json!({ "result": 200_001, "output": {} }));
    golden("update_topo", result_reply(0), json!({ "result": 0 }));
}

#[test]
fn a_command_to_the_letter() {
    let bytes = command("t", "b", NOW_MS, "SN1", "upload_flighttask_media_prioritize", prioritize_command("f-1"));
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        r#"{"tid":"t","bid":"b","timestamp":1760000001000,"gateway":"SN1","method":"upload_flighttask_media_prioritize","data":{"flight_id":"f-1"}}"#
    );
    assert_eq!(Topic::services("SN1").unwrap().to_string(), "thing/product/SN1/services");
    let back = decode("thing/product/SN1/services_reply", br#"{"tid":"t","bid":"b","data":{"result":"0"}}"#).unwrap();
    assert!(matches!(back.message, Message::ServicesReply(reply) if reply.result == 0));
}

#[test]
fn a_reply_without_what_was_missing() {
    let incoming = decode("thing/product/SN1/requests", b"{}").unwrap();
    let bytes = reply(&incoming.envelope, &incoming.topic.sn, 5, &result_reply(1));
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        r#"{"tid":"","bid":"","timestamp":5,"gateway":"SN1","data":{"result":1}}"#
    );
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", storage_config());
    assert!(
        shown.contains("dock-media") && !shown.contains("examplesecret") && !shown.contains("exampletoken"),
        "{shown}"
    );
    let bind = json!({ "bind_devices": [{ "sn": "SN1", "device_binding_code": "SECRET1", "organization_id": "o" }] });
    let get = json!({ "device_binding_code": "SECRET2", "organization_id": "o" });
    for (method, data) in [("airport_organization_bind", bind), ("airport_organization_get", get)] {
        let incoming = decode("thing/product/SN1/requests", &request("t", "b", 1, "SN1", method, &data)).unwrap();
        let shown = format!("{incoming:?}");
        assert!(shown.contains(method) && !shown.contains("SECRET"), "{shown}");
    }
    let data = json!({ "device_secret": "SECRET3", "nonce": "SECRET4", "sub_devices": [] });
    let incoming = decode("sys/product/SN1/status", &event("t", "b", 1, "SN1", "update_topo", &data)).unwrap();
    assert!(!format!("{incoming:?}").contains("SECRET"));
}

#[test]
fn operators_read_words_not_numbers() {
    for code in
        [200_001, 210_229, 210_230, 210_231, 210_232, 210_233, 212_015, 316_017, 317_001, 317_002, 317_003, 317_004]
            .into_iter()
            .chain([317_005, 317_006, 317_007, 319_001, 319_009, 319_017, 319_018, 319_027, 324_016, 324_018, 324_019])
            .chain([324_030, 327_211, 513_017])
    {
        assert!(error::text(code).is_some(), "{code}");
    }
    assert_eq!(error::text(1), None);
    assert_eq!(model_name("3-2-0"), Some("Dock 2"));
}
