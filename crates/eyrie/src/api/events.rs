//! What changes in a workspace, as it happens: Server-Sent Events (WHATWG HTML, section 9.2).
//!
//! Each event carries the changed object in the shape that its own route gives. Nothing is replayed: a listener that comes
//! back, or that was too slow (event `reload`), reads the lists again. A login that ends closes its streams at the next heartbeat.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use eyrie_catalogue::Media;
use futures::stream;
use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::auth::{Caller, Scope, Viewer};
use super::docks::DockItem;
use super::flights::FlightItem;
use super::jobs::JobItem;
use super::media::MediaItem;
use super::problem::Problem;
use crate::app::App;
use crate::events::Change;

const HEARTBEAT: Duration = Duration::from_secs(15);
/// Streams may take this part of the listener's connections, so that there is always one left for a request.
const STREAMS_SHARE: usize = 2;

/// Listen to what changes
///
/// Events: `media.stored`, `media.updated`, `media.missing` (a media item), `media.deleted` (its id), `flight.updated` (a flight), `dock.online`,
/// `dock.offline` (a dock), `job.updated` (a job), and `reload` (`{missed}`) when the listener was too slow and should
/// read its lists again. A comment every 15 seconds keeps the connection.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/events", tag = "events",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    responses((status = 200, description = "The stream", content_type = "text/event-stream", body = String)))]
pub async fn stream_events(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    stop: Option<Extension<CancellationToken>>,
) -> Result<impl IntoResponse, Problem> {
    if app.events.listeners() >= app.config.http.limits.max_connections / STREAMS_SHARE {
        return Err(Problem::unavailable("too many event streams are open").retry_after(HEARTBEAT.as_secs()));
    }
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let changes = app.events.subscribe();
    let stop = stop.map(|Extension(stop)| stop).unwrap_or_default();
    let listener = Listener { workspace_id: scope.workspace.id, caller: scope.caller, changes, heartbeat, stop, app };
    let events = stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    // nginx would hold events back to fill its buffer
    let headers = [("cache-control", "no-store"), ("x-accel-buffering", "no")];
    Ok((headers, Sse::new(events)))
}

struct Listener {
    app: Arc<App>,
    workspace_id: Uuid,
    caller: Caller,
    changes: Receiver<(Uuid, Change)>,
    heartbeat: Interval,
    stop: CancellationToken,
}

impl Listener {
    /// `None` ends the stream: the server stops, or the login is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return None,
                // the first tick comes at once, which lets clients see that the stream is open
                _ = self.heartbeat.tick() => {
                    return self.caller.still_good(&self.app).await.then(|| Event::default().comment("heartbeat"));
                }
                change = self.changes.recv() => match change {
                    Ok((workspace_id, change)) if workspace_id == self.workspace_id => {
                        match describe(&self.app, workspace_id, change).await {
                            Ok(Some(event)) => return Some(event),
                            Ok(None) => {}
                            Err(error) => {
                                tracing::error!(error = format!("{error:#}"), "a change cannot be shown");
                            }
                        }
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(missed)) => return event("reload", &json!({ "missed": missed })).ok(),
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }
}

/// `None` when the object is gone meanwhile.
async fn describe(app: &App, workspace_id: Uuid, change: Change) -> anyhow::Result<Option<Event>> {
    let media = |name, media: Box<Media>| {
        let own = media.workspace_id == workspace_id;
        own.then(|| event(name, &MediaItem::from(*media))).transpose()
    };
    match change {
        Change::MediaStored(row) => media("media.stored", row),
        Change::MediaUpdated(row) => media("media.updated", row),
        Change::MediaMissing(row) => media("media.missing", row),
        Change::Flight { flight_id } => {
            let flight = app.catalogue.flight(workspace_id, &flight_id).await?;
            flight.map(|flight| event("flight.updated", &FlightItem::new(app, flight))).transpose()
        }
        Change::Dock { sn, online } => {
            let dock = app.catalogue.dock(&sn).await?.filter(|dock| dock.workspace_id == workspace_id);
            let name = if online { "dock.online" } else { "dock.offline" };
            dock.map(|dock| event(name, &DockItem { online, ..DockItem::new(app, dock) })).transpose()
        }
        Change::Job { id } => {
            let job = app.catalogue.job(id).await?.filter(|job| job.workspace_id == Some(workspace_id));
            job.map(|job| event("job.updated", &JobItem::from(job))).transpose()
        }
        Change::Other { name, object } => event(name, &object).map(Some),
    }
}

fn event(name: &str, object: &impl Serialize) -> anyhow::Result<Event> {
    Ok(Event::default().event(name).json_data(object)?)
}
