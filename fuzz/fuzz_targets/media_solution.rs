#![no_main]
//! Any bytes as RTKLIB's solution, and cameras placed along it.

use eyrie_media::{mrk, solution};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // exposures before, the solution behind: a solution's own comment begins with `%`
    let split = bytes.iter().position(|byte| *byte == b'%').unwrap_or(0);
    let (exposures, body) = bytes.split_at(split);
    let found = solution::read(&mut &body[..]);
    for point in &found.points {
        assert!(point.position.lat.abs() <= 90.0 && point.position.lng.abs() <= 180.0);
    }
    let events = mrk::read(&mut &exposures[..]).events;
    let placed = solution::at_events(&found, &events);
    assert!(placed.len() <= events.len());
    let _ = serde_json::to_string(&found.summary).expect("serializes");
});
