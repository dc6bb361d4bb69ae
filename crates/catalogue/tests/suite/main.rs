//! What the catalogue promises, a file for each noun; the database's engine is named by `EYRIE_TEST_DATABASE_URL`.

mod account;
mod audit;
mod batch;
mod by_time;
mod common;
mod controller;
mod dock;
mod event;
mod fingerprint;
mod flight;
mod handle;
mod ingest;
mod job;
mod keep;
mod map;
mod media;
mod ppk;
mod share;
mod workspace;
