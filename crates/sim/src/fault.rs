//! Everything a dock was seen, documented or feared to do otherwise, by name, with what it must be answered.

use serde_json::{Value, json};

/// What a server owes a report with this fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// 0: kept, or nothing can be kept.
    Accepted,
    /// Anything but 0: the dock keeps its copy.
    Refused,
    /// No answer is due (or none is possible); the conversation goes on.
    Silence,
}

/// An enum of faults: variant, name, what it must get, words.
macro_rules! faults {
    ($fault:ident, $list:literal; $($variant:ident, $name:literal, $expected:ident, $help:literal;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $fault { $($variant),+ }

        impl $fault {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help),+ }
            }

            /// Of the reports of a flight with this fault.
            pub fn expected(self) -> $crate::fault::Expected {
                match self { $(Self::$variant => $crate::fault::Expected::$expected),+ }
            }
        }

        impl std::str::FromStr for $fault {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                let known = Self::ALL.iter().copied().find(|fault| fault.name() == name);
                known.ok_or_else(|| format!("there is no fault {name:?}; `{}` lists them", $list))
            }
        }
    };
}
pub(crate) use faults;

faults! {
    Fault, "eyrie-sim faults";
    MissingMetadata, "missing-metadata", Accepted, "no metadata, as PPK files have none";
    NullMetadata, "null-metadata", Accepted, "metadata is null";
    MissingExt, "missing-ext", Accepted, "no ext: the flight is not known";
    MissingPath, "missing-path", Accepted, "no path";
    MissingName, "missing-name", Accepted, "no name";
    NoFlightTask, "no-flight-task", Accepted, "no flight_task: counts are not known";
    FlatFile, "flat-file", Accepted, "no file wrapper, as documented up to v1.3.1";
    CreatedTime, "created-time", Accepted, "created_time instead of create_time";
    ZonelessTime, "zoneless-time", Accepted, "a time without its zone";
    NulTime, "nul-time", Accepted, "a NUL behind the time";
    StringYaw, "string-yaw", Accepted, "the yaw as text";
    LatitudeNames, "latitude-names", Accepted, "latitude and longitude instead of lat and lng";
    GarbagePosition, "garbage-position", Accepted, "coordinates around 1e-170 and 1e240";
    OutsidePosition, "outside-position", Accepted, "a latitude above 90 and a longitude above 180";
    ZeroPosition, "zero-position", Accepted, "latitude and longitude both 0: no fix";
    EmptyFlight, "empty-flight", Accepted, "flight_id is empty, as on flights without a wayline";
    TextNumbers, "text-numbers", Accepted, "numbers as text: counts, altitudes, coordinates";
    NumberText, "number-text", Accepted, "text as a number: the name";
    NumberFlag, "number-flag", Accepted, "is_original as 1";
    UnknownModels, "unknown-models", Accepted, "model keys nobody has seen";
    Fingerprint, "fingerprint", Accepted, "an old fingerprint field";
    MissingMethod, "missing-method", Accepted, "reports without a method, as some examples are";
    TextTimestamp, "text-timestamp", Accepted, "reports with the timestamp as text";
    NeedReplyTrue, "need-reply-true", Accepted, "need_reply as true";
    NeedReplyAbsent, "need-reply-absent", Accepted, "no need_reply";
    NeedReplyZero, "need-reply-zero", Silence, "need_reply 0: no answer wanted";
    NeedReplyFalse, "need-reply-false", Silence, "need_reply as false: no answer wanted";
    GatewayMismatch, "gateway-mismatch", Accepted, "another dock's SN in the payload";
    ResultZero, "result-zero", Accepted, "a result 0 beside the file";
    FailedResult, "failed-result", Accepted, "a failed upload is reported; the file itself is not sent";
    ForeignPrefix, "foreign-prefix", Accepted, "a key outside the dock's prefix: for the quarantine";
    WithoutObject, "without-object", Refused, "reports a file that was never sent";
    CallbackFirst, "callback-first", Accepted, "reports a file before it is sent, then again";
    TruncatedUpload, "truncated-upload", Accepted, "breaks an upload off and reports it, then sends it whole";
    Duplicate, "duplicate", Accepted, "every report twice, the second with another tid";
    Redelivery, "redelivery", Accepted, "every report twice with the same tid";
    Reorder, "reorder", Accepted, "all files are sent first, then reported last to first";
    Pause, "pause", Accepted, "a second without a word before each report";
    Disconnect, "disconnect", Accepted, "cuts the connection before each report";
    SlowUpload, "slow-upload", Accepted, "sends in many small parts with pauses";
    ExpiredCredentials, "expired-credentials", Accepted, "tries with a broken token first, then asks again";
    WrongClock, "wrong-clock", Accepted, "timestamps of the year 2000";
    NoTopology, "no-topology", Accepted, "never sends update_topo";
    AircraftGone, "aircraft-gone", Accepted, "the aircraft is off before the first report";
    UnknownEvent, "unknown-event", Accepted, "an event of next year between files";
    UnknownRequest, "unknown-request", Accepted, "a request of next year between files";
    NotJson, "not-json", Accepted, "garbage bytes between files";
    Oversize, "oversize", Accepted, "a message too large for any broker between files, which may cut the line";
    SameName, "same-name", Accepted, "each file is sent and reported again under the same key";
}

