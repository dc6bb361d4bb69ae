//! FLIR's raw plane and parameters, as the Zenmuse XT, XT R and XT2 carry them: a file of records, cut into APP1 segments.
//!
//! Known from exiftool's `FLIR` tables. Either byte order; the values are plain, or a PNG whose bytes are mostly swapped.

use std::io;

use super::Parameters;
use super::plane::{MAX_PLANE_BYTES, ThermalError};
use crate::RangeRead;
use crate::photo::jpeg::{self, Jpeg};

const NAME: &[u8] = b"FLIR\0";
/// The name, a version, this part's number and the last one's.
const LEAD_BYTES: usize = 8;
const HEADER_BYTES: usize = 0x40;
const RECORD_BYTES: usize = 32;
const MAX_RECORDS: usize = 256;
const MAX_FILE_BYTES: usize = 32 * 1024 * 1024;
const RAW_DATA: u16 = 0x01;
const CAMERA: u16 = 0x20;
/// Where a plane's values begin in its record.
const VALUES_AT: usize = 0x20;
const KELVIN: f64 = 273.15;

/// The file that the segments make; `None` when there is none.
pub(super) fn find(reader: &mut dyn RangeRead, jpeg: &Jpeg) -> io::Result<Option<Flir>> {
    let mut parts = Vec::new();
    let mut size_bytes = 0;
    for segment in jpeg.segments.iter().filter(|segment| segment.marker == 0xE1) {
        let payload = jpeg::payload(reader, *segment)?;
        let (true, Some(number)) = (payload.starts_with(NAME), payload.get(LEAD_BYTES - 2)) else { continue };
        size_bytes += payload.len();
        if size_bytes > MAX_FILE_BYTES {
            break;
        }
        parts.push((*number, payload));
    }
    if parts.is_empty() {
        return Ok(None);
    }
    parts.sort_by_key(|(number, _)| *number);
    let bytes = parts.iter().flat_map(|(_, part)| part.get(LEAD_BYTES..).unwrap_or_default()).copied().collect();
    Ok(Some(Flir { bytes }))
}

pub(super) struct Flir {
    bytes: Vec<u8>,
}

impl Flir {
    pub(super) fn plane(&self) -> Result<(u32, u32, Vec<u16>), ThermalError> {
        let record = self.record(RAW_DATA).filter(|record| record.bytes.len() > VALUES_AT).ok_or(ThermalError::Flir)?;
        let (width_px, height_px) = record.u16(2).zip(record.u16(4)).ok_or(ThermalError::Flir)?;
        let (width_px, height_px) = (u32::from(width_px), u32::from(height_px));
        let size_bytes = u64::from(width_px) * u64::from(height_px) * 2;
        if size_bytes == 0 {
            return Err(ThermalError::Flir);
        }
        if size_bytes > MAX_PLANE_BYTES {
            return Err(ThermalError::TooLarge { size_bytes });
        }
        let data = record.bytes.get(VALUES_AT..).unwrap_or_default();
        if data.starts_with(&[0x89, b'P', b'N', b'G']) {
            return from_png(data, width_px, height_px).map(|values| (width_px, height_px, values));
        }
        let data =
            data.get(..size_bytes as usize).ok_or(ThermalError::UnknownSize { size_bytes: data.len() as u64 })?;
        let pairs = data.as_chunks::<2>().0.iter();
        let values =
            pairs.map(|pair| if record.little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) });
        Ok((width_px, height_px, values.collect()))
    }

    pub(super) fn parameters(&self) -> Option<Parameters> {
        let record = self.record(CAMERA)?;
        let celsius = |at: usize| record.f32(at).map(|kelvin| super::parameters::tidy(kelvin - KELVIN));
        let number = |at: usize| record.f32(at).map(super::parameters::tidy);
        // a part of one, or percent
        let humidity = number(0x3C).map(|humidity| if humidity > 2.0 { humidity } else { humidity * 100.0 });
        let found = Parameters {
            object_distance_m: number(0x24),
            relative_humidity_percent: humidity,
            emissivity: number(0x20),
            reflected_temperature_c: celsius(0x28),
            ambient_temperature_c: celsius(0x2C),
            raw: None,
        };
        (record.bytes.len() >= 0x40).then(|| found.sound())
    }

    fn record(&self, wanted: u16) -> Option<Record<'_>> {
        let header = self.bytes.get(..HEADER_BYTES)?;
        let u32_at = |at: usize, little: bool| {
            let bytes: [u8; 4] = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
            Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) } as usize)
        };
        let little = [false, true].into_iter().find(|little| {
            header.get(1..4) == Some(b"FF\0")
                && u32_at(0x14, *little).is_some_and(|version| (100..200).contains(&version))
        })?;
        let (directory, count) = u32_at(0x18, little).zip(u32_at(0x1C, little))?;
        for n in 0..count.min(MAX_RECORDS) {
            let at = directory.checked_add(n * RECORD_BYTES)?;
            let kind: [u8; 2] = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
            let kind = if little { u16::from_le_bytes(kind) } else { u16::from_be_bytes(kind) };
            if kind != wanted {
                continue;
            }
            let (from, length) = u32_at(at + 0x0C, little).zip(u32_at(at + 0x10, little))?;
            let bytes = self.bytes.get(from..)?;
            let bytes = bytes.get(..length).unwrap_or(bytes);
            // each record says its own order: its first number is 2, or a small one
            let first: [u8; 2] = bytes.get(..2)?.try_into().ok()?;
            return Some(Record { bytes, little: u16::from_le_bytes(first) < 0x100 });
        }
        None
    }
}

struct Record<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl Record<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        let bytes: [u8; 2] = self.bytes.get(at..at + 2)?.try_into().ok()?;
        Some(if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn f32(&self, at: usize) -> Option<f64> {
        let bytes: [u8; 4] = self.bytes.get(at..at + 4)?.try_into().ok()?;
        let number = if self.little { f32::from_le_bytes(bytes) } else { f32::from_be_bytes(bytes) };
        Some(f64::from(number)).filter(|number| number.is_finite())
    }
}

/// The cameras write the low byte first, which is not PNG's order.
fn from_png(data: &[u8], width_px: u32, height_px: u32) -> Result<Vec<u16>, ThermalError> {
    let damaged = |_| ThermalError::Flir;
    let mut decoder = png::Decoder::new_with_limits(io::Cursor::new(data), png::Limits { bytes: MAX_FILE_BYTES });
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut png = decoder.read_info().map_err(damaged)?;
    let info = png.info();
    let is_plane = info.size() == (width_px, height_px)
        && (info.color_type, info.bit_depth) == (png::ColorType::Grayscale, png::BitDepth::Sixteen);
    let size = png.output_buffer_size().filter(|_| is_plane).ok_or(ThermalError::Flir)?;
    let mut bytes = vec![0; size];
    png.next_frame(&mut bytes).map_err(damaged)?;
    Ok(bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
}
