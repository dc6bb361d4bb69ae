//! `_EVENTLOG.bin` of the Phantom 4 RTK: a record for each exposure in the receiver maker's framing.
//!
//! 64 bytes: `AA 44 12`, header length 28, u16 message 0x0FFF, u16 body length 34 at +8; at +28 u32 number, year, month, day,
//! hour, minute, second, nanosecond (GPS time), then a checksum of unknown kind. Seen in real files; little-endian.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::gnss::{GpsTime, warn};
use crate::{RangeRead, read_range};

pub const RECORD_BYTES: usize = 64;
const SYNC: [u8; 4] = [0xAA, 0x44, 0x12, 0x1C];
const MAX_RECORDS: usize = 20_000;
const WINDOW_BYTES: usize = RECORD_BYTES * 1_024;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventLog {
    pub event_count: u64,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    pub events: Vec<LoggedEvent>,
    /// Bytes that belong to no record.
    pub other_bytes: u64,
    #[serde(skip)]
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedEvent {
    pub sequence: u32,
    #[serde(flatten)]
    pub time: GpsTime,
}

/// True when an event record begins the file.
pub(crate) fn starts_event_log(head: &[u8]) -> bool {
    head.starts_with(&SYNC) && head.get(4..6) == Some(&[0xFF, 0x0F])
}

pub fn read(reader: &mut dyn RangeRead) -> EventLog {
    let mut found = EventLog::default();
    let (mut offset, mut bad_times) = (0_u64, 0_u64);
    loop {
        let window = match read_range(reader, offset, WINDOW_BYTES) {
            Ok(window) => window,
            Err(error) => {
                warn(&mut found.warnings, format!("the file could not be read to its end: {error}"));
                break;
            }
        };
        if window.is_empty() || found.events.len() >= MAX_RECORDS {
            break;
        }
        let to_end = offset + window.len() as u64 >= reader.size_bytes();
        let mut at = 0;
        while let Some(rest) = window.get(at..).filter(|rest| !rest.is_empty()) {
            let record = rest.get(..RECORD_BYTES).filter(|record| starts_event_log(record));
            match record {
                Some(record) if found.events.len() < MAX_RECORDS => {
                    match event_of(record) {
                        Some(event) => found.events.push(event),
                        None => bad_times += 1,
                    }
                    at += RECORD_BYTES;
                }
                Some(_) => break,
                // the rest of a record is in the next window
                None if rest.len() < RECORD_BYTES && !to_end => break,
                None => {
                    found.other_bytes += 1;
                    at += 1;
                }
            }
        }
        if at == 0 {
            break;
        }
        offset += at as u64;
    }
    found.event_count = found.events.len() as u64;
    found.first_at = found.events.iter().map(|event| event.time).min().map(GpsTime::utc);
    found.last_at = found.events.iter().map(|event| event.time).max().map(GpsTime::utc);
    let oddities = [
        (found.other_bytes, "bytes belong to no record"),
        (bad_times, "records have an impossible time"),
        (u64::from(found.events.len() >= MAX_RECORDS), "limit of records was reached"),
    ];
    for (count, what) in oddities.into_iter().filter(|(count, _)| *count > 0) {
        warn(&mut found.warnings, format!("{count} {what}"));
    }
    found
}

fn event_of(record: &[u8]) -> Option<LoggedEvent> {
    let word = |index: usize| {
        let at = 28 + index * 4;
        record.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
    };
    let field = |index: usize| word(index).map(i64::from);
    let second = field(6)? as f64 + f64::from(word(7).filter(|ns| *ns < 1_000_000_000)?) / 1e9;
    let time = GpsTime::from_civil(field(1)?, field(2)?, field(3)?, field(4)?, field(5)?, second)?;
    Some(LoggedEvent { sequence: word(0)?, time })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(sequence: u32, second: u32, ns: u32) -> Vec<u8> {
        let mut bytes = vec![0xAA, 0x44, 0x12, 0x1C, 0xFF, 0x0F, 0, 0, 34, 0];
        bytes.resize(28, 0);
        for word in [sequence, 2018, 10, 24, 4, 28, second, ns] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.resize(RECORD_BYTES, 0);
        bytes
    }

    #[test]
    fn records_around_damage_are_read() {
        let mut bytes = record(1, 15, 301_058_517);
        bytes.extend([7; 10]);
        bytes.extend(record(2, 18, 2_000_000_000));
        bytes.extend(record(3, 20, 5));
        bytes.extend(&record(4, 21, 5)[..30]);
        let found = read(&mut &bytes[..]);
        assert_eq!(found.events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(found.first_at.unwrap().to_string(), "2018-10-24T04:27:57.301058517Z");
        assert_eq!(found.other_bytes, 40);
        assert_eq!(found.warnings, ["40 bytes belong to no record", "1 records have an impossible time"]);
    }

    #[test]
    fn more_records_than_a_window_holds() {
        let bytes: Vec<u8> = (0..3_000).flat_map(|n| record(n, n % 60, 0)).collect();
        let found = read(&mut &bytes[1..]);
        assert_eq!((found.event_count, found.other_bytes), (2_999, 63));
    }
}
