//! What all of the store's operations share. Its methods block; [`super::Store`] runs them on blocking threads.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use eyrie_env::{Clock, Random};
use parking_lot::RwLock;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::disk::{Disk, Flow};
use super::heads::Heads;
use super::lock::{Locks, Pins};
use super::path::KeyPath;
use super::record::{Fault, Record};
use super::summing::Summing;
use super::{Condition, StoreConfig, StoreError};

/// Blocking threads that write or wait for the disk at one time.
const MAX_WRITING: usize = 64;
/// Blocking threads that read or list at one time; apart from the writing ones, so that a disk that is slow to sync
/// does not keep objects from being read.
const MAX_READING: usize = 64;

pub(super) struct Engine {
    pub(super) config: StoreConfig,
    pub(super) min_part_bytes: u64,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) disk: Arc<Disk>,
    /// Keys, uploads and buckets whose state is being changed. An upload's is taken before a key's.
    pub(super) locks: Locks,
    pub(super) pins: Pins,
    /// Held for reading while directories must stay, for writing while empty ones are removed.
    pub(super) tree: RwLock<()>,
    pub(super) summing: Arc<Summing>,
    writing: Arc<Semaphore>,
    reading: Arc<Semaphore>,
    pub(super) heads: Heads,
}

impl Engine {
    pub(super) fn new(
        config: StoreConfig,
        min_part_bytes: u64,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        disk: Arc<Disk>,
    ) -> Self {
        Self {
            config,
            min_part_bytes,
            clock,
            random,
            disk,
            locks: Locks::default(),
            pins: Pins::default(),
            tree: RwLock::default(),
            summing: Summing::new(),
            writing: Arc::new(Semaphore::new(MAX_WRITING)),
            reading: Arc::new(Semaphore::new(MAX_READING)),
            heads: Heads::default(),
        }
    }

    /// Starts `work` on a blocking thread as soon as one is free. It runs to its end even when nobody waits for it.
    pub(super) async fn start_writing<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> Result<T, StoreError> + Send + 'static,
    ) -> JoinHandle<Result<T, StoreError>> {
        start(&self.writing, self, work).await
    }

    pub(super) async fn writing<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        joined(&mut start(&self.writing, self, work).await).await
    }

    pub(super) async fn reading<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        joined(&mut start(&self.reading, self, work).await).await
    }

    pub(super) fn key_path(&self, bucket: &str, key: &str) -> Result<KeyPath, StoreError> {
        KeyPath::new(&self.bucket_dir(bucket)?, key)
    }

    /// The object's file and record; `Ok(None)` when there is none, also when its key could not be stored.
    pub(super) fn load(&self, bucket: &str, key: &str) -> Result<Option<(File, Record)>, StoreError> {
        let path = match self.key_path(bucket, key) {
            Ok(path) => path,
            Err(StoreError::BadKey(_) | StoreError::KeyTooLong(_)) => {
                self.require_bucket(bucket)?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let loaded = load_file(path.file, key)?;
        if loaded.is_none() {
            self.require_bucket(bucket)?;
        }
        Ok(loaded)
    }

    /// `Ok` when a write to the key may go on; the caller holds the key.
    pub(super) fn check(
        &self,
        condition: &Condition,
        bucket: &str,
        key: &str,
        current: Option<&Record>,
    ) -> Result<(), StoreError> {
        match (current, &condition.etag) {
            (Some(_), _) if condition.absent => Err(StoreError::PreconditionFailed),
            (Some(record), Some(etag)) if etag != "*" && *etag != record.etag => Err(StoreError::PreconditionFailed),
            (None, Some(_)) => Err(no_such_key(bucket, key)),
            (Some(record), _) if condition.last_modified.is_some_and(|at| at != record.last_modified) => {
                Err(StoreError::PreconditionFailed)
            }
            _ => Ok(()),
        }
    }

    /// The record of what a write will replace. A damaged one can be replaced, and fails every If-Match.
    pub(super) fn current(&self, bucket: &str, key: &str) -> Result<Option<Record>, StoreError> {
        match self.load(bucket, key) {
            Ok(loaded) => Ok(loaded.map(|(_, record)| record)),
            Err(StoreError::Damaged { key, why }) => {
                tracing::error!(object.key = key, why, "a damaged object is being replaced");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The parts of an object that was replaced or removed durably go, at once or with their last reader.
    pub(super) fn release(&self, flow: Flow, upload_id: Option<&str>) {
        let Some(upload_id) = upload_id else { return };
        if self.pins.doom(upload_id) && self.disk.tidy(flow).is_ok() {
            self.remove_parts(upload_id);
        }
    }

    /// Moves the parts out of sight in one step, then removes them. What a crash leaves is found by the sweep.
    pub(super) fn remove_parts(&self, upload_id: &str) {
        let aside = self.disk.tmp_path();
        match self.disk.rename(Flow::Abort, &self.upload_dir(upload_id), &aside) {
            Ok(()) => self.disk.discard(&aside),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, upload_id, "parts that nothing refers to are left for the sweep"),
        }
    }

    pub(super) fn upload_dir(&self, upload_id: &str) -> PathBuf {
        self.disk.uploads().join(upload_id)
    }
}

/// The name under which [`Engine::locks`] knows a key; bucket names have no slash.
pub(super) fn key_lock(bucket: &str, key: &str) -> String {
    format!("{bucket}/{key}")
}

/// The name under which [`Engine::locks`] knows an upload.
pub(super) fn upload_lock(upload_id: &str) -> String {
    format!("upload {upload_id}")
}

pub(super) fn no_such_key(bucket: &str, key: &str) -> StoreError {
    StoreError::NoSuchKey { bucket: bucket.to_owned(), key: key.to_owned() }
}

/// Opens the object's file at `path`; `Ok(None)` when there is none.
pub(super) fn load_file(path: PathBuf, key: &str) -> Result<Option<(File, Record)>, StoreError> {
    let damaged = |why: String| StoreError::Damaged { key: key.to_owned(), why };
    let failed = |source| StoreError::Io { doing: format!("the object {key:?} cannot be read"), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => Ok(None),
                _ => Err(failed(error)),
            };
        }
    };
    match Record::read(&file) {
        Ok(record) if record.key == key => Ok(Some((file, record))),
        Ok(record) => Err(damaged(format!("its record is that of {:?}", record.key))),
        Err(Fault::Damaged(why)) => Err(damaged(why)),
        // Opening a directory is no error yet; it is none of ours.
        Err(Fault::Io(error)) if error.kind() == io::ErrorKind::IsADirectory => Ok(None),
        Err(Fault::Io(error)) => Err(failed(error)),
    }
}

async fn start<T: Send + 'static>(
    gate: &Arc<Semaphore>,
    engine: &Arc<Engine>,
    work: impl FnOnce(&Arc<Engine>) -> Result<T, StoreError> + Send + 'static,
) -> JoinHandle<Result<T, StoreError>> {
    let permit = gate.clone().acquire_owned().await.expect("the gate is never closed");
    let engine = engine.clone();
    tokio::task::spawn_blocking(move || {
        let result = work(&engine);
        drop(permit);
        result
    })
}

/// Waits for work that was started.
pub(super) async fn joined<T>(handle: &mut JoinHandle<Result<T, StoreError>>) -> Result<T, StoreError> {
    match handle.await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => {
                Err(StoreError::Io { doing: "the program is stopping".into(), source: io::Error::other(error) })
            }
        },
    }
}
