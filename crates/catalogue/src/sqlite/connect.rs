//! The database's file and connections to it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Row as _};

use super::{BUSY_TIMEOUT, database};
use crate::{CatalogueError, Result};

/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Connects and verifies. Switching a new file to WAL, and the last connection's farewell in another process, lock the
/// file in a way that SQLite's own waiting does not cover.
pub(super) async fn first_connection(options: &SqliteConnectOptions) -> sqlx::Result<SqliteConnection> {
    let started = Instant::now();
    loop {
        let connected = async {
            let mut connection = options.connect().await?;
            verify(&mut connection).await.map(|()| connection)
        };
        match connected.await {
            Err(error) if is_busy(&error) && started.elapsed() < BUSY_TIMEOUT => tokio::time::sleep(BUSY_PAUSE).await,
            outcome => return outcome,
        }
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    const BUSY: i32 = 5;
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == BUSY)
}

/// `writes`: transactions are begun on it.
pub(super) async fn pool(size: u32, writes: bool, options: SqliteConnectOptions) -> Result<SqlitePool> {
    let pool = SqlitePoolOptions::new()
        .max_connections(size)
        .min_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(|connection, _| Box::pin(verify(connection)))
        .after_release(move |connection, _| Box::pin(undo(connection, writes)));
    pool.connect_with(options).await.map_err(|source| database("cannot open the database", source))
}

/// Ends what a dropped or failed write began; mostly there is nothing to end.
async fn undo(connection: &mut SqliteConnection, writes: bool) -> sqlx::Result<bool> {
    if !writes {
        return Ok(true);
    }
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
pub(super) fn prepare_file(path: &Path, create: bool) -> std::io::Result<()> {
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
