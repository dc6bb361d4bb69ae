//! Brings a database to this version's schema. A migration is a file of SQL, never changed once released, run in one
//! transaction together with the row that says so.
//!
//! sqlx has a migrator; this one is small enough to also copy the database first and to refuse a newer one by name.

use std::path::{Path, PathBuf};

use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use crate::sqlite::{copy_to, database};
use crate::{CatalogueError, Result};

/// Migration N brings version N-1 to N.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_start.sql"),
    include_str!("../migrations/sqlite/0002_understanding.sql"),
    include_str!("../migrations/sqlite/0003_pilot.sql"),
    include_str!("../migrations/sqlite/0004_ppk.sql"),
    include_str!("../migrations/sqlite/0005_pictures.sql"),
    include_str!("../migrations/sqlite/0006_accounts.sql"),
    include_str!("../migrations/sqlite/0007_map.sql"),
    include_str!("../migrations/sqlite/0008_archives.sql"),
    include_str!("../migrations/sqlite/0009_quarters.sql"),
    include_str!("../migrations/sqlite/0010_shares.sql"),
    include_str!("../migrations/sqlite/0011_keep.sql"),
    include_str!("../migrations/sqlite/0012_names.sql"),
    include_str!("../migrations/sqlite/0013_jobs_next.sql"),
    include_str!("../migrations/sqlite/0014_flights.sql"),
    include_str!("../migrations/sqlite/0015_trace.sql"),
];

pub(crate) async fn run(writer: &SqlitePool, backup_dir: &Path) -> Result<()> {
    run_all(writer, backup_dir, MIGRATIONS).await
}

