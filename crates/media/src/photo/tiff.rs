//! TIFF 6.0: the directories in EXIF, MPF and DNG, read one at a time from wherever the bytes are.

use std::io;

use crate::{RangeRead, read_range};

/// Entries of one directory; a camera's have fewer than 100.
const MAX_ENTRIES: usize = 1_024;
/// Longest block that is read, bytes. XMP in a DNG is the longest one of interest.
const MAX_BLOCK_BYTES: u64 = 256 * 1024;
/// Longest text, and longest list of numbers, that is read, bytes.
const MAX_VALUE_BYTES: u64 = 4 * 1024;

/// A TIFF structure within `reader`; offsets count from `base`.
pub(crate) struct Tiff<'a> {
    reader: &'a mut dyn RangeRead,
    base: u64,
    little_endian: bool,
    pub(crate) first_ifd: u32,
}

/// One field of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) tag: u16,
    kind: u16,
    count: u32,
    /// Of the value; it may lie in the entry itself.
    offset: u64,
    little_endian: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Ifd {
    pub(crate) entries: Vec<Entry>,
    pub(crate) next: u32,
}

impl Entry {
    /// Of a type that TIFF knows.
    pub(crate) fn is_sound(&self) -> bool {
        size_of_kind(self.kind).is_some()
    }
}

impl<'a> Tiff<'a> {
    /// `None` when no TIFF header is at `base`.
    pub(crate) fn open(reader: &'a mut dyn RangeRead, base: u64) -> io::Result<Option<Self>> {
        let head = read_range(reader, base, 8)?;
        let little_endian = match head[..] {
            [b'I', b'I', 42, 0, ..] => true,
            [b'M', b'M', 0, 42, ..] => false,
            _ => return Ok(None),
        };
        let Some(first) = head.get(4..8).and_then(|bytes| bytes.try_into().ok()) else { return Ok(None) };
        let first_ifd = if little_endian { u32::from_le_bytes(first) } else { u32::from_be_bytes(first) };
        Ok(Some(Self { reader, base, little_endian, first_ifd }))
    }

    /// The directory at `offset`; what of it lies beyond the end is left out.
    pub(crate) fn ifd(&mut self, offset: u32) -> io::Result<Ifd> {
        self.ifd_at(self.base + u64::from(offset))
    }

    /// The directory that a field holds as its value.
    pub(crate) fn ifd_of(&mut self, entry: &Entry) -> io::Result<Ifd> {
        self.ifd_at(entry.offset)
    }

    fn ifd_at(&mut self, at: u64) -> io::Result<Ifd> {
        let count = match read_range(self.reader, at, 2)?[..] {
            [a, b] => usize::from(self.u16([a, b])),
            _ => return Ok(Ifd::default()),
        };
        let count = count.min(MAX_ENTRIES);
        let bytes = read_range(self.reader, at + 2, count * 12 + 4)?;
        let mut ifd = Ifd::default();
        for (n, raw) in bytes.chunks_exact(12).take(count).enumerate() {
            let [t1, t2, k1, k2, c1, c2, c3, c4, v1, v2, v3, v4] = *raw else { continue };
            let (kind, count) = (self.u16([k1, k2]), self.u32([c1, c2, c3, c4]));
            let in_place = at + 2 + n as u64 * 12 + 8;
            let inline = size_of_kind(kind).is_some_and(|size| size * u64::from(count) <= 4);
            let offset = if inline { in_place } else { self.base + u64::from(self.u32([v1, v2, v3, v4])) };
            let (tag, little_endian) = (self.u16([t1, t2]), self.little_endian);
            // each tag once: a directory of a thousand equal fields costs no more than one
            if !ifd.entries.iter().any(|entry| entry.tag == tag) {
                ifd.entries.push(Entry { tag, kind, count, offset, little_endian });
            }
        }
        if let Some([a, b, c, d]) = bytes.get(count * 12..) {
            ifd.next = self.u32([*a, *b, *c, *d]);
        }
        Ok(ifd)
    }

