//! Thermal pictures: the raw values that DJI's R-JPEG carries beside the coloured picture, and the measurement's parameters.
//!
//! Raw values become temperatures only through DJI's own Thermal SDK, whose formula and calibration are not public: what is here
//! never says a temperature of the scene. The plane can be exported for who has another way.

mod flir;
mod parameters;
mod plane;
mod png;
mod tiff;

use std::io;

use serde::Serialize;

pub use parameters::{Layout, Parameters, RawParameters};
pub use plane::{Plane, ThermalError};

use crate::photo::jpeg::{self, Jpeg};
use crate::sniff::jpeg::{SEGMENT_HEAD_BYTES, is_thermal_segment};
use crate::{RangeRead, read_range};

/// What is missing for temperatures.
pub const NOTE: &str = "Raw sensor values, not temperatures: the conversion needs DJI's Thermal SDK and the original file, which \
                        holds the calibration of this camera.";

/// The same for FLIR's cameras.
const NOTE_FLIR: &str = "Raw sensor values, not temperatures: the constants of the conversion are in the original file, where FLIR's \
                         tools read them.";

const MISSING_FLIR: &str = "the conversion, which FLIR's tools do with constants that are in this file";
const MISSING_CONVERSION: &str = "the conversion, which is in DJI's Thermal SDK alone";
const MISSING_CALIBRATION: &str = "the camera's calibration (APP5), which this file does not have";
const MISSING_PARAMETERS: &str = "the measurement's parameters, which this file does not have";
const UNREAD_PARAMETERS: &str = "the measurement's parameters: the form that they have in this file is not public";
const MISSING_PLANE: &str = "the raw values, which this file does not have or not in a form that is read";

/// What a thermal picture holds. A value that is not there is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Thermal {
    pub plane: Option<PlaneSummary>,
    /// Which of the known forms the parameters have.
    pub layout: Option<Layout>,
    /// As they were set when the picture was taken.
    pub parameters: Option<Parameters>,
    /// The sensor's type, `Mini_640`.
    pub sensor_model: Option<String>,
    pub sensor_serial: Option<String>,
    /// Of the calibration that only DJI's SDK reads.
    pub calibration_size_bytes: Option<u64>,
    /// What the raw values are not.
    pub note: &'static str,
    /// What lacks for temperatures: here, or in this file.
    pub missing: Vec<&'static str>,
    /// What is odd, in words.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// The plane without its values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlaneSummary {
    pub width_px: u32,
    pub height_px: u32,
    /// Of the sensor's values, without unit.
    pub min_raw: u16,
    pub max_raw: u16,
    pub mean_raw: f64,
}

/// Reads the raw plane and what is known about it; `None` for a file that holds nothing thermal.
///
/// # Errors
/// The source cannot be read. Damage of the file is told in the warnings.
pub fn read(reader: &mut dyn RangeRead) -> io::Result<Option<Thermal>> {
    let jpeg = jpeg::walk(reader)?;
    let block = parameters::find(reader, &jpeg)?;
    let flir = match block {
        Some(_) => None,
        None => flir::find(reader, &jpeg)?,
    };
    let plane = plane::read(reader, &jpeg, block.as_ref());
    let plane = match plane {
        Err(ThermalError::Read { source }) => return Err(source),
        Err(ThermalError::NoRawValues) if block.is_none() => return Ok(None),
        plane => plane,
    };
    let mut thermal = Thermal { note: NOTE, ..Thermal::default() };
    match plane {
        Ok(plane) => thermal.plane = Some(plane.summary()),
        Err(error) => thermal.warnings.push(error.to_string()),
    }
    if let Some(block) = block {
        thermal.layout = Some(block.layout);
        thermal.parameters = block.parameters;
        thermal.sensor_model = block.sensor_model;
        thermal.warnings.extend(block.warnings);
    }
    thermal.sensor_serial = sensor_serial(reader, &jpeg)?;
    if let Some(flir) = flir {
        thermal.note = NOTE_FLIR;
        thermal.parameters = flir.parameters();
        thermal.layout = thermal.parameters.map(|_| Layout::Flir);
        thermal.missing.push(MISSING_FLIR);
        thermal.missing.extend(thermal.plane.is_none().then_some(MISSING_PLANE));
        return Ok(Some(thermal));
    }
    // where APP3 is not the plane, the calibration moved up with it
    let plane_bytes = thermal.plane.as_ref().map(|plane| u64::from(plane.width_px) * u64::from(plane.height_px) * 2);
    let before =
        size_of(&jpeg, PLANE_MARKER).filter(|size_bytes| plane_bytes.is_some_and(|plane| plane != *size_bytes));
    thermal.calibration_size_bytes = size_of(&jpeg, CALIBRATION_MARKER).or(before);
    thermal.missing = missing(&thermal);
    Ok(Some(thermal))
}

