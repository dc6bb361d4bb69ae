//! JPEG to pixels, at the smallest of the scales 1, 1/2, 1/4 and 1/8 that is enough.

use std::io::{self, BufReader, Read};
use std::time::{Duration, Instant};

use jpeg_decoder::{ColorTransform, Decoder, Error, PixelFormat};

use super::look::damaged;
use super::{MAX_DECODED_BYTES, MAX_PIXELS, Picture, PictureError};
use crate::RangeRead;
use crate::photo::jpeg::{payload, walk};

/// Scans of a progressive picture; encoders make about 10, and each costs a walk over all of its blocks.
const MAX_SCANS: usize = 64;
/// A decoder that is still reading after this time gets an error instead of bytes.
const MAX_TIME: Duration = Duration::from_secs(20);
/// Read from the source at once, bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// Pixels with a longest side of at least `longest_px` where the picture has it, as they are stored.
pub(super) fn decode(reader: &mut dyn RangeRead, longest_px: u32) -> Result<Picture, PictureError> {
    let frame = Frame::read(reader)?;
    let (width, height) = (u32::from(frame.width), u32::from(frame.height));
    let (width_px, height_px) = (width, height);
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(PictureError::TooLarge { width_px, height_px });
    }
    let longest = width.max(height);
    let divisor = [8, 4, 2].into_iter().find(|divisor| longest / divisor >= longest_px).unwrap_or(1);
    if frame.memory_bytes(divisor) > MAX_DECODED_BYTES {
        return Err(PictureError::TooLarge { width_px, height_px });
    }
    if frame.progressive {
        count_scans(reader)?;
    }
    let source = Source { reader, at: 0, deadline: Instant::now() + MAX_TIME };
    let mut decoder = Decoder::new(BufReader::with_capacity(BUFFER_BYTES, source));
    if frame.is_rgb {
        decoder.set_color_transform(ColorTransform::RGB);
    }
    decoder.read_info().map_err(explain)?;
    // the least that it gives; one side is enough for it, so the shorter one asks for more than there is
    let least = u16::try_from(longest.div_ceil(divisor)).unwrap_or(u16::MAX).max(1);
    let wanted = if width >= height { (least, u16::MAX) } else { (u16::MAX, least) };
    decoder.scale(wanted.0, wanted.1).map_err(explain)?;
    let pixels = decoder.decode().map_err(explain)?;
    let info = decoder.info().ok_or_else(|| damaged("it has no frame"))?;
    let rgb = match info.pixel_format {
        PixelFormat::RGB24 => pixels,
        PixelFormat::L8 => pixels.iter().flat_map(|grey| [*grey; 3]).collect(),
        PixelFormat::CMYK32 => pixels.chunks_exact(4).flat_map(cmyk).collect(),
        PixelFormat::L16 => return Err(damaged("its samples have 16 bits")),
    };
    Picture::new(info.width.into(), info.height.into(), rgb).ok_or_else(|| damaged("it has too few pixels"))
}

/// The decoder gives the inks as light: 255 is none.
fn cmyk(pixel: &[u8]) -> [u8; 3] {
    let [c, m, y, k] = *pixel else { return [0; 3] };
    [c, m, y].map(|ink| (u16::from(ink) * u16::from(k) / 255) as u8)
}

fn explain(error: Error) -> PictureError {
    match error {
        Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => damaged("it ends too early"),
        Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => damaged("it takes too long to decode"),
        Error::Io(error) => PictureError::Io(error),
        other => PictureError::Damaged(other.to_string()),
    }
}

/// A frame header, as far as memory goes.
struct Frame {
    width: u16,
    height: u16,
    progressive: bool,
    /// Horizontal and vertical sampling factor of each component.
    sampling: Vec<(u8, u8)>,
    /// The components are named R, G, B.
    is_rgb: bool,
}

impl Frame {
    fn read(reader: &mut dyn RangeRead) -> Result<Self, PictureError> {
        for segment in walk(reader)?.segments {
            let progressive = match segment.marker {
                0xC0 | 0xC1 => false,
                0xC2 => true,
                0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    return Err(damaged("it is coded in a way that nobody uses"));
                }
                _ => continue,
            };
            let frame = payload(reader, segment)?;
            let [8, h1, h0, w1, w0, _, components @ ..] = frame.as_slice() else {
                return Err(damaged("its frame header is not understood"));
            };
            let (width, height) = (u16::from_be_bytes([*w1, *w0]), u16::from_be_bytes([*h1, *h0]));
            let components = || components.chunks_exact(3);
            let names = components().map(|component| component.first().copied());
            let is_rgb = names.eq([Some(b'R'), Some(b'G'), Some(b'B')]);
            let factors = components().filter_map(|component| component.get(1));
            let sampling = factors.map(|factors| (factors >> 4, factors & 15)).collect();
            return Ok(Self { width, height, progressive, sampling, is_rgb });
        }
        Err(damaged("it has no frame"))
    }

    /// What the decoder holds at most at 1/`divisor`: planes and pixels; a progressive picture's coefficients too, which
    /// are there at every scale.
    fn memory_bytes(&self, divisor: u32) -> u64 {
        let pixels = u64::from(self.width) * u64::from(self.height);
        let widest = self.sampling.iter().map(|(h, _)| *h).max().unwrap_or(1).max(1);
        let tallest = self.sampling.iter().map(|(_, v)| *v).max().unwrap_or(1).max(1);
        let share = |&(h, v): &(u8, u8)| {
            pixels * u64::from(h.clamp(1, 4)) * u64::from(v.clamp(1, 4)) / (u64::from(widest) * u64::from(tallest))
        };
        let samples: u64 = self.sampling.iter().map(share).sum();
        let scaled = u64::from(divisor) * u64::from(divisor);
        let coefficients = if self.progressive { samples * 2 } else { 0 };
        coefficients + (samples + pixels * self.sampling.len().max(3) as u64) / scaled
    }
}

/// Scan markers cannot stand inside a scan's data: there 0xFF is followed by zero or a restart marker.
fn count_scans(reader: &mut dyn RangeRead) -> Result<(), PictureError> {
    let mut source = Source { reader, at: 0, deadline: Instant::now() + MAX_TIME };
    let mut buffer = vec![0; BUFFER_BYTES];
    let (mut scans, mut after_ff) = (0, false);
    loop {
        let length = source.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        for byte in bytes {
            scans += usize::from(after_ff && *byte == 0xDA);
            after_ff = *byte == 0xFF;
        }
        if scans > MAX_SCANS {
            return Err(damaged("it has too many scans"));
        }
    }
}

/// A range reader as a stream that stops giving after a time.
struct Source<'a> {
    reader: &'a mut dyn RangeRead,
    at: u64,
    deadline: Instant,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if Instant::now() > self.deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let left = usize::try_from(self.reader.size_bytes().saturating_sub(self.at)).unwrap_or(usize::MAX);
        let length = left.min(buffer.len());
        let part = buffer.get_mut(..length).unwrap_or_default();
        self.reader.read_exact_at(self.at, part)?;
        self.at += length as u64;
        Ok(length)
    }
}
