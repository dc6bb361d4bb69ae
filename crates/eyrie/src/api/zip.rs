//! A zip of stored objects, made while it is sent: no compression, its length known before its first byte, and any range of it
//! the same bytes every time, so that a download that broke off goes on where it stopped.
//!
//! Each entry's CRC-32 stands before its bytes: readers that take a zip from its beginning (unpackers in pipes, browsers'
//! streams) cannot use the other form for entries that are not compressed. Zip64 where a size or an offset needs it
//! (APPNOTE 6.3.10, 4.5.3).

use std::io::{self, Write};
use std::ops::Range;

use jiff::civil::DateTime;

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
pub(super) struct Entry {
    /// With `/` between folders.
    pub(super) name: String,
    pub(super) modified: DateTime,
    pub(super) size_bytes: u64,
}

/// The bytes of the files, by their place in the list.
pub(super) trait Contents {
    /// CRC-32 of the whole file.
    fn crc32(&mut self, n: usize) -> io::Result<u32>;
    /// Gives the bytes of `range` piece by piece.
    fn read(&mut self, n: usize, range: Range<u64>, out: &mut dyn Write) -> io::Result<()>;
}

/// Bytes of the whole zip.
pub(super) fn length(entries: &[Entry]) -> u64 {
    let (mut offset, mut central) = (0, 0);
    for entry in entries {
        let name = entry.name.len() as u64;
        let extra = if is_large(entry.size_bytes, offset) { ZIP64_CENTRAL_EXTRA_BYTES } else { 0 };
        central += CENTRAL_HEADER_BYTES + name + extra;
        offset += local_bytes(entry) + entry.size_bytes;
    }
    let end = if needs_zip64(entries.len(), offset, central) { ZIP64_END_BYTES + END_BYTES } else { END_BYTES };
    offset + central + end
}

/// Of the header before an entry's bytes.
fn local_bytes(entry: &Entry) -> u64 {
    let extra = if entry.size_bytes >= ZIP64_FROM { ZIP64_LOCAL_EXTRA_BYTES } else { 0 };
    LOCAL_HEADER_BYTES + entry.name.len() as u64 + extra
}

fn is_large(size: u64, offset: u64) -> bool {
    size >= ZIP64_FROM || offset >= ZIP64_FROM
}

fn needs_zip64(count: usize, central_at: u64, central: u64) -> bool {
    count >= 0xFFFF || central_at >= ZIP64_FROM || central >= ZIP64_FROM
}

/// Writes the bytes `range` of the zip. Files before it are not read; the directory at the end needs the CRC of each.
///
/// # Errors
/// What `out` or the contents say.
pub(super) fn write(
    entries: &[Entry],
    contents: &mut dyn Contents,
    range: Range<u64>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut offset = 0;
    for (n, entry) in entries.iter().enumerate() {
        if offset >= range.end {
            return Ok(());
        }
        let content_at = offset + local_bytes(entry);
        if content_at > range.start {
            let local = local_header(entry, contents.crc32(n)?);
            out.write_all(within(&local, offset, &range))?;
        }
        let wanted = inside(content_at, entry.size_bytes, &range);
        if !wanted.is_empty() {
            contents.read(n, wanted, out)?;
        }
        offset = content_at + entry.size_bytes;
    }
    if offset >= range.end {
        return Ok(());
    }
    let (mut central, mut at) = (Vec::new(), 0);
    for (n, entry) in entries.iter().enumerate() {
        put_central(&mut central, entry, contents.crc32(n)?, at);
        at += local_bytes(entry) + entry.size_bytes;
    }
    let length = central.len() as u64;
    put_end(&mut central, entries.len(), offset, length);
    out.write_all(within(&central, offset, &range))
}

/// The part of `size_bytes` at `at` that lies in `range`, counted from `at`.
fn inside(at: u64, size_bytes: u64, range: &Range<u64>) -> Range<u64> {
    let from = range.start.saturating_sub(at).min(size_bytes);
    from..range.end.saturating_sub(at).clamp(from, size_bytes)
}

fn within<'a>(bytes: &'a [u8], at: u64, range: &Range<u64>) -> &'a [u8] {
    let wanted = inside(at, bytes.len() as u64, range);
    bytes.get(wanted.start as usize..wanted.end as usize).unwrap_or_default()
}

