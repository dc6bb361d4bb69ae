//! Listings of objects and of unfinished uploads.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, CommonPrefix, EncodingType, Initiator, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput,
    ListObjectsV2Input, ListObjectsV2Output, MultipartUpload, Object, ObjectStorageClass, ObjectVersion,
    ObjectVersionStorageClass, StorageClass,
};
use s3s::{S3Request, S3Response, S3Result};

use super::super::checksum::kind_name;
use super::super::error::{from_store, invalid_argument};
use super::read::length;
use super::{OWNER, Operations, done, etag, millis, own_bucket, owner};
use crate::presign::uri_encode;
use crate::store::UploadInfo;
use crate::{ListPage, ObjectInfo};

/// Most keys and common prefixes on a page (S3: 1,000).
const MAX_KEYS: i32 = 1000;
/// There are no versions: the only one is called so.
const ONLY_VERSION: &str = "null";

pub(super) async fn list_objects(
    operations: &Operations,
    request: S3Request<ListObjectsInput>,
) -> S3Result<S3Response<ListObjectsOutput>> {
    let input = request.input;
    own_bucket(input.expected_bucket_owner.as_deref())?;
    let names = Names::of(input.encoding_type)?;
    let (prefix, delimiter) = (input.prefix.unwrap_or_default(), some(input.delimiter));
    let limit = limit(input.max_keys)?;
    let after = some(input.marker);
    let page = page(operations, &input.bucket, &prefix, delimiter.as_deref(), after.as_deref(), limit).await?;
    let next_marker = page.next_after.as_deref().filter(|_| delimiter.is_some()).map(|next| names.show(next));
    done(ListObjectsOutput {
        is_truncated: Some(page.next_after.is_some()),
        contents: Some(page.objects.into_iter().map(|info| object(info, &names, true)).collect()),
        common_prefixes: Some(names.common(&page.common_prefixes)),
        prefix: Some(names.show(&prefix)),
        marker: Some(names.show(after.as_deref().unwrap_or(""))),
        delimiter: delimiter.map(|delimiter| names.show(&delimiter)),
        max_keys: Some(limit),
        name: Some(input.bucket),
        encoding_type: names.encoding_type(),
        next_marker,
        ..Default::default()
    })
}

pub(super) async fn list_objects_v2(
    operations: &Operations,
    request: S3Request<ListObjectsV2Input>,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let input = request.input;
    own_bucket(input.expected_bucket_owner.as_deref())?;
    let names = Names::of(input.encoding_type)?;
    let (prefix, delimiter) = (input.prefix.unwrap_or_default(), some(input.delimiter));
    let limit = limit(input.max_keys)?;
    let after = match input.continuation_token.as_deref() {
        Some(token) => Some(open_token(token)?),
        None => some(input.start_after.clone()),
    };
    let page = page(operations, &input.bucket, &prefix, delimiter.as_deref(), after.as_deref(), limit).await?;
    let with_owner = input.fetch_owner == Some(true);
    done(ListObjectsV2Output {
        is_truncated: Some(page.next_after.is_some()),
        key_count: i32::try_from(page.objects.len() + page.common_prefixes.len()).ok(),
        contents: Some(page.objects.into_iter().map(|info| object(info, &names, with_owner)).collect()),
        common_prefixes: Some(names.common(&page.common_prefixes)),
        prefix: Some(names.show(&prefix)),
        start_after: input.start_after.map(|start| names.show(&start)),
        delimiter: delimiter.map(|delimiter| names.show(&delimiter)),
        continuation_token: input.continuation_token,
        next_continuation_token: page.next_after.map(|next| BASE64_URL_SAFE_NO_PAD.encode(next)),
        max_keys: Some(limit),
        name: Some(input.bucket),
        encoding_type: names.encoding_type(),
        ..Default::default()
    })
}

/// Every object as its own only version, for tools that empty a bucket this way.
pub(super) async fn list_object_versions(
    operations: &Operations,
    request: S3Request<ListObjectVersionsInput>,
) -> S3Result<S3Response<ListObjectVersionsOutput>> {
    let input = request.input;
    own_bucket(input.expected_bucket_owner.as_deref())?;
    let names = Names::of(input.encoding_type)?;
    let (prefix, delimiter) = (input.prefix.unwrap_or_default(), some(input.delimiter));
    let limit = limit(input.max_keys)?;
    let after = some(input.key_marker);
    let page = page(operations, &input.bucket, &prefix, delimiter.as_deref(), after.as_deref(), limit).await?;
    let version = |info: ObjectInfo| ObjectVersion {
        e_tag: Some(etag(&info.etag)),
        is_latest: Some(true),
        key: Some(names.show(&info.key)),
        last_modified: Some(millis(info.last_modified)),
        owner: Some(owner()),
        size: Some(length(info.size_bytes)),
        storage_class: Some(ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD)),
        version_id: Some(ONLY_VERSION.into()),
        ..Default::default()
    };
    done(ListObjectVersionsOutput {
        is_truncated: Some(page.next_after.is_some()),
        next_version_id_marker: page.next_after.as_ref().map(|_| ONLY_VERSION.into()),
        next_key_marker: page.next_after.as_deref().map(|next| names.show(next)),
        versions: Some(page.objects.into_iter().map(version).collect()),
        common_prefixes: Some(names.common(&page.common_prefixes)),
        prefix: Some(names.show(&prefix)),
        key_marker: Some(names.show(after.as_deref().unwrap_or(""))),
        version_id_marker: input.version_id_marker,
        delimiter: delimiter.map(|delimiter| names.show(&delimiter)),
        max_keys: Some(limit),
        name: Some(input.bucket),
        encoding_type: names.encoding_type(),
        ..Default::default()
    })
}

