#![no_main]
//! Any bytes as a picture: headers, the embedded preview, the picture itself, and what is made of the pixels.

use eyrie_media::picture::{Coding, THUMBNAIL_PX, embedded_picture, look, whole_picture};
use libfuzzer_sys::fuzz_target;

/// A fuzzer finds claims of hundreds of megapixels at once; decoding them is slow, not wrong, and tested elsewhere.
const MAX_FUZZED_PIXELS: u64 = 4_000_000;

fuzz_target!(|bytes: &[u8]| {
    let mut reader = bytes;
    let Ok(seen) = look(&mut reader) else { return };
    if u64::from(seen.width_px) * u64::from(seen.height_px) > MAX_FUZZED_PIXELS {
        return;
    }
    if let Some(picture) = embedded_picture(&mut reader, &seen, 64) {
        assert!(picture.width_px().max(picture.height_px()) <= 64);
    }
    let Ok(picture) = whole_picture(&mut reader, &seen, 64) else { return };
    assert!(picture.width_px().max(picture.height_px()) <= 64);
    assert_eq!(picture.rgb().len() as u64, u64::from(picture.width_px()) * u64::from(picture.height_px()) * 3);
    let _ = picture.glimpse();
    for coding in [Coding::Jpeg, Coding::WebP] {
        assert!(!picture.shrunk(THUMBNAIL_PX).encode(coding).expect("a small picture can be coded").is_empty());
    }
});
