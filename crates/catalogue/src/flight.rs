//! Flights: known as soon as one file or event names one.

use jiff::Timestamp;
use uuid::Uuid;

use crate::media::words;
use crate::{Catalogue, Page, Result};

words!(
    /// `stalled`: not complete and nothing heard of it for a while (the caller says how long).
    FlightState { Uploading = "uploading", Complete = "complete", Stalled = "stalled" }
);

#[derive(Clone, Debug)]
pub struct Flight {
    pub workspace_id: Uuid,
    pub flight_id: String,
    pub gateway_sn: Option<String>,
    /// 0 wayline, 1 one-key take-off.
    pub flight_type: Option<i64>,
    pub expected_file_count: Option<i64>,
    pub uploaded_file_count: Option<i64>,
    /// From `flighttask_progress`.
    pub media_count: Option<i64>,
    pub track_id: Option<String>,
    /// `flighttask_progress` status text: sent, in_progress, ok, failed ...
    pub task_status: Option<String>,
    /// Listed media of this flight with status stored.
    pub stored_count: i64,
    pub first_captured_at: Option<Timestamp>,
    pub last_captured_at: Option<Timestamp>,
    /// west, south, east, north.
    pub bbox: Option<[f64; 4]>,
    /// The dock said that it uploads this flight first.
    pub prioritized_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Flight {
    /// Complete: distinct stored files reach the expected count (or `media_count` when no count was given and it is
    /// above zero). Otherwise uploading, or stalled when nothing changed for `stalled_after_s`.
    pub fn state(&self, _now: Timestamp, _stalled_after_s: i64) -> FlightState {
        todo!()
    }
}

impl Catalogue {
    /// Newest first by creation.
    pub async fn list_flights(&self, _workspace_id: Uuid, _gateway_sn: Option<&str>, _cursor: Option<&str>, _limit: u32) -> Result<Page<Flight>> {
        todo!()
    }
    pub async fn flight(&self, _workspace_id: Uuid, _flight_id: &str) -> Result<Option<Flight>> {
        todo!()
    }
}
