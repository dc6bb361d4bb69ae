//! A whole file understood: which reader it is for, and what of its findings a library asks for first.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::track::{Attitude, Place};
use crate::{HEAD_BYTES, Kind, RangeRead, read_range, sniff};

/// A value and where it was found: `xmp`, `exif`, `djmd`, ...
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Found<T> {
    pub value: T,
    pub source: &'static str,
}

/// What a file is and tells. A value that it does not tell is `None`; nothing in it is guessed.
#[derive(Clone, Debug, Serialize)]
pub struct Understanding {
    pub kind: Kind,
    /// Media type for a browser.
    pub content_type: &'static str,
    pub captured_at: Option<Found<Timestamp>>,
    /// As the device's clock said it, without a zone: `2026-11-23T06:14:22`.
    pub captured_local: Option<String>,
    pub position: Option<Found<Place>>,
    pub gimbal: Option<Found<Attitude>>,
    /// Which camera of the payload: wide, zoom, thermal, visible, ...
    pub camera: Option<String>,
    /// Shared by the pictures of one trigger.
    pub capture_uuid: Option<String>,
    /// An object with what the file's reader found, under the reader's name: `photo`, `thermal`, `video`, `subtitle`, `mrk`,
    /// `rinex`, `rtcm`, ... ; empty when no reader knows the file.
    pub details: Value,
    /// What is odd or damaged, in words.
    pub warnings: Vec<String>,
}

/// Reads the file called `name`. Damage is told in the warnings: it never fails, but for the source itself.
///
/// # Errors
/// The source cannot be read.
pub fn understand(name: &str, reader: &mut dyn RangeRead) -> std::io::Result<Understanding> {
    let head = read_range(reader, 0, HEAD_BYTES)?;
    let sniffed = sniff(name, &head);
    Ok(Understanding {
        kind: sniffed.kind,
        content_type: sniffed.content_type,
        captured_at: None,
        captured_local: None,
        position: None,
        gimbal: None,
        camera: None,
        capture_uuid: None,
        details: json!({}),
        warnings: sniffed.warnings,
    })
}
