//! Reads a stored file and writes down what it is, where and when it was taken.

mod choose;
pub mod subtitle;

use std::io;
use std::sync::Arc;

use eyrie_catalogue::{Job, Media, MediaKind, MediaStatus, NewJob, Processing};
use eyrie_media::understand::Understanding;
use serde_json::{Value, json};
use uuid::Uuid;

pub use choose::Reported;

use super::{Failure, Run};
use crate::app::App;
use crate::events::Change;
use crate::object_range;

pub const KIND: &str = "extract-metadata";

/// Goes up when a new release reads more, so that stored files can be read again.
pub const READER_VERSION: u32 = 6;

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
    let mut understood = match read(app, &media).await {
        Ok(understood) => understood,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            app.catalogue.set_media_status(id, MediaStatus::Missing, app.now()).await?;
            return Err(Failure::Final(anyhow::anyhow!("the object is gone from the store")));
        }
        Err(error) => return Err(error.into()),
    };
    subtitle::lend_position(app, &media, &mut understood).await;
    let view = understood.view;
    choose::apply(&mut media, understood);
    media.updated_at = app.now();
    // a video's ground needs its whole track, and has a job of its own
    let ground = (media.kind != MediaKind::Video).then(|| {
        let stretch = view.and_then(eyrie_media::ground::of_photo);
        stretch.map(|stretch| super::trace_footprints::piece(&stretch, false)).into_iter().collect::<Vec<_>>()
    });
    app.catalogue.save_understanding_and(&media, ground.as_deref()).await?;
    subtitle::tell_video(app, &media).await?;
    super::ppk_set::after_change(app, &media).await?;
    let follow_up = [
        super::make_pictures::wanted(app, &media),
        super::measure_thermal::wanted(app, &media),
        super::trace_footprints::wanted(app, &media),
    ];
    let follow_up: Vec<NewJob> = follow_up.into_iter().flatten().collect();
    if !follow_up.is_empty() {
        app.catalogue.add_jobs(&follow_up, app.now()).await?;
        app.wake.wake();
    }
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

/// Readers work on a blocking thread: they parse, and they wait for ranges.
async fn read(app: &App, media: &Media) -> io::Result<Understanding> {
    let size_bytes = u64::try_from(media.size_bytes.unwrap_or(0)).unwrap_or(0);
    let mut range = object_range::open(Arc::clone(&app.store), &media.bucket, &media.object_key, size_bytes);
    let name = media.name.clone();
    let read = tokio::task::spawn_blocking(move || eyrie_media::understand::understand(&name, &mut range));
    read.await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
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
