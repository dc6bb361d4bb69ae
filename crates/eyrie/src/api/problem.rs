//! What a caller hears when something is refused or fails: RFC 9457, one list of kinds.
//!
//! `type` is a stable relative reference (`/problems/not-found`); docs/api.md explains each. The caller gets what it can
//! act on; the cause goes to the log, once, when the problem becomes a response.

use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::response::{IntoResponse, Response};
use eyrie_catalogue::CatalogueError;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminError;

/// The kinds of problems; each has one `type`, one status and one title for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    BadRequest,
    Unauthorized,
    Forbidden,
    CrossSite,
    NotFound,
    MethodNotAllowed,
    Conflict,
    TooLarge,
    UnsupportedMediaType,
    RangeNotSatisfiable,
    TooManyRequests,
    Internal,
    Unavailable,
    Timeout,
}

impl Kind {
    pub const ALL: [Self; 14] = [
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::CrossSite,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::RangeNotSatisfiable,
        Self::TooManyRequests,
        Self::Internal,
        Self::Unavailable,
        Self::Timeout,
    ];

    pub fn status(self) -> StatusCode {
        self.row().1
    }

    pub fn type_uri(self) -> &'static str {
        self.row().0
    }

    pub fn title(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::BadRequest => ("/problems/bad-request", StatusCode::BAD_REQUEST, "the request cannot be understood"),
            Self::Unauthorized => ("/problems/unauthorized", StatusCode::UNAUTHORIZED, "a valid login is needed"),
            Self::Forbidden => ("/problems/forbidden", StatusCode::FORBIDDEN, "a higher role is needed"),
            Self::CrossSite => ("/problems/cross-site", StatusCode::FORBIDDEN, "the request came from another site"),
            Self::NotFound => ("/problems/not-found", StatusCode::NOT_FOUND, "there is no such thing"),
            Self::MethodNotAllowed => {
                ("/problems/method-not-allowed", StatusCode::METHOD_NOT_ALLOWED, "the method is not offered here")
            }
            Self::Conflict => ("/problems/conflict", StatusCode::CONFLICT, "the present state does not allow it"),
            Self::TooLarge => ("/problems/too-large", StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
            Self::UnsupportedMediaType => {
                ("/problems/unsupported-media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is not JSON")
            }
            Self::RangeNotSatisfiable => {
                ("/problems/range-not-satisfiable", StatusCode::RANGE_NOT_SATISFIABLE, "nothing is there in this range")
            }
            Self::TooManyRequests => {
                ("/problems/too-many-requests", StatusCode::TOO_MANY_REQUESTS, "too many attempts")
            }
            Self::Internal => ("/problems/internal", StatusCode::INTERNAL_SERVER_ERROR, "the server failed"),
            Self::Unavailable => {
                ("/problems/unavailable", StatusCode::SERVICE_UNAVAILABLE, "the server cannot do it now")
            }
            Self::Timeout => ("/problems/timeout", StatusCode::GATEWAY_TIMEOUT, "the request took too long"),
        }
    }
}

/// A refusal on its way to the caller.
#[derive(Debug)]
pub struct Problem {
    pub kind: Kind,
    pub detail: String,
    /// Becomes `Retry-After`.
    pub retry_after_s: Option<u64>,
    /// For the log alone.
    cause: Option<anyhow::Error>,
}

impl Problem {
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), retry_after_s: None, cause: None }
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(Kind::BadRequest, detail)
    }

    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(Kind::Unauthorized, detail)
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, detail)
    }

    /// Also for what the caller may not see: the two must not be told apart.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "nothing is here that you may see")
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, detail)
    }

    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, detail)
    }

    /// Our own trouble: `cause` is logged, the caller hears only that.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::caused(Kind::Internal, "the cause is in the server's log under this request's id", cause)
    }

    fn caused(kind: Kind, detail: impl Into<String>, cause: impl Into<anyhow::Error>) -> Self {
        Self { cause: Some(cause.into()), ..Self::new(kind, detail) }
    }

    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

/// The body of every refusal, `application/problem+json` (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// A stable relative reference that names the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-found")]
    pub type_uri: String,
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time, for people.
    pub detail: String,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Some(cause) = &self.cause {
            tracing::error!(error = format!("{cause:#}"), "a request failed");
        }
        let status = self.kind.status();
        let body = ProblemBody {
            type_uri: self.kind.type_uri().into(),
            title: self.kind.title().into(),
            status: status.as_u16(),
            detail: self.detail,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.kind == Kind::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"eyrie\""));
        }
        response
    }
}

impl From<CatalogueError> for Problem {
    fn from(error: CatalogueError) -> Self {
        match error {
            CatalogueError::NotFound { .. } => Self::not_found(),
            CatalogueError::Exists { .. } => Self::conflict(error.to_string()),
            CatalogueError::Held => Self::conflict("a legal hold is on the file: it stays until the hold is released"),
            CatalogueError::BadCursor => Self::bad_request(error.to_string()),
            CatalogueError::Broken => Self::caused(Kind::Unavailable, error.to_string(), error),
            CatalogueError::NewerSchema { .. } | CatalogueError::Database { .. } => Self::internal(error),
        }
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Invalid(rule) => Self::bad_request(rule),
            AdminError::NotFound { .. } => Self::not_found(),
            AdminError::Exists { .. } => Self::conflict(error.to_string()),
            AdminError::Disabled(_) => Self::forbidden(error.to_string()),
            AdminError::TooMany(_) => Self::new(Kind::TooManyRequests, error.to_string()),
            AdminError::Catalogue(error) => error.into(),
            AdminError::Store(error) => Self::caused(Kind::Unavailable, "the object store does not take it", error),
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let detail = rejection.body_text();
        match rejection {
            JsonRejection::MissingJsonContentType(_) => Self::new(Kind::UnsupportedMediaType, detail),
            JsonRejection::BytesRejection(rejection) => Self::from(rejection),
            _ => Self::bad_request(detail),
        }
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        let kind = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
            _ => Kind::BadRequest,
        };
        Self::new(kind, rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

/// A path that cannot be read (an id that is no UUID) names nothing.
impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::not_found()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_type_of_its_own() {
        let types: std::collections::BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.type_uri()).collect();
        assert_eq!(types.len(), Kind::ALL.len());
    }

    #[test]
    fn a_problem_says_type_status_and_when_to_come_back() {
        let response = Problem::new(Kind::TooManyRequests, "later").retry_after(900).into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["retry-after"], "900");
    }
}
