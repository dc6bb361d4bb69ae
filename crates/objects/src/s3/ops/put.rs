//! PutObject and UploadPart: a body on its way to the store.

use futures::StreamExt;
use http::HeaderMap;
use s3s::dto::{PutObjectInput, PutObjectOutput, StreamingBlob, UploadPartInput, UploadPartOutput};
use s3s::{S3Request, S3Response, S3Result};

use super::super::checksum::{self, Announced, fill_checksums, fill_checksums_and_type};
use super::super::error::{from_body, from_store, invalid_argument, not_implemented};
use super::{Operations, Target, done, etag, own_bucket};
use crate::StoreError;
use crate::store::{ObjectWriter, PartOptions, PartWriter, PutOptions};

/// Most user metadata, bytes of names and values (S3: 2 KB).
const MAX_METADATA_BYTES: usize = 2048;
pub(super) const METADATA_PREFIX: &str = "x-amz-meta-";

/// `(content type, headers, metadata)` of a request that makes an object.
macro_rules! kept {
    ($request:expr) => {{
        let expires = $crate::s3::ops::put::expires(&$request);
        let input = &mut $request.input;
        let headers = $crate::store::ObjectHeaders {
            cache_control: input.cache_control.take(),
            content_disposition: input.content_disposition.take(),
            content_encoding: $crate::s3::ops::put::content_encoding(input.content_encoding.as_deref()),
            content_language: input.content_language.take(),
            expires,
        };
        (input.content_type.take(), headers, $crate::s3::ops::put::metadata(&$request.headers)?)
    }};
}
/// What would have to be kept with an object, and is not offered here, is refused rather than forgotten.
macro_rules! refuse_unkept {
    ($input:expr) => {{
        let input = &*$input;
        let refused = [
            (input.sse_customer_algorithm.is_some() || input.sse_customer_key.is_some(), "Encryption"),
            (input.server_side_encryption.is_some() || input.ssekms_key_id.is_some(), "Encryption"),
            (input.object_lock_mode.is_some() || input.object_lock_legal_hold_status.is_some(), "Object lock"),
            (input.object_lock_retain_until_date.is_some(), "Object lock"),
            (input.tagging.as_deref().is_some_and(|tagging| !tagging.is_empty()), "Tagging"),
            (input.website_redirect_location.is_some(), "Website redirection"),
        ];
        if let Some((_, what)) = refused.into_iter().find(|(asked, _)| *asked) {
            return Err($crate::s3::error::not_implemented(format!("{what} is not offered.")));
        }
        if input.storage_class.as_ref().is_some_and(|class| class.as_str() != "STANDARD") {
            return Err(s3s::s3_error!(InvalidStorageClass, "The only storage class is STANDARD."));
        }
    }};
}
pub(super) use {kept, refuse_unkept};

pub(super) async fn put_object(
    operations: &Operations,
    mut request: S3Request<PutObjectInput>,
) -> S3Result<S3Response<PutObjectOutput>> {
    let announced = Announced::of(&request)?;
    let input = &mut request.input;
    own_bucket(input.expected_bucket_owner.as_deref())?;
    refuse_unkept!(input);
    if input.write_offset_bytes.is_some() {
        return Err(not_implemented("Objects cannot be appended to."));
    }
    let body = input.body.take();
    let (content_type, headers, metadata) = kept!(request);
    let input = &request.input;
    let target = Target { store: &operations.store, bucket: &input.bucket, key: &input.key };
    let options = PutOptions {
        content_type,
        headers,
        metadata,
        checksums: announced.algorithms.clone(),
        content_length: announced.length(),
        condition: target.condition(input.if_match.as_ref(), input.if_none_match.as_ref()).await?,
    };
    let asked = options.condition.clone();
    let writer = match operations.store.begin_put(&input.bucket, &input.key, options).await {
        Ok(writer) => writer,
        Err(error) => return Err(target.refusal(&asked, error).await),
    };
    let writer = receive(writer, body).await?;
    let expected = announced.with_trailers(request.trailing_headers.and_then(|trailers| trailers.take()))?;
    let info = match writer.finish(expected).await {
        Ok(info) => info,
        Err(error) => return Err(target.refusal(&asked, error).await),
    };
    let mut output = PutObjectOutput { e_tag: Some(etag(&info.etag)), ..Default::default() };
    fill_checksums_and_type!(output, checksum::of_object(&info));
    done(output)
}

