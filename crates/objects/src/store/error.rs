use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no bucket {0:?}")]
    NoSuchBucket(String),
    #[error("the bucket cannot be named {0:?}")]
    BadBucket(String),
    #[error("bucket {0:?} is not empty")]
    BucketNotEmpty(String),
    #[error("there is no object {key:?} in bucket {bucket:?}")]
    NoSuchKey { bucket: String, key: String },
    #[error("the key cannot be stored: {0}")]
    BadKey(String),
    /// Over [`super::MAX_KEY_BYTES`], or its path would be longer than the system allows.
    #[error("the key is too long: {0}")]
    KeyTooLong(String),
    #[error("there is no unfinished upload {upload_id:?} of {key:?} in bucket {bucket:?}")]
    NoSuchUpload { bucket: String, key: String, upload_id: String },
    #[error("part numbers are 1 to 10000, not {0}")]
    BadPartNumber(u32),
    /// Complete names a part that was not uploaded, or with another ETag or checksum.
    #[error("part {number} was not uploaded, or is another one")]
    InvalidPart { number: u32 },
    #[error("the parts are not in ascending order, each once")]
    InvalidPartOrder,
    #[error("part {number} has {size_bytes} bytes and is not the last; the least is {min_bytes}")]
    EntityTooSmall { number: u32, size_bytes: u64, min_bytes: u64 },
    /// `what` is `MD5` or the checksum algorithm as S3 writes it.
    #[error("the {what} of the bytes that arrived is another one")]
    BadDigest { what: &'static str },
    #[error("{expected_bytes} bytes were announced, {got_bytes} arrived")]
    IncompleteBody { expected_bytes: u64, got_bytes: u64 },
    /// An If-Match or If-None-Match of the write did not hold.
    #[error("the condition of the request does not hold")]
    PreconditionFailed,
    #[error("the disk is nearly full: {free_bytes} bytes are free, {min_free_bytes} must stay so")]
    Full { free_bytes: u64, min_free_bytes: u64 },
    /// After a failed fsync: nothing is written until the next start.
    #[error("the store takes no writes: {0}")]
    Broken(String),
    /// The file of an object or part is not one that we wrote.
    #[error("the stored file of {key:?} is damaged: {why}")]
    Damaged { key: String, why: String },
    #[error("the store's marker is missing in {0}: is the disk mounted?")]
    MarkerMissing(PathBuf),
    #[error("{doing}")]
    Io { doing: String, source: std::io::Error },
}

impl StoreError {
    /// A file or directory of the path is not there.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }
}
