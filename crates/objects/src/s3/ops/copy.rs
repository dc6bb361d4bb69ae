//! CopyObject and UploadPartCopy: bytes that are here already.

use futures::StreamExt;
use http::header;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, ETagCondition, MetadataDirective,
    UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::super::access::Authority;
use super::super::checksum::{self, fill_checksums, fill_checksums_and_type};
use super::super::error::{from_store, invalid_argument, invalid_request, not_implemented};
use super::put::{kept, part_number, refuse_unkept};
use super::read::{Conditions, Verdict, open};
use super::{Operations, Target, authority, done, etag, millis, no_versions, own_bucket};
use crate::store::{Expected, ObjectReader, PartOptions, PutOptions};

/// Both inputs name their source with the same fields.
macro_rules! source {
    ($operations:expr, $authority:expr, $input:expr) => {{
        let input = $input;
        let conditions = Conditions {
            if_match: input.copy_source_if_match.as_ref(),
            if_none_match: input.copy_source_if_none_match.as_ref(),
            if_modified_since: input.copy_source_if_modified_since.as_ref(),
            if_unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
        };
        let owner = input.expected_source_bucket_owner.as_deref();
        open_source($operations, $authority, &input.copy_source, owner, conditions).await?
    }};
}
/// Both writers take bytes with the same method.
macro_rules! pour {
    ($stream:expr, $writer:expr) => {{
        let (mut stream, mut writer) = ($stream, $writer);
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.map_err(|error| {
                tracing::error!(%error, "the source of a copy could not be read");
                s3_error!(InternalError, "The source could not be read.")
            })?;
            writer.write(bytes).await.map_err(from_store)?;
        }
        writer
    }};
}

pub(super) async fn copy_object(
    operations: &Operations,
    mut request: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    let authority = authority(&request);
    own_bucket(request.input.expected_bucket_owner.as_deref())?;
    refuse_unkept!(&request.input);
    let source = source!(operations, &authority, &request.input);
    let size = source.reader.info().size_bytes;
    if size > operations.config.limits.max_put_bytes {
        return Err(invalid_request("The source is too large for one copy; copy it in parts."));
    }
    let replaces = match request.input.metadata_directive.as_ref().map(MetadataDirective::as_str) {
        None | Some("COPY") => false,
        Some("REPLACE") => true,
        Some(_) => return Err(invalid_argument("The metadata directive is COPY or REPLACE.")),
    };
    let onto_itself = source.bucket == request.input.bucket && source.key == request.input.key;
    if onto_itself && !replaces {
        return Err(invalid_request("A copy onto itself changes nothing without new metadata."));
    }
    let (content_type, headers, metadata) = kept!(request);
    // CopyObject's own conditions are newer than s3s
    let asked = |name| request.headers.get(name).map(|value| ETagCondition::parse_http_header(value.as_bytes()));
    let asked = |name| asked(name).transpose().map_err(|_| invalid_argument("A condition is * or an ETag."));
    let (if_match, if_none_match) = (asked(header::IF_MATCH)?, asked(header::IF_NONE_MATCH)?);
    let input = request.input;
    let target = Target { store: &operations.store, bucket: &input.bucket, key: &input.key };
    let condition = target.condition(if_match.as_ref(), if_none_match.as_ref()).await?;
    let info = source.reader.info();
    let mut checksums: Vec<_> = info.checksums.iter().map(|checksum| checksum.algorithm).collect();
    if let Some(algorithm) = &input.checksum_algorithm {
        let algorithm = checksum::algorithm(algorithm.as_str());
        checksums = vec![algorithm.ok_or_else(|| invalid_request("The checksum algorithm is not known."))?];
    }
    let mut options =
        PutOptions { checksums, content_length: Some(size), condition: condition.clone(), ..Default::default() };
    if replaces {
        (options.content_type, options.headers, options.metadata) = (content_type, headers, metadata);
    } else {
        let info = info.clone();
        (options.content_type, options.headers, options.metadata) = (info.content_type, info.headers, info.metadata);
    }
    let writer = match operations.store.begin_put(&input.bucket, &input.key, options).await {
        Ok(writer) => writer,
        Err(error) => return Err(target.refusal(&condition, error).await),
    };
    let writer = pour!(source.reader.into_stream(None), writer);
    let expected = Expected { size_bytes: Some(size), ..Default::default() };
    let info = match writer.finish(expected).await {
        Ok(info) => info,
        Err(error) => return Err(target.refusal(&condition, error).await),
    };
    let mut result = CopyObjectResult {
        e_tag: Some(etag(&info.etag)),
        last_modified: Some(millis(info.last_modified)),
        ..Default::default()
    };
    fill_checksums_and_type!(result, info.checksums.clone());
    done(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() })
}

