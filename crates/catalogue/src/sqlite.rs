//! The engine behind the catalogue: connections, transactions, errors. Everything that only SQLite has is in this file
//! and in `migrations/sqlite`; the nouns speak SQL that PostgreSQL understands too (`$1`, `ON CONFLICT`, `RETURNING`,
//! partial indexes), except where they call a function of this file.
//!
//! One connection writes, a few read, one watches, one moves the log into the file. A write transaction starts with `BEGIN IMMEDIATE`: it waits for another
//! process (a command beside the server) for [`BUSY_TIMEOUT`] and then fails, and can never fail half way for a lock.
//!
//! Durability is WAL with `synchronous=FULL`, read back on every connection. SQLite's own checkpoints are off: their
//! errors are not reported to anyone, and a failed fsync must not be followed by a second try that seems to succeed. We
//! checkpoint ourselves, and an I/O error there or in a write breaks the engine until it is reopened. A full disk does not:
//! that write is rolled back whole, and the next one may succeed.

mod connect;
mod dialect;

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};
use sqlx::{Connection as _, Row as _};

pub(crate) use connect::copy_to;
use connect::{first_connection, pool, prepare_file};
pub(crate) use dialect::{
    IN_ROW_ORDER, chunks, index_hint, month_of, plan_ids, push_area, push_contains, push_found, push_numbers,
    rows_as_json,
};

use crate::{CatalogueError, Result, migrate};

pub(crate) type Db = sqlx::Sqlite;
pub(crate) type Row = sqlx::sqlite::SqliteRow;
pub(crate) type Query<'q> = sqlx::query::Query<'q, Db, <Db as sqlx::Database>::Arguments>;

/// How long a write waits for another process's.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;
/// Statements are prepared once per connection.
const STATEMENTS: usize = 256;
/// Pages (guessed) that are logged between two checkpoints: some 16 MB.
const CHECKPOINT_PAGES: u32 = 4_000;
/// A commit logs a page of nearly each index it touches, and then about one for two rows.
const PAGES_A_COMMIT: u32 = 16;
/// The log file is cut back to this after a checkpoint.
const LOG_LIMIT_BYTES: &str = "67108864";
/// Negative: KiB. Filled only as far as it is used.
const WRITER_CACHE: &str = "-16384";
const READER_CACHE: &str = "-8192";

pub(crate) struct Engine {
    writer: SqlitePool,
    readers: SqlitePool,
    watcher: SqlitePool,
    /// Checkpoints beside the writer.
    keeper: SqlitePool,
    broken: AtomicBool,
    pages_since_checkpoint: AtomicU32,
    checkpointing: AtomicBool,
}

impl Engine {
    pub(crate) async fn open(url: &str, backup_dir: &Path, create: bool) -> Result<Arc<Self>> {
        let options =
            SqliteConnectOptions::from_str(url).map_err(|source| database("cannot read the database's URL", source))?;
        if !url.starts_with("sqlite:") || url.contains(":memory:") || url.contains("mode=memory") {
            let source = sqlx::Error::Configuration("sqlite:///PATH is needed".into());
            return Err(database("cannot read the database's URL", source));
        }
        let path = options.get_filename().to_owned();
        prepare_file(&path, create).map_err(|source| CatalogueError::Database {
            doing: format!("cannot open the database {}", path.display()),
            source: source.into(),
        })?;
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .statement_cache_capacity(STATEMENTS)
            .pragma("wal_autocheckpoint", "0")
            .pragma("journal_size_limit", LOG_LIMIT_BYTES)
            .pragma("temp_store", "MEMORY");
        // a pool would go on trying where this says at once what is wrong
        let opening = |source| database("cannot open the database", source);
        let first = first_connection(&options).await.map_err(opening)?;
        let writer = pool(1, true, options.clone().pragma("cache_size", WRITER_CACHE)).await?;
        migrate::run(&writer, backup_dir).await?;
        let options = options.pragma("cache_size", READER_CACHE);
        let keeper = pool(1, false, options.clone()).await?;
        let reading = options.read_only(true);
        let engine = Self {
            readers: pool(READERS, false, reading.clone()).await?,
            watcher: pool(1, false, reading).await?,
            writer,
            keeper,
            broken: AtomicBool::new(false),
            pages_since_checkpoint: AtomicU32::new(0),
            checkpointing: AtomicBool::new(false),
        };
        first.close().await.map_err(opening)?;
        engine.checkpoint(&engine.writer).await?;
        Ok(Arc::new(engine))
    }

    pub(crate) async fn fetch_all(&self, doing: &'static str, query: Query<'_>) -> Result<Vec<Row>> {
        query.fetch_all(&self.readers).await.map_err(|source| database(doing, source))
    }

