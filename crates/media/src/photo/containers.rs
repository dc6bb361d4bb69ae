//! Pictures of other makers and of screens: PNG and HEIF. Size, EXIF and XMP; neither has a preview that is used.

use std::io;

use super::jpeg::Block;
use crate::{RangeRead, read_range};

pub(super) const PNG: [u8; 8] = [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A];
const XMP_KEYWORD: &[u8] = b"XML:com.adobe.xmp\0";
/// Parts of a file that are looked at; pictures have some hundreds.
const MAX_PARTS: usize = 10_000;
/// Longest EXIF, XMP or list of items that is read.
const MAX_BLOCK_BYTES: u64 = 1024 * 1024;

/// What a container tells.
#[derive(Debug, Default)]
pub(super) struct Contained {
    pub(super) width_px: Option<u32>,
    pub(super) height_px: Option<u32>,
    /// From the TIFF header on.
    pub(super) exif: Option<Block>,
    pub(super) xmp: Option<Vec<u8>>,
}

/// Walks the chunks of a PNG.
pub(super) fn png(reader: &mut dyn RangeRead) -> io::Result<Contained> {
    let mut found = Contained::default();
    let mut at = PNG.len() as u64;
    for _ in 0..MAX_PARTS {
        let head = read_range(reader, at, 8)?;
        let (Some(size_bytes), Some(kind)) = (u32_at(&head, 0), head.get(4..8)) else { break };
        let size_bytes = u64::from(size_bytes);
        let mut payload = |limit: u64| read_range(reader, at + 8, size_bytes.min(limit) as usize);
        match kind {
            b"IHDR" => {
                let size = payload(8)?;
                (found.width_px, found.height_px) = (u32_at(&size, 0), u32_at(&size, 4));
            }
            b"eXIf" => found.exif = Some(Block { offset: at + 8, bytes: payload(MAX_BLOCK_BYTES)? }),
            b"iTXt" if found.xmp.is_none() => {
                let text = payload(MAX_BLOCK_BYTES)?;
                // not compressed, no language, no translated keyword
                let packet = text.strip_prefix(XMP_KEYWORD).and_then(|rest| rest.strip_prefix(&[0, 0, 0, 0]));
                found.xmp = packet.map(<[u8]>::to_vec);
            }
            b"IEND" => break,
            _ => {}
        }
        // the checksum follows
        at += 8 + size_bytes + 4;
    }
    Ok(found)
}

/// Reads the list of items of a HEIF file, and those that tell of the picture.
pub(super) fn heif(reader: &mut dyn RangeRead) -> io::Result<Contained> {
    let mut found = Contained::default();
    let Some(meta) = meta(reader)? else { return Ok(found) };
    let meta = meta.get(4..).unwrap_or_default();
    let items = child(meta, b"iinf").map(items).unwrap_or_default();
    let places = child(meta, b"iloc").and_then(places).unwrap_or_default();
    let properties = child(meta, b"iprp").and_then(|iprp| child(iprp, b"ipco")).unwrap_or_default();
    // tiles have sizes, too: the picture is the largest
    let sizes = boxes(properties).filter(|(kind, _)| kind == b"ispe").filter_map(|(_, inside)| {
        let (width, height) = u32_at(inside, 4).zip(u32_at(inside, 8))?;
        Some((u64::from(width) * u64::from(height), width, height))
    });
    if let Some((_, width, height)) = sizes.max() {
        (found.width_px, found.height_px) = (Some(width), Some(height));
    }
    for (id, kind) in items {
        let Some((_, offset, length)) = places.iter().find(|(item, _, _)| *item == id).copied() else { continue };
        let mut bytes = read_range(reader, offset, length.min(MAX_BLOCK_BYTES) as usize)?;
        match kind {
            // four bytes say how much comes before the TIFF header
            Item::Exif if found.exif.is_none() => {
                let lead = u32_at(&bytes, 0).map_or(usize::MAX, |lead| lead as usize).saturating_add(4);
                if lead < bytes.len() {
                    found.exif = Some(Block { offset: offset + lead as u64, bytes: bytes.split_off(lead) });
                }
            }
            Item::Xmp if found.xmp.is_none() => found.xmp = Some(bytes),
            _ => {}
        }
    }
    Ok(found)
}

fn meta(reader: &mut dyn RangeRead) -> io::Result<Option<Vec<u8>>> {
    let mut at = 0_u64;
    for _ in 0..MAX_PARTS {
        let head = read_range(reader, at, 16)?;
        let (Some(size), Some(kind)) = (u32_at(&head, 0), head.get(4..8)) else { break };
        let size = match size {
            1 => {
                u32_at(&head, 8).zip(u32_at(&head, 12)).map_or(0, |(high, low)| u64::from(high) << 32 | u64::from(low))
            }
            size => u64::from(size),
        };
        if kind == b"meta" && size >= 8 {
            return read_range(reader, at + 8, (size - 8).min(MAX_BLOCK_BYTES) as usize).map(Some);
        }
        match at.checked_add(size).filter(|_| size >= 8) {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(None)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    Exif,
    Xmp,
}

/// The numbers of the items that tell of the picture.
fn items(iinf: &[u8]) -> Vec<(u32, Item)> {
    let list = iinf.get(if iinf.first() == Some(&0) { 6 } else { 8 }..).unwrap_or_default();
    let entries = boxes(list).filter(|(kind, _)| kind == b"infe");
    let item = |(_, entry): ([u8; 4], &[u8])| {
        let (id, kind) = match entry.first()? {
            2 => (u32::from(u16_at(entry, 4)?), 8),
            3 => (u32_at(entry, 4)?, 10),
            _ => return None,
        };
        let words = entry.get(kind + 4..)?;
        match entry.get(kind..kind + 4)? {
            b"Exif" => Some((id, Item::Exif)),
            b"mime" if words.windows(19).any(|word| word == b"application/rdf+xml") => Some((id, Item::Xmp)),
            _ => None,
        }
    };
    entries.filter_map(item).collect()
}

/// Number, offset in the file and length of each item's first part.
fn places(iloc: &[u8]) -> Option<Vec<(u32, u64, u64)>> {
    let version = *iloc.first()?;
    let (sizes, more) = (*iloc.get(4)?, *iloc.get(5)?);
    let (offset_size, length_size, base_size) = (sizes >> 4, sizes & 15, more >> 4);
    let index_size = if version == 0 { 0 } else { more & 15 };
    let mut at = 6;
    let mut number = |size: u8| {
        let bytes = iloc.get(at..at + usize::from(size))?;
        at += usize::from(size);
        (size <= 8).then(|| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
    };
    let id_size = if version < 2 { 2 } else { 4 };
    let count = number(id_size)?;
    let mut places = Vec::new();
    for _ in 0..count.min(MAX_PARTS as u64) {
        let id = number(id_size)?;
        let in_file = version == 0 || number(2)? & 15 == 0;
        number(2)?;
        let base = number(base_size)?;
        let parts = number(2)?;
        for part in 0..parts {
            number(index_size)?;
            let (offset, length) = (number(offset_size)?, number(length_size)?);
            if part == 0 && in_file {
                places.push((u32::try_from(id).ok()?, base.checked_add(offset)?, length));
            }
        }
    }
    Some(places)
}

fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes).find(|(found, _)| found == kind).map(|(_, inside)| inside)
}

/// The boxes in a piece of memory; damage ends it.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let size = u32_at(rest, 0)? as usize;
        let kind = rest.get(4..8)?.try_into().ok()?;
        let inside = rest.get(8..size)?;
        rest = rest.get(size..)?;
        Some((kind, inside))
    })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}
