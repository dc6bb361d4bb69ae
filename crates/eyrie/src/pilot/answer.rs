//! What the app hears: `{code, message, data}`, whatever happens (DJI's page "HTTPS", common part).
//!
//! HTTP 400 shows "parameter error", 401 logs the crew out, anything else that is not 200 shows a notice. A refusal has
//! the HTTP status as its `code`; an answer that is 200 with another code is one the app acts upon.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use eyrie_catalogue::{CatalogueError, RawEvent, TraceEntry};
use eyrie_cloudapi::pilot::{BadBody, envelope};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::crew::Crew;
use crate::app::App;

/// Longest `X-Request-ID` that is kept, bytes.
const MAX_ID_BYTES: usize = 128;
/// Bytes of a body that are kept of a call: as much as a message over MQTT may have.
const MAX_KEPT_BYTES: usize = eyrie_cloudapi::MAX_PAYLOAD_BYTES;

/// The `message` of an answer whose `code` is 0.
pub(super) const SUCCESS: &str = "success";

#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    code: i64,
    message: String,
    data: Value,
}

impl Answer {
    pub(super) fn done(data: Value) -> Self {
        Self { status: StatusCode::OK, code: 0, message: SUCCESS.into(), data }
    }

    /// HTTP 200 with a code that is not 0.
    pub(super) fn no(code: i64, message: impl Into<String>) -> Self {
        Self { status: StatusCode::OK, code, message: message.into(), data: json!({}) }
    }

    pub(super) fn refused(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, ..Self::no(status.as_u16().into(), message) }
    }

    /// For a token that is missing, unknown or over, and for nothing else.
    pub(super) fn logged_out() -> Self {
        Self::refused(StatusCode::UNAUTHORIZED, "the login is over: log in again")
    }

    pub(super) fn unavailable(why: impl std::fmt::Display) -> Self {
        Self::refused(StatusCode::SERVICE_UNAVAILABLE, format!("not possible now, try again: {why}"))
    }
}

impl From<BadBody> for Answer {
    fn from(error: BadBody) -> Self {
        Self::refused(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl From<CatalogueError> for Answer {
    fn from(error: CatalogueError) -> Self {
        tracing::error!(error = %crate::log_chain(&error), "a controller could not be answered");
        Self::unavailable("the database does not answer")
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let body = envelope(self.code, &self.message, &self.data);
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("X-Auth-Token realm=\"eyrie\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// One call of a controller, for the trace and the raw events.
pub(super) struct Exchange<'a> {
    app: &'a Arc<App>,
    crew: &'a Crew,
    /// The last part of the path.
    method: &'static str,
    path: String,
    request_id: String,
    started: Instant,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        app: &'a Arc<App>,
        crew: &'a Crew,
        headers: &HeaderMap,
        method: &'static str,
        path: String,
    ) -> Self {
        let id = headers.get("x-request-id").and_then(|id| id.to_str().ok()).filter(|id| id.len() <= MAX_ID_BYTES);
        let request_id = id.unwrap_or_default().to_owned();
        Self { app, crew, method, path, request_id, started: Instant::now() }
    }

    /// The body as it came, to be kept.
    pub(super) fn raw_event(&self, body: &[u8]) -> RawEvent {
        let body = &body[..body.len().min(MAX_KEPT_BYTES)];
        RawEvent {
            id: self.app.new_id(),
            gateway_sn: self.crew.device.sn.clone(),
            workspace_id: Some(self.crew.device.workspace_id),
            method: Some(self.method.to_owned()),
            tid: self.request_id.clone(),
            bid: String::new(),
            topic: self.path.clone(),
            payload: String::from_utf8_lossy(body).into_owned(),
            received_at: self.app.now(),
        }
    }

    /// Writes the call down and hands its answer on. `asked`: what the trace shows of the question.
    pub(super) fn end(self, asked: Value, answer: Answer, note: Option<String>) -> Answer {
        let took = self.started.elapsed();
        let (app, sn) = (self.app, &self.crew.device.sn);
        if answer.status != StatusCode::OK {
            tracing::warn!(
                gateway.sn = sn,
                method = self.method,
                code = answer.code,
                message = answer.message,
                "a controller was refused"
            );
        }
        app.trace.record(TraceEntry {
            id: app.new_id(),
            gateway_sn: sn.clone(),
            at: app.now(),
            direction: "up".into(),
            topic: self.path,
            method: Some(self.method.to_owned()),
            tid: self.request_id,
            bid: String::new(),
            result: Some(answer.code),
            duration_ms: Some(took.as_secs_f64() * 1_000.0),
            asked,
            answered: answer.data.clone(),
            note: note.or_else(|| (answer.code != 0).then(|| answer.message.clone())),
        });
        answer
    }
}

/// True for the paths that the app asks; a person or program has nothing to look for there.
pub fn is_apps(path: &str) -> bool {
    const ROOTS: [&str; 5] = ["/media/api", "/storage/api", "/manage/api", "/wayline/api", "/map/api"];
    ROOTS.iter().any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Middleware: whatever refuses a request of the app before its handler does (no such path, too large, too slow, a
/// panic), the app hears it in its own words.
pub async fn in_envelope(request: Request, next: Next) -> Response {
    let apps = is_apps(request.uri().path());
    let response = next.run(request).await;
    let status = response.status();
    let type_of = |response: &Response| {
        let value = response.headers().get(header::CONTENT_TYPE)?;
        value.to_str().ok().map(|value| value.starts_with("application/json"))
    };
    if !apps || status.is_success() || type_of(&response) == Some(true) {
        return response;
    }
    let (status, message) = match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            (StatusCode::NOT_FOUND, "this server does not offer that")
        }
        status if status.is_client_error() => (StatusCode::BAD_REQUEST, "the request cannot be read, or is too large"),
        status => (status, "the server failed"),
    };
    let mut translated = Answer::refused(status, message).into_response();
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH && name != header::ALLOW {
            translated.headers_mut().insert(name, value.clone());
        }
    }
    translated
}

/// Middleware: the app's body is read before anybody looks at the request. An answer that leaves a body unread ends the
/// connection, and the app would find out with its next request.
pub async fn read_body(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if !is_apps(request.uri().path()) {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    match axum::body::to_bytes(body, app.config.http.max_body_bytes).await {
        Ok(body) => next.run(Request::from_parts(head, body.into())).await,
        Err(_) => Answer::refused(StatusCode::BAD_REQUEST, "the body is too large, or was cut off").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_apps_paths_are_told_from_others() {
        for path in ["/media/api/v1/workspaces/x/fast-upload", "/map/api", "/storage/api/"] {
            assert!(is_apps(path), "{path}");
        }
        for path in ["/api/v1", "/media", "/media/apis", "/", "/pilot/api/login", "/x/media/api"] {
            assert!(!is_apps(path), "{path}");
        }
    }

    #[test]
    fn only_a_dead_token_is_401() {
        assert_eq!(Answer::logged_out().status, 401);
        assert_eq!(
            (Answer::from(BadBody::NotAnObject).status, Answer::from(BadBody::NotAnObject).code),
            (StatusCode::BAD_REQUEST, 400)
        );
        assert_eq!(Answer::from(CatalogueError::Broken).status, 503);
        assert_eq!(Answer::no(-1, "x").status, 200);
    }
}
