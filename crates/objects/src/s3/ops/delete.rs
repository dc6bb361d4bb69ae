//! DeleteObject and DeleteObjects.

use futures::{StreamExt, stream};
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag, Error,
    ObjectIdentifier, Timestamp,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::super::access::Authority;
use super::super::error::from_store;
use super::read::length;
use super::{Operations, Target, authority, done, no_versions, own_bucket, seconds};
use crate::store::Condition;

/// Most objects in one DeleteObjects.
const MAX_OBJECTS: usize = 1000;
/// Each waits for the disk by itself.
const DELETIONS_AT_ONCE: usize = 16;

pub(super) async fn delete_object(
    operations: &Operations,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let input = request.input;
    own_bucket(input.expected_bucket_owner.as_deref())?;
    no_versions(input.version_id.as_deref())?;
    let target = Target { store: &operations.store, bucket: &input.bucket, key: &input.key };
    let condition = target.condition(input.if_match.as_ref(), None).await?;
    let seen = Seen { time: input.if_match_last_modified_time, size: input.if_match_size };
    delete(operations, &input.bucket, &input.key, condition, &seen).await?;
    done(DeleteObjectOutput::default())
}

pub(super) async fn delete_objects(
    operations: &Operations,
    request: S3Request<DeleteObjectsInput>,
) -> S3Result<S3Response<DeleteObjectsOutput>> {
    let authority = authority(&request);
    let input = request.input;
    own_bucket(input.expected_bucket_owner.as_deref())?;
    operations.must_have_bucket(&input.bucket).await?;
    let objects = input.delete.objects;
    if objects.is_empty() || objects.len() > MAX_OBJECTS {
        return Err(s3_error!(MalformedXML, "One request deletes 1 to {MAX_OBJECTS} objects."));
    }
    let quiet = input.delete.quiet == Some(true);
    let deletions = objects.into_iter().map(async |object| {
        let (key, version_id) = (object.key.clone(), object.version_id.clone());
        (key, version_id, delete_one(operations, &authority, &input.bucket, object).await)
    });
    let outcomes: Vec<_> = stream::iter(deletions).buffered(DELETIONS_AT_ONCE).collect().await;
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for (key, version_id, outcome) in outcomes {
        match outcome {
            Ok(()) if quiet => {}
            Ok(()) => deleted.push(DeletedObject { key: Some(key), version_id, ..Default::default() }),
            Err(error) => errors.push(Error {
                code: Some(error.code().as_str().to_owned()),
                key: Some(key),
                message: error.message().map(str::to_owned),
                version_id,
            }),
        }
    }
    done(DeleteObjectsOutput { deleted: Some(deleted), errors: Some(errors), ..Default::default() })
}

async fn delete_one(
    operations: &Operations,
    authority: &Authority,
    bucket: &str,
    object: ObjectIdentifier,
) -> S3Result<()> {
    authority.check_object("s3:DeleteObject", bucket, &object.key)?;
    authority.check_removal(bucket, &object.key).await?;
    no_versions(object.version_id.as_deref())?;
    let condition = Condition { etag: object.e_tag.map(ETag::into_value), ..Condition::default() };
    let seen = Seen { time: object.last_modified_time, size: object.size };
    delete(operations, bucket, &object.key, condition, &seen).await
}

/// What else the object must be, as the client saw it.
struct Seen {
    time: Option<Timestamp>,
    size: Option<i64>,
}

/// An object that is not there is deleted already, unless the client names the one it means.
async fn delete(
    operations: &Operations,
    bucket: &str,
    key: &str,
    mut condition: Condition,
    seen: &Seen,
) -> S3Result<()> {
    if seen.time.is_some() || seen.size.is_some() {
        let Some(info) = operations.store.head(bucket, key).await.map_err(from_store)? else { return Ok(()) };
        let other_time = seen.time.as_ref().is_some_and(|time| *time != seconds(info.last_modified));
        let other_size = seen.size.is_some_and(|size| size != length(info.size_bytes));
        if other_time || other_size {
            return Err(s3_error!(PreconditionFailed, "The object is another one."));
        }
        // holds until the deletion, too
        condition.etag.get_or_insert(info.etag);
    }
    if condition.etag.is_none() {
        operations.store.delete(bucket, key).await.map_err(from_store)?;
    } else {
        operations.store.delete_if(bucket, key, &condition).await.map_err(from_store)?;
    }
    Ok(())
}
