//! Photos as points on a map.

use std::io::{self, BufWriter, Write};

use jiff::Timestamp;
use serde_json::json;

use super::kml::{Altitude, FOOT, HEAD};
use super::xml::Escaped;
use super::{BUFFER_BYTES, degrees, finite, geojson, micro};
use crate::track::{Attitude, Place};

/// One file of a selection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    pub id: String,
    pub name: String,
    /// The library's word: photo, thermal, ...
    pub kind: String,
    pub place: Option<Place>,
    pub at: Option<Timestamp>,
    pub gimbal: Option<Attitude>,
    /// Where it can be looked at.
    pub link: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PointsFormat {
    /// A FeatureCollection; a file without a place is a Feature without a geometry.
    GeoJson,
    /// A Placemark each; files without a place are left out.
    Kml,
}

impl PointsFormat {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GeoJson => "geojson",
            Self::Kml => "kml",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        [Self::GeoJson, Self::Kml].into_iter().find(|format| format.as_str() == name)
    }

    /// Media type for HTTP.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::GeoJson => super::Format::GeoJson.content_type(),
            Self::Kml => super::Format::Kml.content_type(),
        }
    }
}

/// Writes points one after the other.
///
/// # Errors
/// What `out` says.
pub fn write_points<I>(format: PointsFormat, points: I, out: &mut dyn Write) -> io::Result<()>
where
    I: IntoIterator<Item = Point>,
{
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
    match format {
        PointsFormat::GeoJson => {
            out.write_all(b"{\"type\":\"FeatureCollection\",\"features\":[")?;
            for (n, point) in points.into_iter().enumerate() {
                if n > 0 {
                    out.write_all(b",\n")?;
                }
                feature(&point, &mut out)?;
            }
            out.write_all(b"]}")?;
        }
        PointsFormat::Kml => {
            writeln!(out, "{HEAD}")?;
            for point in points {
                placemark(&point, &mut out)?;
            }
            writeln!(out, "{FOOT}")?;
        }
    }
    out.flush()
}

fn place(point: &Point) -> Option<Place> {
    point.place.map(finite).filter(|place| place.lat.is_finite() && place.lng.is_finite())
}

fn feature(point: &Point, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{{\"type\":\"Feature\",\"id\":{},\"geometry\":", json!(point.id))?;
    let place = place(point);
    match &place {
        Some(place) => {
            out.write_all(b"{\"type\":\"Point\",\"coordinates\":")?;
            geojson::position(place, out)?;
            out.write_all(b"}")?;
        }
        None => out.write_all(b"null")?,
    }
    let properties = json!({
        "name": point.name,
        "kind": point.kind,
        "at": point.at,
        "absolute_altitude_m": place.and_then(|place| place.absolute_altitude_m),
        "relative_altitude_m": place.and_then(|place| place.relative_altitude_m),
        "gimbal": point.gimbal,
        "link": point.link,
    });
    write!(out, ",\"properties\":{properties}}}")
}

fn placemark(point: &Point, out: &mut dyn Write) -> io::Result<()> {
    let Some(place) = place(point) else { return Ok(()) };
    write!(out, "<Placemark><name>{}</name>", Escaped(&point.name))?;
    if let Some(link) = &point.link {
        // the description is HTML inside XML: escaped twice
        let html = format!("<a href=\"{}\">{}</a>", Escaped(link), Escaped(&point.name));
        write!(out, "<description>{}</description>", Escaped(&html))?;
    }
    if let Some(at) = point.at {
        write!(out, "<TimeStamp><when>{at}</when></TimeStamp>")?;
    }
    let gimbal = point.gimbal.unwrap_or_default();
    let number =
        |number: Option<f64>| number.filter(|number| number.is_finite()).map(|number| micro(number).to_string());
    let data = [
        ("id", Some(point.id.clone())),
        ("kind", Some(point.kind.clone())),
        ("relative_altitude_m", number(place.relative_altitude_m)),
        ("gimbal_yaw_deg", number(gimbal.yaw_deg)),
        ("gimbal_pitch_deg", number(gimbal.pitch_deg)),
        ("gimbal_roll_deg", number(gimbal.roll_deg)),
    ];
    out.write_all(b"<ExtendedData>")?;
    for (key, value) in data {
        if let Some(value) = value {
            write!(out, "<Data name=\"{key}\"><value>{}</value></Data>", Escaped(&value))?;
        }
    }
    let altitude = Altitude::of(&place);
    let (lng, lat, mode) = (degrees(place.lng), degrees(place.lat), altitude.mode());
    write!(out, "</ExtendedData><Point><altitudeMode>{mode}</altitudeMode><coordinates>{lng},{lat}")?;
    if let Some(altitude_m) = altitude.value_m(&place) {
        write!(out, ",{}", micro(altitude_m))?;
    }
    writeln!(out, "</coordinates></Point></Placemark>")
}
