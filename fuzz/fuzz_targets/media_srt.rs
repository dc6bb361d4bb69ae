//! Any bytes as a subtitle file: no panic, and no more records than lines.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let srt = eyrie_media::srt::read(data);
    assert!(srt.record_count <= data.len());
    assert_eq!(srt.record_count, srt.track.samples.len());
});
