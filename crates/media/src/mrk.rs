//! DJI's `_Timestamp.MRK`: a line for each exposure, with GPS time, lever arm and the position known in flight.
//!
//! `seq \t tow \t [week] \t n,N \t e,E \t v,V \t lat,Lat \t lon,Lon \t h,Ellh \t sdN, sdE, sdV \t flag,Q`. Numbers go to the
//! label that follows them, so order, padding, and blanks in the place of tabs do not matter. The manuals list longitude
//! first, real files have latitude first: both are read.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::RangeRead;
use crate::gnss::{Cadence, Geodetic, GpsTime, Regularity, warn};
use crate::lines::{Lines, integer, number};

const MAX_LINE_BYTES: usize = 1_024;
const MAX_EVENTS: usize = 20_000;
/// Lines that are no event before the rest is left alone.
const MAX_BAD_LINES: u64 = 100_000;
/// A camera further from its antenna is a damaged line.
const MAX_LEVER_ARM_MM: f64 = 10_000.0;

/// What a file of exposure events holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mrk {
    pub event_count: u64,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// Of the time between exposures.
    pub spacing: Option<Range>,
    /// Length of the vector from antenna to camera.
    pub lever_arm_m: Option<Range>,
    /// How many events have each quality.
    pub qualities: Vec<QualityCount>,
    /// Sequence numbers that lack between the first and the last.
    pub missing_numbers: u64,
    pub events: Vec<Event>,
    #[serde(skip)]
    pub warnings: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    pub min: f64,
    pub max: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityCount {
    pub quality: Quality,
    pub count: u64,
}

/// One exposure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// From 1; the number in the picture's name.
    pub sequence: u32,
    #[serde(flatten)]
    pub time: GpsTime,
    /// From the antenna's phase centre to the camera; `None` when the line has none.
    pub lever_arm: Option<LeverArm>,
    /// Of the camera, as solved in flight; `None` where the log says zero.
    pub position: Option<Geodetic>,
    /// One sigma: north, east, vertical.
    pub std_m: Option<[f64; 3]>,
    /// The flag as written: 0, 16, 34, 50, ...
    pub status: Option<u32>,
    pub quality: Quality,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeverArm {
    pub north_mm: f64,
    pub east_mm: f64,
    pub down_mm: f64,
}

impl LeverArm {
    pub fn length_m(self) -> f64 {
        self.north_mm.hypot(self.east_mm).hypot(self.down_mm) / 1e3
    }
}

/// The flag in words: 16 single, 32 to 49 float, 50 and 52 fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    Fixed,
    Float,
    Single,
    None,
    Unknown,
}

impl Quality {
    fn of_status(status: Option<u32>) -> Self {
        match status {
            Some(0) => Self::None,
            Some(16) => Self::Single,
            Some(32..=49) => Self::Float,
            Some(50..=59) => Self::Fixed,
            _ => Self::Unknown,
        }
    }
}

/// Reads the file line by line; a line that is no event is counted, not fatal.
pub fn read(reader: &mut dyn RangeRead) -> Mrk {
    let mut found = Mrk::default();
    let mut lines = Lines::new(reader, MAX_LINE_BYTES);
    let (mut bad_lines, mut first_bad, mut line_number, mut left_out) = (0_u64, None, 0_u64, 0_u64);
    while let Some(line) = lines.next_line() {
        line_number += 1;
        let text = String::from_utf8_lossy(line);
        if text.trim_matches(['\u{feff}', '\0', ' ', '\t']).is_empty() {
            continue;
        }
        match event_of(&text) {
            Some(_) if found.events.len() >= MAX_EVENTS => left_out += 1,
            Some(event) => found.events.push(event),
            None => {
                bad_lines += 1;
                first_bad = first_bad.or(Some(line_number));
                if bad_lines >= MAX_BAD_LINES {
                    break;
                }
            }
        }
    }
    if let Some(error) = lines.error.take() {
        warn(&mut found.warnings, format!("the file could not be read to its end: {error}"));
    }
    if let Some(first) = first_bad {
        warn(&mut found.warnings, format!("{bad_lines} lines are no exposure event; the first is line {first}"));
    }
    if left_out > 0 {
        warn(&mut found.warnings, format!("{left_out} events after the first {MAX_EVENTS} were left out"));
    }
    summarize(&mut found);
    found
}

