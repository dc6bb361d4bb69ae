//! Compression of answers: gzip of text, for those who ask for it.
//!
//! Lists and tracks shrink to a tenth. Left alone: pictures, zips and videos (compressed already), ranges, event streams (an event
//! must not wait in a buffer), small answers, and what a handler compressed itself.
//!
//! Only answers to `GET` are compressed. BREACH (Prado, Harris, Gluck 2013) reads a secret out of the compressed length when an
//! attacker's text stands beside it in the same answer and can be repeated. Secrets are shown here once, in answers to `POST` (an
//! account's password, a token, an S3 secret), and what people wrote (a dock's callsign, a token's name) may stand beside
//! them: those go uncompressed, and so does all of the controllers' login page's calls, whose answers hold an MQTT password each
//! time. What a `GET` answers holds no credential; the session cookie is in a header, which is never compressed.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE};
use http::{Extensions, HeaderMap, Method, StatusCode, Version};
use tower_http::compression::predicate::{And, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel, Predicate as _};

/// Below this an answer fits one packet anyway, bytes.
const LEAST_BYTES: u64 = 1024;

/// What is text, whatever it says after its name.
const TEXTS: [&str; 9] = [
    "application/json",
    "application/geo+json",
    "application/problem+json",
    "application/gpx+xml",
    "application/vnd.google-earth.kml+xml",
    "application/vnd.mapbox-vector-tile",
    "application/x-protobuf",
    "application/x-subrip",
    "image/svg+xml",
];

type IsText = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// The fastest level: most of the gain, and the processor is needed elsewhere.
pub(super) fn layer() -> CompressionLayer<And<SizeAbove, IsText>> {
    let is_text: IsText = |_, _, headers, _| is_text(headers);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(SizeAbove::new(LEAST_BYTES).and(is_text))
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    TEXTS.contains(&essence) || (essence.starts_with("text/") && essence != "text/event-stream")
}

/// Takes the wish for compression from requests whose answer may hold a secret.
pub(super) async fn reads_only(mut request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads || request.uri().path().starts_with("/pilot/api/") {
        request.headers_mut().remove(ACCEPT_ENCODING);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    /// A secret and what somebody wrote never share a compressed answer.
    #[tokio::test]
    async fn an_answer_that_may_hold_a_secret_is_not_compressed() {
        let long = async || ([(CONTENT_TYPE, "application/json")], "x".repeat(10_000));
        let router = Router::new()
            .route("/list", get(long).post(long).patch(long))
            .route("/pilot/api/session", get(long))
            .layer(layer())
            .layer(axum::middleware::from_fn(reads_only));
        let coding = async |method: &str, path: &str| {
            let request = Request::builder().method(method).uri(path).header(ACCEPT_ENCODING, "gzip");
            let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            response.headers().contains_key(http::header::CONTENT_ENCODING)
        };
        assert!(coding("GET", "/list").await);
        for (method, path) in [("POST", "/list"), ("PATCH", "/list"), ("GET", "/pilot/api/session")] {
            assert!(!coding(method, path).await, "{method} {path}");
        }
    }

    #[test]
    fn text_is_told_from_what_is_compressed_or_must_flow() {
        let text = |kind: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            is_text(&headers)
        };
        for kind in ["application/json", "text/csv; charset=utf-8", "application/geo+json", "text/plain"] {
            assert!(text(kind), "{kind}");
        }
        for kind in ["text/event-stream", "image/webp", "application/zip", "video/mp4", "application/octet-stream", ""]
        {
            assert!(!text(kind), "{kind}");
        }
    }
}
