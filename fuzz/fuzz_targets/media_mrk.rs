#![no_main]
//! Any bytes as exposure events.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let found = eyrie_media::mrk::read(&mut &bytes[..]);
    for event in &found.events {
        assert!((0.0..604_800.0).contains(&event.time.tow_s()));
        if let Some(at) = event.position {
            assert!(at.lat.abs() <= 90.0 && at.lng.abs() <= 180.0);
        }
    }
    let text = serde_json::to_string(&found).expect("serializes");
    let back: eyrie_media::mrk::Mrk = serde_json::from_str(&text).expect("reads back");
    assert_eq!(back.events.len(), found.events.len());
});
