//! Which kind of TIFF: a DNG says its version in tag 50706 of the first directory.

const DNG_VERSION: u16 = 50_706;
/// More entries than any camera writes.
const MAX_ENTRIES: usize = 512;

/// True when the first directory lies in `head` and has DNG's tag.
pub(super) fn is_dng(head: &[u8]) -> bool {
    has_tag(head, DNG_VERSION).unwrap_or(false)
}

fn has_tag(head: &[u8], wanted: u16) -> Option<bool> {
    let little = head.first() == Some(&b'I');
    let short = |at: usize| {
        let bytes: [u8; 2] = head.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let offset: [u8; 4] = head.get(4..8)?.try_into().ok()?;
    let offset = usize::try_from(if little { u32::from_le_bytes(offset) } else { u32::from_be_bytes(offset) }).ok()?;
    let entries = usize::from(short(offset)?).min(MAX_ENTRIES);
    for entry in 0..entries {
        if short(offset.checked_add(2)?.checked_add(entry * 12)?)? == wanted {
            return Some(true);
        }
    }
    Some(false)
}
