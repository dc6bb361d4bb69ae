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
const MIGRATIONS: &[&str] = &[include_str!("../migrations/sqlite/0001_start.sql")];

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
        0 => {}
        found => {
            let copy = free_name(backup_dir, found);
            copy_to(writer, &copy).await?;
            tracing::info!(copy = %copy.display(), schema = found, "database copied before its schema changes");
        }
    }
    for (version, sql) in (1..).zip(migrations) {
        step(writer, version, sql).await?;
    }
    Ok(())
}

async fn step(writer: &SqlitePool, to: i64, sql: &'static str) -> Result<()> {
    let failed = |source| database(format!("cannot bring the database to schema {to}"), source);
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    // another process may have been faster
    if version(&mut tx).await? >= to {
        return Ok(());
    }
    if to == 1 {
        let table = "CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY)";
        sqlx::raw_sql(table).execute(&mut *tx).await.map_err(failed)?;
    }
    sqlx::raw_sql(sql).execute(&mut *tx).await.map_err(failed)?;
    sqlx::query("INSERT INTO schema_version VALUES ($1)").bind(to).execute(&mut *tx).await.map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    tracing::info!(schema = to, "database migrated");
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
