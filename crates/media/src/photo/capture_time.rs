//! When a photo was taken: UTC as it is written, or local time through an offset or through the zone of the place.

use std::sync::LazyLock;

use jiff::civil::{DateTime, date};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;

use super::exif::Exif;
use super::xmp::Xmp;
use super::{Photo, Place};

/// No zone is farther from UTC, hours, with one to spare.
const MAX_OFFSET_HOURS: i64 = 15;
/// Zones are whole quarters of an hour from UTC, seconds.
const QUARTER_S: f64 = 900.0;
/// How old the receiver's last fix may be, and how wrong the clock, seconds.
const FIX_AGE_S: f64 = 60.0;

/// How the time in UTC was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeSource {
    /// XMP's `UTCAtExposure`.
    XmpUtc,
    /// EXIF's local time and its `OffsetTime`.
    ExifOffset,
    /// The offset of XMP's `CreateDate`.
    XmpOffset,
    /// EXIF's local time and the UTC of the satellite receiver beside it.
    ExifGps,
    /// Local time in the zone of the position.
    PositionZone,
    /// The local time in the file's name, in the zone of the position.
    NameZone,
}

impl TimeSource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::XmpUtc => "xmp_utc",
            Self::ExifOffset => "exif_offset",
            Self::XmpOffset => "xmp_offset",
            Self::ExifGps => "exif_gps",
            Self::PositionZone => "position_zone",
            Self::NameZone => "name_zone",
        }
    }
}

pub(super) fn choose(exif: &Exif, xmp: &Xmp, photo: &mut Photo) {
    let local = exif.taken.as_deref().and_then(civil).map(|(local, _)| local);
    let local = local.map(|local| with_sub_second(local, exif.sub_second.as_deref()));
    let created = ["xmp:CreateDate", "xmp:ModifyDate"].iter().find_map(|name| civil(xmp.text(name)?));
    let local = local.or(created.map(|(local, _)| local));
    photo.captured_local = local.map(|local| local.to_string());

    let utc = xmp
        .dji("UTCAtExposure")
        .and_then(civil)
        .and_then(|(utc, offset)| utc_of(utc, offset.unwrap_or(Offset::UTC)))
        .filter(|utc| is_set(*utc, photo));
    let exif_offset = exif.utc_offset.as_deref().and_then(offset);
    let xmp_offset =
        created.filter(|(created, _)| local.is_none_or(|local| near(local, *created))).and_then(|(_, offset)| offset);
    if let (Some(utc), Some(local)) = (utc, local) {
        let apart = Offset::UTC.to_datetime(utc).duration_since(local);
        if apart.abs().as_hours() > MAX_OFFSET_HOURS {
            photo.warnings.push(format!("the local time {local} and the UTC {utc} are no zone apart"));
        }
    }
    let found = if let Some(utc) = utc {
        Some((utc, TimeSource::XmpUtc))
    } else if let Some(at) = local.zip(exif_offset).and_then(|(local, offset)| utc_of(local, offset)) {
        Some((at, TimeSource::ExifOffset))
    } else if let Some(at) = local.zip(xmp_offset).and_then(|(local, offset)| utc_of(local, offset)) {
        Some((at, TimeSource::XmpOffset))
    } else if let Some(at) = exif.gps_utc.and_then(|utc| of_receiver(utc, local)) {
        Some((at, TimeSource::ExifGps))
    } else {
        local.and_then(|local| in_zone(local, photo)).map(|at| (at, TimeSource::PositionZone))
    };
    photo.captured_at = found.map(|(at, _)| at);
    photo.time_source = found.map(|(_, source)| source);
}

/// What the file's name says, where the file itself has no time.
pub(crate) fn from_name(local: DateTime, photo: &mut Photo) {
    photo.captured_local = Some(local.to_string());
    if photo.captured_at.is_none() {
        photo.captured_at = in_zone(local, photo);
        photo.time_source = photo.captured_at.map(|_| TimeSource::NameZone);
    }
}

/// The moment of a local time where the photo was taken.
fn in_zone(local: DateTime, photo: &mut Photo) -> Option<Timestamp> {
    let (name, zone) = zone_of(photo.position?)?;
    let ambiguous = zone.to_ambiguous_timestamp(local);
    if ambiguous.is_ambiguous() {
        photo.warnings.push(format!("{local} is twice or never in {name}: the clocks changed"));
    }
    photo.time_zone = Some(name.to_owned());
    ambiguous.compatible().ok()
}

/// The receiver's time may be that of its last fix: with a local time it only tells the zone, when it is a zone's whole
/// quarter of an hour away.
fn of_receiver(utc: DateTime, local: Option<DateTime>) -> Option<Timestamp> {
    let Some(local) = local else { return utc_of(utc, Offset::UTC) };
    let apart_s = local.duration_since(utc).as_secs_f64();
    let offset_s = (apart_s / QUARTER_S).round() * QUARTER_S;
    let is_zone = (apart_s - offset_s).abs() <= FIX_AGE_S && offset_s.abs() <= MAX_OFFSET_HOURS as f64 * 3_600.0;
    let offset = Offset::from_seconds(offset_s as i32).ok().filter(|_| is_zone)?;
    utc_of(local, offset)
}

