//! Smaller, and upright.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::Picture;

/// The size with a longest side of `longest_px` at most, in the proportions of this one.
pub(super) fn fitting((width_px, height_px): (u32, u32), longest_px: u32) -> (u32, u32) {
    let longest = width_px.max(height_px);
    if longest <= longest_px {
        return (width_px, height_px);
    }
    let side = |side: u32| {
        let scaled = (u64::from(side) * u64::from(longest_px) + u64::from(longest) / 2) / u64::from(longest);
        u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
    };
    (side(width_px), side(height_px))
}

/// The picture at this size; unchanged where it is no larger.
pub(super) fn shrunk(picture: Picture, (width_px, height_px): (u32, u32)) -> Picture {
    if picture.width_px <= width_px && picture.height_px <= height_px {
        return picture;
    }
    let source = ImageRef::new(picture.width_px, picture.height_px, &picture.rgb, PixelType::U8x3);
    let source = source.expect("a picture has three bytes a pixel");
    let mut target = Image::new(width_px, height_px, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize(&source, &mut target, &options).expect("both have the same type of pixels");
    Picture { width_px, height_px, rgb: target.into_vec() }
}

impl Picture {
    /// As it is seen when EXIF says this orientation (1 to 8; anything else is 1).
    pub fn turned(self, orientation: u8) -> Self {
        if !(2..=8).contains(&orientation) {
            return self;
        }
        let (width, height) = (self.width_px as usize, self.height_px as usize);
        let (out_width, out_height) = if orientation >= 5 { (height, width) } else { (width, height) };
        let mut rgb = Vec::with_capacity(self.rgb.len());
        for y in 0..out_height {
            for x in 0..out_width {
                // where this pixel of the upright picture is stored
                let (from_x, from_y) = match orientation {
                    2 => (width - 1 - x, y),
                    3 => (width - 1 - x, height - 1 - y),
                    4 => (x, height - 1 - y),
                    5 => (y, x),
                    6 => (y, height - 1 - x),
                    7 => (width - 1 - y, height - 1 - x),
                    _ => (width - 1 - y, x),
                };
                let at = (from_y * width + from_x) * 3;
                rgb.extend_from_slice(self.rgb.get(at..at + 3).unwrap_or(&[0; 3]));
            }
        }
        Self { width_px: out_width as u32, height_px: out_height as u32, rgb }
    }
}
