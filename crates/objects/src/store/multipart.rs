//! Multipart uploads.
//!
//! An upload is the directory `uploads/<id>`: what was asked for in `upload.json`, and a file for each part. It is
//! unfinished while the empty file `open/<id>` exists. Completing writes the object's record, which names the parts
//! where they lie; nothing is copied. From then on the parts belong to that object: whoever replaces or removes it
//! removes them. What a crash leaves between two of these steps is told by comparing with the object at the key: it
//! names the upload, or it does not.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use eyrie_env::uuid_v7;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::disk::{Flow, Tmp};
use super::engine::{Engine, upload_lock};
use super::record::{Fault, Record};
use super::{Checksum, ChecksumAlgorithm, ChecksumKind, MAX_PAGE, ObjectHeaders, PartInfo, StoreError};

const UPLOAD_FILE: &str = "upload.json";

/// What the finished object will be kept with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct UploadOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(default)]
    pub headers: ObjectHeaders,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<(String, String)>,
    /// The checksum of the whole; each part then gets one of that algorithm, too, whether its request names it or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

/// What `upload.json` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OpenUpload {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) upload_id: String,
    pub(super) initiated_at: Timestamp,
    pub(super) options: UploadOptions,
}

impl OpenUpload {
    pub(super) fn info(&self) -> UploadInfo {
        UploadInfo {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            upload_id: self.upload_id.clone(),
            initiated_at: self.initiated_at,
            checksum: self.options.checksum,
        }
    }

    /// What is computed of a part: what its request asks for and what the whole will need.
    pub(super) fn part_checksums(&self, asked: &[ChecksumAlgorithm]) -> Vec<ChecksumAlgorithm> {
        self.options.checksum.iter().map(|(algorithm, _)| *algorithm).chain(asked.iter().copied()).collect()
    }
}

pub(super) fn part_file(upload_dir: &Path, number: u32) -> PathBuf {
    upload_dir.join(format!("part-{number:05}"))
}

fn part_number(file_name: &str) -> Option<u32> {
    file_name.strip_prefix("part-")?.parse().ok()
}

