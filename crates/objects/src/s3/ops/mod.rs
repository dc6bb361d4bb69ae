//! The operations, as `s3s` calls them: after signature and access.

mod bucket;
mod copy;
mod delete;
mod list;
mod multipart;
mod put;
mod read;

use std::sync::Arc;

use jiff::Timestamp;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
    CopyObjectInput, CopyObjectOutput, CreateBucketInput, CreateBucketOutput, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, DeleteBucketInput, DeleteBucketOutput, DeleteObjectInput, DeleteObjectOutput,
    DeleteObjectsInput, DeleteObjectsOutput, ETag, ETagCondition, GetBucketAclInput, GetBucketAclOutput,
    GetBucketLocationInput, GetBucketLocationOutput, GetBucketVersioningInput, GetBucketVersioningOutput,
    GetObjectAclInput, GetObjectAclOutput, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectInput,
    GetObjectOutput, GetObjectTaggingInput, GetObjectTaggingOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput,
    HeadObjectOutput, ListBucketsInput, ListBucketsOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, ListPartsInput, ListPartsOutput, Owner, PutBucketAclInput, PutBucketAclOutput,
    PutObjectAclInput, PutObjectAclOutput, PutObjectInput, PutObjectOutput, UploadPartCopyInput, UploadPartCopyOutput,
    UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};

use super::S3Config;
use super::access::Authority;
use super::error::from_store;
use crate::store::Condition;
use crate::{Store, StoreError};

/// Who owns every bucket and object, where S3 wants an owner.
const OWNER: &str = "eyrie";

pub(super) struct Operations {
    store: Arc<Store>,
    config: S3Config,
}

impl Operations {
    pub(super) fn new(store: Arc<Store>, config: S3Config) -> Self {
        Self { store, config }
    }
}

/// `Name(function in file)` for each operation that is offered; s3s answers NotImplemented to all others.
macro_rules! operations {
    ($($name:ident: $input:ident -> $output:ident = $file:ident;)+) => {
        #[async_trait::async_trait]
        impl S3 for Operations {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                self::$file::$name(self, request).await
            })+
        }
    };
}

operations! {
    abort_multipart_upload: AbortMultipartUploadInput -> AbortMultipartUploadOutput = multipart;
    complete_multipart_upload: CompleteMultipartUploadInput -> CompleteMultipartUploadOutput = multipart;
    copy_object: CopyObjectInput -> CopyObjectOutput = copy;
    create_bucket: CreateBucketInput -> CreateBucketOutput = bucket;
    create_multipart_upload: CreateMultipartUploadInput -> CreateMultipartUploadOutput = multipart;
    delete_bucket: DeleteBucketInput -> DeleteBucketOutput = bucket;
    delete_object: DeleteObjectInput -> DeleteObjectOutput = delete;
    delete_objects: DeleteObjectsInput -> DeleteObjectsOutput = delete;
    get_bucket_acl: GetBucketAclInput -> GetBucketAclOutput = bucket;
    get_bucket_location: GetBucketLocationInput -> GetBucketLocationOutput = bucket;
    get_bucket_versioning: GetBucketVersioningInput -> GetBucketVersioningOutput = bucket;
    get_object: GetObjectInput -> GetObjectOutput = read;
    get_object_acl: GetObjectAclInput -> GetObjectAclOutput = read;
    get_object_attributes: GetObjectAttributesInput -> GetObjectAttributesOutput = read;
    get_object_tagging: GetObjectTaggingInput -> GetObjectTaggingOutput = read;
    head_bucket: HeadBucketInput -> HeadBucketOutput = bucket;
    head_object: HeadObjectInput -> HeadObjectOutput = read;
    list_buckets: ListBucketsInput -> ListBucketsOutput = bucket;
    list_multipart_uploads: ListMultipartUploadsInput -> ListMultipartUploadsOutput = list;
    list_object_versions: ListObjectVersionsInput -> ListObjectVersionsOutput = list;
    list_objects: ListObjectsInput -> ListObjectsOutput = list;
    list_objects_v2: ListObjectsV2Input -> ListObjectsV2Output = list;
    list_parts: ListPartsInput -> ListPartsOutput = multipart;
    put_bucket_acl: PutBucketAclInput -> PutBucketAclOutput = bucket;
    put_object: PutObjectInput -> PutObjectOutput = put;
    put_object_acl: PutObjectAclInput -> PutObjectAclOutput = read;
    upload_part: UploadPartInput -> UploadPartOutput = put;
    upload_part_copy: UploadPartCopyInput -> UploadPartCopyOutput = copy;
}

