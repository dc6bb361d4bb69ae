//! Recordings without an index: the aircraft fell, or lost its power, before `moov` was written. Where the samples lie is
//! not known any more, but telemetry has a form of its own: it is searched for in windows over the whole file.
//!
//! What is taken for a frame must be whole, numbered, timed and in order with the others. What lies between the windows is
//! lost, and said to be.

use std::io;

use jiff::civil::DateTime;

use super::boxes::TopBox;
use super::djmd::{self, Header};
use super::moov::SampleAt;
use super::telemetry::Reading;
use crate::track::{Sample, Track, TrackSource};
use crate::{RangeRead, read_range, srt};

/// Read of a recording in all: of a larger one, windows at even distances.
const MAX_SEARCHED_BYTES: u64 = 64 << 20;
const WINDOW_BYTES: u64 = 1 << 20;
/// A frame that begins in a window may end behind it.
const MAX_FRAME_BYTES: usize = 16 * 1024;
/// How far before the protocol's name a first sample begins.
const HEADER_LEAD_BYTES: usize = 96;
/// Microseconds from frame to frame that can be: up to a thousand a second, down to one.
const STEP_US: std::ops::RangeInclusive<u64> = 1_000..=1_000_000;
/// Text of one frame in a `tx3g` track.
const TEXT_BYTES: std::ops::RangeInclusive<usize> = 16..=4_096;
const TEXT_MARK: &[u8] = b"FrameCnt";
/// Longest recording; a clock that jumps further is no clock.
const MAX_SPAN_S: f64 = 86_400.0;

/// What the beginning of the recording tells.
pub(super) struct First {
    pub(super) source: TrackSource,
    pub(super) header: Option<Header>,
    pub(super) sample: Sample,
}

/// Looks into the first window alone.
pub(super) fn first(reader: &mut dyn RangeRead, top: &[TopBox]) -> io::Result<Option<First>> {
    let Some(mdat) = mdat(top) else { return Ok(None) };
    let bytes = read_range(reader, mdat.offset, WINDOW_BYTES as usize + MAX_FRAME_BYTES)?;
    if let Some((at, header)) = clip_header(&bytes) {
        let layout = header.protocol.as_deref().and_then(djmd::layout);
        let sample = djmd::frame(first_sample(bytes.get(at..).unwrap_or_default()), layout).sample;
        return Ok(Some(First { source: TrackSource::Djmd, header: Some(header), sample }));
    }
    let record = texts(&bytes).next();
    Ok(record.map(|record| First { source: TrackSource::Tx3g, header: None, sample: record.sample }))
}

/// Every moment that the windows show; `None` when there is none.
pub(super) fn track(reader: &mut dyn RangeRead, top: &[TopBox]) -> io::Result<Option<Track>> {
    let Some(mdat) = mdat(top) else { return Ok(None) };
    let size_bytes = reader.size_bytes().saturating_sub(mdat.offset);
    let windows = size_bytes.min(MAX_SEARCHED_BYTES).div_ceil(WINDOW_BYTES);
    let (mut search, mut searched_bytes) = (Search::default(), 0);
    for n in 0..windows {
        // windows that cover everything touch each other
        let at = match size_bytes.checked_sub(MAX_SEARCHED_BYTES) {
            Some(left_out) => n * WINDOW_BYTES + left_out / windows.saturating_sub(1).max(1) * n,
            None => n * WINDOW_BYTES,
        };
        let bytes = read_range(reader, mdat.offset + at, WINDOW_BYTES as usize + MAX_FRAME_BYTES)?;
        searched_bytes += (bytes.len() as u64).min(WINDOW_BYTES);
        search.window(&bytes);
    }
    Ok(search.finish().map(|mut track| {
        let (count, searched_mb, mb) = (track.samples.len(), searched_bytes >> 20, size_bytes >> 20);
        let found = format!("the recording has no index (moov): {count} moments were found by searching it");
        track.warnings.push(if searched_bytes < size_bytes {
            format!("{found}, {searched_mb} of {mb} MiB at even distances; those between are not shown")
        } else {
            found
        });
        track
    }))
}

fn mdat(top: &[TopBox]) -> Option<&TopBox> {
    top.iter().find(|one| &one.kind == b"mdat")
}

#[derive(Default)]
struct Search {
    djmd: Option<Numbered>,
    /// With the local time that each text has.
    texts: Vec<(DateTime, Sample)>,
}

struct Numbered {
    reading: Reading,
    begin: (u64, u64),
    last: (u64, u64),
}

