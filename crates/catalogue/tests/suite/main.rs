//! What the catalogue promises, a file for each noun; the database's engine is named by `EYRIE_TEST_DATABASE_URL`.

mod common;
mod ingest;
