//! Corrected trajectories: RTKLIB's `.pos`, and the cameras' places at the exposures.
//!
//! A line of `rnx2rtkp`: time, latitude, longitude, ellipsoid height, Q (1 fixed, 2 float, 3 SBAS, 4 DGPS, 5 single, 6 PPP),
//! satellites, standard deviations north, east, up, three covariances, age, ratio. The comment above the lines says the
//! time's scale and form.

mod write;

use serde::{Deserialize, Serialize};

pub use write::{write_csv, write_geojson};

use crate::RangeRead;
use crate::gnss::{Cadence, Ecef, Geodetic, GpsTime, warn};
use crate::lines::{Lines, integer, number};
use crate::mrk::Event;

const MAX_LINE_BYTES: usize = 4_096;
/// Fifty hours at 5 Hz.
const MAX_POINTS: usize = 1_000_000;
/// A neighbour may be this many epochs away.
const SPACING_TOLERANCE: f64 = 1.05;

/// How a position was solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Solved {
    Fixed,
    Float,
    Ppp,
    Dgps,
    Sbas,
    Single,
}

impl Solved {
    fn of_q(q: i64) -> Option<Self> {
        Some(match q {
            1 => Self::Fixed,
            2 => Self::Float,
            3 => Self::Sbas,
            4 => Self::Dgps,
            5 => Self::Single,
            6 => Self::Ppp,
            _ => return None,
        })
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Float => "float",
            Self::Ppp => "ppp",
            Self::Dgps => "dgps",
            Self::Sbas => "sbas",
            Self::Single => "single",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub time: GpsTime,
    pub position: Geodetic,
    pub solved: Solved,
    pub satellites: u32,
    /// North, east, up.
    pub std_m: Option<[f64; 3]>,
}

/// A trajectory.
#[derive(Clone, Debug, Default)]
pub struct Solution {
    /// In the order of time.
    pub points: Vec<Point>,
    pub summary: Summary,
    pub warnings: Vec<String>,
}

/// What a trajectory amounts to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    pub epochs: u64,
    pub fixed: u64,
    pub float: u64,
    pub other: u64,
    /// Fixed epochs of all, 0 to 1.
    pub fixed_share: f64,
    pub interval_s: Option<f64>,
    pub gap_count: u64,
    pub first_epoch: Option<GpsTime>,
    pub last_epoch: Option<GpsTime>,
}

/// A camera's place at an exposure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventPosition {
    pub sequence: u32,
    #[serde(flatten)]
    pub time: GpsTime,
    /// Of the camera, or of the antenna where the event has no lever arm.
    pub position: Option<Geodetic>,
    /// The worse of the two neighbours.
    pub solved: Option<Solved>,
    /// North, east, up; the worse of the two neighbours.
    pub std_m: Option<[f64; 3]>,
    pub lever_arm_applied: bool,
    /// Metres from the position known in flight.
    pub moved_m: Option<f64>,
    /// Why there is no position.
    pub problem: Option<Problem>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// Before the first or after the last epoch.
    OutsideTrajectory,
    /// Between epochs that are further apart than usual.
    Gap,
}

/// How the lines tell their time and place; from the comment above them.
struct Form {
    utc: bool,
    ecef: bool,
    /// Degrees, minutes and seconds are three words.
    sexagesimal: bool,
}

/// Reads a `.pos` file; lines that are no position are counted.
pub fn read(reader: &mut dyn RangeRead) -> Solution {
    let mut solution = Solution::default();
    let mut lines = Lines::new(reader, MAX_LINE_BYTES);
    let mut form = Form { utc: false, ecef: false, sexagesimal: false };
    let (mut bad, mut other_form) = (0_u64, false);
    while let Some(line) = lines.next_line() {
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        if text.is_empty() || solution.points.len() >= MAX_POINTS {
            continue;
        }
        if text.starts_with(['%', '+', '#']) {
            form.utc |= text.contains("UTC") && text.contains("Q");
            form.ecef |= text.contains("x-ecef(m)");
            form.sexagesimal |= text.contains("latitude(d'\")");
            other_form |= text.contains("e-baseline(m)");
            continue;
        }
        match point_of(text, &form) {
            Some(point) => solution.points.push(point),
            None => bad += 1,
        }
    }
    if let Some(error) = lines.error.take() {
        warn(&mut solution.warnings, format!("the file could not be read to its end: {error}"));
    }
    if other_form {
        warn(&mut solution.warnings, "baselines are not read: they are no places");
        solution.points.clear();
    }
    if bad > 0 {
        warn(&mut solution.warnings, format!("{bad} lines are no position"));
    }
    solution.points.sort_by_key(|point| point.time);
    solution.points.dedup_by_key(|point| point.time);
    solution.summary = summarize(&solution.points);
    solution
}

