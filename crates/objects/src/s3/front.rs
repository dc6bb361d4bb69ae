//! In front of `s3s`: what has to happen before it reads a request or after it answered.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use s3s::dto::Range;
use s3s::{Body, HttpError, S3Error, S3ErrorCode, s3_error};

use super::S3Limits;
use super::checksum::body_length;
use super::chunks::Chunks;
use super::error::{custom, not_implemented};
use crate::presign::MAX_LIFETIME_S;
use crate::{Issuer, sts};

/// How much of a refused request's body is still read, so that its sender comes to read the answer.
const MAX_DRAINED_BYTES: u64 = 64 * 1024 * 1024;
const MAX_DRAIN_TIME: Duration = Duration::from_secs(10);
/// Longest body of a PUT that does not say its length.
const MAX_UNSIZED_BYTES: usize = 1024 * 1024;
/// Answers a browser's preflight for a day.
const PREFLIGHT_MAX_AGE_S: &str = "86400";

const STREAMING_UNSIGNED: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// `s3s` with everything around it. Cheap to clone; serves any number of connections.
#[derive(Clone)]
pub struct S3Service {
    inner: s3s::service::S3Service,
    issuer: Issuer,
    limits: S3Limits,
}

impl hyper::service::Service<Request<hyper::body::Incoming>> for S3Service {
    type Response = Response<Body>;
    type Error = HttpError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, request: Request<hyper::body::Incoming>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.handle(request.map(Body::from)).await) })
    }
}

impl S3Service {
    pub(super) fn new(inner: s3s::service::S3Service, issuer: Issuer, limits: S3Limits) -> Self {
        Self { inner, issuer, limits }
    }

    /// Answers one request; failures are answers, too.
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let began = Instant::now();
        let (parts, body) = request.into_parts();
        // without the query, which may hold a signature and a token
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        let request_id = self.issuer.new_request_id();
        let from_page = parts.headers.contains_key(header::ORIGIN);
        let asks_sts = sts::is_request(&parts.method, &parts.uri, &parts.headers);
        let attributes = parts.uri.query().unwrap_or("").split('&').any(|pair| pair.starts_with("attributes"));
        let waits = parts.headers.contains_key(header::EXPECT);
        let body = Inbound::new(body, self.chunks(&parts.headers), &parts.headers);
        let asked = body.asked();
        let mut response = if parts.method == Method::OPTIONS {
            preflight(&parts.headers)
        } else if let Some(error) = self.refusal(&parts) {
            answer(error)
        } else {
            self.serve(parts, body).await.unwrap_or_else(answer)
        };
        let failed = response.status().is_client_error() || response.status().is_server_error();
        if failed && asks_sts {
            response = sts::error_in_its_own_form(response, &request_id).await;
        } else if failed {
            edit(&mut response, |xml| {
                xml.replacen("</Error>", &format!("<RequestId>{request_id}</RequestId></Error>"), 1)
            });
        } else if attributes {
            // here alone S3 writes an ETag without quotes
            edit(&mut response, |xml| xml.replacen("<ETag>\"", "<ETag>", 1).replacen("\"</ETag>", "</ETag>", 1));
        }
        tracing::debug!(
            %method,
            path,
            status = response.status().as_u16(),
            duration_ms = began.elapsed().as_millis() as u64,
            request_id,
            "answered an S3 request"
        );
        let headers = response.headers_mut();
        headers.insert("x-amz-request-id", HeaderValue::try_from(request_id).expect("an id is plain ASCII"));
        if waits && !asked.load(Ordering::Relaxed) {
            // botocore takes a final answer without a 100 before it for that of the connection's next request, too
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if from_page {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
        }
        response
    }

    async fn serve(&self, mut parts: Parts, body: Inbound) -> Result<Response<Body>, S3Error> {
        forget_what_is_no_range(&mut parts);
        let mut body = Body::http_body(body);
        if is_unsized(&parts) && body.store_all_limited(MAX_UNSIZED_BYTES).await.is_err() {
            return Err(s3_error!(MissingContentLength, "A body of this size must say its length."));
        }
        self.inner.call(Request::from_parts(parts, body)).await.map_err(|error| {
            tracing::error!(?error, "an answer could not be written");
            S3Error::new(S3ErrorCode::InternalError)
        })
    }

