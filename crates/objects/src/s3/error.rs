//! Every failure as S3 says it: code, status, and a message the client can act on. The log hears the cause.
//!
//! Source of the codes: "Error responses", Amazon S3 API Reference.

use std::borrow::Cow;
use std::error::Error;

use http::{HeaderMap, HeaderValue, StatusCode};
use s3s::{S3Error, S3ErrorCode, s3_error};

use super::chunks::ChunkError;
use crate::StoreError;

/// A code that `s3s` does not name.
pub(super) fn custom(code: &'static str, status: StatusCode, message: impl Into<Cow<'static, str>>) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

pub(super) fn from_store(error: StoreError) -> S3Error {
    let message = error.to_string();
    let with = |code| S3Error::with_message(code, sentence(&message));
    match error {
        StoreError::NoSuchBucket(_) => with(S3ErrorCode::NoSuchBucket),
        StoreError::BadBucket(_) => with(S3ErrorCode::InvalidBucketName),
        StoreError::BucketNotEmpty(_) => with(S3ErrorCode::BucketNotEmpty),
        StoreError::NoSuchKey { .. } => with(S3ErrorCode::NoSuchKey),
        StoreError::BadKey(_) => with(S3ErrorCode::InvalidURI),
        StoreError::KeyTooLong(_) => with(S3ErrorCode::KeyTooLongError),
        StoreError::NoSuchUpload { .. } => with(S3ErrorCode::NoSuchUpload),
        StoreError::BadPartNumber(_) => with(S3ErrorCode::InvalidArgument),
        StoreError::InvalidPart { .. } => with(S3ErrorCode::InvalidPart),
        StoreError::InvalidPartOrder => with(S3ErrorCode::InvalidPartOrder),
        StoreError::EntityTooSmall { .. } => with(S3ErrorCode::EntityTooSmall),
        StoreError::BadDigest { .. } => with(S3ErrorCode::BadDigest),
        StoreError::IncompleteBody { .. } => with(S3ErrorCode::IncompleteBody),
        StoreError::PreconditionFailed => with(S3ErrorCode::PreconditionFailed),
        StoreError::Full { .. } => {
            custom("InsufficientStorage", StatusCode::INSUFFICIENT_STORAGE, "The disk is nearly full.")
        }
        StoreError::Broken(_) | StoreError::MarkerMissing(_) => {
            tracing::error!(%error, "a request was refused");
            s3_error!(ServiceUnavailable, "The store takes no requests now; its log says why.")
        }
        StoreError::Damaged { .. } | StoreError::Io { .. } => {
            tracing::error!(error = %chain(&error), "a request failed");
            s3_error!(InternalError, "The request failed; the server's log says why.")
        }
    }
}

/// A body that ended in an error. `s3s` keeps the types of its stream errors to itself, so their names are looked for in
/// the text; `tests/py/test_s3.py` holds on to them.
pub(super) fn from_body(error: &(dyn Error + Send + Sync + 'static)) -> S3Error {
    if let Some(error) = find::<ChunkError>(error) {
        return from_chunk(error);
    }
    let text = chain(error);
    if text.contains("Sha256Mismatch") {
        custom(
            "XAmzContentSHA256Mismatch",
            StatusCode::BAD_REQUEST,
            "The SHA-256 in x-amz-content-sha256 is not the one of the bytes that arrived.",
        )
    } else if text.contains("SignatureMismatch") {
        s3_error!(SignatureDoesNotMatch, "The signature of a chunk or trailer is not right.")
    } else if text.contains("FormatError") {
        s3_error!(InvalidRequest, "The aws-chunked body is malformed.")
    } else if text.contains("ChunkMetaTooLarge") || text.contains("Trailer") {
        s3_error!(InvalidRequest, "The aws-chunked body has an overlong line or trailer.")
    } else if let Some(named) = ChunkError::ALL.iter().find(|named| text.contains(&named.to_string())) {
        from_chunk(named)
    } else {
        s3_error!(IncompleteBody, "The body ended early.")
    }
}

fn from_chunk(error: &ChunkError) -> S3Error {
    match error {
        ChunkError::TooLarge => custom("InvalidChunkSizeError", StatusCode::BAD_REQUEST, sentence(&error.to_string())),
        ChunkError::BodyTooLarge => S3Error::with_message(S3ErrorCode::EntityTooLarge, sentence(&error.to_string())),
        ChunkError::Malformed => S3Error::with_message(S3ErrorCode::InvalidRequest, sentence(&error.to_string())),
    }
}

/// 304, with the headers that a cache wants.
pub(super) fn not_modified(etag: &str, last_modified: &str) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    let mut headers = HeaderMap::new();
    for (name, value) in [("etag", format!("\"{etag}\"")), ("last-modified", last_modified.to_owned())] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    error.set_headers(headers);
    error
}

pub(super) fn invalid_argument(message: impl Into<Cow<'static, str>>) -> S3Error {
    S3Error::with_message(S3ErrorCode::InvalidArgument, message)
}

pub(super) fn invalid_request(message: impl Into<Cow<'static, str>>) -> S3Error {
    S3Error::with_message(S3ErrorCode::InvalidRequest, message)
}

pub(super) fn not_implemented(message: impl Into<Cow<'static, str>>) -> S3Error {
    S3Error::with_message(S3ErrorCode::NotImplemented, message)
}

/// Our messages are lower case without a stop, S3's are sentences.
fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).chain(['.']).collect()
}

/// The error and its sources in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + Send + Sync + 'static)) -> Option<&'a E> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
