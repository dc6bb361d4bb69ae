#![no_main]
//! Any bytes on every topic a device speaks on: no panic, what was understood keeps its limits, and it can be answered.

use eyrie_cloudapi::{FileUpload, MAX_OBJECT_KEY_BYTES, Message, decode, event, reply, result_reply};
use libfuzzer_sys::fuzz_target;

const TOPICS: [&str; 8] = [
    "thing/product/SN1/events",
    "thing/product/SN1/requests",
    "sys/product/SN1/status",
    "thing/product/SN1/osd",
    "thing/product/SN1/state",
    "thing/product/SN1/services_reply",
    "thing/product/SN1/property/set_reply",
    "thing/product/SN1/drc/up",
];

fuzz_target!(|payload: &[u8]| {
    for topic in TOPICS {
        let Ok(incoming) = decode(topic, payload) else { continue };
        let bytes = reply(&incoming.envelope, &incoming.topic.sn, 1, &result_reply(0));
        let back: serde_json::Value = serde_json::from_slice(&bytes).expect("a reply is JSON");
        assert_eq!(back["tid"].as_str(), Some(incoming.envelope.tid.as_str()));
        assert_eq!(back["bid"].as_str(), Some(incoming.envelope.bid.as_str()));
        match incoming.message {
            Message::FileUploadCallback(upload) => report(&upload),
            Message::UpdateTopo(topology) => {
                assert!(topology.sub_devices.iter().all(|device| device.sn.parse::<eyrie_cloudapi::Sn>().is_ok()));
            }
            _ => {}
        }
    }
});

/// What is understood of a file is within its limits, and stays so when it is written and read again.
fn report(upload: &FileUpload) {
    assert!((1..=MAX_OBJECT_KEY_BYTES).contains(&upload.object_key.len()));
    assert!(!upload.name.is_empty());
    assert!(upload.position.is_none_or(|at| at.lat.abs() <= 90.0 && at.lng.abs() <= 180.0));
    let bytes = event("t", "b", 1, "SN1", "file_upload_callback", &upload.write());
    let again = decode("thing/product/SN1/events", &bytes).expect("what we write is JSON").message;
    let Message::FileUploadCallback(again) = again else { panic!("a report became {again:?}") };
    assert_eq!(
        (&again.object_key, &again.name, &again.flight_id, &again.captured, again.failed_result),
        (&upload.object_key, &upload.name, &upload.flight_id, &upload.captured, upload.failed_result)
    );
}
