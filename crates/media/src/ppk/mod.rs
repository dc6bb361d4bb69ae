//! The PPK set of a flight: which of its files are there, what they cover, and which photo belongs to which exposure.
//!
//! Built from what the readers found in each file, never from the files themselves.

mod matching;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use matching::{EventMatch, MatchedBy, Matching, Photo};

use crate::eventlog::EventLog;
use crate::gnss::{GpsTime, Regularity, SystemCount, warn};
use crate::mrk::{Event, Mrk};
use crate::rinex::{Equipment, Rinex, RinexType};
use crate::rtcm::{Rtcm, Station};

/// Files of one set that are looked at.
pub const MAX_FILES: usize = 200;

/// A file of the flight with its readings, `metadata` as [`crate::understand`] gives its details.
#[derive(Clone, Debug)]
pub struct File {
    pub id: String,
    pub name: String,
    pub size_bytes: u64,
    pub metadata: Value,
}

/// What a file is in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The aircraft's RINEX observations, `.obs`.
    Observations,
    /// The aircraft's raw log, `.rtk` or `_PPKRAW.bin`.
    RawLog,
    /// Exposure events, `.mrk`.
    Events,
    /// Broadcast ephemerides, `.nav`.
    Navigation,
    /// The correction source's RTCM 3, `.dat`.
    Corrections,
    /// A base's observations beside the aircraft's.
    BaseObservations,
    /// `_EVENTLOG.bin`.
    EventLog,
    /// RTKLIB's `.pos`.
    Solution,
    /// It belongs to the set by its name, but was not understood.
    Unread,
}

/// The five files of a set as DJI's manuals list them.
const WANTED: [(Role, &str); 5] = [
    (Role::Observations, "obs"),
    (Role::RawLog, "rtk"),
    (Role::Events, "mrk"),
    (Role::Navigation, "nav"),
    (Role::Corrections, "dat"),
];

/// What a flight's survey files amount to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PpkSet {
    /// All of obs, rtk, mrk, nav and dat are there.
    pub complete: bool,
    /// Which of obs, rtk, mrk, nav, dat are not.
    pub missing: Vec<String>,
    /// The aircraft's observations and ephemerides are there: with a base's observations the set can be solved.
    pub solvable: bool,
    pub files: Vec<SetFile>,
    /// The aircraft's receiver.
    pub rover: Option<Log>,
    /// The correction source.
    pub corrections: Option<Log>,
    pub events: Option<Events>,
    pub photos: Matching,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetFile {
    pub media_id: String,
    pub name: String,
    pub role: Role,
    pub size_bytes: u64,
}

/// A log of observations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Log {
    pub media_id: String,
    pub name: String,
    /// `rinex` or `rtcm3`.
    pub format: String,
    pub first_epoch: Option<GpsTime>,
    pub last_epoch: Option<GpsTime>,
    /// Seconds of the GPS week: an RTCM 3 stream has no week of its own.
    pub first_tow_s: Option<f64>,
    pub last_tow_s: Option<f64>,
    pub epochs: Regularity,
    pub satellites: Vec<SystemCount>,
    pub receiver: Option<Equipment>,
    pub station: Option<Station>,
    pub crc_failures: u64,
}

/// The exposures of all event files together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Events {
    pub count: u64,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// Exposures within the span of the aircraft's log; `None` when there is no log.
    pub covered: Option<u64>,
}

/// One file's readings, by its role.
enum Reading {
    Rinex(Box<Rinex>),
    Rtcm(Box<Rtcm>),
    Mrk(Mrk),
    EventLog(EventLog),
    None,
}

