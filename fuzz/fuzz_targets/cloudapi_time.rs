#![no_main]
//! Any text as a capture time; the text that is kept of it says the same again.

use eyrie_cloudapi::captured_time;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(captured) = captured_time(text) {
        assert_eq!(captured_time(captured.text()).as_ref(), Some(&captured));
    }
});
