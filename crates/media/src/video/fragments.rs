//! Samples of a fragmented file: `moof` boxes say where those of each track lie.

use std::io;

use super::boxes::{TopBox, children, inside, u32_at, u64_at};
use super::moov::{MAX_SAMPLES, Movie, SampleAt, TrackBox};
use crate::{RangeRead, read_range};

/// A fragment's table of samples; some seconds of a video.
const MAX_MOOF_BYTES: usize = 4 * 1024 * 1024;
/// Fragments at the end of which one is of the track that is asked for.
const MAX_LOOKED_AT: usize = 16;

/// When the last fragment of `track` ends, seconds; `None` when it does not say when it begins.
///
/// # Errors
/// The source cannot be read.
pub(super) fn end_s(
    reader: &mut dyn RangeRead,
    top: &[TopBox],
    movie: &Movie<'_>,
    track: &TrackBox<'_>,
) -> io::Result<Option<f64>> {
    // the other tracks may end later or earlier, and have fragments of their own
    for one in top.iter().rev().filter(|one| &one.kind == b"moof").take(MAX_LOOKED_AT) {
        let moof = read_moof(reader, one)?;
        for (_, traf) in children(&moof).filter(|(kind, _)| kind == b"traf") {
            let (mut time, mut found) = (0, Vec::new());
            let is_timed = inside(traf, &[b"tfdt"]).is_some();
            if is_timed && fragment(traf, 0, movie, track, &mut time, &mut found).is_some() && !found.is_empty() {
                return Ok(Some(time as f64 / f64::from(track.timescale.max(1))));
            }
        }
    }
    Ok(None)
}

/// Every sample of `track` in the fragments.
///
/// # Errors
/// The source cannot be read.
pub(super) fn samples(
    reader: &mut dyn RangeRead,
    top: &[TopBox],
    movie: &Movie<'_>,
    track: &TrackBox<'_>,
) -> io::Result<Vec<SampleAt>> {
    let mut found = Vec::new();
    let mut time = 0_u64;
    for one in top.iter().filter(|one| &one.kind == b"moof") {
        let moof = read_moof(reader, one)?;
        // offsets count from the first byte of the moof box
        let start = one.offset.saturating_sub(8);
        for (_, traf) in children(&moof).filter(|(kind, _)| kind == b"traf") {
            fragment(traf, start, movie, track, &mut time, &mut found);
        }
        if found.len() >= MAX_SAMPLES {
            break;
        }
    }
    Ok(found)
}

fn read_moof(reader: &mut dyn RangeRead, one: &TopBox) -> io::Result<Vec<u8>> {
    let size = usize::try_from(one.size_bytes).unwrap_or(usize::MAX).min(MAX_MOOF_BYTES);
    read_range(reader, one.offset, size)
}

fn fragment(
    traf: &[u8],
    start: u64,
    movie: &Movie<'_>,
    track: &TrackBox<'_>,
    time: &mut u64,
    found: &mut Vec<SampleAt>,
) -> Option<()> {
    let tfhd = inside(traf, &[b"tfhd"])?;
    if u32_at(tfhd, 4)? != track.id {
        return None;
    }
    let (_, trex_duration, trex_size) =
        movie.defaults.iter().find(|(id, _, _)| *id == track.id).copied().unwrap_or_default();
    let flags = u32_at(tfhd, 0)? & 0x00FF_FFFF;
    let mut at = 8;
    let mut base = start;
    if flags & 0x01 != 0 {
        base = u64_at(tfhd, at)?;
        at += 8;
    }
    if flags & 0x02 != 0 {
        at += 4;
    }
    let mut optional = |bit: u32, default: u32| {
        if flags & bit == 0 {
            return Some(default);
        }
        let value = u32_at(tfhd, at);
        at += 4;
        value
    };
    let (duration, size) = (optional(0x08, trex_duration)?, optional(0x10, trex_size)?);
    if let Some(tfdt) = inside(traf, &[b"tfdt"]) {
        *time = if tfdt.first() == Some(&1) { u64_at(tfdt, 4)? } else { u32_at(tfdt, 4)?.into() };
    }
    let mut next = base;
    for (_, trun) in children(traf).filter(|(kind, _)| kind == b"trun") {
        let flags = u32_at(trun, 0)? & 0x00FF_FFFF;
        let count = u32_at(trun, 4)?;
        let mut at = 8;
        if flags & 0x01 != 0 {
            next = base.checked_add_signed(i64::from(u32_at(trun, at)? as i32))?;
            at += 4;
        }
        if flags & 0x04 != 0 {
            at += 4;
        }
        for _ in 0..count {
            if found.len() >= MAX_SAMPLES {
                return None;
            }
            let mut field = |bit: u32, default: u32| {
                if flags & bit == 0 {
                    return Some(default);
                }
                let value = u32_at(trun, at);
                at += 4;
                value
            };
            let (duration, size_bytes) = (field(0x100, duration)?, field(0x200, size)?);
            field(0x400, 0)?;
            field(0x800, 0)?;
            // a run can claim any number of empty samples in a few bytes
            if size_bytes > 0 {
                found.push(SampleAt {
                    offset: next,
                    size_bytes,
                    t_s: track.start_s + *time as f64 / f64::from(track.timescale.max(1)),
                });
            }
            next = next.checked_add(size_bytes.into())?;
            *time = time.saturating_add(duration.into());
        }
    }
    Some(())
}
