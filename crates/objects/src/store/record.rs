//! What stands behind an object's bytes in its file: its record, and how to find it from the end.
//!
//! `bytes | record (JSON) | record length, u32 LE | CRC32C of the record, u32 LE | magic, 8 bytes`
//!
//! The bytes come first so that a file can be read with plain tools in an emergency; the record comes last because
//! sizes and sums are known only then, and the file is written once from front to back. A multipart object's file has
//! no bytes of its own: its record names the parts, which have the same form and lie where they were uploaded.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::checksum::{Checksum, crc32c};
use super::types::{ObjectHeaders, ObjectInfo, PartInfo, hex_u64};

const MAGIC: &[u8; 8] = b"EYRIEOB1";
/// Every object's file is longer.
pub(super) const TAIL_BYTES: usize = 4 + 4 + MAGIC.len();
/// A first read from the end takes so much: enough for the record of nearly every object.
const FIRST_READ_BYTES: u64 = 4096;
/// Longest record: 10,000 parts with a checksum each stay well below.
const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) key: String,
    pub(super) size_bytes: u64,
    pub(super) etag: String,
    #[serde(with = "hex_u64")]
    pub(super) crc64nvme: u64,
    pub(super) last_modified: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) checksums: Vec<Checksum>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    #[serde(default)]
    pub(super) headers: ObjectHeaders,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) metadata: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) multipart: Option<Multipart>,
}

/// Where the bytes of a multipart object are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Multipart {
    pub(super) upload_id: String,
    pub(super) parts: Vec<PartInfo>,
}

/// Why a file has no record.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    Damaged(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Record {
    /// What is written behind the bytes.
    pub(super) fn trailer(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("a record is plain data");
        assert!(bytes.len() <= MAX_RECORD_BYTES, "a record stays in its bounds");
        let length = u32::try_from(bytes.len()).expect("bounded above");
        let crc = crc32c(&bytes);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.extend_from_slice(MAGIC);
        bytes
    }

    /// Reads the record of the object or part in `file`.
    pub(super) fn read(file: &File) -> Result<Self, Fault> {
        let damaged = |why: &str| Fault::Damaged(why.to_owned());
        let file_bytes = file.metadata()?.len();
        let mut end = read_at_end(file, file_bytes, FIRST_READ_BYTES)?;
        let Some((rest, tail)) = end.split_last_chunk::<TAIL_BYTES>() else {
            return Err(damaged("it is too short"));
        };
        if !tail.ends_with(MAGIC) {
            return Err(damaged("its end is not one of ours"));
        }
        let number = |at: usize| u32::from_le_bytes(tail[at..at + 4].try_into().expect("four bytes"));
        let (length, crc) = (number(0) as usize, number(4));
        if length > MAX_RECORD_BYTES {
            return Err(damaged("its record's length is impossible"));
        }
        if rest.len() < length {
            end = read_at_end(file, file_bytes, (length + TAIL_BYTES) as u64)?;
        }
        let Some(start) = end.len().checked_sub(length + TAIL_BYTES) else {
            return Err(damaged("its record's length is impossible"));
        };
        let bytes = &end[start..end.len() - TAIL_BYTES];
        if crc32c(bytes) != crc {
            return Err(damaged("its record has another checksum"));
        }
        let record: Self =
            serde_json::from_slice(bytes).map_err(|error| Fault::Damaged(format!("its record: {error}")))?;
        let own_bytes = if record.multipart.is_some() { 0 } else { record.size_bytes };
        if own_bytes.checked_add((length + TAIL_BYTES) as u64) != Some(file_bytes) {
            return Err(damaged("its length is not the one recorded"));
        }
        Ok(record)
    }

    pub(super) fn info(&self) -> ObjectInfo {
        ObjectInfo {
            key: self.key.clone(),
            size_bytes: self.size_bytes,
            etag: self.etag.clone(),
            crc64nvme: self.crc64nvme,
            last_modified: self.last_modified,
            content_type: self.content_type.clone(),
            metadata: self.metadata.clone(),
            headers: self.headers.clone(),
            checksums: self.checksums.clone(),
            part_count: self.multipart.as_ref().map(|multipart| multipart.parts.len() as u32),
        }
    }

    pub(super) fn upload_id(&self) -> Option<&str> {
        self.multipart.as_ref().map(|multipart| multipart.upload_id.as_str())
    }
}

fn read_at_end(file: &File, file_bytes: u64, wanted: u64) -> io::Result<Vec<u8>> {
    let length = file_bytes.min(wanted);
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, file_bytes - length)?;
    Ok(bytes)
}
