//! Follow-up work: durable rows in the catalogue, claimed with a lease. One file a job; `run_job` is the list.

pub mod apply_retention;
pub mod empty_trash;
pub mod extract_metadata;
pub mod make_pictures;
pub mod make_proxy;
pub mod measure_thermal;
pub mod ppk_set;
pub mod ppk_solve;
pub mod prioritize_upload;
pub mod reconcile;
pub mod rerun;
pub mod trace_footprints;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use eyrie_catalogue::{Job, JobState};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use tracing::field::display;
use uuid::Uuid;

use crate::app::App;
use crate::events::Change;

/// Looks for due jobs at least this often: a lease of another process may have ended.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// First pause after a failure; doubles with each attempt up to [`MAX_BACKOFF_S`].
const BACKOFF_S: i64 = 2;
const MAX_BACKOFF_S: i64 = 900;

/// Tells the runner that a job may be due, or that one is to end.
#[derive(Clone, Default)]
pub struct Wake {
    quick: Arc<Notify>,
    slow: Arc<Notify>,
    /// The jobs that run in this process.
    running: Arc<Mutex<HashMap<Uuid, CancellationToken>>>,
}

impl Wake {
    pub fn wake(&self) {
        self.quick.notify_one();
        self.slow.notify_one();
    }

    /// Ends a job that runs here, with the programs it started. One that runs in another process finds out when it next
    /// renews its lease.
    pub fn end(&self, id: Uuid) {
        if let Some(token) = self.running.lock().get(&id) {
            token.cancel();
        }
    }
}

/// Why a job is not done.
#[derive(Debug)]
pub enum Failure {
    /// Worth another attempt.
    Retry(anyhow::Error),
    /// No attempt will help.
    Final(anyhow::Error),
    /// It did a piece of its work and goes on later: nothing failed.
    Rest(Rest),
}

/// Where a job that works piece by piece goes on.
#[derive(Debug)]
pub struct Rest {
    pub payload: Value,
    pub done: i64,
    pub total: Option<i64>,
    pub pause: Duration,
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Retry(error.into())
    }
}

/// What a job's code gets: the server, its row, and a way to say how far it is.
pub struct Run {
    pub app: Arc<App>,
    pub job: Job,
}

impl Run {
    /// Says how far the job is and renews its lease.
    ///
    /// # Errors
    /// The lease was lost: another runner has the job, so this one must stop.
    pub async fn progress(&self, done: i64, total: Option<i64>) -> Result<(), Failure> {
        let now = self.app.now();
        let ours = self
            .app
            .catalogue
            .job_progress(self.job.id, self.job.attempts, done, total, lease_end(&self.app, now), now)
            .await?;
        if ours { Ok(()) } else { Err(Failure::Final(anyhow::anyhow!("the job was taken over"))) }
    }

    /// Tells listeners that the job's row changed.
    pub fn tell(&self) {
        if let Some(workspace_id) = self.job.workspace_id {
            self.app.events.send(workspace_id, Change::Job { id: self.job.id });
        }
    }
}

/// Every kind of job, and its code.
pub const KINDS: &[&str] = &[
    apply_retention::KIND,
    empty_trash::KIND,
    extract_metadata::KIND,
    make_pictures::KIND,
    make_proxy::KIND,
    measure_thermal::KIND,
    ppk_set::KIND,
    ppk_solve::KIND,
    prioritize_upload::KIND,
    reconcile::KIND,
    rerun::KIND,
    trace_footprints::KIND,
];

/// The kinds that take minutes. They have a worker of their own, so that files that arrive meanwhile do not wait for them.
const SLOW: &[&str] = &[apply_retention::KIND, empty_trash::KIND, make_proxy::KIND, ppk_solve::KIND];

/// The kinds that are about one stored file and need nothing but it: what [`rerun`] can queue.
pub const OF_A_FILE: &[&str] =
    &[extract_metadata::KIND, make_pictures::KIND, measure_thermal::KIND, trace_footprints::KIND];

