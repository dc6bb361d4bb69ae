//! The upload, through the `object_store` crate: PutObject and multipart with session credentials, path-style.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStoreExt, PutPayload, RetryConfig};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The answer to `storage_config_get`, checked as strictly as a dock would.
#[derive(Clone)]
pub struct Storage {
    pub bucket: String,
    pub region: String,
    pub endpoint: String,
    pub object_key_prefix: String,
    pub expire_s: i64,
    access_key_id: String,
    access_key_secret: String,
    security_token: String,
}

impl Storage {
    pub(crate) fn read(output: &Value) -> anyhow::Result<Self> {
        let text = |value: &Value, name: &str| {
            value[name].as_str().map(str::to_owned).with_context(|| format!("{name} is not text"))
        };
        let credentials = &output["credentials"];
        let provider = text(output, "provider")?;
        ensure!(["ali", "aws", "minio"].contains(&provider.as_str()), "provider {provider:?} is not known to docks");
        let endpoint = text(output, "endpoint")?;
        ensure!(endpoint.starts_with("http://") || endpoint.starts_with("https://"), "the endpoint has no scheme");
        Ok(Self {
            bucket: text(output, "bucket")?,
            region: text(output, "region")?,
            endpoint,
            object_key_prefix: text(output, "object_key_prefix")?,
            expire_s: credentials["expire"].as_i64().context("expire is not a number")?,
            access_key_id: text(credentials, "access_key_id")?,
            access_key_secret: text(credentials, "access_key_secret")?,
            security_token: text(credentials, "security_token")?,
        })
    }

    /// The same with a token that nobody signed.
    pub(crate) fn with_broken_token(&self) -> Self {
        Self { security_token: format!("{}x", self.security_token), ..self.clone() }
    }

    /// The same for a bucket of somebody else.
    pub(crate) fn with_other_bucket(&self) -> Self {
        Self { bucket: format!("{}-other", self.bucket), ..self.clone() }
    }

    /// With connections of its own.
    pub(crate) fn client(&self) -> anyhow::Result<AmazonS3> {
        let retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let options = ClientOptions::new().with_allow_http(true).with_timeout(Duration::from_secs(600));
        Ok(AmazonS3Builder::new()
            .with_endpoint(&self.endpoint)
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            .with_access_key_id(&self.access_key_id)
            .with_secret_access_key(&self.access_key_secret)
            .with_token(&self.security_token)
            .with_virtual_hosted_style_request(false)
            .with_client_options(options)
            .with_retry(retry)
            .build()?)
    }
}

pub(crate) async fn put(storage: &Storage, key: &str, bytes: Bytes) -> anyhow::Result<()> {
    put_by(&storage.client()?, key, bytes).await
}

/// As [`put`], by a client that is there already.
pub(crate) async fn put_by(client: &AmazonS3, key: &str, bytes: Bytes) -> anyhow::Result<()> {
    client.put(&Path::parse(key)?, PutPayload::from_bytes(bytes)).await.context("upload")?;
    Ok(())
}

/// Multipart, with a pause before each part.
pub(crate) async fn parts(
    storage: &Storage,
    key: &str,
    bytes: Bytes,
    part_bytes: usize,
    pause: Duration,
) -> anyhow::Result<()> {
    let mut upload =
        storage.client()?.put_multipart(&Path::parse(key)?).await.context("begin of a multipart upload")?;
    let mut at = 0;
    while at < bytes.len() {
        tokio::time::sleep(pause).await;
        let end = (at + part_bytes).min(bytes.len());
        upload.put_part(PutPayload::from_bytes(bytes.slice(at..end))).await.context("upload of a part")?;
        at = end;
    }
    if bytes.is_empty() {
        upload.put_part(PutPayload::new()).await.context("upload of a part")?;
    }
    upload.complete().await.context("end of a multipart upload")?;
    Ok(())
}

/// A multipart upload that ends after its first part, without a word.
pub(crate) async fn broken_off(storage: &Storage, key: &str, bytes: Bytes) -> anyhow::Result<()> {
    let mut upload =
        storage.client()?.put_multipart(&Path::parse(key)?).await.context("begin of a multipart upload")?;
    upload.put_part(PutPayload::from_bytes(bytes)).await.context("upload of a part")?;
    Ok(())
}

/// Multipart with several parts under way at once.
pub(crate) async fn parts_at_once(
    client: &AmazonS3,
    key: &str,
    bytes: Bytes,
    part_bytes: usize,
    at_once: usize,
) -> anyhow::Result<()> {
    let upload = client.put_multipart(&Path::parse(key)?).await.context("begin of a multipart upload")?;
    let mut writer = object_store::WriteMultipart::new_with_chunk_size(upload, part_bytes);
    let mut at = 0;
    while at < bytes.len() {
        writer.wait_for_capacity(at_once).await.context("upload of a part")?;
        let end = (at + part_bytes).min(bytes.len());
        writer.put(bytes.slice(at..end));
        at = end;
    }
    writer.finish().await.context("end of a multipart upload")?;
    Ok(())
}

/// Lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
