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
