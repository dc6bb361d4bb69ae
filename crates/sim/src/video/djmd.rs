//! Telemetry in Protocol Buffers, laid out as `dvtm_pm320.proto` (Matrice 30) is. The layout is public through exiftool's
//! and others' readers; zero is left out on the wire, as the format has it.

use super::boxes::{Track, boxed};
use super::{FRAME_TICKS, Frame, TIMESCALE, new_track};
use crate::photo::Shot;

/// Microseconds between the aircraft's start and the video's first frame.
const POWERED_US: u64 = 95_000_000;

pub(super) fn track(first: &Shot, frames: &[Frame]) -> Track {
    let entry = boxed(b"djmd", &[&[0, 0, 0, 0, 0, 0, 0, 1], &[0; 8]]);
    let samples = frames
        .iter()
        .map(
            |frame| {
                if frame.number == 0 { [header(first), sample(first, frame)].concat() } else { sample(first, frame) }
            },
        )
        .collect();
    new_track(b"meta", b"DJI meta", entry, samples)
}

fn header(first: &Shot) -> Vec<u8> {
    let clip = [
        text(1, "dvtm_pm320.proto"),
        text(2, "02.00.01"),
        text(3, "1.0.0"),
        text(5, &first.aircraft_sn),
        text(6, "10.01.00.05"),
        varint_field(9, POWERED_US),
        text(10, &first.camera_model),
    ];
    let stream = [varint_field(1, 3_840), varint_field(2, 2_160), float(3, TIMESCALE as f32 / FRAME_TICKS as f32)];
    [nested(&[1, 1], &clip.concat()), nested(&[2, 2], &stream.concat())].concat()
}

fn sample(first: &Shot, frame: &Frame) -> Vec<u8> {
    let us = POWERED_US + u64::from(frame.number) * u64::from(FRAME_TICKS) * 1_000_000 / u64::from(TIMESCALE);
    let head = [varint_field(1, u64::from(frame.number) + 1), varint_field(2, us)].concat();
    let camera = [
        nested(&[2], &float(1, f32::from(first.iso))),
        nested(&[3, 1], &[varint(1), varint(u64::from(first.shutter_denominator))].concat()),
        nested(&[4, 1], &[varint(28), varint(10)].concat()),
        nested(&[6], &float(1, 1.0)),
    ];
    // radians: the unit's field stands for them by being left out
    let position = [double(2, frame.lat.to_radians()), double(3, frame.lng.to_radians())].concat();
    let gps = [nested(&[1], &position), signed(2, (frame.absolute_altitude_m * 1_000.0).round() as i64)].concat();
    let drone = [
        nested(&[3], &euler(-3.5, 1.2, frame.yaw_deg)),
        nested(&[4], &gps),
        nested(&[5], &[float(1, (frame.relative_altitude_m * 1_000.0) as f32), varint_field(2, 1)].concat()),
    ];
    let gimbal = nested(&[3], &euler(frame.pitch_deg, 0.0, frame.yaw_deg));
    let frame =
        [nested(&[1], &head), nested(&[2], &camera.concat()), nested(&[3], &drone.concat()), nested(&[4], &gimbal)];
    nested(&[3], &frame.concat())
}

/// Tenths of degrees.
fn euler(pitch_deg: f64, roll_deg: f64, yaw_deg: f64) -> Vec<u8> {
    let tenths = |deg: f64| (deg * 10.0).round() as i64;
    [signed(1, tenths(pitch_deg)), signed(2, tenths(roll_deg)), signed(3, tenths(yaw_deg))].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn key(field: u32, wire_type: u32) -> Vec<u8> {
    varint(u64::from(field << 3 | wire_type))
}

fn varint_field(field: u32, value: u64) -> Vec<u8> {
    if value == 0 { Vec::new() } else { [key(field, 0), varint(value)].concat() }
}

/// Negative numbers take ten bytes.
fn signed(field: u32, value: i64) -> Vec<u8> {
    varint_field(field, value as u64)
}

fn float(field: u32, value: f32) -> Vec<u8> {
    if value == 0.0 { Vec::new() } else { [key(field, 5), value.to_le_bytes().to_vec()].concat() }
}

fn double(field: u32, value: f64) -> Vec<u8> {
    if value == 0.0 { Vec::new() } else { [key(field, 1), value.to_le_bytes().to_vec()].concat() }
}

fn text(field: u32, value: &str) -> Vec<u8> {
    nested(&[field], value.as_bytes())
}

/// Wraps into the messages of a path, the outermost first.
fn nested(path: &[u32], inside: &[u8]) -> Vec<u8> {
    path.iter()
        .rev()
        .fold(inside.to_vec(), |inside, field| [key(*field, 2), varint(inside.len() as u64), inside].concat())
}
