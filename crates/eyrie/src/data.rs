//! The data directory: what lies where, who may open it, and when it is refused.
//!
//! ```text
//! marker.json   written last at the first start: everything below is there     starting   the first start is not over
//! master.key    32 bytes that S3 credentials are derived from                  lock       held by the running server
//! eyrie.db      the catalogue                                                  server.json   where the server listens
//! objects/      the store, with a marker of its own                            backups/   the database before a migration
//! ```
//!
//! An empty directory becomes a new library. A directory that holds a part of one does not: a disk that is not mounted
//! must stop the server, not show an empty library. A first start that was killed leaves `starting` and is begun again.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use eyrie_catalogue::{Catalogue, CatalogueConfig};
use eyrie_env::{Clock, Random, RealFiles, SystemClock, SystemRandom, uuid_v7};
use eyrie_objects::{Issuer, Store, StoreConfig};
use jiff::Timestamp;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::Config;

const FORMAT: u32 = 1;
const MARKER: &str = "marker.json";
const STARTING: &str = "starting";
const MASTER_KEY: &str = "master.key";
const DATABASE: &str = "eyrie.db";
const OBJECTS: &str = "objects";
const LOCK: &str = "lock";
const RUN_FILE: &str = "server.json";
const BACKUPS: &str = "backups";
const MASTER_KEY_BYTES: usize = 32;
/// Owner only: there are keys, hashes and imagery inside.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Says that this directory is a library, and which one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Marker {
    pub format: u32,
    /// Names the library: the server's MQTT session on an external broker, for one.
    pub id: Uuid,
    pub created_at: Timestamp,
}

/// Where the running (or last) server listens; commands read the addresses they print from it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunFile {
    pub pid: u32,
    pub version: String,
    pub http_url: String,
    pub mqtt_url: String,
    pub s3_url: String,
    /// The addresses bound; `mqtt_listen` is null with an external broker.
    pub http_listen: std::net::SocketAddr,
    pub mqtt_listen: Option<std::net::SocketAddr>,
    pub s3_listen: std::net::SocketAddr,
    pub started_at: Timestamp,
}

/// An opened library. `lock` is held while it is served.
pub struct Library {
    pub dir: DataDir,
    pub marker: Marker,
    pub catalogue: Catalogue,
    pub store: Arc<Store>,
    pub issuer: Issuer,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    lock: Option<File>,
}

#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

impl DataDir {
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// `None` when no server ever ran here, or its file cannot be read.
    pub fn run_file(&self) -> Option<RunFile> {
        serde_json::from_slice(&fs::read(self.file(RUN_FILE)).ok()?).ok()
    }

    /// # Errors
    /// Those of the file system.
    pub fn write_run_file(&self, run: &RunFile) -> anyhow::Result<()> {
        write_whole(&self.file(RUN_FILE), &serde_json::to_vec_pretty(run)?).context("server.json cannot be written")
    }

    /// True while a server holds the directory.
    pub fn is_served(&self) -> bool {
        let Ok(file) = File::open(self.file(LOCK)) else { return false };
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_err()
    }

    /// For commands: opens what is there, beside a running server or not.
    ///
    /// # Errors
    /// There is no library here, or a part of it is missing.
    pub async fn open(&self, config: &Config) -> anyhow::Result<Library> {
        let Some(marker) = self.marker()? else {
            bail!(
                "there is no Eyrie library in {}: start `eyrie serve` there once, or name the right folder with --data",
                self.0.display()
            );
        };
        self.parts_are_there()?;
        self.open_parts(config, marker, false, None).await
    }

    /// For the server: takes the lock; an empty directory becomes a new library. True beside it when the first start
    /// still has to be finished with [`Library::first_start_is_over`].
    ///
    /// # Errors
    /// Another server holds the directory, or a part of the library is missing.
    pub async fn open_for_server(&self, config: &Config) -> anyhow::Result<(Library, bool)> {
        let made = DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(&self.0);
        made.with_context(|| format!("the data directory {} cannot be made", self.0.display()))?;
        let lock = self.lock()?;
        if let Some(marker) = self.marker()? {
            self.parts_are_there()?;
            let library = self.open_parts(config, marker, false, Some(lock)).await?;
            library.store.recover().context("the store cannot be put in order after the last stop")?;
            return Ok((library, false));
        }
        let marker = self.begin_first_start()?;
        Ok((self.open_parts(config, marker, true, Some(lock)).await?, true))
    }