async fn run_all(writer: &SqlitePool, backup_dir: &Path, migrations: &[&'static str]) -> Result<()> {
    let known = migrations.len() as i64;
    let found = {
        let mut connection = writer.acquire().await.map_err(reading)?;
        version(&mut connection).await?
    };
    match found {
        found if found > known => return Err(CatalogueError::NewerSchema { found, known }),
        found if found == known => return Ok(()),
        // whole or not at all: somebody who opens it meanwhile must not take it for an old one
        0 => return steps(writer, 1, migrations).await,
        found => {
            let copy = free_name(backup_dir, found);
            copy_to(writer, &copy).await?;
            tracing::info!(copy = %copy.display(), schema = found, "database copied before its schema changes");
        }
    }
    for (version, sql) in (1..).zip(migrations.chunks(1)) {
        steps(writer, version, sql).await?;
    }
    Ok(())
}

/// These migrations, the first of which leads to schema `first`, in one transaction.
async fn steps(writer: &SqlitePool, first: i64, migrations: &[&'static str]) -> Result<()> {
    let last = first + migrations.len() as i64 - 1;
    let failed = |source| database(format!("cannot bring the database to schema {last}"), source);
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    // another process may have been faster
    let found = version(&mut tx).await?;
    for (to, sql) in (first..).zip(migrations).filter(|(to, _)| *to > found) {
        if to == 1 {
            let table = "CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY)";
            sqlx::raw_sql(table).execute(&mut *tx).await.map_err(failed)?;
        }
        sqlx::raw_sql(*sql).execute(&mut *tx).await.map_err(failed)?;
        sqlx::query("INSERT INTO schema_version VALUES ($1)").bind(to).execute(&mut *tx).await.map_err(failed)?;
    }
    tx.commit().await.map_err(failed)?;
    if found < last {
        tracing::info!(schema = last, "database migrated");
    }
    Ok(())
}

/// Zero for an empty database.
async fn version(connection: &mut SqliteConnection) -> Result<i64> {
    let tables = sqlx::query("SELECT count(*), count(*) FILTER (WHERE name = 'schema_version') FROM sqlite_schema")
        .fetch_one(&mut *connection)
        .await
        .map_err(reading)?;
    let (all, ours): (i64, i64) = (tables.try_get(0).map_err(reading)?, tables.try_get(1).map_err(reading)?);
    if ours == 0 && all > 0 {
        return Err(CatalogueError::Database {
            doing: "cannot read the schema's version".into(),
            source: "the file is a database of another program".into(),
        });
    }
    if ours == 0 {
        return Ok(0);
    }
    let row = sqlx::query("SELECT coalesce(max(version), 0) FROM schema_version")
        .fetch_one(connection)
        .await
        .map_err(reading)?;
    row.try_get(0).map_err(reading)
}

fn reading(source: sqlx::Error) -> CatalogueError {
    database("cannot read the schema's version", source)
}

/// `eyrie-schema-3.db`, or with a number behind it when an earlier try left one.
fn free_name(backup_dir: &Path, version: i64) -> PathBuf {
    let mut path = backup_dir.join(format!("eyrie-schema-{version}.db"));
    for n in 2.. {
        if !path.exists() {
            break;
        }
        path = backup_dir.join(format!("eyrie-schema-{version}-{n}.db"));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalogue, CatalogueConfig};

    const NEXT: &str = "CREATE TABLE news (id INTEGER PRIMARY KEY) STRICT";
    const BROKEN: &str = "CREATE TABLE half (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE half (id INTEGER)";

    async fn fixture() -> (tempfile::TempDir, CatalogueConfig, SqlitePool) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", dir.path().join("eyrie.db").display());
        let config = CatalogueConfig { url, backup_dir: dir.path().join("backups") };
        let catalogue = Catalogue::open(&config, true).await.expect("a new database");
        assert!(!config.backup_dir.exists(), "a new database needs no copy");
        catalogue.check().await.expect("writes");
        catalogue.close().await;
        let pool = SqlitePool::connect(&config.url).await.expect("opened");
        (dir, config, pool)
    }

    fn with(migration: &'static str) -> Vec<&'static str> {
        MIGRATIONS.iter().copied().chain([migration]).collect()
    }

    #[tokio::test]
    async fn a_copy_is_made_before_the_schema_changes() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, config, pool) = fixture().await;
        run_all(&pool, &config.backup_dir, &with(NEXT)).await.expect("migrated");
        let known = MIGRATIONS.len() as i64;
        let copy = config.backup_dir.join(format!("eyrie-schema-{known}.db"));
        assert_eq!(std::fs::metadata(&copy).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&config.backup_dir).expect("read").count(), 1, "nothing half done is left");
        let copied = CatalogueConfig { url: format!("sqlite://{}", copy.display()), ..config.clone() };
        let copied = Catalogue::open(&copied, false).await.expect("the copy is a database of the old version");
        copied.check().await.expect("writes");

        run_all(&pool, &config.backup_dir, &with(NEXT)).await.expect("nothing to do");
        assert_eq!(std::fs::read_dir(&config.backup_dir).expect("read").count(), 3, "the copy, its log, its index");
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused() {
        let (_dir, config, pool) = fixture().await;
        run_all(&pool, &config.backup_dir, &with(NEXT)).await.expect("migrated");
        let known = MIGRATIONS.len() as i64;
        match Catalogue::open(&config, true).await.map(drop) {
            Err(CatalogueError::NewerSchema { found, known: ours }) => assert_eq!((found, ours), (known + 1, known)),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_migration_that_fails_changes_nothing() {
        let (_dir, config, pool) = fixture().await;
        run_all(&pool, &config.backup_dir, &with(BROKEN)).await.expect_err("it fails half way");
        let mut connection = pool.acquire().await.expect("a connection");
        assert_eq!(version(&mut connection).await.expect("read"), MIGRATIONS.len() as i64);
        drop(connection);
        run_all(&pool, &config.backup_dir, &with(NEXT)).await.expect("the next try works");
        assert_eq!(std::fs::read_dir(&config.backup_dir).expect("read").count(), 2, "a copy for each try");
    }

    #[tokio::test]
    async fn another_programs_database_is_left_alone() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}?mode=rwc", dir.path().join("other.db").display());
        let pool = SqlitePool::connect(&url).await.expect("opened");
        sqlx::raw_sql("CREATE TABLE theirs (id INTEGER)").execute(&pool).await.expect("made");
        assert!(run_all(&pool, dir.path(), MIGRATIONS).await.is_err());
    }
}