    /// A field's bytes as they are, cut at a limit.
    pub(crate) fn block(&mut self, entry: &Entry) -> io::Result<Vec<u8>> {
        self.raw(entry, MAX_BLOCK_BYTES)
    }

    fn raw(&mut self, entry: &Entry, limit: u64) -> io::Result<Vec<u8>> {
        let size_bytes = size_of_kind(entry.kind).unwrap_or(0) * u64::from(entry.count);
        read_range(self.reader, entry.offset, size_bytes.min(limit) as usize)
    }

    /// A text, up to its NUL, without spaces around it; `None` when nothing is left.
    pub(crate) fn text(&mut self, entry: &Entry) -> io::Result<Option<String>> {
        let bytes = self.raw(entry, MAX_VALUE_BYTES)?;
        let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = String::from_utf8_lossy(bytes).trim().to_owned();
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// UTF-16 as Windows' own tags have it.
    pub(crate) fn wide_text(&mut self, entry: &Entry) -> io::Result<Option<String>> {
        let bytes = self.raw(entry, MAX_VALUE_BYTES)?;
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let text = String::from_utf16_lossy(&units);
        let text = text.trim_end_matches('\0').trim().to_owned();
        // some writers put plain text there
        let plain = || String::from_utf8_lossy(&bytes).trim_end_matches('\0').trim().to_owned();
        let text = if text.chars().any(|c| c as u32 > 0x2FFF) { plain() } else { text };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// All numbers of a field, whatever their kind; a division by zero is not a number.
    pub(crate) fn numbers(&mut self, entry: &Entry) -> io::Result<Vec<f64>> {
        let bytes = self.raw(entry, MAX_VALUE_BYTES)?;
        let le = entry.little_endian;
        let u32_of = |b: &[u8]| {
            let b = [b[0], b[1], b[2], b[3]];
            if le { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) }
        };
        let u16_of = |b: &[u8]| if le { u16::from_le_bytes([b[0], b[1]]) } else { u16::from_be_bytes([b[0], b[1]]) };
        let u64_of = |b: &[u8]| {
            let b = [b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]];
            if le { u64::from_le_bytes(b) } else { u64::from_be_bytes(b) }
        };
        Ok(match entry.kind {
            1 | 7 => bytes.iter().map(|byte| f64::from(*byte)).collect(),
            6 => bytes.iter().map(|byte| f64::from(*byte as i8)).collect(),
            3 => bytes.chunks_exact(2).map(|b| f64::from(u16_of(b))).collect(),
            8 => bytes.chunks_exact(2).map(|b| f64::from(u16_of(b) as i16)).collect(),
            4 => bytes.chunks_exact(4).map(|b| f64::from(u32_of(b))).collect(),
            9 => bytes.chunks_exact(4).map(|b| f64::from(u32_of(b) as i32)).collect(),
            5 => bytes.chunks_exact(8).map(|b| f64::from(u32_of(b)) / f64::from(u32_of(&b[4..]))).collect(),
            10 => {
                bytes.chunks_exact(8).map(|b| f64::from(u32_of(b) as i32) / f64::from(u32_of(&b[4..]) as i32)).collect()
            }
            11 => bytes.chunks_exact(4).map(|b| f64::from(f32::from_bits(u32_of(b)))).collect(),
            12 => bytes.chunks_exact(8).map(|b| f64::from_bits(u64_of(b))).collect(),
            _ => Vec::new(),
        })
    }

    /// The first number of a field, when it is one.
    pub(crate) fn number(&mut self, entry: &Entry) -> io::Result<Option<f64>> {
        Ok(self.numbers(entry)?.first().copied().filter(|number| number.is_finite()))
    }

    fn u16(&self, bytes: [u8; 2]) -> u16 {
        if self.little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }
}

/// Bytes of one value of a field type.
fn size_of_kind(kind: u16) -> Option<u64> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 => Some(8),
        _ => None,
    }
}
