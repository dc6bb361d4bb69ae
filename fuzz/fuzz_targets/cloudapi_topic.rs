#![no_main]
//! Any text as a topic; what parses is written again as it was.

use eyrie_cloudapi::Topic;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(topic) = Topic::parse(text) {
        assert_eq!(topic.to_string(), text);
    }
});
