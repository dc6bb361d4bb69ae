//! Makes a file's thumbnail and preview, and what lists show before they come.

use eyrie_catalogue::{Media, MediaKind, MediaStatus, NewJob};
use serde_json::{Value, json};

use super::{Failure, Run};
use crate::app::App;
use crate::ffmpeg::{self, FfmpegError};
use crate::pictures::{self, MakeError};

pub const KIND: &str = "make-pictures";

/// A video that ffmpeg cannot read is the same the third time.
const MAX_VIDEO_ATTEMPTS: u32 = 3;

/// The job that follows a file's understanding; `None` when there is nothing to make, or it was made of these bytes.
pub fn wanted(app: &App, media: &Media) -> Option<NewJob> {
    let made = media.picture.as_ref().is_some_and(|picture| picture.error.is_none());
    let can = media.kind != MediaKind::Video || ffmpeg::find(app).is_some();
    let wanted = can && pictures::has_picture(media.kind) && media.status == MediaStatus::Stored && !made;
    let max_attempts = app.config.jobs.max_attempts;
    wanted.then(|| NewJob {
        id: app.new_id(),
        workspace_id: Some(media.workspace_id),
        kind: KIND.to_owned(),
        media_id: Some(media.id),
        flight_id: media.flight_id.clone(),
        payload: json!({}),
        run_after: app.now(),
        max_attempts: if media.kind == MediaKind::Video { max_attempts.min(MAX_VIDEO_ATTEMPTS) } else { max_attempts },
    })
}

pub async fn run(run: &Run) -> Result<Option<Value>, Failure> {
    let app = &run.app;
    let Some(id) = run.job.media_id else { return Err(Failure::Final(anyhow::anyhow!("the job names no file"))) };
    let Some(media) = app.catalogue.media_by_id(id).await? else {
        return Err(Failure::Final(anyhow::anyhow!("the file is not in the catalogue any more")));
    };
    if media.status != MediaStatus::Stored || !pictures::has_picture(media.kind) {
        return Ok(Some(json!({ "skipped": media.status.as_str() })));
    }
    match pictures::make_all(app, &media).await {
        Ok(facts) => Ok(facts.error.map(|error| json!({ "no_picture": error }))),
        // whatever it is that ffmpeg cannot read, it is kept; a machine under load may do better another time
        Err(MakeError::Video(error @ (FfmpegError::Program(_) | FfmpegError::Folder(_)))) => {
            Err(Failure::Retry(error.into()))
        }
        Err(MakeError::Video(error)) => Err(Failure::Final(error.into())),
        Err(MakeError::Failed(error)) => Err(Failure::Retry(error)),
        Err(error @ (MakeError::Hopeless(_) | MakeError::Gone)) => Err(Failure::Final(error.into())),
    }
}
