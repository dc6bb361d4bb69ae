//! Does a kind of job again for stored files, for instance after an upgrade that understands more.
//!
//! One job walks the files and queues theirs, a few at a time: it waits while as many are open, so that files that
//! arrive meanwhile do not stand in line behind a whole library. Where it is lies in its payload: it goes on after a
//! restart.

use std::time::Duration;

use eyrie_catalogue::{MediaSelection, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Failure, Rest, Run};

pub const KIND: &str = "rerun";

/// Open jobs of the kind at which the walk waits.
const OPEN_JOBS: i64 = 64;
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// What a `rerun` job remembers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rerun {
    /// The kind of the jobs that it queues.
    pub kind: String,
    pub selection: MediaSelection,
    /// The row number of the last file whose job was queued.
    #[serde(default)]
    pub after: i64,
    #[serde(default)]
    pub queued: i64,
}

pub(super) async fn run(run: &Run) -> Result<Option<Value>, Failure> {
    let (app, job) = (&run.app, &run.job);
    let mut rerun: Rerun = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Final(error.into()))?;
    if !super::OF_A_FILE.contains(&rerun.kind.as_str()) {
        return Err(Failure::Final(anyhow::anyhow!("{:?} is not a job of a file", rerun.kind)));
    }
    let total = match job.progress_total {
        Some(total) => total,
        None => app.catalogue.count_selected(&rerun.selection).await?,
    };
    let open = app.catalogue.count_open_jobs(&rerun.kind).await?;
    let free = u32::try_from((OPEN_JOBS - open).max(0)).unwrap_or(0);
    if free > 0 {
        let files = app.catalogue.selected_media(&rerun.selection, rerun.after, free).await?;
        let Some(last) = files.last() else {
            // the last ones are still at work
            if open > 0 {
                return rest(&rerun, open, total);
            }
            // files may have gone meanwhile: what was queued is all there was
            run.progress(rerun.queued, Some(rerun.queued)).await?;
            return Ok(Some(json!({ "queued": rerun.queued })));
        };
        let now = app.now();
        let jobs: Vec<_> = files
            .iter()
            .map(|file| NewJob {
                id: app.new_id(),
                workspace_id: Some(file.workspace_id),
                kind: rerun.kind.clone(),
                media_id: Some(file.id),
                flight_id: file.flight_id.clone(),
                payload: json!({}),
                run_after: now,
                max_attempts: app.config.jobs.max_attempts,
            })
            .collect();
        // a kill between this commit and the next queues these once more, which does no harm
        app.catalogue.add_jobs(&jobs, now).await?;
        app.wake.wake();
        rerun.after = last.num;
        rerun.queued += jobs.len() as i64;
    }
    rest(&rerun, open, total)
}

fn rest(rerun: &Rerun, open: i64, total: i64) -> Result<Option<Value>, Failure> {
    let payload = serde_json::to_value(rerun).map_err(|error| Failure::Final(error.into()))?;
    let done = (rerun.queued - open).max(0);
    Err(Failure::Rest(Rest { payload, done, total: Some(total), pause: PAUSE }))
}
