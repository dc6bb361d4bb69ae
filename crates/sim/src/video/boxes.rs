//! ISO/IEC 14496-12: the boxes of an index.

use jiff::Timestamp;

use super::{FRAME_TICKS, TIMESCALE, words};

/// Seconds from 1904, where MP4 counts from, to 1970.
const MP4_EPOCH_S: i64 = 2_082_844_800;
const IDENTITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// A track, a sample a chunk.
pub(super) struct Track {
    pub(super) handler: &'static [u8; 4],
    pub(super) name: &'static [u8],
    /// The box that says what samples are.
    pub(super) entry: Vec<u8>,
    pub(super) samples: Vec<Vec<u8>>,
    pub(super) offsets: Vec<u32>,
}

pub(super) fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let length = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut bytes = (length as u32).to_be_bytes().to_vec();
    bytes.extend(kind);
    parts.iter().for_each(|part| bytes.extend(*part));
    bytes
}

/// A box with version and flags.
fn full(kind: &[u8; 4], flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    let flags = flags.to_be_bytes();
    boxed(kind, &[&[flags.as_slice()], parts].concat())
}

pub(super) fn moov(tracks: &[Track], frames: u32, created_at: Timestamp) -> Vec<u8> {
    let created = (created_at.as_second() + MP4_EPOCH_S) as u32;
    let duration_ms = (u64::from(frames) * u64::from(FRAME_TICKS) * 1_000 / u64::from(TIMESCALE)) as u32;
    let next_track = tracks.len() as u32 + 1;
    let mvhd = full(
        b"mvhd",
        0,
        &[
            &words(&[created, created, 1_000, duration_ms, 0x1_0000]),
            &[1, 0],
            &[0; 10],
            &words(&IDENTITY),
            &[0; 24],
            &words(&[next_track]),
        ],
    );
    let traks: Vec<u8> =
        (1..).zip(tracks).flat_map(|(id, track)| trak(id, track, created, frames, duration_ms)).collect();
    boxed(b"moov", &[&mvhd, &traks])
}

fn trak(id: u32, track: &Track, created: u32, frames: u32, duration_ms: u32) -> Vec<u8> {
    let tkhd =
        full(b"tkhd", 7, &[&words(&[created, created, id, 0, duration_ms]), &[0; 16], &words(&IDENTITY), &[0; 8]]);
    let mdhd = full(b"mdhd", 0, &[&words(&[created, created, TIMESCALE, frames * FRAME_TICKS]), &[0x55, 0xC4, 0, 0]]);
    let hdlr = full(b"hdlr", 0, &[&[0; 4], track.handler, &[0; 12], track.name, &[0]]);
    let dref = full(b"dref", 0, &[&words(&[1]), &full(b"url ", 1, &[])]);
    let minf = boxed(b"minf", &[&full(b"nmhd", 0, &[]), &boxed(b"dinf", &[&dref]), &stbl(track, frames)]);
    boxed(b"trak", &[&tkhd, &boxed(b"mdia", &[&mdhd, &hdlr, &minf])])
}

fn stbl(track: &Track, frames: u32) -> Vec<u8> {
    let sizes: Vec<u32> = track.samples.iter().map(|sample| sample.len() as u32).collect();
    boxed(
        b"stbl",
        &[
            &full(b"stsd", 0, &[&words(&[1]), &track.entry]),
            &full(b"stts", 0, &[&words(&[1, frames, FRAME_TICKS])]),
            &full(b"stsc", 0, &[&words(&[1, 1, 1, 1])]),
            &full(b"stsz", 0, &[&words(&[0, frames]), &words(&sizes)]),
            &full(b"stco", 0, &[&words(&[frames]), &words(&track.offsets)]),
        ],
    )
}
