//! GPS time: weeks and seconds since 1980-01-06, without leap seconds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// 1980-01-06T00:00:00Z in seconds since 1970.
const GPS_EPOCH_UNIX_S: i64 = 315_964_800;
pub const WEEK_S: i64 = 604_800;
const NS: i64 = 1_000_000_000;
/// Beyond this no week is taken for real: the year 2099.
const MAX_WEEK: i64 = 6_260;

/// When GPS time minus UTC became the number of seconds beside it, as UTC in seconds since 1970. Source: IERS Bulletin C.
const LEAPS: [(i64, i64); 18] = [
    (362_793_600, 1),    // 1981-07-01
    (394_329_600, 2),    // 1982-07-01
    (425_865_600, 3),    // 1983-07-01
    (489_024_000, 4),    // 1985-07-01
    (567_993_600, 5),    // 1988-01-01
    (631_152_000, 6),    // 1990-01-01
    (662_688_000, 7),    // 1991-01-01
    (709_948_800, 8),    // 1992-07-01
    (741_484_800, 9),    // 1993-07-01
    (773_020_800, 10),   // 1994-07-01
    (820_454_400, 11),   // 1996-01-01
    (867_715_200, 12),   // 1997-07-01
    (915_148_800, 13),   // 1999-01-01
    (1_136_073_600, 14), // 2006-01-01
    (1_230_768_000, 15), // 2009-01-01
    (1_341_100_800, 16), // 2012-07-01
    (1_435_708_800, 17), // 2015-07-01
    (1_483_228_800, 18), // 2017-01-01
];

/// A moment in GPS time, exact to the nanosecond. Serialized as its week, its second of week and the same moment in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "Written", from = "Written")]
pub struct GpsTime {
    ns: i64,
}

#[derive(Serialize, Deserialize)]
struct Written {
    gps_week: i64,
    tow_s: f64,
    #[serde(default)]
    utc: Timestamp,
}

impl From<GpsTime> for Written {
    fn from(time: GpsTime) -> Self {
        Self { gps_week: time.week(), tow_s: time.tow_s(), utc: time.utc() }
    }
}

impl From<Written> for GpsTime {
    fn from(written: Written) -> Self {
        Self::from_week(written.gps_week, written.tow_s).unwrap_or(Self { ns: 0 })
    }
}

impl GpsTime {
    /// From a full week number and the second in it; `None` for what is no time between 1980 and 2099.
    pub fn from_week(week: i64, tow_s: f64) -> Option<Self> {
        let sound = (0..=MAX_WEEK).contains(&week) && (0.0..WEEK_S as f64).contains(&tow_s);
        sound.then(|| Self { ns: week * WEEK_S * NS + (tow_s * NS as f64).round() as i64 })
    }

    /// From a date and time of day that count no leap seconds. A second of 60 is carried.
    pub fn from_civil(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: f64) -> Option<Self> {
        let sound = (1980..2100).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && (0..=24).contains(&hour)
            && (0..60).contains(&minute)
            && (0.0..61.0).contains(&second);
        if !sound {
            return None;
        }
        let unix_s = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60;
        let since_s = unix_s - GPS_EPOCH_UNIX_S;
        (since_s >= 0).then(|| Self { ns: since_s * NS + (second * NS as f64).round() as i64 })
    }

    pub fn from_utc(utc: Timestamp) -> Option<Self> {
        let unix_s = utc.as_second();
        let leap_s = LEAPS.iter().rev().find(|(from, _)| unix_s >= *from).map_or(0, |(_, leap_s)| *leap_s);
        let since_s = unix_s - GPS_EPOCH_UNIX_S + leap_s;
        let sound = (0..=MAX_WEEK * WEEK_S).contains(&since_s);
        sound.then(|| Self { ns: since_s * NS + i64::from(utc.subsec_nanosecond()) })
    }

    pub fn from_nanoseconds(ns: i64) -> Self {
        Self { ns }
    }

    /// Nanoseconds since 1980-01-06.
    pub fn nanoseconds(self) -> i64 {
        self.ns
    }

    /// Seconds since 1980-01-06; exact to a microsecond.
    pub fn seconds(self) -> f64 {
        self.ns as f64 / NS as f64
    }

    pub fn week(self) -> i64 {
        self.ns.div_euclid(WEEK_S * NS)
    }

    pub fn tow_s(self) -> f64 {
        self.ns.rem_euclid(WEEK_S * NS) as f64 / NS as f64
    }

    pub fn plus_seconds(self, seconds: f64) -> Self {
        Self { ns: self.ns.saturating_add((seconds * NS as f64).round() as i64) }
    }

    /// The same moment in UTC: 18 seconds less since 2017.
    pub fn utc(self) -> Timestamp {
        let gps_s = self.ns.div_euclid(NS).saturating_add(GPS_EPOCH_UNIX_S);
        let leap_s = LEAPS.iter().rev().find(|(from, leap_s)| gps_s >= from + leap_s).map_or(0, |(_, leap_s)| *leap_s);
        Timestamp::new(gps_s.saturating_sub(leap_s), self.ns.rem_euclid(NS) as i32).unwrap_or_default()
    }

    /// GPS minus UTC at this moment, seconds.
    pub fn leap_s(self) -> i64 {
        self.ns.div_euclid(NS) + GPS_EPOCH_UNIX_S - self.utc().as_second()
    }

    /// Year, month, day, hour, minute, second of the GPS time scale.
    pub fn civil(self) -> (i64, i64, i64, i64, i64, f64) {
        let at = Timestamp::new(self.ns.div_euclid(NS).saturating_add(GPS_EPOCH_UNIX_S), 0).unwrap_or_default();
        let at = at.to_zoned(jiff::tz::TimeZone::UTC);
        let second = f64::from(at.second()) + self.ns.rem_euclid(NS) as f64 / NS as f64;
        (at.year().into(), at.month().into(), at.day().into(), at.hour().into(), at.minute().into(), second)
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_and_dates_agree() {
        let of_week = GpsTime::from_week(2024, 275_295.301_059).unwrap();
        let of_date = GpsTime::from_civil(2018, 10, 24, 4, 28, 15.301_059).unwrap();
        assert_eq!(of_week, of_date);
        assert_eq!(of_week.utc().to_string(), "2018-10-24T04:27:57.301059Z");
        assert_eq!(GpsTime::from_utc(of_week.utc()), Some(of_week));
        assert_eq!((of_week.week(), of_week.tow_s(), of_week.leap_s()), (2024, 275_295.301_059, 18));
    }

    #[test]
    fn the_leap_seconds_are_those_of_their_day() {
        for (civil, leap_s) in
            [((1980, 1, 6), 0), ((1999, 1, 2), 13), ((2012, 6, 30), 15), ((2016, 12, 31), 17), ((2017, 1, 2), 18)]
        {
            let at = GpsTime::from_civil(civil.0, civil.1, civil.2, 0, 0, 0.0).unwrap();
            assert_eq!(at.leap_s(), leap_s, "{civil:?}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        assert_eq!(GpsTime::from_week(2024, 604_800.0), None);
        assert_eq!(GpsTime::from_week(2024, f64::NAN), None);
        assert_eq!(GpsTime::from_week(-1, 0.0), None);
        assert_eq!(GpsTime::from_civil(2023, 2, 29, 0, 0, 0.0), None);
        assert!(GpsTime::from_civil(2024, 2, 29, 23, 59, 59.9).is_some());
    }
}
