//! `file_upload_callback`: a file is reported. Look the object up, keep everything in one commit, then answer.
//!
//! What is answered when is in `docs/decisions/answers.md`.

use eyrie_catalogue::{FlightFacts, IngestReport, IssuedPrefix, Media, MediaSource, MediaStatus, Position, Processing};
use eyrie_cloudapi::{CapturedTime, FileUpload, error as codes};
use eyrie_env::fail_point;
use eyrie_objects::{ObjectInfo, StoreError};
use serde_json::json;

use super::state::Identity;
use super::{Answer, Call};
use crate::ingest::blocking_fail_point;
use crate::jobs::extract_metadata;

/// Where the reported object is.
enum Found {
    Stored(IssuedPrefix, Box<ObjectInfo>),
    Missing(IssuedPrefix),
    /// Outside every prefix ever issued to this dock.
    Foreign,
}

pub(super) async fn callback(call: &Call<'_>, upload: &FileUpload) -> Answer {
    let (app, sn) = (call.app, call.sn());
    let Some(dock) = app.docks.identity(sn) else {
        let refused =
            Answer::result(codes::NOT_KEPT).with_note("the dock is not known here: add it with `eyrie dock add`");
        return call.keep_and_answer(refused).await;
    };
    if let Some(result) = upload.failed_result {
        let note = format!(
            "the dock reports that the upload failed with {result}{}",
            codes::text(result).map(|text| format!(": {text}")).unwrap_or_default()
        );
        return call.keep_and_answer(Answer::result(0).with_note(note)).await;
    }
    let found = match look(call, &upload.object_key).await {
        Ok(found) => found,
        Err(error) => return call.keep_and_answer(call.not_kept(&error)).await,
    };
    let (mut answer, status, bucket) = match &found {
        Found::Stored(prefix, _) => (Answer::result(0), MediaStatus::Stored, &prefix.bucket),
        Found::Missing(prefix) => {
            let note = "the object is not in the store; the dock keeps the file and reports it again";
            (Answer::result(codes::NOT_KEPT).with_note(note), MediaStatus::Missing, &prefix.bucket)
        }
        Found::Foreign => {
            let note = "the key lies outside every prefix ever issued to this dock: in quarantine";
            (Answer::result(0).with_note(note), MediaStatus::Quarantined, &dock.bucket)
        }
    };
    let object = match &found {
        Found::Stored(_, object) => Some(object),
        _ => None,
    };
    let workspace_id = match &found {
        Found::Stored(prefix, _) | Found::Missing(prefix) => prefix.workspace_id,
        Found::Foreign => dock.workspace_id,
    };
    let mut media = describe(call, &dock, upload, status);
    media.workspace_id = workspace_id;
    media.bucket.clone_from(bucket);
    media.size_bytes = object.and_then(|object| i64::try_from(object.size_bytes).ok());
    media.etag = object.map(|object| object.etag.clone());
    let report = IngestReport {
        event: Some(call.raw_event()),
        flight: flight(upload, workspace_id, sn).filter(|_| status != MediaStatus::Quarantined),
        jobs: match status {
            MediaStatus::Stored => vec![extract_metadata::new_job(&media, app.new_id(), app.config.jobs.max_attempts)],
            MediaStatus::Missing | MediaStatus::Quarantined => Vec::new(),
        },
        media: Some(media),
        now: app.now(),
    };
    match keep(call, report).await {
        Ok(()) => {}
        Err(error) => answer = call.not_kept(&error),
    }
    answer
}

/// The commit, and the step between it and the reply.
async fn keep(call: &Call<'_>, report: IngestReport) -> Result<(), crate::ingest::IngestError> {
    #[cfg(feature = "failpoints")]
    if crate::control::reply_before_commit() {
        let app = std::sync::Arc::clone(call.app);
        tokio::spawn(async move { app.ingest.report(report).await });
        return Ok(());
    }
    call.app.ingest.report(report).await?;
    // an error here withholds the reply of a file that is kept: the dock reports again, and once stays once
    let replied = blocking_fail_point(|| fail_point!("dock.reply")).await;
    replied.map_err(|_| crate::ingest::IngestError::Stopping)
}

