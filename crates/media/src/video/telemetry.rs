//! The telemetry tracks of a video: which there are, and their samples as one kind of track.

use std::io;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::djmd::{self, Header};
use super::moov::{Movie, SampleAt, TrackBox};
use super::udta::Words;
use super::{File, MAX_SAMPLE_BYTES, Video, fragments, orphan, udta};
use crate::track::{Sample, Track, TrackSource};
use crate::{RangeRead, read_range, srt};

/// Two samples that are nearer than this are fetched in one range: a request costs more than so many bytes.
const COALESCE_GAP_BYTES: u64 = 512;
/// Largest range that is fetched at once.
const MAX_RANGE_BYTES: u64 = 1024 * 1024;
/// Samples that memory is taken for at once: ten minutes at 60 frames a second. More grow as they are found.
const EXPECTED_SAMPLES: usize = 36_000;
/// Looked at to know what a track is.
const FIRST_SAMPLES: usize = 2;
/// Looked at all over the track when the first ones have no position.
const LATER_SAMPLES: usize = 32;
/// Readings of one clock that stand in whole seconds.
const CLOCK_AGREES: SignedDuration = SignedDuration::from_secs(2);

fn carrier(track: &TrackBox<'_>) -> Option<TrackSource> {
    match &track.entry {
        b"djmd" => Some(TrackSource::Djmd),
        // QuickTime's own texts have the same form
        b"tx3g" | b"text" => Some(TrackSource::Tx3g),
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
        let first_places = places(reader, file, movie, track, FIRST_SAMPLES)?;
        let first = bytes_of(reader, first_places.iter().take(FIRST_SAMPLES))?;
        if source == TrackSource::Djmd && video.djmd.is_none() {
            video.djmd = first.first().and_then(|bytes| djmd::header(bytes));
        }
        let layout = video.djmd.as_ref().and_then(|header| header.protocol.as_deref()).and_then(djmd::layout);
        let mut moments = moments_of(source, layout, &first);
        if moments.iter().all(|moment| moment.position.is_none()) {
            // a recording may begin before the receiver has a fix
            let all = places(reader, file, movie, track, usize::MAX)?;
            let step = all.len().div_ceil(LATER_SAMPLES).max(1);
            let later = bytes_of(reader, all.iter().skip(FIRST_SAMPLES).step_by(step))?;
            moments.extend(moments_of(source, layout, &later));
        }
        if source == TrackSource::Tx3g && moments.is_empty() {
            // a film's subtitles
            continue;
        }
        if !video.telemetry.contains(&source) {
            video.telemetry.push(source);
        }
        if video.telemetry_sample_count == 0 {
            video.telemetry_sample_count = track.sample_count().max(first_places.len());
        }
        for sample in moments {
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
    if file.index_is_cut && carriers(movie).is_empty() {
        match orphan::first(reader, &file.top)? {
            Some(first) => {
                video.telemetry.push(first.source);
                video.djmd = first.header;
                video.first_position = first.sample.position;
                video.first_position_source = first.sample.position.map(|_| first.source);
                video.first_gimbal = first.sample.gimbal;
            }
            None => video.warnings.push("no telemetry was found at the beginning of the recording".into()),
        }
    }
    if let Some(header) = &video.djmd {
        let unread = if !header.readable {
            Some("the telemetry is encrypted or compressed and cannot be read".to_owned())
        } else if !header.layout_known {
            let name = header.protocol.as_deref().unwrap_or("without a name");
            Some(format!(
                "the telemetry protocol {name} is not known: it was searched for positions, and for what lies beside them in others"
            ))
        } else {
            None
        };
        video.warnings.extend(unread);
    }
    Ok(())
}

/// Where a track's first samples lie; those of fragments are all found at once.
fn places(
    reader: &mut dyn RangeRead,
    file: &File,
    movie: &Movie<'_>,
    track: &TrackBox<'_>,
    limit: usize,
) -> io::Result<Vec<SampleAt>> {
    let mut places = track.samples(limit);
    if movie.fragmented && places.len() < limit {
        places.extend(fragments::samples(reader, &file.top, movie, track)?);
    }
    Ok(places)
}

fn bytes_of<'a>(reader: &mut dyn RangeRead, places: impl Iterator<Item = &'a SampleAt>) -> io::Result<Vec<Vec<u8>>> {
    places.map(|at| read_range(reader, at.offset, at.size_bytes.min(MAX_SAMPLE_BYTES) as usize)).collect()
}

/// What some samples tell; texts that are no telemetry are left out.
fn moments_of(source: TrackSource, layout: Option<&djmd::Layout>, samples: &[Vec<u8>]) -> Vec<Sample> {
    let samples = samples.iter();
    match source {
        TrackSource::Djmd => samples.map(|bytes| djmd::frame(bytes, layout).sample).collect(),
        _ => samples.filter_map(|bytes| tx3g(bytes)).map(|record| record.sample).collect(),
    }
}

/// All telemetry of the best carrier that has any position, else of the first one.
pub(super) fn track(reader: &mut dyn RangeRead, file: &File, movie: &Movie<'_>) -> io::Result<Option<Track>> {
    let mut second_best: Option<Track> = None;
    for (source, track) in carriers(movie) {
        let samples = places(reader, file, movie, track, usize::MAX)?;
        let Some(found) = read_samples(reader, source, &samples, movie.created_at)? else { continue };
        if found.samples.iter().any(|sample| sample.position.is_some()) {
            return Ok(Some(found));
        }
        second_best = second_best.or(Some(found));
    }
    if let Some(found) = second_best {
        return Ok(Some(found));
    }
    if file.index_is_cut
        && let Some(found) = orphan::track(reader, &file.top)?
    {
        return Ok(Some(found));
    }
    let words = udta::read(movie.udta.unwrap_or_default(), movie.meta.unwrap_or_default());
    Ok(words.sample.map(|sample| Track {
        source: TrackSource::Udta,
        samples: vec![Sample { at: movie.created_at, ..sample }],
        warnings: Vec::new(),
    }))
}

fn read_samples(
    reader: &mut dyn RangeRead,
    source: TrackSource,
    places: &[SampleAt],
    created_at: Option<Timestamp>,
) -> io::Result<Option<Track>> {
    let mut reading = Reading::new(source, places.len());
    let unread = each_sample(reader, places, |at, bytes| reading.sample(at, bytes))?;
    Ok(reading.finish(created_at).map(|mut track| {
        if unread > 0 {
            track.warnings.push(format!("{unread} telemetry samples lie outside the file, or twice within it"));
        }
        track
    }))
}

/// Hands every sample's bytes to `see`, in order; near ones are fetched together. What lies beyond the file's end is left
/// out, and nothing is read once as many bytes were as the file has: its samples lie upon each other. Says how many were
/// not read.
fn each_sample(
    reader: &mut dyn RangeRead,
    places: &[SampleAt],
    mut see: impl FnMut(&SampleAt, &[u8]),
) -> io::Result<usize> {
    let mut budget_bytes = reader.size_bytes();
    let mut unread = 0;
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
        let length = usize::try_from(end - first.offset).map_err(|_| io::ErrorKind::InvalidData)?;
        if budget_bytes == 0 {
            return Ok(unread + rest.len());
        }
        rest = after;
        let bytes = read_range(reader, first.offset, length)?;
        budget_bytes = budget_bytes.saturating_sub(bytes.len() as u64);
        for at in group {
            let from = usize::try_from(at.offset - first.offset).map_err(|_| io::ErrorKind::InvalidData)?;
            let size = at.size_bytes.min(MAX_SAMPLE_BYTES) as usize;
            match bytes.get(from..(from + size).min(bytes.len())) {
                Some(part) if size == 0 || !part.is_empty() => see(at, part),
                _ => unread += 1,
            }
        }
    }
    Ok(unread)
}

