//! RTCM 3 streams: the corrections of a base (`.dat`), the aircraft's own log (`_PPKRAW.bin`, `.rtk`).
//!
//! The stream carries no week: times are seconds of the GPS week, unless a message says the date (1013).

mod frame;
mod message;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::RangeRead;
use crate::gnss::{Cadence, Ecef, Geodetic, GpsTime, Regularity, Satellites, SystemCount, warn};
use message::{Clock, Content};

#[cfg(test)]
pub(crate) use frame::frame;
pub(crate) use frame::has_frame;

/// Different stations that are told apart.
const MAX_STATIONS: usize = 8;
const WEEK_MS: i64 = 604_800_000;
const DAY_MS: i64 = 86_400_000;
const NS_PER_MS: i64 = 1_000_000;
/// 1980-01-06 as a modified Julian day.
const GPS_EPOCH_MJD: i64 = 44_244;
/// GLONASS counts Moscow time, BeiDou time lags GPS time by 14 s.
const MOSCOW_MS: i64 = 3 * 3_600_000;
const BEIDOU_MS: i64 = 14_000;
/// GPS minus UTC since 2017: within the stream GLONASS time can only be set right with a date's leap seconds.
const LEAP_MS: i64 = 18_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum System {
    Gps,
    Galileo,
    Beidou,
    Qzss,
    Sbas,
    Navic,
    Glonass,
}

impl System {
    fn of_msm(number: u16) -> Option<Self> {
        if !(1..=7).contains(&(number % 10)) {
            return None;
        }
        Some(match number / 10 {
            107 => Self::Gps,
            108 => Self::Glonass,
            109 => Self::Galileo,
            110 => Self::Sbas,
            111 => Self::Qzss,
            112 => Self::Beidou,
            113 => Self::Navic,
            _ => return None,
        })
    }

    fn letter(self) -> char {
        match self {
            Self::Gps => 'G',
            Self::Glonass => 'R',
            Self::Galileo => 'E',
            Self::Beidou => 'C',
            Self::Qzss => 'J',
            Self::Sbas => 'S',
            Self::Navic => 'I',
        }
    }
}

/// What an RTCM 3 file holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rtcm {
    /// Sound frames.
    pub frames: u64,
    /// By number, the smallest first.
    pub messages: Vec<MessageCount>,
    pub stations: Vec<Station>,
    /// GPS second of week of the first epoch.
    pub first_tow_s: Option<f64>,
    pub last_tow_s: Option<f64>,
    /// When a message 1013 says the day: the first of them.
    pub date: Option<GpsTime>,
    /// Of the system with most epochs.
    pub epochs: Regularity,
    pub satellites: Vec<SystemCount>,
    /// Frames in their place whose checksum is wrong.
    pub crc_failures: u64,
    /// Bytes between frames.
    pub gap_bytes: u64,
    /// Bytes of a frame that the end of the file cuts.
    pub cut_bytes: u64,
    #[serde(skip)]
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageCount {
    pub number: u16,
    pub meaning: String,
    pub count: u64,
}

/// A reference station, as far as the stream says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Station {
    pub station_id: u16,
    pub ecef: Option<Ecef>,
    pub position: Option<Geodetic>,
    /// Above the marker, from message 1006.
    pub antenna_height_m: Option<f64>,
    /// Metres between the first and the last position told: a moving base has many.
    pub moved_m: Option<f64>,
    pub antenna: Option<String>,
    pub antenna_serial: Option<String>,
    pub receiver: Option<String>,
    pub receiver_serial: Option<String>,
    pub firmware: Option<String>,
}

/// Reads the whole stream in windows of 64 KiB. What the source says when it fails becomes a warning.
pub fn read(reader: &mut dyn RangeRead) -> Rtcm {
    let mut reading = Reading::default();
    let scanned = frame::scan(reader, |payload| reading.message(payload));
    reading.finish(scanned)
}

#[derive(Default)]
struct Reading {
    counts: BTreeMap<u16, u64>,
    stations: Vec<Station>,
    first_ecef: BTreeMap<u16, Ecef>,
    date: Option<GpsTime>,
    cadences: BTreeMap<System, Epochs>,
    satellites: Satellites,
    short_messages: u64,
    unnumbered: u64,
    bad_times: u64,
}

/// One system's epochs; weeks and days that roll over are counted on.
#[derive(Default)]
struct Epochs {
    cadence: Cadence,
    last_ms: Option<i64>,
    /// Satellites of the epoch in hand: one epoch may take several messages.
    satellites: u64,
}

impl Reading {
    fn message(&mut self, payload: &[u8]) {
        let Some(number) = message::number_of(payload) else {
            self.unnumbered += 1;
            return;
        };
        *self.counts.entry(number).or_default() += 1;
        match message::content_of(number, payload) {
            None => self.short_messages += 1,
            Some(Content::Position { station_id, x_m, y_m, z_m, antenna_height_m }) => {
                let ecef = Ecef { x_m, y_m, z_m };
                let first = *self.first_ecef.entry(station_id).or_insert(ecef);
                if let Some(station) = self.station(station_id) {
                    station.ecef = Some(ecef);
                    station.position = ecef.geodetic();
                    station.antenna_height_m = antenna_height_m.or(station.antenna_height_m);
                    station.moved_m = Some((first.distance_m(ecef) * 1e4).round() / 1e4);
                }
            }
            Some(Content::Equipment { station_id, antenna, antenna_serial, receiver, firmware, receiver_serial }) => {
                if let Some(station) = self.station(station_id) {
                    station.antenna = antenna.or(station.antenna.take());
                    station.antenna_serial = antenna_serial.or(station.antenna_serial.take());
                    station.receiver = receiver.or(station.receiver.take());
                    station.firmware = firmware.or(station.firmware.take());
                    station.receiver_serial = receiver_serial.or(station.receiver_serial.take());
                }
            }
            Some(Content::Date { mjd, second }) => {
                let utc_s = (i64::from(mjd) - GPS_EPOCH_MJD) * 86_400 + i64::from(second) + 315_964_800;
                let utc = jiff::Timestamp::from_second(utc_s).ok();
                self.date = self.date.or(utc.and_then(GpsTime::from_utc));
            }
            Some(Content::Epoch { station_id, system, clock, satellites }) => {
                self.station(station_id);
                self.epoch(system, clock, satellites);
            }
            Some(Content::Other) => {}
        }
    }

