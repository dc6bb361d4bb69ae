//! What is made of stored files: thumbnails, previews, proxies. In the same store, beside the files, never among them.
//!
//! Each workspace has a second bucket that no S3 credential names and no workspace can be given, so that tools, docks and
//! the comparison of store and catalogue do not see it; why: docs/decisions/derived-objects.md. A key holds the file's id
//! and its ETag: what was made of other bytes is never found. Everything here can be made again.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use eyrie_catalogue::Media;
use eyrie_media::picture::Coding;
use eyrie_objects::store::{Expected, ObjectReader, PutOptions};
use eyrie_objects::{ObjectInfo, StoreError};
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

use crate::app::App;

/// Bucket names that begin so are ours.
pub const BUCKET_PREFIX: &str = "derived-";
/// Objects of one file that are looked at in one go.
const PAGE: usize = 100;
/// Copied into the store at once, bytes.
const CHUNK_BYTES: usize = 256 * 1024;

/// What is made of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    Thumbnail(Coding),
    Preview(Coding),
    /// A small H.264 video.
    Proxy,
}

impl Form {
    /// The number goes up when the form is made differently.
    fn file_name(self) -> String {
        match self {
            Self::Thumbnail(coding) => format!("thumbnail-1.{}", coding.extension()),
            Self::Preview(coding) => format!("preview-1.{}", coding.extension()),
            Self::Proxy => "proxy-1.mp4".into(),
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::Thumbnail(coding) | Self::Preview(coding) => coding.content_type(),
            Self::Proxy => "video/mp4",
        }
    }
}

/// Where a workspace's derived objects are.
pub fn bucket(workspace_id: Uuid) -> String {
    format!("{BUCKET_PREFIX}{}", workspace_id.simple())
}

/// The key of a form of a file's present bytes.
pub fn key(media: &Media, form: Form) -> String {
    format!("{}{}", version_prefix(media), form.file_name())
}

fn media_prefix(media_id: Uuid) -> String {
    format!("{}/", media_id.simple())
}

fn version_prefix(media: &Media) -> String {
    format!("{}{}/", media_prefix(media.id), media.etag.as_deref().unwrap_or("unknown"))
}

/// `None` when it was not made, or is gone.
///
/// # Errors
/// What the store says.
pub async fn open(app: &App, media: &Media, form: Form) -> Result<Option<ObjectReader>, StoreError> {
    match app.store.open_object(&bucket(media.workspace_id), &key(media, form)).await {
        Err(StoreError::NoSuchBucket(_)) => Ok(None),
        // worth nothing: it is made again
        Err(StoreError::Damaged { key, why }) => {
            tracing::warn!(object.key = key, why, "a derived object is damaged");
            Ok(None)
        }
        other => other,
    }
}

/// Keeps a form of the file. Durable when it returns.
///
/// # Errors
/// What the store says.
pub async fn put(app: &App, media: &Media, form: Form, bytes: Bytes) -> Result<ObjectInfo, StoreError> {
    let (bucket, key) = (bucket(media.workspace_id), key(media, form));
    match app.store.put(&bucket, &key, Some(form.content_type()), bytes.clone()).await {
        Err(StoreError::NoSuchBucket(_)) => {
            app.store.create_bucket(&bucket).await?;
            app.store.put(&bucket, &key, Some(form.content_type()), bytes).await
        }
        other => other,
    }
}

/// Keeps a form that lies in a local file. Durable when it returns.
///
/// # Errors
/// What the store says; [`StoreError::Io`] when the file cannot be read.
pub async fn put_file(app: &App, media: &Media, form: Form, path: &Path) -> Result<ObjectInfo, StoreError> {
    let (bucket, key) = (bucket(media.workspace_id), key(media, form));
    let failed = |source| StoreError::Io { doing: "a derived file cannot be read".into(), source };
    app.store.create_bucket(&bucket).await?;
    let mut file = tokio::fs::File::open(path).await.map_err(failed)?;
    let options = PutOptions {
        content_type: Some(form.content_type().to_owned()),
        content_length: Some(file.metadata().await.map_err(failed)?.len()),
        ..PutOptions::default()
    };
    let mut writer = app.store.begin_put(&bucket, &key, options).await?;
    loop {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        if file.read_buf(&mut chunk).await.map_err(failed)? == 0 {
            return writer.finish(Expected::default()).await;
        }
        writer.write(chunk.freeze()).await?;
    }
}

/// Removes what was made of earlier bytes of the file; with `all` what was made of its present ones, too.
///
/// # Errors
/// What the store says; some may be gone by then.
pub async fn remove(app: &App, media: &Media, all: bool) -> Result<usize, StoreError> {
    let kept = (!all).then(|| version_prefix(media));
    remove_but(app, media.workspace_id, media.id, kept.as_deref()).await
}

/// Removes whatever was made of a file that is gone.
///
/// # Errors
/// What the store says; some may be gone by then.
pub async fn remove_all(app: &App, workspace_id: Uuid, media_id: Uuid) -> Result<usize, StoreError> {
    remove_but(app, workspace_id, media_id, None).await
}

async fn remove_but(app: &App, workspace_id: Uuid, media_id: Uuid, kept: Option<&str>) -> Result<usize, StoreError> {
    let (bucket, prefix) = (bucket(workspace_id), media_prefix(media_id));
    let (mut after, mut removed) = (None::<String>, 0);
    loop {
        let page = match app.store.list(&bucket, &prefix, None, after.as_deref(), PAGE).await {
            Err(StoreError::NoSuchBucket(_)) => return Ok(0),
            other => other?,
        };
        for object in page.objects.iter().filter(|object| kept.is_none_or(|kept| !object.key.starts_with(kept))) {
            removed += usize::from(app.store.delete(&bucket, &object.key).await?);
        }
        after = page.next_after;
        if after.is_none() {
            return Ok(removed);
        }
    }
}
