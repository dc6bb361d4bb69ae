//! The store on a real file system, through its public interface.

mod basics;
mod common;
mod concurrency;
mod hostile;
mod listing;
mod model;
mod multipart;
mod power_loss;
mod recovery;
