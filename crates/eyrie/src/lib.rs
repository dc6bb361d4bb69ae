//! The hub: what is ours in Eyrie, around the leaf crates that know the outside world.
//!
//! A dock's message: `eyrie_mqtt::Link` -> [`dock`] (one `match`, one file a method) -> [`ingest`] -> the reply.
//! Start and stop: [`boot`]. What the server owns: [`app`]. What can be set: [`config`]. Commands: [`cli`].
//!
//! A library as well as a binary, so that tests start a whole server in their own process.

pub mod admin;
pub mod api;
pub mod app;
pub mod boot;
pub mod cli;
pub mod config;
#[cfg(feature = "failpoints")]
mod control;
pub mod data;
pub mod derived;
pub mod dock;
pub mod doctor;
pub mod events;
pub mod ffmpeg;
pub mod gate;
mod hands;
mod holds;
pub mod ingest;
pub mod jobs;
pub mod listener;
pub mod log;
pub mod metrics;
pub mod object_range;
pub mod oidc;
pub mod page;
pub mod pictures;
pub mod pilot;
pub mod program;
pub mod purge;
pub mod reconcile;
mod reported;
pub mod secret;
pub mod tiles;
pub mod tls;
pub mod trace;

pub use log::log_chain;
