//! Where bytes come from: memory, a file, or an object store asked for ranges.

use std::io;

/// Random access to a file's bytes. Readers ask for few, small ranges: a 1 GiB video is not read to know its track.
pub trait RangeRead {
    /// Size of the whole file, bytes.
    fn size_bytes(&self) -> u64;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends before the buffer is full; whatever the source says otherwise.
    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl<R: RangeRead + ?Sized> RangeRead for &mut R {
    fn size_bytes(&self) -> u64 {
        (**self).size_bytes()
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        (**self).read_exact_at(offset, buffer)
    }
}

impl RangeRead for &[u8] {
    fn size_bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(offset).ok().and_then(|offset| self.get(offset..));
        let bytes = from.and_then(|from| from.get(..buffer.len()));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A local file.
#[derive(Debug)]
pub struct FileRange {
    file: std::fs::File,
    size_bytes: u64,
}

impl FileRange {
    /// # Errors
    /// The file's size cannot be read.
    pub fn new(file: std::fs::File) -> io::Result<Self> {
        let size_bytes = file.metadata()?.len();
        Ok(Self { file, size_bytes })
    }
}

impl RangeRead for FileRange {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, buffer, offset)
    }
}

/// Read at a place that nothing was read before: telemetry lies scattered in a video, a few hundred bytes a frame.
const FIRST_WINDOW_BYTES: u64 = 4 * 1024;
/// Read ahead where reading goes on from one window to the next.
const MAX_WINDOW_BYTES: u64 = 256 * 1024;

/// A source that a request costs more than some bytes: a window of it is kept in memory.
#[derive(Debug)]
pub struct Windowed<R> {
    source: R,
    window_at: u64,
    window: Vec<u8>,
    ahead_bytes: u64,
}

impl<R: RangeRead> Windowed<R> {
    pub fn new(source: R) -> Self {
        Self { source, window_at: 0, window: Vec::new(), ahead_bytes: FIRST_WINDOW_BYTES }
    }
}

impl<R: RangeRead> RangeRead for Windowed<R> {
    fn size_bytes(&self) -> u64 {
        self.source.size_bytes()
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let size_bytes = self.size_bytes();
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= size_bytes);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        if buffer.is_empty() {
            return Ok(());
        }
        let window_end = self.window_at + self.window.len() as u64;
        if offset < self.window_at || end > window_end {
            let goes_on = !self.window.is_empty() && (self.window_at..=window_end).contains(&offset);
            let ahead_bytes =
                if goes_on { self.ahead_bytes.saturating_mul(2).min(MAX_WINDOW_BYTES) } else { FIRST_WINDOW_BYTES };
            let length = (offset + ahead_bytes).max(end).min(size_bytes) - offset;
            let mut window = vec![0; usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?];
            self.source.read_exact_at(offset, &mut window)?;
            (self.window, self.window_at, self.ahead_bytes) = (window, offset, ahead_bytes);
        }
        let at = usize::try_from(offset - self.window_at).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let bytes = self.window.get(at..at + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

/// The bytes of `offset..offset + length`, cut off at the file's end; none beyond it.
///
/// # Errors
/// What the source says.
pub fn read_range(reader: &mut dyn RangeRead, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let left = reader.size_bytes().saturating_sub(offset);
    let mut bytes = vec![0; usize::try_from(left).unwrap_or(usize::MAX).min(length)];
    if !bytes.is_empty() {
        reader.read_exact_at(offset, &mut bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Counting<'a>(&'a [u8], usize);

    impl RangeRead for Counting<'_> {
        fn size_bytes(&self) -> u64 {
            self.0.size_bytes()
        }

        fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            self.1 += 1;
            self.0.read_exact_at(offset, buffer)
        }
    }

    #[test]
    fn reading_on_asks_for_more_at_a_time() {
        let bytes = vec![7; 4 << 20];
        let mut window = Windowed::new(Counting(&bytes, 0));
        for at in 0..1_024 {
            window.read_exact_at(at * 4_096, &mut [0; 4_096]).unwrap();
        }
        // 4 kB doubled up to 256, and then 15 times 256
        assert_eq!(window.source.1, 7 + 15);
    }

    proptest! {
        #[test]
        fn a_window_shows_what_lies_behind_it(reads in prop::collection::vec((0_usize..20_000, 0_usize..9_000), 1..40)) {
            let bytes: Vec<u8> = (0..16_000_u32).map(|n| ((n * n) >> 3) as u8).collect();
            let mut window = Windowed::new(&bytes[..]);
            for (offset, length) in reads {
                let mut found = vec![0; length];
                let read = window.read_exact_at(offset as u64, &mut found);
                match bytes.get(offset..offset + length) {
                    Some(wanted) => prop_assert!(read.is_ok() && found == wanted),
                    None => prop_assert_eq!(read.unwrap_err().kind(), io::ErrorKind::UnexpectedEof),
                }
            }
        }
    }
}
