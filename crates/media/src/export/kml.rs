//! KML 2.2 with Google's `gx:Track`: <https://developers.google.com/kml/documentation/kmlreference#gxtrack>.

use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};

use super::xml::Escaped;
use super::{degrees, drawable, micro};
use crate::track::{Place, Sample, TrackSource};

pub(super) const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <kml xmlns=\"http://www.opengis.net/kml/2.2\" xmlns:gx=\"http://www.google.com/kml/ext/2.2\">\n<Document>";
pub(super) const FOOT: &str = "</Document>\n</kml>";

/// What the third number of a coordinate is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Altitude {
    Absolute,
    /// Above the take-off point, drawn above the ground: the nearest thing that KML knows.
    Relative,
    None,
}

impl Altitude {
    pub(super) fn of(place: &Place) -> Self {
        match (place.absolute_altitude_m, place.relative_altitude_m) {
            (Some(_), _) => Self::Absolute,
            (None, Some(_)) => Self::Relative,
            (None, None) => Self::None,
        }
    }

    pub(super) fn mode(self) -> &'static str {
        match self {
            Self::Absolute => "absolute",
            Self::Relative => "relativeToGround",
            Self::None => "clampToGround",
        }
    }

    pub(super) fn value_m(self, place: &Place) -> Option<f64> {
        match self {
            Self::Absolute => place.absolute_altitude_m,
            Self::Relative => place.relative_altitude_m,
            Self::None => None,
        }
    }
}

/// Coordinates stand behind all the times: they wait in memory. A track whose times nobody knows is a line: an empty time is
/// none that KML's schema allows, and Google's track wants one for each coordinate.
pub(super) fn write(
    source: TrackSource,
    samples: &mut dyn Iterator<Item = Sample>,
    name: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{HEAD}\n<name>{0}</name>\n<Placemark><name>{0}</name>", Escaped(name))?;
    let source = source.as_str();
    writeln!(out, "<ExtendedData><Data name=\"source\"><value>{source}</value></Data></ExtendedData>")?;
    let mut drawn = samples.filter_map(|sample| Some((drawable(&sample)?, sample.t_s, sample.at))).peekable();
    let first = drawn.peek().copied();
    let altitude = first.map_or(Altitude::None, |(place, _, _)| Altitude::of(&place));
    let is_timed = first.is_none_or(|(_, _, at)| at.is_some());
    let coordinate = |place: &Place| (place.lng, place.lat, altitude.value_m(place));
    if !is_timed {
        writeln!(out, "<LineString><altitudeMode>{}</altitudeMode><coordinates>", altitude.mode())?;
        for (place, _, _) in drawn {
            coordinates(coordinate(&place), ',', out)?;
            writeln!(out)?;
        }
        return writeln!(out, "</coordinates></LineString></Placemark>\n{FOOT}");
    }
    writeln!(out, "<gx:Track><altitudeMode>{}</altitudeMode>", altitude.mode())?;
    let mut places: Vec<(f64, f64, Option<f64>)> = Vec::new();
    let mut clock = None;
    for (place, t_s, at) in drawn {
        let by_clock = || clock.and_then(|(then_s, then)| after(then, t_s - then_s));
        let Some(at) = at.or_else(by_clock) else { continue };
        clock = Some((t_s, at));
        places.push(coordinate(&place));
        writeln!(out, "<when>{at}</when>")?;
    }
    for place in places {
        out.write_all(b"<gx:coord>")?;
        coordinates(place, ' ', out)?;
        writeln!(out, "</gx:coord>")?;
    }
    writeln!(out, "</gx:Track></Placemark>\n{FOOT}")
}

fn after(then: Timestamp, seconds: f64) -> Option<Timestamp> {
    then.checked_add(SignedDuration::from_micros((seconds * 1e6).round() as i64)).ok()
}

fn coordinates((lng, lat, altitude_m): (f64, f64, Option<f64>), between: char, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{}{between}{}", degrees(lng), degrees(lat))?;
    match altitude_m {
        Some(altitude_m) => write!(out, "{between}{}", micro(altitude_m)),
        None => Ok(()),
    }
}
