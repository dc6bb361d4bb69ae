//! For the machines that watch us: alive, ready, metrics. No login, since probes have none; what a stranger must not read
//! is not said here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use eyrie_catalogue::Role;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::auth::{Caller, Peer};
use super::problem::Problem;
use crate::app::App;

/// A check writes to the disk: strangers get one that is at most so old.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// A part that has not answered for so long is not ready.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "alive")]
    pub status: &'static str,
    pub version: &'static str,
}

/// The process answers
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = Health)))]
pub async fn healthz() -> Json<Health> {
    Json(Health { status: "alive", version: env!("CARGO_PKG_VERSION") })
}

/// Whether files can be taken now, part by part.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Readiness {
    pub ready: bool,
    /// The database answers and takes durable writes.
    pub database: Part,
    /// The object store takes writes.
    pub store: Part,
    /// The server's own client is connected to the broker and subscribed.
    pub broker: Part,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Part {
    pub ready: bool,
    /// Why not.
    pub reason: Option<String>,
}

impl<E: std::fmt::Display> From<Result<(), E>> for Part {
    fn from(result: Result<(), E>) -> Self {
        let reason = result.err().map(|reason| reason.to_string());
        Self { ready: reason.is_none(), reason }
    }
}

/// The newest answer, shared by everyone who asks within a second.
#[derive(Clone, Default)]
pub struct LastCheck(Arc<Mutex<Option<(Instant, Readiness)>>>);

/// All parts work
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub async fn readyz(State(app): State<Arc<App>>, Extension(last): Extension<LastCheck>) -> Response {
    let mut last = last.0.lock().await;
    let readiness = match &*last {
        Some((at, readiness)) if at.elapsed() < CHECK_EVERY => readiness.clone(),
        _ => {
            let readiness = check(&app).await;
            *last = Some((Instant::now(), readiness.clone()));
            readiness
        }
    };
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn check(app: &App) -> Readiness {
    let database: Part = match tokio::time::timeout(CHECK_TIMEOUT, app.catalogue.check()).await {
        Ok(result) => result.into(),
        Err(_) => Err(format!("the database does not answer within {} s", CHECK_TIMEOUT.as_secs())).into(),
    };
    let store: Part = app.store.writable().into();
    let broker: Part = match app.link.get() {
        Some(link) if *link.ready().borrow() => Ok(()),
        Some(_) => Err("not connected to the broker"),
        None => Err("the connection to the broker is not started"),
    }
    .into();
    Readiness { ready: database.ready && store.ready && broker.ready, database, store, broker }
}

/// Prometheus metrics
///
/// Open to programs on this machine that connect directly; from elsewhere, or through a proxy, with a login of role admin.
#[utoipa::path(get, path = "/metrics", tag = "health", security((), ("bearer" = []), ("session" = [])),
    responses((status = 200, description = "Prometheus text format", content_type = "text/plain", body = String)))]
pub async fn metrics(State(app): State<Arc<App>>, peer: Peer, headers: HeaderMap) -> Result<Response, Problem> {
    if headers.contains_key(header::AUTHORIZATION) || !peer.is_local(&headers) {
        let caller = Caller::authenticate(&app, &headers).await?;
        if !caller.login.role.includes(Role::Admin) {
            return Err(Problem::forbidden("this needs the role admin"));
        }
    }
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((content_type, crate::metrics::render()).into_response())
}
