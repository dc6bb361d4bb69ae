//! Reads a stored file's beginning and writes down what it is.

use eyrie_catalogue::{Job, Media, MediaKind, MediaStatus, NewJob, Processing};
use eyrie_objects::StoreError;
use futures::TryStreamExt;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Failure, Run};
use crate::app::App;
use crate::events::Change;

pub const KIND: &str = "extract-metadata";

/// Goes up when a new release reads more, so that stored files can be read again.
pub const READER_VERSION: u32 = 1;

/// The job that follows a file's arrival.
pub fn new_job(media: &Media, id: Uuid, max_attempts: u32) -> NewJob {
    NewJob {
        id,
        workspace_id: Some(media.workspace_id),
        kind: KIND.to_owned(),
        media_id: Some(media.id),
        flight_id: media.flight_id.clone(),
        payload: json!({}),
        run_after: media.created_at,
        max_attempts,
    }
}

pub async fn run(run: &Run) -> Result<Option<Value>, Failure> {
    let app = &run.app;
    let Some(id) = run.job.media_id else { return Err(Failure::Final(anyhow::anyhow!("the job names no file"))) };
    let Some(mut media) = app.catalogue.media_by_id(id).await? else {
        return Err(Failure::Final(anyhow::anyhow!("the file is not in the catalogue any more")));
    };
    if media.status != MediaStatus::Stored {
        return Ok(Some(json!({ "skipped": media.status.as_str() })));
    }
    let head = match read_head(app, &media).await {
        Ok(head) => head,
        Err(StoreError::NoSuchKey { .. }) => {
            app.catalogue.set_media_status(id, MediaStatus::Missing, app.now()).await?;
            return Err(Failure::Final(anyhow::anyhow!("the object is gone from the store")));
        }
        Err(error) => return Err(error.into()),
    };
    let sniffed = eyrie_media::sniff(&media.name, &head);
    media.kind = catalogue_kind(sniffed.kind);
    for warning in sniffed.warnings {
        if !media.warnings.contains(&warning) {
            media.warnings.push(warning);
        }
    }
    if let Value::Object(metadata) = &mut media.metadata {
        metadata.insert("content_type".into(), sniffed.content_type.into());
        metadata.insert("reader_version".into(), READER_VERSION.into());
    }
    media.processing = Processing::Done;
    media.updated_at = app.now();
    app.catalogue.save_understanding(&media).await?;
    run.progress(1, Some(1)).await?;
    app.events.send(media.workspace_id, Change::MediaUpdated(Box::new(media)));
    Ok(None)
}

/// After the last attempt: the file stays stored and says why it is not understood.
pub(super) async fn give_up(app: &App, job: &Job, why: &str) {
    let Some(id) = job.media_id else { return };
    let saved = async {
        let Some(mut media) = app.catalogue.media_by_id(id).await? else { return Ok(()) };
        media.processing = Processing::Failed;
        media.warnings.push(format!("the file could not be read: {why}"));
        media.updated_at = app.now();
        app.catalogue.save_understanding(&media).await
    };
    if let Err(error) = saved.await {
        tracing::warn!(%error, media.id = %id, "a failed file could not be marked");
    }
}

async fn read_head(app: &App, media: &Media) -> Result<Vec<u8>, StoreError> {
    let wanted = u64::try_from(media.size_bytes.unwrap_or(0)).unwrap_or(0).min(eyrie_media::HEAD_BYTES as u64);
    if wanted == 0 {
        return Ok(Vec::new());
    }
    let (_, mut bytes) = app.store.read(&media.bucket, &media.object_key, Some((0, wanted))).await?;
    let mut head = Vec::new();
    while let Some(chunk) = bytes
        .try_next()
        .await
        .map_err(|source| StoreError::Io { doing: "cannot read the beginning of an object".into(), source })?
    {
        head.extend_from_slice(&chunk);
    }
    Ok(head)
}

pub fn catalogue_kind(kind: eyrie_media::Kind) -> MediaKind {
    match kind {
        eyrie_media::Kind::Photo => MediaKind::Photo,
        eyrie_media::Kind::Video => MediaKind::Video,
        eyrie_media::Kind::Panorama => MediaKind::Panorama,
        eyrie_media::Kind::Thermal => MediaKind::Thermal,
        eyrie_media::Kind::Subtitle => MediaKind::Subtitle,
        eyrie_media::Kind::Ppk => MediaKind::Ppk,
        eyrie_media::Kind::Rtcm => MediaKind::Rtcm,
        eyrie_media::Kind::Other => MediaKind::Other,
    }
}
