//! PNG to pixels: screens and exports that people add; no drone writes it.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use png::{ColorType, Decoder, DecodingError, Limits, Transformations};

use super::look::damaged;
use super::{MAX_DECODED_BYTES, Picture, PictureError};
use crate::RangeRead;

/// Behind transparent pixels.
const BACKGROUND: u16 = 255;
const MAX_CHUNK_BYTES: usize = 32 << 20;

pub(super) fn decode(reader: &mut dyn RangeRead) -> Result<Picture, PictureError> {
    let source = BufReader::with_capacity(64 * 1024, Source { reader, at: 0 });
    let mut decoder = Decoder::new_with_limits(source, Limits { bytes: MAX_CHUNK_BYTES });
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.ignore_checksums(false);
    let mut png = decoder.read_info().map_err(explain)?;
    let (width_px, height_px) = png.info().size();
    let too_large = PictureError::TooLarge { width_px, height_px };
    // the decoder's pixels (at most 4 bytes) and ours
    let pixels = u64::from(width_px) * u64::from(height_px);
    if pixels.saturating_mul(7) > MAX_DECODED_BYTES {
        return Err(too_large);
    }
    let Some(size) = png.output_buffer_size() else { return Err(too_large) };
    let mut bytes = vec![0; size];
    let frame = png.next_frame(&mut bytes).map_err(explain)?;
    let rgb = match frame.color_type {
        ColorType::Rgb => {
            bytes.truncate(frame.buffer_size());
            bytes
        }
        ColorType::Rgba => bytes.chunks_exact(4).flat_map(over_background).collect(),
        ColorType::Grayscale => bytes.iter().flat_map(|grey| [*grey; 3]).collect(),
        ColorType::GrayscaleAlpha => bytes.chunks_exact(2).flat_map(grey_over_background).collect(),
        ColorType::Indexed => return Err(damaged("its palette was not applied")),
    };
    Picture::new(frame.width, frame.height, rgb).ok_or_else(|| damaged("it has too few pixels"))
}

fn over_background(pixel: &[u8]) -> [u8; 3] {
    let [r, g, b, alpha] = *pixel else { return [0; 3] };
    [r, g, b].map(|channel| {
        let (channel, alpha) = (u16::from(channel), u16::from(alpha));
        ((channel * alpha + BACKGROUND * (255 - alpha)) / 255) as u8
    })
}

fn grey_over_background(pixel: &[u8]) -> [u8; 3] {
    let [grey, alpha] = *pixel else { return [0; 3] };
    over_background(&[grey, grey, grey, alpha])
}

fn explain(error: DecodingError) -> PictureError {
    match error {
        DecodingError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => damaged("it ends too early"),
        DecodingError::IoError(error) => PictureError::Io(error),
        other => PictureError::Damaged(other.to_string()),
    }
}

struct Source<'a> {
    reader: &'a mut dyn RangeRead,
    at: u64,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.reader.size_bytes().saturating_sub(self.at)).unwrap_or(usize::MAX);
        let length = left.min(buffer.len());
        self.reader.read_exact_at(self.at, buffer.get_mut(..length).unwrap_or_default())?;
        self.at += length as u64;
        Ok(length)
    }
}

impl Seek for Source<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.reader.size_bytes().checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
