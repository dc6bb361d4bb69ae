//! The bytes we keep, on a file system.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eyrie_env::{Clock, Files, Random};
use futures::stream::BoxStream;
use jiff::Timestamp;

#[derive(Clone, Debug)]
pub struct StoreConfig {
    pub root: PathBuf,
    /// Writes are refused below this much free space.
    pub min_free_bytes: u64,
    /// Unfinished multipart uploads older than this are removed by [`Store::sweep`].
    pub upload_expiry: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ObjectInfo {
    pub key: String,
    pub size_bytes: u64,
    /// Without quotes; MD5 in hex, `-N` behind it for N parts.
    pub etag: String,
    pub crc64nvme: u64,
    pub last_modified: Timestamp,
    pub content_type: Option<String>,
    pub metadata: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default)]
pub struct ListPage {
    pub objects: Vec<ObjectInfo>,
    pub common_prefixes: Vec<String>,
    /// Start the next page after this key or prefix.
    pub next_after: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no bucket {0:?}")]
    NoSuchBucket(String),
    #[error("there is no object {key:?} in bucket {bucket:?}")]
    NoSuchKey { bucket: String, key: String },
    #[error("the key cannot be stored: {0}")]
    BadKey(String),
    #[error("the disk is nearly full: {free_bytes} bytes are free, {min_free_bytes} must stay so")]
    Full { free_bytes: u64, min_free_bytes: u64 },
    /// After a failed fsync: nothing is written until the next start.
    #[error("the store takes no writes: {0}")]
    Broken(String),
    #[error("the store's marker is missing in {0}: is the disk mounted?")]
    MarkerMissing(PathBuf),
    #[error("{doing}")]
    Io { doing: String, source: std::io::Error },
}

pub struct Store {}

impl Store {
    /// Opens the store. `create`: an empty or absent root becomes a new store (its marker is written); otherwise a
    /// root without the marker is [`StoreError::MarkerMissing`].
    pub fn open(
        _config: StoreConfig,
        _create: bool,
        _clock: Arc<dyn Clock>,
        _random: Arc<dyn Random>,
        _files: Arc<dyn Files>,
    ) -> Result<Self, StoreError> {
        todo!()
    }
    /// Server start only: removes temporary files that a killed process left.
    pub fn recover(&self) -> Result<(), StoreError> {
        todo!()
    }
    pub async fn create_bucket(&self, _bucket: &str) -> Result<(), StoreError> {
        todo!()
    }
    /// `Ok(None)` when there is no such object. Reads the object's own record, not an index.
    pub async fn head(&self, _bucket: &str, _key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        todo!()
    }
    /// The object's record and its bytes in `range` (start, exclusive end; whole when `None`).
    #[allow(clippy::type_complexity)]
    pub async fn read(
        &self,
        _bucket: &str,
        _key: &str,
        _range: Option<(u64, u64)>,
    ) -> Result<(ObjectInfo, BoxStream<'static, std::io::Result<Bytes>>), StoreError> {
        todo!()
    }
    /// Durable when it returns: bytes, record and directory entry are on disk.
    pub async fn put(&self, _bucket: &str, _key: &str, _content_type: Option<&str>, _bytes: Bytes) -> Result<ObjectInfo, StoreError> {
        todo!()
    }
    pub async fn delete(&self, _bucket: &str, _key: &str) -> Result<bool, StoreError> {
        todo!()
    }
    /// At most `limit` objects and common prefixes with `prefix`, in byte order of the keys, after `after`.
    pub async fn list(
        &self,
        _bucket: &str,
        _prefix: &str,
        _delimiter: Option<&str>,
        _after: Option<&str>,
        _limit: usize,
    ) -> Result<ListPage, StoreError> {
        todo!()
    }
    /// Why writes are refused now; `Ok` when they are not. For `/readyz` and `storage_config_get`: cheap, cached 1 s.
    pub fn writable(&self) -> Result<(), StoreError> {
        todo!()
    }
    /// Removes expired uploads and the parts nothing refers to. Returns how many uploads went.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        todo!()
    }
}
