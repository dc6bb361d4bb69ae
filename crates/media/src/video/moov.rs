//! `moov`: what a video is made of, and where each sample of a track lies.

use jiff::Timestamp;

use super::boxes::{children, inside, u16_at, u32_at, u64_at};

/// Samples of one track: four hours at 60 frames a second are 864,000, and 230 MB of memory.
pub(super) const MAX_SAMPLES: usize = 1_000_000;
const MAX_TRACKS: usize = 64;
/// Edits before the first that shows anything.
const MAX_EDITS: usize = 64;
/// Seconds between 1904, where these clocks begin, and 1970.
const EPOCH_1904_S: i64 = 2_082_844_800;

#[derive(Clone, Debug, Default)]
pub(super) struct Movie<'a> {
    pub(super) created_at: Option<Timestamp>,
    pub(super) duration_s: Option<f64>,
    pub(super) tracks: Vec<TrackBox<'a>>,
    pub(super) udta: Option<&'a [u8]>,
    /// Apple's keys and their values.
    pub(super) meta: Option<&'a [u8]>,
    /// Samples lie in fragments behind.
    pub(super) fragmented: bool,
    /// What the index says of the fragments' length.
    pub(super) fragments_s: Option<f64>,
    /// `trex` of each track: id, default duration, default size.
    pub(super) defaults: Vec<(u32, u32, u32)>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TrackBox<'a> {
    pub(super) id: u32,
    pub(super) handler: [u8; 4],
    /// The sample entry: `avc1`, `hvc1`, `djmd`, `tx3g`.
    pub(super) entry: [u8; 4],
    /// What follows the entry's name.
    pub(super) entry_bytes: &'a [u8],
    pub(super) timescale: u32,
    pub(super) duration: u64,
    pub(super) width_px: u32,
    pub(super) height_px: u32,
    pub(super) rotation_deg: u32,
    stbl: &'a [u8],
    edits: Option<&'a [u8]>,
    /// When the first sample is shown, seconds: the edit list may move the whole track.
    pub(super) start_s: f64,
}

/// Where a sample lies, and when it is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SampleAt {
    pub(super) offset: u64,
    pub(super) size_bytes: u32,
    pub(super) t_s: f64,
}

pub(super) fn movie(moov: &[u8]) -> Movie<'_> {
    let mut movie = Movie::default();
    let mut timescale = 0;
    for (kind, bytes) in children(moov) {
        match &kind {
            b"mvhd" => {
                if let Some(head) = clock(bytes) {
                    movie.created_at = head.created_at;
                    timescale = head.timescale;
                    movie.duration_s = seconds(head.duration, head.timescale);
                }
            }
            b"trak" if movie.tracks.len() < MAX_TRACKS => movie.tracks.extend(track(bytes)),
            b"udta" => movie.udta = Some(bytes),
            b"meta" => movie.meta = Some(bytes),
            b"mvex" => {
                movie.fragmented = true;
                let mehd = inside(bytes, &[b"mehd"]);
                let duration = mehd.and_then(|mehd| match mehd.first()? {
                    1 => u64_at(mehd, 4),
                    _ => u32_at(mehd, 4).map(u64::from),
                });
                movie.fragments_s = duration.and_then(|duration| seconds(duration, timescale));
                let trex = children(bytes).filter(|(kind, _)| kind == b"trex").take(MAX_TRACKS);
                movie.defaults.extend(
                    trex.filter_map(|(_, trex)| Some((u32_at(trex, 4)?, u32_at(trex, 12)?, u32_at(trex, 16)?))),
                );
            }
            _ => {}
        }
    }
    for track in &mut movie.tracks {
        track.start_s = track.edits.and_then(|elst| start_s(elst, timescale, track.timescale)).unwrap_or(0.0);
    }
    movie
}

/// Empty edits come before the track, in the movie's time; the first other one says where in the track the show begins.
fn start_s(elst: &[u8], movie_timescale: u32, timescale: u32) -> Option<f64> {
    let wide = elst.first() == Some(&1);
    let (size, mut start_s) = (if wide { 20 } else { 12 }, 0.0);
    for n in 0..(u32_at(elst, 4)? as usize).min(MAX_EDITS) {
        let at = 8 + n * size;
        let (duration, media_time) = match wide {
            true => (u64_at(elst, at)?, u64_at(elst, at + 8)? as i64),
            false => (u32_at(elst, at)?.into(), i64::from(u32_at(elst, at + 4)? as i32)),
        };
        if media_time >= 0 {
            return Some(start_s - media_time as f64 / f64::from(timescale.max(1)));
        }
        start_s += duration as f64 / f64::from(movie_timescale.max(1));
    }
    None
}

struct Clock {
    created_at: Option<Timestamp>,
    timescale: u32,
    duration: u64,
}

/// The common beginning of `mvhd` and `mdhd`.
fn clock(bytes: &[u8]) -> Option<Clock> {
    let (created, timescale, duration) = match bytes.first()? {
        1 => (u64_at(bytes, 4)?, u32_at(bytes, 20)?, u64_at(bytes, 24)?),
        _ => (u32_at(bytes, 4)?.into(), u32_at(bytes, 12)?, u32_at(bytes, 16)?.into()),
    };
    let unix_s = i64::try_from(created).ok().and_then(|created| created.checked_sub(EPOCH_1904_S));
    // an unset clock writes 0, or 1970
    let created_at = unix_s.filter(|unix_s| *unix_s > 0).and_then(|unix_s| Timestamp::from_second(unix_s).ok());
    Some(Clock { created_at, timescale, duration })
}

