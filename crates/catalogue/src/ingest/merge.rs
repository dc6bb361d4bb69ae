//! What a second report of an object changes in its row.

use jiff::Timestamp;
use serde_json::Value;

use crate::{Media, MediaSource, PilotFile, Processing};

/// The source in `metadata.sources` of a value that the device reported.
const REPORT: &str = "report";

/// `old` with what `new` knows. What readers made of the bytes stays as long as the bytes do.
pub(super) fn merge(old: &Media, new: &Media, now: Timestamp) -> Media {
    let size_bytes = new.size_bytes.or(old.size_bytes);
    let etag = new.etag.clone().or_else(|| old.etag.clone());
    let same_bytes = size_bytes == old.size_bytes && etag == old.etag;
    let understood = same_bytes && old.processing != Processing::Pending;
    let mut warnings = if same_bytes { old.warnings.clone() } else { Vec::new() };
    for warning in &new.warnings {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
    // what was read of these bytes outranks what a device reports of them
    let read = |field: &str| understood && source(old, field).is_some_and(|source| source != REPORT);
    Media {
        id: old.id,
        workspace_id: old.workspace_id,
        gateway_sn: new.gateway_sn.clone().or_else(|| old.gateway_sn.clone()),
        // a device's own word is worth more than ours about it
        source: if new.source == MediaSource::Import { old.source } else { new.source },
        flight_id: new.flight_id.clone().or_else(|| old.flight_id.clone()),
        name: new.name.clone(),
        kind: if understood { old.kind } else { new.kind },
        bucket: new.bucket.clone(),
        object_key: old.object_key.clone(),
        size_bytes,
        etag,
        status: new.status,
        captured_at: choose(read("captured_at"), old.captured_at, new.captured_at),
        captured_local: choose(read("captured_at"), old.captured_local.clone(), new.captured_local.clone()),
        position: choose(read("position"), old.position, new.position),
        gimbal_yaw_deg: choose(read("gimbal"), old.gimbal_yaw_deg, new.gimbal_yaw_deg),
        gimbal_pitch_deg: choose(read("gimbal"), old.gimbal_pitch_deg, new.gimbal_pitch_deg),
        gimbal_roll_deg: choose(read("gimbal"), old.gimbal_roll_deg, new.gimbal_roll_deg),
        drone_model_key: new.drone_model_key.clone().or_else(|| old.drone_model_key.clone()),
        payload_model_key: new.payload_model_key.clone().or_else(|| old.payload_model_key.clone()),
        is_original: new.is_original.or(old.is_original),
        fingerprint: new.fingerprint.clone().or_else(|| old.fingerprint.clone()),
        path: new.path.clone().or_else(|| old.path.clone()),
        pilot: PilotFile {
            aircraft_sn: new.pilot.aircraft_sn.clone().or_else(|| old.pilot.aircraft_sn.clone()),
            file_group_id: new.pilot.file_group_id.clone().or_else(|| old.pilot.file_group_id.clone()),
            sub_file_type: new.pilot.sub_file_type.or(old.pilot.sub_file_type),
            tiny_fingerprint: new.pilot.tiny_fingerprint.clone().or_else(|| old.pilot.tiny_fingerprint.clone()),
            flight_group: flight_group(old, new),
        },
        processing: if same_bytes { old.processing } else { new.processing },
        warnings,
        metadata: metadata(&old.metadata, &new.metadata, same_bytes),
        picture: if same_bytes { old.picture.clone() } else { None },
        created_at: old.created_at,
        updated_at: now,
        trashed_at: old.trashed_at,
    }
}

/// Where the value of `field` came from, when a reader chose it.
fn source<'a>(media: &'a Media, field: &str) -> Option<&'a str> {
    media.metadata.get("sources")?.get(field)?.as_str()
}

fn choose<T>(keep_old: bool, old: Option<T>, new: Option<T>) -> Option<T> {
    if keep_old { old } else { new.or(old) }
}

/// The new report's words over the old row's; what was read of other bytes goes.
fn metadata(old: &Value, new: &Value, same_bytes: bool) -> Value {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) if same_bytes => {
            let mut merged = old.clone();
            merged.extend(new.iter().map(|(name, value)| (name.clone(), value.clone())));
            Value::Object(merged)
        }
        (Value::Object(old), Value::Object(new)) if new.is_empty() => {
            let reported = old.get("reported").map(|reported| ("reported".to_owned(), reported.clone()));
            Value::Object(reported.into_iter().collect())
        }
        (old, Value::Null) => old.clone(),
        (_, new) => new.clone(),
    }
}

/// A flight that somebody named is worth more than one made of capture times.
fn flight_group(old: &Media, new: &Media) -> Option<String> {
    let was_named = old.flight_id.is_some() && old.pilot.flight_group.is_none();
    if was_named || new.flight_id.is_some() {
        return None;
    }
    new.pilot.flight_group.clone().or_else(|| old.pilot.flight_group.clone())
}