    /// What is refused before its body is read, and before `s3s` would misread it.
    fn refusal(&self, parts: &Parts) -> Option<S3Error> {
        let query = parts.uri.query().unwrap_or("");
        let authorization = parts.headers.get(header::AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
        if authorization.starts_with(b"AWS ") {
            // s3s would not look at the request's time, so that a request could be repeated for ever
            return Some(s3_error!(
                InvalidRequest,
                "Signature Version 2 is not supported in headers. Please use AWS4-HMAC-SHA256."
            ));
        }
        if !lifetime_is_allowed(query, self.issuer.now_s()) {
            // 403 rather than the documented 400: that is what clients and suites look for
            return Some(custom(
                "AuthorizationQueryParametersError",
                StatusCode::FORBIDDEN,
                "A presigned URL is good for 1 second to 7 days.",
            ));
        }
        let content_type = parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        if parts.method == Method::POST && content_type.to_ascii_lowercase().starts_with(b"multipart/form-data") {
            return Some(not_implemented("POST forms are not offered."));
        }
        if parts.headers.contains_key("x-amz-rename-source") {
            // s3s would take it for a PUT of nothing
            return Some(not_implemented("Objects are not renamed: copy and delete."));
        }
        match body_length(&parts.headers) {
            Err(error) => Some(error),
            Ok(Some(length)) if length > self.limits.max_put_bytes => {
                Some(s3_error!(EntityTooLarge, "A PUT or part has at most {} bytes here.", self.limits.max_put_bytes))
            }
            Ok(_) => None,
        }
    }

    fn chunks(&self, headers: &HeaderMap) -> Option<Chunks> {
        let S3Limits { max_put_bytes, max_chunk_bytes } = self.limits;
        let form = headers.get("x-amz-content-sha256")?.to_str().ok()?;
        if form == STREAMING_UNSIGNED {
            Some(Chunks::unsigned(max_put_bytes))
        } else {
            form.starts_with("STREAMING-").then(|| Chunks::signed(max_chunk_bytes, max_put_bytes))
        }
    }
}

/// Several ranges, another unit, or a range from behind: ignored, as RFC 9110, section 14.2, and S3 have it, where `s3s`
/// would refuse the request. A range that is signed has to stay.
fn forget_what_is_no_range(parts: &mut Parts) {
    let Some(range) = parts.headers.get(header::RANGE) else { return };
    let is_one = range.to_str().is_ok_and(|range| Range::parse(range).is_ok());
    if !is_one && !signed_headers(parts).split(';').any(|name| name.eq_ignore_ascii_case("range")) {
        parts.headers.remove(header::RANGE);
    }
}

/// `host;x-amz-date`: the names of the headers that the signature is over.
fn signed_headers(parts: &Parts) -> String {
    let mut query = form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes());
    let in_query = query.find_map(|(name, value)| (name == "X-Amz-SignedHeaders").then(|| value.into_owned()));
    in_query.unwrap_or_else(|| {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("");
        let names = value.split([',', ' ']).find_map(|part| part.strip_prefix("SignedHeaders="));
        names.unwrap_or("").to_owned()
    })
}

/// Whether nothing says how long the body is. A small one is gathered, so that it need not be said.
fn is_unsized(parts: &Parts) -> bool {
    parts.method == Method::PUT
        && parts.headers.contains_key(header::TRANSFER_ENCODING)
        && body_length(&parts.headers).is_ok_and(|length| length.is_none())
}

/// Changes a small answer that is in memory.
fn edit(response: &mut Response<Body>, change: impl FnOnce(&str) -> String) {
    let Some(bytes) = response.body().bytes().filter(|bytes| !bytes.is_empty()) else { return };
    let Ok(xml) = str::from_utf8(&bytes) else { return };
    let changed = change(xml);
    *response.body_mut() = Body::from(changed);
    response.headers_mut().remove(header::CONTENT_LENGTH);
}

/// Whether a presigned URL ends within seven days: `X-Amz-Expires` in seconds, or the time of `Expires` in version 2,
/// which boto3 still makes unless it is told otherwise.
fn lifetime_is_allowed(query: &str, now_s: i64) -> bool {
    let limit = i64::from(MAX_LIFETIME_S);
    let version_2 = query.split('&').any(|pair| pair.starts_with("Signature="));
    query.split('&').filter_map(|pair| pair.split_once('=')).all(|(name, value)| match (name, value.parse::<i64>()) {
        // s3s refuses what is no number
        ("X-Amz-Expires", Ok(lifetime_s)) => (0..=limit).contains(&lifetime_s),
        ("Expires", Ok(end_s)) if version_2 => end_s.saturating_sub(now_s) <= limit,
        _ => true,
    })
}