fn seconds(duration: u64, timescale: u32) -> Option<f64> {
    let unknown = duration == u64::from(u32::MAX) || duration == u64::MAX;
    (timescale > 0 && duration > 0 && !unknown).then(|| duration as f64 / f64::from(timescale))
}

fn track(trak: &[u8]) -> Option<TrackBox<'_>> {
    let mut found = TrackBox::default();
    if let Some(head) = inside(trak, &[b"tkhd"]) {
        let at = if head.first() == Some(&1) { (20, 52) } else { (12, 40) };
        found.id = u32_at(head, at.0)?;
        let matrix = |n: usize| u32_at(head, at.1 + n * 4).map(|value| value as i32);
        found.rotation_deg = match (matrix(0)?, matrix(1)?) {
            (a, _) if a > 0 => 0,
            (0, b) if b > 0 => 90,
            (0, b) if b < 0 => 270,
            (a, _) if a < 0 => 180,
            _ => 0,
        };
        found.width_px = u32_at(head, at.1 + 36)? >> 16;
        found.height_px = u32_at(head, at.1 + 40)? >> 16;
    }
    let mdia = inside(trak, &[b"mdia"])?;
    let clock = clock(inside(mdia, &[b"mdhd"])?)?;
    (found.timescale, found.duration) = (clock.timescale, clock.duration);
    found.handler = inside(mdia, &[b"hdlr"])?.get(8..12)?.try_into().ok()?;
    found.edits = inside(trak, &[b"edts", b"elst"]);
    found.stbl = inside(mdia, &[b"minf", b"stbl"])?;
    let entries = inside(found.stbl, &[b"stsd"])?.get(8..)?;
    if let Some((entry, bytes)) = children(entries).next() {
        (found.entry, found.entry_bytes) = (entry, bytes);
        // the coded size stands in a visual sample entry
        if let (b"vide", Some(width), Some(height)) = (&found.handler, u16_at(bytes, 24), u16_at(bytes, 26)) {
            (found.width_px, found.height_px) = (width.into(), height.into());
        }
    }
    Some(found)
}

impl TrackBox<'_> {
    pub(super) fn duration_s(&self) -> Option<f64> {
        seconds(self.duration, self.timescale)
    }

    pub(super) fn sample_count(&self) -> usize {
        let count = inside(self.stbl, &[b"stsz"]).and_then(|stsz| u32_at(stsz, 8)).unwrap_or(0);
        (count as usize).min(MAX_SAMPLES)
    }

    /// Every sample of the tables; what does not fit together ends the list.
    pub(super) fn samples(&self, limit: usize) -> Vec<SampleAt> {
        self.samples_or_less(limit.min(MAX_SAMPLES)).unwrap_or_default()
    }

    fn samples_or_less(&self, limit: usize) -> Option<Vec<SampleAt>> {
        let stsz = inside(self.stbl, &[b"stsz"])?;
        let (fixed_size, count) = (u32_at(stsz, 4)?, u32_at(stsz, 8)? as usize);
        // a table that is shorter than it says counts as long as it is
        let in_table = if fixed_size == 0 { stsz.len().saturating_sub(12) / 4 } else { count };
        let count = count.min(in_table).min(limit);
        let size = |n: usize| if fixed_size == 0 { u32_at(stsz, 12 + n * 4) } else { Some(fixed_size) };
        let chunk_at = |chunk: usize| match inside(self.stbl, &[b"co64"]) {
            Some(co64) => u64_at(co64, 8 + chunk * 8),
            None => inside(self.stbl, &[b"stco"]).and_then(|stco| u32_at(stco, 8 + chunk * 4)).map(u64::from),
        };
        let stsc = inside(self.stbl, &[b"stsc"])?;
        let mut times = Times::new(inside(self.stbl, &[b"stts"])?, self.timescale);
        let mut samples = Vec::with_capacity(count.min(65_536));
        let (mut chunk, mut run) = (0_usize, 0_usize);
        while samples.len() < count {
            // entries of stsc: first chunk (from 1), samples in each chunk
            while u32_at(stsc, 8 + (run + 1) * 12).is_some_and(|first| first as usize <= chunk + 1) {
                run += 1;
            }
            let per_chunk = u32_at(stsc, 8 + run * 12 + 4).filter(|count| *count > 0);
            let (Some(per_chunk), Some(mut offset)) = (per_chunk, chunk_at(chunk)) else { break };
            for _ in 0..per_chunk {
                if samples.len() == count {
                    break;
                }
                let size_bytes = size(samples.len())?;
                samples.push(SampleAt { offset, size_bytes, t_s: self.start_s + times.next_s() });
                offset = offset.checked_add(size_bytes.into())?;
            }
            chunk += 1;
        }
        Some(samples)
    }
}

/// Times of samples, from `stts`.
struct Times<'a> {
    stts: &'a [u8],
    entry: usize,
    left: u32,
    delta: u32,
    at: u64,
    timescale: u32,
}

impl<'a> Times<'a> {
    fn new(stts: &'a [u8], timescale: u32) -> Self {
        Self { stts, entry: 0, left: 0, delta: 0, at: 0, timescale: timescale.max(1) }
    }

    fn next_s(&mut self) -> f64 {
        while self.left == 0 {
            let entry = 8 + self.entry * 8;
            match (u32_at(self.stts, entry), u32_at(self.stts, entry + 4)) {
                (Some(count), Some(delta)) => (self.left, self.delta) = (count, delta),
                // beyond the table the last step goes on
                _ => self.left = u32::MAX,
            }
            self.entry += 1;
        }
        let now = self.at as f64 / f64::from(self.timescale);
        self.left -= 1;
        self.at = self.at.saturating_add(self.delta.into());
        now
    }
}
