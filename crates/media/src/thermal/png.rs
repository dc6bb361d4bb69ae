//! A PNG without compression: noise of a sensor hardly shrinks, and no library is needed.

use std::io::{self, Write};

use super::Plane;

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A];
/// Longest stored block of a deflate stream.
const MAX_BLOCK_BYTES: usize = 65_535;

pub(super) fn write(plane: &Plane, sink: &mut impl Write) -> io::Result<()> {
    sink.write_all(&SIGNATURE)?;
    let mut header = Vec::with_capacity(13);
    header.extend(plane.width_px.to_be_bytes());
    header.extend(plane.height_px.to_be_bytes());
    // 16 bits, grey, the only compression and filter method, not interlaced
    header.extend([16, 0, 0, 0, 0]);
    chunk(sink, b"IHDR", &header)?;
    // the note is ASCII, as tEXt's Latin-1 wants it
    chunk(sink, b"tEXt", format!("Description\0{}", plane.note).as_bytes())?;
    chunk(sink, b"IDAT", &stored(&rows(plane)))?;
    chunk(sink, b"IEND", &[])
}

/// Each row behind its filter byte, 0 for none; the high byte of a value first.
fn rows(plane: &Plane) -> Vec<u8> {
    let width = (plane.width_px as usize).max(1);
    let mut bytes = Vec::with_capacity(plane.values.len() * 2 + plane.height_px as usize);
    for row in plane.values.chunks(width) {
        bytes.push(0);
        bytes.extend(row.iter().flat_map(|value| value.to_be_bytes()));
    }
    bytes
}

/// A zlib stream of stored blocks.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(MAX_BLOCK_BYTES).peekable();
    while let Some(block) = blocks.next() {
        let size = block.len() as u16;
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(size.to_le_bytes());
        stream.extend((!size).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler32(bytes).to_be_bytes());
    stream
}

fn chunk(sink: &mut impl Write, name: &[u8; 4], data: &[u8]) -> io::Result<()> {
    let size = u32::try_from(data.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    sink.write_all(&size.to_be_bytes())?;
    sink.write_all(name)?;
    sink.write_all(data)?;
    let crc = crc32(crc32(u32::MAX, name), data) ^ u32::MAX;
    sink.write_all(&crc.to_be_bytes())
}

/// RFC 1950.
fn adler32(bytes: &[u8]) -> u32 {
    const BASE: u32 = 65_521;
    let (mut a, mut b) = (1_u32, 0_u32);
    // as many bytes as the sums hold without a remainder in between
    for part in bytes.chunks(5_552) {
        for byte in part {
            a += u32::from(*byte);
            b += a;
        }
        a %= BASE;
        b %= BASE;
    }
    b << 16 | a
}

/// ISO 3309, as PNG wants it; `crc` is the register so far.
fn crc32(crc: u32, bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    bytes.iter().fold(crc, |crc, byte| TABLE[(crc as u8 ^ byte) as usize] ^ crc >> 8)
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let (mut crc, mut bit) = (n as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { 0xEDB8_8320 ^ crc >> 1 } else { crc >> 1 };
            bit += 1;
        }
        table[n] = crc;
        n += 1;
    }
    table
}
