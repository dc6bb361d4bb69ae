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
