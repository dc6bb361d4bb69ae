//! A zip of stored objects, written while it is sent: no compression, its length known before its first byte.
//!
//! Each entry's CRC-32 stands before its bytes, so an object is read twice: readers that take a zip from its beginning
//! (unpackers in pipes, browsers' streams) cannot use the other form for entries that are not compressed. Zip64 where a
//! size or an offset needs it (APPNOTE 6.3.10, 4.5.3).

use std::io::{self, Write};

use crc_fast::{CrcAlgorithm, Digest};
use eyrie_media::RangeRead;
use jiff::civil::DateTime;

const CHUNK_BYTES: usize = 128 * 1024;
const ZIP64_FROM: u64 = 0xFFFF_FFFF;
const LOCAL_HEADER_BYTES: u64 = 30;
const CENTRAL_HEADER_BYTES: u64 = 46;
const ZIP64_LOCAL_EXTRA_BYTES: u64 = 20;
const ZIP64_CENTRAL_EXTRA_BYTES: u64 = 28;
const ZIP64_END_BYTES: u64 = 56 + 20;
const END_BYTES: u64 = 22;
/// Bit 11: names are UTF-8.
const UTF8: u16 = 1 << 11;
const VERSION: u16 = 20;
const VERSION_ZIP64: u16 = 45;

/// A file of the zip.
pub(super) struct Entry<R> {
    /// With `/` between folders.
    pub(super) name: String,
    pub(super) modified: DateTime,
    pub(super) content: R,
}

/// Bytes of the whole zip.
pub(super) fn length<R: RangeRead>(entries: &[Entry<R>]) -> u64 {
    let (mut offset, mut central) = (0, 0);
    for entry in entries {
        let (name, size) = (entry.name.len() as u64, entry.content.size_bytes());
        central += CENTRAL_HEADER_BYTES + name + if is_large(size, offset) { ZIP64_CENTRAL_EXTRA_BYTES } else { 0 };
        let extra = if size >= ZIP64_FROM { ZIP64_LOCAL_EXTRA_BYTES } else { 0 };
        offset += LOCAL_HEADER_BYTES + name + extra + size;
    }
    let end = if needs_zip64(entries.len(), offset, central) { ZIP64_END_BYTES + END_BYTES } else { END_BYTES };
    offset + central + end
}

fn is_large(size: u64, offset: u64) -> bool {
    size >= ZIP64_FROM || offset >= ZIP64_FROM
}

fn needs_zip64(count: usize, central_at: u64, central: u64) -> bool {
    count >= 0xFFFF || central_at >= ZIP64_FROM || central >= ZIP64_FROM
}

/// Writes the whole zip.
///
/// # Errors
/// What `out` or a content says; a content that changes while it is read.
pub(super) fn write<R: RangeRead>(entries: &mut [Entry<R>], out: &mut dyn Write) -> io::Result<()> {
    let mut central = Vec::new();
    let mut offset = 0;
    let count = entries.len();
    for entry in entries {
        let size = entry.content.size_bytes();
        let crc = each_chunk(&mut entry.content, |_| Ok(()))?;
        let large = size >= ZIP64_FROM;
        let mut local = Vec::new();
        put32(&mut local, 0x0403_4B50);
        put_common(&mut local, entry.modified, crc, size, large, &entry.name);
        put16(&mut local, if large { ZIP64_LOCAL_EXTRA_BYTES as u16 } else { 0 });
        local.extend(entry.name.as_bytes());
        if large {
            put16(&mut local, 1);
            put16(&mut local, 16);
            put64(&mut local, size);
            put64(&mut local, size);
        }
        put_central(&mut central, &entry.name, entry.modified, crc, size, offset);
        out.write_all(&local)?;
        if each_chunk(&mut entry.content, |chunk| out.write_all(chunk))? != crc {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a file changed while it was sent"));
        }
        offset += local.len() as u64 + size;
    }
    let length = central.len() as u64;
    put_end(&mut central, count, offset, length);
    out.write_all(&central)
}

