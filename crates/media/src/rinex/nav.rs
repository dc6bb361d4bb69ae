//! Broadcast navigation: records by system, and the span of their times.

use std::collections::BTreeMap;

use super::header::Header;
use super::{RecordCount, Rinex, epoch_time};
use crate::gnss::satellites::system_name;
use crate::gnss::{Cadence, GpsTime, Regularity, warn};
use crate::lines::{Lines, columns, integer};

const ORDER: &str = "GRECJSI";

#[derive(Default)]
struct Counted {
    records: u64,
    satellites: u128,
}

pub(super) fn read(lines: &mut Lines<'_>, header: &Header, found: &mut Rinex) {
    let mut systems: BTreeMap<char, Counted> = BTreeMap::new();
    let (mut first, mut last): (Option<GpsTime>, Option<GpsTime>) = (None, None);
    let mut times = Cadence::default();
    let mut bad_times = 0_u64;
    let mut body = header.first_body_line.clone();
    // version 4 gives the record's kind in a line of its own; its time follows in the next
    let mut announced = None;
    loop {
        let line = match &body {
            Some(line) => line.as_slice(),
            None => match lines.next_line() {
                Some(line) => line,
                None => break,
            },
        };
        let record = match header.major {
            2 => version_2(line, header.system).map(|(letter, number, time)| (letter, number, Some(time))),
            // > EPH G05 LNAV
            4 if line.first() == Some(&b'>') => {
                announced = None;
                match satellite(line.get(6..9).unwrap_or_default()) {
                    Some((letter, number)) => {
                        let is_ephemeris = line.get(2..5) == Some(b"EPH");
                        announced = is_ephemeris.then_some(letter);
                        Some((letter, number, None))
                    }
                    None => None,
                }
            }
            4 => match announced.take() {
                Some(letter) => {
                    note(version_3_time(line, letter), &mut first, &mut last, &mut times, &mut bad_times);
                    None
                }
                None => None,
            },
            _ => satellite(line.get(..3).unwrap_or_default())
                .map(|(letter, number)| (letter, number, Some(version_3_time(line, letter)))),
        };
        if let Some((letter, number, time)) = record {
            let counted = systems.entry(letter).or_default();
            counted.records += 1;
            counted.satellites |= 1 << number.min(127);
            if let Some(time) = time {
                note(time, &mut first, &mut last, &mut times, &mut bad_times);
            }
        }
        body = None;
    }
    (found.first_epoch, found.last_epoch) = (first, last);
    found.epochs = Regularity { span_s: times.finish().span_s, ..Regularity::default() };
    let mut systems: Vec<_> = systems.into_iter().filter(|(letter, _)| system_name(*letter).is_some()).collect();
    systems.sort_by_key(|(letter, _)| ORDER.find(*letter));
    found.records = systems
        .into_iter()
        .map(|(letter, counted)| RecordCount {
            system: system_name(letter).unwrap_or("unknown").to_owned(),
            records: counted.records,
            satellites: counted.satellites.count_ones(),
        })
        .collect();
    if found.records.is_empty() {
        warn(&mut found.warnings, "the file has no navigation record");
    }
    if bad_times > 0 {
        warn(&mut found.warnings, format!("{bad_times} records have no readable time"));
    }
}

fn note(
    time: Option<GpsTime>,
    first: &mut Option<GpsTime>,
    last: &mut Option<GpsTime>,
    times: &mut Cadence,
    bad: &mut u64,
) {
    let Some(time) = time else {
        *bad += 1;
        return;
    };
    *first = Some(first.map_or(time, |first| first.min(time)));
    *last = Some(last.map_or(time, |last| last.max(time)));
    times.push(time.nanoseconds());
}

/// `G05`, at a record's start; lines that go on begin with blanks.
fn satellite(name: &[u8]) -> Option<(char, u32)> {
    let [letter @ b'A'..=b'Z', tens, ones] = *name else { return None };
    let text = [tens, ones];
    let number = integer(std::str::from_utf8(&text).ok()?)?;
    Some((char::from(letter), u32::try_from(number).ok()?))
}

/// `G05 2024 06 24 10 00 00`; GLONASS tells UTC, BeiDou its own scale.
fn version_3_time(line: &[u8], letter: char) -> Option<GpsTime> {
    let at = |from: usize, to: usize| columns(line, from, to);
    let fields = [at(4, 8), at(8, 11), at(11, 14), at(14, 17), at(17, 20), at(20, 23)];
    of_fields(&fields, letter)
}

/// ` 5 24  6 24 10  0  0.0`; the file has one system, whose letter some writers of 2.12 put in front.
fn version_2(line: &[u8], letter: char) -> Option<(char, u32, Option<GpsTime>)> {
    let (letter, shift) = match *line {
        [first @ b'A'..=b'Z', ..] => (char::from(first), 1),
        _ => (letter, 0),
    };
    let [_, ones, b' ', ..] = *line.get(shift..)? else { return None };
    if !ones.is_ascii_digit() {
        return None;
    }
    let number = u32::try_from(integer(&columns(line, shift, shift + 2))?).ok()?;
    let at = |from: usize, to: usize| columns(line, shift + from, shift + to);
    let fields = [at(2, 5), at(5, 8), at(8, 11), at(11, 14), at(14, 17), at(17, 22)];
    Some((letter, number, of_fields(&fields, letter)))
}

fn of_fields(fields: &[std::borrow::Cow<'_, str>; 6], letter: char) -> Option<GpsTime> {
    let offset_s = if letter == 'C' { 14.0 } else { 0.0 };
    epoch_time(std::array::from_fn(|n| fields.get(n).map_or("", AsRef::as_ref)), letter == 'R', offset_s)
}
