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

use super::checksum::{join_crc64nvme, multipart_etag, whole};
use super::disk::{Flow, Tmp};
use super::engine::{Engine, upload_lock};
use super::record::{Fault, Multipart, Record};
use super::{
    Checksum, ChecksumAlgorithm, ChecksumKind, Condition, MAX_PAGE, MAX_PART_NUMBER, ObjectHeaders, ObjectInfo,
    PartInfo, StoreError,
};

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
    options: UploadOptions,
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

fn no_such_upload(bucket: &str, key: &str, upload_id: &str) -> StoreError {
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

    fn open_marker(&self, upload_id: &str) -> PathBuf {
        self.disk.open_uploads().join(upload_id)
    }

    /// What `upload.json` says; `Ok(None)` when there is no such upload, finished or not.
    pub(super) fn load_upload(&self, upload_id: &str) -> Result<Option<OpenUpload>, StoreError> {
        let failed = |source| StoreError::Io { doing: format!("upload {upload_id:?} cannot be read"), source };
        if !valid_id(upload_id) {
            return Ok(None);
        }
        match fs::read(self.upload_dir(upload_id).join(UPLOAD_FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(error.into())),
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
    fn load_part(&self, upload: &OpenUpload, number: u32) -> Result<Option<PartInfo>, StoreError> {
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
    fn part_numbers(&self, upload_id: &str) -> Result<Vec<u32>, StoreError> {
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

    pub(super) fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        named: &[CompletedPart],
        condition: &Condition,
        expected: Option<&Checksum>,
    ) -> Result<ObjectInfo, StoreError> {
        self.require_bucket(bucket)?;
        let _held = self.locks.hold(upload_lock(upload_id));
        let upload = match self.open_upload(bucket, key, upload_id) {
            Ok(upload) => upload,
            Err(error @ StoreError::NoSuchUpload { .. }) => {
                return self.completed_before(bucket, key, upload_id, named).ok_or(error);
            }
            Err(error) => return Err(error),
        };
        if self.is_referenced(&upload)? == Some(true) {
            // Its object is there, only the end of the upload could not be noted.
            return self
                .completed_before(bucket, key, upload_id, named)
                .ok_or_else(|| no_such_upload(bucket, key, upload_id));
        }
        self.disk.writable(0)?;
        let parts = self.chosen_parts(&upload, named)?;
        let record = self.whole_record(&upload, parts, expected)?;
        let flow = Flow::Complete;
        let path = self.key_path(bucket, key)?;
        // A part that is being acknowledged at this moment may lack this one.
        self.disk.sync_dir(flow, &self.upload_dir(upload_id))?;
        let mut tmp = self.disk.create_tmp(flow)?;
        if let Err(error) = self.place(flow, bucket, &record, &path, condition, &mut tmp) {
            tmp.discard();
            return Err(error);
        }
        self.close_upload(&upload, named)?;
        Ok(record.info())
    }

    /// The object, when it is this upload's with just these parts.
    fn completed_before(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        named: &[CompletedPart],
    ) -> Option<ObjectInfo> {
        let (_, record) = self.load(bucket, key).ok()??;
        let multipart = record.multipart.as_ref().filter(|multipart| multipart.upload_id == upload_id)?;
        let same = multipart.parts.len() == named.len()
            && multipart
                .parts
                .iter()
                .zip(named)
                .all(|(part, named)| part.number == named.number && part.etag == bare(&named.etag));
        same.then(|| record.info())
    }

    /// The parts that Complete names, as they were uploaded.
    fn chosen_parts(&self, upload: &OpenUpload, named: &[CompletedPart]) -> Result<Vec<PartInfo>, StoreError> {
        if !named.is_sorted_by(|a, b| a.number < b.number) {
            return Err(StoreError::InvalidPartOrder);
        }
        if named.is_empty() {
            return Err(StoreError::InvalidPart { number: 0 });
        }
        let mut parts = Vec::with_capacity(named.len());
        for (at, named_part) in named.iter().enumerate() {
            let number = named_part.number;
            let invalid = || StoreError::InvalidPart { number };
            if !(1..=MAX_PART_NUMBER).contains(&number) {
                return Err(invalid());
            }
            let part = self.load_part(upload, number)?.ok_or_else(invalid)?;
            let crc64nvme = Checksum::crc64nvme(part.crc64nvme);
            let known = |wanted: &Checksum| {
                part.checksums
                    .iter()
                    .chain([&crc64nvme])
                    .any(|sum| sum.algorithm == wanted.algorithm && sum.value == wanted.value)
            };
            if part.etag != bare(&named_part.etag) || !named_part.checksums.iter().all(known) {
                return Err(invalid());
            }
            if part.size_bytes < self.min_part_bytes && at + 1 < named.len() {
                return Err(StoreError::EntityTooSmall {
                    number,
                    size_bytes: part.size_bytes,
                    min_bytes: self.min_part_bytes,
                });
            }
            parts.push(part);
        }
        Ok(parts)
    }

    fn whole_record(
        &self,
        upload: &OpenUpload,
        parts: Vec<PartInfo>,
        expected: Option<&Checksum>,
    ) -> Result<Record, StoreError> {
        let size_bytes = parts.iter().map(|part| part.size_bytes).sum();
        let crc64nvme = parts.iter().fold(None, |joined, part| match joined {
            None => Some(part.crc64nvme),
            Some(before) => Some(join_crc64nvme(before, part.crc64nvme, part.size_bytes)),
        });
        let crc64nvme = crc64nvme.expect("there is at least one part");
        let combined = |algorithm, kind| {
            let of_parts: Option<Vec<_>> = parts
                .iter()
                .map(|part| Some((part.checksums.iter().find(|sum| sum.algorithm == algorithm)?, part.size_bytes)))
                .collect();
            whole(algorithm, kind, of_parts?.into_iter())
        };
        let checksum = upload.options.checksum.and_then(|(algorithm, kind)| combined(algorithm, kind));
        if let Some(expected) = expected {
            let computed = if expected.algorithm == ChecksumAlgorithm::Crc64Nvme {
                Some(Checksum::crc64nvme(crc64nvme))
            } else {
                combined(expected.algorithm, expected.kind)
            };
            // Some clients leave the number of parts out.
            let same = |computed: &Checksum| {
                computed.value == expected.value || computed.value.split('-').next() == Some(expected.value.as_str())
            };
            if !computed.as_ref().is_some_and(same) {
                return Err(StoreError::BadDigest { what: expected.algorithm.name() });
            }
        }
        let etag = multipart_etag(parts.iter().map(|part| part.etag.as_str())).expect("parts' ETags are MD5s of ours");
        let options = &upload.options;
        Ok(Record {
            key: upload.key.clone(),
            size_bytes,
            etag,
            crc64nvme,
            last_modified: self.clock.now(),
            checksums: checksum.into_iter().collect(),
            content_type: options.content_type.clone(),
            headers: options.headers.clone(),
            metadata: options.metadata.clone(),
            multipart: Some(Multipart { upload_id: upload.upload_id.clone(), parts }),
        })
    }

    /// The object is durable: the upload is no longer an unfinished one, and parts that it does not name go. What
    /// fails here is made up for at the next start, or harms nothing.
    fn close_upload(&self, upload: &OpenUpload, named: &[CompletedPart]) -> Result<(), StoreError> {
        let tidied = (|| {
            self.disk.tidy(Flow::Complete)?;
            self.disk.remove_file(Flow::Abort, &self.open_marker(&upload.upload_id))
        })();
        if let Err(error) = tidied {
            tracing::warn!(%error, object.key = upload.key, "a completed upload still counts as unfinished until the next start");
            return Ok(());
        }
        let dir = self.upload_dir(&upload.upload_id);
        for number in self.part_numbers(&upload.upload_id)? {
            if named.binary_search_by_key(&number, |part| part.number).is_err() {
                self.disk.discard(&part_file(&dir, number));
            }
        }
        Ok(())
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

/// An ETag without the quotes that some clients leave on.
fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}
