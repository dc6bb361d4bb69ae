//! The segments of a JPEG file, without its picture data: what is read is a few kilobytes of a 20 MB file.

use std::io;

use crate::{RangeRead, read_range};

/// Markers before the picture data. DJI's thermal files have about 60.
const MAX_MARKERS: usize = 1_024;
/// Fill bytes, or bytes that belong to nothing, that are passed over to find the next marker.
const MAX_GAP_BYTES: usize = 4_096;

const EXIF: &[u8] = b"Exif\0";
/// `Exif\0` and one byte of padding, which some writers fill with something else than zero.
const EXIF_LEAD_BYTES: usize = 6;
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const XMP_EXTENSION: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
/// Behind the name of an extension: 32 letters that name the packet, its length, and where this part belongs.
const EXTENSION_NAME_BYTES: usize = 32;
/// Longest packet in parts that is read: longer ones hold pictures.
const MAX_EXTENSION_BYTES: usize = 1024 * 1024;
const MPF: &[u8] = b"MPF\0";

/// Where a segment's payload lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The byte behind 0xFF: 0xE1 is APP1.
    pub(crate) marker: u8,
    pub(crate) offset: u64,
    /// Never beyond the file's end.
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
    /// What did not fit into the segment of `xmp`.
    pub(crate) xmp_extension: Option<Extension>,
    /// From the TIFF header on.
    pub(crate) mpf: Option<Block>,
    pub(crate) segments: Vec<Segment>,
    pub(crate) warnings: Vec<String>,
}

/// A packet that stands in several segments.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Extension {
    name: Vec<u8>,
    packet: Vec<u8>,
    got_bytes: usize,
}

impl Extension {
    /// The whole packet; `None` while parts of it lack.
    pub(crate) fn packet(&self) -> Option<&[u8]> {
        (self.got_bytes == self.packet.len()).then_some(&self.packet)
    }
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
    for _ in 0..MAX_MARKERS {
        let Some(found) = next_marker(reader, at)? else {
            jpeg.warnings.push("the file ends, or is damaged, before its picture data".into());
            return Ok(jpeg);
        };
        if found.foreign_bytes > 0 {
            jpeg.warnings.push(format!("{} bytes between JPEG segments belong to nothing", found.foreign_bytes));
        }
        at = found.end;
        match found.marker {
            // the picture data or the end
            0xDA | 0xD9 => return Ok(jpeg),
            // markers without a length
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let length = match read_range(reader, at, 2)?[..] {
            [high, low] => u16::from_be_bytes([high, low]),
            _ => 0,
        };
        let (offset, Some(size_bytes)) = (at + 2, length.checked_sub(2)) else {
            jpeg.warnings.push("a JPEG segment has an impossible length".into());
            return Ok(jpeg);
        };
        let left = reader.size_bytes().saturating_sub(offset);
        let there = u16::try_from(left).unwrap_or(u16::MAX).min(size_bytes);
        let segment = Segment { marker: found.marker, offset, size_bytes: there };
        look(reader, segment, &mut jpeg)?;
        jpeg.segments.push(segment);
        if there < size_bytes {
            jpeg.warnings.push("the file ends within a JPEG segment".into());
            return Ok(jpeg);
        }
        at = offset + u64::from(size_bytes);
    }
    jpeg.warnings.push(format!("more than {MAX_MARKERS} JPEG segments: the rest was not read"));
    Ok(jpeg)
}

struct Marker {
    marker: u8,
    /// Behind the marker.
    end: u64,
    /// Passed over, without the fill bytes that the format allows.
    foreign_bytes: usize,
}

/// The marker at `at`, or the next one behind it; `None` when none is near.
fn next_marker(reader: &mut dyn RangeRead, at: u64) -> io::Result<Option<Marker>> {
    let is_marker = |pair: &[u8]| matches!(*pair, [0xFF, marker] if !matches!(marker, 0x00 | 0xFF));
    let mut bytes = read_range(reader, at, 2)?;
    if !is_marker(&bytes) {
        bytes = read_range(reader, at, MAX_GAP_BYTES)?;
    }
    let Some(skip) = bytes.windows(2).position(is_marker) else { return Ok(None) };
    let foreign_bytes = bytes.iter().take(skip).filter(|byte| **byte != 0xFF).count();
    let Some(marker) = bytes.get(skip + 1).copied() else { return Ok(None) };
    Ok(Some(Marker { marker, end: at + skip as u64 + 2, foreign_bytes }))
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
            if bytes.starts_with(EXIF) {
                if let (None, Some(tiff)) = (&jpeg.exif, bytes.get(EXIF_LEAD_BYTES..)) {
                    let offset = segment.offset + EXIF_LEAD_BYTES as u64;
                    jpeg.exif = Some(Block { offset, bytes: tiff.to_vec() });
                }
            } else if let Some(packet) = bytes.strip_prefix(XMP) {
                jpeg.xmp.get_or_insert_with(|| packet.to_vec());
            } else if let Some(part) = bytes.strip_prefix(XMP_EXTENSION) {
                extend(part, jpeg);
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

/// Puts a part of extended XMP in its place; the first packet of a file counts.
fn extend(part: &[u8], jpeg: &mut Jpeg) {
    let Some((name, rest)) = part.split_at_checked(EXTENSION_NAME_BYTES) else { return };
    let Some(([length, offset], bytes)) = rest.split_at_checked(8).map(|(numbers, bytes)| {
        let number =
            |at: usize| numbers.get(at..at + 4).and_then(|number| number.try_into().ok()).map(u32::from_be_bytes);
        ([number(0), number(4)].map(|number| number.map_or(usize::MAX, |number| number as usize)), bytes)
    }) else {
        return;
    };
    if length > MAX_EXTENSION_BYTES {
        let warning = "the XMP's extension is too long: it was not read".to_owned();
        if !jpeg.warnings.contains(&warning) {
            jpeg.warnings.push(warning);
        }
        return;
    }
    let new = || Extension { name: name.to_vec(), packet: vec![0; length], got_bytes: 0 };
    let extension = jpeg.xmp_extension.get_or_insert_with(new);
    let end = offset.checked_add(bytes.len());
    if let Some(place) = end.and_then(|end| extension.packet.get_mut(offset..end))
        && extension.name == name
    {
        place.copy_from_slice(bytes);
        extension.got_bytes += bytes.len();
    }
}

/// A segment's bytes, 64 KiB at most.
pub(crate) fn payload(reader: &mut dyn RangeRead, segment: Segment) -> io::Result<Vec<u8>> {
    read_range(reader, segment.offset, segment.size_bytes.into())
}
