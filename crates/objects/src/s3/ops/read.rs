//! GetObject, HeadObject, and what else is told about one object.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use futures::stream::BoxStream;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use parking_lot::Mutex;
use s3s::dto::{
    AccessControlPolicy, Checksum, ETagCondition, GetObjectAclInput, GetObjectAclOutput, GetObjectAttributesInput,
    GetObjectAttributesOutput, GetObjectAttributesParts, GetObjectInput, GetObjectOutput, GetObjectTaggingInput,
    GetObjectTaggingOutput, Grant, Grantee, HeadObjectInput, HeadObjectOutput, ObjectAttributes, ObjectCannedACL,
    ObjectPart, Permission, PutObjectAclInput, PutObjectAclOutput, Range, StorageClass, StreamingBlob, Timestamp, Type,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::super::checksum::{self, fill_checksums, fill_checksums_and_type};
use super::super::error::{from_store, invalid_request, not_modified};
use super::put::METADATA_PREFIX;
use super::{OWNER, Operations, done, etag, no_versions, own_bucket, owner, seconds};
use crate::ObjectInfo;
use crate::store::{self, ObjectReader, PartInfo};

const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";
/// Most parts on one page of GetObjectAttributes.
const MAX_PARTS_PAGE: usize = 1000;

/// What GetObject and HeadObject share: `(reader, answer, output)` of a request whose conditions hold.
macro_rules! look {
    ($operations:expr, $request:expr, $output:ident) => {{
        let input = &$request.input;
        own_bucket(input.expected_bucket_owner.as_deref())?;
        no_versions(input.version_id.as_deref())?;
        let reader = open($operations, &input.bucket, &input.key).await?;
        let info = reader.info();
        let conditions = Conditions {
            if_match: input.if_match.as_ref(),
            if_none_match: input.if_none_match.as_ref(),
            if_modified_since: input.if_modified_since.as_ref(),
            if_unmodified_since: input.if_unmodified_since.as_ref(),
        };
        match conditions.check(info) {
            Verdict::Holds => {}
            Verdict::Failed => return Err(s3_error!(PreconditionFailed, "A condition of the request does not hold.")),
            Verdict::NotModified => return Err(not_modified(&info.etag, &http_date(info.last_modified))),
        }
        let range = input.range.as_ref().filter(|_| range_holds(&$request.headers, info));
        let answer = Answer::of(&reader, range, input.part_number)?;
        let mut output = $output {
            accept_ranges: Some("bytes".into()),
            cache_control: info.headers.cache_control.clone(),
            content_disposition: info.headers.content_disposition.clone(),
            content_encoding: info.headers.content_encoding.clone(),
            content_language: info.headers.content_language.clone(),
            content_length: Some(length(answer.end - answer.start)),
            content_range: answer.content_range(info.size_bytes),
            content_type: Some(info.content_type.clone().unwrap_or_else(|| DEFAULT_CONTENT_TYPE.to_owned())),
            e_tag: Some(etag(&info.etag)),
            last_modified: Some(seconds(info.last_modified)),
            parts_count: answer.parts_count(&reader),
            ..Default::default()
        };
        if input.checksum_mode.as_ref().is_some_and(|mode| mode.as_str() == "ENABLED") {
            fill_checksums_and_type!(output, answer.checksums(&reader));
        }
        (reader, answer, output)
    }};
}

pub(super) async fn get_object(
    operations: &Operations,
    request: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let (reader, answer, mut output) = look!(operations, request, GetObjectOutput);
    let input = &request.input;
    let overrides = [
        (header::CACHE_CONTROL, &input.response_cache_control),
        (header::CONTENT_DISPOSITION, &input.response_content_disposition),
        (header::CONTENT_ENCODING, &input.response_content_encoding),
        (header::CONTENT_LANGUAGE, &input.response_content_language),
        (header::CONTENT_TYPE, &input.response_content_type),
    ];
    let mut headers = answer.headers;
    for (name, value) in overrides {
        if let Some(value) = value {
            let value = HeaderValue::from_str(value).map_err(|_| invalid_request("A response header is not text."))?;
            headers.insert(name, value);
        }
    }
    let range = (answer.status == StatusCode::PARTIAL_CONTENT).then_some((answer.start, answer.end));
    output.body = Some(StreamingBlob::wrap(Exclusive(Mutex::new(reader.into_stream(range)))));
    Ok(S3Response { output, status: Some(answer.status), headers, extensions: http::Extensions::default() })
}

pub(super) async fn head_object(
    operations: &Operations,
    request: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let (_, answer, output) = look!(operations, request, HeadObjectOutput);
    Ok(S3Response {
        output,
        status: Some(answer.status),
        headers: answer.headers,
        extensions: http::Extensions::default(),
    })
}

pub(super) async fn get_object_attributes(
    operations: &Operations,
    request: S3Request<GetObjectAttributesInput>,
) -> S3Result<S3Response<GetObjectAttributesOutput>> {
    let input = request.input;
    own_bucket(input.expected_bucket_owner.as_deref())?;
    no_versions(input.version_id.as_deref())?;
    let reader = open(operations, &input.bucket, &input.key).await?;
    let info = reader.info();
    let asked = |name: &str| {
        let names = |attributes: &ObjectAttributes| attributes.as_str().split(',').any(|one| one.trim() == name);
        input.object_attributes.iter().any(names)
    };
    let mut output =
        GetObjectAttributesOutput { last_modified: Some(seconds(info.last_modified)), ..Default::default() };
    if asked("ETag") {
        output.e_tag = Some(etag(&info.etag));
    }
    if asked("ObjectSize") {
        output.object_size = Some(length(info.size_bytes));
    }
    if asked("StorageClass") {
        output.storage_class = Some(StorageClass::from_static(StorageClass::STANDARD));
    }
    if asked("Checksum") {
        let mut checksum = Checksum::default();
        fill_checksums_and_type!(checksum, checksum::of_object(info));
        output.checksum = Some(checksum);
    }
    if asked("ObjectParts")
        && let Some(parts) = reader.parts()
    {
        output.object_parts = Some(object_parts(parts, input.part_number_marker, input.max_parts));
    }
    done(output)
}

pub(super) async fn get_object_acl(
    operations: &Operations,
    request: S3Request<GetObjectAclInput>,
) -> S3Result<S3Response<GetObjectAclOutput>> {
    no_versions(request.input.version_id.as_deref())?;
    open(operations, &request.input.bucket, &request.input.key).await?;
    done(GetObjectAclOutput { grants: Some(vec![full_control()]), owner: Some(owner()), ..Default::default() })
}

pub(super) async fn get_object_tagging(
    operations: &Operations,
    request: S3Request<GetObjectTaggingInput>,
) -> S3Result<S3Response<GetObjectTaggingOutput>> {
    no_versions(request.input.version_id.as_deref())?;
    open(operations, &request.input.bucket, &request.input.key).await?;
    done(GetObjectTaggingOutput::default())
}

/// Nothing is ever anyone else's, so a list that says so is taken; one that says more is not.
pub(super) async fn put_object_acl(
    operations: &Operations,
    request: S3Request<PutObjectAclInput>,
) -> S3Result<S3Response<PutObjectAclOutput>> {
    no_versions(request.input.version_id.as_deref())?;
    open(operations, &request.input.bucket, &request.input.key).await?;
    let input = &request.input;
    only_private(input.acl.as_ref().map(ObjectCannedACL::as_str), input.access_control_policy.as_ref())?;
    done(PutObjectAclOutput::default())
}

pub(super) fn only_private(canned_acl: Option<&str>, list: Option<&AccessControlPolicy>) -> S3Result<()> {
    let owners = |grant: &Grant| {
        let owner = grant.grantee.as_ref().is_some_and(|grantee| grantee.id.as_deref() == Some(OWNER));
        owner && grant.permission.as_ref().is_some_and(|permission| permission.as_str() == Permission::FULL_CONTROL)
    };
    let grants = list.and_then(|list| list.grants.as_deref()).unwrap_or_default();
    match canned_acl {
        Some("private" | "bucket-owner-full-control") => Ok(()),
        None if !grants.is_empty() && grants.iter().all(owners) => Ok(()),
        _ => Err(s3_error!(AccessControlListNotSupported, "Nothing can be shared by an access control list.")),
    }
}

/// The one entry of every access control list here.
pub(super) fn full_control() -> Grant {
    let grantee = Grantee {
        display_name: Some(OWNER.into()),
        email_address: None,
        id: Some(OWNER.into()),
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    Grant { grantee: Some(grantee), permission: Some(Permission::from_static(Permission::FULL_CONTROL)) }
}

pub(super) async fn open(operations: &Operations, bucket: &str, key: &str) -> S3Result<ObjectReader> {
    let reader = operations.store.open_object(bucket, key).await.map_err(from_store)?;
    reader.ok_or_else(|| s3_error!(NoSuchKey, "There is no such object."))
}

/// If-Match and its like, of a read or of the source of a copy.
pub(super) struct Conditions<'a> {
    pub(super) if_match: Option<&'a ETagCondition>,
    pub(super) if_none_match: Option<&'a ETagCondition>,
    pub(super) if_modified_since: Option<&'a Timestamp>,
    pub(super) if_unmodified_since: Option<&'a Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    NotModified,
    Failed,
}

impl Conditions<'_> {
    /// In the order of RFC 9110, section 13.2.2: an ETag is asked rather than a date.
    pub(super) fn check(&self, info: &ObjectInfo) -> Verdict {
        let matches = |condition: &ETagCondition| match condition {
            ETagCondition::Any => true,
            ETagCondition::ETag(etag) => etag.value() == info.etag,
        };
        let modified_after = |time: &Timestamp| seconds(info.last_modified) > *time;
        let unchanged = match (self.if_match, self.if_unmodified_since) {
            (Some(condition), _) => matches(condition),
            (None, Some(time)) => !modified_after(time),
            (None, None) => true,
        };
        let changed = match (self.if_none_match, self.if_modified_since) {
            (Some(condition), _) => !matches(condition),
            (None, Some(time)) => modified_after(time),
            (None, None) => true,
        };
        match (unchanged, changed) {
            (false, _) => Verdict::Failed,
            (true, false) => Verdict::NotModified,
            (true, true) => Verdict::Holds,
        }
    }
}