/// Changes a report's `data` the way the fault says; faults of the conversation leave it as it is.
pub(crate) fn change(fault: Fault, data: &mut Value) {
    let file = &mut data["file"];
    match fault {
        Fault::MissingMetadata => drop(file.as_object_mut().and_then(|file| file.remove("metadata"))),
        Fault::NullMetadata => file["metadata"] = Value::Null,
        Fault::MissingExt => drop(file.as_object_mut().and_then(|file| file.remove("ext"))),
        Fault::MissingPath => drop(file.as_object_mut().and_then(|file| file.remove("path"))),
        Fault::MissingName => drop(file.as_object_mut().and_then(|file| file.remove("name"))),
        Fault::NoFlightTask => drop(data.as_object_mut().and_then(|data| data.remove("flight_task"))),
        Fault::FlatFile => {
            let mut flat = file.take();
            flat["result"] = json!(0);
            *data = flat;
        }
        Fault::CreatedTime => {
            let time = file["metadata"]["create_time"].take();
            file["metadata"]["created_time"] = time;
        }
        Fault::ZonelessTime => file["metadata"]["create_time"] = json!("2026-05-10 10:15:30"),
        Fault::NulTime => {
            let time = file["metadata"]["create_time"].as_str().unwrap_or_default().to_owned();
            file["metadata"]["create_time"] = json!(time + "\0");
        }
        Fault::StringYaw => {
            let yaw = file["metadata"]["gimbal_yaw_degree"].as_f64().unwrap_or_default();
            file["metadata"]["gimbal_yaw_degree"] = json!(yaw.to_string());
        }
        Fault::LatitudeNames => {
            let shot = file["metadata"]["shoot_position"].take();
            file["metadata"]["shoot_position"] = json!({ "latitude": shot["lat"], "longitude": shot["lng"] });
        }
        Fault::GarbagePosition => file["metadata"]["shoot_position"] = json!({ "lat": 1e-170, "lng": 1e240 }),
        Fault::TextNumbers => {
            text_numbers(&mut data["flight_task"]);
            text_numbers(&mut data["file"]["metadata"]);
        }
        Fault::NumberText => file["name"] = json!(20_260_510),
        Fault::NumberFlag => file["ext"]["is_original"] = json!(1),
        Fault::OutsidePosition => file["metadata"]["shoot_position"] = json!({ "lat": 91.5, "lng": 181.5 }),
        Fault::ZeroPosition => file["metadata"]["shoot_position"] = json!({ "lat": 0.0, "lng": 0.0 }),
        Fault::EmptyFlight => file["ext"]["flight_id"] = json!(""),
        Fault::UnknownModels => {
            file["ext"]["drone_model_key"] = json!("0-999-7");
            file["ext"]["payload_model_key"] = json!("never-seen");
        }
        Fault::Fingerprint => file["fingerprint"] = json!("ABCDEF0123456789ABCDEF0123456789"),
        Fault::ResultZero => data["result"] = json!(0),
        Fault::FailedResult => data["result"] = json!(324_030),
        Fault::ForeignPrefix => {
            let key = file["object_key"].as_str().unwrap_or_default().to_owned();
            file["object_key"] = json!(format!("somewhere-else/{key}"));
        }
        _ => {}
    }
}

/// Writes every number of a tree as text.
pub(crate) fn text_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => *value = json!(number.to_string()),
        Value::Object(fields) => fields.values_mut().for_each(text_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_fault_has_a_name_of_its_own_and_words() {
        let names: HashSet<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), Fault::ALL.len());
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse(), Ok(*fault));
            assert!(!fault.help().is_empty());
        }
        assert!("no-such-fault".parse::<Fault>().is_err());
    }

    #[test]
    fn numbers_become_text_at_every_depth() {
        let mut data = json!({ "file": { "metadata": { "absolute_altitude": 1.5, "shoot_position": { "lat": 47.0 } } },
            "flight_task": { "flight_type": 0 } });
        change(Fault::TextNumbers, &mut data);
        assert_eq!(data["file"]["metadata"]["absolute_altitude"], "1.5");
        assert_eq!(data["file"]["metadata"]["shoot_position"]["lat"], "47.0");
        assert_eq!(data["flight_task"]["flight_type"], "0");
    }
}
