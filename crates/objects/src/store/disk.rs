//! The steps of a durable write, each with its name and its consequence.
//!
//! Whatever is acknowledged went through `sync` (the file), `rename` (into place) and `sync_dir` (the directory), in
//! that order. A failed fsync may have thrown away what other writes believe to be on its way to the disk, so it
//! breaks the store until the next start instead of being tried again.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eyrie_env::{Files, Random, fail_point};
use parking_lot::Mutex;

use super::StoreError;
use super::checksum::hex;

/// How long a measured free space is believed.
const SPACE_AGE: Duration = Duration::from_secs(1);
/// Directories remembered as durable; the memory is cleared when it is full.
const MAX_DURABLE_DIRS: usize = 16_384;
/// Other files' names that were met when making a temporary one, before giving up.
const TMP_ATTEMPTS: usize = 8;

/// What is being done; with a [`Step`] it names a fail point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Put,
    Part,
    Complete,
    Delete,
    /// CreateMultipartUpload.
    Upload,
    Abort,
    Bucket,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Create,
    Write,
    Sync,
    MakeDirs,
    Rename,
    Remove,
    SyncDir,
    /// Something is tidied up after the flow's outcome is durable.
    Tidy,
}

fn reach(flow: Flow, step: Step) -> io::Result<()> {
    use {Flow::*, Step::*};
    match (flow, step) {
        (Put, Create) => fail_point!("objects.put.create"),
        (Put, Write) => fail_point!("objects.put.write"),
        (Put, Sync) => fail_point!("objects.put.sync"),
        (Put, MakeDirs) => fail_point!("objects.put.make_dirs"),
        (Put, Rename) => fail_point!("objects.put.rename"),
        (Put, SyncDir) => fail_point!("objects.put.sync_dir"),
        (Put, Tidy) => fail_point!("objects.put.tidy"),
        (Part, Create) => fail_point!("objects.part.create"),
        (Part, Write) => fail_point!("objects.part.write"),
        (Part, Sync) => fail_point!("objects.part.sync"),
        (Part, Rename) => fail_point!("objects.part.rename"),
        (Part, SyncDir) => fail_point!("objects.part.sync_dir"),
        (Complete, Create) => fail_point!("objects.complete.create"),
        (Complete, Write) => fail_point!("objects.complete.write"),
        (Complete, Sync) => fail_point!("objects.complete.sync"),
        (Complete, MakeDirs) => fail_point!("objects.complete.make_dirs"),
        (Complete, Rename) => fail_point!("objects.complete.rename"),
        (Complete, SyncDir) => fail_point!("objects.complete.sync_dir"),
        (Complete, Tidy) => fail_point!("objects.complete.tidy"),
        (Delete, Remove) => fail_point!("objects.delete.remove"),
        (Delete, SyncDir) => fail_point!("objects.delete.sync_dir"),
        (Delete, Tidy) => fail_point!("objects.delete.tidy"),
        (Upload, Create) => fail_point!("objects.upload.create"),
        (Upload, Write) => fail_point!("objects.upload.write"),
        (Upload, Sync) => fail_point!("objects.upload.sync"),
        (Upload, MakeDirs) => fail_point!("objects.upload.make_dirs"),
        (Upload, Rename) => fail_point!("objects.upload.rename"),
        (Upload, SyncDir) => fail_point!("objects.upload.sync_dir"),
        (Abort, Rename) => fail_point!("objects.abort.rename"),
        (Abort, Remove) => fail_point!("objects.abort.remove"),
        (Abort, SyncDir) => fail_point!("objects.abort.sync_dir"),
        (Bucket, Create) => fail_point!("objects.bucket.create"),
        (Bucket, Write) => fail_point!("objects.bucket.write"),
        (Bucket, Sync) => fail_point!("objects.bucket.sync"),
        (Bucket, MakeDirs) => fail_point!("objects.bucket.make_dirs"),
        (Bucket, Rename) => fail_point!("objects.bucket.rename"),
        (Bucket, SyncDir) => fail_point!("objects.bucket.sync_dir"),
        (flow, step) => unreachable!("{flow:?} has no step {step:?}"),
    }
}

/// The store's root directory and what is known of the disk below it.
pub(super) struct Disk {
    root: PathBuf,
    files: Arc<dyn Files>,
    random: Arc<dyn Random>,
    min_free_bytes: u64,
    space: Mutex<Option<(Instant, u64)>>,
    broken: Mutex<Option<String>>,
    /// Directories whose entry in their parent is known to be on disk.
    durable: Mutex<HashSet<PathBuf>>,
}

