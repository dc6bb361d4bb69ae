#![no_main]
//! Any names and contents as the PPK files and photos of one flight: parts that end with 0xFF, a name on the first line of each.

use eyrie_media::ppk::{self, File, Photo};
use eyrie_media::understand::understand;
use libfuzzer_sys::fuzz_target;

const MAX_PARTS: usize = 16;

fuzz_target!(|data: &[u8]| {
    let (mut files, mut photos) = (Vec::new(), Vec::new());
    for (n, part) in data.split(|byte| *byte == 0xFF).take(MAX_PARTS).enumerate() {
        let (name, mut body) = part.split_at(part.iter().position(|byte| *byte == b'\n').unwrap_or(part.len()));
        body = body.get(1..).unwrap_or_default();
        let (id, name, size_bytes) = (n.to_string(), String::from_utf8_lossy(name).into_owned(), body.len() as u64);
        let found = understand(&name, &mut body).expect("bytes in memory can be read");
        let captured_at = found.captured_at.map(|at| at.value);
        if name.ends_with(".JPG") {
            photos.push(Photo { id, name, captured_at, capture_uuid: found.capture_uuid });
        } else {
            files.push(File { id, name, size_bytes, metadata: found.details });
        }
    }
    let set = ppk::build(&files, &photos);
    assert!(ppk::events(&files).len() >= set.photos.matches.len());
    let _ = serde_json::to_string(&set).expect("serializes");
});