    fn station(&mut self, station_id: u16) -> Option<&mut Station> {
        if let Some(at) = self.stations.iter().position(|station| station.station_id == station_id) {
            return self.stations.get_mut(at);
        }
        if self.stations.len() >= MAX_STATIONS {
            return None;
        }
        self.stations.push(Station { station_id, ..Station::default() });
        self.stations.last_mut()
    }

    fn epoch(&mut self, system: System, clock: Clock, satellites: u64) {
        let (ms, period) = match clock {
            Clock::Week(ms) if i64::from(ms) < WEEK_MS => {
                let offset = if system == System::Beidou { BEIDOU_MS } else { 0 };
                ((i64::from(ms) + offset).rem_euclid(WEEK_MS), WEEK_MS)
            }
            Clock::Day { weekday, ms } if i64::from(ms) < DAY_MS + 1_000 => {
                let utc = i64::from(ms) - MOSCOW_MS + LEAP_MS;
                match weekday {
                    0..=6 => ((i64::from(weekday) * DAY_MS + utc).rem_euclid(WEEK_MS), WEEK_MS),
                    _ => (utc.rem_euclid(DAY_MS), DAY_MS),
                }
            }
            _ => {
                self.bad_times += 1;
                return;
            }
        };
        let epochs = self.cadences.entry(system).or_default();
        let ms = match epochs.last_ms {
            None => ms,
            // nearest to the last one: a roll-over goes on, a small step back stays one
            Some(last) => {
                let base = last - last.rem_euclid(period) + ms;
                let near = [base - period, base, base + period];
                near.into_iter().min_by_key(|ms| (ms - last).abs()).unwrap_or(base)
            }
        };
        if epochs.last_ms != Some(ms) {
            self.satellites.seen(system.letter(), u128::from(std::mem::take(&mut epochs.satellites)));
        }
        epochs.satellites |= satellites;
        epochs.last_ms = Some(ms);
        epochs.cadence.push(ms.saturating_mul(NS_PER_MS));
    }

    fn finish(mut self, scanned: std::io::Result<frame::Stream>) -> Rtcm {
        let mut warnings = Vec::new();
        let stream = scanned.unwrap_or_else(|error| {
            warn(&mut warnings, format!("the file could not be read to its end: {error}"));
            frame::Stream { frames: self.counts.values().sum(), ..frame::Stream::default() }
        });
        for (system, epochs) in &mut self.cadences {
            self.satellites.seen(system.letter(), u128::from(std::mem::take(&mut epochs.satellites)));
        }
        // GLONASS knows only the day at times: it speaks when nobody else does
        let main = self.cadences.into_iter().rev().max_by_key(|(system, epochs)| {
            (*system != System::Glonass, epochs.cadence.epochs(), std::cmp::Reverse(*system))
        });
        let (mut first_tow_s, mut last_tow_s, mut epochs) = (None, None, Regularity::default());
        if let Some((_, main)) = main {
            let tow = |ns: i64| (ns / NS_PER_MS).rem_euclid(WEEK_MS) as f64 / 1e3;
            (first_tow_s, last_tow_s) = (main.cadence.first().map(tow), main.cadence.last().map(tow));
            epochs = main.cadence.finish();
        }
        if stream.frames == 0 {
            warn(&mut warnings, "no sound RTCM 3 frame was found");
        }
        let of_bytes = [
            (stream.crc_failures, "frames with a wrong checksum"),
            (stream.gap_bytes, "bytes between frames"),
            (stream.cut_bytes, "bytes of a frame that is cut by the end of the file"),
            (self.short_messages, "messages shorter than their content"),
            (self.unnumbered, "frames without a message number"),
            (self.bad_times, "observation messages with an impossible time"),
            (epochs.out_of_order, "epochs out of order"),
        ];
        for (count, what) in of_bytes.into_iter().filter(|(count, _)| *count > 0) {
            warn(&mut warnings, format!("{count} {what}"));
        }
        if let Some(at) = stream.gave_up_at {
            warn(&mut warnings, format!("reading ended at byte {at}: too many frames are damaged"));
        }
        let counts = self.counts.into_iter();
        let messages =
            counts.map(|(number, count)| MessageCount { number, meaning: message::meaning(number).into(), count });
        Rtcm {
            frames: stream.frames,
            messages: messages.collect(),
            stations: self.stations,
            first_tow_s,
            last_tow_s,
            date: self.date,
            epochs,
            satellites: self.satellites.finish(),
            crc_failures: stream.crc_failures,
            gap_bytes: stream.gap_bytes,
            cut_bytes: stream.cut_bytes,
            warnings,
        }
    }
}
