//! The families before the brackets: three lines a second, or one.

use super::{Family, Record, local_time};
use crate::track::{Attitude, Camera, Place};

/// `None` when the text is of none of them.
pub(super) fn read(text: &str) -> Option<(Family, Record)> {
    let one_line = text.starts_with("F/") || text.contains(", SS ") || text.contains("G.PRY");
    if one_line { of_one_line(text).map(|record| (Family::OneLine, record)) } else { of_lines(text) }
}

/// The values between the parentheses behind `name`.
fn group<'a>(text: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find(name)?;
        let after = text.get(at + name.len()..)?.trim_start();
        if let Some(inside) = after.strip_prefix('(') {
            // a group that does not end was cut off, maybe within a number
            return Some(inside.split_once(')')?.0.split(',').map(str::trim).collect());
        }
        from = at + name.len();
    }
}

/// A number with whatever unit stands behind it: `-57.98m`, `110.1°`, `F2.8`.
fn number(text: &str) -> Option<f64> {
    let text = text.trim().trim_start_matches(['F', 'f', '+']);
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-'))).unwrap_or(text.len());
    text.get(..end)?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The number behind `name` and its separators.
fn field(text: &str, name: &str) -> Option<f64> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find(name)?;
        // the name stands at the beginning of a word
        let begins = at == 0 || text.get(..at)?.ends_with([' ', '\n', ',', ')', '\t']);
        let after = text.get(at + name.len()..)?;
        if begins && after.starts_with([' ', ':', '/']) {
            return number(after.trim_start_matches([' ', ':', '/']));
        }
        from = at + name.len();
    }
}

/// The same, when something follows: a number at the very end may be half of one.
fn whole_field(text: &str, name: &str) -> Option<f64> {
    let complete = text.trim_end().trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    field(complete, name)
}

fn place(lat: f64, lng: f64, absolute_altitude_m: Option<f64>, relative_altitude_m: Option<f64>) -> Option<Place> {
    crate::photo::on_earth(Place { lat, lng, absolute_altitude_m, relative_altitude_m })
}

fn of_one_line(text: &str) -> Option<Record> {
    let mut record = Record::default();
    let gps = group(text, "GPS");
    let (lng, lat) =
        (gps.as_ref().and_then(|gps| number(gps.first()?)), gps.as_ref().and_then(|gps| number(gps.get(1)?)));
    // the third value counts satellites; H is the height above the take-off point
    record.sample.position = lat.zip(lng).and_then(|(lat, lng)| place(lat, lng, None, whole_field(text, "H")));
    record.home = group(text, "HOME").and_then(|home| {
        place(number(home.get(1)?)?, number(home.first()?)?, home.get(2).and_then(|altitude| number(altitude)), None)
    });
    let attitude = |name| {
        let angles = group(text, name)?;
        let angle = |n: usize| angles.get(n).and_then(|angle| number(angle));
        let found = Attitude { pitch_deg: angle(0), roll_deg: angle(1), yaw_deg: angle(2) };
        (found != Attitude::default()).then_some(found)
    };
    record.sample.aircraft = attitude("F.PRY");
    record.sample.gimbal = attitude("G.PRY");
    let camera = Camera {
        iso: field(text, "ISO"),
        shutter_s: field(text, "SS").filter(|part| *part > 0.0).map(|part| 1.0 / part),
        f_number: text.strip_prefix("F/").and_then(number),
        zoom: None,
        focal_length_35mm_mm: None,
    };
    record.sample.camera = (camera != Camera::default()).then_some(camera);
    (gps.is_some() || record.sample.camera.is_some()).then_some(record)
}

fn of_lines(text: &str) -> Option<(Family, Record)> {
    let mut record = Record::default();
    let gps = group(text, "GPS");
    let home = group(text, "HOME");
    if gps.is_none() && home.is_none() && !text.contains("ISO") {
        return None;
    }
    let third = gps.as_ref().and_then(|gps| gps.get(2).copied()).unwrap_or_default();
    let with_unit = third.ends_with(['M', 'm']);
    let height_m = ["BAROMETER", "Hs", "Hb"].iter().find_map(|name| whole_field(text, name));
    if let Some((first, second)) = gps.as_ref().and_then(|gps| Some((number(gps.first()?)?, number(gps.get(1)?)?))) {
        record.sample.position = if with_unit {
            place(first, second, number(third), height_m)
        } else {
            place(second, first, None, height_m)
        };
    }
    record.home = home.and_then(|home| {
        let (first, second) = (number(home.first()?)?, number(home.get(1)?)?);
        if with_unit { place(first, second, None, None) } else { place(second, first, None, None) }
    });
    record.local = text.lines().find_map(|line| {
        // behind HOME(...), or on a line of its own
        let line = line.rsplit(')').next().unwrap_or(line);
        local_time(line)
    });
    let camera = Camera {
        iso: field(text, "ISO"),
        shutter_s: ["Shutter", "TV"]
            .iter()
            .find_map(|name| field(text, name))
            .filter(|part| *part > 0.0)
            .map(|part| 1.0 / part),
        f_number: ["Fnum", "IR"].iter().find_map(|name| field(text, name)),
        zoom: None,
        focal_length_35mm_mm: None,
    };
    record.sample.camera = (camera != Camera::default()).then_some(camera);
    Some((if with_unit { Family::LinesWithUnit } else { Family::Lines }, record))
}
