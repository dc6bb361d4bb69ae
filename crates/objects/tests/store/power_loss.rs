//! The durable order, by what a power cut leaves: files as they were last synced, directories likewise.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyrie_env::{Files, RealFiles};
use eyrie_objects::store::{Condition, UploadOptions};
use parking_lot::Mutex;

use crate::common::*;

/// What the cut takes besides unsynced bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    /// Every directory entry that was not synced: the order of journals that keep nothing back.
    UnsyncedEntries,
    /// No directory entry: they reached the disk early, the bytes did not.
    OnlyBytes,
}

/// What a broken store would leave out.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Omit {
    Nothing,
    FileSync,
    DirSync,
}

/// Real files that remember what of them is on the disk, and what was done.
struct PowerLoss {
    omit: Omit,
    /// The operation before which the power is cut, and how.
    cut_before: usize,
    cut: Cut,
    root: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    log: Vec<&'static str>,
    /// Bytes on the disk by inode.
    synced_files: HashMap<u64, Vec<u8>>,
    /// Entries on the disk by the directory's inode: name, inode, whether it is a directory.
    synced_dirs: HashMap<u64, Vec<(String, u64, bool)>>,
    /// What was on the disk at the cut: path below the root, `None` for a directory.
    at_cut: Option<BTreeMap<PathBuf, Option<Vec<u8>>>>,
}

impl PowerLoss {
    fn new(root: PathBuf, omit: Omit, cut: Cut, cut_before: usize) -> Arc<Self> {
        Arc::new(Self { omit, cut_before, cut, root, state: Mutex::default() })
    }

    fn step(&self, name: &'static str) {
        let mut state = self.state.lock();
        if state.log.len() == self.cut_before {
            self.pull_the_plug(&mut state);
        }
        state.log.push(name);
    }

    fn pull_the_plug(&self, state: &mut State) {
        let mut left = BTreeMap::new();
        if self.root.exists() {
            self.collect(state, &self.root, fs::metadata(&self.root).unwrap().ino(), Path::new(""), &mut left);
        }
        state.at_cut = Some(left);
    }

    /// `now` is where the directory is at present, for [`Cut::OnlyBytes`].
    fn collect(
        &self,
        state: &State,
        now: &Path,
        inode: u64,
        below: &Path,
        left: &mut BTreeMap<PathBuf, Option<Vec<u8>>>,
    ) {
        let entries = match self.cut {
            Cut::UnsyncedEntries => state.synced_dirs.get(&inode).cloned().unwrap_or_default(),
            Cut::OnlyBytes => entries_of(now),
        };
        for (name, inode, is_dir) in entries {
            let path = below.join(&name);
            if is_dir {
                left.insert(path.clone(), None);
                self.collect(state, &now.join(&name), inode, &path, left);
            } else {
                left.insert(path, Some(state.synced_files.get(&inode).cloned().unwrap_or_default()));
            }
        }
    }
}

fn entries_of(dir: &Path) -> Vec<(String, u64, bool)> {
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        (entry.file_name().into_string().unwrap(), metadata.ino(), metadata.is_dir())
    };
    fs::read_dir(dir).map(|entries| entries.map(entry).collect()).unwrap_or_default()
}

impl Files for PowerLoss {
    fn create_new(&self, path: &Path) -> io::Result<File> {
        self.step("create");
        RealFiles.create_new(path)
    }
    fn write_all(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.step("write");
        RealFiles.write_all(file, bytes)
    }
    fn sync(&self, file: &File) -> io::Result<()> {
        self.step("sync");
        if self.omit != Omit::FileSync {
            let inode = file.metadata()?.ino();
            let bytes = fs::read(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file)))?;
            self.state.lock().synced_files.insert(inode, bytes);
        }
        Ok(())
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step("rename");
        RealFiles.rename(from, to)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.step("sync_dir");
        if self.omit != Omit::DirSync {
            let inode = fs::metadata(dir)?.ino();
            self.state.lock().synced_dirs.insert(inode, entries_of(dir));
        }
        Ok(())
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.step("create_dir");
        RealFiles.create_dir(path)?;
        let inode = fs::metadata(path)?.ino();
        self.state.lock().synced_dirs.insert(inode, Vec::new());
        Ok(())
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.step("remove_file");
        RealFiles.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.step("remove_dir");
        RealFiles.remove_dir(path)
    }
    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        RealFiles.free_bytes(path)
    }
}

