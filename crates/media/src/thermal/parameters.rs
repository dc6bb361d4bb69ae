//! The parameters of the measurement, in the forms that DJI's cameras have used so far.
//!
//! Known from exiftool's tables (`ThermalParams`, `ThermalParams2`, `ThermalParams3`) and seen in files of H20T, M30T and M3TD.

use std::io;

use serde::Serialize;

use crate::RangeRead;
use crate::photo::jpeg::{self, Jpeg};

/// APP4.
const MARKER: u8 = 0xE4;
/// APP4 segments that are looked into; one is usual.
const MAX_SEGMENTS: usize = 8;
/// A container of newer cameras: four bytes, four letters, 24 bytes of no meaning.
const CONTAINER: [u8; 4] = [0xFF, 0xD2, 0xD1, 0xFF];
const LEAD_BYTES: usize = 32;

/// Named after the bytes that it is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Layout {
    /// H20T: whole numbers behind the calibration's.
    #[serde(rename = "aa551206")]
    Aa551206,
    /// Floating point numbers: M30T, M3T, M3TD, M2EA, H20N.
    #[serde(rename = "2c012000")]
    _2c012000,
    /// Whole numbers: some M30T and M3T.
    #[serde(rename = "aa553800")]
    Aa553800,
    /// Floating point numbers without the mark of the former: H30T, M4T.
    #[serde(rename = "iirp")]
    Iirp,
    /// FLIR's: Zenmuse XT, XT R, XT2.
    #[serde(rename = "flir")]
    Flir,
    /// M3TD since firmware 09.02: its meaning is not public, but for the plane's size.
    #[serde(rename = "hirp")]
    Hirp,
    /// A container whose content is none of the above.
    #[serde(rename = "unknown")]
    Unknown,
}

impl Layout {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aa551206 => "aa551206",
            Self::_2c012000 => "2c012000",
            Self::Aa553800 => "aa553800",
            Self::Iirp => "iirp",
            Self::Flir => "flir",
            Self::Hirp => "hirp",
            Self::Unknown => "unknown",
        }
    }
}

/// What the operator, or the camera's default, says of the scene. A number that cannot be is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Parameters {
    pub object_distance_m: Option<f64>,
    pub relative_humidity_percent: Option<f64>,
    /// 0 to 1.
    pub emissivity: Option<f64>,
    pub reflected_temperature_c: Option<f64>,
    pub ambient_temperature_c: Option<f64>,
    /// The whole numbers as they stand in the file, where a layout has them.
    pub raw: Option<RawParameters>,
}

/// Units: distance in m (`aa551206`) or dm (`aa553800`), percent, hundredths, tenths of a degree; that of `ambient` is not
/// established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RawParameters {
    pub object_distance: u16,
    pub relative_humidity: u16,
    pub emissivity: u16,
    pub reflected_temperature: i16,
    pub ambient: Option<i16>,
}

/// An APP4 segment that is known.
pub(super) struct Block {
    pub(super) layout: Layout,
    pub(super) parameters: Option<Parameters>,
    pub(super) sensor_model: Option<String>,
    /// Of the raw plane, when it tells it.
    pub(super) size_px: Option<(u32, u32)>,
    pub(super) warnings: Vec<String>,
}

pub(super) fn find(reader: &mut dyn RangeRead, jpeg: &Jpeg) -> io::Result<Option<Block>> {
    for segment in jpeg.segments.iter().filter(|segment| segment.marker == MARKER).take(MAX_SEGMENTS) {
        let payload = jpeg::payload(reader, *segment)?;
        if let Some(block) = of_payload(&payload) {
            return Ok(Some(block));
        }
    }
    Ok(None)
}

