//! What a picture file says of itself, without decoding it.

use serde::Serialize;

use super::{MAX_PIXELS, PictureError};
use crate::photo::{self, Preview, PreviewSource};
use crate::{RangeRead, read_range};

/// Proportions of preview and picture may differ by this much: cameras round.
const MAX_ASPECT_DIFFERENCE: f64 = 0.02;
/// A preview may be larger than its picture (960 x 768 beside a thermal 640 x 512), but not more than this.
const MAX_PREVIEW_PIXELS: u64 = 4_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PictureFormat {
    Jpeg,
    Png,
    /// TIFF and DNG: seen through the JPEG that the camera put in.
    Tiff,
}

/// A picture as it says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    pub format: PictureFormat,
    /// As it is seen, the orientation applied.
    pub width_px: u32,
    pub height_px: u32,
    /// EXIF's word, 1 to 8; 1 when the file does not say.
    pub orientation: u8,
    /// The smallest first.
    pub(super) previews: Vec<Preview>,
}

impl Look {
    /// As it is stored.
    pub(super) fn stored_size(&self) -> (u32, u32) {
        if self.orientation >= 5 { (self.height_px, self.width_px) } else { (self.width_px, self.height_px) }
    }

    /// Whether the preview shows the same as the picture and is large enough.
    pub(super) fn is_shown_by(&self, preview: &Preview, longest_px: u32) -> bool {
        let (Some(width), Some(height)) = (preview.width_px, preview.height_px) else { return false };
        let (width_px, height_px) = self.stored_size();
        let aspect = |width: u32, height: u32| f64::from(width) / f64::from(height.max(1));
        let wanted = longest_px.min(width_px.max(height_px));
        let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height);
        let modest = pixels(width, height) <= pixels(width_px, height_px).max(MAX_PREVIEW_PIXELS);
        let difference = aspect(width, height) / aspect(width_px, height_px) - 1.0;
        modest && width.max(height) >= wanted && difference.abs() <= MAX_ASPECT_DIFFERENCE
    }
}

/// Reads the headers of a picture.
///
/// # Errors
/// [`PictureError::NotAPicture`] for other files, [`PictureError::TooLarge`] over [`MAX_PIXELS`], [`PictureError::Damaged`].
pub fn look(reader: &mut dyn RangeRead) -> Result<Look, PictureError> {
    let head = read_range(reader, 0, 24)?;
    match *head.as_slice() {
        [0xFF, 0xD8, 0xFF, ..] => look_at_photo(reader, PictureFormat::Jpeg),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => look_at_photo(reader, PictureFormat::Tiff),
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, _, _, _, _, b'I', b'H', b'D', b'R', ref size @ ..] => {
            let [w0, w1, w2, w3, h0, h1, h2, h3] = *size else { return Err(damaged("its header is cut off")) };
            let (width_px, height_px) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
            checked(Look { format: PictureFormat::Png, width_px, height_px, orientation: 1, previews: Vec::new() })
        }
        _ => Err(PictureError::NotAPicture),
    }
}

pub(super) fn damaged(what: &str) -> PictureError {
    PictureError::Damaged(what.to_owned())
}

fn checked(look: Look) -> Result<Look, PictureError> {
    let (width_px, height_px) = (look.width_px, look.height_px);
    match u64::from(width_px) * u64::from(height_px) {
        0 => Err(damaged("it has no pixels")),
        1..=MAX_PIXELS => Ok(look),
        _ => Err(PictureError::TooLarge { width_px, height_px }),
    }
}

fn look_at_photo(reader: &mut dyn RangeRead, format: PictureFormat) -> Result<Look, PictureError> {
    let photo = photo::layout(reader)?;
    let orientation = photo.orientation.filter(|orientation| (1..=8).contains(orientation)).unwrap_or(1);
    let largest = photo.previews.iter().rfind(|preview| preview.source == PreviewSource::Tiff);
    if format == PictureFormat::Tiff && largest.is_none() {
        return Err(PictureError::NotAPicture);
    }
    let size = photo.width_px.zip(photo.height_px);
    let size = size.or_else(|| largest.and_then(|preview| preview.width_px.zip(preview.height_px)));
    let (width_px, height_px) = size.ok_or_else(|| damaged("it has no frame that can be decoded"))?;
    let (width_px, height_px) = if orientation >= 5 { (height_px, width_px) } else { (width_px, height_px) };
    checked(Look { format, width_px, height_px, orientation, previews: photo.previews })
}
