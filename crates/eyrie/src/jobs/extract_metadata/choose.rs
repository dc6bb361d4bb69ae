//! What the library shows of a file when the device's report and the file's own bytes both speak, and how sure it is.
//!
//! The file wins: its values have more digits and more meaning than the report's. What was reported is kept beside it, the
//! chosen value's source is named, and a contradiction that matters is a warning.

use eyrie_catalogue::{Media, MediaKind, Position, Processing};
use eyrie_media::photo::TimeSource;
use eyrie_media::track::{Attitude, Place};
use eyrie_media::understand::Understanding;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{READER_VERSION, catalogue_kind};
use crate::reported::PANORAMA;

/// Word in `sources` for the device's own report.
const REPORT: &str = "report";
/// Reports give whole seconds, and the exposure is not the moment that the file was opened.
const SAME_TIME_S: f64 = 5.0;
/// A report's position may be the aircraft's, some metres and a second away from the exposure's.
const SAME_PLACE_M: f64 = 50.0;
const METRES_PER_DEGREE: f64 = 111_320.0;

/// What a device said of a file, kept so that reading the file again starts from the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reported {
    pub captured_at: Option<Timestamp>,
    pub captured_local: Option<String>,
    pub position: Option<ReportedPosition>,
    pub gimbal_yaw_deg: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportedPosition {
    pub lat: f64,
    pub lng: f64,
    pub absolute_altitude_m: Option<f64>,
    pub relative_altitude_m: Option<f64>,
}

impl Reported {
    /// What a row says before anything was read of its bytes.
    pub fn of(media: &Media) -> Self {
        Self {
            captured_at: media.captured_at,
            captured_local: media.captured_local.clone(),
            position: media.position.map(|at| ReportedPosition {
                lat: at.lat,
                lng: at.lng,
                absolute_altitude_m: at.absolute_altitude_m,
                relative_altitude_m: at.relative_altitude_m,
            }),
            gimbal_yaw_deg: media.gimbal_yaw_deg,
        }
    }
}

/// Writes what was understood into the row. Doing it again gives the same.
pub(super) fn apply(media: &mut Media, understood: Understanding) {
    let mut metadata = match media.metadata.take() {
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    };
    let reported = match metadata.get("reported") {
        Some(reported) => serde_json::from_value(reported.clone()).unwrap_or_default(),
        None => Reported::of(media),
    };
    let mut warnings = Vec::new();
    let mut sources = Map::new();

    choose_time(media, &understood, &reported, &mut sources, &mut warnings);
    choose_position(media, &understood, &reported, &mut sources, &mut warnings);
    let gimbal = match understood.gimbal {
        Some(found) => Some((found.value, found.source)),
        None => reported.gimbal_yaw_deg.map(|yaw| (Attitude { yaw_deg: Some(yaw), ..Attitude::default() }, REPORT)),
    };
    if let Some((_, source)) = gimbal {
        sources.insert("gimbal".into(), source.into());
    }
    let gimbal = gimbal.map(|(gimbal, _)| gimbal).unwrap_or_default();
    (media.gimbal_yaw_deg, media.gimbal_pitch_deg, media.gimbal_roll_deg) =
        (gimbal.yaw_deg, gimbal.pitch_deg, gimbal.roll_deg);

    media.kind = match catalogue_kind(understood.kind) {
        // stitched: Pilot 2 said so, the file may not
        MediaKind::Photo if media.pilot.sub_file_type == Some(PANORAMA) => MediaKind::Panorama,
        kind => kind,
    };
    warnings.extend(understood.warnings);
    replace_warnings(media, &mut metadata, warnings);
    // readings of an older version go; what the device said stays
    metadata.retain(|name, _| matches!(name.as_str(), "reported" | "read_warnings" | "temperature"));
    if let Value::Object(details) = understood.details {
        metadata.extend(details);
    }
    metadata.insert("reported".into(), json!(reported));
    metadata.insert("sources".into(), Value::Object(sources));
    metadata.insert("camera".into(), json!(understood.camera));
    metadata.insert("capture_uuid".into(), json!(understood.capture_uuid));
    metadata.insert("content_type".into(), understood.content_type.into());
    metadata.insert("reader_version".into(), READER_VERSION.into());
    media.metadata = Value::Object(metadata);
    media.processing = Processing::Done;
}