fn point_of(line: &str, form: &Form) -> Option<Point> {
    let all: Vec<&str> =
        line.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|word| !word.is_empty()).collect();
    let word = |index: usize| all.get(index).copied();
    let time = if let Some((year, rest)) = word(0)?.split_once('/') {
        let (month, day) = rest.split_once('/')?;
        let mut clock = word(1)?.split(':');
        let (hour, minute, second) = (clock.next()?, clock.next()?, clock.next()?);
        let (year, month, day) = (integer(year)?, integer(month)?, integer(day)?);
        let time = GpsTime::from_civil(year, month, day, integer(hour)?, integer(minute)?, number(second)?)?;
        if form.utc { time.plus_seconds(time.leap_s() as f64) } else { time }
    } else {
        GpsTime::from_week(integer(word(0)?)?, number(word(1)?)?)?
    };
    let number_at = |index: usize| word(index).and_then(number);
    let (a, b, rest) = if form.sexagesimal {
        (of_minutes(&all, 2)?, of_minutes(&all, 5)?, all.get(8..)?)
    } else {
        (number_at(2)?, number_at(3)?, all.get(4..)?)
    };
    let value = |index: usize| rest.get(index).copied().and_then(number);
    let whole = |index: usize| rest.get(index).copied().and_then(integer);
    let c = value(0)?;
    let position = if form.ecef { Ecef { x_m: a, y_m: b, z_m: c }.geodetic()? } else { Geodetic::new(a, b, c)? };
    let std_m = match (value(3), value(4), value(5)) {
        (Some(north), Some(east), Some(up)) if !form.ecef => Some([north, east, up]),
        _ => None,
    };
    let satellites = whole(2).and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
    Some(Point { time, position, solved: Solved::of_q(whole(1)?)?, satellites, std_m })
}

/// `-36 24 41.20000` from the word at `at` on.
fn of_minutes(words: &[&str], at: usize) -> Option<f64> {
    let part = |index: usize| words.get(at + index).copied().and_then(number);
    let (degrees, minutes, seconds) = (part(0)?, part(1)?, part(2)?);
    let angle = degrees.abs() + minutes / 60.0 + seconds / 3_600.0;
    // minus zero degrees is south, too
    Some(if words.get(at)?.starts_with('-') { -angle } else { angle })
}

fn summarize(points: &[Point]) -> Summary {
    let mut cadence = Cadence::default();
    points.iter().for_each(|point| cadence.push(point.time.nanoseconds()));
    let regularity = cadence.finish();
    let count = |solved: Solved| points.iter().filter(|point| point.solved == solved).count() as u64;
    let (epochs, fixed, float) = (points.len() as u64, count(Solved::Fixed), count(Solved::Float));
    Summary {
        epochs,
        fixed,
        float,
        other: epochs - fixed - float,
        fixed_share: if epochs == 0 { 0.0 } else { fixed as f64 / epochs as f64 },
        interval_s: regularity.interval_s,
        gap_count: regularity.gap_count,
        first_epoch: points.first().map(|point| point.time),
        last_epoch: points.last().map(|point| point.time),
    }
}

/// The cameras' places: linear between the two epochs around each exposure in ECEF, then the lever arm.
pub fn at_events(solution: &Solution, events: &[Event]) -> Vec<EventPosition> {
    let spacing_s = solution.summary.interval_s.unwrap_or(1.0) * SPACING_TOLERANCE;
    events.iter().map(|event| at_event(&solution.points, spacing_s, event)).collect()
}

fn at_event(points: &[Point], spacing_s: f64, event: &Event) -> EventPosition {
    let mut found = EventPosition {
        sequence: event.sequence,
        time: event.time,
        position: None,
        solved: None,
        std_m: None,
        lever_arm_applied: false,
        moved_m: None,
        problem: None,
    };
    let after = points.partition_point(|point| point.time < event.time);
    let later = points.get(after);
    // an exposure at an epoch has that epoch on both sides
    let earlier = match later {
        Some(later) if later.time == event.time => Some(later),
        _ => after.checked_sub(1).and_then(|before| points.get(before)),
    };
    let (Some(earlier), Some(later)) = (earlier, later) else {
        found.problem = Some(Problem::OutsideTrajectory);
        return found;
    };
    let (from, to) = (earlier.time.nanoseconds(), later.time.nanoseconds());
    let (since_s, span_s) = ((event.time.nanoseconds() - from) as f64 / 1e9, (to - from) as f64 / 1e9);
    if since_s > spacing_s || span_s - since_s > spacing_s {
        found.problem = Some(Problem::Gap);
        return found;
    }
    let share = if span_s > 0.0 { since_s / span_s } else { 0.0 };
    let (a, b) = (earlier.position.ecef(), later.position.ecef());
    let between = |a: f64, b: f64| a + (b - a) * share;
    let antenna =
        Ecef { x_m: between(a.x_m, b.x_m), y_m: between(a.y_m, b.y_m), z_m: between(a.z_m, b.z_m) }.geodetic();
    found.position = match (antenna, event.lever_arm) {
        (Some(antenna), Some(arm)) => {
            found.lever_arm_applied = true;
            antenna.moved(arm.north_mm / 1e3, arm.east_mm / 1e3, arm.down_mm / 1e3)
        }
        (antenna, _) => antenna,
    };
    found.solved = Some(earlier.solved.max(later.solved));
    found.std_m = earlier.std_m.zip(later.std_m).map(|(a, b)| {
        std::array::from_fn(|axis| match (a.get(axis), b.get(axis)) {
            (Some(a), Some(b)) => a.max(*b),
            _ => 0.0,
        })
    });
    found.moved_m =
        found.position.zip(event.position).map(|(new, old)| (new.ecef().distance_m(old.ecef()) * 1e4).round() / 1e4);
    found
}

#[cfg(test)]
mod tests;
