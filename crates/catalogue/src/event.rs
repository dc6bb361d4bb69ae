//! Raw events (kept beside what we understood of them) and the trace of conversations (kept for a while).

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Catalogue, Result};

/// A message that must not be lost, as it arrived.
#[derive(Clone, Debug)]
pub struct RawEvent {
    pub id: Uuid,
    pub gateway_sn: String,
    pub workspace_id: Option<Uuid>,
    pub method: Option<String>,
    pub tid: String,
    pub bid: String,
    pub topic: String,
    /// The payload as text (lossy where it was not UTF-8).
    pub payload: String,
    pub received_at: Timestamp,
}

/// One exchange with a dock, secrets blanked.
#[derive(Clone, Debug)]
pub struct TraceEntry {
    pub id: Uuid,
    pub gateway_sn: String,
    pub at: Timestamp,
    /// `up` (the dock spoke) or `down` (we did).
    pub direction: String,
    pub topic: String,
    pub method: Option<String>,
    pub tid: String,
    pub bid: String,
    pub result: Option<i64>,
    pub duration_ms: Option<f64>,
    pub asked: serde_json::Value,
    pub answered: serde_json::Value,
    pub note: Option<String>,
}

impl Catalogue {
    /// Keeps raw events outside a batch (unknown methods, unreadable text). Durable when it returns.
    pub async fn keep_events(&self, _events: &[RawEvent]) -> Result<()> {
        todo!()
    }
    /// The newest `limit` raw events of a dock.
    pub async fn events_of(&self, _gateway_sn: &str, _limit: u32) -> Result<Vec<RawEvent>> {
        todo!()
    }
    pub async fn add_trace(&self, _entries: &[TraceEntry]) -> Result<()> {
        todo!()
    }
    /// Newest first.
    pub async fn trace_of(&self, _gateway_sn: &str, _cursor: Option<&str>, _limit: u32) -> Result<crate::Page<TraceEntry>> {
        todo!()
    }
    /// Forgets trace entries before `before` and, for each dock, all but the newest `keep`. Raw events stay.
    pub async fn prune_trace(&self, _before: Timestamp, _keep: u32) -> Result<u64> {
        todo!()
    }
}
