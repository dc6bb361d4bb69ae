//! What flew with a video: one type for every carrier.

use jiff::Timestamp;
use serde::Serialize;

/// Which carrier a track was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackSource {
    /// Protobuf samples inside the video.
    Djmd,
    /// Text samples inside the video.
    Tx3g,
    /// The side file with the video's stem.
    Srt,
    /// Once per file, in `moov/udta`.
    Udta,
    /// The files of a flight, put together.
    Flight,
}

impl TrackSource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Djmd => "djmd",
            Self::Tx3g => "tx3g",
            Self::Srt => "srt",
            Self::Udta => "udta",
            Self::Flight => "flight",
        }
    }
}

/// Samples in the order of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Track {
    pub source: TrackSource,
    pub samples: Vec<Sample>,
    /// What was odd, in words; bounded.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// One moment. A value that the carrier does not tell is `None`; a moment without a fix has no position.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sample {
    /// Seconds from the video's first frame.
    pub t_s: f64,
    /// UTC, when the carrier or the file tells it; from local time only when its zone is known.
    pub at: Option<Timestamp>,
    pub position: Option<Place>,
    pub gimbal: Option<Attitude>,
    pub aircraft: Option<Attitude>,
    pub camera: Option<Camera>,
}

/// WGS 84 degrees; the absolute altitude as the aircraft says it, the relative one above its take-off point, metres.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Place {
    pub lat: f64,
    pub lng: f64,
    pub absolute_altitude_m: Option<f64>,
    pub relative_altitude_m: Option<f64>,
}

/// NED: yaw 0 is north and grows clockwise, pitch -90 looks straight down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Attitude {
    pub yaw_deg: Option<f64>,
    pub pitch_deg: Option<f64>,
    pub roll_deg: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Camera {
    pub iso: Option<f64>,
    /// Exposure time, seconds.
    pub shutter_s: Option<f64>,
    pub f_number: Option<f64>,
    /// Digital zoom, 1 is none.
    pub zoom: Option<f64>,
    /// As on 35 mm film, digital zoom included. For the ground that is seen; exports leave it out.
    #[serde(skip)]
    pub focal_length_35mm_mm: Option<f64>,
}

/// What a track amounts to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrackSummary {
    pub source: TrackSource,
    pub sample_count: usize,
    /// Samples with a position.
    pub position_count: usize,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// From the first sample to the last.
    pub span_s: f64,
    pub first_position: Option<Place>,
    pub last_position: Option<Place>,
    pub absolute_altitude_m: Option<Extent>,
    pub relative_altitude_m: Option<Extent>,
    /// Flown over ground from position to position.
    pub distance_m: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Extent {
    pub min: f64,
    pub max: f64,
}

impl Track {
    pub fn summary(&self) -> TrackSummary {
        let places = || self.samples.iter().filter_map(|sample| sample.position);
        let (first, last) = (self.samples.first(), self.samples.last());
        let legs = places().zip(places().skip(1)).map(|(from, to)| distance_m(from, to));
        TrackSummary {
            source: self.source,
            sample_count: self.samples.len(),
            position_count: places().count(),
            first_at: first.and_then(|first| first.at),
            last_at: last.and_then(|last| last.at),
            span_s: first.zip(last).map_or(0.0, |(first, last)| ((last.t_s - first.t_s) * 1e3).round() / 1e3),
            first_position: places().next(),
            last_position: places().next_back(),
            absolute_altitude_m: extent(places().filter_map(|place| place.absolute_altitude_m)),
            relative_altitude_m: extent(places().filter_map(|place| place.relative_altitude_m)),
            distance_m: (legs.sum::<f64>() * 10.0).round() / 10.0,
        }
    }
}

fn extent(values: impl Iterator<Item = f64>) -> Option<Extent> {
    values.fold(None, |extent, value| {
        let Extent { min, max } = extent.unwrap_or(Extent { min: value, max: value });
        Some(Extent { min: min.min(value), max: max.max(value) })
    })
}

/// Great circle on a sphere: an aircraft's steps are short.
fn distance_m(from: Place, to: Place) -> f64 {
    const EARTH_RADIUS_M: f64 = 6_371_008.8;
    let half = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let along = from.lat.to_radians().cos() * to.lat.to_radians().cos();
    let chord = half(from.lat, to.lat) + along * half(from.lng, to.lng);
    2.0 * EARTH_RADIUS_M * chord.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_is_summed_up() {
        let place = |lat, height| {
            Some(Place { lat, lng: 8.25, absolute_altitude_m: Some(500.0), relative_altitude_m: Some(height) })
        };
        let sample = |t_s: f64, position| Sample { t_s, position, ..Sample::default() };
        let samples = vec![
            sample(1.0, None),
            sample(2.0, place(47.5, 10.0)),
            sample(3.0, None),
            sample(4.0, place(47.501, 52.0)),
            sample(6.0, place(47.5, 51.0)),
        ];
        let track = Track { source: TrackSource::Srt, samples, warnings: Vec::new() };
        let sum = track.summary();
        assert_eq!((sum.sample_count, sum.position_count, sum.span_s), (5, 3, 5.0));
        assert_eq!(sum.relative_altitude_m, Some(Extent { min: 10.0, max: 52.0 }));
        assert_eq!(sum.first_position.map(|at| at.lat), Some(47.5));
        // a thousandth of a degree, there and back
        assert!((sum.distance_m - 222.4).abs() < 0.11, "{}", sum.distance_m);
        let empty = Track { source: TrackSource::Srt, samples: Vec::new(), warnings: Vec::new() }.summary();
        assert_eq!((empty.span_s, empty.distance_m, empty.absolute_altitude_m), (0.0, 0.0, None));
    }
}
