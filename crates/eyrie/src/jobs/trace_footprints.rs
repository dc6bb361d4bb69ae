//! Writes down what ground a video shows, second by second: from its own track, or from the subtitles beside it.
//!
//! A photo's ground is written with its metadata; a video's needs its whole track, so it has a job of its own. It is done again
//! when subtitles come after their video.

use eyrie_catalogue::{Footprint, FootprintPiece, Media, MediaKind, MediaStatus, NewJob};
use eyrie_media::ground::{self, Stretch};
use serde_json::{Value, json};

use super::{Failure, Run};
use crate::app::App;

pub const KIND: &str = "trace-footprints";

const MAX_ATTEMPTS: u32 = 3;

/// The job that follows a video's understanding.
pub fn wanted(app: &App, media: &Media) -> Option<NewJob> {
    (media.kind == MediaKind::Video && media.status == MediaStatus::Stored).then(|| NewJob {
        id: app.new_id(),
        workspace_id: Some(media.workspace_id),
        kind: KIND.to_owned(),
        media_id: Some(media.id),
        flight_id: media.flight_id.clone(),
        payload: json!({}),
        run_after: app.now(),
        max_attempts: MAX_ATTEMPTS,
    })
}

pub(super) async fn run(run: &Run) -> Result<Option<Value>, Failure> {
    let app = &run.app;
    let Some(id) = run.job.media_id else { return Err(Failure::Final(anyhow::anyhow!("the job names no file"))) };
    let Some(media) = app.catalogue.media_by_id(id).await? else {
        return Err(Failure::Final(anyhow::anyhow!("the file is not in the catalogue any more")));
    };
    if media.status != MediaStatus::Stored || media.kind != MediaKind::Video {
        return Ok(Some(json!({ "skipped": media.kind.as_str() })));
    }
    let track = crate::api::telemetry::track_of(app, &media).await?;
    let lens = media.metadata["camera"].as_str().map(str::to_owned);
    let side = |name: &str| media.metadata["video"][name].as_u64().and_then(|px| u32::try_from(px).ok());
    let size_px = side("width_px").zip(side("height_px"));
    let traced = tokio::task::spawn_blocking(move || {
        let stretches = track.map(|track| ground::of_track(&track, lens.as_deref(), size_px)).unwrap_or_default();
        stretches.iter().map(|stretch| piece(stretch, true)).collect::<Vec<_>>()
    });
    let pieces = traced.await?;
    app.catalogue.save_footprints(id, media.etag.as_deref(), &pieces, app.now()).await?;
    Ok(Some(json!({ "stretches": pieces.len() })))
}

/// A stretch as the catalogue keeps it.
pub fn piece(stretch: &Stretch, of_video: bool) -> Footprint {
    let seconds = |s: f64| of_video.then_some(s);
    let piece =
        FootprintPiece { from_s: seconds(stretch.from_s), to_s: seconds(stretch.to_s), views: stretch.to_bytes() };
    Footprint { bbox: stretch.bbox, piece }
}