pub(super) async fn upload_part_copy(
    operations: &Operations,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let authority = authority(&request);
    let input = &request.input;
    own_bucket(input.expected_bucket_owner.as_deref())?;
    let source = source!(operations, &authority, input);
    let size = source.reader.info().size_bytes;
    let range = input.copy_source_range.as_deref().map(|range| source_range(range, size)).transpose()?;
    let length = range.map_or(size, |(start, end)| end - start);
    if length > operations.config.limits.max_put_bytes {
        return Err(invalid_request("The range is too large for one part."));
    }
    let options = PartOptions { checksums: Vec::new(), content_length: Some(length) };
    let number = part_number(input.part_number)?;
    let (bucket, key, upload_id) = (&input.bucket, &input.key, &input.upload_id);
    let writer = operations.store.begin_part(bucket, key, upload_id, number, options).await.map_err(from_store)?;
    let writer = pour!(source.reader.into_stream(range), writer);
    let expected = Expected { size_bytes: Some(length), ..Default::default() };
    let info = writer.finish(expected).await.map_err(from_store)?;
    let mut result = CopyPartResult {
        e_tag: Some(etag(&info.etag)),
        last_modified: Some(millis(info.last_modified)),
        ..Default::default()
    };
    fill_checksums!(result, &info.checksums);
    done(UploadPartCopyOutput { copy_part_result: Some(result), ..Default::default() })
}

struct Source {
    bucket: String,
    key: String,
    reader: ObjectReader,
}

/// The source must be readable with the credential that writes the copy.
async fn open_source(
    operations: &Operations,
    authority: &Authority,
    source: &CopySource,
    expected_owner: Option<&str>,
    conditions: Conditions<'_>,
) -> S3Result<Source> {
    own_bucket(expected_owner)?;
    let CopySource::Bucket { bucket, key, version_id } = source else {
        return Err(not_implemented("A copy's source is BUCKET/KEY."));
    };
    authority.check_object("s3:GetObject", bucket, key)?;
    no_versions(version_id.as_deref())?;
    let reader = open(operations, bucket, key).await?;
    match conditions.check(reader.info()) {
        Verdict::Holds => Ok(Source { bucket: bucket.to_string(), key: key.to_string(), reader }),
        Verdict::Failed | Verdict::NotModified => {
            Err(s3_error!(PreconditionFailed, "A condition on the source does not hold."))
        }
    }
}

/// `bytes=FIRST-LAST`, both given and inside the source.
fn source_range(range: &str, size: u64) -> S3Result<(u64, u64)> {
    let malformed = || invalid_argument("x-amz-copy-source-range is bytes=FIRST-LAST.");
    let (first, last) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')).ok_or_else(malformed)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| malformed());
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(malformed());
    }
    if last >= size {
        return Err(s3_error!(InvalidRange, "The range is not inside the source, which has {size} bytes."));
    }
    Ok((first, last + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_range_lies_inside() {
        assert_eq!(source_range("bytes=0-9", 10).unwrap(), (0, 10));
        assert_eq!(source_range("bytes=9-9", 10).unwrap(), (9, 10));
        for bad in ["bytes=0-10", "bytes=5-4", "bytes=5-", "bytes=-5", "0-9", "bytes=0-9,11-12", "bytes=0--1", ""] {
            assert!(source_range(bad, 10).is_err(), "{bad}");
        }
    }
}