/// `If-Range`: a range of the object that the client has a part of, the whole of any other (RFC 9110, section 13.1.5).
fn range_holds(headers: &HeaderMap, info: &ObjectInfo) -> bool {
    let Some(known) = headers.get(header::IF_RANGE) else { return true };
    known.as_bytes() == format!("\"{}\"", info.etag).as_bytes()
        || known.as_bytes() == http_date(info.last_modified).as_bytes()
}

/// What of the object is sent, and how.
pub(super) struct Answer {
    status: StatusCode,
    start: u64,
    end: u64,
    headers: HeaderMap,
    /// Index of the part that was asked for.
    part: Option<usize>,
}

impl Answer {
    pub(super) fn of(reader: &ObjectReader, range: Option<&Range>, part: Option<i32>) -> S3Result<Self> {
        let size = reader.info().size_bytes;
        let mut answer = Self { status: StatusCode::OK, start: 0, end: size, headers: HeaderMap::new(), part: None };
        match (range, part) {
            (Some(_), Some(_)) => return Err(invalid_request("A range and a part number exclude each other.")),
            (None, None) => {}
            (Some(range), None) => {
                let range = range.check(size).map_err(|_| not_satisfiable(size))?;
                (answer.start, answer.end) = (range.start, range.end);
                answer.status = StatusCode::PARTIAL_CONTENT;
            }
            (None, Some(number)) => {
                (answer.start, answer.end, answer.part) = part_range(reader, number)?;
                answer.status = StatusCode::PARTIAL_CONTENT;
            }
        }
        if answer.start == answer.end {
            answer.status = StatusCode::OK;
        }
        // as the client wrote it; s3s would want to parse it
        if let Some(expires) = &reader.info().headers.expires
            && let Ok(expires) = HeaderValue::from_str(expires)
        {
            answer.headers.insert(header::EXPIRES, expires);
        }
        for (name, value) in &reader.info().metadata {
            let name = HeaderName::try_from(format!("{METADATA_PREFIX}{name}"));
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
                answer.headers.insert(name, value);
            }
        }
        Ok(answer)
    }

    fn parts_count(&self, reader: &ObjectReader) -> Option<i32> {
        self.part.and(i32::try_from(reader.parts()?.len()).ok())
    }

    /// Those of the bytes that are sent: of the whole, of a part, none of a range. A part's type is the object's.
    fn checksums(&self, reader: &ObjectReader) -> Vec<store::Checksum> {
        let whole = checksum::of_object(reader.info());
        match (self.part, reader.parts()) {
            (Some(index), Some(parts)) => {
                let of_part = parts[index].checksums.iter().cloned();
                let kind = whole.first().map_or(store::ChecksumKind::FullObject, |checksum| checksum.kind);
                of_part.map(|checksum| store::Checksum { kind, ..checksum }).collect()
            }
            _ if self.status == StatusCode::OK || self.end - self.start == reader.info().size_bytes => whole,
            _ => Vec::new(),
        }
    }

    pub(super) fn content_range(&self, size: u64) -> Option<String> {
        let partial = self.status == StatusCode::PARTIAL_CONTENT;
        partial.then(|| format!("bytes {}-{}/{size}", self.start, self.end - 1))
    }
}