fn summarize(found: &mut Mrk) {
    found.event_count = found.events.len() as u64;
    if found.events.is_empty() {
        warn(&mut found.warnings, "the file has no exposure event: the log failed");
        return;
    }
    let times = || found.events.iter().map(|event| event.time);
    found.first_at = times().min().map(GpsTime::utc);
    found.last_at = times().max().map(GpsTime::utc);
    let seconds: Vec<f64> = times().map(GpsTime::seconds).collect();
    found.spacing = range(seconds.windows(2).map(|pair| match *pair {
        [a, b] => ((b - a) * 1e6).round() / 1e6,
        _ => 0.0,
    }));
    found.lever_arm_m = range(found.events.iter().filter_map(|event| event.lever_arm).map(LeverArm::length_m));
    for event in &found.events {
        match found.qualities.iter_mut().find(|count| count.quality == event.quality) {
            Some(count) => count.count += 1,
            None => found.qualities.push(QualityCount { quality: event.quality, count: 1 }),
        }
    }
    found.qualities.sort_by_key(|count| count.quality);
    let mut numbers: Vec<u32> = found.events.iter().map(|event| event.sequence).collect();
    let in_order = numbers.is_sorted();
    numbers.sort_unstable();
    let all = numbers.len();
    numbers.dedup();
    let (first, last) = (numbers.first().copied().unwrap_or(0), numbers.last().copied().unwrap_or(0));
    found.missing_numbers = (u64::from(last - first) + 1).saturating_sub(numbers.len() as u64);
    let mut oddities = Vec::new();
    if numbers.len() < all {
        oddities.push(format!("{} sequence numbers occur again", all - numbers.len()));
    }
    if found.missing_numbers > 0 {
        oddities.push(format!("{} sequence numbers are missing between {first} and {last}", found.missing_numbers));
    }
    let mut cadence = Cadence::default();
    times().for_each(|time| cadence.push(time.nanoseconds()));
    if !in_order || cadence.finish().out_of_order > 0 {
        oddities.push("events are not in the order of time".to_owned());
    }
    let without = |what: &str, count: usize| (count > 0).then(|| format!("{count} events have no {what}"));
    oddities.extend(without(
        "position: the log failed there",
        found.events.iter().filter(|e| e.position.is_none()).count(),
    ));
    oddities.extend(without("lever arm", found.events.iter().filter(|e| e.lever_arm.is_none()).count()));
    for oddity in oddities {
        warn(&mut found.warnings, oddity);
    }
}

fn range(values: impl Iterator<Item = f64>) -> Option<Range> {
    values.fold(None, |range, value| match range {
        None => Some(Range { min: value, max: value }),
        Some(Range { min, max }) => Some(Range { min: min.min(value), max: max.max(value) }),
    })
}

/// The regularity of events, for who compares them with epochs.
pub fn regularity(events: &[Event]) -> Regularity {
    let mut cadence = Cadence::default();
    events.iter().for_each(|event| cadence.push(event.time.nanoseconds()));
    cadence.finish()
}