/// An id as we make them; anything else is never made part of a path.
fn valid_id(upload_id: &str) -> bool {
    upload_id.len() == 32 && upload_id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

pub(super) fn no_such_upload(bucket: &str, key: &str, upload_id: &str) -> StoreError {
    StoreError::NoSuchUpload { bucket: bucket.to_owned(), key: key.to_owned(), upload_id: upload_id.to_owned() }
}

impl Engine {
    pub(super) fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        options: UploadOptions,
    ) -> Result<UploadInfo, StoreError> {
        self.key_path(bucket, key)?;
        self.require_bucket(bucket)?;
        self.disk.writable(0)?;
        let (flow, disk, now) = (Flow::Upload, &self.disk, self.clock.now());
        let upload_id = uuid_v7(now, &*self.random).simple().to_string();
        let upload =
            OpenUpload { bucket: bucket.to_owned(), key: key.to_owned(), upload_id, initiated_at: now, options };
        let failed = |source| disk.failed("the upload cannot be begun", source);
        let bytes = serde_json::to_vec(&upload).expect("plain data");
        let _held = self.locks.hold(upload_lock(&upload.upload_id));
        let new = disk.tmp_path();
        let made = (|| {
            disk.create_dir(flow, &new).map_err(failed)?;
            disk.write_new(flow, &new.join(UPLOAD_FILE), &bytes)?;
            disk.sync_dir(flow, &new)?;
            disk.rename(flow, &new, &self.upload_dir(&upload.upload_id)).map_err(failed)
        })();
        if let Err(error) = made {
            disk.discard(&new);
            return Err(error);
        }
        disk.sync_dir(flow, &disk.uploads())?;
        disk.write_new(flow, &self.open_marker(&upload.upload_id), b"")?;
        disk.sync_dir(flow, &disk.open_uploads())?;
        Ok(upload.info())
    }

    pub(super) fn open_marker(&self, upload_id: &str) -> PathBuf {
        self.disk.open_uploads().join(upload_id)
    }

    /// What `upload.json` says; `Ok(None)` when there is no such upload, finished or not. One that a power cut tore was
    /// never acknowledged, so it is none; its folder is left for a person to look at.
    pub(super) fn load_upload(&self, upload_id: &str) -> Result<Option<OpenUpload>, StoreError> {
        let failed = |source| StoreError::Io { doing: format!("upload {upload_id:?} cannot be read"), source };
        if !valid_id(upload_id) {
            return Ok(None);
        }
        match fs::read(self.upload_dir(upload_id).join(UPLOAD_FILE)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)
                .inspect_err(|error| tracing::error!(%error, upload_id, "the record of an upload is damaged"))
                .ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) fn is_open(&self, upload_id: &str) -> bool {
        self.open_marker(upload_id).symlink_metadata().is_ok()
    }

    /// The unfinished upload, or [`StoreError::NoSuchUpload`].
    pub(super) fn open_upload(&self, bucket: &str, key: &str, upload_id: &str) -> Result<OpenUpload, StoreError> {
        self.require_bucket(bucket)?;
        self.load_upload(upload_id)?
            .filter(|upload| upload.bucket == bucket && upload.key == key && self.is_open(upload_id))
            .ok_or_else(|| no_such_upload(bucket, key, upload_id))
    }

    /// Makes a part durable and part of its upload, if that is still unfinished; its bytes are in `tmp` already.
    pub(super) fn place_part(&self, upload: &OpenUpload, part: &PartInfo, tmp: &mut Tmp) -> Result<(), StoreError> {
        let flow = Flow::Part;
        let record = Record {
            key: upload.key.clone(),
            size_bytes: part.size_bytes,
            etag: part.etag.clone(),
            crc64nvme: part.crc64nvme,
            last_modified: part.last_modified,
            checksums: part.checksums.clone(),
            content_type: None,
            headers: ObjectHeaders::default(),
            metadata: Vec::new(),
            multipart: None,
        };
        tmp.write(flow, &record.trailer())?;
        tmp.sync(flow)?;
        let dir = self.upload_dir(&upload.upload_id);
        {
            let _held = self.locks.hold(upload_lock(&upload.upload_id));
            if !self.is_open(&upload.upload_id) {
                return Err(no_such_upload(&upload.bucket, &upload.key, &upload.upload_id));
            }
            tmp.place(flow, &part_file(&dir, part.number))
                .map_err(|source| self.disk.failed("the part cannot be put into place", source))?;
        }
        self.disk.sync_dir(flow, &dir)
    }

    /// `Ok(None)` when the part was not uploaded, or cannot be read any more.
    pub(super) fn load_part(&self, upload: &OpenUpload, number: u32) -> Result<Option<PartInfo>, StoreError> {
        let failed =
            |source| StoreError::Io { doing: format!("part {number} of {:?} cannot be read", upload.key), source };
        let file = match File::open(part_file(&self.upload_dir(&upload.upload_id), number)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        match Record::read(&file) {
            Ok(record) => Ok(Some(PartInfo {
                number,
                size_bytes: record.size_bytes,
                etag: record.etag,
                crc64nvme: record.crc64nvme,
                last_modified: record.last_modified,
                checksums: record.checksums,
            })),
            Err(Fault::Damaged(why)) => {
                tracing::error!(object.key = upload.key, number, why, "a part is damaged and counts as not uploaded");
                Ok(None)
            }
            Err(Fault::Io(error)) => Err(failed(error)),
        }
    }

    /// Numbers of the parts that lie there, ascending.
    pub(super) fn part_numbers(&self, upload_id: &str) -> Result<Vec<u32>, StoreError> {
        let failed = |source| StoreError::Io { doing: "the parts cannot be listed".into(), source };
        let mut numbers = Vec::new();
        for entry in self.upload_dir(upload_id).read_dir().map_err(failed)? {
            numbers.extend(entry.map_err(failed)?.file_name().to_str().and_then(part_number));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    pub(super) fn list_parts(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        after: u32,
        limit: usize,
    ) -> Result<PartPage, StoreError> {
        let upload = self.open_upload(bucket, key, upload_id)?;
        let mut numbers = self.part_numbers(upload_id)?.into_iter().filter(|number| *number > after).peekable();
        let mut page = PartPage { upload: upload.info(), parts: Vec::new(), next_after: None };
        for number in numbers.by_ref().take(limit.min(MAX_PAGE)) {
            page.parts.extend(self.load_part(&upload, number)?);
            page.next_after = Some(number);
        }
        if numbers.peek().is_none() {
            page.next_after = None;
        }
        Ok(page)
    }

    pub(super) fn abort_upload(&self, bucket: &str, key: &str, upload_id: &str) -> Result<(), StoreError> {
        self.disk.not_broken()?;
        let _held = self.locks.hold(upload_lock(upload_id));
        let upload = self.open_upload(bucket, key, upload_id)?;
        if self.is_referenced(&upload)? != Some(false) {
            return Err(no_such_upload(bucket, key, upload_id));
        }
        self.remove_upload(&upload)
    }

    /// Whether the object at the upload's key is the one made of it; `None` when that cannot be told, because the
    /// object is damaged: then the parts stay, since they may be missed. The caller holds the upload.
    pub(super) fn is_referenced(&self, upload: &OpenUpload) -> Result<Option<bool>, StoreError> {
        match self.load(&upload.bucket, &upload.key) {
            Ok(loaded) => {
                Ok(Some(loaded.is_some_and(|(_, record)| record.upload_id() == Some(upload.upload_id.as_str()))))
            }
            Err(StoreError::NoSuchBucket(_)) => Ok(Some(false)),
            Err(StoreError::Damaged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes an unfinished upload; the caller holds it.
    pub(super) fn remove_upload(&self, upload: &OpenUpload) -> Result<(), StoreError> {
        let (flow, disk) = (Flow::Abort, &self.disk);
        let failed = |source| StoreError::Io { doing: "the upload cannot be removed".into(), source };
        let aside = disk.tmp_path();
        disk.rename(flow, &self.upload_dir(&upload.upload_id), &aside).map_err(failed)?;
        let removed = (|| {
            disk.remove_file(flow, &self.open_marker(&upload.upload_id)).map_err(failed)?;
            disk.sync_dir(flow, &disk.uploads())?;
            disk.sync_dir(flow, &disk.open_uploads())
        })();
        disk.discard(&aside);
        removed
    }
}
