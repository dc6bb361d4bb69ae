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

/// A number with whatever unit stands behind it: `-57.98m`, `110.1°`, `F2.8`; `1,9` is 1.9, as some tools write.
fn number(text: &str) -> Option<f64> {
    let text = text.trim().trim_start_matches(['F', 'f', '+']);
    let end = |text: &str| text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-'))).unwrap_or(text.len());
    let (whole, rest) = text.split_at_checked(end(text))?;
    let parsed = match rest.strip_prefix(',') {
        Some(part) if part.starts_with(|c: char| c.is_ascii_digit()) && !whole.contains('.') => {
            format!("{whole}.{}", part.get(..end(part))?).parse()
        }
        _ => whole.parse(),
    };
    parsed.ok().filter(|number: &f64| number.is_finite())
}

/// Latitude and longitude, whichever comes first: what lies beyond 90 degrees is no latitude.
fn ordered(first: f64, second: f64, lat_first: bool) -> (f64, f64) {
    match (first.abs() > 90.0, second.abs() > 90.0) {
        (true, false) => (second, first),
        (false, true) => (first, second),
        _ if lat_first => (first, second),
        _ => (second, first),
    }
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
    // the third value counts satellites; H is the height above the take-off point
    record.sample.position = gps.as_ref().and_then(|gps| {
        let (lat, lng) = ordered(number(gps.first()?)?, number(gps.get(1)?)?, false);
        place(lat, lng, None, whole_field(text, "H"))
    });
    record.home = group(text, "HOME").and_then(|home| {
        let (lat, lng) = ordered(number(home.first()?)?, number(home.get(1)?)?, false);
        place(lat, lng, home.get(2).and_then(|altitude| number(altitude)), None)
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
        zoom: field(text, "DZOOM").filter(|zoom| *zoom > 0.0),
        focal_length_35mm_mm: None,
    };
    record.sample.camera = (camera != Camera::default()).then_some(camera);
    (gps.is_some() || record.sample.camera.is_some()).then_some(record)
}

fn of_lines(text: &str) -> Option<(Family, Record)> {
    let mut record = Record::default();
    let gps = group(text, "GPS");
    let home = group(text, "HOME");
    if gps.is_none() && home.is_none() && field(text, "ISO").is_none() {
        return None;
    }
    let third = gps.as_ref().and_then(|gps| gps.get(2).copied()).unwrap_or_default();
    // satellites are counted in whole numbers: a fraction is an altitude, and where one stands, latitude comes first
    let with_unit = third.ends_with(['M', 'm']) || (third.contains('.') && number(third).is_some());
    let in_parentheses = || group(text, "BAROMETER").and_then(|group| number(group.first()?));
    let height_m = ["BAROMETER", "Hs", "Hb"].iter().find_map(|name| whole_field(text, name)).or_else(in_parentheses);
    if let Some((first, second)) = gps.as_ref().and_then(|gps| Some((number(gps.first()?)?, number(gps.get(1)?)?))) {
        let (lat, lng) = ordered(first, second, with_unit);
        record.sample.position = place(lat, lng, number(third).filter(|_| with_unit), height_m);
    }
    record.home = home.and_then(|home| {
        let (lat, lng) = ordered(number(home.first()?)?, number(home.get(1)?)?, with_unit);
        place(lat, lng, None, None)
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
