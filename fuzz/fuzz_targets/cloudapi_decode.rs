#![no_main]
//! Any bytes on every topic a device speaks on: no panic, and what was understood can be answered.

use eyrie_cloudapi::{decode, reply, result_reply};
use libfuzzer_sys::fuzz_target;

const TOPICS: [&str; 6] = [
    "thing/product/SN1/events",
    "thing/product/SN1/requests",
    "sys/product/SN1/status",
    "thing/product/SN1/osd",
    "thing/product/SN1/services_reply",
    "thing/product/SN1/property/set_reply",
];

fuzz_target!(|payload: &[u8]| {
    for topic in TOPICS {
        if let Ok(incoming) = decode(topic, payload) {
            let bytes = reply(&incoming.envelope, &incoming.topic.sn, 1, &result_reply(0));
            let back: serde_json::Value = serde_json::from_slice(&bytes).expect("a reply is JSON");
            assert_eq!(back["tid"].as_str(), Some(incoming.envelope.tid.as_str()));
        }
    }
});
