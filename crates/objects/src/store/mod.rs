//! The bytes we keep, on a file system.

mod checksum;
mod error;
mod multipart;
mod put;
mod read;
mod types;

use std::sync::Arc;

use bytes::Bytes;
use eyrie_env::{Clock, Files, Random};
use futures::stream::BoxStream;

pub use checksum::{Checksum, ChecksumAlgorithm, ChecksumKind};
pub use error::StoreError;
pub use multipart::{CompletedPart, PartPage, UploadInfo, UploadOptions, UploadPage};
pub use put::{ObjectWriter, PartWriter};
pub use read::ObjectReader;
pub use types::{
    BucketInfo, Condition, Expected, ListPage, ObjectHeaders, ObjectInfo, PartInfo, PartOptions, PutOptions,
    StoreConfig,
};

/// Longest key, bytes of UTF-8 (S3: 1,024).
pub const MAX_KEY_BYTES: usize = 1024;
/// Highest part number (S3: 10,000).
pub const MAX_PART_NUMBER: u32 = 10_000;
/// Smallest part but the last (S3: 5 MiB).
pub const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;
/// Most objects and common prefixes on one page of a list, uploads or parts.
pub const MAX_PAGE: usize = 10_000;

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
    /// Server start only: removes temporary files that a killed process left, ends what it left half done.
    pub fn recover(&self) -> Result<(), StoreError> {
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

    /// Makes a bucket; one that exists already is left as it is.
    pub async fn create_bucket(&self, _bucket: &str) -> Result<(), StoreError> {
        todo!()
    }
    /// `Ok(None)` when there is no such bucket.
    pub async fn bucket(&self, _bucket: &str) -> Result<Option<BucketInfo>, StoreError> {
        todo!()
    }
    /// All buckets by name.
    pub async fn buckets(&self) -> Result<Vec<BucketInfo>, StoreError> {
        todo!()
    }
    /// Removes an empty bucket and its unfinished uploads; [`StoreError::BucketNotEmpty`] otherwise.
    pub async fn delete_bucket(&self, _bucket: &str) -> Result<(), StoreError> {
        todo!()
    }

    /// `Ok(None)` when there is no such object. Reads the object's own record, not an index.
    pub async fn head(&self, _bucket: &str, _key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        todo!()
    }
    /// Holds on to the object as it is now: its record and later its bytes are of one version, whatever replaces or
    /// removes it meanwhile. `Ok(None)` when there is no such object.
    pub async fn open_object(&self, _bucket: &str, _key: &str) -> Result<Option<ObjectReader>, StoreError> {
        todo!()
    }
    /// The object's record and its bytes in `range` (start, exclusive end; whole when `None`; clipped to the object).
    /// A read of the whole ends in an error of kind `InvalidData`, before its last bytes, when they are not the ones that were put.
    #[allow(clippy::type_complexity)]
    pub async fn read(
        &self,
        _bucket: &str,
        _key: &str,
        _range: Option<(u64, u64)>,
    ) -> Result<(ObjectInfo, BoxStream<'static, std::io::Result<Bytes>>), StoreError> {
        todo!()
    }
    /// Reads the whole object and compares it with its record (scrub). `Ok(false)`: the bytes are not the ones put.
    pub async fn verify(&self, _bucket: &str, _key: &str) -> Result<bool, StoreError> {
        todo!()
    }

    /// Durable when it returns: bytes, record and directory entry are on disk.
    pub async fn put(
        &self,
        _bucket: &str,
        _key: &str,
        _content_type: Option<&str>,
        _bytes: Bytes,
    ) -> Result<ObjectInfo, StoreError> {
        todo!()
    }
    /// Begins an object; nothing of it is seen before [`ObjectWriter::finish`], nothing stays when it is dropped.
    pub async fn begin_put(&self, _bucket: &str, _key: &str, _options: PutOptions) -> Result<ObjectWriter, StoreError> {
        todo!()
    }
    /// `Ok(false)` when there was no such object. Durable when it returns.
    pub async fn delete(&self, _bucket: &str, _key: &str) -> Result<bool, StoreError> {
        todo!()
    }
    /// As [`Store::delete`], only when `condition` holds at that moment.
    pub async fn delete_if(&self, _bucket: &str, _key: &str, _condition: &Condition) -> Result<bool, StoreError> {
        todo!()
    }
    /// At most `limit` objects and common prefixes with `prefix`, in byte order of the keys, after `after`. A common
    /// prefix that is not greater than `after` is left out, as S3 does. An empty delimiter is none.
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

    /// Begins a multipart upload.
    pub async fn create_upload(
        &self,
        _bucket: &str,
        _key: &str,
        _options: UploadOptions,
    ) -> Result<UploadInfo, StoreError> {
        todo!()
    }
    /// An unfinished upload; [`StoreError::NoSuchUpload`] when it is unknown, finished, or of another key.
    pub async fn upload(&self, _bucket: &str, _key: &str, _upload_id: &str) -> Result<UploadInfo, StoreError> {
        todo!()
    }
    /// Begins part `number` (1 to [`MAX_PART_NUMBER`], otherwise [`StoreError::BadPartNumber`]). A part put again replaces the earlier one.
    pub async fn begin_part(
        &self,
        _bucket: &str,
        _key: &str,
        _upload_id: &str,
        _number: u32,
        _options: PartOptions,
    ) -> Result<PartWriter, StoreError> {
        todo!()
    }
    /// Parts with a number greater than `after`, ascending.
    pub async fn list_parts(
        &self,
        _bucket: &str,
        _key: &str,
        _upload_id: &str,
        _after: u32,
        _limit: usize,
    ) -> Result<PartPage, StoreError> {
        todo!()
    }
    /// Unfinished uploads by key and then upload id, after `(key_marker, upload_id_marker)`. Without an upload id
    /// marker (`None` or empty) uploads of the key that equals the marker are left out, too, as S3 does.
    pub async fn list_uploads(
        &self,
        _bucket: &str,
        _prefix: &str,
        _delimiter: Option<&str>,
        _key_marker: Option<&str>,
        _upload_id_marker: Option<&str>,
        _limit: usize,
    ) -> Result<UploadPage, StoreError> {
        todo!()
    }
    /// Makes the parts one object; they are not copied. Repeated with the same parts after a success it returns the
    /// same object. `expected`: a full-object or composite checksum of the whole, given by the client.
    ///
    /// # Errors
    /// [`StoreError::NoSuchUpload`], [`StoreError::InvalidPart`], [`StoreError::InvalidPartOrder`],
    /// [`StoreError::EntityTooSmall`], [`StoreError::PreconditionFailed`], [`StoreError::BadDigest`].
    pub async fn complete_upload(
        &self,
        _bucket: &str,
        _key: &str,
        _upload_id: &str,
        _parts: &[CompletedPart],
        _condition: &Condition,
        _expected: Option<&Checksum>,
    ) -> Result<ObjectInfo, StoreError> {
        todo!()
    }
    /// Ends an upload without an object; its parts are removed.
    pub async fn abort_upload(&self, _bucket: &str, _key: &str, _upload_id: &str) -> Result<(), StoreError> {
        todo!()
    }
}
