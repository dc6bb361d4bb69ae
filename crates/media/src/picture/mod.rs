//! Pictures to look at: a photo's bytes in, a small picture out, upright and without the photo's metadata.
//!
//! What a file claims is checked before anything is decoded: [`MAX_PIXELS`], [`MAX_DECODED_BYTES`]. JPEG is decoded at a half,
//! a quarter or an eighth of its size when that is enough, so that a panorama of 100 megapixels takes no more memory than
//! a photo; a preview that the camera embedded is taken instead when it is large enough. Which libraries, and why none of
//! this runs in a process of its own: docs/decisions/picture-decoding.md.

mod encode;
mod jpeg;
mod look;
mod png;
mod scale;

use std::io;

pub use encode::{Coding, Glimpse};
pub use look::{Look, PictureFormat, look};

use crate::RangeRead;
use crate::photo::{Part, Preview, PreviewSource};

/// Longest side of a thumbnail, pixels.
pub const THUMBNAIL_PX: u32 = 512;
/// Longest side of a preview, pixels.
pub const PREVIEW_PX: u32 = 2_048;
/// A file that claims more pixels is refused before it is decoded: no drone's panorama is larger.
pub const MAX_PIXELS: u64 = 320_000_000;
/// What decoding may hold in memory at the scale it is done at, bytes.
pub const MAX_DECODED_BYTES: u64 = 192 << 20;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("the file is not a picture that can be shown")]
    NotAPicture,
    #[error("the picture claims {width_px} x {height_px} pixels, more than are decoded")]
    TooLarge { width_px: u32, height_px: u32 },
    #[error("the picture is damaged: {0}")]
    Damaged(String),
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
}

/// Pixels from the top left in rows, 3 bytes each.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) rgb: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a picture of {} x {} pixels", self.width_px, self.height_px)
    }
}

impl Picture {
    /// `None` unless there are three bytes a pixel, and at least one pixel.
    pub fn new(width_px: u32, height_px: u32, rgb: Vec<u8>) -> Option<Self> {
        let bytes = u64::from(width_px).checked_mul(u64::from(height_px))?.checked_mul(3)?;
        (bytes > 0 && rgb.len() as u64 == bytes).then_some(Self { width_px, height_px, rgb })
    }

    pub fn width_px(&self) -> u32 {
        self.width_px
    }

    pub fn height_px(&self) -> u32 {
        self.height_px
    }

    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// This picture with a longest side of at most `longest_px`; never larger than it is.
    pub fn shrunk(&self, longest_px: u32) -> Self {
        scale::shrunk(self.clone(), scale::fitting((self.width_px, self.height_px), longest_px))
    }
}

/// The embedded preview that stands for the picture: it has at least the size wanted and the same proportions. Upright, with
/// a longest side of at most `longest_px`. `None` when there is none, or it is damaged. Reads only the preview's bytes.
pub fn embedded_picture(reader: &mut dyn RangeRead, look: &Look, longest_px: u32) -> Option<Picture> {
    look.previews.iter().filter(|preview| look.is_shown_by(preview, longest_px)).find_map(|preview| {
        let decoded = decode_part(reader, preview, longest_px).ok()?;
        Some(scale::shrunk(decoded, scale::fitting(look.stored_size(), longest_px)).turned(look.orientation))
    })
}

/// The picture itself, upright, with a longest side of at most `longest_px`, whatever is embedded.
///
/// # Errors
/// [`PictureError`].
pub fn whole_picture(reader: &mut dyn RangeRead, look: &Look, longest_px: u32) -> Result<Picture, PictureError> {
    let decoded = match look.format {
        PictureFormat::Jpeg => jpeg::decode(reader, longest_px)?,
        PictureFormat::Png => png::decode(reader)?,
        PictureFormat::Tiff => {
            let largest = look.previews.iter().rfind(|preview| preview.source == PreviewSource::Tiff);
            decode_part(reader, largest.ok_or(PictureError::NotAPicture)?, longest_px)?
        }
    };
    Ok(scale::shrunk(decoded, scale::fitting(look.stored_size(), longest_px)).turned(look.orientation))
}

fn decode_part(reader: &mut dyn RangeRead, preview: &Preview, longest_px: u32) -> Result<Picture, PictureError> {
    let (offset, size_bytes) = (preview.offset, preview.size_bytes);
    jpeg::decode(&mut Part { reader, offset, size_bytes }, longest_px)
}