fn of_payload(payload: &[u8]) -> Option<Block> {
    let at = |offset: usize, magic: [u8; 4]| payload.get(offset..offset + 4) == Some(&magic);
    let mut block =
        Block { layout: Layout::Unknown, parameters: None, sensor_model: None, size_px: None, warnings: Vec::new() };
    let found = if at(0, [0xAA, 0x55, 0x12, 0x06]) {
        block.layout = Layout::Aa551206;
        aa551206(payload)
    } else if let Some(base) = [LEAD_BYTES, 0].into_iter().find(|base| at(base + 0x20, [0x2C, 0x01, 0x20, 0x00])) {
        block.layout = Layout::_2c012000;
        block.sensor_model = payload.get(base + 0x65..base + 0x75).and_then(word);
        payload.get(base..).and_then(floats)
    } else if at(LEAD_BYTES, [0xAA, 0x55, 0x38, 0x00]) {
        block.layout = Layout::Aa553800;
        payload.get(LEAD_BYTES..).and_then(aa553800)
    } else if let Some(found) = payload.get(LEAD_BYTES..).and_then(floats).filter(|found| {
        // nothing but the numbers themselves tells that they are there
        at(0, CONTAINER) && at(4, *b"iirp") && found.is_set()
    }) {
        block.layout = Layout::Iirp;
        block.sensor_model = payload.get(LEAD_BYTES + 0x65..LEAD_BYTES + 0x75).and_then(word);
        Some(found)
    } else if at(0, CONTAINER) {
        if at(4, *b"hirp") {
            block.layout = Layout::Hirp;
            block.size_px = u32_at(payload, 0x28).zip(u32_at(payload, 0x2C));
        }
        None
    } else {
        return None;
    };
    if let Some(found) = found {
        let sound = found.sound();
        if sound != found {
            block.warnings.push("a parameter of the thermal measurement cannot be and was left out".into());
        }
        block.parameters = Some(sound);
    }
    Some(block)
}

fn aa551206(bytes: &[u8]) -> Option<Parameters> {
    let raw = RawParameters {
        object_distance: u16_at(bytes, 0x44)?,
        relative_humidity: u16_at(bytes, 0x46)?,
        emissivity: u16_at(bytes, 0x48)?,
        reflected_temperature: u16_at(bytes, 0x4A)? as i16,
        ambient: Some(u16_at(bytes, 0x4C)? as i16),
    };
    Some(raw.with_distance_unit(1.0))
}

fn aa553800(bytes: &[u8]) -> Option<Parameters> {
    let raw = RawParameters {
        relative_humidity: u16_at(bytes, 0x04)?,
        object_distance: u16_at(bytes, 0x06)?,
        emissivity: u16_at(bytes, 0x08)?,
        reflected_temperature: u16_at(bytes, 0x0A)? as i16,
        ambient: None,
    };
    Some(raw.with_distance_unit(0.1))
}

fn floats(bytes: &[u8]) -> Option<Parameters> {
    let number = |at: usize| u32_at(bytes, at).map(|bits| tidy(f64::from(f32::from_bits(bits))));
    Some(Parameters {
        ambient_temperature_c: Some(number(0x00)?),
        object_distance_m: Some(number(0x04)?),
        emissivity: Some(number(0x08)?),
        relative_humidity_percent: Some(tidy(number(0x0C)? * 100.0)),
        reflected_temperature_c: Some(number(0x10)?),
        raw: None,
    })
}

impl RawParameters {
    fn with_distance_unit(self, unit_m: f64) -> Parameters {
        Parameters {
            object_distance_m: Some(tidy(f64::from(self.object_distance) * unit_m)),
            relative_humidity_percent: Some(self.relative_humidity.into()),
            emissivity: Some(f64::from(self.emissivity) / 100.0),
            reflected_temperature_c: Some(f64::from(self.reflected_temperature) / 10.0),
            ambient_temperature_c: None,
            raw: Some(self),
        }
    }
}

impl Parameters {
    /// Every number is there and is one that a camera can be set to.
    fn is_set(self) -> bool {
        let numbers = [
            self.object_distance_m.filter(|distance_m| *distance_m > 0.0),
            self.relative_humidity_percent,
            self.emissivity.filter(|emissivity| *emissivity > 0.0),
            self.reflected_temperature_c,
            self.ambient_temperature_c,
        ];
        numbers.iter().all(Option::is_some) && self.sound() == self
    }

    /// Without the numbers that no camera can be set to.
    pub(super) fn sound(self) -> Self {
        let within = |number: Option<f64>, least: f64, most: f64| number.filter(|n| (least..=most).contains(n));
        Self {
            object_distance_m: within(self.object_distance_m, 0.0, 10_000.0),
            relative_humidity_percent: within(self.relative_humidity_percent, 0.0, 100.0),
            emissivity: within(self.emissivity, 0.0, 1.0),
            reflected_temperature_c: within(self.reflected_temperature_c, -100.0, 1_000.0),
            ambient_temperature_c: within(self.ambient_temperature_c, -100.0, 1_000.0),
            raw: self.raw,
        }
    }
}

/// A 32-bit float's digits, without those that the wider type adds.
pub(super) fn tidy(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

fn word(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let printable = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
    printable.then(|| String::from_utf8_lossy(bytes).into_owned())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}
