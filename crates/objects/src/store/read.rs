//! Bytes on their way out.
//!
//! A read of the whole object is summed up on its way, and its last chunk is held back until the sum is the recorded
//! one: a client that was promised a length then misses bytes, it never gets wrong ones as a success. Ranges are not
//! summed; the scrub ([`super::Store::verify`]) looks at what nobody reads whole.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, future, stream};

use super::checksum::Crc64;
use super::engine::Engine;
use super::multipart::part_file;
use super::record::{Multipart, Record};
use super::{ObjectInfo, PartInfo, StoreError};

/// What is read at a time.
const CHUNK_BYTES: u64 = 512 * 1024;
/// Chunks that are read ahead of the client.
const CHUNKS_AHEAD: usize = 2;

/// An object's bytes, chunk by chunk; `Sync` too, as some HTTP bodies want it.
pub type ObjectStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send + Sync>>;

/// One version of an object, held open.
pub struct ObjectReader {
    engine: Arc<Engine>,
    info: ObjectInfo,
    body: Body,
}

/// Where the bytes are.
#[derive(Clone)]
enum Body {
    File(Arc<File>),
    Parts(Arc<PinnedParts>),
}

/// The parts of a multipart object; they stay until this is dropped.
struct PinnedParts {
    engine: Arc<Engine>,
    multipart: Multipart,
}

impl ObjectReader {
    pub fn info(&self) -> &ObjectInfo {
        &self.info
    }

    /// The parts of a multipart object in order; `None` when it came in one PUT.
    pub fn parts(&self) -> Option<&[PartInfo]> {
        match &self.body {
            Body::File(_) => None,
            Body::Parts(pinned) => Some(&pinned.multipart.parts),
        }
    }

    /// The bytes in `range` (start, exclusive end; whole when `None`; clipped to the object).
    ///
    /// A read of the whole ends in an error of kind `InvalidData`, before its last bytes, when they are not the ones
    /// that were put.
    pub fn into_stream(self, range: Option<(u64, u64)>) -> ObjectStream {
        let size_bytes = self.info.size_bytes;
        let (start, end) = range.unwrap_or((0, size_bytes));
        let end = end.min(size_bytes);
        let crc = (start == 0 && end == size_bytes).then(|| (Crc64::new(), self.info.crc64nvme));
        let (engine, body) = (self.engine, self.body);
        let pieces = body.pieces(start, end);
        let chunks =
            stream::iter(pieces).map(move |piece| chunk(engine.clone(), body.clone(), piece)).buffered(CHUNKS_AHEAD);
        let state = Checked { crc, at: start, end, failed: false };
        Box::pin(chunks.scan(state, |state, chunk| future::ready(state.pass(chunk))))
    }
}

/// Bytes of one file.
struct Piece {
    /// Index into the parts; 0 for an object in one file.
    part: usize,
    offset: u64,
    size_bytes: u64,
}

impl Body {
    /// The pieces that make up `start..end`, none larger than a chunk.
    fn pieces(&self, start: u64, end: u64) -> impl Iterator<Item = Piece> + Send + use<> {
        let sizes: Vec<u64> = match self {
            Self::File(_) => vec![end],
            Self::Parts(pinned) => pinned.multipart.parts.iter().map(|part| part.size_bytes).collect(),
        };
        let mut before = 0;
        sizes.into_iter().enumerate().flat_map(move |(part, size_bytes)| {
            let (first, last) = (start.clamp(before, before + size_bytes), end.clamp(before, before + size_bytes));
            let (mut offset, stop) = (first - before, last.max(first) - before);
            before += size_bytes;
            std::iter::from_fn(move || {
                let size_bytes = (stop - offset).min(CHUNK_BYTES);
                let piece = Piece { part, offset, size_bytes };
                offset += size_bytes;
                (size_bytes > 0).then_some(piece)
            })
        })
    }
}

async fn chunk(engine: Arc<Engine>, body: Body, piece: Piece) -> io::Result<Bytes> {
    let read = move || {
        let mut bytes = vec![0; usize::try_from(piece.size_bytes).expect("at most a chunk")];
        match &body {
            Body::File(file) => file.read_exact_at(&mut bytes, piece.offset)?,
            Body::Parts(pinned) => pinned.open(piece.part)?.read_exact_at(&mut bytes, piece.offset)?,
        }
        Ok(Bytes::from(bytes))
    };
    engine.reading(move |_| Ok(read())).await.map_err(io::Error::other)?
}

impl PinnedParts {
    fn open(&self, index: usize) -> io::Result<File> {
        let number = self.multipart.parts[index].number;
        File::open(part_file(&self.engine.upload_dir(&self.multipart.upload_id), number))
    }
}

impl Drop for PinnedParts {
    fn drop(&mut self) {
        if !self.engine.pins.unpin(&self.multipart.upload_id) {
            return;
        }
        let (engine, upload_id) = (self.engine.clone(), std::mem::take(&mut self.multipart.upload_id));
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn_blocking(move || engine.remove_parts(&upload_id));
            }
            Err(_) => engine.remove_parts(&upload_id),
        }
    }
}

/// Sums up what passes.
struct Checked {
    /// Running and recorded, for reads of the whole.
    crc: Option<(Crc64, u64)>,
    at: u64,
    end: u64,
    failed: bool,
}

impl Checked {
    /// What the client gets for `chunk`; nothing more after an error.
    fn pass(&mut self, chunk: io::Result<Bytes>) -> Option<io::Result<Bytes>> {
        if self.failed {
            return None;
        }
        let out = chunk.and_then(|bytes| {
            self.at += bytes.len() as u64;
            if let Some((running, recorded)) = &mut self.crc {
                running.update(&bytes);
                if self.at == self.end && running.value() != *recorded {
                    tracing::error!("an object's bytes are not the ones that were put");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "the stored bytes are damaged"));
                }
            }
            Ok(bytes)
        });
        self.failed = out.is_err();
        Some(out)
    }
}

impl Engine {
    pub(super) fn open_object(self: &Arc<Self>, bucket: &str, key: &str) -> Result<Option<ObjectReader>, StoreError> {
        loop {
            let Some((file, record)) = self.load(bucket, key)? else { return Ok(None) };
            let info = record.info();
            let Some(multipart) = record.multipart else {
                return Ok(Some(ObjectReader { engine: self.clone(), info, body: Body::File(Arc::new(file)) }));
            };
            // Whoever replaces the object removes its parts after the rename: if the key still has this upload once
            // it is pinned, they stay.
            let upload_id = multipart.upload_id.clone();
            self.pins.pin(&upload_id);
            let pinned = Arc::new(PinnedParts { engine: self.clone(), multipart });
            let again = self.load(bucket, key)?;
            if again.as_ref().and_then(|(_, record)| Record::upload_id(record)) == Some(upload_id.as_str()) {
                return Ok(Some(ObjectReader { engine: self.clone(), info, body: Body::Parts(pinned) }));
            }
        }
    }
}
