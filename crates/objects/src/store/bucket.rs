//! Buckets: a directory each, with a file that says when it was made.

use std::fs;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::disk::Flow;
use super::engine::Engine;
use super::walk::{Verdict, Walk};
use super::{BucketInfo, StoreError};

/// No key's file can have this name: a `%` is not followed by hexadecimal digits.
const BUCKET_FILE: &str = "%bucket.json";

#[derive(Serialize, Deserialize)]
struct BucketRecord {
    created_at: Timestamp,
}

/// S3's rules for names: 3 to 63 of a-z, 0-9, `-` and `.`, a letter or digit at both ends, no `..`.
fn valid_name(bucket: &str) -> bool {
    let bytes = bucket.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| plain(byte) || *byte == b'-' || *byte == b'.')
        && bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain)
        && !bucket.contains("..")
}

impl Engine {
    /// Where the bucket's tree is, whether or not it exists.
    pub(super) fn bucket_dir(&self, bucket: &str) -> Result<PathBuf, StoreError> {
        if !valid_name(bucket) {
            return Err(StoreError::NoSuchBucket(bucket.to_owned()));
        }
        Ok(self.disk.buckets().join(bucket))
    }

    pub(super) fn require_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        let file = self.bucket_dir(bucket)?.join(BUCKET_FILE);
        match file.symlink_metadata() {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::NoSuchBucket(bucket.to_owned())),
            Err(source) => Err(StoreError::Io { doing: format!("bucket {bucket:?} cannot be looked up"), source }),
        }
    }

    pub(super) fn bucket(&self, bucket: &str) -> Result<Option<BucketInfo>, StoreError> {
        let Ok(dir) = self.bucket_dir(bucket) else { return Ok(None) };
        let failed = |source| StoreError::Io { doing: format!("bucket {bucket:?} cannot be looked up"), source };
        match fs::read(dir.join(BUCKET_FILE)) {
            Ok(bytes) => {
                let record: BucketRecord = serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))?;
                Ok(Some(BucketInfo { name: bucket.to_owned(), created_at: record.created_at }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) fn buckets(&self) -> Result<Vec<BucketInfo>, StoreError> {
        let failed = |source| StoreError::Io { doing: "the buckets cannot be listed".into(), source };
        let mut buckets = Vec::new();
        for entry in fs::read_dir(self.disk.buckets()).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(bucket) = name.to_str().map(|name| self.bucket(name)).transpose()?.flatten() {
                buckets.push(bucket);
            }
        }
        buckets.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(buckets)
    }

    pub(super) fn create_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        if !valid_name(bucket) {
            return Err(StoreError::BadBucket(bucket.to_owned()));
        }
        let dir = self.bucket_dir(bucket)?;
        let _held = self.locks.hold(bucket.to_owned());
        if self.bucket(bucket)?.is_some() {
            return Ok(());
        }
        self.disk.writable(0)?;
        let (flow, disk) = (Flow::Bucket, &self.disk);
        let failed = |source| disk.failed(&format!("bucket {bucket:?} cannot be made"), source);
        let record = serde_json::to_vec(&BucketRecord { created_at: self.clock.now() }).expect("plain data");
        let new = disk.tmp_path();
        let made = (|| {
            disk.create_dir(flow, &new).map_err(failed)?;
            disk.write_new(flow, &new.join(BUCKET_FILE), &record)?;
            disk.sync_dir(flow, &new)?;
            disk.rename(flow, &new, &dir).map_err(failed)
        })();
        if let Err(error) = made {
            disk.discard(&new);
            return Err(error);
        }
        disk.sync_dir(flow, &disk.buckets())
    }

    pub(super) fn delete_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        let dir = self.bucket_dir(bucket)?;
        let _held = self.locks.hold(bucket.to_owned());
        let (flow, disk) = (Flow::Bucket, &self.disk);
        let aside = disk.tmp_path();
        {
            let _tree = self.tree.write();
            self.require_bucket(bucket)?;
            disk.not_broken()?;
            let mut empty = true;
            Walk::new("", None).run(&dir, &mut |_, _| {
                empty = false;
                Ok(Verdict::Stop)
            })?;
            if !empty {
                return Err(StoreError::BucketNotEmpty(bucket.to_owned()));
            }
            disk.rename(flow, &dir, &aside)
                .map_err(|source| disk.failed(&format!("bucket {bucket:?} cannot be removed"), source))?;
            disk.forget_dirs();
            disk.sync_dir(flow, &disk.buckets())?;
        }
        disk.discard(&aside);
        // Not with the tree held: whoever completes an upload holds that and waits for the tree.
        self.remove_uploads_of(bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_s3() {
        for good in ["abc", "a-b.c", "0a0", &"a".repeat(63)] {
            assert!(valid_name(good), "{good}");
        }
        for bad in ["", "ab", "..", "...", "a..b", "Abc", "-ab", "ab-", ".ab", "a/b", "a\0b", "grün", &"a".repeat(64)]
        {
            assert!(!valid_name(bad), "{bad}");
        }
    }
}