pub(super) struct Reading {
    source: TrackSource,
    header: Option<Header>,
    /// With the time of the sample's own table.
    samples: Vec<Sample>,
    first_number: Option<u64>,
    last_number: Option<u64>,
    /// What the receiver's clock said, where it went on: which sample, and UTC.
    clock: Vec<(usize, DateTime)>,
    unread: usize,
    /// Texts that are telemetry.
    texts: usize,
}

impl Reading {
    pub(super) fn new(source: TrackSource, count: usize) -> Self {
        Self {
            source,
            header: None,
            samples: Vec::with_capacity(count.min(EXPECTED_SAMPLES)),
            first_number: None,
            last_number: None,
            clock: Vec::new(),
            unread: 0,
            texts: 0,
        }
    }

    pub(super) fn sample(&mut self, at: &SampleAt, bytes: &[u8]) {
        let mut frame = match self.source {
            TrackSource::Djmd => {
                if self.header.is_none() {
                    self.header = djmd::header(bytes);
                }
                let protocol = self.header.as_ref().and_then(|header| header.protocol.as_deref());
                djmd::frame(bytes, protocol.and_then(djmd::layout))
            }
            _ => match tx3g(bytes) {
                Some(record) => {
                    self.texts += 1;
                    djmd::Frame { sample: record.sample, ..djmd::Frame::default() }
                }
                None => {
                    self.unread += usize::from(bytes.len() > 2);
                    djmd::Frame::default()
                }
            },
        };
        frame.sample.t_s = at.t_s;
        // a frame that comes twice is one frame: the packet with the header repeats the first
        if !self.samples.is_empty() && frame.number.is_some() && self.last_number == frame.number {
            return;
        }
        if self.samples.is_empty() {
            self.first_number = frame.number;
        }
        self.last_number = frame.number;
        if let Some(now) = frame.gps_time.filter(|now| self.clock.last().is_none_or(|(_, last)| last != now)) {
            self.clock.push((self.samples.len(), now));
        }
        self.samples.push(frame.sample);
    }