fn choose_time(
    media: &mut Media,
    understood: &Understanding,
    reported: &Reported,
    sources: &mut Map<String, Value>,
    warnings: &mut Vec<String>,
) {
    media.captured_local = understood.captured_local.clone().or_else(|| reported.captured_local.clone());
    // a video's or a subtitle file's local clock in the zone of the place is a guess: the device knows its UTC
    let is_guess = matches!(understood.kind, eyrie_media::Kind::Video | eyrie_media::Kind::Subtitle)
        && understood.captured_at.is_some_and(|found| found.source == TimeSource::PositionZone.as_str());
    let (at, source) = match (&understood.captured_at, reported.captured_at) {
        (Some(_), Some(reported)) if is_guess => (Some(reported), Some(REPORT)),
        (Some(found), reported) => {
            let apart_s = reported.map(|reported| (found.value.as_second() - reported.as_second()).abs() as f64);
            // a log begins when its receiver does, a report tells when the file was made
            let is_log = matches!(understood.kind, eyrie_media::Kind::Ppk | eyrie_media::Kind::Rtcm);
            if !is_log && apart_s.is_some_and(|apart_s| apart_s > SAME_TIME_S) {
                let reported = reported.map(|at| at.to_string()).unwrap_or_default();
                warnings.push(format!(
                    "the device reported the capture at {reported}, the file says {} ({})",
                    found.value, found.source
                ));
            }
            (Some(found.value), Some(found.source))
        }
        (None, Some(reported)) => (Some(reported), Some(REPORT)),
        (None, None) => (None, None),
    };
    media.captured_at = at;
    if let Some(source) = source {
        sources.insert("captured_at".into(), source.into());
    }
}

fn choose_position(
    media: &mut Media,
    understood: &Understanding,
    reported: &Reported,
    sources: &mut Map<String, Value>,
    warnings: &mut Vec<String>,
) {
    let from_report = reported.position.map(|at| Place {
        lat: at.lat,
        lng: at.lng,
        absolute_altitude_m: at.absolute_altitude_m,
        relative_altitude_m: at.relative_altitude_m,
    });
    let chosen = match (&understood.position, from_report) {
        (Some(found), reported) => {
            let apart_m = reported.map(|reported| distance_m(found.value, reported));
            if let Some(apart_m) = apart_m.filter(|apart_m| *apart_m > SAME_PLACE_M) {
                warnings.push(format!(
                    "the position that the device reported is {apart_m:.0} m from the file's own ({})",
                    found.source
                ));
            }
            // an altitude that only the report tells is better than none
            let place = Place {
                absolute_altitude_m: found
                    .value
                    .absolute_altitude_m
                    .or(reported.and_then(|reported| reported.absolute_altitude_m)),
                relative_altitude_m: found
                    .value
                    .relative_altitude_m
                    .or(reported.and_then(|reported| reported.relative_altitude_m)),
                ..found.value
            };
            Some((place, found.source))
        }
        (None, Some(reported)) => Some((reported, REPORT)),
        (None, None) => None,
    };
    if let Some((_, source)) = chosen {
        sources.insert("position".into(), source.into());
    }
    media.position = chosen.map(|(place, _)| Position {
        lat: place.lat,
        lng: place.lng,
        absolute_altitude_m: place.absolute_altitude_m,
        relative_altitude_m: place.relative_altitude_m,
    });
}

/// Warnings of an earlier reading go, those of others stay.
fn replace_warnings(media: &mut Media, metadata: &mut Map<String, Value>, new: Vec<String>) {
    if let Some(Value::Array(old)) = metadata.get("read_warnings") {
        media.warnings.retain(|warning| !old.iter().any(|old| old.as_str() == Some(warning)));
    }
    metadata.insert("read_warnings".into(), json!(new));
    for warning in new {
        if !media.warnings.contains(&warning) {
            media.warnings.push(warning);
        }
    }
}

/// Good for short distances, which is what is asked.
fn distance_m(a: Place, b: Place) -> f64 {
    let north = (a.lat - b.lat) * METRES_PER_DEGREE;
    let mut east_deg = (a.lng - b.lng).abs();
    if east_deg > 180.0 {
        east_deg = 360.0 - east_deg;
    }
    let east = east_deg * METRES_PER_DEGREE * a.lat.to_radians().cos();
    north.hypot(east)
}