/// Builds the set. `photos` are the flight's pictures.
pub fn build(files: &[File], photos: &[Photo]) -> PpkSet {
    let mut set = PpkSet::default();
    if files.len() > MAX_FILES {
        warn(&mut set.warnings, format!("only {MAX_FILES} of {} files were looked at", files.len()));
    }
    let mut read: Vec<(&File, Role, Reading)> = files
        .iter()
        .take(MAX_FILES)
        .map(|file| {
            let (role, reading) = role_of(file);
            (file, role, reading)
        })
        .collect();
    let events = all_events(&read, &mut set.warnings);
    settle_bases(&mut read, &events);

    set.files = read
        .iter()
        .map(|(file, role, _)| SetFile {
            media_id: file.id.clone(),
            name: file.name.clone(),
            role: *role,
            size_bytes: file.size_bytes,
        })
        .collect();
    set.files.sort_by(|a, b| (a.role, &a.name).cmp(&(b.role, &b.name)));
    let has = |role: Role| read.iter().any(|(_, found, _)| *found == role);
    set.missing = WANTED.iter().filter(|(role, _)| !has(*role)).map(|(_, word)| (*word).to_owned()).collect();
    set.complete = set.missing.is_empty();
    set.solvable = (has(Role::Observations) || has(Role::RawLog)) && has(Role::Navigation);
    set.rover = log_of(&read, Role::Observations).or_else(|| log_of(&read, Role::RawLog));
    set.corrections = log_of(&read, Role::Corrections).or_else(|| log_of(&read, Role::BaseObservations));
    tell_unread(&read, &mut set.warnings);
    if !events.is_empty() {
        let covered = set.rover.as_ref().map(|rover| covered(rover, &events));
        if let Some(covered) = covered.filter(|covered| *covered < events.len() as u64) {
            let outside = events.len() as u64 - covered;
            warn(&mut set.warnings, format!("{outside} exposures lie outside the span of the aircraft's log"));
        }
        set.events = Some(Events {
            count: events.len() as u64,
            first_at: events.iter().map(|event| event.time).min().map(GpsTime::utc),
            last_at: events.iter().map(|event| event.time).max().map(GpsTime::utc),
            covered,
        });
    }
    set.photos = matching::join(&events, photos);
    let joined = &set.photos;
    if !joined.one_to_one && joined.matched_by_time > joined.matched_by_number && joined.clock_offset_s.is_none() {
        let by_time = joined.matched_by_time;
        let doubt = format!(
            "{by_time} exposures were joined to photos by time alone, and some have no partner: if the camera's clock is wrong, the pairs are shifted"
        );
        warn(&mut set.warnings, doubt);
    }
    set
}

/// Every exposure of a flight's event files, in the order of time: the order that [`EventMatch::event`] counts.
pub fn events(files: &[File]) -> Vec<Event> {
    let read: Vec<_> = files
        .iter()
        .take(MAX_FILES)
        .map(|file| {
            let (role, reading) = role_of(file);
            (file, role, reading)
        })
        .collect();
    all_events(&read, &mut Vec::new())
}

fn role_of(file: &File) -> (Role, Reading) {
    let name = file.name.to_ascii_lowercase();
    let part = |name: &str| file.metadata.get(name).cloned();
    let is_log = name.ends_with(".rtk") || name.ends_with("ppkraw.bin");
    if let Some(rinex) = part("rinex").and_then(|value| serde_json::from_value::<Rinex>(value).ok()) {
        let role = match rinex.kind {
            RinexType::Observation => Role::Observations,
            RinexType::Navigation => Role::Navigation,
            _ => Role::Unread,
        };
        return (role, Reading::Rinex(Box::new(rinex)));
    }
    if let Some(rtcm) = part("rtcm").and_then(|value| serde_json::from_value::<Rtcm>(value).ok()) {
        return (if is_log { Role::RawLog } else { Role::Corrections }, Reading::Rtcm(Box::new(rtcm)));
    }
    if let Some(mrk) = part("mrk").and_then(|value| serde_json::from_value(value).ok()) {
        return (Role::Events, Reading::Mrk(mrk));
    }
    if let Some(log) = part("event_log").and_then(|value| serde_json::from_value(value).ok()) {
        return (Role::EventLog, Reading::EventLog(log));
    }
    // not read yet, or not readable: the name says what it should be
    let role = match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "pos" => Role::Solution,
        _ if is_log && part("receiver_log").is_some() => Role::RawLog,
        _ => Role::Unread,
    };
    (role, Reading::None)
}

fn all_events(read: &[(&File, Role, Reading)], warnings: &mut Vec<String>) -> Vec<Event> {
    let mut events = Vec::new();
    let mut logged = 0;
    for (_, _, reading) in read {
        match reading {
            Reading::Mrk(mrk) => events.extend(mrk.events.iter().cloned()),
            Reading::EventLog(log) => logged += log.events.len(),
            _ => {}
        }
    }
    events.sort_by_key(|event| (event.time, event.sequence));
    if logged > 0 && !events.is_empty() && logged != events.len() {
        warn(warnings, format!("the event log has {logged} exposures, the event file {}", events.len()));
    }
    events
}

