use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// The file operations whose order and outcome durability hangs on. Blocking: call it from a blocking thread.
///
/// Reads and directory listings are not here: a failing read loses nothing.
pub trait Files: Send + Sync + 'static {
    /// Makes a new file for reading and writing; an existing one is an error.
    fn create_new(&self, path: &Path) -> io::Result<File>;
    /// Writes all of `bytes` at the file's position.
    fn write_all(&self, file: &mut File, bytes: &[u8]) -> io::Result<()>;
    /// Data and metadata of `file` are on disk when this returns `Ok`. After an error the file is never trusted again.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Atomic; replaces `to` when it exists. Not durable before [`Files::sync_dir`] of the parent.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Entries made, renamed or removed in `dir` are on disk when this returns `Ok`.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes one directory; its parent must exist.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Free bytes for an unprivileged writer on the file system that holds `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealFiles;

impl Files for RealFiles {
    fn create_new(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    fn write_all(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(file, bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}
