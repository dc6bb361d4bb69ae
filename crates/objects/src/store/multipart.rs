use jiff::Timestamp;

use super::{Checksum, ChecksumAlgorithm, ChecksumKind, ObjectHeaders, PartInfo};

/// What the finished object will be kept with.
#[derive(Clone, Debug, Default)]
pub struct UploadOptions {
    pub content_type: Option<String>,
    pub headers: ObjectHeaders,
    pub metadata: Vec<(String, String)>,
    /// The checksum of the whole; each part then gets one of that algorithm, too, whether its request names it or not.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
}

/// An unfinished upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadInfo {
    pub bucket: String,
    pub key: String,
    /// 32 hexadecimal digits; later uploads sort behind earlier ones.
    pub upload_id: String,
    pub initiated_at: Timestamp,
    pub checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
}

/// A part as CompleteMultipartUpload names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletedPart {
    pub number: u32,
    /// Without quotes.
    pub etag: String,
    /// Compared with what was kept of the part, when given.
    pub checksums: Vec<Checksum>,
}

#[derive(Clone, Debug)]
pub struct PartPage {
    pub upload: UploadInfo,
    pub parts: Vec<PartInfo>,
    /// Start the next page after this number.
    pub next_after: Option<u32>,
}

#[derive(Clone, Debug, Default)]
pub struct UploadPage {
    pub uploads: Vec<UploadInfo>,
    pub common_prefixes: Vec<String>,
    /// Key marker and upload id marker of the next page; the id is empty when the page ended in a common prefix.
    pub next: Option<(String, String)>,
}