fn local_header(entry: &Entry, crc: u32) -> Vec<u8> {
    let large = entry.size_bytes >= ZIP64_FROM;
    let mut local = Vec::new();
    put32(&mut local, 0x0403_4B50);
    put_common(&mut local, entry.modified, crc, entry.size_bytes, large, &entry.name);
    put16(&mut local, if large { ZIP64_LOCAL_EXTRA_BYTES as u16 } else { 0 });
    local.extend(entry.name.as_bytes());
    if large {
        put16(&mut local, 1);
        put16(&mut local, 16);
        put64(&mut local, entry.size_bytes);
        put64(&mut local, entry.size_bytes);
    }
    local
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

fn put_central(out: &mut Vec<u8>, entry: &Entry, crc: u32, offset: u64) {
    let (size, large) = (entry.size_bytes, is_large(entry.size_bytes, offset));
    put32(out, 0x0201_4B50);
    put16(out, (3 << 8) | VERSION_ZIP64); // made on Unix: the mode below counts
    put_common(out, entry.modified, crc, size, large, &entry.name);
    put16(out, if large { ZIP64_CENTRAL_EXTRA_BYTES as u16 } else { 0 });
    put16(out, 0);
    put16(out, 0);
    put16(out, 0);
    put32(out, 0o100_644 << 16);
    put32(out, if large { u32::MAX } else { offset as u32 });
    out.extend(entry.name.as_bytes());
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

/// One step of a path that every system takes.
pub(super) fn safe(name: &str) -> String {
    const MAX_CHARS: usize = 200;
    let bad = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    let name: String = name.chars().take(MAX_CHARS).map(|c| if bad(c) { '_' } else { c }).collect();
    let name = name.trim_matches([' ', '.']);
    if name.is_empty() { "_".to_owned() } else { name.to_owned() }
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
    use proptest::prelude::*;

    use super::*;

    fn entry(name: &str, size_bytes: u64) -> Entry {
        Entry { name: name.to_owned(), modified: jiff::civil::datetime(2026, 5, 10, 10, 15, 30, 0), size_bytes }
    }

    impl Contents for Vec<Vec<u8>> {
        fn crc32(&mut self, n: usize) -> io::Result<u32> {
            Ok(crc_fast::crc32_iso_hdlc(&self[n]))
        }

        fn read(&mut self, n: usize, range: Range<u64>, out: &mut dyn Write) -> io::Result<()> {
            out.write_all(&self[n][range.start as usize..range.end as usize])
        }
    }

    fn zipped(files: &[(&str, Vec<u8>)], range: Option<Range<u64>>) -> (Vec<u8>, u64) {
        let entries: Vec<_> = files.iter().map(|(name, bytes)| entry(name, bytes.len() as u64)).collect();
        let mut contents: Vec<Vec<u8>> = files.iter().map(|(_, bytes)| bytes.clone()).collect();
        let (mut zip, length) = (Vec::new(), length(&entries));
        write(&entries, &mut contents, range.unwrap_or(0..length), &mut zip).expect("written");
        (zip, length)
    }

    /// Python reads it: another implementation than this one.
    #[test]
    fn others_read_what_is_written() {
        let files = [("a/ä.obs", b"one".to_vec()), ("a/empty", Vec::new()), ("a/b.MRK", vec![7; 300_000])];
        let (zip, length) = zipped(&files, None);
        assert_eq!(zip.len() as u64, length);
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

    proptest! {
        #[test]
        fn a_range_is_that_part_of_the_whole(
            sizes in proptest::collection::vec(0_usize..300, 0..6), from in 0_u64..2_000, to in 0_u64..2_000,
        ) {
            let names: Vec<String> = (0..sizes.len()).map(|n| format!("f/{n}")).collect();
            let files: Vec<_> = names.iter().zip(&sizes).enumerate()
                .map(|(n, (name, size))| (name.as_str(), vec![n as u8; *size])).collect();
            let (whole, length) = zipped(&files, None);
            prop_assert_eq!(whole.len() as u64, length);
            let (from, to) = (from.min(length), to.min(length));
            let range = from.min(to)..from.max(to);
            let (part, _) = zipped(&files, Some(range.clone()));
            prop_assert_eq!(&part[..], &whole[range.start as usize..range.end as usize]);
        }
    }

    #[test]
    fn large_entries_and_offsets_are_zip64() {
        /// Bytes that do not exist.
        struct None;
        impl Contents for None {
            fn crc32(&mut self, _: usize) -> io::Result<u32> {
                Ok(0)
            }
            fn read(&mut self, _: usize, _: Range<u64>, _: &mut dyn Write) -> io::Result<()> {
                Err(io::Error::other("no content is asked for"))
            }
        }
        let sizes = [5, 0xFFFF_FFFF, 5, 0xFFFF_FFFE];
        let entries: Vec<_> = sizes.iter().map(|size| entry("x", *size)).collect();
        let contents_end = sizes.iter().sum::<u64>() + 4 * 31 + 20;
        let mut tail = Vec::new();
        write(&entries, &mut None, contents_end..u64::MAX, &mut tail).expect("written");
        let central_bytes = 4 * 47 + 3 * 28; // the first is small, the others are large or far
        assert_eq!(length(&entries), contents_end + tail.len() as u64);
        assert_eq!(tail.len(), central_bytes + (ZIP64_END_BYTES + END_BYTES) as usize);
        assert_eq!(tail[central_bytes..][..4], 0x0606_4B50_u32.to_le_bytes());
        let many: Vec<_> = (0..70_000).map(|n| entry(&format!("{n:05}"), 0)).collect();
        assert_eq!(length(&many), 70_000 * (35 + 51) + ZIP64_END_BYTES + END_BYTES);
    }

    /// A zip with a file of more than 4 GiB of zeros, which are left out as holes, and more files than 65,535.
    #[test]
    fn others_read_one_that_is_larger_than_zip_once_could_be() {
        use std::io::Seek as _;

        static ZEROS: [u8; 1 << 20] = [0; 1 << 20];
        struct Holes(std::fs::File);
        impl Write for Holes {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                if ZEROS == bytes {
                    return self.0.seek_relative(ZEROS.len() as i64).map(|()| bytes.len());
                }
                self.0.write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                self.0.flush()
            }
        }
        struct Files;
        impl Contents for Files {
            fn crc32(&mut self, n: usize) -> io::Result<u32> {
                // nobody reads the large one here
                Ok(if n == 1 { 0 } else { crc_fast::crc32_iso_hdlc(n.to_string().as_bytes()) })
            }
            fn read(&mut self, n: usize, range: Range<u64>, out: &mut dyn Write) -> io::Result<()> {
                if n != 1 {
                    return out.write_all(&n.to_string().as_bytes()[range.start as usize..range.end as usize]);
                }
                (range.start..range.end).step_by(ZEROS.len()).try_for_each(|_| out.write_all(&ZEROS))
            }
        }
        let size = |n: usize| if n == 1 { (4 << 30) + (1 << 20) } else { n.to_string().len() as u64 };
        let entries: Vec<_> = (0..66_000).map(|n| entry(&format!("f/{n}"), size(n))).collect();
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("a.zip");
        let mut out = Holes(std::fs::File::create(&path).expect("created"));
        let length = length(&entries);
        write(&entries, &mut Files, 0..length, &mut out).expect("written");
        assert_eq!(out.0.stream_position().expect("a place"), length);
        let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); \
                      print(len(z.infolist()), z.getinfo('f/1').file_size, z.read('f/0'), z.read('f/2'), z.read('f/65999'))";
        let Ok(done) = std::process::Command::new("python3").args(["-c", script]).arg(&path).output() else {
            eprintln!("skipped: python3 is not installed");
            return;
        };
        let expected = format!("66000 {} b'0' b'2' b'65999'", size(1));
        let told = String::from_utf8_lossy(&done.stdout);
        assert_eq!(told.trim(), expected, "{}", String::from_utf8_lossy(&done.stderr));
        let Ok(unzipped) = std::process::Command::new("unzip").arg("-p").arg(&path).arg("f/65999").output() else {
            eprintln!("skipped: unzip is not installed");
            return;
        };
        assert_eq!(unzipped.stdout, b"65999", "{}", String::from_utf8_lossy(&unzipped.stderr));
    }

    #[test]
    fn names_stay_in_their_folder() {
        for (name, expected) in
            [("a_b.obs", "a_b.obs"), ("../../x", "_.._x"), ("..", "_"), ("C:\\x\n", "C__x_"), ("", "_")]
        {
            assert_eq!(safe(name), expected, "{name:?}");
        }
    }
}
