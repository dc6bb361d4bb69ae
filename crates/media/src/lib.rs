//! What a media file is: bytes in, a value out. No I/O, no panic on any input.
//!
//! This release tells a file's kind: from its name at once ([`kind_of_name`]), from its first bytes when the file is read
//! ([`sniff()`]). Reading what lies inside (position, attitude, tracks) builds on the same two calls.

pub mod eventlog;
pub mod export;
pub mod gnss;
pub mod ground;
mod lines;
pub mod mrk;
pub mod photo;
pub mod picture;
pub mod ppk;
mod range;
pub mod receiver;
pub mod rinex;
pub mod rtcm;
mod sniff;
pub mod solution;
pub mod srt;
pub mod thermal;
pub mod track;
pub mod understand;
pub mod video;

pub use range::{FileRange, RangeRead, Windowed, read_range};
pub use sniff::{Format, HEAD_BYTES, Kind, Sniffed, kind_of_name, sniff};
