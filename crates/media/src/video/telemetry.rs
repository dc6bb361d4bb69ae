//! The telemetry tracks of a video: which there are, and their samples as one kind of track.

use std::io;

use jiff::{SignedDuration, Timestamp};

use super::boxes::TopBox;
use super::djmd::{self, Header};
use super::moov::{Movie, SampleAt, TrackBox};
use super::udta::Words;
use super::{File, MAX_SAMPLE_BYTES, Video, fragments, udta};
use crate::track::{Sample, Track, TrackSource};
use crate::{RangeRead, read_range, srt};

/// Two samples that are nearer than this are fetched in one range: a request costs more than so many bytes.
const COALESCE_GAP_BYTES: u64 = 512;
/// Largest range that is fetched at once.
const MAX_RANGE_BYTES: u64 = 1024 * 1024;
/// What is looked at in a recording without an index.
const ORPHAN_BYTES: usize = 64 * 1024;

fn carrier(track: &TrackBox<'_>) -> Option<TrackSource> {
    match &track.entry {
        b"djmd" => Some(TrackSource::Djmd),
        b"tx3g" => Some(TrackSource::Tx3g),
        // the name of the entry is the metadata's own when the entry is generic
        b"mett" | b"meta" if contains(track.entry_bytes, b"djmd") => Some(TrackSource::Djmd),
        _ => None,
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).take(1_024).any(|window| window == part)
}

/// The tracks with telemetry, `djmd` first. A file may have several of one kind: one for each camera.
fn carriers<'a, 'm>(movie: &'m Movie<'a>) -> Vec<(TrackSource, &'m TrackBox<'a>)> {
    let mut found: Vec<_> =
        movie.tracks.iter().filter_map(|track| carrier(track).map(|source| (source, track))).collect();
    found.sort_by_key(|(source, _)| *source != TrackSource::Djmd);
    found
}

/// Fills in what the video says of its telemetry, from its first samples.
pub(super) fn look(
    reader: &mut dyn RangeRead,
    file: &File,
    movie: &Movie<'_>,
    words: &Words,
    video: &mut Video,
) -> io::Result<()> {
    for (source, track) in carriers(movie) {
        if !video.telemetry.contains(&source) {
            video.telemetry.push(source);
        }
        let first = first_samples(reader, file, movie, track)?;
        if source == TrackSource::Djmd && video.djmd.is_none() {
            video.djmd = first.first().and_then(|bytes| djmd::header(bytes));
        }
        if video.telemetry_sample_count == 0 {
            video.telemetry_sample_count = track.sample_count();
        }
        let layout = video.djmd.as_ref().and_then(|header| header.protocol.as_deref()).and_then(djmd::layout);
        for bytes in &first {
            let sample = match source {
                TrackSource::Djmd => djmd::frame(bytes, layout).sample,
                _ => tx3g(bytes).map(|record| record.sample).unwrap_or_default(),
            };
            if video.first_position.is_none() && sample.position.is_some() {
                (video.first_position, video.first_position_source) = (sample.position, Some(source));
            }
            video.first_gimbal = video.first_gimbal.or(sample.gimbal);
        }
    }
    if let Some(sample) = &words.sample {
        video.telemetry.push(TrackSource::Udta);
        if video.first_position.is_none() && sample.position.is_some() {
            (video.first_position, video.first_position_source) = (sample.position, Some(TrackSource::Udta));
        }
        video.first_gimbal = video.first_gimbal.or(sample.gimbal);
    }
    if file.moov.is_empty()
        && let Some((header, sample)) = orphan(reader, &file.top)?
    {
        video.telemetry.push(TrackSource::Djmd);
        video.djmd = Some(header);
        (video.first_position, video.first_position_source) = (sample.position, Some(TrackSource::Djmd));
        video.first_gimbal = sample.gimbal;
    }
    if let Some(header) = &video.djmd {
        let unread = if !header.readable {
            Some("the telemetry is encrypted or compressed and cannot be read".to_owned())
        } else if !header.layout_known {
            let name = header.protocol.as_deref().unwrap_or("without a name");
            Some(format!("the telemetry protocol {name} is not known: only positions are searched for in it"))
        } else {
            None
        };
        video.warnings.extend(unread);
    }
    Ok(())
}

