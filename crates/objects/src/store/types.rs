use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::checksum::{Checksum, ChecksumAlgorithm};

#[derive(Clone, Debug)]
pub struct StoreConfig {
    pub root: PathBuf,
    /// Writes are refused below this much free space.
    pub min_free_bytes: u64,
    /// Unfinished multipart uploads older than this are removed by [`super::Store::sweep`].
    pub upload_expiry: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketInfo {
    pub name: String,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectInfo {
    pub key: String,
    pub size_bytes: u64,
    /// Without quotes; MD5 in hex, `-N` behind it for N parts.
    pub etag: String,
    pub crc64nvme: u64,
    pub last_modified: Timestamp,
    pub content_type: Option<String>,
    pub metadata: Vec<(String, String)>,
    /// The other headers that were put with it and are given back with it.
    pub headers: ObjectHeaders,
    /// The checksums that the client gave or asked for, computed here.
    pub checksums: Vec<Checksum>,
    /// Number of parts of a multipart object.
    pub part_count: Option<u32>,
}

/// Headers that S3 keeps with an object as the client wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectHeaders {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// As written, not parsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// What must hold of the object at the key at the moment of a write; both may be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// `If-None-Match: *`: there is none.
    pub absent: bool,
    /// `If-Match`: it exists and has this ETag (without quotes); `*` is any.
    pub etag: Option<String>,
    /// It was put at this very moment: one with the same bytes that came later is another.
    pub last_modified: Option<Timestamp>,
}

/// What is kept with an object besides its bytes, and when it may be put.
#[derive(Clone, Debug, Default)]
pub struct PutOptions {
    pub content_type: Option<String>,
    pub headers: ObjectHeaders,
    pub metadata: Vec<(String, String)>,
    /// Checksums to compute and keep. MD5 and CRC64NVME are always computed.
    pub checksums: Vec<ChecksumAlgorithm>,
    /// Refuses early when the disk has no room; does not bind ([`Expected::size_bytes`] does).
    pub content_length: Option<u64>,
    pub condition: Condition,
}

#[derive(Clone, Debug, Default)]
pub struct PartOptions {
    pub checksums: Vec<ChecksumAlgorithm>,
    pub content_length: Option<u64>,
}

/// What the client said about its bytes, compared before anything becomes visible.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    pub size_bytes: Option<u64>,
    pub md5: Option<[u8; 16]>,
    /// Each algorithm must have been asked for in [`PutOptions::checksums`] (CRC64NVME need not be).
    pub checksums: Vec<Checksum>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartInfo {
    pub number: u32,
    pub size_bytes: u64,
    /// MD5 in hex without quotes.
    pub etag: String,
    #[serde(with = "hex_u64")]
    pub crc64nvme: u64,
    pub last_modified: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checksums: Vec<Checksum>,
}

#[derive(Clone, Debug, Default)]
pub struct ListPage {
    pub objects: Vec<ObjectInfo>,
    pub common_prefixes: Vec<String>,
    /// Start the next page after this key or prefix.
    pub next_after: Option<String>,
}

/// 64 bits as 16 hexadecimal digits: JSON tools other than ours round large numbers.
pub(super) mod hex_u64 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::store) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{value:016x}"))
    }

    pub(in crate::store) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}
