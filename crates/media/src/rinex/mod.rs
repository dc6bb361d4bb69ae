//! RINEX 2 to 4: observations and broadcast navigation, as text.
//!
//! After the IGS format descriptions 2.11, 3.05 and 4.01. Lenient: line ends of all kinds, short lines, blanks cut off the
//! ends, a missing end of the header. The whole file is walked once in a bounded window; values of observations are not
//! read, only which satellites each epoch has. Compact RINEX (Hatanaka) is recognised and its header read, no more.

mod header;
mod nav;
mod obs;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::RangeRead;
use crate::gnss::{Ecef, Geodetic, GpsTime, Regularity, SystemCount, warn};
use crate::lines::Lines;

pub(crate) use header::first_line;

/// Enough for a satellite with hundreds of observation types.
const MAX_LINE_BYTES: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RinexType {
    Observation,
    Navigation,
    Meteorology,
    Clock,
    #[default]
    Other,
}

/// What a RINEX file holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rinex {
    pub version: f64,
    #[serde(rename = "type")]
    pub kind: RinexType,
    /// gps, glonass, ..., mixed.
    pub system: Option<String>,
    /// Compact RINEX: only the header was read.
    pub compact: bool,
    pub program: Option<String>,
    pub run_by: Option<String>,
    /// As the program wrote it.
    pub created: Option<String>,
    pub marker: Option<String>,
    pub receiver: Option<Equipment>,
    pub antenna: Option<Equipment>,
    /// Where the header puts the antenna, about; `None` when it is zero.
    pub approx_ecef: Option<Ecef>,
    pub approx_position: Option<Geodetic>,
    /// Height, east, north of the antenna over the marker.
    pub antenna_delta_m: Option<[f64; 3]>,
    /// As the header promises; the measured one is in `epochs`.
    pub header_interval_s: Option<f64>,
    pub leap_s: Option<i64>,
    /// GPS, GLO, GAL, BDT, ...: the scale of the epochs as the header names it.
    pub time_system: Option<String>,
    /// Observation codes by system; version 2 has one list for all.
    pub observation_types: Vec<ObservationTypes>,
    /// First and last: of the epochs in the file, not of the header.
    pub first_epoch: Option<GpsTime>,
    pub last_epoch: Option<GpsTime>,
    pub epochs: Regularity,
    pub satellites: Vec<SystemCount>,
    pub satellites_per_epoch: Option<PerEpoch>,
    /// Lines that tell of events: antenna moved, new site, header lines inside.
    pub event_records: u64,
    /// Epochs after a power failure.
    pub power_failures: u64,
    /// Navigation records by system.
    pub records: Vec<RecordCount>,
    #[serde(skip)]
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Equipment {
    pub serial: Option<String>,
    #[serde(rename = "type")]
    pub model: Option<String>,
    /// Firmware of a receiver.
    pub version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObservationTypes {
    pub system: String,
    pub codes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerEpoch {
    pub min: u32,
    pub mean: f64,
    pub max: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordCount {
    pub system: String,
    /// Ephemerides and, in version 4, every other navigation record.
    pub records: u64,
    pub satellites: u32,
}

/// Reads the whole file; damage becomes warnings.
pub fn read(reader: &mut dyn RangeRead) -> Rinex {
    let mut found = Rinex::default();
    let mut lines = Lines::new(reader, MAX_LINE_BYTES);
    let header = header::read(&mut lines, &mut found);
    if found.compact {
        warn(&mut found.warnings, "compact RINEX (Hatanaka): its epochs are not read; unpack it with crx2rnx");
    } else {
        match found.kind {
            RinexType::Observation => obs::read(&mut lines, &header, &mut found),
            RinexType::Navigation => nav::read(&mut lines, &header, &mut found),
            _ => warn(&mut found.warnings, "only observation and navigation files are read beyond the header"),
        }
    }
    if lines.cut_lines > 0 {
        warn(&mut found.warnings, format!("{} lines are longer than {MAX_LINE_BYTES} bytes", lines.cut_lines));
    }
    if let Some(error) = lines.error {
        warn(&mut found.warnings, format!("the file could not be read to its end: {error}"));
    }
    found
}

/// A date as RINEX writes it, two or four digits of the year, in GPS time. `scale_offset_s` is GPS minus the file's scale.
fn epoch_time(fields: [&str; 6], utc: bool, scale_offset_s: f64) -> Option<GpsTime> {
    use crate::lines::{integer, number};
    let [year, month, day, hour, minute, second] = fields;
    let year = match integer(year)? {
        year @ 80..=99 => year + 1900,
        year @ 0..=79 => year + 2000,
        year => year,
    };
    let time =
        GpsTime::from_civil(year, integer(month)?, integer(day)?, integer(hour)?, integer(minute)?, number(second)?)?;
    let offset_s = if utc { time.leap_s() as f64 } else { scale_offset_s };
    Some(time.plus_seconds(offset_s))
}