async fn run_job(run: &Run) -> Result<Option<Value>, Failure> {
    match run.job.kind.as_str() {
        apply_retention::KIND => apply_retention::run(run).await,
        empty_trash::KIND => empty_trash::run(run).await,
        extract_metadata::KIND => extract_metadata::run(run).await,
        ppk_set::KIND => ppk_set::run(run).await,
        ppk_solve::KIND => ppk_solve::run(run).await,
        make_pictures::KIND => make_pictures::run(run).await,
        make_proxy::KIND => make_proxy::run(run).await,
        measure_thermal::KIND => measure_thermal::run(run).await,
        trace_footprints::KIND => trace_footprints::run(run).await,
        prioritize_upload::KIND => prioritize_upload::run(run).await,
        reconcile::KIND => reconcile::run(run).await,
        rerun::KIND => rerun::run(run).await,
        other => Err(Failure::Final(anyhow::anyhow!("this version has no job {other:?}"))),
    }
}

fn lease_end(app: &App, now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(app.config.jobs.lease.as_secs() as i64)).unwrap_or(Timestamp::MAX)
}

/// Claims and runs jobs with `jobs.workers` workers, and one for what is slow, until `stop`; what runs then is given back
/// for the next start.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let quick: Arc<[&str]> = KINDS.iter().copied().filter(|kind| !SLOW.contains(kind)).collect();
    let quick = (0..app.config.jobs.workers).map(|_| (Arc::clone(&quick), Arc::clone(&app.wake.quick)));
    let all = quick.chain([(SLOW.into(), Arc::clone(&app.wake.slow))]);
    let workers: Vec<_> =
        all.map(|(kinds, wake)| tokio::spawn(worker(Arc::clone(&app), kinds, wake, stop.clone()))).collect();
    for worker in workers {
        if let Err(error) = worker.await {
            tracing::error!(%error, "a job worker ended badly");
        }
    }
}

async fn worker(app: Arc<App>, kinds: Arc<[&'static str]>, wake: Arc<Notify>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let now = app.now();
        let claimed = app.catalogue.claim_jobs(&kinds, now, lease_end(&app, now), 1).await;
        let job = match claimed {
            Ok(mut jobs) => jobs.pop(),
            Err(error) => {
                tracing::warn!(%error, "jobs cannot be claimed");
                None
            }
        };
        match job {
            Some(job) => {
                // there may be more: let another worker look
                wake.notify_one();
                attempt(&app, job, &stop).await;
            }
            None => {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = wake.notified() => {}
                    () = tokio::time::sleep(next_look(&app, &kinds).await) => {}
                }
            }
        }
    }
}

async fn next_look(app: &App, kinds: &[&str]) -> Duration {
    match app.catalogue.next_job_at(kinds).await {
        Ok(Some(at)) => {
            let wait = at.duration_since(app.now()).as_millis().clamp(50, LOOK_EVERY.as_millis() as i128);
            Duration::from_millis(wait as u64)
        }
        _ => LOOK_EVERY,
    }
}