pub(super) async fn list_multipart_uploads(
    operations: &Operations,
    request: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let input = request.input;
    own_bucket(input.expected_bucket_owner.as_deref())?;
    operations.must_have_bucket(&input.bucket).await?;
    let names = Names::of(input.encoding_type)?;
    let (prefix, delimiter) = (input.prefix.unwrap_or_default(), some(input.delimiter));
    let limit = limit(input.max_uploads)?;
    let (key_marker, id_marker) = (some(input.key_marker), some(input.upload_id_marker));
    let page = operations
        .store
        .list_uploads(
            &input.bucket,
            &prefix,
            delimiter.as_deref(),
            key_marker.as_deref(),
            id_marker.as_deref(),
            count(limit),
        )
        .await
        .map_err(from_store)?;
    let (next_key, next_id): (Option<String>, Option<String>) = page.next.unzip();
    done(ListMultipartUploadsOutput {
        is_truncated: Some(next_key.is_some()),
        uploads: Some(page.uploads.into_iter().map(|info| upload(info, &names)).collect()),
        common_prefixes: Some(names.common(&page.common_prefixes)),
        prefix: Some(names.show(&prefix)),
        delimiter: delimiter.map(|delimiter| names.show(&delimiter)),
        key_marker: Some(names.show(key_marker.as_deref().unwrap_or(""))),
        upload_id_marker: Some(id_marker.unwrap_or_default()),
        next_key_marker: next_key.map(|next| names.show(&next)),
        next_upload_id_marker: next_id,
        max_uploads: Some(limit),
        bucket: Some(input.bucket),
        encoding_type: names.encoding_type(),
        ..Default::default()
    })
}

/// How keys are written in an answer: as they are, or percent-encoded, since XML cannot hold every character.
struct Names {
    encoded: bool,
}

impl Names {
    fn of(encoding_type: Option<EncodingType>) -> S3Result<Self> {
        match encoding_type.as_ref().map(EncodingType::as_str) {
            None | Some("") => Ok(Self { encoded: false }),
            Some("url") => Ok(Self { encoded: true }),
            Some(_) => Err(invalid_argument("The only encoding-type is url.")),
        }
    }

    fn show(&self, name: &str) -> String {
        if self.encoded { uri_encode(name, true) } else { name.to_owned() }
    }

    fn common(&self, prefixes: &[String]) -> Vec<CommonPrefix> {
        prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(self.show(prefix)) }).collect()
    }

    fn encoding_type(&self) -> Option<EncodingType> {
        self.encoded.then(|| EncodingType::from_static(EncodingType::URL))
    }
}

/// A page of none is asked for to see whether the bucket is there; it is never a cut one.
async fn page(
    operations: &Operations,
    bucket: &str,
    prefix: &str,
    delimiter: Option<&str>,
    after: Option<&str>,
    limit: i32,
) -> S3Result<ListPage> {
    if limit == 0 {
        operations.must_have_bucket(bucket).await?;
        return Ok(ListPage::default());
    }
    operations.store.list(bucket, prefix, delimiter, after, count(limit)).await.map_err(from_store)
}

fn object(info: ObjectInfo, names: &Names, with_owner: bool) -> Object {
    Object {
        checksum_algorithm: (!info.checksums.is_empty()).then(|| {
            info.checksums.iter().map(|checksum| ChecksumAlgorithm::from_static(checksum.algorithm.name())).collect()
        }),
        checksum_type: info.checksums.first().map(|checksum| ChecksumType::from_static(kind_name(checksum.kind))),
        e_tag: Some(etag(&info.etag)),
        key: Some(names.show(&info.key)),
        last_modified: Some(millis(info.last_modified)),
        owner: with_owner.then(owner),
        size: Some(length(info.size_bytes)),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Default::default()
    }
}

fn upload(info: UploadInfo, names: &Names) -> MultipartUpload {
    MultipartUpload {
        checksum_algorithm: info.checksum.map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: info.checksum.map(|(_, kind)| ChecksumType::from_static(kind_name(kind))),
        initiated: Some(millis(info.initiated_at)),
        initiator: Some(Initiator { display_name: Some(OWNER.into()), id: Some(OWNER.into()) }),
        key: Some(names.show(&info.key)),
        owner: Some(owner()),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        upload_id: Some(info.upload_id),
    }
}

/// An empty parameter is as good as none.
fn some(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn limit(asked: Option<i32>) -> S3Result<i32> {
    match asked {
        None => Ok(MAX_KEYS),
        Some(0..) => Ok(asked.unwrap_or(MAX_KEYS).min(MAX_KEYS)),
        Some(_) => Err(invalid_argument("The page's length is a number from 0.")),
    }
}

fn count(limit: i32) -> usize {
    usize::try_from(limit).unwrap_or(0)
}

/// A continuation token is the key or prefix that the page before ended with.
fn open_token(token: &str) -> S3Result<String> {
    let after = BASE64_URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    after.ok_or_else(|| invalid_argument("The continuation token is not one of ours."))
}
