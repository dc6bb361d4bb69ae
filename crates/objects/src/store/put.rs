//! Bytes on their way in.
//!
//! A writer gathers a block, then writes it on one blocking thread while another one sums it up (summing.rs), so that
//! neither waits for the other. At most one block is under way and one being gathered; no thread
//! is held while a slow client sends.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::checksum::{Summer, Sums, hex};
use super::disk::{Flow, Tmp};
use super::engine::{Engine, joined, key_lock};
use super::multipart::OpenUpload;
use super::path::KeyPath;
use super::record::Record;
use super::{
    Checksum, ChecksumAlgorithm, Condition, Expected, ObjectInfo, PartInfo, PartOptions, PutOptions, StoreError,
};

/// What is written and summed at a time.
const BLOCK_BYTES: usize = 1024 * 1024;

/// An object on its way in. Dropped without [`ObjectWriter::finish`], nothing of it stays.
pub struct ObjectWriter {
    inflow: Inflow,
    bucket: String,
    key: String,
    path: KeyPath,
    options: PutOptions,
}

impl ObjectWriter {
    pub(super) fn new(engine: &Arc<Engine>, bucket: &str, key: &str, options: PutOptions) -> Result<Self, StoreError> {
        let path = engine.key_path(bucket, key)?;
        engine.require_bucket(bucket)?;
        engine.disk.writable(options.content_length.unwrap_or(0))?;
        if options.condition != Condition::default() {
            // Checked again when it counts; this spares the client its upload.
            engine.check(&options.condition, bucket, key, engine.current(bucket, key)?.as_ref())?;
        }
        let inflow = Inflow::new(engine, Flow::Put, &options.checksums)?;
        Ok(Self { inflow, bucket: bucket.to_owned(), key: key.to_owned(), path, options })
    }

    /// Takes the next bytes; waits while the disk is behind by more than a block.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.inflow.write(bytes).await
    }

    /// Compares with what the client said, makes the object durable and visible, or leaves nothing behind.
    pub async fn finish(self, expected: Expected) -> Result<ObjectInfo, StoreError> {
        let Self { inflow, bucket, key, path, options } = self;
        inflow
            .finish(expected, move |engine, mut tmp, sums| {
                let record = Record {
                    key,
                    size_bytes: sums.size_bytes,
                    etag: hex(&sums.md5),
                    crc64nvme: sums.crc64nvme,
                    last_modified: engine.clock.now(),
                    checksums: sums.checksums,
                    content_type: options.content_type,
                    headers: options.headers,
                    metadata: options.metadata,
                    multipart: None,
                };
                #[cfg(feature = "failpoints")]
                if control::answers_before_rename() {
                    return Ok(control::place_later(engine, bucket, record, path, options.condition, tmp));
                }
                match engine.place(Flow::Put, &bucket, &record, &path, &options.condition, &mut tmp) {
                    Ok(()) => Ok(record.info()),
                    Err(error) => {
                        tmp.discard();
                        Err(error)
                    }
                }
            })
            .await
    }
}

/// A part on its way in; as [`ObjectWriter`].
pub struct PartWriter {
    inflow: Inflow,
    upload: OpenUpload,
    number: u32,
}

impl PartWriter {
    pub(super) fn new(
        engine: &Arc<Engine>,
        bucket: &str,
        key: &str,
        upload_id: &str,
        number: u32,
        options: &PartOptions,
    ) -> Result<Self, StoreError> {
        let upload = engine.open_upload(bucket, key, upload_id)?;
        engine.disk.writable(options.content_length.unwrap_or(0))?;
        let inflow = Inflow::new(engine, Flow::Part, &upload.part_checksums(&options.checksums))?;
        Ok(Self { inflow, upload, number })
    }

    /// As [`ObjectWriter::write`].
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.inflow.write(bytes).await
    }

    /// As [`ObjectWriter::finish`].
    pub async fn finish(self, expected: Expected) -> Result<PartInfo, StoreError> {
        let Self { inflow, upload, number } = self;
        inflow
            .finish(expected, move |engine, mut tmp, sums| {
                let part = PartInfo {
                    number,
                    size_bytes: sums.size_bytes,
                    etag: hex(&sums.md5),
                    crc64nvme: sums.crc64nvme,
                    last_modified: engine.clock.now(),
                    checksums: sums.checksums,
                };
                match engine.place_part(&upload, &part, &mut tmp) {
                    Ok(()) => Ok(part),
                    Err(error) => {
                        tmp.discard();
                        Err(error)
                    }
                }
            })
            .await
    }
}

