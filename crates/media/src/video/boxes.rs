//! ISO/IEC 14496-12: boxes, read by their headers.

use std::io;

use crate::{RangeRead, read_range};

/// Boxes at the top of a file; a fragmented one has two for each fragment.
const MAX_TOP_BOXES: usize = 200_000;

/// A box of the file's top level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TopBox {
    pub(super) kind: [u8; 4],
    /// Of what is inside.
    pub(super) offset: u64,
    pub(super) size_bytes: u64,
    /// True when the file ends before the box does.
    pub(super) cut: bool,
}

/// The boxes of the top level, in order. Ends at damage.
///
/// # Errors
/// The source cannot be read.
pub(super) fn top(reader: &mut dyn RangeRead) -> io::Result<Vec<TopBox>> {
    let mut found = Vec::new();
    let mut at = 0_u64;
    let end = reader.size_bytes();
    while at < end && found.len() < MAX_TOP_BOXES {
        let head = read_range(reader, at, 16)?;
        let Some((kind, header, size)) = header(&head, end - at) else { break };
        let (offset, inside) = (at + header, size - header);
        let left = end.saturating_sub(offset);
        found.push(TopBox { kind, offset, size_bytes: inside.min(left), cut: inside > left });
        match at.checked_add(size) {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(found)
}

/// Kind, bytes of the header, bytes of the whole box.
fn header(head: &[u8], left: u64) -> Option<([u8; 4], u64, u64)> {
    let size = u64::from(u32::from_be_bytes(head.get(..4)?.try_into().ok()?));
    let kind: [u8; 4] = head.get(4..8)?.try_into().ok()?;
    // a box is named with printable letters, or with DJI's and Apple's 0xA9
    if !kind.iter().all(|byte| (0x20..0x7F).contains(byte) || *byte == 0xA9) {
        return None;
    }
    let (header, size) = match size {
        0 => (8, left),
        1 => (16, u64::from_be_bytes(head.get(8..16)?.try_into().ok()?)),
        size => (8, size),
    };
    // a recorder writes the size of its data last: until then a placeholder stands there
    let size = if &kind == b"mdat" && (header, size) == (16, 0) { left.max(header) } else { size };
    (size >= header).then_some((kind, header, size))
}

/// The boxes inside a box that is in memory.
pub(super) fn children(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (kind, header, size) = header(rest, rest.len() as u64)?;
        let size = usize::try_from(size).ok().filter(|size| *size <= rest.len())?;
        let inside = rest.get(usize::try_from(header).ok()?..size)?;
        rest = rest.get(size..)?;
        Some((kind, inside))
    })
}

/// The first box at a path of kinds.
pub(super) fn inside<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter()
        .try_fold(bytes, |bytes, kind| children(bytes).find(|(found, _)| found == *kind).map(|(_, inside)| inside))
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], inside: &[u8]) -> Vec<u8> {
        [&(inside.len() as u32 + 8).to_be_bytes(), kind.as_slice(), inside].concat()
    }

    #[test]
    fn sizes_of_every_kind() {
        let large = [&1_u32.to_be_bytes(), b"mdat".as_slice(), &20_u64.to_be_bytes(), &[7; 4]].concat();
        let last = [&0_u32.to_be_bytes(), b"free".as_slice(), &[1, 2, 3]].concat();
        let file = [boxed(b"ftyp", b"isom"), large, last].concat();
        let found = top(&mut file.as_slice()).expect("in memory");
        let sizes: Vec<_> = found.iter().map(|one| (&one.kind, one.offset, one.size_bytes, one.cut)).collect();
        assert_eq!(sizes, [(b"ftyp", 8, 4, false), (b"mdat", 28, 4, false), (b"free", 40, 3, false)]);
    }

    #[test]
    fn damage_ends_the_walk() {
        let cut = boxed(b"mdat", &[0; 100]);
        let found = top(&mut &cut[..50]).expect("in memory");
        assert_eq!((found.len(), found[0].size_bytes, found[0].cut), (1, 42, true));
        for bytes in [&[0, 0, 0, 4, b'm', b'd', b'a', b't'][..], &[0, 0, 0, 9, 0, 1, 2, 3, 4], &[1, 2, 3]] {
            assert!(top(&mut { bytes }).expect("in memory").is_empty());
            assert_eq!(children(bytes).count(), 0);
        }
        let huge = [&1_u32.to_be_bytes(), b"mdat".as_slice(), &u64::MAX.to_be_bytes()].concat();
        assert!(top(&mut huge.as_slice()).expect("in memory")[0].cut);
    }
}
