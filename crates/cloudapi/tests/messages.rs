//! Every other method and topic, read as DJI's pages write it and as devices deviate.

#![allow(clippy::unwrap_used)] // helpers of tests fail as tests do

use eyrie_cloudapi::{
    DockedAircraft, Incoming, Message, Property, SUBSCRIPTIONS, StorageConfigGet, Topic, TopicKind, decode,
};
use serde_json::{Value, json};

fn on(topic: &str, message: &Value) -> Incoming {
    decode(topic, message.to_string().as_bytes()).unwrap()
}

fn request(method: &str, data: Value) -> Message {
    on("thing/product/SN1/requests", &json!({ "tid": "t", "bid": "b", "method": method, "data": data })).message
}

fn event(method: &str, data: Value) -> Message {
    on("thing/product/SN1/events", &json!({ "tid": "t", "bid": "b", "method": method, "data": data })).message
}

fn osd(data: Value) -> Property {
    match on("thing/product/SN1/osd", &json!({ "tid": "t", "bid": "b", "timestamp": 1, "data": data })).message {
        Message::Osd(property) => *property,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_docks_way_online() {
    let Message::Config(config) = request("config", json!({ "config_type": "json", "config_scope": "product" })) else {
        panic!()
    };
    assert_eq!((config.config_type.as_deref(), config.config_scope.as_deref()), (Some("json"), Some("product")));

    let Message::AirportBindStatus(asked) =
        request("airport_bind_status", json!({ "devices": [{ "sn": "SN1" }, { "sn": "AC1\u{0}" }] }))
    else {
        panic!()
    };
    assert_eq!(asked.devices, ["SN1", "AC1"]);

    let data = json!({ "device_binding_code": 123_456, "organization_id": "o" });
    let Message::AirportOrganizationGet(asked) = request("airport_organization_get", data) else { panic!() };
    assert_eq!((asked.device_binding_code.as_str(), asked.organization_id.as_str()), ("123456", "o"));

    let device = json!({ "sn": "SN1", "device_binding_code": "c", "organization_id": "o", "device_callsign": "Roof",
        "device_model_key": "3-2-0" });
    let Message::AirportOrganizationBind(asked) =
        request("airport_organization_bind", json!({ "bind_devices": [device] }))
    else {
        panic!()
    };
    assert_eq!(asked.bind_devices[0].device_model_key, "3-2-0");
    assert_eq!(request("flight_areas_get", Value::Null), Message::FlightAreasGet);
    assert_eq!(request("offline_map_get", json!({})), Message::OfflineMapGet);
}

#[test]
fn lists_of_devices_are_bounded_and_must_be_there() {
    let many = json!(vec![json!({ "sn": "SN1" }); 17]);
    for devices in [many.clone(), Value::Null, json!("SN1"), json!([{}])] {
        let message = request("airport_bind_status", json!({ "devices": devices }));
        assert!(matches!(message, Message::Malformed { .. }), "{devices}");
        let message = request("airport_organization_bind", json!({ "bind_devices": devices }));
        assert!(matches!(message, Message::Malformed { .. }), "{devices}");
    }
    let status = json!({ "method": "update_topo", "data": { "sub_devices": many } });
    assert!(matches!(on("sys/product/SN1/status", &status).message, Message::Malformed { .. }));
}

#[test]
fn storage_modules() {
    for (data, module) in [
        (json!({ "module": 0 }), 0),
        (json!({ "module": 1 }), 1),
        (json!({ "module": "1" }), 1),
        (json!({}), 0),
        (Value::Null, 0),
        (json!({ "module": 7 }), 7),
    ] {
        assert_eq!(request("storage_config_get", data), Message::StorageConfigGet(StorageConfigGet { module }));
    }
}

#[test]
fn messages_without_a_method_are_known_by_their_data() {
    let incoming = on("thing/product/SN1/requests", &json!({ "tid": "t", "bid": "b", "data": { "module": 0 } }));
    assert_eq!(incoming.message, Message::StorageConfigGet(StorageConfigGet { module: 0 }));
    assert_eq!(incoming.envelope.method.as_deref(), Some("storage_config_get"));
    for data in [json!({ "file": { "object_key": "k" } }), json!({ "object_key": "k" })] {
        let incoming = on("thing/product/SN1/events", &json!({ "tid": "t", "bid": "b", "data": data }));
        assert!(matches!(incoming.message, Message::FileUploadCallback(_)));
    }
    let incoming = on("sys/product/SN1/status", &json!({ "data": { "sub_devices": [] } }));
    assert!(matches!(incoming.message, Message::UpdateTopo(_)));
    // a method that is there is believed, and what leaves doubt is not guessed
    assert_eq!(request("x", json!({ "module": 0 })), Message::UnknownRequest);
    assert_eq!(event("x", json!({ "object_key": "k" })), Message::UnknownEvent { flight_id: None });
    let named = Message::UnknownEvent { flight_id: Some("f".into()) };
    assert_eq!(on("thing/product/SN1/events", &json!({ "data": { "flight_id": "f" } })).message, named);
    assert_eq!(event("x", json!({ "output": { "ext": { "flight_id": "f" } } })), named);
    assert_eq!(event("x", json!({ "flight_id": ["f"] })), Message::UnknownEvent { flight_id: None });
    assert_eq!(on("sys/product/SN1/status", &json!({})).message, Message::UnknownStatus);
}

#[test]
fn flight_tasks() {
    let data = json!({ "result": 0, "output": { "status": "in_progress", "progress": { "current_step": 5, "percent": 40 },
        "ext": { "flight_id": "f-1", "track_id": "tr", "media_count": "7", "current_waypoint_index": 3 } } });
    let Message::FlighttaskProgress(progress) = event("flighttask_progress", data) else { panic!() };
    assert_eq!((progress.flight_id.as_deref(), progress.track_id.as_deref()), (Some("f-1"), Some("tr")));
    assert_eq!((progress.media_count, progress.percent, progress.failed_result), (Some(7), Some(40), None));
    assert_eq!(progress.status.as_deref(), Some("in_progress"));
    let Message::FlighttaskProgress(progress) =
        event("flighttask_progress", json!({ "result": 319_017, "output": [] }))
    else {
        panic!()
    };
    assert_eq!((progress.failed_result, progress.media_count), (Some(319_017), None));

    let first = event("highest_priority_upload_flighttask_media", json!({ "flight_id": "f-1" }));
    assert!(matches!(first, Message::HighestPriorityUploadFlighttaskMedia(first) if first.flight_id == "f-1"));
    let none = event("highest_priority_upload_flighttask_media", json!({}));
    assert!(matches!(none, Message::Malformed { .. }));
    for method in ["flighttask_resource_get", "flighttask_progress_get"] {
        let (Message::FlighttaskResourceGet(asked) | Message::FlighttaskProgressGet(asked)) =
            request(method, json!({ "flight_id": "f-1" }))
        else {
            panic!()
        };
        assert_eq!(asked.flight_id.as_deref(), Some("f-1"));
    }
}

#[test]
fn topologies() {
    let data = json!({ "domain": "3", "type": 2, "sub_type": 0, "device_secret": "s", "nonce": "n", "thing_version": "1.1.2",
        "sub_devices": [{ "sn": "AC1", "domain": "0", "type": 91, "sub_type": 1, "index": "A" }] });
    for root in ["sys", "thing"] {
        let status = json!({ "tid": "t", "bid": "b", "method": "update_topo", "data": data });
        let Message::UpdateTopo(topology) = on(&format!("{root}/product/SN1/status"), &status).message else {
            panic!()
        };
        assert_eq!(topology.model_key().as_deref(), Some("3-2-0"));
        assert_eq!(topology.sub_devices[0].model_key().as_deref(), Some("0-91-1"));
        let again = json!({ "method": "update_topo", "data": topology.write() });
        assert_eq!(on("sys/product/SN1/status", &again).message, Message::UpdateTopo(topology));
    }
}

#[test]
fn a_sub_device_that_cannot_be_addressed_is_left_out() {
    let devices = json!([{ "sn": "#" }, { "sn": "../SN2" }, { "sn": "" }, {}, 5, { "sn": "AC1" }]);
    let status =
        json!({ "method": "update_topo", "data": { "domain": 3, "type": 2, "sub_type": 0, "sub_devices": devices } });
    let Message::UpdateTopo(topology) = on("sys/product/SN1/status", &status).message else { panic!() };
    assert_eq!(topology.sub_devices.iter().map(|device| device.sn.as_str()).collect::<Vec<_>>(), ["AC1"]);
}

#[test]
fn parts_of_an_osd_merge() {
    let mut known =
        osd(json!({ "flighttask_step_code": 5, "media_file_detail": { "remain_upload": 12 }, "wireless_link": {} }));
    known.merge(osd(
        json!({ "storage": { "total": 30_000_000, "used": "4500" }, "job_number": 17, "drone_in_dock": 1 }),
    ));
    known.merge(osd(json!({ "latitude": 22.5, "longitude": 113.5, "height": 56.5, "mode_code": 0,
        "sub_device": { "device_sn": "AC1", "device_model_key": "0-91-1", "device_online_status": 0, "device_paired": 1 } })));
    known.merge(osd(json!({ "media_file_detail": { "remain_upload": 0 }, "latitude": 0, "longitude": 0 })));
    let Message::State(state) =
        on("thing/product/SN1/state", &json!({ "data": { "firmware_version": "10.01.3232" } })).message
    else {
        panic!()
    };
    known.merge(*state);
    let expected = Property {
        remain_upload: Some(0),
        storage_total_kb: Some(30_000_000),
        storage_used_kb: Some(4_500),
        flighttask_step_code: Some(5),
        mode_code: Some(0),
        latitude: Some(22.5),
        longitude: Some(113.5),
        height_m: Some(56.5),
        elevation_m: None,
        firmware_version: Some("10.01.3232".into()),
        job_number: Some(17),
        drone_in_dock: Some(true),
        aircraft: Some(DockedAircraft {
            sn: Some("AC1".into()),
            model_key: Some("0-91-1".into()),
            is_online: Some(false),
            is_paired: Some(true),
        }),
    };
    assert_eq!(known, expected);
    for data in [Value::Null, json!([]), json!("x"), json!({ "storage": 5, "media_file_detail": [], "sub_device": 1 })]
    {
        assert_eq!(osd(data), Property::default());
    }
}

#[test]
fn numbers_that_are_no_json_do_not_cost_the_message() {
    let payload = br#"{"tid":"t","bid":"b","method":"file_upload_callback","data":{"file":{"object_key":"k","metadata":{"shoot_position":{"lat":NaN,"lng":-Infinity},"absolute_altitude":1e400,"relative_altitude":nan,"gimbal_yaw_degree":7}}}}"#;
    let Message::FileUploadCallback(upload) = decode("thing/product/SN1/events", payload).unwrap().message else {
        panic!()
    };
    assert_eq!((upload.position, upload.absolute_altitude_m, upload.gimbal_yaw_deg), (None, None, Some(7.0)));
    let raw = b"{\"tid\":\"t\",\"method\":\"file_upload_callback\",\"data\":{\"file\":{\"object_key\":\"k\0\",\"name\":\"\xc4\xe3.JPG\",\"metadata\":{\"create_time\":\"2024-05-10T10:15:30Z\0\0\"}}}}";
    let Message::FileUploadCallback(upload) = decode("thing/product/SN1/events", raw).unwrap().message else {
        panic!()
    };
    assert_eq!(upload.object_key, "k");
    assert!(upload.captured.is_some());
}

#[test]
fn replies_of_devices() {
    let answered =
        |data: Value| match on("thing/product/SN1/services_reply", &json!({ "tid": "t", "data": data })).message {
            Message::ServicesReply(reply) => (reply.result, reply.output),
            other => panic!("{other:?}"),
        };
    assert_eq!(answered(json!({ "result": 0 })), (0, Value::Null));
    assert_eq!(answered(json!({ "result": "319017", "output": { "a": 1 } })), (319_017, json!({ "a": 1 })));
    assert_eq!(answered(Value::Null), (-1, Value::Null));
    let set = on("thing/product/SN1/property/set_reply", &json!({ "data": { "result": 0 } })).message;
    assert_eq!(set, Message::PropertySetReply(json!({ "result": 0 })));
    assert_eq!(on("thing/product/SN1/drc/up", &json!({ "data": 1 })).message, Message::DrcUp(json!(1)));
    let psdk = event("psdk_ui_resource_upload_result", json!({ "result": 0 }));
    assert_eq!(psdk, Message::PsdkUiResourceUploadResult(json!({ "result": 0 })));
}

#[test]
fn every_topic_a_device_speaks_on_is_subscribed_and_no_other() {
    use TopicKind::*;
    let up = [Osd, State, ServicesReply, Events, Requests, Status, PropertySetReply, DrcUp];
    let down = [Services, EventsReply, RequestsReply, StatusReply, PropertySet, DrcDown];
    for kind in up {
        assert!(SUBSCRIPTIONS.contains(&format!("thing/product/+/{}", kind.as_str()).as_str()), "{kind:?}");
        assert!(decode(&format!("thing/product/SN1/{}", kind.as_str()), b"{}").is_ok(), "{kind:?}");
    }
    for kind in down {
        assert!(!SUBSCRIPTIONS.iter().any(|filter| filter.ends_with(kind.as_str())), "{kind:?}");
        assert!(decode(&format!("thing/product/SN1/{}", kind.as_str()), b"{}").is_err(), "{kind:?}");
    }
    for filter in SUBSCRIPTIONS {
        Topic::parse(&filter.replace('+', "SN1")).unwrap();
    }
}
