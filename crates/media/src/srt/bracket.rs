//! The family of current models: `key: value` pairs in brackets, one record a frame.

use super::{Record, local_time};
use crate::track::{Attitude, Camera, Place};

/// Keys of one record; the longest known one has about 30.
const MAX_PAIRS: usize = 128;
/// Of the keys that are read.
const LONGEST_KEY: usize = 16;

/// `None` when no known key is in the text, nor a frame's counter.
pub(super) fn read(text: &str) -> Option<Record> {
    let mut record = Record::default();
    let mut values = Values::default();
    for line in text.lines() {
        if record.local.is_none() && !line.contains('[') {
            record.local = local_time(line.trim_start_matches("<font"));
        }
    }
    // in a video's own track the date stands on the counter's line
    record.local = record.local.or_else(|| dated(text));
    for (key, value) in pairs(text).take(MAX_PAIRS) {
        values.put(key, value);
    }
    if !values.known && !is_counted(text) {
        return None;
    }
    values.into_sample(&mut record);
    Some(record)
}

/// `DiffTime: 33ms`: how long after the frame before it.
pub(super) fn step_s(text: &str) -> Option<f64> {
    let (_, after) = text.split_once("DiffTime")?;
    let after = after.trim_start_matches([' ', ':']);
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    let ms: u32 = after.get(..end)?.parse().ok()?;
    Some(f64::from(ms) / 1e3)
}

/// A frame without any value still is a frame.
pub(super) fn is_counted(text: &str) -> bool {
    text.contains("FrameCnt") || text.contains("SrtCnt")
}

fn dated(text: &str) -> Option<jiff::civil::DateTime> {
    let head = text.split('[').next()?;
    let bytes = head.as_bytes();
    let at = (0..bytes.len()).find(|at| {
        let four = bytes.get(*at..at + 5);
        four.is_some_and(|four| four[..4].iter().all(u8::is_ascii_digit) && matches!(four[4], b'-' | b'.'))
    })?;
    local_time(head.get(at..)?)
}

/// Every `key: value` inside brackets. One pair of brackets may hold several; spaces may stand before the colon, which some
/// firmware leaves out altogether.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('[').skip(1).flat_map(|part| {
        let (mut rest, closed) = part.split_once(']').map_or((part, false), |(inside, _)| (inside, true));
        std::iter::from_fn(move || {
            let Some(colon) = rest.find(':') else {
                let (key, after) = rest.trim_start().split_once(' ').filter(|_| closed)?;
                let after = after.trim_start();
                let (value, left) = after.split_once(' ').unwrap_or((after, ""));
                rest = left;
                return Some((key, value));
            };
            let key = rest[..colon].trim();
            // the key is the last word: what is before it belonged to a value that was not understood
            let key = key.rsplit([' ', ',']).next().unwrap_or(key);
            let after = &rest[colon + 1..];
            // the value ends where the next key begins: at the last word before the next colon
            let end = match after.find(':') {
                Some(next) => {
                    let before = after[..next].trim_end();
                    // nothing but the next key: `Drone:Yaw:-62.1`
                    before.rfind([' ', ',']).unwrap_or(0)
                }
                None if closed => after.len(),
                // the file was cut off within this value: half a number is a wrong number
                None => return None,
            };
            rest = &after[end..];
            Some((key, after[..end].trim().trim_matches(',').trim()))
        })
    })
}

#[derive(Default)]
struct Values {
    known: bool,
    lat: Option<f64>,
    lng: Option<f64>,
    relative_altitude_m: Option<f64>,
    absolute_altitude_m: Option<f64>,
    /// Of older models; which of the two it is, is not said.
    altitude_m: Option<f64>,
    gimbal: Attitude,
    aircraft: Attitude,
    camera: Camera,
    /// Whose angles follow, in `[Drone: Yaw:-62.1, Pitch:2.7, Roll:1.6]`.
    whose: Option<Whose>,
}

#[derive(Clone, Copy)]
enum Whose {
    Aircraft,
    Gimbal,
}