/// One line; `None` when it has no sequence, time and week.
pub fn event_of(line: &str) -> Option<Event> {
    let line = line.trim_matches(|c: char| matches!(c, '\u{feff}' | '\0') || c.is_whitespace());
    let line = &*with_points(line);
    let (sequence, rest) = first_word(line)?;
    let (tow_s, rest) = first_word(rest)?;
    // the week stands in brackets; tools that rewrite the file may leave them out
    let (week, rest) = match rest.trim_start_matches(is_gap).strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => first_word(rest)?,
    };
    let sequence = u32::try_from(integer(sequence)?).ok()?;
    // a receiver that knew no time: the exposure was not logged
    if integer(week)? == 0 && number(tow_s)? == 0.0 {
        return None;
    }
    let time = GpsTime::from_week(unrolled(integer(week)?), number(tow_s)?)?;
    let values = Values::of(rest);
    let lever_arm = match (values.north, values.east, values.down) {
        (Some(north_mm), Some(east_mm), Some(down_mm)) => Some(LeverArm { north_mm, east_mm, down_mm }),
        _ => None,
    };
    let position = match (values.lat, values.lng, values.height) {
        // zeros are what a failed log says
        (Some(lat), Some(lng), _) if lat == 0.0 && lng == 0.0 => None,
        (Some(lat), Some(lng), Some(height)) => Geodetic::new(lat, lng, height),
        _ => None,
    };
    let status = values.status.filter(|status| (0.0..1e6).contains(status)).map(|status| status as u32);
    Some(Event {
        sequence,
        time,
        lever_arm: lever_arm.filter(|arm| arm.length_m() * 1e3 <= MAX_LEVER_ARM_MM),
        position,
        std_m: values.std,
        status,
        quality: Quality::of_status(status),
    })
}

/// Receivers count weeks in ten bits: a number from before DJI's first RTK aircraft began anew from zero once or twice.
fn unrolled(week: i64) -> i64 {
    const WEEKS: i64 = 1_024;
    // 2017-01-01
    const FIRST_WEEK: i64 = 1_930;
    if !(0..WEEKS).contains(&week) {
        return week;
    }
    (1..=2).map(|rolls| week + rolls * WEEKS).find(|week| *week >= FIRST_WEEK).unwrap_or(week)
}

fn is_gap(c: char) -> bool {
    matches!(c, ',' | ';') || c.is_whitespace()
}

/// A spreadsheet of a country that writes 52,5 puts commas into every number: a line without a point has them there.
fn with_points(line: &str) -> Cow<'_, str> {
    if line.contains('.') {
        return line.into();
    }
    let mut bytes = line.as_bytes().to_vec();
    let is_digit = |at: usize| line.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let mut in_fraction = false;
    for (at, byte) in bytes.iter_mut().enumerate() {
        let is_decimal = *byte == b',' && !in_fraction && at > 0 && is_digit(at - 1) && is_digit(at + 1);
        in_fraction = is_decimal || (in_fraction && is_digit(at));
        if is_decimal {
            *byte = b'.';
        }
    }
    String::from_utf8(bytes).map_or(line.into(), Cow::from)
}

/// The first word and what follows it.
fn first_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(is_gap);
    let (word, rest) = text.split_once(is_gap).unwrap_or((text, ""));
    (!word.is_empty()).then_some((word, rest))
}

#[derive(Default)]
struct Values {
    north: Option<f64>,
    east: Option<f64>,
    down: Option<f64>,
    lat: Option<f64>,
    lng: Option<f64>,
    height: Option<f64>,
    std: Option<[f64; 3]>,
    status: Option<f64>,
}

