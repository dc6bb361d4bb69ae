//! Which uploads there are: pages of the unfinished ones, and what is left of those that nobody needs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::engine::{Engine, upload_lock};
use super::list::common_prefix;
use super::multipart::{OpenUpload, UploadInfo};
use super::{MAX_PAGE, StoreError};

#[derive(Clone, Debug, Default)]
pub struct UploadPage {
    pub uploads: Vec<UploadInfo>,
    pub common_prefixes: Vec<String>,
    /// Key marker and upload id marker of the next page; the id is empty when the page ended in a common prefix.
    pub next: Option<(String, String)>,
}

impl Engine {
    pub(super) fn list_uploads(
        &self,
        bucket: &str,
        prefix: &str,
        delimiter: Option<&str>,
        key_marker: Option<&str>,
        upload_id_marker: Option<&str>,
        limit: usize,
    ) -> Result<UploadPage, StoreError> {
        self.require_bucket(bucket)?;
        let key_marker = key_marker.unwrap_or_default();
        let id_marker = upload_id_marker.filter(|id| !id.is_empty());
        let limit = limit.min(MAX_PAGE);
        let mut page = UploadPage::default();
        let mut last = None;
        if limit == 0 {
            return Ok(page);
        }
        for ((key, upload_id), upload) in self.unfinished(bucket, prefix)? {
            let behind =
                key.as_str() > key_marker || (key == key_marker && id_marker.is_some_and(|id| upload_id.as_str() > id));
            let group = common_prefix(&key, prefix, delimiter);
            let seen = group.is_some_and(|group| {
                group <= key_marker || page.common_prefixes.last().is_some_and(|last| last == group)
            });
            if !behind || seen {
                continue;
            }
            if page.uploads.len() + page.common_prefixes.len() == limit {
                page.next = last;
                break;
            }
            match group {
                Some(group) => {
                    page.common_prefixes.push(group.to_owned());
                    last = Some((group.to_owned(), String::new()));
                }
                None => {
                    page.uploads.push(upload.info());
                    last = Some((key, upload_id));
                }
            }
        }
        Ok(page)
    }

    fn unfinished(&self, bucket: &str, prefix: &str) -> Result<BTreeMap<(String, String), OpenUpload>, StoreError> {
        let mut uploads = BTreeMap::new();
        for upload_id in self.names_in(&self.disk.open_uploads())? {
            // One that ends at this moment is gone already.
            let Some(upload) = self.load_upload(&upload_id)? else { continue };
            if upload.bucket == bucket && upload.key.starts_with(prefix) {
                uploads.insert((upload.key.clone(), upload_id), upload);
            }
        }
        Ok(uploads)
    }

    /// Removes expired uploads and parts that no object refers to; how many uploads went.
    pub(super) fn sweep(&self) -> Result<usize, StoreError> {
        self.disk.not_broken()?;
        let now = self.clock.now();
        let mut removed = 0;
        for upload_id in self.names_in(&self.disk.uploads())? {
            let _held = self.locks.hold(upload_lock(&upload_id));
            let Some(upload) = self.load_upload(&upload_id)? else { continue };
            let open = self.is_open(&upload_id);
            if (open && !self.is_expired(&upload, now)) || self.is_referenced(&upload)? != Some(false) {
                continue;
            }
            if open {
                self.remove_upload(&upload)?;
                removed += 1;
            } else if self.pins.doom(&upload_id) {
                self.remove_parts(&upload_id);
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn is_expired(&self, upload: &OpenUpload, now: Timestamp) -> bool {
        let age_s = now.as_second().saturating_sub(upload.initiated_at.as_second());
        u64::try_from(age_s).is_ok_and(|age_s| age_s >= self.config.upload_expiry.as_secs())
    }

    /// Server start: completed uploads whose end was not noted, and notes of uploads that are gone.
    pub(super) fn recover_uploads(&self) -> Result<(), StoreError> {
        for upload_id in self.names_in(&self.disk.open_uploads())? {
            let ended = match self.load_upload(&upload_id)? {
                Some(upload) => self.is_referenced(&upload)? == Some(true),
                None => true,
            };
            if ended {
                self.disk.discard(&self.disk.open_uploads().join(&upload_id));
            }
        }
        Ok(())
    }

    /// Uploads of a bucket that goes.
    pub(super) fn remove_uploads_of(&self, bucket: &str) -> Result<(), StoreError> {
        for upload in self.unfinished(bucket, "")?.into_values() {
            let _held = self.locks.hold(upload_lock(&upload.upload_id));
            if self.is_open(&upload.upload_id) {
                self.remove_upload(&upload)?;
            }
        }
        Ok(())
    }

    fn names_in(&self, dir: &std::path::Path) -> Result<Vec<String>, StoreError> {
        let failed = |source| StoreError::Io { doing: "the uploads cannot be listed".into(), source };
        let mut names = Vec::new();
        for entry in dir.read_dir().map_err(failed)? {
            names.extend(entry.map_err(failed)?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    }
}
