use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use eyrie_env::{Files, ManualClock, RealFiles, SystemRandom};
use eyrie_objects::store::{PartOptions, PutOptions, UploadOptions};
use eyrie_objects::{Store, StoreConfig, StoreError};

use crate::common::*;

const MIN_FREE: u64 = 1000;

/// A disk with so many free bytes; it says so when asked, and when they are used up.
struct SmallDisk(AtomicU64);

impl Files for SmallDisk {
    fn create_new(&self, path: &Path) -> io::Result<File> {
        RealFiles.create_new(path)
    }
    fn write_all(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        let room = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |free| free.checked_sub(length));
        room.map_err(|_| io::Error::from(io::ErrorKind::StorageFull))?;
        RealFiles.write_all(file, bytes)
    }
    fn sync(&self, _: &File) -> io::Result<()> {
        Ok(())
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFiles.rename(from, to)
    }
    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        RealFiles.create_dir(path)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealFiles.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        RealFiles.remove_dir(path)
    }
    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(self.0.load(Ordering::SeqCst))
    }
}

async fn on_small_disk(free_bytes: u64) -> (tempfile::TempDir, Arc<SmallDisk>, Store) {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(SmallDisk(AtomicU64::new(free_bytes)));
    let config = StoreConfig { root: dir.path().join("store"), min_free_bytes: MIN_FREE, upload_expiry: UPLOAD_EXPIRY };
    let clock = Arc::new(ManualClock::new(Default::default()));
    let store = Store::open(config, true, clock, Arc::new(SystemRandom), disk.clone()).unwrap();
    store.create_bucket(BUCKET).await.unwrap();
    (dir, disk, store)
}

fn is_full<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Full { .. }))
}

#[tokio::test]
async fn a_nearly_full_disk_takes_nothing_and_recovers() {
    let (_dir, disk, store) = on_small_disk(1_000_000).await;
    put(&store, "kept", b"kept").await.unwrap();
    let id = store.create_upload(BUCKET, "b", UploadOptions::default()).await.unwrap().upload_id;
    let announced = PutOptions { content_length: Some(1_000_000), ..PutOptions::default() };
    assert!(is_full(store.begin_put(BUCKET, "a", announced).await), "too large for what is free");
    disk.0.store(MIN_FREE - 1, Ordering::SeqCst);
    eventually("the store notices", || is_full(store.writable())).await;
    assert!(is_full(put(&store, "a", b"x").await));
    assert!(is_full(store.create_upload(BUCKET, "a", UploadOptions::default()).await));
    assert!(is_full(store.begin_part(BUCKET, "b", &id, 1, PartOptions::default()).await));
    assert_eq!(get(&store, "kept").await.unwrap(), b"kept");
    assert_eq!(keys(&store).await, ["kept"]);
    store.abort_upload(BUCKET, "b", &id).await.expect("what makes room is allowed");
    assert!(store.delete(BUCKET, "kept").await.unwrap());
    disk.0.store(1_000_000, Ordering::SeqCst);
    eventually("the store resumes", || store.writable().is_ok()).await;
    put(&store, "a", b"x").await.unwrap();
}

#[tokio::test]
async fn a_disk_that_fills_during_a_put_keeps_the_old_object() {
    let (dir, _disk, store) = on_small_disk(4_000_000).await;
    put(&store, "a", b"old").await.unwrap();
    let mut writer = store.begin_put(BUCKET, "a", PutOptions::default()).await.unwrap();
    let mut result = Ok(());
    for _ in 0..100 {
        result = writer.write(bytes(1, 100_000).into()).await;
        if result.is_err() {
            break;
        }
    }
    assert!(is_full(result));
    assert!(writer.write(bytes(1, 2_000_000).into()).await.is_err(), "the writer is of no use any more");
    assert!(writer.finish(Default::default()).await.is_err());
    eventually("nothing stays", || entries(&dir.path().join("store/tmp")) == 0).await;
    assert_eq!(get(&store, "a").await.unwrap(), b"old");
}
