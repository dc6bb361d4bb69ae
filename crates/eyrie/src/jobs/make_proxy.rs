//! Makes a small H.264 video that every browser plays, when somebody asks for it.

use std::time::Duration;

use eyrie_catalogue::{Media, MediaKind, MediaStatus, NewJob};
use serde_json::{Value, json};

use super::{Failure, Run};
use crate::app::App;
use crate::derived::{self, Form};
use crate::ffmpeg::{FfmpegError, Proxy};

pub const KIND: &str = "make-proxy";

/// How often progress is told, and the lease renewed.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// A video that ffmpeg cannot read is the same the third time.
const MAX_ATTEMPTS: u32 = 3;

pub fn new_job(app: &App, media: &Media) -> NewJob {
    NewJob {
        id: app.new_id(),
        workspace_id: Some(media.workspace_id),
        kind: KIND.to_owned(),
        media_id: Some(media.id),
        flight_id: media.flight_id.clone(),
        payload: json!({}),
        run_after: app.now(),
        max_attempts: MAX_ATTEMPTS,
    }
}

pub async fn run(run: &Run) -> Result<Option<Value>, Failure> {
    let app = &run.app;
    let Some(id) = run.job.media_id else { return Err(Failure::Final(anyhow::anyhow!("the job names no file"))) };
    let media = app.catalogue.media_by_id(id).await?;
    let media = media.filter(|media| media.status == MediaStatus::Stored && media.kind == MediaKind::Video);
    let media = media.ok_or_else(|| Failure::Final(anyhow::anyhow!("the video is not in the library any more")))?;
    let total_s = media.metadata.pointer("/video/duration_s").and_then(Value::as_f64).map(|seconds| seconds as i64);
    let proxy = Proxy::new(app, &media).map_err(|error| Failure::Final(error.into()))?;
    run.progress(0, total_s).await?;
    let making = proxy.make();
    tokio::pin!(making);
    let path = loop {
        tokio::select! {
            made = &mut making => break made,
            () = tokio::time::sleep(TELL_EVERY) => {
                run.progress(proxy.done_s().await, total_s).await?;
                run.tell();
            }
        }
    };
    let path = path.map_err(|error| match error {
        FfmpegError::Program(_) | FfmpegError::Folder(_) => Failure::Retry(error.into()),
        _ => Failure::Final(error.into()),
    })?;
    let object = derived::put_file(app, &media, Form::Proxy, &path).await?;
    let done_s = total_s.unwrap_or(proxy.done_s().await);
    run.progress(done_s, Some(done_s)).await?;
    Ok(Some(json!({ "size_bytes": object.size_bytes })))
}
