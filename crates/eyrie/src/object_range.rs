//! A stored object as the media readers want it: random access, a window of it in memory.

use std::io;
use std::sync::Arc;

use eyrie_media::{RangeRead, Windowed};
use eyrie_objects::{Store, StoreError};
use futures::TryStreamExt as _;
use tokio::runtime::Handle;

pub type ObjectRange = Windowed<Object>;

/// Blocks while it reads: for blocking threads alone.
pub struct Object {
    store: Arc<Store>,
    runtime: Handle,
    bucket: String,
    key: String,
    size_bytes: u64,
}

/// An object whose size is known; called on the runtime whose threads will do the reading.
pub fn open(store: Arc<Store>, bucket: &str, key: &str, size_bytes: u64) -> ObjectRange {
    let (bucket, key) = (bucket.to_owned(), key.to_owned());
    Windowed::new(Object { store, runtime: Handle::current(), bucket, key, size_bytes })
}

impl RangeRead for Object {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let (store, bucket, key) = (&self.store, &self.bucket, &self.key);
        let end = offset.checked_add(buffer.len() as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.runtime.block_on(async {
            let (info, mut chunks) = store.read(bucket, key, Some((offset, end))).await.map_err(gone_or_other)?;
            if info.size_bytes != self.size_bytes {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the object was replaced while it was read"));
            }
            let mut rest = buffer;
            while let Some(chunk) = chunks.try_next().await? {
                let (filled, left) = rest.split_at_mut_checked(chunk.len()).ok_or(io::ErrorKind::InvalidData)?;
                filled.copy_from_slice(&chunk);
                rest = left;
            }
            if rest.is_empty() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
        })
    }
}

fn gone_or_other(error: StoreError) -> io::Error {
    match error {
        StoreError::NoSuchKey { .. } => io::Error::new(io::ErrorKind::NotFound, error),
        other => io::Error::other(other),
    }
}
