use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eyrie_env::{Clock, Files, ManualClock, RealFiles, SeededRandom};
use eyrie_objects::store::{CompletedPart, Expected, ObjectInfo, PartInfo, PartOptions, UploadOptions};
use eyrie_objects::{Store, StoreConfig, StoreError};
use futures::TryStreamExt;
use jiff::Timestamp;
use tempfile::TempDir;

pub(crate) const BUCKET: &str = "workspace";
/// Parts may be this small in these tests.
pub(crate) const MIN_PART: u64 = 16;
pub(crate) const UPLOAD_EXPIRY: Duration = Duration::from_secs(7 * 24 * 3600);

/// A store in a folder of its own, with a clock that the test moves.
pub(crate) struct Home {
    pub(crate) dir: TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Store,
    files: Arc<dyn Files>,
}

impl Home {
    /// A new store with one bucket.
    pub(crate) async fn new() -> Self {
        Self::with_files(Arc::new(RealFiles)).await
    }

    pub(crate) async fn with_files(files: Arc<dyn Files>) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).expect("in range")));
        let store = open(dir.path(), clock.clone(), files.clone(), true).expect("opens");
        store.create_bucket(BUCKET).await.expect("is made");
        Self { dir, clock, store, files }
    }

    /// As after a stop of the program.
    pub(crate) fn reopen(&mut self) {
        self.store = open(self.dir.path(), self.clock.clone(), self.files.clone(), false).expect("opens");
        self.store.recover().expect("is put in order");
    }

    /// As a command opens it beside the running program.
    pub(crate) fn beside(&self) -> Store {
        open(self.dir.path(), self.clock.clone(), self.files.clone(), false).expect("opens")
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.clock.set(self.clock.now() + time);
    }

    pub(crate) fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("store")
    }

    /// Nothing is in `tmp` (removals run on their own threads: wait for them).
    pub(crate) async fn tmp_is_empty(&self) {
        self.tmp_is_empty_after("an operation").await;
    }

    pub(crate) async fn tmp_is_empty_after(&self, what: &str) {
        eventually(&format!("tmp is empty after {what}"), || entries(&self.root().join("tmp")) == 0).await;
    }
}

pub(crate) fn open(
    dir: &Path,
    clock: Arc<ManualClock>,
    files: Arc<dyn Files>,
    create: bool,
) -> Result<Store, StoreError> {
    let config = StoreConfig { root: dir.join("store"), min_free_bytes: 0, upload_expiry: UPLOAD_EXPIRY };
    static SEED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let random = SeededRandom::new(SEED.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    Ok(Store::open(config, create, clock, Arc::new(random), files)?.with_min_part_bytes(MIN_PART))
}

pub(crate) fn entries(dir: &Path) -> usize {
    dir.read_dir().expect("a folder").count()
}

pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within five seconds: {what}");
}

pub(crate) async fn put(store: &Store, key: &str, bytes: &[u8]) -> Result<ObjectInfo, StoreError> {
    store.put(BUCKET, key, Some("image/jpeg"), Bytes::copy_from_slice(bytes)).await
}

pub(crate) async fn get(store: &Store, key: &str) -> Option<Vec<u8>> {
    match store.read(BUCKET, key, None).await {
        Ok((info, stream)) => {
            let bytes = collect(stream).await.expect("reads");
            assert_eq!(info.size_bytes, bytes.len() as u64);
            Some(bytes)
        }
        Err(StoreError::NoSuchKey { .. }) => None,
        Err(error) => panic!("{error:?}"),
    }
}

pub(crate) async fn collect(stream: impl futures::Stream<Item = std::io::Result<Bytes>>) -> std::io::Result<Vec<u8>> {
    stream
        .try_fold(Vec::new(), |mut all, chunk| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        })
        .await
}

pub(crate) async fn keys(store: &Store) -> Vec<String> {
    let page = store.list(BUCKET, "", None, None, 10_000).await.expect("lists");
    assert!(page.next_after.is_none());
    page.objects.into_iter().map(|object| object.key).collect()
}

pub(crate) async fn put_part(
    store: &Store,
    key: &str,
    id: &str,
    number: u32,
    bytes: &[u8],
) -> Result<PartInfo, StoreError> {
    let mut writer = store.begin_part(BUCKET, key, id, number, PartOptions::default()).await?;
    writer.write(Bytes::copy_from_slice(bytes)).await?;
    writer.finish(Expected::default()).await
}

pub(crate) fn named(parts: &[PartInfo]) -> Vec<CompletedPart> {
    parts
        .iter()
        .map(|part| CompletedPart { number: part.number, etag: part.etag.clone(), checksums: Vec::new() })
        .collect()
}

/// A whole multipart upload of `parts`, numbered from 1.
pub(crate) async fn put_multipart(store: &Store, key: &str, parts: &[&[u8]]) -> Result<ObjectInfo, StoreError> {
    let upload = store.create_upload(BUCKET, key, UploadOptions::default()).await?;
    let mut uploaded = Vec::new();
    for (at, bytes) in parts.iter().enumerate() {
        uploaded.push(put_part(store, key, &upload.upload_id, at as u32 + 1, bytes).await?);
    }
    store.complete_upload(BUCKET, key, &upload.upload_id, &named(&uploaded), &Default::default(), None).await
}

/// `length` bytes that differ by `seed` and along the way.
pub(crate) fn bytes(seed: u8, length: usize) -> Vec<u8> {
    (0..length).map(|at| (at as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ seed).collect()
}

/// Every file in the tree that is not our own bookkeeping of the bucket.
pub(crate) fn files_below(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in dir.read_dir().into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if !path.ends_with("%bucket.json") {
            found.push(path);
        }
    }
    found
}

/// Files that are never synced, for tests about something else that do many operations.
pub(crate) struct Unsynced;

impl Files for Unsynced {
    fn create_new(&self, path: &Path) -> std::io::Result<std::fs::File> {
        RealFiles.create_new(path)
    }
    fn write_all(&self, file: &mut std::fs::File, bytes: &[u8]) -> std::io::Result<()> {
        RealFiles.write_all(file, bytes)
    }
    fn sync(&self, _: &std::fs::File) -> std::io::Result<()> {
        Ok(())
    }
    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        RealFiles.rename(from, to)
    }
    fn sync_dir(&self, _: &Path) -> std::io::Result<()> {
        Ok(())
    }
    fn create_dir(&self, path: &Path) -> std::io::Result<()> {
        RealFiles.create_dir(path)
    }
    fn remove_file(&self, path: &Path) -> std::io::Result<()> {
        RealFiles.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> std::io::Result<()> {
        RealFiles.remove_dir(path)
    }
    fn free_bytes(&self, path: &Path) -> std::io::Result<u64> {
        RealFiles.free_bytes(path)
    }
}
