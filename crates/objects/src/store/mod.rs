//! The bytes we keep, on a file system.
//!
//! ```text
//! root/eyrie-store.json          the marker: this is a store
//! root/buckets/<bucket>/...      one file an object, in a tree that follows the key (path.rs)
//! root/uploads/<upload id>/      parts of multipart uploads, before and after they are completed (multipart.rs)
//! root/open/<upload id>          an empty file for each unfinished upload
//! root/tmp/                      what is being written; emptied at the server's start
//! ```
//!
//! There is no index: an object's file has its record behind its bytes (record.rs), so that nothing can disagree with
//! what is on the disk, and a list walks the tree. What is acknowledged was written to `tmp`, synced, renamed into place,
//! and its directory synced (disk.rs); a reader opens what is in place, so it sees the old object or the new one.
//! Operations block and run on a bounded number of blocking threads (engine.rs).
//!
//! Left out on purpose: versions, object lock and replication. One process at a time may write; another may open the
//! same root to read and list.

mod bucket;
mod checksum;
mod complete;
mod delete;
mod disk;
mod engine;
mod error;
mod heads;
mod list;
mod lock;
mod marker;
mod md5;
mod multipart;
mod path;
mod put;
mod read;
mod record;
mod summing;
mod there;
mod types;
mod uploads;
mod walk;

use std::io::ErrorKind;
use std::sync::Arc;

use bytes::Bytes;
use eyrie_env::{Clock, Files, Random, uuid_v7};
use futures::StreamExt;
use futures::stream::BoxStream;

pub use checksum::{Checksum, ChecksumAlgorithm, ChecksumKind};
pub use error::StoreError;
pub use multipart::{CompletedPart, PartPage, UploadInfo, UploadOptions};
pub use put::{ObjectWriter, PartWriter};
pub use read::{ObjectReader, ObjectStream};
pub use types::{
    BucketInfo, Condition, Expected, ListPage, ObjectHeaders, ObjectInfo, PartInfo, PartOptions, PutOptions,
    StoreConfig,
};
pub use uploads::UploadPage;

/// Longest key, bytes of UTF-8 (S3: 1,024).
pub const MAX_KEY_BYTES: usize = 1024;
/// Highest part number (S3: 10,000).
pub const MAX_PART_NUMBER: u32 = 10_000;
/// Smallest part but the last (S3: 5 MiB).
pub const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;
/// Most objects and common prefixes on one page of a list, uploads or parts.
pub const MAX_PAGE: usize = 10_000;

use disk::Disk;
use engine::{Engine, no_such_key};

pub struct Store {
    engine: Arc<Engine>,
}