    fn lock(&self) -> anyhow::Result<File> {
        let path = self.file(LOCK);
        let file = File::options().create(true).truncate(false).write(true).read(true).mode(FILE_MODE).open(&path);
        let file = file.with_context(|| format!("{} cannot be opened", path.display()))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let pid = self.run_file().map(|run| format!(" (process {})", run.pid)).unwrap_or_default();
                bail!("another server{pid} is running on the data directory {}", self.0.display())
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be locked", path.display())),
        }
    }

    fn marker(&self) -> anyhow::Result<Option<Marker>> {
        let path = self.file(MARKER);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        let marker: Marker =
            serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))?;
        ensure!(
            marker.format <= FORMAT,
            "{} was written by a newer version of Eyrie (format {}, this version knows {FORMAT})",
            path.display(),
            marker.format
        );
        Ok(Some(marker))
    }

    fn parts_are_there(&self) -> anyhow::Result<()> {
        for name in [MASTER_KEY, DATABASE, OBJECTS] {
            let path = self.file(name);
            ensure!(
                path.exists(),
                "{} is missing although {} says that there is a library: is a disk not mounted?",
                path.display(),
                self.file(MARKER).display()
            );
        }
        Ok(())
    }

    fn begin_first_start(&self) -> anyhow::Result<Marker> {
        let starting = self.file(STARTING);
        if !starting.exists() {
            for name in [MASTER_KEY, DATABASE, OBJECTS] {
                let path = self.file(name);
                // an empty objects folder is a mount point in waiting
                let empty = fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_none());
                ensure!(
                    !path.exists() || empty,
                    "{} is there but {} is not: is a disk not mounted, or was a part of the library moved?",
                    path.display(),
                    self.file(MARKER).display()
                );
            }
            write_whole(&starting, b"the first start is not over; it is begun again at the next start\n")?;
        }
        Ok(Marker { format: FORMAT, id: uuid_v7(SystemClock.now(), &SystemRandom), created_at: SystemClock.now() })
    }

    async fn open_parts(
        &self,
        config: &Config,
        marker: Marker,
        create: bool,
        lock: Option<File>,
    ) -> anyhow::Result<Library> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let master = self.master_key(create, &*random)?;
        let database = CatalogueConfig { url: self.database_url()?, backup_dir: self.file(BACKUPS) };
        let catalogue =
            Catalogue::open(&database, create).await.map_err(|error| anyhow::anyhow!(crate::log_chain(&error)))?;
        catalogue.set_flight_gap(config.library.flight_gap);
        let store = StoreConfig {
            root: self.file(OBJECTS),
            min_free_bytes: config.s3.min_free_bytes,
            upload_expiry: config.s3.upload_expiry,
        };
        let store = Store::open(store, create, Arc::clone(&clock), Arc::clone(&random), Arc::new(RealFiles))?;
        let issuer = Issuer::new(master, Arc::clone(&clock), Arc::clone(&random));
        Ok(Library { dir: self.clone(), marker, catalogue, store: Arc::new(store), issuer, clock, random, lock })
    }

    fn database_url(&self) -> anyhow::Result<String> {
        let path = std::path::absolute(self.file(DATABASE))?;
        let path = path.to_str().with_context(|| format!("the path {} is not UTF-8", path.display()))?;
        ensure!(
            !path.contains(['?', '#', '%']),
            "the path {path} holds '?', '#' or '%', which a database's address cannot"
        );
        Ok(format!("sqlite://{path}"))
    }

    fn master_key(&self, create: bool, random: &dyn Random) -> anyhow::Result<[u8; MASTER_KEY_BYTES]> {
        let path = self.file(MASTER_KEY);
        if create && !path.exists() {
            let mut key = [0; MASTER_KEY_BYTES];
            random.fill(&mut key);
            write_whole(&path, &key)?;
        }
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let length = bytes.len();
        let key = bytes.try_into();
        key.map_err(|_| anyhow::anyhow!("{} has {length} bytes instead of {MASTER_KEY_BYTES}", path.display()))
    }
}

impl Library {
    /// From now on a missing part is an error.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn first_start_is_over(&self) -> anyhow::Result<()> {
        write_whole(&self.dir.file(MARKER), &serde_json::to_vec_pretty(&self.marker)?)?;
        let starting = self.dir.file(STARTING);
        fs::remove_file(&starting).with_context(|| format!("{} cannot be removed", starting.display()))
    }

    /// Gives the directory free for another server.
    pub(crate) fn release(&mut self) {
        self.lock = None;
    }
}

/// The old file or the new one, never a part; on disk when it returns. Readable by the owner only.
fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        let temporary = path.with_extension("tmp");
        let mut file = File::options().create(true).truncate(true).write(true).mode(FILE_MODE).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}
