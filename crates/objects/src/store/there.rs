//! Whether many objects are there, without reading their records: a look at each file's entry, or at the directory that
//! has many of them.
//!
//! Less than [`super::Store::head`], which reads the record and checks it, and far faster: for questions about
//! thousands of objects whose rows are known, where a damaged one is the scrub's to find.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::engine::Engine;
use super::path::file_name;
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
        let mut below: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for (n, (bucket, key)) in objects.iter().enumerate() {
            let directory = key.rfind('/').and_then(|end| key.get(..=end)).unwrap_or_default();
            below.entry((bucket, directory)).or_default().push(n);
        }
        let mut there = vec![false; objects.len()];
        for ((bucket, directory), asked) in below {
            let listed =
                if asked.len() < WORTH_A_LIST { None } else { self.files_below(bucket, directory, asked.len()) };
            for n in asked {
                let key = objects.get(n).map_or("", |(_, key)| key);
                let by_name = listed.as_ref().zip(key.get(directory.len()..).and_then(file_name));
                let is_there = match by_name {
                    Some((names, name)) => names.contains(OsStr::new(&name)),
                    None => self.key_path(bucket, key).is_ok_and(|path| has_bytes(&path.file)),
                };
                if let Some(place) = there.get_mut(n) {
                    *place = is_there;
                }
            }
        }
        there
    }

    /// The names of the files of the keys that go on behind `directory` with one segment, when that is worth it.
    fn files_below(&self, bucket: &str, directory: &str, asked: usize) -> Option<HashSet<OsString>> {
        let any = self.key_path(bucket, &format!("{directory}x")).ok()?;
        files_in(any.parent(), asked * ENTRIES_FOR_ONE)
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
