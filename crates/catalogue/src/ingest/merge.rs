//! What a second report of an object changes in its row.

use jiff::Timestamp;
use serde_json::Value;

use crate::{Media, MediaSource, Processing};

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
    let says_nothing =
        |metadata: &Value| metadata.is_null() || metadata.as_object().is_some_and(serde_json::Map::is_empty);
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
        captured_at: new.captured_at.or(old.captured_at),
        captured_local: new.captured_local.clone().or_else(|| old.captured_local.clone()),
        position: new.position.or(old.position),
        gimbal_yaw_deg: new.gimbal_yaw_deg.or(old.gimbal_yaw_deg),
        gimbal_pitch_deg: new.gimbal_pitch_deg.or(old.gimbal_pitch_deg),
        gimbal_roll_deg: new.gimbal_roll_deg.or(old.gimbal_roll_deg),
        drone_model_key: new.drone_model_key.clone().or_else(|| old.drone_model_key.clone()),
        payload_model_key: new.payload_model_key.clone().or_else(|| old.payload_model_key.clone()),
        is_original: new.is_original.or(old.is_original),
        fingerprint: new.fingerprint.clone().or_else(|| old.fingerprint.clone()),
        path: new.path.clone().or_else(|| old.path.clone()),
        processing: if same_bytes { old.processing } else { new.processing },
        warnings,
        metadata: if says_nothing(&new.metadata) { old.metadata.clone() } else { new.metadata.clone() },
        created_at: old.created_at,
        updated_at: now,
        trashed_at: old.trashed_at,
    }
}
