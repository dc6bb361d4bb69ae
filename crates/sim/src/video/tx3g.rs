//! Telemetry as text: one record of DJI's bracket subtitles a frame, in local time of the aircraft.

use jiff::SignedDuration;

use super::boxes::{Track, boxed};
use super::{Frame, new_track};
use crate::photo::Shot;

pub(super) fn track(first: &Shot, frames: &[Frame]) -> Track {
    let fonts = boxed(b"ftab", &[&[0, 1, 0, 1, 5], b"Serif"]);
    let style = [0, 0, 0, 0, 0, 1, 0, 18, 0xFF, 0xFF, 0xFF, 0xFF];
    let entry = boxed(b"tx3g", &[&[0, 0, 0, 0, 0, 0, 0, 1], &[0, 0, 0, 0, 1, 0xFF], &[0; 4], &[0; 8], &style, &fonts]);
    let samples = frames.iter().map(|frame| sample(first, frame)).collect();
    new_track(b"sbtl", b"SubtitleHandler", entry, samples)
}

fn sample(first: &Shot, frame: &Frame) -> Vec<u8> {
    let local = frame.at + SignedDuration::from_secs(i64::from(first.utc_offset_s));
    let text = format!(
        "FrameCnt: {} {}\n[iso: {}] [shutter: 1/{}.0] [fnum: 2.8] [ev: 0] [color_md: default] [ae_meter_md: 1] [focal_len: 24.00] [dzoom_ratio: 1.00], [latitude: {:.6}] [longitude: {:.6}] [rel_alt: {:.3} abs_alt: {:.3}] [gb_yaw: {:.1} gb_pitch: {:.1} gb_roll: 0.0] ",
        frame.number,
        local.strftime("%Y-%m-%d %H:%M:%S%.3f"),
        first.iso,
        first.shutter_denominator,
        frame.lat,
        frame.lng,
        frame.relative_altitude_m,
        frame.absolute_altitude_m,
        frame.yaw_deg,
        frame.pitch_deg
    );
    [&(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
}
