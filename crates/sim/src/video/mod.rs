//! A small MP4 with the flight's telemetry, a sample a frame: protobuf (`djmd`, as a Matrice 30 embeds it), text (`tx3g`, as a
//! Matrice 4's thermal camera does), or both.

mod boxes;
mod djmd;
mod tx3g;

use jiff::{SignedDuration, Timestamp};

use crate::photo::Shot;
use boxes::{Track, boxed, moov};

const FRAMES_PER_S: u32 = 30;
const TIMESCALE: u32 = 30_000;
const FRAME_TICKS: u32 = 1_001;

/// Which tracks a video carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Telemetry {
    #[default]
    Djmd,
    Tx3g,
    Both,
    /// A video without any.
    None,
}

/// One frame's truth.
struct Frame {
    /// From 0.
    number: u32,
    at: Timestamp,
    lat: f64,
    lng: f64,
    absolute_altitude_m: f64,
    relative_altitude_m: f64,
    yaw_deg: f64,
    pitch_deg: f64,
}

/// A video of `seconds`, flown along `path`: the frames lie on the line through the shots that the time is between.
pub(crate) fn video(path: &[Shot], seconds: u32, telemetry: Telemetry) -> Vec<u8> {
    let Some(first) = path.first() else { return boxed(b"ftyp", &[b"isom", &512_u32.to_be_bytes()]) };
    let frames: Vec<Frame> = (0..(seconds * FRAMES_PER_S).max(1)).map(|number| frame(path, first, number)).collect();
    let ftyp = boxed(b"ftyp", &[b"isom", &512_u32.to_be_bytes(), b"isomiso2mp41"]);
    let mut tracks = Vec::new();
    if matches!(telemetry, Telemetry::Djmd | Telemetry::Both) {
        tracks.push(djmd::track(first, &frames));
    }
    if matches!(telemetry, Telemetry::Tx3g | Telemetry::Both) {
        tracks.push(tx3g::track(first, &frames));
    }
    let mut offset = ftyp.len() as u32 + 8;
    // frame by frame, as a camera that has no time to wait writes it
    let mut mdat = Vec::new();
    for number in 0..frames.len() {
        for track in &mut tracks {
            let sample = &track.samples[number];
            track.offsets.push(offset);
            offset += sample.len() as u32;
            mdat.extend_from_slice(sample);
        }
    }
    [ftyp, boxed(b"mdat", &[&mdat]), moov(&tracks, frames.len() as u32, first.at)].concat()
}

fn frame(path: &[Shot], first: &Shot, number: u32) -> Frame {
    let ms = i64::from(number) * i64::from(FRAME_TICKS) * 1_000 / i64::from(TIMESCALE);
    let at = first.at + SignedDuration::from_millis(ms);
    let before = path.iter().rev().find(|shot| shot.at <= at).unwrap_or(first);
    let behind = path.iter().find(|shot| shot.at > at).unwrap_or(before);
    let span_s = behind.at.duration_since(before.at).as_secs_f64();
    let t = if span_s > 0.0 { at.duration_since(before.at).as_secs_f64() / span_s } else { 0.0 };
    let mix = |a: f64, b: f64| a + (b - a) * t;
    Frame {
        number,
        at,
        lat: mix(before.lat, behind.lat),
        lng: mix(before.lng, behind.lng),
        absolute_altitude_m: mix(before.absolute_altitude_m, behind.absolute_altitude_m),
        relative_altitude_m: mix(before.relative_altitude_m, behind.relative_altitude_m),
        yaw_deg: before.yaw_deg,
        pitch_deg: before.pitch_deg,
    }
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

fn new_track(handler: &'static [u8; 4], name: &'static [u8], entry: Vec<u8>, samples: Vec<Vec<u8>>) -> Track {
    Track { handler, name, entry, samples, offsets: Vec::new() }
}
