//! DJI's bracket family of subtitles (the one that current models write), so that players and tools made for it read ours.
//!
//! DJI's date line is the aircraft's local time without a zone; here it is UTC, which is what a sample knows.

use std::io::{self, Write};

use super::drawable;
use crate::track::Sample;

/// How long the last cue is shown when there is no other to learn from.
const LAST_CUE_S: f64 = 1.0 / 30.0;

pub(super) fn write(samples: &mut dyn Iterator<Item = Sample>, out: &mut dyn Write) -> io::Result<()> {
    let mut samples = samples.peekable();
    let mut length_s = LAST_CUE_S;
    let mut number = 0_u64;
    while let Some(sample) = samples.next() {
        number += 1;
        if let Some(next) = samples.peek() {
            let until_next_s = next.t_s - sample.t_s;
            length_s = if until_next_s > 0.0 { until_next_s } else { 0.0 };
        }
        let (start_ms, end_ms) = (milliseconds(sample.t_s), milliseconds(sample.t_s + length_s));
        writeln!(out, "{number}\n{} --> {}", clock(start_ms), clock(end_ms))?;
        writeln!(out, "<font size=\"28\">FrameCnt: {number}, DiffTime: {}ms", end_ms.saturating_sub(start_ms))?;
        if let Some(at) = sample.at {
            writeln!(out, "{}", at.strftime("%Y-%m-%d %H:%M:%S%.3f"))?;
        }
        keys(&sample, out)?;
        writeln!(out, "</font>\n")?;
    }
    Ok(())
}

fn keys(sample: &Sample, out: &mut dyn Write) -> io::Result<()> {
    let camera = sample.camera.unwrap_or_default();
    let positive = |number: Option<f64>| number.filter(|number| number.is_finite() && *number > 0.0);
    if let Some(iso) = positive(camera.iso) {
        write!(out, "[iso: {iso}] ")?;
    }
    if let Some(shutter_s) = positive(camera.shutter_s) {
        let part = 1.0 / shutter_s;
        // long exposures are parts of little more than nothing
        if part < 10.0 { write!(out, "[shutter: 1/{part:.4}] ") } else { write!(out, "[shutter: 1/{part:.1}] ") }?;
    }
    if let Some(f_number) = positive(camera.f_number) {
        // never without a decimal point: whole numbers are hundredths in older files
        write!(out, "[fnum: {:?}] ", (f_number * 100.0).round() / 100.0)?;
    }
    if let Some(zoom) = positive(camera.zoom) {
        write!(out, "[dzoom_ratio: {zoom:.2}] ")?;
    }
    if let Some(place) = drawable(sample) {
        write!(out, "[latitude: {:.7}] [longitude: {:.7}] ", place.lat, place.lng)?;
        let altitudes = [("rel_alt", place.relative_altitude_m), ("abs_alt", place.absolute_altitude_m)];
        bracket(altitudes, 3, out)?;
    }
    if let Some(gimbal) = sample.gimbal {
        let angles = [("gb_yaw", gimbal.yaw_deg), ("gb_pitch", gimbal.pitch_deg), ("gb_roll", gimbal.roll_deg)];
        bracket(angles, 1, out)?;
    }
    Ok(())
}

/// Several keys in one pair of brackets, those that have a value.
fn bracket<const N: usize>(values: [(&str, Option<f64>); N], decimals: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut before = "[";
    for (key, value) in values {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            write!(out, "{before}{key}: {value:.decimals$}")?;
            before = " ";
        }
    }
    if before == " " { out.write_all(b"] ") } else { Ok(()) }
}

fn milliseconds(t_s: f64) -> u64 {
    // saturates: a negative time is 0
    (t_s * 1_000.0).round() as u64
}

/// `00:15:04,904`; hours have as many digits as they need.
fn clock(ms: u64) -> String {
    format!("{:02}:{:02}:{:02},{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000)
}