/// Of several observation files one is the aircraft's: named so, or the one that covers most exposures. The others are a base's.
fn settle_bases(read: &mut [(&File, Role, Reading)], events: &[Event]) {
    let score = |file: &File, reading: &Reading| {
        let name = file.name.to_ascii_lowercase();
        let named = if name.contains("base") || name.contains("drtk") {
            0
        } else if ["ppkobs", "rover", "_rinex"].iter().any(|word| name.contains(word)) {
            2
        } else {
            1
        };
        let within = match reading {
            Reading::Rinex(rinex) => count_within(rinex.first_epoch, rinex.last_epoch, events),
            _ => 0,
        };
        (named, within)
    };
    let of_observations = read.iter().enumerate().filter(|(_, (_, role, _))| *role == Role::Observations);
    let best = of_observations.map(|(index, (file, _, reading))| (score(file, reading), index));
    // a set cut into several event files has as many logs, all of them the aircraft's
    let Some(((named, _), best)) = best.max_by_key(|(score, index)| (*score, std::cmp::Reverse(*index))) else {
        return;
    };
    for (index, (file, role, reading)) in read.iter_mut().enumerate() {
        if *role == Role::Observations && index != best && (score(file, reading).0 < named || named != 2) {
            *role = Role::BaseObservations;
        }
    }
}

fn count_within(first: Option<GpsTime>, last: Option<GpsTime>, events: &[Event]) -> u64 {
    let (Some(first), Some(last)) = (first, last) else { return 0 };
    events.iter().filter(|event| (first..=last).contains(&event.time)).count() as u64
}

fn covered(rover: &Log, events: &[Event]) -> u64 {
    if rover.first_epoch.is_some() {
        return count_within(rover.first_epoch, rover.last_epoch, events);
    }
    let (Some(first), Some(last)) = (rover.first_tow_s, rover.last_tow_s) else { return 0 };
    let within =
        |tow_s: f64| if first <= last { (first..=last).contains(&tow_s) } else { tow_s >= first || tow_s <= last };
    events.iter().filter(|event| within(event.time.tow_s())).count() as u64
}

fn log_of(read: &[(&File, Role, Reading)], wanted: Role) -> Option<Log> {
    let of_role = read.iter().filter(|(_, role, _)| *role == wanted);
    let (file, _, reading) = of_role.max_by_key(|(file, _, _)| file.size_bytes)?;
    let log = Log { media_id: file.id.clone(), name: file.name.clone(), ..Log::default() };
    match reading {
        Reading::Rinex(rinex) => Some(Log {
            format: "rinex".into(),
            first_epoch: rinex.first_epoch,
            last_epoch: rinex.last_epoch,
            first_tow_s: rinex.first_epoch.map(GpsTime::tow_s),
            last_tow_s: rinex.last_epoch.map(GpsTime::tow_s),
            epochs: rinex.epochs.clone(),
            satellites: rinex.satellites.clone(),
            receiver: rinex.receiver.clone(),
            ..log
        }),
        Reading::Rtcm(rtcm) => Some(Log {
            format: "rtcm3".into(),
            first_tow_s: rtcm.first_tow_s,
            last_tow_s: rtcm.last_tow_s,
            epochs: rtcm.epochs.clone(),
            satellites: rtcm.satellites.clone(),
            station: rtcm.stations.first().cloned(),
            crc_failures: rtcm.crc_failures,
            ..log
        }),
        _ => None,
    }
}

fn tell_unread(read: &[(&File, Role, Reading)], warnings: &mut Vec<String>) {
    for (file, _, _) in read.iter().filter(|(_, role, _)| *role == Role::Unread) {
        warn(warnings, format!("{} was not understood", file.name));
    }
    for (file, _, reading) in read {
        match reading {
            Reading::Rinex(rinex) if rinex.kind == RinexType::Observation && rinex.epochs.gap_count > 0 => {
                let (gaps, missing) = (rinex.epochs.gap_count, rinex.epochs.missing_epochs);
                warn(warnings, format!("{} has {gaps} gaps: {missing} epochs are missing", file.name));
            }
            Reading::Rtcm(rtcm) if rtcm.crc_failures > 0 => {
                warn(warnings, format!("{} has {} frames with a wrong checksum", file.name, rtcm.crc_failures));
            }
            Reading::Mrk(mrk) if mrk.events.is_empty() => {
                warn(warnings, format!("{} has no exposure: the log failed", file.name));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