async fn attempt(app: &Arc<App>, job: Job, stop: &CancellationToken) {
    let (id, kind, attempts, workspace_id) = (job.id, job.kind.clone(), job.attempts, job.workspace_id);
    let started = std::time::Instant::now();
    let run = Arc::new(Run { app: Arc::clone(app), job });
    let task = {
        let run = Arc::clone(&run);
        let (media_id, flight_id) = (run.job.media_id.map(display), run.job.flight_id.as_deref());
        let span =
            tracing::info_span!("job", job.id = %id, job.kind = kind, media.id = media_id, flight.id = flight_id);
        tokio::spawn(async move { run_job(&run).await }.instrument(span))
    };
    let abort = task.abort_handle();
    let cancelled = CancellationToken::new();
    app.wake.running.lock().insert(id, cancelled.clone());
    let ended = CancelGuard { wake: &app.wake, id };
    let outcome = tokio::select! {
        outcome = task => outcome,
        () = stop.cancelled() => {
            abort.abort();
            if let Err(error) = app.catalogue.release_jobs(&[id], app.now()).await {
                tracing::warn!(%error, job.id = %id, "a job could not be given back; its lease will end");
            }
            return;
        }
        () = cancelled.cancelled() => {
            // its row says already that it is over, and why
            abort.abort();
            return;
        }
        () = hold(app, id, attempts) => {
            abort.abort();
            tracing::warn!(job.id = %id, "a job was taken over or cancelled elsewhere");
            return;
        }
    };
    drop(ended);
    metrics::histogram!("eyrie_job_seconds", "kind" => kind.clone()).record(started.elapsed().as_secs_f64());
    let saved = match outcome {
        Ok(Ok(result)) => {
            tracing::debug!(job.id = %id, job.kind = kind, media.id = run.job.media_id.map(display), "job done");
            app.catalogue.finish_job(id, attempts, result.as_ref(), app.now()).await.map(|_| JobState::Done)
        }
        Ok(Err(Failure::Retry(error))) => fail(app, &run.job, &error, true).await,
        Ok(Err(Failure::Final(error))) => fail(app, &run.job, &error, false).await,
        Ok(Err(Failure::Rest(rest))) => {
            let now = app.now();
            let next = now.checked_add(SignedDuration::try_from(rest.pause).unwrap_or_default()).unwrap_or(now);
            let progress = (rest.done, rest.total);
            let rests = app.catalogue.continue_job(id, attempts, &rest.payload, progress, next, now).await;
            rests.map(|_| JobState::Queued)
        }
        // a panic in a job must not end the worker
        Err(panic) => fail(app, &run.job, &anyhow::anyhow!("the job ended badly: {panic}"), true).await,
    };
    match saved {
        Ok(state) => metrics::counter!("eyrie_jobs_total", "kind" => kind, "state" => state.as_str()).increment(1),
        Err(error) => tracing::warn!(%error, job.id = %id, "a job's outcome could not be written"),
    }
    if let Some(workspace_id) = workspace_id {
        app.events.send(workspace_id, Change::Job { id });
    }
}

/// Renews the lease for as long as the job takes; returns when it is lost.
async fn hold(app: &App, id: Uuid, attempt: u32) {
    let every = app.config.jobs.lease / 3;
    let mut renew = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
    loop {
        renew.tick().await;
        match app.catalogue.renew_job(id, attempt, lease_end(app, app.now())).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, job.id = %id, "a job's lease could not be renewed"),
        }
    }
}

/// Takes a job from the list of those that run here.
struct CancelGuard<'a> {
    wake: &'a Wake,
    id: Uuid,
}

impl Drop for CancelGuard<'_> {
    fn drop(&mut self) {
        self.wake.running.lock().remove(&self.id);
    }
}

/// Ends a job that is not over: it is dead, and says that it was cancelled and by whom. False when it was over.
///
/// # Errors
/// The catalogue's.
pub async fn cancel(app: &App, job: &Job, by: &str) -> eyrie_catalogue::Result<bool> {
    let why = format!("cancelled by {by}");
    if !app.catalogue.cancel_job(job.id, &why, app.now()).await? {
        return Ok(false);
    }
    app.wake.end(job.id);
    if job.kind == extract_metadata::KIND {
        extract_metadata::give_up(app, job, &why).await;
    }
    if let Some(workspace_id) = job.workspace_id {
        app.events.send(workspace_id, Change::Job { id: job.id });
    }
    Ok(true)
}

async fn fail(app: &App, job: &Job, error: &anyhow::Error, again: bool) -> eyrie_catalogue::Result<JobState> {
    let now = app.now();
    let pause_s = BACKOFF_S.saturating_mul(1 << job.attempts.saturating_sub(1).min(12)).min(MAX_BACKOFF_S);
    let retry_at = again.then(|| now.checked_add(SignedDuration::from_secs(pause_s)).unwrap_or(Timestamp::MAX));
    let state = app.catalogue.fail_job(job.id, job.attempts, &format!("{error:#}"), retry_at, now).await?;
    tracing::warn!(job.id = %job.id, job.kind = %job.kind, attempt = job.attempts, state = state.as_str(), error = format!("{error:#}"), "job failed");
    if state == JobState::Dead && job.kind == extract_metadata::KIND {
        extract_metadata::give_up(app, job, &format!("{error:#}")).await;
    }
    Ok(state)
}