fn missing(thermal: &Thermal) -> Vec<&'static str> {
    let no_parameters = if thermal.layout.is_some() { UNREAD_PARAMETERS } else { MISSING_PARAMETERS };
    let missing = [
        (true, MISSING_CONVERSION),
        (thermal.plane.is_none(), MISSING_PLANE),
        (thermal.calibration_size_bytes.is_none(), MISSING_CALIBRATION),
        (thermal.parameters.is_none(), no_parameters),
    ];
    missing.into_iter().filter_map(|(is_missing, what)| is_missing.then_some(what)).collect()
}

/// Whether the picture holds something thermal, wherever its segments lie: the beginning that [`crate::sniff()`] sees may
/// be filled by EXIF and XMP.
///
/// # Errors
/// The source cannot be read.
pub fn is_there(reader: &mut dyn RangeRead) -> io::Result<bool> {
    for segment in jpeg::walk(reader)?.segments {
        if !matches!(segment.marker, 0xE1 | 0xE3 | 0xE4) {
            continue;
        }
        let head = read_range(reader, segment.offset, SEGMENT_HEAD_BYTES.min(segment.size_bytes.into()))?;
        if is_thermal_segment(segment.marker, &head) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The raw values of a thermal picture.
///
/// # Errors
/// See [`ThermalError`].
pub fn plane(reader: &mut dyn RangeRead) -> Result<Plane, ThermalError> {
    let jpeg = jpeg::walk(reader)?;
    let block = parameters::find(reader, &jpeg)?;
    plane::read(reader, &jpeg, block.as_ref())
}

/// APP3.
const PLANE_MARKER: u8 = 0xE3;
/// APP5, seen in H20T, M30T and M3TD.
const CALIBRATION_MARKER: u8 = 0xE5;
/// APP7 holds texts of the camera's maker, one of them the sensor's serial number.
const TEXT_MARKER: u8 = 0xE7;
const SENSOR_ID: &[u8] = b"DJI-DBG\0[sensor_id:";
const MAX_SERIAL_BYTES: usize = 32;

fn size_of(jpeg: &Jpeg, marker: u8) -> Option<u64> {
    let sizes = jpeg.segments.iter().filter(|segment| segment.marker == marker);
    Some(sizes.map(|segment| u64::from(segment.size_bytes)).sum()).filter(|size_bytes| *size_bytes > 0)
}

fn sensor_serial(reader: &mut dyn RangeRead, jpeg: &Jpeg) -> io::Result<Option<String>> {
    for segment in jpeg.segments.iter().filter(|segment| segment.marker == TEXT_MARKER).take(4) {
        let payload = jpeg::payload(reader, *segment)?;
        if let Some(text) = payload.strip_prefix(SENSOR_ID) {
            let serial = text.iter().take(MAX_SERIAL_BYTES).take_while(|byte| byte.is_ascii_alphanumeric());
            let serial: String = serial.map(|byte| char::from(*byte)).collect();
            return Ok(Some(serial).filter(|serial| !serial.is_empty()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
