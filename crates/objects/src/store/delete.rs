//! Objects on their way out.

use super::disk::Flow;
use super::engine::{Engine, key_lock};
use super::record::Record;
use super::{Condition, StoreError};

impl Engine {
    pub(super) fn delete(&self, bucket: &str, key: &str, condition: &Condition) -> Result<bool, StoreError> {
        let path = match self.key_path(bucket, key) {
            Ok(path) => path,
            Err(StoreError::BadKey(_) | StoreError::KeyTooLong(_)) => {
                return self.require_bucket(bucket).map(|()| false);
            }
            Err(error) => return Err(error),
        };
        let flow = Flow::Delete;
        let removed = {
            let _held = self.locks.hold(key_lock(bucket, key));
            let _tree = self.tree.read();
            self.disk.not_broken()?;
            let current = match self.load(bucket, key) {
                Ok(None) => return Ok(false),
                Ok(Some((_, record))) => Some(record),
                // A person may remove what cannot be read; its parts, if any, are found by the sweep.
                Err(StoreError::Damaged { .. }) if condition.etag.is_none() && condition.last_modified.is_none() => {
                    None
                }
                Err(error) => return Err(error),
            };
            if let Some(record) = &current {
                self.check(&Condition { absent: false, ..condition.clone() }, bucket, key, Some(record))?;
            }
            self.disk
                .remove_file(flow, &path.file)
                .map_err(|source| StoreError::Io { doing: "the object cannot be removed".into(), source })?;
            self.disk.sync_dir(flow, path.parent())?;
            current
        };
        self.release(flow, removed.as_ref().and_then(Record::upload_id));
        // Somebody is writing: the empty directories stay, which harms nothing.
        if let Some(_tree) = self.tree.try_write() {
            self.disk.prune(&path.dirs);
        }
        Ok(true)
    }
}
