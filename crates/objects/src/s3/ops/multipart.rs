//! Multipart uploads: create, list parts, complete, abort. Parts themselves arrive in `put` and `copy`.

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm as AlgorithmName, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart as NamedPart,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, Initiator, ListPartsInput, ListPartsOutput, Part,
    StorageClass,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::super::checksum::{self, fill_checksums, fill_checksums_and_type, kind_name, read_checksums};
use super::super::error::{from_store, invalid_argument, invalid_request};
use super::put::{kept, refuse_unkept};
use super::read::length;
use super::{OWNER, Operations, Target, done, etag, millis, own_bucket, owner};
use crate::store::{ChecksumAlgorithm, ChecksumKind, CompletedPart, MAX_PART_NUMBER, UploadOptions};

/// Most parts on one page of ListParts (S3: 1,000).
const MAX_PARTS_PAGE: usize = 1000;

pub(super) async fn create_multipart_upload(
    operations: &Operations,
    mut request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    own_bucket(request.input.expected_bucket_owner.as_deref())?;
    refuse_unkept!(&request.input);
    let (content_type, headers, metadata) = kept!(request);
    let input = request.input;
    let checksum = checksum_of_upload(
        input.checksum_algorithm.as_ref().map(AlgorithmName::as_str),
        input.checksum_type.as_ref().map(ChecksumType::as_str),
    )?;
    let options = UploadOptions { content_type, headers, metadata, checksum };
    let upload = operations.store.create_upload(&input.bucket, &input.key, options).await.map_err(from_store)?;
    done(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(upload.upload_id),
        checksum_algorithm: checksum.map(|(algorithm, _)| AlgorithmName::from_static(algorithm.name())),
        checksum_type: checksum.map(|(_, kind)| ChecksumType::from_static(kind_name(kind))),
        ..Default::default()
    })
}

pub(super) async fn list_parts(
    operations: &Operations,
    request: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let input = request.input;
    own_bucket(input.expected_bucket_owner.as_deref())?;
    let not_a_number = |_| invalid_argument("max-parts and part-number-marker are numbers from 0.");
    let limit = usize::try_from(input.max_parts.unwrap_or(1000)).map_err(not_a_number)?.min(MAX_PARTS_PAGE);
    let after = u32::try_from(input.part_number_marker.unwrap_or(0)).map_err(not_a_number)?;
    let (bucket, key, upload_id) = (&input.bucket, &input.key, &input.upload_id);
    let page = operations.store.list_parts(bucket, key, upload_id, after, limit).await.map_err(from_store)?;
    let parts = page.parts.iter().map(|part| {
        let mut shown = Part {
            e_tag: Some(etag(&part.etag)),
            last_modified: Some(millis(part.last_modified)),
            part_number: i32::try_from(part.number).ok(),
            size: Some(length(part.size_bytes)),
            ..Default::default()
        };
        fill_checksums!(shown, &part.checksums);
        shown
    });
    let checksum = page.upload.checksum;
    done(ListPartsOutput {
        parts: Some(parts.collect()),
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        checksum_algorithm: checksum.map(|(algorithm, _)| AlgorithmName::from_static(algorithm.name())),
        checksum_type: checksum.map(|(_, kind)| ChecksumType::from_static(kind_name(kind))),
        initiator: Some(Initiator { display_name: Some(OWNER.into()), id: Some(OWNER.into()) }),
        owner: Some(owner()),
        is_truncated: Some(page.next_after.is_some()),
        max_parts: i32::try_from(limit).ok(),
        part_number_marker: i32::try_from(after).ok(),
        next_part_number_marker: page.next_after.and_then(|number| i32::try_from(number).ok()),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        ..Default::default()
    })
}

