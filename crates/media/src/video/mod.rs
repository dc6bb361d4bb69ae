//! Videos: what they are, and the telemetry inside, by ranges. The picture data is never read.

mod boxes;
mod djmd;
mod fragments;
mod moov;
mod orphan;
mod protobuf;
mod telemetry;
mod udta;

use std::io;

use jiff::Timestamp;
use serde::Serialize;

pub use djmd::Header as DjmdHeader;

use crate::track::{Place, Track, TrackSource};
use crate::{RangeRead, read_range};
use boxes::{TopBox, top};
use moov::{TrackBox, movie};

/// Largest `moov` that is read: four hours with three tracks at 60 frames a second have about 60 MB.
const MAX_MOOV_BYTES: u64 = 128 * 1024 * 1024;
/// Telemetry of one frame; real ones have some hundred bytes.
const MAX_SAMPLE_BYTES: u32 = 256 * 1024;

/// What a video's boxes say, without its telemetry's samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Video {
    pub duration_s: Option<f64>,
    pub width_px: Option<u32>,
    pub height_px: Option<u32>,
    /// Clockwise turn for display: 0, 90, 180, 270.
    pub rotation_deg: u32,
    pub frame_rate_hz: Option<f64>,
    /// `h264`, `h265`, or the sample entry's own name.
    pub codec: Option<String>,
    /// Name of the sample entry, for a browser's `codecs`: `avc1`, `hvc1`.
    pub sample_entry: Option<String>,
    pub has_audio: bool,
    /// Of the movie header: UTC when the camera's clock is set to it.
    #[serde(skip)]
    pub created_at: Option<Timestamp>,
    /// Brand of the file: `isom`, `mp42`, `qt  `.
    pub brand: Option<String>,
    /// Samples lie in fragments.
    pub fragmented: bool,
    /// The recording did not end in order.
    pub truncated: bool,
    /// What telemetry it carries, the best first.
    pub telemetry: Vec<TrackSource>,
    pub telemetry_sample_count: usize,
    pub djmd: Option<DjmdHeader>,
    /// Words of `moov/udta`.
    pub camera_model: Option<String>,
    #[serde(skip)]
    pub first_position: Option<Place>,
    #[serde(skip)]
    pub first_position_source: Option<TrackSource>,
    #[serde(skip)]
    pub first_gimbal: Option<crate::track::Attitude>,
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// Reads the boxes, and the first telemetry sample.
///
/// # Errors
/// The source cannot be read. Damage of the file is told in the warnings.
pub fn read(reader: &mut dyn RangeRead) -> io::Result<Video> {
    let mut file = File::open(reader)?;
    let mut video =
        Video { warnings: std::mem::take(&mut file.warnings), truncated: file.truncated, ..Video::default() };
    video.brand = file.brand(reader)?;
    let movie = movie(&file.moov);
    video.created_at = movie.created_at;
    video.fragmented = movie.fragmented;
    video.duration_s = movie.duration_s;
    if let Some(picture) = movie.tracks.iter().find(|track| &track.handler == b"vide") {
        if movie.fragmented {
            let told = movie.fragments_s.or(video.duration_s);
            let end_s = if told.is_none() { fragments::end_s(reader, &file.top, &movie, picture)? } else { None };
            video.duration_s = told.or(end_s);
        }
        describe(picture, &mut video);
    }
    video.has_audio = movie.tracks.iter().any(|track| &track.handler == b"soun");
    let words = udta::read(movie.udta.unwrap_or_default(), movie.meta.unwrap_or_default());
    video.camera_model.clone_from(&words.model);
    video.created_at = video.created_at.or(words.created_at);
    telemetry::look(reader, &file, &movie, &words, &mut video)?;
    Ok(video)
}

/// Reads all telemetry of a video: the `djmd` track, else the `tx3g` track, else what `udta` says once. `None` when it
/// carries none.
///
/// # Errors
/// The source cannot be read.
pub fn track(reader: &mut dyn RangeRead) -> io::Result<Option<Track>> {
    let file = File::open(reader)?;
    telemetry::track(reader, &file, &movie(&file.moov))
}

fn describe(picture: &TrackBox<'_>, video: &mut Video) {
    let size = |pixels: u32| (pixels > 0).then_some(pixels);
    (video.width_px, video.height_px) = (size(picture.width_px), size(picture.height_px));
    video.rotation_deg = picture.rotation_deg;
    let entry = String::from_utf8_lossy(&picture.entry).trim().to_owned();
    video.codec = Some(match &picture.entry {
        b"avc1" | b"avc3" => "h264".to_owned(),
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "h265".to_owned(),
        b"av01" => "av1".to_owned(),
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" => "prores".to_owned(),
        b"mp4v" => "mpeg4".to_owned(),
        _ => entry.clone(),
    });
    video.sample_entry = Some(entry);
    let duration_s = picture.duration_s().or(video.duration_s);
    video.duration_s = video.duration_s.or(duration_s);
    let frames = picture.sample_count();
    video.frame_rate_hz =
        duration_s.filter(|_| frames > 1).map(|duration_s| (frames as f64 / duration_s * 1_000.0).round() / 1_000.0);
}

/// The file's outline: its top boxes, and `moov` in memory.
struct File {
    top: Vec<TopBox>,
    /// Empty when there is none.
    moov: Vec<u8>,
    /// Tracks may lack that the file has.
    index_is_cut: bool,
    truncated: bool,
    warnings: Vec<String>,
}

impl File {
    fn open(reader: &mut dyn RangeRead) -> io::Result<Self> {
        let top = top(reader)?;
        let mut file = Self { top, moov: Vec::new(), index_is_cut: false, truncated: false, warnings: Vec::new() };
        match file.top.iter().find(|one| &one.kind == b"moov").copied() {
            None => {
                (file.truncated, file.index_is_cut) = (true, true);
                file.warnings.push("the recording did not end in order: the video has no index (moov)".into());
            }
            Some(moov) if moov.size_bytes > MAX_MOOV_BYTES => {
                file.warnings.push("the video's index (moov) is too large to be read".into());
            }
            Some(moov) => {
                file.moov = read_range(reader, moov.offset, moov.size_bytes as usize)?;
                if moov.cut {
                    (file.truncated, file.index_is_cut) = (true, true);
                    file.warnings.push("the file ends within the video's index (moov)".into());
                }
            }
        }
        if !file.truncated && file.top.iter().any(|one| one.cut) {
            file.truncated = true;
            file.warnings.push("the file is shorter than its boxes say".into());
        }
        Ok(file)
    }

    fn brand(&self, reader: &mut dyn RangeRead) -> io::Result<Option<String>> {
        let Some(ftyp) = self.top.iter().find(|one| &one.kind == b"ftyp") else { return Ok(None) };
        let brand = read_range(reader, ftyp.offset, 4.min(ftyp.size_bytes as usize))?;
        Ok(Some(String::from_utf8_lossy(&brand).trim().to_owned()).filter(|brand| !brand.is_empty()))
    }
}

#[cfg(test)]
mod tests;
