//! Buckets, and what clients ask of one before they use it.

use http::HeaderValue;
use s3s::dto::{
    Bucket, BucketCannedACL, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketAclInput, GetBucketAclOutput, GetBucketLocationInput, GetBucketLocationOutput,
    GetBucketVersioningInput, GetBucketVersioningOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput,
    ListBucketsOutput, PutBucketAclInput, PutBucketAclOutput,
};
use s3s::{S3Request, S3Response, S3Result};

use super::super::access::Reach;
use super::super::error::{from_store, not_implemented};
use super::read::{full_control, only_private};
use super::{Operations, authority, done, millis, own_bucket, owner};

/// The region that S3 writes as none at all.
const FIRST_REGION: &str = "us-east-1";
const MAX_BUCKETS_PAGE: usize = 10_000;

pub(super) async fn create_bucket(
    operations: &Operations,
    request: S3Request<CreateBucketInput>,
) -> S3Result<S3Response<CreateBucketOutput>> {
    let input = request.input;
    if input.object_lock_enabled_for_bucket == Some(true) {
        return Err(not_implemented("Object lock is not offered."));
    }
    operations.store.create_bucket(&input.bucket).await.map_err(from_store)?;
    done(CreateBucketOutput { location: Some(format!("/{}", input.bucket)) })
}

pub(super) async fn delete_bucket(
    operations: &Operations,
    request: S3Request<DeleteBucketInput>,
) -> S3Result<S3Response<DeleteBucketOutput>> {
    operations.store.delete_bucket(&request.input.bucket).await.map_err(from_store)?;
    done(DeleteBucketOutput::default())
}

pub(super) async fn head_bucket(
    operations: &Operations,
    request: S3Request<HeadBucketInput>,
) -> S3Result<S3Response<HeadBucketOutput>> {
    own_bucket(request.input.expected_bucket_owner.as_deref())?;
    operations.must_have_bucket(&request.input.bucket).await?;
    let mut response = S3Response::new(HeadBucketOutput::default());
    if let Ok(region) = HeaderValue::from_str(&operations.config.region) {
        response.headers.insert("x-amz-bucket-region", region);
    }
    Ok(response)
}

/// Only the buckets that the credential reaches.
pub(super) async fn list_buckets(
    operations: &Operations,
    request: S3Request<ListBucketsInput>,
) -> S3Result<S3Response<ListBucketsOutput>> {
    let authority = authority(&request);
    let input = request.input;
    let mut buckets = match authority.reach() {
        Reach::Path => Vec::new(),
        Reach::Bucket(own) => operations.store.bucket(own).await.map_err(from_store)?.into_iter().collect(),
        Reach::Every => operations.store.buckets().await.map_err(from_store)?,
    };
    let (prefix, after) = (input.prefix.as_deref().unwrap_or(""), input.continuation_token.as_deref().unwrap_or(""));
    buckets.retain(|bucket| bucket.name.starts_with(prefix) && (after.is_empty() || *bucket.name > *after));
    let limit = input.max_buckets.map_or(MAX_BUCKETS_PAGE, |max| usize::try_from(max).unwrap_or(0));
    let cut = buckets.len() > limit;
    buckets.truncate(limit);
    done(ListBucketsOutput {
        continuation_token: cut.then(|| buckets.last().map(|bucket| bucket.name.clone())).flatten(),
        buckets: Some(
            buckets
                .into_iter()
                .map(|bucket| Bucket {
                    creation_date: Some(millis(bucket.created_at)),
                    name: Some(bucket.name),
                    ..Default::default()
                })
                .collect(),
        ),
        owner: Some(owner()),
        prefix: input.prefix,
    })
}

pub(super) async fn get_bucket_location(
    operations: &Operations,
    request: S3Request<GetBucketLocationInput>,
) -> S3Result<S3Response<GetBucketLocationOutput>> {
    own_bucket(request.input.expected_bucket_owner.as_deref())?;
    operations.must_have_bucket(&request.input.bucket).await?;
    let region = &operations.config.region;
    let location_constraint = (region != FIRST_REGION).then(|| BucketLocationConstraint::from(region.clone()));
    done(GetBucketLocationOutput { location_constraint })
}

/// Versions were never switched on.
pub(super) async fn get_bucket_versioning(
    operations: &Operations,
    request: S3Request<GetBucketVersioningInput>,
) -> S3Result<S3Response<GetBucketVersioningOutput>> {
    operations.must_have_bucket(&request.input.bucket).await?;
    done(GetBucketVersioningOutput::default())
}

pub(super) async fn get_bucket_acl(
    operations: &Operations,
    request: S3Request<GetBucketAclInput>,
) -> S3Result<S3Response<GetBucketAclOutput>> {
    operations.must_have_bucket(&request.input.bucket).await?;
    done(GetBucketAclOutput { grants: Some(vec![full_control()]), owner: Some(owner()) })
}

pub(super) async fn put_bucket_acl(
    operations: &Operations,
    request: S3Request<PutBucketAclInput>,
) -> S3Result<S3Response<PutBucketAclOutput>> {
    operations.must_have_bucket(&request.input.bucket).await?;
    let input = &request.input;
    only_private(input.acl.as_ref().map(BucketCannedACL::as_str), input.access_control_policy.as_ref())?;
    done(PutBucketAclOutput::default())
}
