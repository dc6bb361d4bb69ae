//! Whether many objects are there, without reading their records: a look at each file's entry, or at the directory that
//! has many of them.
//!
//! Less than [`super::Store::head`], which reads the record and checks it, and far faster: for questions about
//! thousands of objects whose rows are known, where a damaged one is the scrub's to find.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::engine::Engine;
use super::path::KeyPath;
use super::record::TAIL_BYTES;
use super::{Store, StoreError};

/// Objects looked at by one thread at a time.
const AT_ONCE: usize = 5_000;
/// A directory is listed when so many of its objects are asked for; reading an entry costs a tenth of asking for one.
const WORTH_A_LIST: usize = 64;
/// It is given up when it has more entries than this for each that is asked for.
const ENTRIES_FOR_ONE: usize = 8;

impl Store {
    /// For each (bucket, key) in order: whether its file is there.
    pub async fn are_there(&self, objects: Vec<(String, String)>) -> Result<Vec<bool>, StoreError> {
        let mut chunks = Vec::new();
        let mut rest = objects;
        while !rest.is_empty() {
            let next = rest.split_off(rest.len().min(AT_ONCE));
            let chunk = std::mem::replace(&mut rest, next);
            chunks.push(self.engine.reading(move |engine| Ok(engine.which_are_there(&chunk))));
        }
        Ok(futures::future::try_join_all(chunks).await?.concat())
    }
}

impl Engine {
    /// False also for what could not be looked at: the question is whether bytes are safe here.
    fn which_are_there(&self, objects: &[(String, String)]) -> Vec<bool> {
        let paths: Vec<_> = objects.iter().map(|(bucket, key)| self.key_path(bucket, key).ok()).collect();
        let mut asked: HashMap<&Path, usize> = HashMap::new();
        for path in paths.iter().flatten() {
            *asked.entry(path.parent()).or_default() += 1;
        }
        let listed: HashMap<&Path, HashSet<OsString>> = asked
            .into_iter()
            .filter(|(_, count)| *count >= WORTH_A_LIST)
            .filter_map(|(dir, count)| Some((dir, files_in(dir, count * ENTRIES_FOR_ONE)?)))
            .collect();
        let is_there = |path: &KeyPath| match listed.get(path.parent()) {
            Some(names) => path.file.file_name().is_some_and(|name| names.contains(name)),
            None => has_bytes(&path.file),
        };
        paths.iter().map(|path| path.as_ref().is_some_and(is_there)).collect()
    }
}

/// The names of the directory's files; `None` when it has more than `most` entries, or cannot be read.
fn files_in(dir: &Path, most: usize) -> Option<HashSet<OsString>> {
    let mut names = HashSet::new();
    for (n, entry) in std::fs::read_dir(dir).ok()?.enumerate() {
        let entry = entry.ok().filter(|_| n < most)?;
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            names.insert(entry.file_name());
        }
    }
    Some(names)
}

fn has_bytes(file: &Path) -> bool {
    let metadata = std::fs::symlink_metadata(file);
    metadata.is_ok_and(|metadata| metadata.is_file() && metadata.size() > TAIL_BYTES as u64)
}
