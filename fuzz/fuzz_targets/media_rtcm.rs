#![no_main]
//! Any bytes as an RTCM 3 stream, and as the receivers' logs that share its readers.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let rtcm = eyrie_media::rtcm::read(&mut &bytes[..]);
    let counted: u64 = rtcm.messages.iter().map(|message| message.count).sum();
    assert!(counted <= rtcm.frames, "every message is a sound frame");
    let told = rtcm.frames * 6 + rtcm.gap_bytes + rtcm.cut_bytes;
    assert!(told <= bytes.len() as u64, "no byte is counted twice");
    let log = eyrie_media::eventlog::read(&mut &bytes[..]);
    assert!(log.event_count * 64 + log.other_bytes <= bytes.len() as u64);
    let _ = serde_json::to_string(&rtcm).expect("serializes");
});