    pub(crate) async fn fetch_optional(&self, doing: &'static str, query: Query<'_>) -> Result<Option<Row>> {
        query.fetch_optional(&self.readers).await.map_err(|source| database(doing, source))
    }

    /// Starts a write; it is undone unless it is committed. `doing` completes "cannot".
    pub(crate) async fn begin(self: &Arc<Self>, doing: &'static str) -> Result<Write> {
        self.refuse_when_broken()?;
        let mut connection = self.writer.acquire().await.map_err(|source| self.write_error(doing, source))?;
        // it may have broken while this one waited
        self.refuse_when_broken()?;
        let begun = sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await;
        begun.map_err(|source| self.write_error(doing, source))?;
        Ok(Write { connection, engine: Arc::clone(self), doing, rows: 0 })
    }

    /// Runs one statement as a durable write of its own; says how many rows it changed.
    pub(crate) async fn write(self: &Arc<Self>, doing: &'static str, query: Query<'_>) -> Result<u64> {
        let mut tx = self.begin(doing).await?;
        let rows = tx.execute(query).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Changes after any other connection or process committed. Reads a counter in shared memory, no table.
    pub(crate) async fn change_counter(&self) -> Result<i64> {
        let row = sqlx::query("PRAGMA data_version").fetch_one(&self.watcher).await;
        row.and_then(|row| row.try_get(0)).map_err(|source| database("cannot watch the database", source))
    }

    pub(crate) async fn close(&self) {
        if !self.broken.load(Ordering::Acquire)
            && let Err(error) = self.checkpoint(&self.writer).await
        {
            tracing::warn!(%error, "the last checkpoint failed; the next start repeats it");
        }
        self.readers.close().await;
        self.watcher.close().await;
        self.keeper.close().await;
        self.writer.close().await;
    }

    pub(crate) fn refuse_when_broken(&self) -> Result<()> {
        if self.broken.load(Ordering::Acquire) { Err(CatalogueError::Broken) } else { Ok(()) }
    }

    /// Moves the log into the database file. Readers in the way make it do less, not fail.
    async fn checkpoint(&self, connection: &SqlitePool) -> Result<()> {
        let done = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_optional(connection).await;
        done.map(drop).map_err(|source| self.write_error("checkpoint", source))
    }

    fn committed(self: &Arc<Self>, rows: u32) {
        let pages = PAGES_A_COMMIT + rows / 2;
        let due = self.pages_since_checkpoint.fetch_add(pages, Ordering::Relaxed) + pages >= CHECKPOINT_PAGES;
        if due && !self.broken.load(Ordering::Acquire) && !self.checkpointing.swap(true, Ordering::AcqRel) {
            self.pages_since_checkpoint.store(0, Ordering::Relaxed);
            let engine = Arc::clone(self);
            tokio::spawn(async move {
                if let Err(error) = engine.checkpoint_beside_writes().await
                    && !engine.writer.is_closed()
                {
                    tracing::error!(%error, "a checkpoint failed");
                }
                engine.checkpointing.store(false, Ordering::Release);
            });
        }
    }

    /// Most of the work while writes go on; then the little that was written meanwhile, with the writer at rest: only a
    /// log that was moved whole starts again at its beginning.
    async fn checkpoint_beside_writes(&self) -> Result<()> {
        self.checkpoint(&self.keeper).await?;
        self.checkpoint(&self.writer).await
    }

    fn write_error(&self, doing: &'static str, source: sqlx::Error) -> CatalogueError {
        if breaks(&source) {
            self.broken.store(true, Ordering::Release);
        }
        CatalogueError::Database { doing: format!("cannot {doing}"), source: source.into() }
    }

    /// Runs a fail point where a stall does not stop other tasks. Its error counts as one of the disk.
    pub(crate) async fn fail_point(&self, doing: &'static str, point: fn() -> std::io::Result<()>) -> Result<()> {
        if !cfg!(feature = "failpoints") {
            return Ok(());
        }
        let passed =
            tokio::task::spawn_blocking(point).await.unwrap_or_else(|_| Err(std::io::Error::other("it panicked")));
        passed.map_err(|source| {
            if source.kind() != std::io::ErrorKind::StorageFull {
                self.broken.store(true, Ordering::Release);
            }
            CatalogueError::Database { doing: format!("cannot {doing}"), source: source.into() }
        })
    }
}

/// A write transaction, undone when it is dropped without a commit: the pool rolls back whatever it gets back.
///
/// Not sqlx's own `Transaction`: it counts what it began, and after a full disk, where SQLite rolls back by itself, its
/// count is wrong for ever and the connection begins nothing any more.
pub(crate) struct Write {
    connection: PoolConnection<Db>,
    engine: Arc<Engine>,
    doing: &'static str,
    rows: u32,
}

impl Write {
    pub(crate) async fn execute(&mut self, query: Query<'_>) -> Result<u64> {
        let done =
            query.execute(&mut *self.connection).await.map_err(|source| self.engine.write_error(self.doing, source))?;
        self.wrote(done.rows_affected());
        Ok(done.rows_affected())
    }