    pub(super) fn finish(mut self, created_at: Option<Timestamp>) -> Option<Track> {
        let is_film = self.source == TrackSource::Tx3g && self.texts == 0;
        if self.samples.is_empty() || is_film || self.header.as_ref().is_some_and(|header| !header.readable) {
            return None;
        }
        self.align();
        let begin = self.begin().or(created_at);
        for sample in &mut self.samples {
            sample.at = begin.and_then(|begin| begin.checked_add(seconds(sample.t_s)).ok());
        }
        let mut warnings = Vec::new();
        if self.unread > 0 {
            warnings.push(format!("{} telemetry records could not be read", self.unread));
        }
        Some(Track { source: self.source, samples: self.samples, warnings })
    }

    /// Where a repeated frame was dropped, the table runs one step ahead of the frames: their numbers say when they are.
    fn align(&mut self) {
        let [first, second, .., last] = self.samples.as_slice() else { return };
        let count = self.samples.len() as u64;
        let numbered = self
            .first_number
            .zip(self.last_number)
            .is_some_and(|(first, last)| last.checked_sub(first) == Some(count - 1));
        let (start_s, end_s) = (first.t_s, last.t_s);
        let step_s = (end_s - start_s) / count as f64;
        if numbered && second.t_s - start_s > 1.5 * step_s {
            for (n, sample) in self.samples.iter_mut().enumerate() {
                sample.t_s = start_s + n as f64 * step_s;
            }
        }
    }

    /// UTC of the first frame by the receiver's clock. Its text has whole seconds: the latest beginning that all of them
    /// allow is the right one to a frame. A reading that is far from the others is the clock of a receiver without a fix.
    fn begin(&self) -> Option<Timestamp> {
        let mut begins: Vec<Timestamp> = self
            .clock
            .iter()
            .filter_map(|(n, utc)| {
                let utc = jiff::tz::Offset::UTC.to_timestamp(*utc).ok()?;
                utc.checked_sub(seconds(self.samples.get(*n)?.t_s)).ok()
            })
            .collect();
        begins.sort_unstable();
        let median = *begins.get(begins.len() / 2)?;
        begins.into_iter().rev().find(|begin| begin.duration_since(median) <= CLOCK_AGREES)
    }
}

/// To the microsecond.
fn seconds(t_s: f64) -> SignedDuration {
    SignedDuration::from_micros((t_s * 1e6).round() as i64)
}

/// Text with its length in front; styles may follow.
fn tx3g(bytes: &[u8]) -> Option<srt::Record> {
    let (length, text) = bytes.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length)).min(text.len());
    let text = String::from_utf8_lossy(text.get(..length)?);
    srt::record_of(&text)
}
