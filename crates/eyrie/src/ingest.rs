//! The one way in, for docks, Pilot 2, reconciliation and import alike.
//!
//! A caller has looked the object up already and hands over one [`IngestReport`]; the reports that wait together share one
//! durable commit (group commit), so that durability does not cost each of them a disk flush. Only after [`Ingest::report`]
//! returned `Ok` may anybody be told "kept".

use std::sync::Arc;

use eyrie_catalogue::{CatalogueError, IngestOutcome, IngestReport, MediaSource, MediaStatus};
use eyrie_env::fail_point;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::events::Change;
use crate::jobs::extract_metadata::Reported;

/// Reports that may wait for a commit; a further caller waits in line.
const QUEUE: usize = 4_096;

/// Why a report was not kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IngestError {
    #[error("the commit failed: {0}")]
    Commit(Arc<CatalogueError>),
    #[error("the server is stopping")]
    Stopping,
}

struct Waiting {
    report: IngestReport,
    answer: oneshot::Sender<Result<IngestOutcome, IngestError>>,
}

pub struct Ingest {
    queue: mpsc::Sender<Waiting>,
    receiver: Mutex<Option<mpsc::Receiver<Waiting>>>,
}

impl Default for Ingest {
    fn default() -> Self {
        let (queue, receiver) = mpsc::channel(QUEUE);
        Self { queue, receiver: Mutex::new(Some(receiver)) }
    }
}

impl Ingest {
    /// Returns when the report is on disk, or will never be.
    ///
    /// # Errors
    /// Nothing of this report was kept.
    pub async fn report(&self, mut report: IngestReport) -> Result<IngestOutcome, IngestError> {
        if let Some(media) = report.media.as_mut().filter(|media| media.source != MediaSource::Import) {
            // readers may choose otherwise: what the device said stays beside
            media.metadata["reported"] = serde_json::json!(Reported::of(media));
        }
        let (answer, outcome) = oneshot::channel();
        self.queue.send(Waiting { report, answer }).await.map_err(|_| IngestError::Stopping)?;
        outcome.await.map_err(|_| IngestError::Stopping)?
    }
}

/// Commits what waits, batch after batch, until `stop`; then the last batch.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut receiver = app.ingest.receiver.lock().take().expect("ingest runs once");
    let max_batch = app.config.ingest.max_batch;
    let mut batch = Vec::with_capacity(max_batch);
    loop {
        tokio::select! {
            biased;
            taken = receiver.recv_many(&mut batch, max_batch) => {
                if taken == 0 {
                    return;
                }
                commit(&app, &mut batch).await;
            }
            () = stop.cancelled() => receiver.close(),
        }
    }
}

async fn commit(app: &Arc<App>, batch: &mut Vec<Waiting>) {
    let started = std::time::Instant::now();
    let (reports, answers): (Vec<_>, Vec<_>) = batch.drain(..).map(|waiting| (waiting.report, waiting.answer)).unzip();
    metrics::histogram!("eyrie_ingest_batch_reports").record(reports.len() as f64);
    let outcomes = keep(app, &reports).await;
    metrics::histogram!("eyrie_ingest_commit_seconds").record(started.elapsed().as_secs_f64());
    let mut kept = Vec::new();
    for ((report, answer), outcome) in reports.into_iter().zip(answers).zip(outcomes) {
        if let Ok(outcome) = &outcome {
            kept.push((report, outcome.clone()));
        }
        // a caller that went away does not need the answer
        let _ = answer.send(outcome);
    }
    announce(app, kept);
}

