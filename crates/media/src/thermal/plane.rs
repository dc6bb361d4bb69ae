//! The raw plane: 16-bit values in the APP3 segments, joined, row by row.

use std::io::{self, Write};

use super::parameters::Block;
use super::{NOTE, NOTE_FLIR, Parameters, PlaneSummary, flir, png, tiff};
use crate::photo::jpeg::{self, Jpeg, Segment};
use crate::{RangeRead, read_range};

/// APP3; the Zenmuse XT S keeps its plane in APP4, and something else in APP3.
const MARKERS: [u8; 2] = [0xE3, 0xE4];
/// The largest known plane, 1,280 x 1,024, has 2.6 MB.
pub(super) const MAX_PLANE_BYTES: u64 = 16 * 1024 * 1024;
/// Sizes of the sensors that DJI has used, for a plane that fits neither the picture nor its shape.
const KNOWN_SIZES_PX: [(u32, u32); 7] =
    [(640, 512), (1_280, 1_024), (320, 256), (160, 120), (336, 256), (256, 192), (640, 480)];
const MIN_NAME_BYTES: usize = 4;
const MAX_NAME_BYTES: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum ThermalError {
    #[error("the picture cannot be read")]
    Read {
        #[from]
        source: io::Error,
    },
    #[error("the picture holds no raw thermal values")]
    NoRawValues,
    #[error("the raw thermal values are in FLIR's format, in a form of it that is not read")]
    Flir,
    #[error("{size_bytes} bytes of raw thermal values are more than is read")]
    TooLarge { size_bytes: u64 },
    #[error("{size_bytes} bytes of raw thermal values are no plane of a known size")]
    UnknownSize { size_bytes: u64 },
}

/// What the sensor measured, row by row from the upper left.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    pub width_px: u32,
    pub height_px: u32,
    /// As many as width times height.
    pub values: Vec<u16>,
    /// Goes into exported files: what the values are not.
    pub note: String,
}

impl Plane {
    pub fn summary(&self) -> PlaneSummary {
        let sum: u64 = self.values.iter().map(|value| u64::from(*value)).sum();
        PlaneSummary {
            width_px: self.width_px,
            height_px: self.height_px,
            min_raw: self.values.iter().copied().min().unwrap_or(0),
            max_raw: self.values.iter().copied().max().unwrap_or(0),
            mean_raw: (sum as f64 / self.values.len().max(1) as f64 * 1_000.0).round() / 1_000.0,
        }
    }

    /// Writes a 16-bit grey PNG with the note as its `Description`.
    ///
    /// # Errors
    /// What the sink says.
    pub fn to_png16(&self, sink: &mut impl Write) -> io::Result<()> {
        png::write(self, sink)
    }

    /// Writes a 16-bit grey TIFF with the note as its `ImageDescription`.
    ///
    /// # Errors
    /// What the sink says.
    pub fn to_tiff16(&self, sink: &mut impl Write) -> io::Result<()> {
        tiff::write(self, sink)
    }
}

pub(super) fn read(reader: &mut dyn RangeRead, jpeg: &Jpeg, block: Option<&Block>) -> Result<Plane, ThermalError> {
    let of_marker = |marker: u8| {
        let segments = jpeg.segments.iter().filter(move |segment| segment.marker == marker);
        let size_bytes: u64 = segments.clone().map(|segment| u64::from(segment.size_bytes)).sum();
        (segments.copied().collect::<Vec<_>>(), size_bytes)
    };
    let (first, size_bytes) = of_marker(MARKERS[0]);
    if size_bytes == 0 {
        let flir = flir::find(reader, jpeg)?.ok_or(ThermalError::NoRawValues)?;
        let (width_px, height_px, values) = flir.plane()?;
        return Ok(Plane { width_px, height_px, values, note: note(NOTE_FLIR, None, flir.parameters()) });
    }
    if size_bytes > MAX_PLANE_BYTES {
        return Err(ThermalError::TooLarge { size_bytes });
    }
    let picture_px = jpeg.width_px.zip(jpeg.height_px);
    let told_px = block.and_then(|block| block.size_px);
    let mut there =
        MARKERS.map(of_marker).into_iter().filter(|(_, size_bytes)| (1..=MAX_PLANE_BYTES).contains(size_bytes));
    let sized = there
        .find_map(|(segments, size_bytes)| Some((size_px(size_bytes, told_px, picture_px)?, segments, size_bytes)));
    let Some(((width_px, height_px), segments, size_bytes)) = sized else {
        return Err(match first.first() {
            Some(first) if block.is_none() && is_named(reader, *first)? => ThermalError::NoRawValues,
            _ => ThermalError::UnknownSize { size_bytes },
        });
    };
    let mut bytes = Vec::with_capacity(size_bytes as usize);
    for segment in segments {
        bytes.extend(jpeg::payload(reader, segment)?);
    }
    let values: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    let layout = block.map(|block| block.layout.as_str());
    Ok(Plane { width_px, height_px, values, note: note(NOTE, layout, block.and_then(|block| block.parameters)) })
}

/// What the file tells, the picture's own size, its shape, a known sensor's: the first one that the bytes fill exactly.
fn size_px(size_bytes: u64, told_px: Option<(u32, u32)>, picture_px: Option<(u32, u32)>) -> Option<(u32, u32)> {
    let fills = |(width, height): &(u32, u32)| {
        let pixels = u64::from(*width).checked_mul(u64::from(*height)).and_then(|pixels| pixels.checked_mul(2));
        pixels == Some(size_bytes)
    };
    let shaped = picture_px.and_then(|(width, height)| {
        let pixels = size_bytes as f64 / 2.0;
        let own_height = (pixels * f64::from(height) / f64::from(width)).sqrt().round();
        let own_width = (own_height * f64::from(width) / f64::from(height)).round();
        // a picture whose other side is another number of pixels is not of this shape
        let exact = own_width * f64::from(height) == own_height * f64::from(width);
        exact.then_some((own_width as u32, own_height as u32))
    });
    [told_px, picture_px, shaped].into_iter().flatten().chain(KNOWN_SIZES_PX).find(fills)
}

/// Other makers put a name before what they keep in APP3: `Meta`, `Stim`, `_JPSJPS_`.
fn is_named(reader: &mut dyn RangeRead, segment: Segment) -> io::Result<bool> {
    let head = read_range(reader, segment.offset, MAX_NAME_BYTES.min(segment.size_bytes.into()))?;
    let name = head.iter().take_while(|byte| byte.is_ascii_graphic()).count();
    Ok(name >= MIN_NAME_BYTES && matches!(head.get(name), None | Some(0)))
}

fn note(what: &str, layout: Option<&str>, parameters: Option<Parameters>) -> String {
    let mut note = what.to_owned();
    note.extend(layout.map(|layout| format!(" Layout of the parameters: {layout}.")));
    let Some(parameters) = parameters else { return note };
    for (name, value, unit) in [
        ("object distance", parameters.object_distance_m, "m"),
        ("relative humidity", parameters.relative_humidity_percent, "percent"),
        ("emissivity", parameters.emissivity, ""),
        ("reflected temperature", parameters.reflected_temperature_c, "degrees Celsius"),
        ("ambient temperature", parameters.ambient_temperature_c, "degrees Celsius"),
    ] {
        if let Some(value) = value {
            note.push_str(format!(" Set {name}: {value} {unit}").trim_end());
            note.push('.');
        }
    }
    note
}
