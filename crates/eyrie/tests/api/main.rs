//! The HTTP API, asked through its router: one binary, a file a subject.

mod access;
mod compress;
mod events;
mod isolation;
mod keep;
mod library;
mod map;
mod openapi;
mod pilot;
mod same_place;
mod shape;
mod share;
mod support;