/// HEAD below each prefix that holds the key, with a few tries: a store may show an object a moment after its PUT.
async fn look(call: &Call<'_>, object_key: &str) -> Result<Found, StoreError> {
    let app = call.app;
    let prefixes = app.docks.prefixes_holding(call.sn(), object_key);
    let Some(newest) = prefixes.first() else { return Ok(Found::Foreign) };
    for attempt in 0..app.config.ingest.head_attempts.max(1) {
        if attempt > 0 {
            tokio::time::sleep(app.config.ingest.head_interval).await;
        }
        for prefix in &prefixes {
            let started = std::time::Instant::now();
            blocking_fail_point(|| fail_point!("ingest.head"))
                .await
                .map_err(|source| StoreError::Io { doing: "cannot look an object up".into(), source })?;
            let object = app.store.head(&prefix.bucket, object_key).await?;
            metrics::histogram!("eyrie_object_head_seconds").record(started.elapsed().as_secs_f64());
            if let Some(object) = object {
                return Ok(Found::Stored(prefix.clone(), Box::new(object)));
            }
        }
    }
    Ok(Found::Missing(newest.clone()))
}

fn flight(upload: &FileUpload, workspace_id: uuid::Uuid, sn: &str) -> Option<FlightFacts> {
    let flight_id = upload.flight_id.clone().filter(|id| !id.is_empty())?;
    Some(FlightFacts {
        workspace_id,
        flight_id,
        gateway_sn: Some(sn.to_owned()),
        flight_type: upload.flight_type,
        expected_file_count: upload.expected_file_count,
        uploaded_file_count: upload.uploaded_file_count,
        ..Default::default()
    })
}

fn describe(call: &Call<'_>, dock: &Identity, upload: &FileUpload, status: MediaStatus) -> Media {
    let app = call.app;
    let now = app.now();
    let mut warnings = Vec::new();
    let (captured_at, captured_local) = match &upload.captured {
        Some(CapturedTime::Utc { at, .. }) => (Some(*at), None),
        Some(CapturedTime::Local { text, .. }) => {
            warnings.push("the device gave the capture time without a zone".to_owned());
            (None, Some(text.clone()))
        }
        None => (None, None),
    };
    Media {
        id: app.new_id(),
        workspace_id: dock.workspace_id,
        gateway_sn: Some(dock.sn.clone()),
        source: MediaSource::Dock,
        flight_id: upload.flight_id.clone().filter(|id| !id.is_empty()),
        name: upload.name.clone(),
        kind: extract_metadata::catalogue_kind(eyrie_media::kind_of_name(&upload.name)),
        bucket: dock.bucket.clone(),
        object_key: upload.object_key.clone(),
        size_bytes: None,
        etag: None,
        status,
        captured_at,
        captured_local,
        position: upload.position.map(|position| Position {
            lat: position.lat,
            lng: position.lng,
            absolute_altitude_m: upload.absolute_altitude_m,
            relative_altitude_m: upload.relative_altitude_m,
        }),
        gimbal_yaw_deg: upload.gimbal_yaw_deg,
        gimbal_pitch_deg: None,
        gimbal_roll_deg: None,
        drone_model_key: upload.drone_model_key.clone(),
        payload_model_key: upload.payload_model_key.clone(),
        is_original: upload.is_original,
        fingerprint: upload.fingerprint.clone(),
        path: upload.path.clone(),
        processing: if status == MediaStatus::Stored { Processing::Pending } else { Processing::Done },
        warnings,
        metadata: json!({}),
        created_at: now,
        updated_at: now,
        trashed_at: None,
    }
}
