//! What surrounds every request: an id, a span, a measurement, safe headers, a time limit, and a net under panics.
//!
//! Neither query strings nor headers are logged: cursors are noise there and credentials a leak.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Instrument as _;

use super::problem::{Kind, Problem};
use crate::app::App;

/// From the end of the request's header to the beginning of the answer (an event stream may last).
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 64;

/// A span with the request's id, a log line and a measurement when it is answered.
pub(super) async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = foreign_id(request.headers()).unwrap_or_else(|| app.new_id().to_string());
    let method = request.method().clone();
    // the template: a path holds ids, and what cannot be routed may hold anything
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("http.request", request.id = id, %method, route, actor = tracing::field::Empty);

    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = started.elapsed();

    let status = response.status();
    span.in_scope(|| {
        tracing::debug!(status = status.as_u16(), duration_ms = took.as_secs_f64() * 1e3, "request answered")
    });
    let labels = [("method", known(&method)), ("route", route), ("status", status.as_str().to_owned())];
    ::metrics::histogram!("eyrie_http_request_duration_seconds", &labels).record(took.as_secs_f64());
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// A caller's own id, when it is harmless in a log.
fn foreign_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    ((1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(harmless)).then(|| id.to_owned())
}

/// A label for the method that no caller can make grow.
fn known(method: &http::Method) -> String {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    }
}

/// Headers for answers that are data, never pages: not stored, not sniffed, not framed. A handler that knows better has
/// set its own already.
pub(super) async fn set_headers(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let shared = path.starts_with("/share/") || path.starts_with(super::shared::ROOT);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if shared {
        headers.insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
    }
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

pub(super) async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::warn!("a request took too long");
            let detail = format!("there was no answer within {} s", REQUEST_TIMEOUT.as_secs());
            Problem::new(Kind::Timeout, detail).into_response()
        }
    }
}

/// A panic is a fault of ours in one request; the others go on.
#[allow(clippy::needless_pass_by_value)] // the layer's signature
pub(super) fn explain_panic(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    Problem::internal(anyhow::anyhow!("panic: {text}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_from_outside_cannot_write_into_the_log() {
        let id = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, text.parse().unwrap());
            foreign_id(&headers)
        };
        assert_eq!(id("a-1_b.2:c"), Some("a-1_b.2:c".into()));
        for bad in ["", "a b", "a\"b", &"x".repeat(65)] {
            assert_eq!(id(bad), None, "{bad}");
        }
    }
}
