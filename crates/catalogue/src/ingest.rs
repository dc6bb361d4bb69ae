//! The one commit behind `result: 0`: raw event, media row, flight and follow-up jobs, for many reports at once.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Catalogue, Media, NewJob, RawEvent, Result};

/// What a message says of a flight. `None` leaves what is known; counts never go down.
#[derive(Clone, Debug, Default)]
pub struct FlightFacts {
    pub workspace_id: Uuid,
    pub flight_id: String,
    pub gateway_sn: Option<String>,
    pub flight_type: Option<i64>,
    pub expected_file_count: Option<i64>,
    pub uploaded_file_count: Option<i64>,
    pub media_count: Option<i64>,
    pub track_id: Option<String>,
    pub task_status: Option<String>,
    pub prioritized_at: Option<Timestamp>,
}

/// One message's worth of work.
#[derive(Clone, Debug)]
pub struct IngestReport {
    /// Kept always.
    pub event: Option<RawEvent>,
    /// Inserted, or merged into the row of the same (workspace, object key): size, etag and status are replaced; a field
    /// that the new report does not know keeps its old value. A quarantined one never touches a listed row: those are
    /// unique by (workspace, gateway_sn, object key) among themselves. An object in the trash stays in the trash.
    pub media: Option<Media>,
    pub flight: Option<FlightFacts>,
    /// Enqueued when the row is new or its size or etag changed; `media_id` is filled in with the row's.
    pub jobs: Vec<NewJob>,
    pub now: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub struct IngestOutcome {
    /// The row's id: the one passed in, or that of the row which was there.
    pub media_id: Option<Uuid>,
    /// True when the row was not there before.
    pub inserted: bool,
    /// True when the row was there and something about the object changed.
    pub changed: bool,
}

impl Catalogue {
    /// All of `reports` in one durable commit, in order; outcomes in the same order. Fail points `catalogue.ingest.begin`,
    /// `catalogue.ingest.commit` (before COMMIT) and `catalogue.ingest.committed` (after it).
    ///
    /// # Errors
    /// When the commit fails, nothing of the batch is kept. After an I/O error the catalogue is `Broken`.
    pub async fn ingest(&self, _reports: &[IngestReport]) -> Result<Vec<IngestOutcome>> {
        todo!()
    }
}