/// One commit for all; when it fails for a reason that may lie in one report, each by itself.
async fn keep(app: &App, reports: &[IngestReport]) -> Vec<Result<IngestOutcome, IngestError>> {
    let whole = commit_now(app, reports).await;
    match whole {
        Ok(outcomes) => {
            assert_eq!(outcomes.len(), reports.len(), "the catalogue answers each report");
            outcomes.into_iter().map(Ok).collect()
        }
        Err(error @ CatalogueError::Broken) => {
            tracing::error!(%error, reports = reports.len(), "nothing more is kept");
            let error = IngestError::Commit(Arc::new(error));
            reports.iter().map(|_| Err(error.clone())).collect()
        }
        Err(error) if reports.len() == 1 => {
            tracing::error!(error = %crate::log_chain(&error), "a report could not be committed");
            vec![Err(IngestError::Commit(Arc::new(error)))]
        }
        Err(error) => {
            tracing::warn!(%error, reports = reports.len(), "a batch could not be committed, trying its reports one by one");
            let mut outcomes = Vec::with_capacity(reports.len());
            for report in reports {
                outcomes.push(match commit_now(app, std::slice::from_ref(report)).await {
                    Ok(mut outcomes) => Ok(outcomes.pop().expect("one report has one outcome")),
                    Err(error) => {
                        tracing::error!(error = %crate::log_chain(&error), "a report could not be committed");
                        Err(IngestError::Commit(Arc::new(error)))
                    }
                });
            }
            outcomes
        }
    }
}

async fn commit_now(app: &App, reports: &[IngestReport]) -> Result<Vec<IngestOutcome>, CatalogueError> {
    let io = |source: std::io::Error| CatalogueError::Database { doing: "cannot commit".into(), source: source.into() };
    blocking_fail_point(|| fail_point!("ingest.commit")).await.map_err(io)?;
    let outcomes = app.catalogue.ingest(reports).await?;
    // from here on the rows are on disk: an error now makes the dock report again, which changes nothing
    blocking_fail_point(|| fail_point!("ingest.committed")).await.map_err(io)?;
    Ok(outcomes)
}

/// Runs a fail point where a stall does not stop the other tasks; free of cost when fail points are compiled out.
pub(crate) async fn blocking_fail_point(point: fn() -> std::io::Result<()>) -> std::io::Result<()> {
    if cfg!(feature = "failpoints") {
        tokio::task::spawn_blocking(point)
            .await
            .unwrap_or_else(|_| Err(std::io::Error::other("the fail point panicked")))
    } else {
        Ok(())
    }
}

/// Tells the job runner and whoever listens to events, after the callers have their answers.
fn announce(app: &Arc<App>, kept: Vec<(IngestReport, IngestOutcome)>) {
    if kept.iter().any(|(report, outcome)| !report.jobs.is_empty() && (outcome.inserted || outcome.changed)) {
        app.wake.wake();
    }
    for media in kept.iter().filter_map(|(report, _)| report.media.as_ref()) {
        metrics::counter!("eyrie_media_reports_total", "status" => media.status.as_str()).increment(1);
    }
    if app.events.listeners() == 0 {
        return;
    }
    let app = Arc::clone(app);
    tokio::spawn(async move {
        for (report, outcome) in kept {
            if let Some(flight) = report.flight {
                app.events.send(flight.workspace_id, Change::Flight { flight_id: flight.flight_id });
            }
            if let Some(id) = outcome.media_id {
                announce_media(&app, id, outcome.inserted).await;
            }
        }
    });
}

async fn announce_media(app: &App, id: Uuid, inserted: bool) {
    match app.catalogue.media_by_id(id).await {
        Ok(Some(media)) => {
            let workspace_id = media.workspace_id;
            if let (Some(flight_id), Some(_)) = (&media.flight_id, &media.pilot.flight_group) {
                // no report names a flight by time
                app.events.send(workspace_id, Change::Flight { flight_id: flight_id.clone() });
            }
            let change = match media.status {
                MediaStatus::Missing => Change::MediaMissing(Box::new(media)),
                MediaStatus::Stored if inserted => Change::MediaStored(Box::new(media)),
                MediaStatus::Stored => Change::MediaUpdated(Box::new(media)),
                MediaStatus::Quarantined => return,
            };
            app.events.send(workspace_id, change);
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, media.id = %id, "a change could not be announced"),
    }
}