impl Engine {
    /// Makes `record`'s object durable and visible: its bytes are in `tmp` already, the record is written here.
    pub(super) fn place(
        &self,
        flow: Flow,
        bucket: &str,
        record: &Record,
        path: &KeyPath,
        condition: &Condition,
        tmp: &mut Tmp,
    ) -> Result<(), StoreError> {
        tmp.write(flow, &record.trailer())?;
        tmp.sync(flow)?;
        let _held = self.locks.hold(key_lock(bucket, &record.key));
        let mut once = || {
            let _tree = self.tree.read();
            self.require_bucket(bucket)?;
            let current = self.current(bucket, &record.key)?;
            self.check(condition, bucket, &record.key, current.as_ref())?;
            self.disk.ensure_dirs(flow, &path.dirs)?;
            tmp.place(flow, &path.file)
                .map_err(|source| self.disk.failed("the object cannot be put into place", source))?;
            self.disk.sync_dir(flow, path.parent())?;
            Ok::<_, StoreError>(current)
        };
        let replaced = match once() {
            Err(error) if error.is_not_found() => {
                self.remake_dirs(flow, bucket, path)?;
                once()?
            }
            other => other?,
        };
        let upload_id = replaced.as_ref().and_then(Record::upload_id);
        assert!(upload_id.is_none() || upload_id != record.upload_id(), "an upload becomes an object once");
        self.release(flow, upload_id);
        Ok(())
    }

    /// A directory that was believed to be there is gone: a command beside the server, or a person, removed an empty one.
    /// Nobody writes meanwhile, so nobody builds on a directory whose own entry is not durable yet.
    fn remake_dirs(&self, flow: Flow, bucket: &str, path: &KeyPath) -> Result<(), StoreError> {
        let _tree = self.tree.write();
        self.require_bucket(bucket)?;
        self.disk.forget_dirs();
        self.disk.ensure_dirs(flow, &path.dirs)
    }
}

/// The common half of both writers.
struct Inflow {
    engine: Arc<Engine>,
    flow: Flow,
    gathered: Block,
    file: Lane<Tmp>,
    sums: Lane<Summer>,
}

impl Inflow {
    fn new(engine: &Arc<Engine>, flow: Flow, checksums: &[ChecksumAlgorithm]) -> Result<Self, StoreError> {
        let file = Lane::Idle(engine.disk.create_tmp(flow)?);
        let sums = Lane::Idle(Summer::new(checksums));
        Ok(Self { engine: engine.clone(), flow, gathered: Block::default(), file, sums })
    }

    async fn write(&mut self, mut bytes: Bytes) -> Result<(), StoreError> {
        while !bytes.is_empty() {
            self.gathered.fill(&mut bytes);
            if self.gathered.size_bytes() == BLOCK_BYTES {
                self.pass_on().await?;
            }
        }
        Ok(())
    }

    /// Hands the gathered block to both lanes, when they are done with the one before.
    async fn pass_on(&mut self) -> Result<(), StoreError> {
        self.file.settle().await?;
        self.sums.settle().await?;
        let block = self.gathered.take();
        let (flow, written) = (self.flow, block.clone());
        let mut tmp = self.file.take()?;
        let mut write = self
            .engine
            .start_writing(move |engine| match engine.disk.writable(0).and_then(|()| tmp.write(flow, &written)) {
                Ok(()) => Ok(tmp),
                Err(error) => {
                    tmp.discard();
                    Err(error)
                }
            })
            .await;
        self.file = Lane::Busy(Box::pin(async move { joined(&mut write).await }));
        let sum = self.engine.summing.start(self.sums.take()?, block);
        self.sums = Lane::Busy(Box::pin(async move { sum.await.map_err(|_| lost("the program is stopping")) }));
        Ok(())
    }

    /// Writes what is left, compares, and runs `place` when all is as the client said.
    async fn finish<T: Send + 'static>(
        mut self,
        expected: Expected,
        place: impl FnOnce(&Arc<Engine>, Tmp, Sums) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.gathered.size_bytes() > 0 {
            self.pass_on().await?;
        }
        self.file.settle().await?;
        self.sums.settle().await?;
        let (tmp, sums) = (self.file.take()?, self.sums.take()?.finish());
        self.engine
            .writing(move |engine| match compare(&expected, &sums) {
                Ok(()) => place(engine, tmp, sums),
                Err(error) => {
                    tmp.discard();
                    Err(error)
                }
            })
            .await
    }
}

