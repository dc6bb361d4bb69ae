#![no_main]
//! Any text as a topic; what parses is written again as it was, and its reply is a topic of the same device.

use eyrie_cloudapi::Topic;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(topic) = Topic::parse(text) {
        assert_eq!(topic.to_string(), text);
        if let Some(reply) = topic.reply() {
            assert_eq!(Topic::parse(&reply.to_string()), Ok(reply.clone()));
            assert_eq!((reply.root, &reply.sn), (topic.root, &topic.sn));
        }
    }
});