impl Search {
    fn window(&mut self, bytes: &[u8]) {
        let mut from = 0;
        if self.djmd.is_none()
            && let Some((at, _)) = clip_header(bytes)
        {
            let sample = first_sample(bytes.get(at..).unwrap_or_default());
            if let Some(time) = djmd::frame_time(sample) {
                let mut reading = Reading::new(TrackSource::Djmd, 0);
                reading.sample(&SampleAt { offset: 0, size_bytes: 0, t_s: 0.0 }, sample);
                self.djmd = Some(Numbered { reading, begin: time, last: time });
            }
            from = at + sample.len();
        }
        if let Some(found) = &mut self.djmd {
            found.window(bytes.get(from..).unwrap_or_default());
            return;
        }
        for record in texts(bytes) {
            let Some(local) = record.local else { continue };
            if self.texts.last().is_none_or(|(last, _)| *last < local) {
                self.texts.push((local, record.sample));
            }
        }
    }

    fn finish(self) -> Option<Track> {
        if let Some(found) = self.djmd {
            return found.reading.finish(None);
        }
        let begin = self.texts.first()?.0;
        let timed = self.texts.into_iter().map(|(local, sample)| {
            let t_s = local.duration_since(begin).as_secs_f64();
            Sample { t_s, ..sample }
        });
        let samples = timed.filter(|sample| sample.t_s < MAX_SPAN_S).collect();
        Some(Track { source: TrackSource::Tx3g, samples, warnings: Vec::new() })
    }
}

impl Numbered {
    fn window(&mut self, bytes: &[u8]) {
        let mut from = 0;
        while let Some(skip) = bytes.get(from..).and_then(|rest| rest.iter().position(|byte| *byte == FRAME_KEY)) {
            let at = from + skip;
            from = at + 1;
            let rest = bytes.get(at..).unwrap_or_default();
            let Some((time, size)) = whole_frame(rest.get(..MAX_FRAME_BYTES).unwrap_or(rest)) else { continue };
            if self.follows(time) {
                let t_s = time.1.saturating_sub(self.begin.1) as f64 / 1e6;
                let place = SampleAt { offset: 0, size_bytes: 0, t_s };
                self.reading.sample(&place, rest.get(..size).unwrap_or_default());
                self.last = time;
                from = at + size;
            }
        }
    }

    /// Behind the last frame, and as far from the first one as frames are.
    fn follows(&self, (number, us): (u64, u64)) -> bool {
        let frames = number.checked_sub(self.begin.0).filter(|frames| *frames > 0 && number > self.last.0);
        let elapsed_us = us.checked_sub(self.begin.1).filter(|_| us > self.last.1);
        frames.zip(elapsed_us).is_some_and(|(frames, us)| STEP_US.contains(&(us / frames)))
    }
}

/// Field 3, a message: where each frame begins.
const FRAME_KEY: u8 = 0x1A;

/// Number and time of the frame that `bytes` begin with, and its length, when it is whole.
fn whole_frame(bytes: &[u8]) -> Option<((u64, u64), usize)> {
    let (message, _) = djmd::message_of(bytes, 3)?;
    // its own first field is the frame's header
    djmd::message_of(message, 1)?;
    if !djmd::is_sound(message) {
        return None;
    }
    let size = djmd::frame_size(bytes);
    Some((djmd::frame_time(bytes.get(..size)?)?, size))
}

/// Where the first sample begins, and its header.
fn clip_header(bytes: &[u8]) -> Option<(usize, Header)> {
    const NAME: &[u8] = b".proto";
    let name = bytes.windows(NAME.len()).position(|window| window == NAME)?;
    (name.saturating_sub(HEADER_LEAD_BYTES)..name).find_map(|at| {
        let rest = bytes.get(at..)?;
        djmd::message_of(rest, 1)?;
        let header = djmd::header(first_sample(rest))?;
        (header.protocol.is_some() && header.readable).then_some((at, header))
    })
}

/// Clip, stream and the first frame: what follows belongs to other samples.
fn first_sample(bytes: &[u8]) -> &[u8] {
    let mut end = 0;
    for number in [1, 2] {
        let rest = bytes.get(end..).unwrap_or_default();
        end += djmd::message_of(rest, number).map_or(0, |(_, size)| size);
    }
    end += djmd::frame_size(bytes.get(end..).unwrap_or_default());
    bytes.get(..end).unwrap_or_default()
}

/// Samples of a text track: a length, and a text with the counter of frames.
fn texts(bytes: &[u8]) -> impl Iterator<Item = srt::Record> {
    let mut from = 2;
    std::iter::from_fn(move || {
        loop {
            let rest = bytes.get(from..)?;
            let at = from + rest.windows(TEXT_MARK.len()).position(|window| window == TEXT_MARK)?;
            from = at + TEXT_MARK.len();
            let length = bytes.get(at.checked_sub(2)?..at)?;
            let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
            let text = bytes.get(at..at.checked_add(length)?).filter(|_| TEXT_BYTES.contains(&length));
            let record = text.and_then(|text| std::str::from_utf8(text).ok()).and_then(srt::bracket_record);
            if let Some(record) = record {
                from = at + length;
                return Some(record);
            }
        }
    })
}
