//! Jobs: durable, leased, retried with back-off, dead-lettered.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::media::words;
use crate::{Catalogue, Page, Result};

words!(
    /// `failed` will be tried again at `run_after`; `dead` only when a person asks.
    JobState { Queued = "queued", Running = "running", Done = "done", Failed = "failed", Dead = "dead" }
);

#[derive(Clone, Debug)]
pub struct NewJob {
    pub id: Uuid,
    pub workspace_id: Option<Uuid>,
    pub kind: String,
    pub media_id: Option<Uuid>,
    pub flight_id: Option<String>,
    pub payload: Value,
    pub run_after: Timestamp,
    pub max_attempts: u32,
}

#[derive(Clone, Debug)]
pub struct Job {
    pub id: Uuid,
    pub workspace_id: Option<Uuid>,
    pub kind: String,
    pub state: JobState,
    pub media_id: Option<Uuid>,
    pub flight_id: Option<String>,
    pub payload: Value,
    pub progress_done: i64,
    pub progress_total: Option<i64>,
    /// What a finished job has to say.
    pub result: Option<Value>,
    pub attempts: u32,
    pub max_attempts: u32,
    pub error: Option<String>,
    pub run_after: Timestamp,
    pub lease_until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Catalogue {
    pub async fn add_jobs(&self, _jobs: &[NewJob], _now: Timestamp) -> Result<()> {
        todo!()
    }
    /// Takes up to `limit` due jobs (queued or failed with `run_after <= now`, or running with an expired lease), newest
    /// first, of `kinds`; each becomes running with a lease until `lease_until` and one more attempt. A job whose
    /// expired lease was its last attempt becomes dead instead. Two callers never get the same job.
    pub async fn claim_jobs(&self, _kinds: &[&str], _now: Timestamp, _lease_until: Timestamp, _limit: u32) -> Result<Vec<Job>> {
        todo!()
    }
    /// Longer lease and progress. False when the job is no longer ours (cancelled, or the lease was lost).
    pub async fn job_progress(&self, _id: Uuid, _attempt: u32, _done: i64, _total: Option<i64>, _lease_until: Timestamp, _now: Timestamp) -> Result<bool> {
        todo!()
    }
    /// Done, when this attempt still holds it.
    pub async fn finish_job(&self, _id: Uuid, _attempt: u32, _result: Option<&Value>, _now: Timestamp) -> Result<bool> {
        todo!()
    }
    /// Failed with `retry_at`, or dead with `None` or when the attempts are used up.
    pub async fn fail_job(&self, _id: Uuid, _attempt: u32, _error: &str, _retry_at: Option<Timestamp>, _now: Timestamp) -> Result<JobState> {
        todo!()
    }
    /// Gives running jobs back at a clean stop: queued again, the attempt not counted.
    pub async fn release_jobs(&self, _ids: &[Uuid], _now: Timestamp) -> Result<()> {
        todo!()
    }
    /// Queues a failed, dead or done job again with its attempts at zero.
    pub async fn retry_job(&self, _id: Uuid, _now: Timestamp) -> Result<()> {
        todo!()
    }
    pub async fn job(&self, _id: Uuid) -> Result<Option<Job>> {
        todo!()
    }
    /// Newest first; `workspace_id` `None` lists every workspace's.
    pub async fn list_jobs(&self, _workspace_id: Option<Uuid>, _state: Option<JobState>, _kind: Option<&str>, _cursor: Option<&str>, _limit: u32) -> Result<Page<Job>> {
        todo!()
    }
    /// Queues `kind` for every stored media row; returns how many.
    pub async fn rerun_jobs(&self, _kind: &str, _workspace_id: Option<Uuid>, _new_id: &(dyn Fn() -> Uuid + Sync), _now: Timestamp) -> Result<u64> {
        todo!()
    }
    /// When the next job is due, for a runner that would rather sleep.
    pub async fn next_job_at(&self) -> Result<Option<Timestamp>> {
        todo!()
    }
}