/// The bytes of a track's first samples.
fn first_samples(
    reader: &mut dyn RangeRead,
    file: &File,
    movie: &Movie<'_>,
    track: &TrackBox<'_>,
) -> io::Result<Vec<Vec<u8>>> {
    const FIRST: usize = 2;
    let mut samples = track.samples(FIRST);
    if samples.is_empty() && movie.fragmented {
        samples = fragments::samples(reader, &file.top, movie, track)?;
    }
    samples
        .iter()
        .take(FIRST)
        .map(|at| read_range(reader, at.offset, at.size_bytes.min(MAX_SAMPLE_BYTES) as usize))
        .collect()
}

/// All telemetry of the best carrier that has any position, else of the first one.
pub(super) fn track(reader: &mut dyn RangeRead, file: &File, movie: &Movie<'_>) -> io::Result<Option<Track>> {
    let mut second_best: Option<Track> = None;
    for (source, track) in carriers(movie) {
        let mut samples = track.samples(usize::MAX);
        if movie.fragmented {
            samples.extend(fragments::samples(reader, &file.top, movie, track)?);
        }
        let Some(found) = read_samples(reader, source, &samples, movie.created_at)? else { continue };
        if found.samples.iter().any(|sample| sample.position.is_some()) {
            return Ok(Some(found));
        }
        second_best = second_best.or(Some(found));
    }
    if let Some(found) = second_best {
        return Ok(Some(found));
    }
    if file.moov.is_empty()
        && let Some((_, sample)) = orphan(reader, &file.top)?
    {
        let warnings = vec!["the recording did not end in order: only its first moment is known".to_owned()];
        return Ok(Some(Track { source: TrackSource::Djmd, samples: vec![sample], warnings }));
    }
    let words = movie.udta.map(udta::read).unwrap_or_default();
    Ok(words.sample.map(|sample| Track {
        source: TrackSource::Udta,
        samples: vec![Sample { at: movie.created_at, ..sample }],
        warnings: Vec::new(),
    }))
}

/// A recording that was cut off has no index, but its first telemetry sample lies at the beginning of `mdat`.
fn orphan(reader: &mut dyn RangeRead, top: &[TopBox]) -> io::Result<Option<(Header, Sample)>> {
    let Some(mdat) = top.iter().find(|one| &one.kind == b"mdat") else { return Ok(None) };
    let bytes = read_range(reader, mdat.offset, ORPHAN_BYTES.min(mdat.size_bytes as usize))?;
    let Some(header) = djmd::header(&bytes).filter(|header| header.protocol.is_some() && header.readable) else {
        return Ok(None);
    };
    let layout = header.protocol.as_deref().and_then(djmd::layout);
    let sample = djmd::frame(&bytes, layout).sample;
    Ok(Some((header, sample)))
}

fn read_samples(
    reader: &mut dyn RangeRead,
    source: TrackSource,
    places: &[SampleAt],
    created_at: Option<Timestamp>,
) -> io::Result<Option<Track>> {
    let mut reading = Reading { source, header: None, frames: Vec::new(), unread: 0 };
    each_sample(reader, places, |at, bytes| reading.sample(at, bytes))?;
    Ok(reading.finish(created_at))
}

/// Hands every sample's bytes to `see`, in order; near ones are fetched together.
fn each_sample(
    reader: &mut dyn RangeRead,
    places: &[SampleAt],
    mut see: impl FnMut(&SampleAt, &[u8]),
) -> io::Result<()> {
    let mut rest = places;
    while let Some(first) = rest.first() {
        let mut end = first.offset.saturating_add(first.size_bytes.min(MAX_SAMPLE_BYTES).into());
        let near = rest.iter().skip(1).take_while(|next| {
            let next_end = next.offset.saturating_add(next.size_bytes.min(MAX_SAMPLE_BYTES).into());
            let fits = next.offset >= end
                && next.offset - end <= COALESCE_GAP_BYTES
                && next_end - first.offset <= MAX_RANGE_BYTES;
            if fits {
                end = next_end;
            }
            fits
        });
        let (group, after) = rest.split_at(1 + near.count());
        rest = after;
        let length = usize::try_from(end - first.offset).map_err(|_| io::ErrorKind::InvalidData)?;
        let bytes = read_range(reader, first.offset, length)?;
        for at in group {
            let from = usize::try_from(at.offset - first.offset).map_err(|_| io::ErrorKind::InvalidData)?;
            let size = at.size_bytes.min(MAX_SAMPLE_BYTES) as usize;
            // a sample that lies beyond the end of the file is empty
            let bytes = bytes.get(from..(from + size).min(bytes.len())).unwrap_or_default();
            see(at, bytes);
        }
    }
    Ok(())
}

