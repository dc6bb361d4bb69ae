//! The segments of a JPEG file, without its picture data: what is read is a few kilobytes of a 20 MB file.

use std::io;

use crate::{RangeRead, read_range};

/// Segments before the picture data. DJI's thermal files have about 60.
const MAX_SEGMENTS: usize = 1_024;
/// A segment's length has 16 bits.
const MAX_SEGMENT_BYTES: u64 = 65_535;

const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const XMP_EXTENSION: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const MPF: &[u8] = b"MPF\0";

/// Where a segment's payload lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The byte behind 0xFF: 0xE1 is APP1.
    pub(crate) marker: u8,
    pub(crate) offset: u64,
    pub(crate) size_bytes: u16,
}

/// A payload and where it begins in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Jpeg {
    /// Of the frame header (SOF).
    pub(crate) width_px: Option<u32>,
    pub(crate) height_px: Option<u32>,
    /// From the TIFF header on.
    pub(crate) exif: Option<Block>,
    pub(crate) xmp: Option<Vec<u8>>,
    /// From the TIFF header on.
    pub(crate) mpf: Option<Block>,
    pub(crate) segments: Vec<Segment>,
    pub(crate) warnings: Vec<String>,
}

/// Walks the segments up to the picture data. Damage ends the walk with a warning.
///
/// # Errors
/// The source cannot be read.
pub(crate) fn walk(reader: &mut dyn RangeRead) -> io::Result<Jpeg> {
    let mut jpeg = Jpeg::default();
    if read_range(reader, 0, 2)? != [0xFF, 0xD8] {
        jpeg.warnings.push("the file does not begin as a JPEG".into());
        return Ok(jpeg);
    }
    let mut at = 2_u64;
    loop {
        let head = read_range(reader, at, 4)?;
        let (marker, length) = match head[..] {
            [0xFF, 0xFF, ..] => {
                // fill bytes may precede a marker
                at += 1;
                continue;
            }
            [0xFF, 0xD9, ..] | [0xFF, 0xDA, ..] => return Ok(jpeg),
            // markers without a length
            [0xFF, 0x01 | 0xD0..=0xD7, ..] => {
                at += 2;
                continue;
            }
            [0xFF, marker, high, low] => (marker, u16::from_be_bytes([high, low])),
            _ => {
                jpeg.warnings.push("the file ends, or is damaged, before its picture data".into());
                return Ok(jpeg);
            }
        };
        let (offset, Some(size_bytes)) = (at + 4, length.checked_sub(2)) else {
            jpeg.warnings.push("a JPEG segment has an impossible length".into());
            return Ok(jpeg);
        };
        if offset + u64::from(size_bytes) > reader.size_bytes() {
            jpeg.warnings.push("the file ends within a JPEG segment".into());
            return Ok(jpeg);
        }
        if jpeg.segments.len() == MAX_SEGMENTS {
            jpeg.warnings.push(format!("more than {MAX_SEGMENTS} JPEG segments: the rest was not read"));
            return Ok(jpeg);
        }
        let segment = Segment { marker, offset, size_bytes };
        look(reader, segment, &mut jpeg)?;
        jpeg.segments.push(segment);
        at = offset + u64::from(size_bytes);
    }
}

fn look(reader: &mut dyn RangeRead, segment: Segment, jpeg: &mut Jpeg) -> io::Result<()> {
    match segment.marker {
        // frame headers; C4, C8 and CC are something else
        0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF if jpeg.width_px.is_none() => {
            if let [_, h1, h2, w1, w2] = read_range(reader, segment.offset, 5.min(segment.size_bytes.into()))?[..] {
                jpeg.height_px = Some(u16::from_be_bytes([h1, h2]).into()).filter(|height| *height > 0);
                jpeg.width_px = Some(u16::from_be_bytes([w1, w2]).into()).filter(|width| *width > 0);
            }
        }
        0xE1 => {
            let bytes = payload(reader, segment)?;
            if let Some(tiff) = bytes.strip_prefix(EXIF) {
                if jpeg.exif.is_none() {
                    let offset = segment.offset + EXIF.len() as u64;
                    jpeg.exif = Some(Block { offset, bytes: tiff.to_vec() });
                }
            } else if let Some(packet) = bytes.strip_prefix(XMP) {
                jpeg.xmp.get_or_insert_with(|| packet.to_vec());
            } else if bytes.starts_with(XMP_EXTENSION) {
                let warning = "extended XMP is not read".to_owned();
                if !jpeg.warnings.contains(&warning) {
                    jpeg.warnings.push(warning);
                }
            }
        }
        0xE2 if jpeg.mpf.is_none() => {
            let bytes = payload(reader, segment)?;
            if let Some(tiff) = bytes.strip_prefix(MPF) {
                jpeg.mpf = Some(Block { offset: segment.offset + MPF.len() as u64, bytes: tiff.to_vec() });
            }
        }
        _ => {}
    }
    Ok(())
}

pub(crate) fn payload(reader: &mut dyn RangeRead, segment: Segment) -> io::Result<Vec<u8>> {
    debug_assert!(u64::from(segment.size_bytes) <= MAX_SEGMENT_BYTES);
    read_range(reader, segment.offset, segment.size_bytes.into())
}
