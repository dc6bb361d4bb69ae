//! Any bytes as a photo: no panic, and the headers are read in bounded time and memory.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut bytes = data;
    let photo = eyrie_media::photo::read(&mut bytes).expect("bytes in memory can be read");
    if let Some(place) = photo.position {
        assert!(place.lat.abs() <= 90.0 && place.lng.abs() <= 180.0);
    }
    for preview in photo.previews {
        assert!(preview.offset + preview.size_bytes <= data.len() as u64);
    }
});
