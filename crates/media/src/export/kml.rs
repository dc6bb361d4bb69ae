//! KML 2.2 with Google's `gx:Track`: <https://developers.google.com/kml/documentation/kmlreference#gxtrack>.

use std::io::{self, Write};

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

/// Coordinates stand behind all the times: they wait in memory.
pub(super) fn write(
    source: TrackSource,
    samples: &mut dyn Iterator<Item = Sample>,
    name: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{HEAD}\n<name>{0}</name>\n<Placemark><name>{0}</name>", Escaped(name))?;
    let source = source.as_str();
    writeln!(out, "<ExtendedData><Data name=\"source\"><value>{source}</value></Data></ExtendedData>")?;
    let mut places: Vec<(f64, f64, Option<f64>)> = Vec::new();
    let mut altitude = Altitude::None;
    let mut drawn = samples.filter_map(|sample| Some((drawable(&sample)?, sample.at))).peekable();
    if let Some((first, _)) = drawn.peek() {
        altitude = Altitude::of(first);
    }
    writeln!(out, "<gx:Track><altitudeMode>{}</altitudeMode>", altitude.mode())?;
    for (place, at) in drawn {
        places.push((place.lng, place.lat, altitude.value_m(&place)));
        match at {
            Some(at) => writeln!(out, "<when>{at}</when>")?,
            // a time that is not known is an empty element: both lists have the same length
            None => writeln!(out, "<when/>")?,
        }
    }
    for (lng, lat, altitude_m) in places {
        write!(out, "<gx:coord>{} {}", degrees(lng), degrees(lat))?;
        if let Some(altitude_m) = altitude_m {
            write!(out, " {}", micro(altitude_m))?;
        }
        writeln!(out, "</gx:coord>")?;
    }
    writeln!(out, "</gx:Track></Placemark>\n{FOOT}")
}
