//! The database: workspaces, docks, flights, media, events, jobs, accounts.
//!
//! One handle, [`Catalogue`]; a file per noun adds its queries to it. Rows are plain structs. Time and new ids are passed
//! in as values, so that a simulated clock and a seeded source stay possible. Nothing outside this crate knows the engine:
//! it is in `sqlite.rs`, and the SQL in the nouns' files is what several engines understand. Lists go by keyset, never by
//! offset. A write is durable when its call returns; a call that is dropped half way wrote nothing or all.

pub mod account;
pub mod album;
pub mod archive;
pub mod audit;
pub mod controller;
pub mod dock;
pub mod event;
pub mod file_group;
pub mod fingerprint;
pub mod flight;
pub mod footprint;
pub mod hold;
pub mod ingest;
pub mod job;
mod keep;
pub mod map;
pub mod media;
mod migrate;
pub mod page;
pub mod ppk;
pub mod retention;
pub mod share;
mod sqlite;
pub mod trash;
mod value;
pub mod workspace;

pub use account::{Login, NewToken, Role, S3Key, Session, Token, User};
pub use album::{Album, MAX_CHOSEN};
pub use archive::{Archive, Sums};
pub use audit::{AuditEntry, AuditFilter};
pub use controller::{
    Controller, ControllerLogin, ControllerSession, ControllerUploads, MAX_TOKENS_A_SESSION, NewController,
    PilotSettings,
};
pub use dock::{Aircraft, Dock, DockLive, IssuedPrefix, NewDock};
pub use event::{Exchange, RawEvent, TraceEntry};
pub use file_group::FileGroup;
pub use fingerprint::StoredObject;
pub use flight::{Flight, FlightCounts, FlightFilter, FlightState, Silence};
pub use footprint::{Footprint, FootprintPiece, FootprintPlace, Sight};
pub use hold::{Held, LegalHold};
pub use ingest::{FlightFacts, IngestOutcome, IngestReport};
pub use job::{Job, JobState, MediaSelection, NewJob};
pub use keep::Kept;
pub use map::{MapCell, MapCells, MapHead};
pub use media::{
    Chosen, Media, MediaCounts, MediaFilter, MediaGroup, MediaKind, MediaSlot, MediaSource, MediaStatus, NO_GROUP,
    NearShot, NearShots, PictureFacts, PilotFile, Position, Processing, StorageUse,
};
pub use page::{Cursor, MAX_PAGE, Page};
pub use ppk::{PpkSetRow, PpkSolution};
pub use retention::{Reach, RetentionPreview, RetentionRule};
pub use share::{Share, ShareVisit, Shared};
pub use trash::{PurgeCandidate, PurgeOutcome, PurgedObject, SeenObject};
pub use workspace::Workspace;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Why the catalogue could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    #[error("{what} {id:?} is not known")]
    NotFound { what: &'static str, id: String },
    /// A constraint said no: the name, SN or key is taken.
    #[error("{what} {id:?} exists already")]
    Exists { what: &'static str, id: String },
    /// The file may not go.
    #[error("a legal hold is on the file")]
    Held,
    #[error("the cursor does not belong to this list")]
    BadCursor,
    #[error(
        "the database was written by a newer version (schema {found}; this version knows {known}): use that version"
    )]
    NewerSchema { found: i64, known: i64 },
    #[error("the database takes no writes since a write to disk failed: restart the server")]
    Broken,
    #[error("{doing}")]
    Database { doing: String, source: Box<dyn std::error::Error + Send + Sync> },
}

const FLIGHT_GAP_US: i64 = 30 * 60 * 1_000_000;

pub type Result<T, E = CatalogueError> = std::result::Result<T, E>;

/// Where the database is: `sqlite:///path/eyrie.db`.
#[derive(Clone, Debug)]
pub struct CatalogueConfig {
    pub url: String,
    /// Copies made before a migration go here.
    pub backup_dir: PathBuf,
}

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct Catalogue {
    engine: Arc<sqlite::Engine>,
    /// When a token's or key's use was last written down, so that most logins write nothing.
    uses: Arc<account::Uses>,
    flight_gap_us: Arc<AtomicI64>,
}

impl Catalogue {
    /// Opens (and with `create` makes) the database and migrates it; a copy is made before a migration runs on an
    /// existing one.
    ///
    /// # Errors
    /// [`CatalogueError::NewerSchema`]; [`CatalogueError::Database`].
    pub async fn open(config: &CatalogueConfig, create: bool) -> Result<Self> {
        let engine = sqlite::Engine::open(&config.url, &config.backup_dir, create).await?;
        Ok(Self { engine, uses: Arc::default(), flight_gap_us: Arc::new(AtomicI64::new(FLIGHT_GAP_US)) })
    }

    /// Files of one aircraft that name no flight form flights with less than this between one capture and the next: 30
    /// minutes until it is set. Holds for files that come from now on, of this handle and its clones.
    pub fn set_flight_gap(&self, gap: Duration) {
        let gap = i64::try_from(gap.as_micros()).unwrap_or(i64::MAX);
        self.flight_gap_us.store(gap.max(1), Ordering::Relaxed);
    }

    pub(crate) fn flight_gap_us(&self) -> i64 {
        self.flight_gap_us.load(Ordering::Relaxed)
    }

    /// A number that differs after any other process or connection committed: lets a running server see at once what
    /// a command changed, without a query for each message. Our own commits count too.
    ///
    /// # Errors
    /// [`CatalogueError::Database`].
    pub async fn change_counter(&self) -> Result<i64> {
        self.engine.change_counter().await
    }

    /// A round trip and a durable write, for `/readyz`.
    ///
    /// # Errors
    /// [`CatalogueError::Broken`]; [`CatalogueError::Database`].
    pub async fn check(&self) -> Result<()> {
        let written =
            self.engine.write("write to the database", sqlx::query("UPDATE probe SET n = n + 1 WHERE id = 1")).await?;
        assert_eq!(written, 1, "the probe's row is made with the schema");
        Ok(())
    }

    /// Whether writes are taken at all, without asking the disk.
    ///
    /// # Errors
    /// [`CatalogueError::Broken`] after a write to disk failed.
    pub fn writable(&self) -> Result<()> {
        self.engine.refuse_when_broken()
    }

    /// Waits for writes in hand, checkpoints, closes. Every later call fails.
    pub async fn close(&self) {
        self.engine.close().await;
    }
}
