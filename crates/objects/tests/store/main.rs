//! The store on a real file system, through its public interface.

#![allow(clippy::unwrap_used)] // helpers of tests fail as tests do

mod basics;
mod common;
mod concurrency;
mod full;
mod hostile;
mod listing;
mod model;
mod multipart;
mod power_loss;
mod recovery;