/// Something that one blocking thread at a time works on.
enum Lane<T> {
    Idle(T),
    Busy(Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + Sync>>),
    /// It failed, or the future that worked on it was dropped: the writer is of no use any more.
    Lost,
}

impl<T> Lane<T> {
    async fn settle(&mut self) -> Result<(), StoreError> {
        if let Self::Busy(work) = self {
            let result = work.await;
            *self = Self::Lost;
            *self = Self::Idle(result?);
        }
        Ok(())
    }

    fn take(&mut self) -> Result<T, StoreError> {
        match mem::replace(self, Self::Lost) {
            Self::Idle(value) => Ok(value),
            _ => Err(lost("an earlier write of it failed")),
        }
    }
}

fn lost(why: &str) -> StoreError {
    StoreError::Io { doing: "the object cannot be written any further".into(), source: std::io::Error::other(why) }
}

/// Bytes gathered until they are worth a write.
#[derive(Default)]
struct Block {
    gathered: BytesMut,
    /// A chunk that is a block of its own, kept as it came.
    whole: Option<Bytes>,
    /// One block was full: the next one probably will be.
    many: bool,
}

impl Block {
    fn size_bytes(&self) -> usize {
        self.whole.as_ref().map_or(self.gathered.len(), Bytes::len)
    }

    /// Takes as much of `bytes` as there is room for.
    fn fill(&mut self, bytes: &mut Bytes) {
        let room = BLOCK_BYTES - self.size_bytes();
        let chunk = bytes.split_to(room.min(bytes.len()));
        if chunk.len() == BLOCK_BYTES {
            self.whole = Some(chunk);
            return;
        }
        if self.many && self.gathered.is_empty() {
            self.gathered.reserve(BLOCK_BYTES);
        }
        self.gathered.extend_from_slice(&chunk);
    }

    fn take(&mut self) -> Bytes {
        self.many = true;
        self.whole.take().unwrap_or_else(|| mem::take(&mut self.gathered).freeze())
    }
}

fn compare(expected: &Expected, sums: &Sums) -> Result<(), StoreError> {
    if let Some(expected_bytes) = expected.size_bytes
        && expected_bytes != sums.size_bytes
    {
        return Err(StoreError::IncompleteBody { expected_bytes, got_bytes: sums.size_bytes });
    }
    if expected.md5.is_some_and(|md5| md5 != sums.md5) {
        return Err(StoreError::BadDigest { what: "MD5" });
    }
    for checksum in &expected.checksums {
        let crc64nvme = Checksum::crc64nvme(sums.crc64nvme);
        let found = sums.checksums.iter().chain([&crc64nvme]).find(|computed| computed.algorithm == checksum.algorithm);
        if found.is_none_or(|computed| computed.value != checksum.value) {
            return Err(StoreError::BadDigest { what: checksum.algorithm.name() });
        }
    }
    Ok(())
}

/// A negative control: the durable order broken on purpose, so that a harness can prove that it would notice. Compiled
/// only with `failpoints`, never into a release.
#[cfg(feature = "failpoints")]
mod control {
    use std::time::Duration;

    use super::*;

    /// `EYRIE_CONTROL=answer-before-rename`: a PUT is answered before its object is durable and in place.
    pub(super) fn answers_before_rename() -> bool {
        static ON: std::sync::LazyLock<bool> = std::sync::LazyLock::new(|| {
            std::env::var("EYRIE_CONTROL").is_ok_and(|name| name == "answer-before-rename")
        });
        *ON
    }

    pub(super) fn place_later(
        engine: &Arc<Engine>,
        bucket: String,
        record: Record,
        path: KeyPath,
        condition: Condition,
        mut tmp: Tmp,
    ) -> ObjectInfo {
        let (engine, info) = (engine.clone(), record.info());
        std::thread::spawn(move || {
            // long enough for the answer to be on its way
            std::thread::sleep(Duration::from_millis(500));
            if engine.place(Flow::Put, &bucket, &record, &path, &condition, &mut tmp).is_err() {
                tmp.discard();
            }
        });
        info
    }
}