impl Disk {
    pub(super) fn new(root: PathBuf, min_free_bytes: u64, files: Arc<dyn Files>, random: Arc<dyn Random>) -> Self {
        Self {
            root,
            files,
            random,
            min_free_bytes,
            space: Mutex::default(),
            broken: Mutex::default(),
            durable: Mutex::default(),
        }
    }

    pub(super) fn marker(&self) -> PathBuf {
        self.root.join("eyrie-store.json")
    }
    pub(super) fn root(&self) -> &Path {
        &self.root
    }
    pub(super) fn buckets(&self) -> PathBuf {
        self.root.join("buckets")
    }
    pub(super) fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }
    /// A directory for each upload: what was asked for, and the parts, before and after it is completed.
    pub(super) fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }
    /// An empty file, named as its upload, for each unfinished one.
    pub(super) fn open_uploads(&self) -> PathBuf {
        self.root.join("open")
    }

    /// `Ok` when `more_bytes` may be written.
    pub(super) fn writable(&self, more_bytes: u64) -> Result<(), StoreError> {
        if let Some(why) = &*self.broken.lock() {
            return Err(StoreError::Broken(why.clone()));
        }
        let free_bytes = self.free_bytes()?;
        if free_bytes < self.min_free_bytes.saturating_add(more_bytes) {
            return Err(StoreError::Full { free_bytes, min_free_bytes: self.min_free_bytes });
        }
        Ok(())
    }

    /// Monotonic time of the system on purpose: it is the age of a cache, nothing that is kept or tested.
    fn free_bytes(&self) -> Result<u64, StoreError> {
        let mut space = self.space.lock();
        if let Some((measured_at, bytes)) = *space
            && measured_at.elapsed() < SPACE_AGE
        {
            return Ok(bytes);
        }
        let bytes = self
            .files
            .free_bytes(&self.root)
            .map_err(|source| StoreError::Io { doing: "the free space cannot be measured".into(), source })?;
        *space = Some((Instant::now(), bytes));
        Ok(bytes)
    }

    /// Names a failed operation; a full disk becomes [`StoreError::Full`].
    pub(super) fn failed(&self, doing: &str, source: io::Error) -> StoreError {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                *self.space.lock() = None;
                let free_bytes = self.files.free_bytes(&self.root).unwrap_or(0);
                StoreError::Full { free_bytes, min_free_bytes: self.min_free_bytes }
            }
            io::ErrorKind::InvalidFilename => StoreError::KeyTooLong("the file system has no room for its name".into()),
            _ => StoreError::Io { doing: doing.to_owned(), source },
        }
    }

    fn break_down(&self, doing: &str, source: &io::Error) -> StoreError {
        let why = format!("{doing}: {source}");
        tracing::error!(%why, "the store takes no more writes until the next start");
        let why = self.broken.lock().get_or_insert(why).clone();
        StoreError::Broken(why)
    }

    /// `Ok` when something may be removed; that helps a full disk.
    pub(super) fn not_broken(&self) -> Result<(), StoreError> {
        match &*self.broken.lock() {
            Some(why) => Err(StoreError::Broken(why.clone())),
            None => Ok(()),
        }
    }

    /// A new file in `tmp`, removed when the value is dropped unless it was placed.
    pub(super) fn create_tmp(self: &Arc<Self>, flow: Flow) -> Result<Tmp, StoreError> {
        let doing = "a temporary file cannot be made";
        reach(flow, Step::Create).map_err(|source| self.failed(doing, source))?;
        for _ in 0..TMP_ATTEMPTS {
            let path = self.tmp_path();
            match self.files.create_new(&path) {
                Ok(file) => return Ok(Tmp { disk: self.clone(), path, file, placed: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(self.failed(doing, error)),
            }
        }
        Err(self.failed(doing, io::ErrorKind::AlreadyExists.into()))
    }

    pub(super) fn tmp_path(&self) -> PathBuf {
        let mut name = [0; 16];
        self.random.fill(&mut name);
        self.tmp().join(hex(&name))
    }

    /// Makes a new file with `bytes` in it, on disk when this returns (its entry in the directory is not).
    pub(super) fn write_new(&self, flow: Flow, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let doing = "a file cannot be written";
        let mut file = reach(flow, Step::Create)
            .and_then(|()| self.files.create_new(path))
            .map_err(|error| self.failed(doing, error))?;
        reach(flow, Step::Write)
            .and_then(|()| self.files.write_all(&mut file, bytes))
            .map_err(|error| self.failed(doing, error))?;
        self.sync(flow, &file)
    }

    pub(super) fn sync(&self, flow: Flow, file: &File) -> Result<(), StoreError> {
        self.not_broken()?;
        reach(flow, Step::Sync)
            .and_then(|()| self.files.sync(file))
            .map_err(|error| self.break_down("a file could not be synced", &error))
    }

    /// A directory that is gone was not even tried to be synced: that breaks nothing.
    pub(super) fn sync_dir(&self, flow: Flow, dir: &Path) -> Result<(), StoreError> {
        self.not_broken()?;
        let doing = "a directory could not be synced";
        reach(flow, Step::SyncDir).and_then(|()| self.files.sync_dir(dir)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.failed(doing, error),
            _ => self.break_down(doing, &error),
        })
    }

    pub(super) fn rename(&self, flow: Flow, from: &Path, to: &Path) -> io::Result<()> {
        reach(flow, Step::Rename)?;
        self.files.rename(from, to)
    }

    pub(super) fn remove_file(&self, flow: Flow, path: &Path) -> io::Result<()> {
        reach(flow, Step::Remove)?;
        self.files.remove_file(path)
    }

    /// One directory; `Ok` when it was there.
    pub(super) fn create_dir(&self, flow: Flow, path: &Path) -> io::Result<()> {
        reach(flow, Step::MakeDirs)?;
        match self.files.create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    /// `dirs`, outermost first and each the parent of the next, exist durably when this returns. That a directory is
    /// there does not tell that its entry is on disk: another put may have made it and not synced yet.
    pub(super) fn ensure_dirs(&self, flow: Flow, dirs: &[PathBuf]) -> Result<(), StoreError> {
        let missing_from = {
            let durable = self.durable.lock();
            dirs.iter().rposition(|dir| durable.contains(dir)).map_or(0, |known| known + 1)
        };
        for dir in &dirs[missing_from..] {
            self.create_dir(flow, dir).map_err(|error| self.failed("a directory cannot be made", error))?;
            self.sync_dir(flow, dir.parent().expect("below the root"))?;
            let mut durable = self.durable.lock();
            if durable.len() >= MAX_DURABLE_DIRS {
                durable.clear();
            }
            durable.insert(dir.clone());
        }
        Ok(())
    }

    /// Removes `dirs` (as for [`Disk::ensure_dirs`]) from the innermost out, as far as they are empty. The caller keeps
    /// writers out meanwhile.
    pub(super) fn prune(&self, dirs: &[PathBuf]) {
        for dir in dirs.iter().rev() {
            self.durable.lock().remove(dir);
            if self.files.remove_dir(dir).is_err() {
                break;
            }
        }
    }

    /// Nothing is known of directories any more: a bucket went, or one of them did.
    pub(super) fn forget_dirs(&self) {
        self.durable.lock().clear();
    }

    /// Something may be tidied up now; an error means it is left for later.
    pub(super) fn tidy(&self, flow: Flow) -> io::Result<()> {
        reach(flow, Step::Tidy)
    }

    /// Removes a file or a tree that nothing refers to any more. What cannot be removed is left for the next start.
    pub(super) fn discard(&self, path: &Path) {
        if let Err(error) = self.remove_all(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a temporary file is left behind");
        }
    }

    fn remove_all(&self, path: &Path) -> io::Result<()> {
        if !path.symlink_metadata()?.is_dir() {
            return self.files.remove_file(path);
        }
        for entry in path.read_dir()? {
            self.remove_all(&entry?.path())?;
        }
        self.files.remove_dir(path)
    }
}

/// A file in `tmp` on its way into place.
pub(super) struct Tmp {
    disk: Arc<Disk>,
    path: PathBuf,
    file: File,
    placed: bool,
}

impl Tmp {
    pub(super) fn write(&mut self, flow: Flow, bytes: &[u8]) -> Result<(), StoreError> {
        reach(flow, Step::Write)
            .and_then(|()| self.disk.files.write_all(&mut self.file, bytes))
            .map_err(|error| self.disk.failed("the bytes cannot be written", error))
    }

    pub(super) fn sync(&self, flow: Flow) -> Result<(), StoreError> {
        self.disk.sync(flow, &self.file)
    }

    /// Into place, atomically; not durable before the directory is synced.
    pub(super) fn place(&mut self, flow: Flow, to: &Path) -> io::Result<()> {
        self.disk.rename(flow, &self.path, to)?;
        self.placed = true;
        Ok(())
    }

    /// Removes the file now. Blocking, unlike a drop.
    pub(super) fn discard(mut self) {
        self.placed = true;
        self.disk.discard(&self.path);
    }
}

impl Drop for Tmp {
    fn drop(&mut self) {
        if self.placed {
            return;
        }
        let (disk, path) = (self.disk.clone(), std::mem::take(&mut self.path));
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn_blocking(move || disk.discard(&path));
            }
            Err(_) => disk.discard(&path),
        }
    }
}
