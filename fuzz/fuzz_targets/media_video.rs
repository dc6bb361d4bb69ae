//! Any bytes as a video: no panic, bounded time and memory, positions on Earth.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (mut one, mut two) = (data, data);
    let video = eyrie_media::video::read(&mut one).expect("bytes in memory can be read");
    assert!(video.first_position.is_none_or(|place| place.lat.abs() <= 90.0 && place.lng.abs() <= 180.0));
    if let Some(track) = eyrie_media::video::track(&mut two).expect("bytes in memory can be read") {
        assert!(track.samples.iter().filter_map(|sample| sample.position).all(|place| place.lat.abs() <= 90.0));
    }
});