impl Values {
    fn put(&mut self, key: &str, value: &str) {
        let number = || number(value);
        let mut lower = [0; LONGEST_KEY];
        let Some(lower) = lower.get_mut(..key.len()) else { return };
        lower.copy_from_slice(key.as_bytes());
        lower.make_ascii_lowercase();
        let whose = self.whose.take();
        match &*lower {
            b"drone" | b"gimbal" => {
                self.whose = Some(if &*lower == b"drone" { Whose::Aircraft } else { Whose::Gimbal });
            }
            b"yaw" | b"pitch" | b"roll" => {
                let attitude = match whose {
                    Some(Whose::Aircraft) => &mut self.aircraft,
                    Some(Whose::Gimbal) => &mut self.gimbal,
                    None => return,
                };
                self.whose = whose;
                match &*lower {
                    b"yaw" => attitude.yaw_deg = number(),
                    b"pitch" => attitude.pitch_deg = number(),
                    _ => attitude.roll_deg = number(),
                }
            }
            b"latitude" => self.lat = number(),
            // the second spelling is the firmware's own
            b"longitude" | b"longtitude" => self.lng = number(),
            b"rel_alt" => self.relative_altitude_m = number(),
            b"abs_alt" => self.absolute_altitude_m = number(),
            b"altitude" => self.altitude_m = number(),
            b"gb_yaw" | b"gimbal_yaw" => self.gimbal.yaw_deg = number(),
            b"gb_pitch" | b"gimbal_pitch" => self.gimbal.pitch_deg = number(),
            b"gb_roll" | b"gimbal_roll" => self.gimbal.roll_deg = number(),
            b"iso" => self.camera.iso = number().filter(|iso| *iso > 0.0),
            b"shutter" => self.camera.shutter_s = shutter_s(value),
            b"fnum" => self.camera.f_number = f_number(value),
            b"dzoom_ratio" => self.camera.zoom = zoom(value),
            b"focal_len" => self.camera.focal_length_35mm_mm = focal_length_mm(value),
            b"ev" | b"ct" | b"color_md" => {}
            _ => return,
        }
        self.known = true;
    }

    fn into_sample(self, record: &mut Record) {
        let place = self.lat.zip(self.lng).and_then(|(lat, lng)| {
            crate::photo::on_earth(Place {
                lat,
                lng,
                absolute_altitude_m: self.absolute_altitude_m.or(self.altitude_m),
                relative_altitude_m: self.relative_altitude_m,
            })
        });
        record.sample.position = place;
        record.sample.gimbal = (self.gimbal != Attitude::default()).then_some(self.gimbal);
        record.sample.aircraft = (self.aircraft != Attitude::default()).then_some(self.aircraft);
        record.sample.camera = (self.camera != Camera::default()).then_some(self.camera);
    }
}

fn number(text: &str) -> Option<f64> {
    let text = text.split_ascii_whitespace().next()?.trim_end_matches(',');
    let text = text.strip_prefix('+').unwrap_or(text);
    // a tool of another country wrote its own decimal point
    let parsed = text.parse().or_else(|error| match text.split_once(',') {
        Some((whole, part)) if part.bytes().all(|byte| byte.is_ascii_digit()) => format!("{whole}.{part}").parse(),
        _ => Err(error),
    });
    parsed.ok().filter(|number: &f64| number.is_finite())
}

/// `24.00` is in millimetres; older models write ten times that, without a point.
fn focal_length_mm(text: &str) -> Option<f64> {
    let mm = number(text)? / if text.contains('.') { 1.0 } else { 10.0 };
    (4.0..2_000.0).contains(&mm).then_some(mm)
}

/// `1/8000.0`.
fn shutter_s(text: &str) -> Option<f64> {
    let seconds = match text.split_once('/') {
        Some((one, part)) => number(one)? / number(part)?,
        None => number(text)?,
    };
    (seconds.is_finite() && seconds > 0.0).then_some(seconds)
}

/// `280` is 2.8, as is `2.8`.
fn f_number(text: &str) -> Option<f64> {
    let value = number(text).filter(|value| *value > 0.0)?;
    Some(if !text.contains('.') && value >= 50.0 { value / 100.0 } else { value })
}

/// `10000` is 1, as is `1.00`; `delta:0` may follow.
fn zoom(text: &str) -> Option<f64> {
    let value = number(text).filter(|value| *value > 0.0)?;
    Some(if value >= 1_000.0 { value / 10_000.0 } else { value })
}
