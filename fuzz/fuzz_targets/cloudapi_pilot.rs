#![no_main]
//! Any body on every path of Pilot 2: no panic, and what was understood keeps its limits.

use eyrie_cloudapi::MAX_OBJECT_KEY_BYTES;
use eyrie_cloudapi::pilot::{
    FastUpload, GroupUploadCallback, MAX_FINGERPRINT_BYTES, MAX_TINY_FINGERPRINTS, UploadCallback,
    read_tiny_fingerprints, tiny_fingerprints_answer,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let bounded = |text: &str| (1..=MAX_FINGERPRINT_BYTES).contains(&text.len());
    if let Ok(asked) = FastUpload::read(body) {
        assert!(bounded(&asked.fingerprint));
        assert!(asked.tiny_fingerprint.as_deref().is_none_or(bounded));
    }
    if let Ok(asked) = read_tiny_fingerprints(body) {
        assert!(asked.len() <= MAX_TINY_FINGERPRINTS && asked.iter().all(|text| bounded(text)));
        let all: Vec<_> = asked.iter().map(String::as_str).collect();
        let answer: serde_json::Value =
            serde_json::from_str(&tiny_fingerprints_answer("success", &all)).expect("an answer is JSON");
        assert_eq!(answer["data"]["tiny_fingerprints"], serde_json::json!(all));
    }
    match UploadCallback::read(body) {
        Ok(UploadCallback::Uploaded { file, tiny_fingerprint, .. }) => {
            assert!((1..=MAX_OBJECT_KEY_BYTES).contains(&file.object_key.len()));
            assert!(file.failed_result.is_none());
            assert!(file.position.is_none_or(|at| at.lat.abs() <= 90.0 && at.lng.abs() <= 180.0));
            assert!(file.fingerprint.as_deref().is_none_or(bounded) && tiny_fingerprint.as_deref().is_none_or(bounded));
        }
        Ok(UploadCallback::Failed { result, .. }) => assert_ne!(result, 0),
        Err(_) => {}
    }
    if let Ok(group) = GroupUploadCallback::read(body) {
        assert!(group.file_count.is_none_or(|count| count >= 0));
        assert!(group.file_uploaded_count.is_none_or(|count| count >= 0));
    }
});
