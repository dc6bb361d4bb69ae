//! Multi-Picture Format (CIPA DC-007): where the larger previews of a JPEG lie.

use std::io;

use super::jpeg::Block;
use super::tiff::Tiff;
use super::{Preview, PreviewSource};

const ENTRY_BYTES: usize = 16;
/// DJI writes two; the limit is ours.
const MAX_IMAGES: usize = 16;

/// Every picture behind the first one.
pub(crate) fn read(block: &Block) -> io::Result<Vec<Preview>> {
    let mut bytes = block.bytes.as_slice();
    let Some(mut tiff) = Tiff::open(&mut bytes, 0)? else { return Ok(Vec::new()) };
    let little_endian = block.bytes.first() == Some(&b'I');
    let ifd = tiff.ifd(tiff.first_ifd)?;
    let Some(table) = ifd.entries.iter().find(|entry| entry.tag == 0xB002) else { return Ok(Vec::new()) };
    let table = tiff.block(table)?;
    let number = |bytes: &[u8]| {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    };
    let images = table.chunks_exact(ENTRY_BYTES).take(MAX_IMAGES).filter_map(|entry| {
        let (size, offset) = (number(&entry[4..8]), number(&entry[8..12]));
        // the first picture is the file itself and has the offset 0
        (offset > 0 && size > 0).then(|| Preview {
            offset: block.offset + u64::from(offset),
            size_bytes: size.into(),
            width_px: None,
            height_px: None,
            source: PreviewSource::Mpf,
        })
    });
    Ok(images.collect())
}