impl Values {
    fn of(text: &str) -> Self {
        let mut values = Self::default();
        // numbers since the last label; one that is no number counts as one, so that the others keep their places
        let mut open: Vec<Option<f64>> = Vec::new();
        let mut labelled = false;
        for word in text.split(is_gap).filter(|word| !word.is_empty()) {
            let slot = match word.to_ascii_lowercase().as_str() {
                "n" => &mut values.north,
                "e" => &mut values.east,
                "v" | "d" => &mut values.down,
                "lat" => &mut values.lat,
                "lon" | "lng" | "long" => &mut values.lng,
                "ellh" | "h" | "alt" => &mut values.height,
                "q" => &mut values.status,
                _ => {
                    open.push(number(word));
                    continue;
                }
            };
            labelled = true;
            *slot = open.pop().flatten();
            values.std = values.std.or(three(&open));
            open.clear();
        }
        if !labelled {
            let at = |index: usize| open.get(index).copied().flatten();
            (values.north, values.east, values.down) = (at(0), at(1), at(2));
            (values.lat, values.lng, values.height) = (at(3), at(4), at(5));
            values.std = open.get(6..9).and_then(three);
            values.status = at(9);
        } else if values.std.is_none() {
            // a line without the last column, or cut before its label
            values.std = open.get(..3).and_then(three);
        }
        values
    }
}

