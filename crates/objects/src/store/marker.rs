//! The store's root: its marker and its directories.
//!
//! The marker is written last, so a root without it is not a store: a disk that is not mounted, or a first start that
//! was cut off. Only the latter is told by its emptiness.

use std::fs;
use std::io;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::disk::{Disk, Flow};
use super::engine::Engine;

/// The layout described in these modules.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Marker {
    format: u32,
    created_at: Timestamp,
    id: String,
}

impl Disk {
    /// # Errors
    /// [`StoreError::MarkerMissing`]; [`StoreError::Io`] of kind `Unsupported` for a newer format.
    pub(super) fn check_marker(&self) -> Result<(), StoreError> {
        let failed = |source| StoreError::Io { doing: "the store's marker cannot be read".into(), source };
        let bytes = match fs::read(self.marker()) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(StoreError::MarkerMissing(self.root().to_path_buf()));
            }
            Err(error) => return Err(failed(error)),
        };
        let marker: Marker = serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))?;
        if marker.format > FORMAT {
            let why = format!("it has format {}, this program knows {FORMAT}", marker.format);
            return Err(failed(io::Error::new(io::ErrorKind::Unsupported, why)));
        }
        Ok(())
    }

    /// Makes a new store of an empty or absent root.
    pub(super) fn create_store(&self, now: Timestamp, id: String) -> Result<(), StoreError> {
        let failed = |source| self.failed("the store cannot be made", source);
        self.create_root(self.root()).map_err(failed)?;
        if !self.is_fresh().map_err(failed)? {
            return Err(StoreError::MarkerMissing(self.root().to_path_buf()));
        }
        self.ensure_skeleton()?;
        let marker = serde_json::to_vec(&Marker { format: FORMAT, created_at: now, id }).expect("plain data");
        let new = self.tmp_path();
        self.write_new(Flow::Bucket, &new, &marker)?;
        self.rename(Flow::Bucket, &new, &self.marker()).map_err(failed)?;
        self.sync_dir(Flow::Bucket, self.root())
    }

    /// The directories of a store; an empty one may have been lost on the way through a backup.
    pub(super) fn ensure_skeleton(&self) -> Result<(), StoreError> {
        let failed = |source| self.failed("the store's directories cannot be made", source);
        for dir in self.skeleton() {
            self.create_dir(Flow::Bucket, &dir).map_err(failed)?;
        }
        self.sync_dir(Flow::Bucket, self.root())
    }

    fn skeleton(&self) -> [std::path::PathBuf; 4] {
        [self.buckets(), self.tmp(), self.uploads(), self.open_uploads()]
    }

    fn create_root(&self, dir: &std::path::Path) -> io::Result<()> {
        if dir.as_os_str().is_empty() || dir.is_dir() {
            return Ok(());
        }
        let parent = dir.parent().ok_or(io::ErrorKind::NotFound)?;
        self.create_root(parent)?;
        self.create_dir(Flow::Bucket, dir)
    }

    /// Whether nothing is in the root but what a cut-off start leaves (and what a fresh file system brings).
    fn is_fresh(&self) -> io::Result<bool> {
        let skeleton = self.skeleton();
        for entry in self.root().read_dir()? {
            let path = entry?.path();
            let empty = || path.read_dir().map(|mut entries| entries.next().is_none());
            let harmless = path.ends_with("lost+found") || path == self.tmp() || (skeleton.contains(&path) && empty()?);
            if !harmless {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Engine {
    pub(super) fn recover(&self) -> Result<(), StoreError> {
        self.disk.ensure_skeleton()?;
        let failed = |source| StoreError::Io { doing: "temporary files cannot be listed".into(), source };
        for entry in self.disk.tmp().read_dir().map_err(failed)? {
            self.disk.discard(&entry.map_err(failed)?.path());
        }
        self.recover_uploads()
    }
}