/// Calls `each` with the content piece by piece; gives its CRC-32.
fn each_chunk(content: &mut dyn RangeRead, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<u32> {
    let mut crc = Digest::new(CrcAlgorithm::Crc32IsoHdlc);
    let mut at = 0;
    loop {
        let chunk = eyrie_media::read_range(content, at, CHUNK_BYTES)?;
        if chunk.is_empty() {
            return u32::try_from(crc.finalize()).map_err(io::Error::other);
        }
        crc.update(&chunk);
        each(&chunk)?;
        at += chunk.len() as u64;
    }
}

/// What local and central header share: version needed to the length of the name.
fn put_common(out: &mut Vec<u8>, modified: DateTime, crc: u32, size: u64, large: bool, name: &str) {
    put16(out, if large { VERSION_ZIP64 } else { VERSION });
    put16(out, UTF8);
    put16(out, 0);
    put_dos_time(out, modified);
    put32(out, crc);
    let told = if large { u32::MAX } else { size as u32 };
    put32(out, told);
    put32(out, told);
    put16(out, name.len() as u16);
}

fn put_central(out: &mut Vec<u8>, name: &str, modified: DateTime, crc: u32, size: u64, offset: u64) {
    let large = is_large(size, offset);
    put32(out, 0x0201_4B50);
    put16(out, (3 << 8) | VERSION_ZIP64); // made on Unix: the mode below counts
    put_common(out, modified, crc, size, large, name);
    put16(out, if large { ZIP64_CENTRAL_EXTRA_BYTES as u16 } else { 0 });
    put16(out, 0);
    put16(out, 0);
    put16(out, 0);
    put32(out, 0o100_644 << 16);
    put32(out, if large { u32::MAX } else { offset as u32 });
    out.extend(name.as_bytes());
    if large {
        put16(out, 1);
        put16(out, 24);
        put64(out, size);
        put64(out, size);
        put64(out, offset);
    }
}

fn put_end(out: &mut Vec<u8>, count: usize, central_at: u64, central: u64) {
    let zip64 = needs_zip64(count, central_at, central);
    if zip64 {
        put32(out, 0x0606_4B50);
        put64(out, 44);
        put16(out, (3 << 8) | VERSION_ZIP64);
        put16(out, VERSION_ZIP64);
        put32(out, 0);
        put32(out, 0);
        put64(out, count as u64);
        put64(out, count as u64);
        put64(out, central);
        put64(out, central_at);
        put32(out, 0x0706_4B50);
        put32(out, 0);
        put64(out, central_at + central);
        put32(out, 1);
    }
    put32(out, 0x0605_4B50);
    put16(out, 0);
    put16(out, 0);
    let told = if count >= 0xFFFF { u16::MAX } else { count as u16 };
    put16(out, told);
    put16(out, told);
    put32(out, central.min(ZIP64_FROM) as u32);
    put32(out, central_at.min(ZIP64_FROM) as u32);
    put16(out, 0);
}

/// MS-DOS time and date: two seconds exact, from 1980 on.
fn put_dos_time(out: &mut Vec<u8>, at: DateTime) {
    let year = u16::try_from(at.year()).unwrap_or(1980).clamp(1980, 2107) - 1980;
    let number = |value: i8| u16::from(value.unsigned_abs());
    put16(out, (number(at.hour()) << 11) | (number(at.minute()) << 5) | (number(at.second()) / 2));
    put16(out, (year << 9) | (number(at.month()) << 5) | number(at.day()));
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend(value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many zeros that do not exist.
    struct Zeros(u64);

    impl RangeRead for Zeros {
        fn size_bytes(&self) -> u64 {
            self.0
        }

        fn read_exact_at(&mut self, _: u64, buffer: &mut [u8]) -> io::Result<()> {
            buffer.fill(0);
            Ok(())
        }
    }

    fn entry<R>(name: &str, content: R) -> Entry<R> {
        Entry { name: name.to_owned(), modified: jiff::civil::datetime(2026, 5, 10, 10, 15, 30, 0), content }
    }

    /// Python reads it: another implementation than this one.
    #[test]
    fn others_read_what_is_written() {
        let mut entries = [entry("a/ä.obs", &b"one"[..]), entry("a/empty", b""), entry("a/b.MRK", &[7; 300_000])];
        let mut zip = Vec::new();
        write(&mut entries, &mut zip).expect("written");
        assert_eq!(zip.len() as u64, length(&entries));
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("a.zip");
        std::fs::write(&path, &zip).expect("written");
        let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; \
                      print([(i.filename, i.file_size, i.date_time) for i in z.infolist()])";
        let Ok(done) = std::process::Command::new("python3").args(["-c", script]).arg(&path).output() else {
            eprintln!("skipped: python3 is not installed");
            return;
        };
        let told = String::from_utf8_lossy(&done.stdout);
        let expected = "[('a/ä.obs', 3, (2026, 5, 10, 10, 15, 30)), ('a/empty', 0, (2026, 5, 10, 10, 15, 30)), ('a/b.MRK', 300000, (2026, 5, 10, 10, 15, 30))]";
        assert_eq!(told.trim(), expected, "{}", String::from_utf8_lossy(&done.stderr));
    }

    #[test]
    fn large_entries_and_offsets_are_zip64() {
        let sizes = [5, 0xFFFF_FFFF, 5, 0xFFFF_FFFE];
        let entries: Vec<_> = sizes.iter().map(|size| entry("x", Zeros(*size))).collect();
        let (mut offset, mut central) = (0, Vec::new());
        for entry in &entries {
            let size = entry.content.0;
            put_central(&mut central, &entry.name, entry.modified, 0, size, offset);
            offset += 31 + size + if size == 0xFFFF_FFFF { 20 } else { 0 };
        }
        assert_eq!(central.len(), 4 * 47 + 3 * 28, "the first is small, the others are large or far");
        let central_bytes = central.len() as u64;
        put_end(&mut central, 4, offset, central_bytes);
        assert_eq!(length(&entries), offset + central.len() as u64);
        assert_eq!(central[central_bytes as usize..][..4], 0x0606_4B50_u32.to_le_bytes());
    }
}
