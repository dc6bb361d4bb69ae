//! Keys in byte order from a tree of directories, opening only what may hold a wanted key.
//!
//! The order of a key's bytes is not that of the tree: `a-b` < `a/b` < `a0`, though the tree keeps `a/b` in a
//! directory. So each name stands in the order as the least text its keys can be: the key itself for an object, the
//! text with its `/` for a directory, the text alone for a continued segment. No other name's keys come between those
//! of a directory, and so a walk in that order, depth first, meets the keys in theirs.

use std::collections::BinaryHeap;
use std::io;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::path::{KeyPath, Kind, read_name};

/// Names of one directory kept in memory at a time; a larger one is read again for the next ones.
const WINDOW: usize = 4096;

/// What follows after an object was met.
pub(super) enum Verdict {
    Next,
    /// Nothing more that begins with this.
    SkipPrefix(String),
    Stop,
}

pub(super) struct Walk<'a> {
    prefix: &'a str,
    after: Option<&'a str>,
    skip: Option<String>,
}

/// Takes a key and its file.
type Visit<'v> = dyn FnMut(&str, &Path) -> Result<Verdict, StoreError> + 'v;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// The key, or what all keys below begin with.
    first: String,
    object: bool,
    path: PathBuf,
}

impl<'a> Walk<'a> {
    /// Keys with `prefix` that are greater than `after`.
    pub(super) fn new(prefix: &'a str, after: Option<&'a str>) -> Self {
        Self { prefix, after, skip: None }
    }

    /// Walks the tree of a bucket. A directory that goes away meanwhile is an empty one.
    pub(super) fn run(mut self, bucket_dir: &Path, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        // the directories above the one that the prefix names are not read: they may be crowded
        let base = self.prefix.rfind('/').map_or("", |end| self.prefix.get(..=end).unwrap_or_default());
        if base.is_empty() {
            return self.directory(bucket_dir, "", visit).map(|_| ());
        }
        // no object can have a key of which this is too long a beginning
        let Ok(path) = KeyPath::new(bucket_dir, base) else { return Ok(()) };
        let ours = |dir: &PathBuf| dir.symlink_metadata().is_ok_and(|found| found.is_dir());
        if !path.dirs.iter().all(ours) {
            return Ok(());
        }
        self.directory(path.parent(), base, visit).map(|_| ())
    }

    /// Whether the walk goes on.
    fn directory(&mut self, dir: &Path, base: &str, visit: &mut Visit<'_>) -> Result<bool, StoreError> {
        let mut from: Option<String> = None;
        loop {
            let (window, whole) = self.window(dir, base, from.as_deref())?;
            from = window.last().map(|entry| entry.first.clone());
            for entry in window {
                if !self.wants(&entry.first, entry.object) {
                    continue;
                }
                let go_on = if entry.object {
                    match visit(&entry.first, &entry.path)? {
                        Verdict::Next => true,
                        Verdict::SkipPrefix(prefix) => {
                            self.skip = Some(prefix);
                            true
                        }
                        Verdict::Stop => false,
                    }
                } else {
                    self.directory(&entry.path, &entry.first, visit)?
                };
                if !go_on {
                    return Ok(false);
                }
            }
            if whole {
                return Ok(true);
            }
        }
    }

    /// The first [`WINDOW`] wanted entries after `from`, in order, and whether these are all.
    fn window(&self, dir: &Path, base: &str, from: Option<&str>) -> Result<(Vec<Entry>, bool), StoreError> {
        let failed = |source| StoreError::Io { doing: "a directory of the store cannot be listed".into(), source };
        let names = match dir.read_dir() {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), true)),
            Err(error) => return Err(failed(error)),
        };
        let mut least: BinaryHeap<Entry> = BinaryHeap::new();
        let mut whole = true;
        for name in names {
            let entry = name.map_err(failed)?;
            let name = entry.file_name();
            let Some((kind, text)) = name.to_str().and_then(read_name) else { continue };
            // A link, or a file where we make a directory, is not ours: a walk never leaves the bucket.
            let file_type = entry.file_type().map_err(failed)?;
            let ours = if kind == Kind::Object { file_type.is_file() } else { file_type.is_dir() };
            if !ours {
                continue;
            }
            let first = format!("{base}{text}{}", if kind == Kind::Directory { "/" } else { "" });
            let object = kind == Kind::Object;
            if from.is_some_and(|from| first.as_str() <= from) || !self.wants(&first, object) {
                continue;
            }
            if least.len() == WINDOW {
                whole = false;
                if least.peek().is_some_and(|greatest| greatest.first < first) {
                    continue;
                }
                least.pop();
            }
            least.push(Entry { first, object, path: dir.join(&name) });
        }
        Ok((least.into_sorted_vec(), whole))
    }

    /// Whether the object `first`, or an object whose key begins with it, can be wanted.
    fn wants(&self, first: &str, object: bool) -> bool {
        let in_prefix = first.starts_with(self.prefix) || (!object && self.prefix.starts_with(first));
        let in_time = self.after.is_none_or(|after| first > after || (!object && after.starts_with(first)));
        in_prefix && in_time && self.skip.as_deref().is_none_or(|skip| !first.starts_with(skip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More names than are kept in memory at a time, met in order, each once.
    #[test]
    fn a_large_directory_is_walked_in_windows() {
        let dir = tempfile::tempdir().expect("a folder");
        for number in 0..2 * WINDOW + 10 {
            std::fs::write(dir.path().join(format!("{:06}", number * 7919 % 100_000)), b"").expect("is made");
        }
        let mut met = Vec::new();
        let mut visit = |key: &str, _: &Path| {
            met.push(key.to_owned());
            Ok(Verdict::Next)
        };
        Walk::new("", Some("000100")).run(dir.path(), &mut visit).expect("walks");
        assert!(met.is_sorted_by(|a, b| a < b) && met[0].as_str() > "000100");
        let expected = dir.path().read_dir().expect("a folder").filter(|name| {
            name.as_ref().is_ok_and(|name| name.file_name().to_str().is_some_and(|name| name > "000100"))
        });
        assert_eq!(met.len(), expected.count());
    }
}
