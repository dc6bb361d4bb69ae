//! Whether many objects are there, without reading their records: a look at each file's entry and length.
//!
//! Less than [`super::Store::head`], which reads the record and checks it, and some ten times as fast: for questions about
//! thousands of objects whose rows are known, where a damaged one is the scrub's to find.

use std::os::unix::fs::MetadataExt as _;

use super::engine::Engine;
use super::record::TAIL_BYTES;
use super::{Store, StoreError};

/// Objects looked at by one thread at a time.
const AT_ONCE: usize = 2_500;

impl Store {
    /// For each (bucket, key) in order: whether its file is there.
    pub async fn are_there(&self, objects: Vec<(String, String)>) -> Result<Vec<bool>, StoreError> {
        let mut chunks = Vec::new();
        let mut rest = objects;
        while !rest.is_empty() {
            let next = rest.split_off(rest.len().min(AT_ONCE));
            let chunk = std::mem::replace(&mut rest, next);
            chunks.push(self.engine.reading(move |engine| {
                Ok(chunk.iter().map(|(bucket, key)| is_there(engine, bucket, key)).collect::<Vec<_>>())
            }));
        }
        Ok(futures::future::try_join_all(chunks).await?.concat())
    }
}

/// False also for what could not be looked at: the question is whether bytes are safe here.
fn is_there(engine: &Engine, bucket: &str, key: &str) -> bool {
    let Ok(path) = engine.key_path(bucket, key) else { return false };
    let metadata = std::fs::symlink_metadata(path.file);
    metadata.is_ok_and(|metadata| metadata.is_file() && metadata.size() > TAIL_BYTES as u64)
}