fn answer(error: S3Error) -> Response<Body> {
    error.to_http_response().unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// Any page may try: what counts is the signature, and no cookie or other ambient credential is ever looked at.
fn preflight(asked: &HeaderMap) -> Response<Body> {
    if !asked.contains_key(header::ORIGIN) || !asked.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        let message = "A preflight needs Origin and Access-Control-Request-Method.";
        return answer(custom("BadRequest", StatusCode::BAD_REQUEST, message));
    }
    let mut response = Response::new(Body::empty());
    let mut put = |name: HeaderName, value: HeaderValue| response.headers_mut().insert(name, value);
    put(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, PUT, POST, DELETE"));
    put(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_MAX_AGE_S));
    // `*` would not cover Authorization
    if let Some(headers) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        put(header::ACCESS_CONTROL_ALLOW_HEADERS, headers.clone());
    }
    response
}

/// A request's body on its way to `s3s`: chunks followed, and the rest read when it is dropped early. Without that a
/// client which sends its whole body before it reads the answer would find the connection reset instead of an error.
struct Inbound {
    body: Option<Body>,
    chunks: Option<Chunks>,
    ready: VecDeque<Bytes>,
    /// Whether the client holds its body back until it is asked for it.
    waits: bool,
    asked: Arc<AtomicBool>,
}

impl Inbound {
    fn new(body: Body, chunks: Option<Chunks>, headers: &HeaderMap) -> Self {
        let waits = headers.contains_key(header::EXPECT);
        Self { body: Some(body), chunks, ready: VecDeque::new(), waits, asked: Arc::default() }
    }

    /// Becomes true when the client is asked for its body, which sends it `100 Continue`.
    fn asked(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.asked)
    }
}

impl HttpBody for Inbound {
    type Data = Bytes;
    type Error = s3s::StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if this.body.as_ref().is_some_and(|body| !body.is_end_stream()) {
            this.asked.store(true, Ordering::Relaxed);
        }
        loop {
            if let Some(bytes) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            let Some(body) = &mut this.body else { return Poll::Ready(None) };
            let frame = match ready!(Pin::new(body).poll_frame(context)) {
                None => {
                    this.body = None;
                    return Poll::Ready(None);
                }
                Some(Err(error)) => {
                    this.body = None;
                    return Poll::Ready(Some(Err(error)));
                }
                Some(Ok(frame)) => frame,
            };
            let Some(chunks) = &mut this.chunks else { return Poll::Ready(Some(Ok(frame))) };
            if let Ok(bytes) = frame.into_data()
                && let Err(error) = chunks.push(bytes, &mut this.ready)
            {
                this.ready.clear();
                return Poll::Ready(Some(Err(error.into())));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.chunks, &self.body) {
            (None, Some(body)) => body.size_hint(),
            (None, None) => SizeHint::with_exact(0),
            (Some(_), _) => SizeHint::default(),
        }
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take() else { return };
        if body.is_end_stream() || self.waits && !self.asked.load(Ordering::Relaxed) {
            return;
        }
        // outside a runtime there is no connection to be kind to
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(tokio::time::timeout(MAX_DRAIN_TIME, async move {
            let mut left = MAX_DRAINED_BYTES;
            while left > 0 {
                let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
                let Some(Ok(frame)) = frame else { return };
                left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len() as u64));
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presigned_url_is_good_for_a_week() {
        for (query, allowed) in [
            ("X-Amz-Expires=604800", true),
            ("a=b&X-Amz-Expires=604801", false),
            ("X-Amz-Expires=-7", false),
            ("X-Amz-Expires=99999999999999999999", true),
            ("Expires=1000604800&Signature=x", true),
            ("Expires=1000604801&Signature=x", false),
            ("Expires=9000000000", true),
            ("", true),
        ] {
            assert_eq!(lifetime_is_allowed(query, 1_000_000_000), allowed, "{query}");
        }
    }
}
