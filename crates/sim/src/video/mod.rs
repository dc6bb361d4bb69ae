//! A small MP4 whose one track carries the flight's telemetry as text, a sample a frame (`tx3g`, as a Matrice 4 embeds it).

use crate::photo::Shot;

const FRAMES_PER_S: u32 = 30;
const TIMESCALE: u32 = 30_000;
const FRAME_TICKS: u32 = 1_001;
/// Seconds from 1904, where MP4 counts from, to 1970.
const MP4_EPOCH_S: i64 = 2_082_844_800;

/// A video of `seconds`, flown in a straight line from the first to the last of `path`.
pub(crate) fn video(path: &[Shot], seconds: u32) -> Vec<u8> {
    let samples = samples(path, (seconds * FRAMES_PER_S).max(1));
    let ftyp = boxed(b"ftyp", &[b"isom", &512u32.to_be_bytes(), b"isomiso2mp41"]);
    let mut offset = ftyp.len() as u32 + 8;
    let mut offsets = Vec::new();
    for sample in &samples {
        offsets.push(offset);
        offset += sample.len() as u32;
    }
    let created = path.first().map_or(0, |shot| (shot.at.as_second() + MP4_EPOCH_S) as u32);
    let mdat = boxed(b"mdat", &[&samples.concat()]);
    [ftyp, mdat, moov(&samples, &offsets, created)].concat()
}

fn samples(path: &[Shot], frames: u32) -> Vec<Vec<u8>> {
    let (Some(first), Some(last)) = (path.first(), path.last()) else { return vec![vec![0, 0]] };
    let sample = |frame: u32| {
        let t = f64::from(frame) / f64::from(frames);
        let mix = |a: f64, b: f64| a + (b - a) * t;
        let ms = i64::from(frame) * i64::from(FRAME_TICKS) * 1_000 / i64::from(TIMESCALE);
        let at = first.at + jiff::SignedDuration::from_millis(ms);
        let text = format!(
            "FrameCnt: {frame} {}\n[iso: {}] [shutter: 1/{}.0] [fnum: 2.8] [ev: 0] [color_md: default] [ae_meter_md: 1] [focal_len: 24.00] [dzoom_ratio: 1.00], [latitude: {:.6}] [longitude: {:.6}] [rel_alt: {:.3} abs_alt: {:.3}] [gb_yaw: {:.1} gb_pitch: {:.1} gb_roll: 0.0] ",
            at.strftime("%Y-%m-%d %H:%M:%S%.3f"),
            first.iso,
            first.shutter_denominator,
            mix(first.lat, last.lat),
            mix(first.lng, last.lng),
            first.relative_altitude_m,
            first.absolute_altitude_m,
            first.yaw_deg,
            first.pitch_deg
        );
        [&(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
    };
    (0..frames).map(sample).collect()
}

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
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

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

const IDENTITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

fn moov(samples: &[Vec<u8>], offsets: &[u32], created: u32) -> Vec<u8> {
    let count = samples.len() as u32;
    let duration_ms = u64::from(count * FRAME_TICKS) * 1_000 / u64::from(TIMESCALE);
    let duration_ms = duration_ms as u32;
    let mvhd = full(
        b"mvhd",
        0,
        &[
            &words(&[created, created, 1_000, duration_ms, 0x1_0000]),
            &[1, 0],
            &[0; 10],
            &words(&IDENTITY),
            &[0; 24],
            &words(&[2]),
        ],
    );
    let tkhd =
        full(b"tkhd", 7, &[&words(&[created, created, 1, 0, duration_ms]), &[0; 16], &words(&IDENTITY), &[0; 8]]);
    let mdhd = full(b"mdhd", 0, &[&words(&[created, created, TIMESCALE, count * FRAME_TICKS]), &[0x55, 0xC4, 0, 0]]);
    let hdlr = full(b"hdlr", 0, &[&[0; 4], b"sbtl", &[0; 12], b"SubtitleHandler\0"]);
    let dref = full(b"dref", 0, &[&words(&[1]), &full(b"url ", 1, &[])]);
    let minf = boxed(b"minf", &[&full(b"nmhd", 0, &[]), &boxed(b"dinf", &[&dref]), &stbl(samples, offsets)]);
    let mdia = boxed(b"mdia", &[&mdhd, &hdlr, &minf]);
    boxed(b"moov", &[&mvhd, &boxed(b"trak", &[&tkhd, &mdia])])
}

fn stbl(samples: &[Vec<u8>], offsets: &[u32]) -> Vec<u8> {
    let count = samples.len() as u32;
    let fonts = boxed(b"ftab", &[&[0, 1, 0, 1, 5], b"Serif"]);
    let style = [0, 0, 0, 0, 0, 1, 0, 18, 0xFF, 0xFF, 0xFF, 0xFF];
    let tx3g = boxed(b"tx3g", &[&[0, 0, 0, 0, 0, 0, 0, 1], &[0, 0, 0, 0, 1, 0xFF], &[0; 4], &[0; 8], &style, &fonts]);
    let sizes: Vec<u32> = samples.iter().map(|sample| sample.len() as u32).collect();
    boxed(
        b"stbl",
        &[
            &full(b"stsd", 0, &[&words(&[1]), &tx3g]),
            &full(b"stts", 0, &[&words(&[1, count, FRAME_TICKS])]),
            &full(b"stsc", 0, &[&words(&[1, 1, 1, 1])]),
            &full(b"stsz", 0, &[&words(&[0, count]), &words(&sizes)]),
            &full(b"stco", 0, &[&words(&[count]), &words(offsets)]),
        ],
    )
}