fn part_range(reader: &ObjectReader, number: i32) -> S3Result<(u64, u64, Option<usize>)> {
    let missing = || s3_error!(InvalidPart, "The object has no such part.");
    let Some(parts) = reader.parts() else {
        return if number == 1 { Ok((0, reader.info().size_bytes, None)) } else { Err(missing()) };
    };
    let index = parts.iter().position(|part| i64::from(part.number) == i64::from(number)).ok_or_else(missing)?;
    let start = parts[..index].iter().map(|part| part.size_bytes).sum();
    Ok((start, start + parts[index].size_bytes, Some(index)))
}

fn not_satisfiable(size: u64) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::InvalidRange, "The range begins behind the object's end.");
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    if let Ok(range) = HeaderValue::try_from(format!("bytes */{size}")) {
        headers.insert(header::CONTENT_RANGE, range);
    }
    error.set_headers(headers);
    error
}

fn object_parts(parts: &[PartInfo], after: Option<i32>, max: Option<i32>) -> GetObjectAttributesParts {
    let max_parts = usize::try_from(max.unwrap_or(1000)).unwrap_or(0).min(MAX_PARTS_PAGE);
    let rest = || parts.iter().filter(|part| i64::from(part.number) > i64::from(after.unwrap_or(0)));
    let page: Vec<ObjectPart> = rest()
        .take(max_parts)
        .map(|part| {
            let number = i32::try_from(part.number).ok();
            let mut shown =
                ObjectPart { part_number: number, size: Some(length(part.size_bytes)), ..Default::default() };
            fill_checksums!(shown, &part.checksums);
            shown
        })
        .collect();
    GetObjectAttributesParts {
        is_truncated: Some(rest().count() > page.len()),
        max_parts: i32::try_from(max_parts).ok(),
        next_part_number_marker: page.last().and_then(|part| part.part_number),
        part_number_marker: Some(after.unwrap_or(0)),
        parts: Some(page),
        total_parts_count: i32::try_from(parts.len()).ok(),
    }
}

/// s3s wants a stream that threads could share; this one is never locked, since whoever polls it has it alone.
struct Exclusive(Mutex<BoxStream<'static, std::io::Result<Bytes>>>);

impl Stream for Exclusive {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.get_mut().as_mut().poll_next(context)
    }
}

/// As in `Last-Modified`: `Wed, 21 Oct 2015 07:28:00 GMT`.
fn http_date(time: jiff::Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

pub(super) fn length(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