/// A receiver that knows no time yet says 1970 or 1980.
fn is_set(utc: Timestamp, photo: &mut Photo) -> bool {
    let set = Offset::UTC.to_datetime(utc) >= date(2010, 1, 1).at(0, 0, 0, 0);
    if !set {
        photo.warnings.push(format!("the aircraft's UTC was not set: {utc}"));
    }
    set
}

/// Both tell of the same moment; only one of them has an offset.
fn near(a: DateTime, b: DateTime) -> bool {
    let apart = a.duration_since(b);
    apart.abs().as_secs() <= 2
}

fn utc_of(local: DateTime, offset: Offset) -> Option<Timestamp> {
    offset.to_timestamp(local).ok()
}

/// `2026:11:23 06:14:22.5`, `2026-11-23T06:14:22+01:00` and every mixture of the two; the offset when there is one.
pub fn civil(text: &str) -> Option<(DateTime, Option<Offset>)> {
    let text = text.trim();
    let date: Vec<i16> = text.get(..10)?.split([':', '-', '.']).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [year, month, day] = date[..] else { return None };
    let rest = text.get(10..)?.trim_start_matches(['T', ' ', 't', '_']);
    let end = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ','))).unwrap_or(rest.len());
    let (time, zone) = rest.split_at_checked(end)?;
    let mut parts = time.splitn(3, ':');
    let (hour, minute) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let seconds = parts.next().unwrap_or("0").replace([',', ':'], ".");
    let (whole, fraction) = seconds.split_once('.').unwrap_or((&seconds, ""));
    let nanosecond = nanoseconds(fraction);
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    // 60 is what some clocks say in a leap second
    let second: i8 = whole.parse().ok()?;
    let local = DateTime::new(year, month, day, hour, minute, second.min(59), nanosecond).ok()?;
    Some((local, offset(zone)))
}

/// `+02:00`, `+0200`, `-3`, `Z`.
fn offset(text: &str) -> Option<Offset> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("z") {
        return Some(Offset::UTC);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = digits.split_at_checked(2).unwrap_or((&digits, "0"));
    let minutes: i32 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
    let seconds = sign * (hours.parse::<i32>().ok()? * 3_600 + minutes * 60);
    (seconds.abs() <= 14 * 3_600).then(|| Offset::from_seconds(seconds).ok())?
}

fn nanoseconds(fraction: &str) -> i32 {
    let digits: String = fraction.chars().filter(char::is_ascii_digit).take(9).collect();
    format!("{digits:0<9}").parse().unwrap_or(0)
}

/// EXIF's fraction stands in a tag of its own.
fn with_sub_second(local: DateTime, sub_second: Option<&str>) -> DateTime {
    match sub_second {
        Some(fraction) if local.subsec_nanosecond() == 0 && fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
            local.checked_add(i64::from(nanoseconds(fraction)).nanoseconds()).unwrap_or(local)
        }
        _ => local,
    }
}

/// The time zone of a place; at sea the nautical one. The map of zones takes 30 MB from its first use on.
pub fn zone_of(place: Place) -> Option<(&'static str, TimeZone)> {
    static ZONES: LazyLock<tzf_rs::DefaultFinder> = LazyLock::new(tzf_rs::DefaultFinder::new);
    let name = ZONES.get_tz_name(place.lng, place.lat);
    let zone = TimeZone::get(name).ok()?;
    Some((name, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_every_spelling() {
        let read = |text| civil(text).map(|(local, offset)| (local.to_string(), offset.map(|offset| offset.seconds())));
        let want = |local: &str, offset| Some((local.to_owned(), offset));
        assert_eq!(read("2022:06:02 14:35:32"), want("2022-06-02T14:35:32", None));
        assert_eq!(read("2020-06-30 19:51:50"), want("2020-06-30T19:51:50", None));
        assert_eq!(read("2022:06:02 14:35:32+02:00"), want("2022-06-02T14:35:32", Some(7_200)));
        assert_eq!(read("2023-01-02T03:04:05.678901Z"), want("2023-01-02T03:04:05.678901", Some(0)));
        assert_eq!(read("2023-01-02T03:04:05-0330"), want("2023-01-02T03:04:05", Some(-12_600)));
        assert_eq!(read("2023:01:02 03:04"), want("2023-01-02T03:04:00", None));
        for wrong in
            ["", "0000:00:00 00:00:00", "2023:13:02 03:04:05", "2023:01:02", "ä2023:01:02 03:04", "2023:01:02 25:00:00"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn zones_of_places() {
        let place = |lat, lng| Place { lat, lng, ..Place::default() };
        assert_eq!(zone_of(place(51.366, 12.309)).map(|(name, _)| name), Some("Europe/Berlin"));
        assert_eq!(zone_of(place(22.6, 113.9)).map(|(name, _)| name), Some("Asia/Shanghai"));
        assert!(zone_of(place(0.0, -150.0)).is_some());
    }
}
