//! Tracks and photo points as other programs read them. Everything is written as it comes: what a format forces to stand
//! apart from the positions (times in GeoJSON, coordinates in KML) is kept as plain numbers, 24 to 32 bytes a sample.

mod csv;
mod geojson;
mod gpx;
mod json;
mod kml;
mod points;
mod srt;
mod xml;

use std::borrow::Borrow;
use std::io::{self, BufWriter, Write};

pub use points::{Point, PointsFormat, write_points};

use crate::track::{Place, Sample, TrackSource};

const BUFFER_BYTES: usize = 64 * 1024;

/// How a track is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `{source, samples: [...]}`, every value of every sample.
    Json,
    /// One Feature with a LineString, its times beside it (RFC 7946).
    GeoJson,
    /// GPX 1.1: one `trk`, a new `trkseg` behind each gap.
    Gpx,
    /// KML 2.2: one `gx:Track`.
    Kml,
    /// Every value of every sample as flat columns.
    Csv,
    /// DJI's own subtitles with `[key: value]` pairs, a cue a sample.
    Srt,
}

impl Format {
    pub const ALL: [Self; 6] = [Self::Json, Self::GeoJson, Self::Gpx, Self::Kml, Self::Csv, Self::Srt];

    /// Its name in a query, which is a file's extension too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::GeoJson => "geojson",
            Self::Gpx => "gpx",
            Self::Kml => "kml",
            Self::Csv => "csv",
            Self::Srt => "srt",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// Media type for HTTP.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::GeoJson => "application/geo+json",
            Self::Gpx => "application/gpx+xml",
            Self::Kml => "application/vnd.google-earth.kml+xml",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Srt => "application/x-subrip; charset=utf-8",
        }
    }
}

/// Writes a track called `name`. Samples without a position stay in JSON, CSV and SRT, and are left out of the others.
///
/// # Errors
/// What `out` says.
pub fn write<I>(format: Format, source: TrackSource, samples: I, name: &str, out: &mut dyn Write) -> io::Result<()>
where
    I: IntoIterator,
    I::Item: Borrow<Sample>,
{
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
    let mut samples = samples.into_iter();
    let mut next = || samples.next().map(|sample| sample.borrow().clone());
    let mut samples = std::iter::from_fn(&mut next);
    let samples: &mut dyn Iterator<Item = Sample> = &mut samples;
    match format {
        Format::Json => json::write(source, samples, &mut out),
        Format::GeoJson => geojson::write(source, samples, name, &mut out),
        Format::Gpx => gpx::write(source, samples, name, &mut out),
        Format::Kml => kml::write(source, samples, name, &mut out),
        Format::Csv => csv::write(samples, &mut out),
        Format::Srt => srt::write(samples, &mut out),
    }?;
    out.flush()
}

/// The position that can be drawn: finite numbers only.
fn drawable(sample: &Sample) -> Option<Place> {
    sample.position.map(finite).filter(|place| place.lat.is_finite() && place.lng.is_finite())
}

/// Without altitudes that are no number.
fn finite(place: Place) -> Place {
    Place {
        absolute_altitude_m: place.absolute_altitude_m.filter(|altitude| altitude.is_finite()),
        relative_altitude_m: place.relative_altitude_m.filter(|altitude| altitude.is_finite()),
        ..place
    }
}

/// To a tenth of a millimetre: what is behind is left from turning radians into degrees.
fn degrees(angle: f64) -> f64 {
    (angle * 1e9).round() / 1e9
}

/// To a micrometre, a microsecond.
fn micro(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests;