pub(super) async fn complete_multipart_upload(
    operations: &Operations,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let mut input = request.input;
    own_bucket(input.expected_bucket_owner.as_deref())?;
    let named = input.multipart_upload.take().and_then(|upload| upload.parts).unwrap_or_default();
    if named.is_empty() || named.len() > MAX_PART_NUMBER as usize {
        return Err(s3_error!(MalformedXML, "The request names 1 to {MAX_PART_NUMBER} parts."));
    }
    let mut parts = named.iter().map(completed_part).collect::<S3Result<Vec<_>>>()?;
    // a client that sent a part twice may name it twice; the later one is the one that is kept
    parts.reverse();
    parts.dedup_by_key(|part| part.number);
    parts.reverse();
    if let Some(announced) = input.mpu_object_size {
        check_size(operations, &input, &parts, announced).await?;
    }
    let mut whole = read_checksums!(&input);
    if whole.len() > 1 {
        return Err(invalid_request("Only one checksum of the whole can be given."));
    }
    let mut whole = whole.pop();
    if let (Some(whole), Some(kind)) = (&mut whole, &input.checksum_type) {
        whole.kind = checksum::kind(kind.as_str()).ok_or_else(|| invalid_request("The checksum type is not known."))?;
    }
    let (bucket, key, upload_id) = (&input.bucket, &input.key, &input.upload_id);
    let target = Target { store: &operations.store, bucket, key };
    let condition = target.condition(input.if_match.as_ref(), input.if_none_match.as_ref()).await?;
    let completed = operations.store.complete_upload(bucket, key, upload_id, &parts, &condition, whole.as_ref()).await;
    let info = match completed {
        Ok(info) => info,
        Err(error) => return Err(target.refusal(&condition, error).await),
    };
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{bucket}/{}", crate::presign::uri_encode(key, true))),
        e_tag: Some(etag(&info.etag)),
        ..Default::default()
    };
    fill_checksums_and_type!(output, checksum::of_object(&info));
    (output.bucket, output.key) = (Some(input.bucket), Some(input.key));
    done(output)
}

pub(super) async fn abort_multipart_upload(
    operations: &Operations,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let input = request.input;
    own_bucket(input.expected_bucket_owner.as_deref())?;
    operations.store.abort_upload(&input.bucket, &input.key, &input.upload_id).await.map_err(from_store)?;
    done(AbortMultipartUploadOutput::default())
}

fn checksum_of_upload(
    algorithm: Option<&str>,
    kind: Option<&str>,
) -> S3Result<Option<(ChecksumAlgorithm, ChecksumKind)>> {
    let Some(algorithm) = algorithm else {
        return match kind {
            None => Ok(None),
            Some(_) => Err(invalid_request("A checksum type needs a checksum algorithm.")),
        };
    };
    let algorithm = checksum::algorithm(algorithm).ok_or_else(|| invalid_request("The algorithm is not known."))?;
    let kind = match kind {
        None => algorithm.default_kind(),
        Some(kind) => checksum::kind(kind).ok_or_else(|| invalid_request("The checksum type is not known."))?,
    };
    if !algorithm.allows(kind) {
        let (algorithm, kind) = (algorithm.name(), kind_name(kind));
        return Err(invalid_request(format!("A {algorithm} of a multipart upload cannot be {kind}.")));
    }
    Ok(Some((algorithm, kind)))
}

fn completed_part(part: &NamedPart) -> S3Result<CompletedPart> {
    let number = part.part_number.ok_or_else(|| s3_error!(MalformedXML, "A part has no number."))?;
    let number = u32::try_from(number).map_err(|_| s3_error!(InvalidPart, "Part numbers are 1 to 10000."))?;
    let etag = part.e_tag.as_ref().ok_or_else(|| s3_error!(MalformedXML, "A part has no ETag."))?;
    Ok(CompletedPart { number, etag: etag.value().to_owned(), checksums: read_checksums!(part) })
}

/// `x-amz-mp-object-size`: what the client believes the parts add up to.
async fn check_size(
    operations: &Operations,
    input: &CompleteMultipartUploadInput,
    parts: &[CompletedPart],
    announced: i64,
) -> S3Result<()> {
    let (bucket, key, upload_id) = (&input.bucket, &input.key, &input.upload_id);
    let (mut size, mut after) = (0_u64, Some(0));
    while let Some(number) = after {
        let page = operations.store.list_parts(bucket, key, upload_id, number, MAX_PARTS_PAGE).await;
        let page = page.map_err(from_store)?;
        let named = page.parts.iter().filter(|part| parts.iter().any(|named| named.number == part.number));
        size += named.map(|part| part.size_bytes).sum::<u64>();
        after = page.next_after;
    }
    if length(size) == announced { Ok(()) } else { Err(invalid_request("The parts have another size together.")) }
}
