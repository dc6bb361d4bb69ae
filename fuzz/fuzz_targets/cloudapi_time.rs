#![no_main]
//! Any text as a capture time.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = eyrie_cloudapi::captured_time(text);
});