impl Store {
    /// Opens the store. `create`: an empty or absent root becomes a new store (its marker is written); otherwise a
    /// root without the marker is [`StoreError::MarkerMissing`].
    pub fn open(
        config: StoreConfig,
        create: bool,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        files: Arc<dyn Files>,
    ) -> Result<Self, StoreError> {
        let (root, min_free_bytes) = (config.root.clone(), config.min_free_bytes);
        let disk = Arc::new(Disk::new(root, min_free_bytes, files, random.clone()));
        match disk.check_marker() {
            Err(StoreError::MarkerMissing(_)) if create => {
                let now = clock.now();
                disk.create_store(now, uuid_v7(now, &*random).to_string())?;
            }
            other => other?,
        }
        Ok(Self { engine: Arc::new(Engine::new(config, MIN_PART_BYTES, clock, random, disk)) })
    }
    /// A store whose parts may be smaller than [`MIN_PART_BYTES`], for tests that make many.
    ///
    /// # Panics
    /// When the store is in use already.
    #[must_use]
    pub fn with_min_part_bytes(mut self, min_part_bytes: u64) -> Self {
        Arc::get_mut(&mut self.engine).expect("a store that was just opened").min_part_bytes = min_part_bytes;
        self
    }
    /// Server start only: removes temporary files that a killed process left, ends what it left half done.
    pub fn recover(&self) -> Result<(), StoreError> {
        self.engine.recover()
    }
    /// Why writes are refused now; `Ok` when they are not. For `/readyz` and `storage_config_get`: cheap, cached 1 s.
    pub fn writable(&self) -> Result<(), StoreError> {
        self.engine.disk.writable(0)
    }
    /// Removes expired uploads and the parts nothing refers to. Returns how many uploads went.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        self.engine.writing(|engine| engine.sweep()).await
    }

    /// Makes a bucket; one that exists already is left as it is.
    pub async fn create_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        let bucket = bucket.to_owned();
        self.engine.writing(move |engine| engine.create_bucket(&bucket)).await
    }
    /// `Ok(None)` when there is no such bucket.
    pub async fn bucket(&self, bucket: &str) -> Result<Option<BucketInfo>, StoreError> {
        let bucket = bucket.to_owned();
        self.engine.reading(move |engine| engine.bucket(&bucket)).await
    }
    /// All buckets by name.
    pub async fn buckets(&self) -> Result<Vec<BucketInfo>, StoreError> {
        self.engine.reading(|engine| engine.buckets()).await
    }
    /// Removes an empty bucket and its unfinished uploads; [`StoreError::BucketNotEmpty`] otherwise.
    pub async fn delete_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        let bucket = bucket.to_owned();
        self.engine.writing(move |engine| engine.delete_bucket(&bucket)).await
    }

    /// `Ok(None)` when there is no such object. Reads the object's own record, not an index.
    pub async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        self.engine.head(bucket, key).await
    }
    /// Holds on to the object as it is now: its record and later its bytes are of one version, whatever replaces or
    /// removes it meanwhile. `Ok(None)` when there is no such object.
    pub async fn open_object(&self, bucket: &str, key: &str) -> Result<Option<ObjectReader>, StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.engine.reading(move |engine| engine.open_object(&bucket, &key)).await
    }
    /// The object's record and its bytes in `range` (start, exclusive end; whole when `None`; clipped to the object).
    /// A read of the whole ends in an error of kind `InvalidData`, before its last bytes, when they are not the ones that were put.
    #[allow(clippy::type_complexity)]
    pub async fn read(
        &self,
        bucket: &str,
        key: &str,
        range: Option<(u64, u64)>,
    ) -> Result<(ObjectInfo, BoxStream<'static, std::io::Result<Bytes>>), StoreError> {
        let reader = self.open_object(bucket, key).await?.ok_or_else(|| no_such_key(bucket, key))?;
        let info = reader.info().clone();
        let bytes: BoxStream<'static, _> = reader.into_stream(range);
        Ok((info, bytes))
    }
    /// Reads the whole object and compares it with its record (scrub). `Ok(false)`: the bytes are not the ones put.
    pub async fn verify(&self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        let (_, mut chunks) = match self.read(bucket, key, None).await {
            Err(StoreError::Damaged { .. }) => return Ok(false),
            other => other?,
        };
        while let Some(chunk) = chunks.next().await {
            if let Err(source) = chunk {
                return match source.kind() {
                    // Other bytes; too few of them; a part that is gone.
                    ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::NotFound => Ok(false),
                    _ => Err(StoreError::Io { doing: format!("the object {key:?} cannot be read"), source }),
                };
            }
        }
        Ok(true)
    }

    /// Durable when it returns: bytes, record and directory entry are on disk.
    pub async fn put(
        &self,
        bucket: &str,
        key: &str,
        content_type: Option<&str>,
        bytes: Bytes,
    ) -> Result<ObjectInfo, StoreError> {
        let options = PutOptions {
            content_type: content_type.map(str::to_owned),
            content_length: Some(bytes.len() as u64),
            ..PutOptions::default()
        };
        let mut writer = self.begin_put(bucket, key, options).await?;
        writer.write(bytes).await?;
        writer.finish(Expected::default()).await
    }
    /// Begins an object; nothing of it is seen before [`ObjectWriter::finish`], nothing stays when it is dropped.
    pub async fn begin_put(&self, bucket: &str, key: &str, options: PutOptions) -> Result<ObjectWriter, StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.engine.writing(move |engine| ObjectWriter::new(engine, &bucket, &key, options)).await
    }
    /// `Ok(false)` when there was no such object. Durable when it returns.
    pub async fn delete(&self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        self.delete_if(bucket, key, &Condition::default()).await
    }
    /// As [`Store::delete`], only when `condition` holds at that moment.
    pub async fn delete_if(&self, bucket: &str, key: &str, condition: &Condition) -> Result<bool, StoreError> {
        let (bucket, key, condition) = (bucket.to_owned(), key.to_owned(), condition.clone());
        self.engine.writing(move |engine| engine.delete(&bucket, &key, &condition)).await
    }
    /// At most `limit` objects and common prefixes with `prefix`, in byte order of the keys, after `after`. A common
    /// prefix that is not greater than `after` is left out, as S3 does. An empty delimiter is none.
    pub async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ListPage, StoreError> {
        let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
        let (delimiter, after) = (delimiter.map(str::to_owned), after.map(str::to_owned));
        self.engine
            .reading(move |engine| engine.list(&bucket, &prefix, delimiter.as_deref(), after.as_deref(), limit))
            .await
    }

    /// Begins a multipart upload.
    pub async fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        options: UploadOptions,
    ) -> Result<UploadInfo, StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.engine.writing(move |engine| engine.create_upload(&bucket, &key, options)).await
    }
    /// An unfinished upload; [`StoreError::NoSuchUpload`] when it is unknown, finished, or of another key.
    pub async fn upload(&self, bucket: &str, key: &str, upload_id: &str) -> Result<UploadInfo, StoreError> {
        let (bucket, key, upload_id) = (bucket.to_owned(), key.to_owned(), upload_id.to_owned());
        self.engine.reading(move |engine| Ok(engine.open_upload(&bucket, &key, &upload_id)?.info())).await
    }
    /// Begins part `number` (1 to [`MAX_PART_NUMBER`], otherwise [`StoreError::BadPartNumber`]). A part put again replaces the earlier one.
    pub async fn begin_part(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        number: u32,
        options: PartOptions,
    ) -> Result<PartWriter, StoreError> {
        if !(1..=MAX_PART_NUMBER).contains(&number) {
            return Err(StoreError::BadPartNumber(number));
        }
        let (bucket, key, upload_id) = (bucket.to_owned(), key.to_owned(), upload_id.to_owned());
        self.engine.writing(move |engine| PartWriter::new(engine, &bucket, &key, &upload_id, number, &options)).await
    }
    /// Parts with a number greater than `after`, ascending.
    pub async fn list_parts(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        after: u32,
        limit: usize,
    ) -> Result<PartPage, StoreError> {
        let (bucket, key, upload_id) = (bucket.to_owned(), key.to_owned(), upload_id.to_owned());
        self.engine.reading(move |engine| engine.list_parts(&bucket, &key, &upload_id, after, limit)).await
    }
    /// Unfinished uploads by key and then upload id, after `(key_marker, upload_id_marker)`. Without an upload id
    /// marker (`None` or empty) uploads of the key that equals the marker are left out, too, as S3 does.
    pub async fn list_uploads(
        &self,
        bucket: &str,
        prefix: &str,
        delimiter: Option<&str>,
        key_marker: Option<&str>,
        upload_id_marker: Option<&str>,
        limit: usize,
    ) -> Result<UploadPage, StoreError> {
        let (bucket, prefix, delimiter) = (bucket.to_owned(), prefix.to_owned(), delimiter.map(str::to_owned));
        let markers = (key_marker.map(str::to_owned), upload_id_marker.map(str::to_owned));
        self.engine
            .reading(move |engine| {
                engine.list_uploads(
                    &bucket,
                    &prefix,
                    delimiter.as_deref(),
                    markers.0.as_deref(),
                    markers.1.as_deref(),
                    limit,
                )
            })
            .await
    }
    /// Makes the parts one object; they are not copied. Repeated with the same parts after a success it returns the
    /// same object. `expected`: a full-object or composite checksum of the whole, given by the client.
    ///
    /// # Errors
    /// [`StoreError::NoSuchUpload`], [`StoreError::InvalidPart`], [`StoreError::InvalidPartOrder`],
    /// [`StoreError::EntityTooSmall`], [`StoreError::PreconditionFailed`], [`StoreError::BadDigest`].
    pub async fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        parts: &[CompletedPart],
        condition: &Condition,
        expected: Option<&Checksum>,
    ) -> Result<ObjectInfo, StoreError> {
        let (bucket, key, upload_id) = (bucket.to_owned(), key.to_owned(), upload_id.to_owned());
        let (parts, condition, expected) = (parts.to_vec(), condition.clone(), expected.cloned());
        self.engine
            .writing(move |engine| {
                engine.complete_upload(&bucket, &key, &upload_id, &parts, &condition, expected.as_ref())
            })
            .await
    }
    /// Ends an upload without an object; its parts are removed.
    pub async fn abort_upload(&self, bucket: &str, key: &str, upload_id: &str) -> Result<(), StoreError> {
        let (bucket, key, upload_id) = (bucket.to_owned(), key.to_owned(), upload_id.to_owned());
        self.engine.writing(move |engine| engine.abort_upload(&bucket, &key, &upload_id)).await
    }
}
