#![no_main]
//! Any bytes under several names.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|head: &[u8]| {
    for name in ["a.JPG", "a_T.JPG", "a.mp4", "a.rtk", "a.dat", ""] {
        let _ = eyrie_media::sniff(name, head);
    }
});
