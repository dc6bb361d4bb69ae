//! CompleteMultipartUpload: parts become an object where they lie.

use super::checksum::{join_crc64nvme, multipart_etag, whole};
use super::disk::Flow;
use super::engine::{Engine, upload_lock};
use super::multipart::{OpenUpload, no_such_upload, part_file};
use super::record::{Multipart, Record};
use super::{Checksum, ChecksumAlgorithm, CompletedPart, Condition, MAX_PART_NUMBER, ObjectInfo, PartInfo, StoreError};

impl Engine {
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
}

/// An ETag without the quotes that some clients leave on.
fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}
