//! The engine behind the catalogue: connections, transactions, errors. Everything that only SQLite has is in this file
//! and in `migrations/sqlite`; the nouns speak SQL that PostgreSQL understands too (`$1`, `ON CONFLICT`, `RETURNING`,
//! partial indexes), except where they call a function of this file.
//!
//! One connection writes, a few read, one watches. A write transaction starts with `BEGIN IMMEDIATE`: it waits for another
//! process (a command beside the server) for [`BUSY_TIMEOUT`] and then fails, and can never fail half way for a lock.
//!
//! Durability is WAL with `synchronous=FULL`, read back on every connection. SQLite's own checkpoints are off: their
//! errors are not reported to anyone, and a failed fsync must not be followed by a second try that seems to succeed. We
//! checkpoint ourselves, and an I/O error there or in a write breaks the engine until it is reopened. A full disk does not:
//! that write is rolled back whole, and the next one may succeed.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use crate::{CatalogueError, Result, migrate};

pub(crate) type Db = sqlx::Sqlite;
pub(crate) type Row = sqlx::sqlite::SqliteRow;
pub(crate) type Query<'q> = sqlx::query::Query<'q, Db, <Db as sqlx::Database>::Arguments>;

/// How long a write waits for another process's.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
const READERS: u32 = 4;
/// Statements are prepared once per connection.
const STATEMENTS: usize = 256;
const CHUNK: usize = 32;
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
    broken: AtomicBool,
    pages_since_checkpoint: AtomicU32,
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
        let mut first = options.connect().await.map_err(opening)?;
        verify(&mut first).await.map_err(opening)?;
        first.close().await.map_err(opening)?;
        let writer = pool(1, options.clone().pragma("cache_size", WRITER_CACHE)).await?;
        migrate::run(&writer, backup_dir).await?;
        let reading = options.pragma("cache_size", READER_CACHE).read_only(true);
        let engine = Self {
            readers: pool(READERS, reading.clone()).await?,
            watcher: pool(1, reading).await?,
            writer,
            broken: AtomicBool::new(false),
            pages_since_checkpoint: AtomicU32::new(0),
        };
        engine.checkpoint().await?;
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
            && let Err(error) = self.checkpoint().await
        {
            tracing::warn!(%error, "the last checkpoint failed; the next start repeats it");
        }
        self.readers.close().await;
        self.watcher.close().await;
        self.writer.close().await;
    }

    fn refuse_when_broken(&self) -> Result<()> {
        if self.broken.load(Ordering::Acquire) { Err(CatalogueError::Broken) } else { Ok(()) }
    }

    /// Moves the log into the database file. Readers in the way make it do less, not fail.
    async fn checkpoint(&self) -> Result<()> {
        self.pages_since_checkpoint.store(0, Ordering::Relaxed);
        let done = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_optional(&self.writer).await;
        done.map(drop).map_err(|source| self.write_error("checkpoint", source))
    }

    fn committed(self: &Arc<Self>, rows: u32) {
        let pages = PAGES_A_COMMIT + rows / 2;
        let due = self.pages_since_checkpoint.fetch_add(pages, Ordering::Relaxed) + pages >= CHECKPOINT_PAGES;
        if due && !self.broken.load(Ordering::Acquire) {
            self.pages_since_checkpoint.store(0, Ordering::Relaxed);
            let engine = Arc::clone(self);
            tokio::spawn(async move {
                match engine.checkpoint().await {
                    Err(error) if !engine.writer.is_closed() => tracing::error!(%error, "a checkpoint failed"),
                    _ => {}
                }
            });
        }
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

async fn pool(size: u32, options: SqliteConnectOptions) -> Result<SqlitePool> {
    let pool = SqlitePoolOptions::new()
        .max_connections(size)
        .min_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(|connection, _| Box::pin(verify(connection)))
        .after_release(|connection, _| Box::pin(undo(connection)));
    pool.connect_with(options).await.map_err(|source| database("cannot open the database", source))
}

/// Ends what a dropped or failed write began; mostly there is nothing to end.
async fn undo(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    let undone = sqlx::query("ROLLBACK").execute(connection).await;
    Ok(!matches!(undone, Err(sqlx::Error::WorkerCrashed)))
}

/// Refuses a connection that would not keep its word.
async fn verify(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    let journal: String = sqlx::query("PRAGMA journal_mode").fetch_one(&mut *connection).await?.try_get(0)?;
    let synchronous: i64 = sqlx::query("PRAGMA synchronous").fetch_one(&mut *connection).await?.try_get(0)?;
    let foreign_keys: i64 = sqlx::query("PRAGMA foreign_keys").fetch_one(&mut *connection).await?.try_get(0)?;
    let full = 2;
    if journal != "wal" || synchronous != full || foreign_keys != 1 {
        let found = format!("journal_mode={journal}, synchronous={synchronous}, foreign_keys={foreign_keys}");
        return Err(sqlx::Error::Configuration(format!("the database does not take our settings: {found}").into()));
    }
    Ok(())
}

/// Makes the file, readable by its owner alone, or checks that it is there.
fn prepare_file(path: &Path, create: bool) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).write(true).create(create).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    if create {
        file.sync_all()?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        std::fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// A consistent copy of the open database at `to`, on disk when it returns.
pub(crate) async fn copy_to(writer: &SqlitePool, to: &Path) -> Result<()> {
    let io = |source: std::io::Error| CatalogueError::Database {
        doing: format!("cannot copy the database to {}", to.display()),
        source: source.into(),
    };
    let dir = to.parent().map_or_else(PathBuf::new, Path::to_owned);
    std::fs::create_dir_all(&dir).map_err(io)?;
    let partial = to.with_extension("partial");
    match std::fs::remove_file(&partial) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    prepare_file(&partial, true).map_err(io)?; // an empty file is taken over, with its mode
    let name = partial.to_str().ok_or_else(|| io(std::io::Error::other("the folder's name is not UTF-8")))?;
    let copied = sqlx::query("VACUUM INTO $1").bind(name).execute(writer).await;
    copied.map_err(|source| database("cannot copy the database", source))?;
    std::fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(io)?;
    std::fs::rename(&partial, to).map_err(io)?;
    std::fs::File::open(&dir).and_then(|dir| dir.sync_all()).map_err(io)
}

/// Names the index of a walk.
pub(crate) fn index_hint(index: &'static str) -> String {
    format!(" INDEXED BY {index}")
}

/// A condition: `column` contains `text`. Not LIKE: nothing in `text` is special, and it may be of any length.
pub(crate) fn push_contains(sql: &mut sqlx::QueryBuilder<Db>, column: &'static str, text: String) {
    sql.push("instr(").push(column).push(", ").push_bind(text).push(") > 0");
}

/// A SELECT of `num`s of media in or just outside a box (west, south, east, north); the spatial index has single
/// precision. West above east crosses the antimeridian.
pub(crate) fn push_area(sql: &mut sqlx::QueryBuilder<Db>, [west, south, east, north]: [f64; 4]) {
    let boxes: &[(f64, f64)] = if west <= east { &[(west, east)] } else { &[(west, 180.0), (-180.0, east)] };
    for (n, (west, east)) in boxes.iter().enumerate() {
        sql.push(if n == 0 {
            "SELECT num FROM media_area WHERE west <= "
        } else {
            " UNION SELECT num FROM media_area WHERE west <= "
        });
        sql.push_bind(*east).push(" AND east >= ").push_bind(*west);
        sql.push(" AND south <= ").push_bind(north).push(" AND north >= ").push_bind(south);
    }
}

/// Splits rows for INSERTs of [`CHUNK`] rows and of one: few round trips, and only two texts to prepare.
pub(crate) fn chunks<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let whole = rows.len() / CHUNK * CHUNK;
    rows[..whole].chunks(CHUNK).chain(rows[whole..].chunks(1))
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