impl Operations {
    async fn must_have_bucket(&self, bucket: &str) -> S3Result<()> {
        match self.store.bucket(bucket).await.map_err(from_store)? {
            Some(_) => Ok(()),
            None => Err(s3_error!(NoSuchBucket, "There is no such bucket.")),
        }
    }
}

fn done<T>(output: T) -> S3Result<S3Response<T>> {
    Ok(S3Response::new(output))
}

fn authority<T>(request: &S3Request<T>) -> Authority {
    request.extensions.get::<Authority>().cloned().expect("access has checked every request")
}

fn owner() -> Owner {
    Owner { display_name: Some(OWNER.into()), id: Some(OWNER.into()) }
}

fn etag(value: &str) -> ETag {
    ETag::Strong(value.to_owned())
}

/// To whole seconds, which is all that HTTP's dates and conditions know.
fn seconds(time: Timestamp) -> s3s::dto::Timestamp {
    let whole = Timestamp::from_second(time.as_second()).unwrap_or(time);
    s3s::dto::Timestamp::from(std::time::SystemTime::from(whole))
}

/// As listings show times, to the millisecond.
fn millis(time: Timestamp) -> s3s::dto::Timestamp {
    let whole = Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time);
    s3s::dto::Timestamp::from(std::time::SystemTime::from(whole))
}

/// There are no versions: the only one there is is called `null`.
fn no_versions(version_id: Option<&str>) -> S3Result<()> {
    match version_id {
        None | Some("null" | "") => Ok(()),
        Some(_) => Err(s3_error!(NoSuchVersion, "Versions are not kept.")),
    }
}

fn own_bucket(expected_owner: Option<&str>) -> S3Result<()> {
    match expected_owner {
        Some(expected) if expected != OWNER => Err(s3_error!(AccessDenied, "The bucket has another owner.")),
        _ => Ok(()),
    }
}

/// The key that a write goes to.
struct Target<'a> {
    store: &'a Store,
    bucket: &'a str,
    key: &'a str,
}

impl Target<'_> {
    /// The conditions of a write. `If-None-Match` with an ETag means: not over that object. It becomes a write over just
    /// what is there now, so that a write which came between fails it.
    async fn condition(
        &self,
        if_match: Option<&ETagCondition>,
        if_none_match: Option<&ETagCondition>,
    ) -> S3Result<Condition> {
        let etag = if_match.map(|condition| match condition {
            ETagCondition::Any => "*".to_owned(),
            ETagCondition::ETag(etag) => etag.value().to_owned(),
        });
        match if_none_match {
            None => Ok(Condition { etag, ..Condition::default() }),
            Some(ETagCondition::Any) => Ok(Condition { absent: true, etag, ..Condition::default() }),
            Some(ETagCondition::ETag(other)) => {
                match self.store.head(self.bucket, self.key).await.map_err(from_store)? {
                    Some(info) if info.etag == other.value() => Err(from_store(StoreError::PreconditionFailed)),
                    Some(info) => Ok(Condition { etag: Some(etag.unwrap_or(info.etag)), ..Condition::default() }),
                    None => Ok(Condition { absent: true, etag, ..Condition::default() }),
                }
            }
        }
    }

    /// Why a write was refused. `If-Match` where there is nothing is NoSuchKey.
    async fn refusal(&self, condition: &Condition, error: StoreError) -> S3Error {
        let asked_for_one = matches!(error, StoreError::PreconditionFailed) && condition.etag.is_some();
        if asked_for_one && matches!(self.store.head(self.bucket, self.key).await, Ok(None)) {
            return s3_error!(NoSuchKey, "There is no such object.");
        }
        from_store(error)
    }
}
