//! A baseline TIFF of one strip without compression.

use std::io::{self, Write};

use super::Plane;

const SHORT: u16 = 3;
const LONG: u16 = 4;
const ASCII: u16 = 2;
const RATIONAL: u16 = 5;
const HEADER_BYTES: u32 = 8;
const SOFTWARE: &str = "Eyrie\0";

pub(super) fn write(plane: &Plane, sink: &mut impl Write) -> io::Result<()> {
    let too_large = || io::Error::from(io::ErrorKind::InvalidInput);
    let note = format!("{}\0", plane.note);
    let note_bytes = u32::try_from(note.len()).map_err(|_| too_large())?;
    let strip_bytes = u32::try_from(plane.values.len() * 2).map_err(|_| too_large())?;
    const FIELDS: u32 = 15;
    // behind the directory: note, software, two resolutions, values
    let note_at = HEADER_BYTES + 2 + FIELDS * 12 + 4;
    let software_at = note_at + note_bytes;
    let resolution_at = (software_at + SOFTWARE.len() as u32).next_multiple_of(2);
    let strip_at = resolution_at + 16;
    let fields: [(u16, u16, u32, u32); FIELDS as usize] = [
        (256, LONG, 1, plane.width_px),
        (257, LONG, 1, plane.height_px),
        // bits of a value; no compression; 0 is black
        (258, SHORT, 1, 16),
        (259, SHORT, 1, 1),
        (262, SHORT, 1, 1),
        (270, ASCII, note_bytes, note_at),
        (273, LONG, 1, strip_at),
        // values of a pixel; rows of the strip; its bytes
        (277, SHORT, 1, 1),
        (278, LONG, 1, plane.height_px),
        (279, LONG, 1, strip_bytes),
        (282, RATIONAL, 1, resolution_at),
        (283, RATIONAL, 1, resolution_at + 8),
        // the resolution has no unit; the values are whole numbers without a sign
        (296, SHORT, 1, 1),
        (305, ASCII, SOFTWARE.len() as u32, software_at),
        (339, SHORT, 1, 1),
    ];
    let mut head = b"II\x2a\0".to_vec();
    head.extend(HEADER_BYTES.to_le_bytes());
    head.extend((FIELDS as u16).to_le_bytes());
    for (tag, kind, count, value) in fields {
        head.extend(tag.to_le_bytes());
        head.extend(kind.to_le_bytes());
        head.extend(count.to_le_bytes());
        head.extend(value.to_le_bytes());
    }
    head.extend([0; 4]);
    head.extend(note.bytes());
    head.extend(SOFTWARE.bytes());
    head.resize(resolution_at as usize, 0);
    head.extend([1_u32, 1, 1, 1].iter().flat_map(|n| n.to_le_bytes()));
    sink.write_all(&head)?;
    let strip: Vec<u8> = plane.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    sink.write_all(&strip)
}
