//! The satellite files' readers as one call: which one, its findings as JSON, and the file's first moment.

use std::io;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::GpsTime;
use crate::receiver::ReceiverLog;
use crate::sniff::Format;
use crate::{RangeRead, eventlog, mrk, rinex, rtcm, solution};

/// What a satellite file tells.
pub(crate) struct Reading {
    pub(crate) details: Value,
    /// The first epoch or exposure, and the reader's name.
    pub(crate) first_at: Option<(Timestamp, &'static str)>,
    pub(crate) warnings: Vec<String>,
}

/// `None` when the file is not of these formats.
///
/// # Errors
/// The source failed: the readers themselves would tell what came before.
pub(crate) fn read(format: Format, reader: &mut dyn RangeRead) -> io::Result<Option<Reading>> {
    let mut noting = Noting { inner: reader, failed: None };
    let found = read_as(format, &mut noting);
    noting.failed.map_or(Ok(found), Err)
}

/// Remembers that the source failed.
struct Noting<'a> {
    inner: &'a mut dyn RangeRead,
    failed: Option<io::Error>,
}

impl RangeRead for Noting<'_> {
    fn size_bytes(&self) -> u64 {
        self.inner.size_bytes()
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.inner.read_exact_at(offset, buffer).map_err(|error| {
            let told = io::Error::new(error.kind(), error.to_string());
            self.failed = Some(error);
            told
        })
    }
}

fn read_as(format: Format, reader: &mut dyn RangeRead) -> Option<Reading> {
    Some(match format {
        Format::Mrk => {
            let found = mrk::read(reader);
            of("mrk", &found, found.first_at, &found.warnings)
        }
        Format::RinexObservation | Format::RinexNavigation | Format::RinexOther => {
            let found = rinex::read(reader);
            // ephemerides are of hours before the flight that received them
            let first = found.first_epoch.filter(|_| format != Format::RinexNavigation);
            of("rinex", &found, first.map(GpsTime::utc), &found.warnings)
        }
        Format::Rtcm3 => {
            let found = rtcm::read(reader);
            of("rtcm", &found, found.date.map(GpsTime::utc), &found.warnings)
        }
        Format::EventLog => {
            let found = eventlog::read(reader);
            of("event_log", &found, found.first_at, &found.warnings)
        }
        Format::Solution => {
            let found = solution::read(reader);
            of("solution", &found.summary, found.summary.first_epoch.map(GpsTime::utc), &found.warnings)
        }
        Format::Receiver(format) => {
            let found = ReceiverLog { format, format_name: format.as_str().to_owned() };
            of("receiver_log", &found, None, &[])
        }
        _ => return None,
    })
}

fn of(name: &'static str, found: &impl Serialize, first_at: Option<Timestamp>, warnings: &[String]) -> Reading {
    let mut details = serde_json::Map::new();
    details.insert(name.to_owned(), json!(found));
    Reading { details: Value::Object(details), first_at: first_at.map(|at| (at, name)), warnings: warnings.to_vec() }
}
