//! A stored object as the media readers want it: random access, a window of it in memory.

use std::io;
use std::sync::Arc;

use eyrie_media::RangeRead;
use eyrie_objects::{Store, StoreError};
use futures::TryStreamExt as _;
use tokio::runtime::Handle;

/// Read at a place that nothing was read before: telemetry lies scattered in a video, a few hundred bytes a frame.
const FIRST_WINDOW_BYTES: u64 = 4 * 1024;
/// Read ahead where reading goes on from one window to the next.
const MAX_WINDOW_BYTES: u64 = 256 * 1024;

/// Blocks while it reads: for blocking threads alone.
pub struct ObjectRange {
    store: Arc<Store>,
    runtime: Handle,
    bucket: String,
    key: String,
    size_bytes: u64,
    window_at: u64,
    window: Vec<u8>,
    ahead_bytes: u64,
    /// Bytes that were fetched so far.
    pub fetched_bytes: u64,
}

impl ObjectRange {
    /// Of an object whose size is known; made on the runtime whose threads will do the reading.
    pub fn new(store: Arc<Store>, bucket: &str, key: &str, size_bytes: u64) -> Self {
        Self {
            store,
            runtime: Handle::current(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            size_bytes,
            window_at: 0,
            window: Vec::new(),
            ahead_bytes: FIRST_WINDOW_BYTES,
            fetched_bytes: 0,
        }
    }

    fn fetch(&mut self, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let length = usize::try_from(to - from).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let (store, bucket, key) = (&self.store, &self.bucket, &self.key);
        let bytes = self.runtime.block_on(async {
            let (info, mut chunks) = store.read(bucket, key, Some((from, to))).await.map_err(gone_or_other)?;
            if info.size_bytes != self.size_bytes {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the object was replaced while it was read"));
            }
            let mut bytes = Vec::with_capacity(length);
            while let Some(chunk) = chunks.try_next().await? {
                bytes.extend_from_slice(&chunk);
            }
            Ok(bytes)
        })?;
        self.fetched_bytes += bytes.len() as u64;
        if bytes.len() == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

fn gone_or_other(error: StoreError) -> io::Error {
    match error {
        StoreError::NoSuchKey { .. } => io::Error::new(io::ErrorKind::NotFound, error),
        other => io::Error::other(other),
    }
}

impl RangeRead for ObjectRange {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.size_bytes);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        if buffer.is_empty() {
            return Ok(());
        }
        let window_end = self.window_at + self.window.len() as u64;
        if offset < self.window_at || end > window_end {
            let goes_on = !self.window.is_empty() && (self.window_at..=window_end).contains(&offset);
            let ahead =
                if goes_on { self.ahead_bytes.saturating_mul(2).min(MAX_WINDOW_BYTES) } else { FIRST_WINDOW_BYTES };
            self.window = self.fetch(offset, (offset + ahead).max(end).min(self.size_bytes))?;
            (self.window_at, self.ahead_bytes) = (offset, ahead);
        }
        let at = usize::try_from(offset - self.window_at).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let bytes = self.window.get(at..at + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}