fn three(numbers: &[Option<f64>]) -> Option<[f64; 3]> {
    match *numbers {
        [Some(north), Some(east), Some(vertical)] => Some([north, east, vertical]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINE: &str = "1\t275295.301059\t[2024]\t   -26,N\t    19,E\t   191,V\t-36.41144502,Lat\t174.63075195,Lon\t170.415,Ellh\t1.492559, 1.368525, 3.180128\t16,Q";

    fn read_text(text: &str) -> Mrk {
        read(&mut text.as_bytes())
    }

    #[test]
    fn a_line_is_read_whole() {
        let event = event_of(LINE).unwrap();
        assert_eq!(event.time.utc().to_string(), "2018-10-24T04:27:57.301059Z");
        assert_eq!(event.lever_arm, Some(LeverArm { north_mm: -26.0, east_mm: 19.0, down_mm: 191.0 }));
        assert_eq!(event.position, Geodetic::new(-36.411_445_02, 174.630_751_95, 170.415));
        assert_eq!(event.std_m, Some([1.492_559, 1.368_525, 3.180_128]));
        assert_eq!((event.sequence, event.status, event.quality), (1, Some(16), Quality::Single));
    }

    #[test]
    fn spacing_order_and_line_ends_do_not_matter() {
        let spaces = LINE.replace('\t', "  ");
        let tight = LINE.replace(' ', "");
        let lon_first = LINE.replace("-36.41144502,Lat\t174.63075195,Lon", "174.63075195,Lon\t-36.41144502,Lat");
        for text in [
            spaces,
            tight,
            lon_first,
            format!("\u{feff}{LINE}\r\n"),
            format!("{LINE}\t\t\n\n"),
            format!("\0\0{LINE}"),
            LINE.replace(['[', ']'], ""),
            LINE.replace('\t', ";"),
            LINE.replace('.', ","),
            LINE.replace('.', ",").replace(", ", ","),
            LINE.replace('.', ",").replace('\t', ";"),
        ] {
            assert_eq!(read_text(&text).events, [event_of(LINE).unwrap()], "{text:?}");
        }
    }

    #[test]
    fn lines_of_tools_that_rewrote_the_file_are_read() {
        let lines = [1, 2, 3].map(|n| LINE.replacen('1', &n.to_string(), 1));
        assert_eq!(read_text(&lines.join("\r")).event_count, 3);
        let wide: Vec<u8> =
            format!("\u{feff}{}\r\n", lines.join("\r\n")).encode_utf16().flat_map(u16::to_le_bytes).collect();
        let found = read(&mut &wide[..]);
        assert_eq!((found.event_count, found.warnings.len()), (3, 0));
    }

    #[test]
    fn a_failed_log_has_no_places() {
        let zeros =
            "7\t275295.3\t[2024]\t0,N\t0,E\t0,V\t0.00000000,Lat\t0.00000000,Lon\t0.000,Ellh\t0.0, 0.0, 0.0\t0,Q\n";
        let found = read_text(zeros);
        assert_eq!((found.events[0].position, found.events[0].quality), (None, Quality::None));
        assert!(found.warnings.iter().any(|warning| warning.contains("no position")), "{:?}", found.warnings);
        assert_eq!(read_text("").warnings, ["the file has no exposure event: the log failed"]);
        let timeless = read_text("7\t0.000000\t[0]\t0,N\t0,E\t0,V\t0.0,Lat\t0.0,Lon\t0.0,Ellh\t0.0, 0.0, 0.0\t0,Q\n");
        assert_eq!((timeless.event_count, timeless.first_at), (0, None));
    }

    #[test]
    fn damage_is_counted_and_the_rest_read() {
        let cut = &LINE[..60];
        let text = format!(
            "{LINE}\nrubbish\n9\t-1\t[2024]\n{}\n{cut}",
            LINE.replace("1\t275295.3", "4\t275300.3").replace("16,Q", "50,Q")
        );
        let found = read_text(&text);
        assert_eq!(found.event_count, 3, "the cut line still has number and time");
        assert_eq!(found.events[2].position, None);
        assert_eq!(found.missing_numbers, 2);
        assert_eq!(found.qualities[0], QualityCount { quality: Quality::Fixed, count: 1 });
        let expected = ["2 lines are no exposure event; the first is line 2", "1 sequence numbers occur again"];
        assert_eq!(found.warnings[..2], expected);
    }

    #[test]
    fn values_that_are_no_numbers_keep_the_others_in_place() {
        let event = event_of(&LINE.replace("1.368525", "nan").replace("170.415", "inf")).unwrap();
        assert_eq!((event.std_m, event.position), (None, None));
        assert_eq!(event.status, Some(16));
    }

    /// The same exposure as P4 RTK, M3E, M3TD, P1 and L1 and the tools behind them write it.
    #[test]
    fn lines_of_every_generation() {
        let expect = |event: &Event| {
            assert_eq!((event.sequence, event.time.week(), event.time.tow_s()), (12, 2_264, 400_373.488_877));
            let at = event.position.unwrap();
            assert_eq!((at.lat, at.lng, at.ellipsoid_height_m), (44.428_246_37, 1.261_963_31, 359.494));
        };
        let arm = Some(LeverArm { north_mm: -40.0, east_mm: 0.0, down_mm: 86.0 });
        let std = Some([0.028, 0.031, 0.055]);
        for (line, lever_arm, std_m, quality) in [
            (
                "12\t400373.488877\t[2264]\t   -40,N\t     0,E\t    86,V\t44.42824637,Lat\t1.26196331,Lon\t359.494,Ellh\t0.028, 0.031, 0.055\t50,Q",
                arm,
                std,
                Quality::Fixed,
            ),
            (
                "12\t400373.488877\t[2264]\t-40,N\t0,E\t86,V\t44.42824637,Lat\t1.26196331,Lon\t359.494,Ellh\t0.028, 0.031, 0.055\t34,Q",
                arm,
                std,
                Quality::Float,
            ),
            // without its flag, and without deviations
            (
                "12\t400373.488877\t[2264]\t-40,N\t0,E\t86,V\t44.42824637,Lat\t1.26196331,Lon\t359.494,Ellh\t0.028, 0.031, 0.055",
                arm,
                std,
                Quality::Unknown,
            ),
            (
                "12\t400373.488877\t[2264]\t-40,N\t0,E\t86,V\t44.42824637,Lat\t1.26196331,Lon\t359.494,Ellh\t16,Q",
                arm,
                None,
                Quality::Single,
            ),
            // without its lever arm: a payload whose camera is at the antenna's place
            (
                "12\t400373.488877\t[2264]\t44.42824637,Lat\t1.26196331,Lon\t359.494,Ellh\t0.028, 0.031, 0.055\t50,Q",
                None,
                std,
                Quality::Fixed,
            ),
            // longitude first, as the manuals list it; blanks around everything; a word in front of the height's label
            (
                "12  400373.488877  [ 2264 ]  -40 , N  0 , E  86 , V  1.26196331 , Lon  44.42824637 , Lat  359.494 , Ellh  0.028 , 0.031 , 0.055  50 , Q",
                arm,
                std,
                Quality::Fixed,
            ),
            // the week in ten bits, and in eleven and a bit: it began anew from zero
            (
                "12,400373.488877,[216],-40,N,0,E,86,V,44.42824637,Lat,1.26196331,Lon,359.494,Ellh,0.028,0.031,0.055,50,Q",
                arm,
                std,
                Quality::Fixed,
            ),
            // a status that nobody has seen, and one of the newer receivers
            (
                "12\t400373.488877\t[2264]\t-40,N\t0,E\t86,V\t44.42824637,Lat\t1.26196331,Lon\t359.494,Ellh\t0.028, 0.031, 0.055\t99,Q",
                arm,
                std,
                Quality::Unknown,
            ),
            (
                "12\t400373.488877\t[2264]\t-40,N\t0,E\t86,V\t44.42824637,Lat\t1.26196331,Lon\t359.494,Ellh\t0.028, 0.031, 0.055\t52,Q",
                arm,
                std,
                Quality::Fixed,
            ),
        ] {
            let event = event_of(line).unwrap_or_else(|| panic!("an event: {line}"));
            expect(&event);
            assert_eq!((event.lever_arm, event.std_m, event.quality), (lever_arm, std_m, quality), "{line}");
        }
        // a camera 40 m from its antenna is damage, as is a time outside the week
        assert_eq!(event_of(&LINE.replace("   -26,N", "-40000,N")).unwrap().lever_arm, None);
        for tow in ["604800.0", "-0.5", "nan"] {
            assert_eq!(event_of(&LINE.replace("275295.301059", tow)), None, "{tow}");
        }
    }

    #[test]
    fn a_flight_over_the_week_s_end_goes_on() {
        let line =
            |n: u32, tow: &str, week: u32| LINE.replace("1\t275295.301059\t[2024]", &format!("{n}\t{tow}\t[{week}]"));
        let found = read_text(&[line(1, "604798.5", 2_341), line(2, "0.5", 2_342), line(3, "2.5", 2_342)].join("\n"));
        assert_eq!(found.spacing, Some(Range { min: 2.0, max: 2.0 }));
        assert_eq!(found.warnings, Vec::<String>::new());
        assert_eq!(found.last_at.unwrap().to_string(), "2024-11-23T23:59:44.5Z");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            sequence in 1_u32..20_000, week in 1_024_i64..3_000, tow_us in 0_u64..604_800_000_000,
            arm in proptest::array::uniform3(-600_i32..600), lat in -89.0..89.0_f64, lng in -179.0..179.0_f64,
            height in -400.0..8_000.0_f64, status in 0_u32..60,
        ) {
            let [n, e, v] = arm;
            let tow = format!("{}.{:06}", tow_us / 1_000_000, tow_us % 1_000_000);
            let line = format!("{sequence}\t{tow}\t[{week}]\t{n:6},N\t{e:6},E\t{v:6},V\t{lat:.8},Lat\t{lng:.8},Lon\t{height:.3},Ellh\t0.01, 0.02, 0.03\t{status},Q\r\n");
            let found = read_text(&line);
            let event = found.events.first().unwrap();
            prop_assert_eq!((event.sequence, event.time.week(), event.status), (sequence, week, Some(status)));
            prop_assert_eq!((event.time.tow_s() * 1e6).round() as u64, tow_us);
            let at = event.position.unwrap();
            prop_assert!((at.lat - lat).abs() < 1e-8 && (at.lng - lng).abs() < 1e-8);
            let text = serde_json::to_string(&found).unwrap();
            prop_assert_eq!(serde_json::from_str::<Mrk>(&text).unwrap().events, found.events);
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let found = read(&mut &bytes[..]);
            prop_assert_eq!(found.event_count as usize, found.events.len());
        }
    }
}