/// What was acknowledged when the power went, and what was under way: `None` is "no such object".
#[derive(Default)]
struct Acknowledged {
    objects: BTreeMap<&'static str, Option<Vec<u8>>>,
    under_way: Option<(&'static str, Option<Vec<u8>>)>,
}

/// One run of some operations with a cut before file operation `cut_before`; what the next start found lost or half.
/// `None` when the run was over before the cut.
async fn run(omit: Omit, cut: Cut, cut_before: usize) -> Option<Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    let files = PowerLoss::new(dir.path().join("store"), omit, cut, cut_before);
    let mut known = Acknowledged::default();
    let clock = Arc::new(eyrie_env::ManualClock::new(jiff::Timestamp::from_second(1_800_000_000).unwrap()));
    let store = open(dir.path(), clock.clone(), files.clone(), true).unwrap();
    store.create_bucket(BUCKET).await.unwrap();
    if files.state.lock().at_cut.is_some() {
        return Some(Vec::new());
    }
    let script: [(&str, Option<u8>, bool); 10] = [
        ("a", Some(1), false),
        ("d/e/f", Some(2), false),
        ("a", Some(3), false),
        ("d/m", Some(4), true),
        ("d/e/g", Some(5), true),
        ("d/m", Some(6), false),
        ("d/e/f", None, false),
        ("d/e/g", None, false),
        ("d/e/g", Some(7), false),
        ("d/m", Some(8), true),
    ];
    for (key, seed, multipart) in script {
        let new = seed.map(|seed| bytes(seed, 50 + usize::from(seed)));
        known.under_way = Some((key, new.clone()));
        match &new {
            None => assert!(store.delete(BUCKET, key).await.unwrap()),
            Some(bytes) if multipart => {
                let id = store.create_upload(BUCKET, key, UploadOptions::default()).await.unwrap().upload_id;
                let parts = [
                    put_part(&store, key, &id, 1, &bytes[..20]).await.unwrap(),
                    put_part(&store, key, &id, 2, &bytes[20..]).await.unwrap(),
                ];
                store.complete_upload(BUCKET, key, &id, &named(&parts), &Condition::default(), None).await.unwrap();
            }
            Some(bytes) => drop(put(&store, key, bytes).await.unwrap()),
        }
        if files.state.lock().at_cut.is_some() {
            break;
        }
        known.under_way = None;
        known.objects.insert(key, new);
        // Everything between two operations is the same cut; one of them is enough.
    }
    drop(store);
    let left = files.state.lock().at_cut.take()?;
    let after = tempfile::tempdir().unwrap();
    fs::create_dir(after.path().join("store")).unwrap();
    for (path, content) in left {
        let path = after.path().join("store").join(path);
        match content {
            None => fs::create_dir(path).unwrap(),
            Some(bytes) => fs::write(path, bytes).unwrap(),
        }
    }
    let reopened = match open(after.path(), clock, Arc::new(RealFiles), false) {
        Ok(store) => store,
        Err(error) => return Some(vec![format!("the store does not open: {error}")]),
    };
    if let Err(error) = reopened.recover() {
        return Some(vec![format!("the store does not start: {error}")]);
    }
    Some(losses(&reopened, &known).await)
}

async fn losses(store: &eyrie_objects::Store, known: &Acknowledged) -> Vec<String> {
    let mut losses = Vec::new();
    let mut keys: Vec<_> = known.objects.keys().copied().collect();
    keys.extend(known.under_way.iter().map(|(key, _)| *key));
    for key in keys {
        let found = match store.read(BUCKET, key, None).await {
            Ok((_, stream)) => collect(stream).await.map(Some).map_err(|error| error.to_string()),
            Err(eyrie_objects::StoreError::NoSuchKey { .. }) => Ok(None),
            Err(error) => Err(error.to_string()),
        };
        let old = known.objects.get(key).cloned().flatten();
        let new = known.under_way.as_ref().filter(|(under_way, _)| *under_way == key).map(|(_, new)| new.clone());
        match found {
            Ok(found) if found == old || Some(&found) == new.as_ref() => {}
            other => losses.push(format!("{key}: {:?}", other.map(|found| found.map(|bytes| bytes.len())))),
        }
    }
    match store.list(BUCKET, "", None, None, 100).await {
        Ok(page) => {
            for object in page.objects {
                if !store.verify(BUCKET, &object.key).await.unwrap_or(false) {
                    losses.push(format!("{} is listed and not whole", object.key));
                }
            }
        }
        Err(error) => losses.push(format!("no list: {error}")),
    }
    losses
}

/// All cuts of the script; how many there were, and everything that was lost.
async fn every_cut(omit: Omit, cut: Cut) -> (usize, Vec<String>) {
    let mut all = Vec::new();
    for cut_before in 0.. {
        match run(omit, cut, cut_before).await {
            Some(losses) => all.extend(losses.into_iter().map(|loss| format!("cut before {cut_before}: {loss}"))),
            None => return (cut_before, all),
        }
    }
    unreachable!()
}

#[tokio::test]
async fn a_power_cut_between_any_two_steps_loses_nothing_acknowledged() {
    for cut in [Cut::UnsyncedEntries, Cut::OnlyBytes] {
        let (cuts, losses) = every_cut(Omit::Nothing, cut).await;
        assert_eq!(losses, [""; 0], "{cut:?}");
        assert!(cuts > 100, "{cuts}");
        println!("{cuts} cuts, {cut:?}: nothing lost");
    }
}

/// The control: the same test finds a store that leaves a sync out.
#[tokio::test]
async fn without_a_sync_the_power_cut_is_noticed() {
    for (omit, cut) in [
        (Omit::FileSync, Cut::OnlyBytes),
        (Omit::FileSync, Cut::UnsyncedEntries),
        (Omit::DirSync, Cut::UnsyncedEntries),
    ] {
        let (_, losses) = every_cut(omit, cut).await;
        assert!(!losses.is_empty(), "{omit:?} {cut:?}");
    }
}

/// The steps of one put, in their order and nothing else.
#[tokio::test]
async fn a_put_takes_these_steps() {
    let dir = tempfile::tempdir().unwrap();
    let files = PowerLoss::new(dir.path().join("store"), Omit::Nothing, Cut::OnlyBytes, usize::MAX);
    let store =
        open(dir.path(), Arc::new(eyrie_env::ManualClock::new(Default::default())), files.clone(), true).unwrap();
    store.create_bucket(BUCKET).await.unwrap();
    for expected in [
        &["create", "write", "write", "sync", "create_dir", "sync_dir", "rename", "sync_dir"][..],
        &["create", "write", "write", "sync", "rename", "sync_dir"],
    ] {
        files.state.lock().log.clear();
        put(&store, "d/a", b"bytes").await.unwrap();
        assert_eq!(files.state.lock().log, expected);
    }
}
