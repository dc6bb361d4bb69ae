//! Pixels to what browsers show, and to what stands in until it is there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use serde::Serialize;
use webp::WebPConfig;

use super::{Picture, PictureError};

/// Of a WebP, 0 to 100.
const WEBP_QUALITY: f32 = 78.0;
/// libwebp's effort, 0 to 6: 0 takes a quarter of the time of 4 for a tenth more bytes.
const WEBP_METHOD: i32 = 0;
const JPEG_QUALITY: u8 = 82;
/// Longest side of what a placeholder is made of, pixels (ThumbHash: at most 100).
const GLIMPSE_PX: u32 = 64;

/// How a small picture is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    WebP,
    Jpeg,
}

impl Coding {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::WebP => "image/webp",
            Self::Jpeg => "image/jpeg",
        }
    }

    /// Of a file, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::WebP => "webp",
            Self::Jpeg => "jpg",
        }
    }
}

/// What stands in for a picture until it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Glimpse {
    /// ThumbHash in base64 without padding.
    pub thumbhash: String,
    /// `#rrggbb`.
    pub average_color: String,
}

impl Picture {
    /// The picture as a file, without metadata.
    ///
    /// # Errors
    /// [`PictureError::Damaged`] when a side is too long for the coding (WebP: 16,383 pixels).
    pub fn encode(&self, coding: Coding) -> Result<Vec<u8>, PictureError> {
        match coding {
            Coding::WebP => self.webp(),
            Coding::Jpeg => self.jpeg(),
        }
    }

    fn webp(&self) -> Result<Vec<u8>, PictureError> {
        let refused = || PictureError::Damaged("it cannot be made a WebP".to_owned());
        let mut config = WebPConfig::new().map_err(|()| refused())?;
        config.quality = WEBP_QUALITY;
        config.method = WEBP_METHOD;
        let encoder = webp::Encoder::from_rgb(&self.rgb, self.width_px, self.height_px);
        Ok(encoder.encode_advanced(&config).map_err(|_| refused())?.to_vec())
    }

    fn jpeg(&self) -> Result<Vec<u8>, PictureError> {
        let refused =
            |error: &dyn std::fmt::Display| PictureError::Damaged(format!("it cannot be made a JPEG: {error}"));
        let side = |side: u32| u16::try_from(side).map_err(|error| refused(&error));
        let mut jpeg = Vec::with_capacity(self.rgb.len() / 8);
        let mut encoder = Encoder::new(&mut jpeg, JPEG_QUALITY);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder
            .encode(&self.rgb, side(self.width_px)?, side(self.height_px)?, ColorType::Rgb)
            .map_err(|error| refused(&error))?;
        Ok(jpeg)
    }

    pub fn glimpse(&self) -> Glimpse {
        let small = self.shrunk(GLIMPSE_PX);
        let rgba: Vec<u8> = small.rgb.chunks_exact(3).flat_map(|pixel| pixel.iter().copied().chain([255])).collect();
        let hash = thumbhash::rgba_to_thumb_hash(small.width_px as usize, small.height_px as usize, &rgba);
        let pixels = (small.rgb.len() / 3).max(1) as u64;
        let mut sums = [0_u64; 3];
        for pixel in small.rgb.chunks_exact(3) {
            for (sum, channel) in sums.iter_mut().zip(pixel) {
                *sum += u64::from(*channel);
            }
        }
        let [r, g, b] = sums.map(|sum| sum / pixels);
        Glimpse { thumbhash: STANDARD_NO_PAD.encode(hash), average_color: format!("#{r:02x}{g:02x}{b:02x}") }
    }
}