struct Reading {
    source: TrackSource,
    header: Option<Header>,
    /// With the time of the sample's own table.
    frames: Vec<djmd::Frame>,
    unread: usize,
}

impl Reading {
    fn sample(&mut self, at: &SampleAt, bytes: &[u8]) {
        let mut frame = match self.source {
            TrackSource::Djmd => {
                if self.header.is_none() {
                    self.header = djmd::header(bytes);
                }
                let protocol = self.header.as_ref().and_then(|header| header.protocol.as_deref());
                djmd::frame(bytes, protocol.and_then(djmd::layout))
            }
            _ => match tx3g(bytes) {
                Some(record) => djmd::Frame { sample: record.sample, ..djmd::Frame::default() },
                None => {
                    self.unread += usize::from(bytes.len() > 2);
                    djmd::Frame::default()
                }
            },
        };
        frame.sample.t_s = at.t_s;
        // a frame that comes twice is one frame: the packet with the header repeats the first
        if frame.number.is_some() && self.frames.last().is_some_and(|last| last.number == frame.number) {
            return;
        }
        self.frames.push(frame);
    }

    fn finish(mut self, created_at: Option<Timestamp>) -> Option<Track> {
        if self.frames.is_empty() || self.header.as_ref().is_some_and(|header| !header.readable) {
            return None;
        }
        self.align();
        let begin = self.begin().or(created_at);
        let mut warnings = Vec::new();
        if self.unread > 0 {
            warnings.push(format!("{} telemetry records could not be read", self.unread));
        }
        let samples = self.frames.into_iter().map(|frame| {
            let at = begin.and_then(|begin| begin.checked_add(seconds(frame.sample.t_s)?).ok());
            Sample { at, ..frame.sample }
        });
        Some(Track { source: self.source, samples: samples.collect(), warnings })
    }

    /// Where a repeated frame was dropped, the table runs one step ahead of the frames: their numbers say when they are.
    fn align(&mut self) {
        let [first, second, .., last] = self.frames.as_slice() else { return };
        let count = self.frames.len() as u64;
        let numbered =
            first.number.zip(last.number).is_some_and(|(first, last)| last.checked_sub(first) == Some(count - 1));
        let (start_s, end_s) = (first.sample.t_s, last.sample.t_s);
        let step_s = (end_s - start_s) / count as f64;
        if numbered && second.sample.t_s - start_s > 1.5 * step_s {
            for (n, frame) in self.frames.iter_mut().enumerate() {
                frame.sample.t_s = start_s + n as f64 * step_s;
            }
        }
    }

    /// UTC of the first frame by the receiver's clock. Its text has whole seconds: the latest beginning that all of them
    /// allow is the right one to a frame.
    fn begin(&self) -> Option<Timestamp> {
        let begins = self.frames.iter().filter_map(|frame| {
            let utc = jiff::tz::Offset::UTC.to_timestamp(frame.gps_time?).ok()?;
            utc.checked_sub(seconds(frame.sample.t_s)?).ok()
        });
        begins.max()
    }
}

fn seconds(t_s: f64) -> Option<SignedDuration> {
    SignedDuration::try_from_secs_f64(t_s).ok()
}

/// Text with its length in front; styles may follow.
fn tx3g(bytes: &[u8]) -> Option<srt::Record> {
    let (length, text) = bytes.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length)).min(text.len());
    let text = String::from_utf8_lossy(text.get(..length)?);
    srt::bracket_record(&text)
}