    pub(crate) async fn fetch_optional(&mut self, query: Query<'_>) -> Result<Option<Row>> {
        self.wrote(1);
        query.fetch_optional(&mut *self.connection).await.map_err(|source| self.engine.write_error(self.doing, source))
    }

    pub(crate) async fn fetch_all(&mut self, query: Query<'_>) -> Result<Vec<Row>> {
        let rows = query
            .fetch_all(&mut *self.connection)
            .await
            .map_err(|source| self.engine.write_error(self.doing, source))?;
        self.wrote(rows.len() as u64);
        Ok(rows)
    }

    /// Durable when it returns `Ok`.
    pub(crate) async fn commit(mut self) -> Result<()> {
        let committed = sqlx::query("COMMIT").execute(&mut *self.connection).await;
        committed.map_err(|source| self.engine.write_error(self.doing, source))?;
        self.engine.committed(self.rows);
        Ok(())
    }

    fn wrote(&mut self, rows: u64) {
        self.rows = self.rows.saturating_add(u32::try_from(rows).unwrap_or(u32::MAX)).min(CHECKPOINT_PAGES);
    }
}

pub(crate) fn database(doing: impl Into<String>, source: sqlx::Error) -> CatalogueError {
    CatalogueError::Database { doing: doing.into(), source: source.into() }
}

/// True for errors after which nobody knows what is on disk. Not a full disk, and not the shared memory beside the
/// database, which holds nothing durable.
fn breaks(error: &sqlx::Error) -> bool {
    const IOERR: i32 = 10;
    const CORRUPT: i32 = 11;
    const NOTADB: i32 = 26;
    const HARMLESS: [i32; 5] = [IOERR | 12 << 8, IOERR | 18 << 8, IOERR | 19 << 8, IOERR | 20 << 8, IOERR | 21 << 8];
    match error {
        sqlx::Error::Database(error) => {
            let code: i32 = error.code().and_then(|code| code.parse().ok()).unwrap_or(0);
            matches!(code & 0xff, IOERR | CORRUPT | NOTADB) && !HARMLESS.contains(&code)
        }
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limit on the file's size stands in for the full disk: SQLite fails and rolls back in the same way.
    #[tokio::test]
    async fn a_full_disk_fails_one_write_and_not_the_next() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", dir.path().join("eyrie.db").display());
        let engine = Engine::open(&url, dir.path(), true).await.expect("a new database");
        let fill = || sqlx::query("INSERT INTO aircraft (sn, gateway_sn) VALUES (hex(randomblob(200000)), 'D')");
        sqlx::query("PRAGMA max_page_count = 100").execute(&engine.writer).await.expect("set");
        for _ in 0..3 {
            let mut write = engine.begin("fill").await.expect("begun");
            write.execute(sqlx::query("INSERT INTO aircraft VALUES ('A', 'D', NULL)")).await.expect("fits");
            let error = write.execute(fill()).await.expect_err("full");
            assert!(
                matches!(&error, CatalogueError::Database { source, .. } if source.to_string().contains("full")),
                "{error:?}"
            );
        }
        sqlx::query("PRAGMA max_page_count = 100000").execute(&engine.writer).await.expect("set");
        assert_eq!(engine.write("fill", fill()).await.expect("fits"), 1);
        let rows = engine.fetch_all("cannot read", sqlx::query("SELECT sn FROM aircraft")).await.expect("read");
        assert_eq!(rows.len(), 1, "what failed was undone whole");
    }

    #[tokio::test]
    async fn a_write_that_is_dropped_lets_others_write() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", dir.path().join("eyrie.db").display());
        let engine = Engine::open(&url, dir.path(), true).await.expect("a new database");
        let other = Engine::open(&url, dir.path(), false).await.expect("the same database");
        let insert = || sqlx::query("INSERT INTO aircraft VALUES ('A', 'D', NULL)");
        let mut write = engine.begin("write").await.expect("begun");
        write.execute(insert()).await.expect("written");
        drop(write);
        assert_eq!(other.write("write", insert()).await.expect("the lock is free and the row is not there"), 1);
    }
}