pub(super) async fn upload_part(
    operations: &Operations,
    mut request: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let announced = Announced::of(&request)?;
    let input = &mut request.input;
    own_bucket(input.expected_bucket_owner.as_deref())?;
    let body = input.body.take();
    let options = PartOptions { checksums: announced.algorithms.clone(), content_length: announced.length() };
    let number = part_number(input.part_number)?;
    let (bucket, key, upload_id) = (&input.bucket, &input.key, &input.upload_id);
    let writer = operations.store.begin_part(bucket, key, upload_id, number, options).await.map_err(from_store)?;
    let writer = receive(writer, body).await?;
    let expected = announced.with_trailers(request.trailing_headers.and_then(|trailers| trailers.take()))?;
    let info = writer.finish(expected).await.map_err(from_store)?;
    let mut output = UploadPartOutput { e_tag: Some(etag(&info.etag)), ..Default::default() };
    fill_checksums!(output, &info.checksums);
    done(output)
}

pub(super) fn part_number(number: i32) -> S3Result<u32> {
    u32::try_from(number).map_err(|_| invalid_argument("Part numbers are 1 to 10000."))
}

/// Objects and parts take bytes alike.
trait Receives: Sized {
    async fn take(&mut self, bytes: bytes::Bytes) -> Result<(), StoreError>;
}

impl Receives for ObjectWriter {
    async fn take(&mut self, bytes: bytes::Bytes) -> Result<(), StoreError> {
        self.write(bytes).await
    }
}

impl Receives for PartWriter {
    async fn take(&mut self, bytes: bytes::Bytes) -> Result<(), StoreError> {
        self.write(bytes).await
    }
}

/// The frames of the body as they arrive. On any error the writer is dropped, and nothing of it stays.
async fn receive<W: Receives>(mut writer: W, body: Option<StreamingBlob>) -> S3Result<W> {
    let Some(mut body) = body else { return Ok(writer) };
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|error| from_body(&*error))?;
        writer.take(bytes).await.map_err(from_store)?;
    }
    Ok(writer)
}

/// Without `aws-chunked`, which is about the request and not about the object.
pub(super) fn content_encoding(value: Option<&str>) -> Option<String> {
    let kept: Vec<&str> =
        value?.split(',').map(str::trim).filter(|part| !part.is_empty() && *part != "aws-chunked").collect();
    (!kept.is_empty()).then(|| kept.join(", "))
}

/// User metadata, each value as the client wrote it: plain, RFC 2047 or UTF-8, it comes back the same.
pub(super) fn metadata(headers: &HeaderMap) -> S3Result<Vec<(String, String)>> {
    let mut metadata = Vec::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix(METADATA_PREFIX).filter(|name| !name.is_empty()) else { continue };
        let value = str::from_utf8(value.as_bytes()).map_err(|_| invalid_argument("User metadata is UTF-8."))?;
        metadata.push((name.to_owned(), value.to_owned()));
    }
    if metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_METADATA_BYTES {
        return Err(s3s::s3_error!(MetadataTooLarge, "User metadata has at most {MAX_METADATA_BYTES} bytes."));
    }
    metadata.sort_unstable();
    Ok(metadata)
}

/// The headers that are kept with an object, from any input that has them, and `expires` as the client wrote it.
pub(super) fn expires<T>(request: &S3Request<T>) -> Option<String> {
    Some(request.headers.get(http::header::EXPIRES)?.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_of_the_request_is_not_kept() {
        assert_eq!(content_encoding(Some("aws-chunked")), None);
        assert_eq!(content_encoding(Some("aws-chunked,gzip")).as_deref(), Some("gzip"));
        assert_eq!(content_encoding(Some("deflate, gzip, aws-chunked")).as_deref(), Some("deflate, gzip"));
        assert_eq!(content_encoding(Some("")), None);
        assert_eq!(content_encoding(None), None);
    }
}
