//! Flight tasks (dock page "Wayline management"): only what tells of a flight's media.

use serde_json::Value;

use crate::tolerant::{count, get, int, text};

/// `flighttask_progress`: where a task stands. Needs its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlighttaskProgress {
    pub flight_id: Option<String>,
    pub track_id: Option<String>,
    /// Shots taken so far in this flight.
    pub media_count: Option<i64>,
    /// `sent`, `in_progress`, `ok`, `failed`, `canceled`, `timeout` ...
    pub status: Option<String>,
    /// Of the whole task, 0 to 100.
    pub percent: Option<i64>,
    /// What the task failed with, when not 0; see [`crate::error::text`].
    pub failed_result: Option<i64>,
}

/// `flighttask_resource_get` and `flighttask_progress_get`: questions to whoever dispatches waylines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlighttaskGet {
    pub flight_id: Option<String>,
}

impl FlighttaskProgress {
    pub(crate) fn read(data: &Value) -> Self {
        let output = get(data, "output");
        let ext = get(output, "ext");
        Self {
            flight_id: flight_id(data),
            track_id: text(get(ext, "track_id")),
            media_count: count(get(ext, "media_count")),
            status: text(get(output, "status")),
            percent: count(get(get(output, "progress"), "percent")),
            failed_result: int(get(data, "result")).filter(|result| *result != 0),
        }
    }
}

/// The flight that an event names: in its `output`'s `ext`, as the progress of a task does, or at its root, as others do.
pub(crate) fn flight_id(data: &Value) -> Option<String> {
    let ext = get(get(data, "output"), "ext");
    text(get(ext, "flight_id")).or_else(|| text(get(data, "flight_id")))
}

impl FlighttaskGet {
    pub(crate) fn read(data: &Value) -> Self {
        Self { flight_id: text(get(data, "flight_id")) }
    }
}
