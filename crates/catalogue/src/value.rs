//! How values travel between rows and structs. Times are stored as microseconds since 1970 (integers: compact, sorted and
//! compared alike by every engine), ids as the 16 bytes of the UUID (half the size of text in each of many indexes;
//! PostgreSQL's `uuid` is the same), JSON and words as text.

use std::str::FromStr;

use jiff::Timestamp;
use serde_json::Value;
use sqlx::Row as _;

use crate::sqlite::{Db, Row, database};
use crate::{CatalogueError, Result};

pub(crate) fn us(time: Timestamp) -> i64 {
    time.as_microsecond()
}

pub(crate) fn us_opt(time: Option<Timestamp>) -> Option<i64> {
    time.map(us)
}

/// Reads a row's columns by name.
pub(crate) trait Columns {
    fn get<'r, T: sqlx::Decode<'r, Db> + sqlx::Type<Db>>(&'r self, column: &'static str) -> Result<T>;

    fn time(&self, column: &'static str) -> Result<Timestamp> {
        time_of(self.get(column)?, column)
    }

    fn time_opt(&self, column: &'static str) -> Result<Option<Timestamp>> {
        let us: Option<i64> = self.get(column)?;
        us.map(|us| time_of(us, column)).transpose()
    }

    fn word<T: FromStr>(&self, column: &'static str) -> Result<T> {
        let text: String = self.get(column)?;
        text.parse().map_err(|_| unreadable(column, format!("{text:?} is no word of ours")))
    }

    fn json<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|error| unreadable(column, error))
    }

    fn json_opt(&self, column: &'static str) -> Result<Option<Value>> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| unreadable(column, error))
    }

    fn count(&self, column: &'static str) -> Result<u32> {
        let number: i64 = self.get(column)?;
        u32::try_from(number).map_err(|error| unreadable(column, error))
    }
}

impl Columns for Row {
    fn get<'r, T: sqlx::Decode<'r, Db> + sqlx::Type<Db>>(&'r self, column: &'static str) -> Result<T> {
        self.try_get(column).map_err(|source| database("cannot read a row", source))
    }
}

fn time_of(us: i64, column: &'static str) -> Result<Timestamp> {
    Timestamp::from_microsecond(us).map_err(|error| unreadable(column, error))
}

fn unreadable(column: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CatalogueError {
    CatalogueError::Database { doing: format!("cannot read the column {column}"), source: source.into() }
}

pub(crate) fn not_found(what: &'static str, id: impl ToString) -> CatalogueError {
    CatalogueError::NotFound { what, id: id.to_string() }
}

/// Turns a constraint's no into the caller's error, at the call.
pub(crate) trait OrConstraint {
    /// A taken name, SN or key.
    fn or_exists(self, what: &'static str, id: impl ToString) -> Self;
    /// A reference to a row that is not there.
    fn or_not_found(self, what: &'static str, id: impl ToString) -> Self;
}

impl<T> OrConstraint for Result<T> {
    fn or_exists(self, what: &'static str, id: impl ToString) -> Self {
        self.map_err(|error| match violation(&error) {
            Some(sqlx::error::ErrorKind::UniqueViolation) => CatalogueError::Exists { what, id: id.to_string() },
            _ => error,
        })
    }

    fn or_not_found(self, what: &'static str, id: impl ToString) -> Self {
        self.map_err(|error| match violation(&error) {
            Some(sqlx::error::ErrorKind::ForeignKeyViolation) => not_found(what, id),
            _ => error,
        })
    }
}

fn violation(error: &CatalogueError) -> Option<sqlx::error::ErrorKind> {
    let CatalogueError::Database { source, .. } = error else { return None };
    let error = source.downcast_ref::<sqlx::Error>()?;
    error.as_database_error().map(sqlx::error::DatabaseError::kind)
}
