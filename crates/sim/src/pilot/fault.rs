//! What Pilot 2 and its surroundings were seen, documented or feared to do otherwise, by name, with the answer that is due.

use serde_json::{Value, json};

use crate::fault::faults;

faults! {
    PilotFault, "eyrie-sim faults --pilot";
    MissingResult, "missing-result", Accepted, "no result, as before v1.3 of the documents";
    MissingExt, "missing-ext", Accepted, "no ext: neither models nor group";
    MissingGroup, "missing-group", Accepted, "ext without file_group_id, as shots by hand have none";
    MissingMetadata, "missing-metadata", Accepted, "no metadata";
    NullMetadata, "null-metadata", Accepted, "metadata is null";
    MissingPath, "missing-path", Accepted, "no path";
    MissingFingerprint, "missing-fingerprint", Accepted, "no fingerprint in the report";
    MissingSubFileType, "missing-sub-file-type", Accepted, "no sub_file_type";
    Panorama, "panorama", Accepted, "sub_file_type 1";
    TextNumbers, "text-numbers", Accepted, "numbers of the metadata as text";
    ZonelessTime, "zoneless-time", Accepted, "a time without its zone";
    GarbagePosition, "garbage-position", Accepted, "coordinates around 1e-170 and 1e240";
    UnknownModels, "unknown-models", Accepted, "model keys nobody has seen";
    FailedResult, "failed-result", Accepted, "a failed upload is reported; the file itself is not sent";
    WithoutObject, "without-object", Refused, "reports a file that was never sent";
    ForeignPrefix, "foreign-prefix", Refused, "reports a key outside the controller's prefix";
    CallbackFirst, "callback-first", Accepted, "reports a file before it is sent, then again";
    Duplicate, "duplicate", Accepted, "every report twice";
    SamePhoto, "same-photo", Accepted, "each photo twice: the second time it must be known, and is not sent";
    OtherKey, "other-key", Accepted, "each photo is sent and reported again below another key";
    LostToken, "lost-token", Accepted, "asks with a token nobody gave: 401, which logs the crew out; then with the right one";
    RenewedToken, "renewed-token", Accepted, "renews the token before each file; the old one must stay good";
    WrongWorkspace, "wrong-workspace", Accepted, "asks for another workspace: 403 and never 401; then for its own";
    WrongStorage, "wrong-storage", Accepted, "sends to a bucket that is not its own and reports it; then as told";
    ExpiredCredentials, "expired-credentials", Accepted, "tries with a broken session token first, then asks again";
    NotJson, "not-json", Accepted, "a body that is not JSON before each file: 400";
    WholeCard, "whole-card", Accepted, "asks for 10,000 tiny fingerprints that nobody has";
    SlowUpload, "slow-upload", Accepted, "sends in parts with pauses";
    Disconnect, "disconnect", Accepted, "loses MQTT before each file";
    NoTopology, "no-topology", Accepted, "never announces itself or an aircraft";
    GroupFirst, "group-first", Accepted, "the end of the group is reported before its files";
    NoGroup, "no-group", Accepted, "the end of the group is never reported";
}

/// Changes a report the way the fault says; faults of the conversation leave it as it is.
pub(super) fn change(fault: PilotFault, report: &mut Value) {
    let remove = |value: &mut Value, name: &str| drop(value.as_object_mut().and_then(|fields| fields.remove(name)));
    match fault {
        PilotFault::MissingResult => remove(report, "result"),
        PilotFault::MissingExt => remove(report, "ext"),
        PilotFault::MissingGroup => remove(&mut report["ext"], "file_group_id"),
        PilotFault::MissingMetadata => remove(report, "metadata"),
        PilotFault::NullMetadata => report["metadata"] = Value::Null,
        PilotFault::MissingPath => remove(report, "path"),
        PilotFault::MissingFingerprint => remove(report, "fingerprint"),
        PilotFault::MissingSubFileType => remove(report, "sub_file_type"),
        PilotFault::Panorama => report["sub_file_type"] = json!(1),
        PilotFault::TextNumbers => crate::fault::text_numbers(&mut report["metadata"]),
        PilotFault::ZonelessTime => report["metadata"]["created_time"] = json!("2026-05-10 10:15:30"),
        PilotFault::GarbagePosition => report["metadata"]["shoot_position"] = json!({ "lat": 1e-170, "lng": 1e240 }),
        PilotFault::UnknownModels => {
            report["ext"]["drone_model_key"] = json!("0-999-7");
            report["ext"]["payload_model_key"] = json!("never-seen");
        }
        PilotFault::FailedResult => report["result"] = json!(500_011),
        PilotFault::ForeignPrefix => {
            let key = report["object_key"].as_str().unwrap_or_default().to_owned();
            report["object_key"] = json!(format!("somewhere-else/{key}"));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own_and_words() {
        let names: std::collections::HashSet<_> = PilotFault::ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), PilotFault::ALL.len());
        for fault in PilotFault::ALL {
            assert_eq!(fault.name().parse(), Ok(*fault));
            assert!(!fault.help().is_empty());
        }
    }

    #[test]
    fn optional_fields_go_and_the_rest_stays() {
        let report = json!({ "result": 0, "object_key": "p/a.JPG", "name": "a.JPG", "path": "", "fingerprint": "AB", "sub_file_type": 0,
            "ext": { "file_group_id": "g", "drone_model_key": "0-67-1" }, "metadata": { "absolute_altitude": 1.5 } });
        for (fault, gone) in [
            (PilotFault::MissingResult, "/result"),
            (PilotFault::MissingExt, "/ext"),
            (PilotFault::MissingGroup, "/ext/file_group_id"),
            (PilotFault::MissingMetadata, "/metadata"),
            (PilotFault::MissingPath, "/path"),
            (PilotFault::MissingFingerprint, "/fingerprint"),
            (PilotFault::MissingSubFileType, "/sub_file_type"),
        ] {
            let mut changed = report.clone();
            change(fault, &mut changed);
            assert!(report.pointer(gone).is_some() && changed.pointer(gone).is_none(), "{gone}");
            assert_eq!(changed["object_key"], "p/a.JPG");
        }
    }
}
