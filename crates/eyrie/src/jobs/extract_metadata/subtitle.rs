//! A video and the subtitle file beside it: tied by flight, stem and time.

use std::io;
use std::sync::Arc;

use eyrie_catalogue::{Media, MediaKind, MediaStatus, NewJob};
use eyrie_media::srt::{self, Srt};
use eyrie_media::understand::MAX_SUBTITLE_BYTES;

use crate::app::App;

/// The subtitles of a video.
///
/// # Errors
/// The catalogue cannot be read.
pub async fn subtitle_of(app: &App, video: &Media) -> eyrie_catalogue::Result<Option<Media>> {
    companion(app, video, MediaKind::Subtitle, &["SRT", "srt"]).await
}

/// The video of a subtitle file.
pub(super) async fn video_of(app: &App, subtitle: &Media) -> eyrie_catalogue::Result<Option<Media>> {
    companion(app, subtitle, MediaKind::Video, &["MP4", "mp4", "MOV", "mov"]).await
}

async fn companion(
    app: &App,
    of: &Media,
    kind: MediaKind,
    extensions: &[&str],
) -> eyrie_catalogue::Result<Option<Media>> {
    let stem = srt::stem_of(&of.name);
    if let Some(flight_id) = &of.flight_id {
        let same = app.catalogue.media_with_stem(of.workspace_id, flight_id, &stem).await?;
        let candidates = same.into_iter().filter(|media| media.kind == kind && media.id != of.id);
        // names repeat when a card is formatted between two flights of one task: the nearest in time is meant
        let apart_s = |media: &Media| match (media.captured_at, of.captured_at) {
            (Some(a), Some(b)) => (a.as_second() - b.as_second()).unsigned_abs(),
            _ => u64::MAX,
        };
        if let Some(nearest) = candidates.min_by_key(apart_s) {
            return Ok(Some(nearest));
        }
    }
    // one of the two may have come without its flight: then the same folder counts
    let Some((key_stem, _)) = of.object_key.rsplit_once('.') else { return Ok(None) };
    for extension in extensions {
        let key = format!("{key_stem}.{extension}");
        if let Some(found) = app.catalogue.media_by_key(of.workspace_id, &key).await?
            && found.kind == kind
            && found.status == MediaStatus::Stored
            && found.trashed_at.is_none()
            && (of.flight_id.is_none() || found.flight_id.is_none())
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Reads a stored subtitle file.
///
/// # Errors
/// The object cannot be read.
pub async fn read_subtitle(app: &App, subtitle: &Media) -> io::Result<Srt> {
    let size_bytes = u64::try_from(subtitle.size_bytes.unwrap_or(0)).unwrap_or(0);
    if size_bytes > MAX_SUBTITLE_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the subtitle file is too large"));
    }
    let mut range =
        crate::object_range::open(Arc::clone(&app.store), &subtitle.bucket, &subtitle.object_key, size_bytes);
    let read = tokio::task::spawn_blocking(move || {
        let bytes = eyrie_media::read_range(&mut range, 0, size_bytes as usize)?;
        Ok(srt::read(&bytes))
    });
    read.await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

/// A video without a position gets its subtitles' first one.
pub(super) async fn lend_position(app: &App, video: &Media, understood: &mut super::Understanding) {
    if understood.kind != eyrie_media::Kind::Video || understood.position.is_some() {
        return;
    }
    let lent = async {
        let Some(subtitle) = subtitle_of(app, video).await.map_err(io::Error::other)? else { return Ok(None) };
        read_subtitle(app, &subtitle).await.map(Some)
    };
    match lent.await {
        Ok(Some(srt)) => {
            let found = |value| eyrie_media::understand::Found { value, source: "srt" };
            understood.position = srt.first_position.map(found);
            let gimbal = srt.track.samples.iter().find_map(|sample| sample.gimbal);
            understood.gimbal =
                understood.gimbal.or(gimbal.map(|value| eyrie_media::understand::Found { value, source: "srt" }));
            let local = srt.first_local.map(|local| local.to_string());
            understood.captured_local = understood.captured_local.take().or(local);
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, media.id = %video.id, "the subtitles of a video could not be read"),
    }
}

/// A subtitle file that came after its video: the video is read again, when it has no position of its own.
pub(super) async fn tell_video(app: &App, subtitle: &Media) -> eyrie_catalogue::Result<()> {
    if subtitle.kind != MediaKind::Subtitle || subtitle.position.is_none() {
        return Ok(());
    }
    let Some(video) = video_of(app, subtitle).await? else { return Ok(()) };
    let has_its_own = video.metadata["sources"]["position"].as_str().is_some_and(|source| source != "report");
    let now = app.now();
    if has_its_own {
        // one position is its own, the rest of its way may be the subtitles'
        let trace = crate::jobs::trace_footprints::wanted(app, &video);
        app.catalogue.add_jobs(&Vec::from_iter(trace), now).await?;
        app.wake.wake();
        return Ok(());
    }
    let job = super::new_job(&video, app.new_id(), app.config.jobs.max_attempts);
    app.catalogue.add_jobs(&[NewJob { run_after: now, ..job }], now).await?;
    app.wake.wake();
    Ok(())
}
