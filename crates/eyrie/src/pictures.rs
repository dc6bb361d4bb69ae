//! Makes the pictures that people look at, of photos and of videos.
//!
//! Decoding runs on blocking threads, a few at a time; a decoder that panics ends its own picture and nothing else. What a
//! file is worth (its size, a placeholder, or why there is no picture) goes to the catalogue with the ETag of the bytes.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use eyrie_catalogue::{Media, MediaKind, PictureFacts};
use eyrie_media::picture::{
    Coding, Glimpse, PREVIEW_PX, Picture, PictureError, THUMBNAIL_PX, embedded_picture, look, whole_picture,
};
use eyrie_objects::StoreError;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::app::App;
use crate::derived::{self, Form};
use crate::events::Change;
use crate::ffmpeg::{self, FfmpegError};
use crate::object_range::{self, ObjectRange};

/// Pictures that are decoded at once, at most: each may take [`eyrie_media::picture::MAX_DECODED_BYTES`].
const MAX_DECODING: usize = 4;

/// Who decodes, and which files are being worked on.
pub struct Pictures {
    decoding: Arc<Semaphore>,
    making: Mutex<HashMap<Uuid, Arc<tokio::sync::Mutex<()>>>>,
}

impl Default for Pictures {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { decoding: Arc::new(Semaphore::new(threads.min(MAX_DECODING))), making: Mutex::default() }
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The file will never give one.
    #[error(transparent)]
    Hopeless(PictureError),
    #[error("the file's object is not in the store")]
    Gone,
    /// ffmpeg is not there, or did nothing with the video.
    #[error(transparent)]
    Video(#[from] FfmpegError),
    /// Another time it may.
    #[error("the picture cannot be made now")]
    Failed(#[source] anyhow::Error),
}

impl From<StoreError> for MakeError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<PictureError> for MakeError {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => Self::Gone,
            PictureError::Io(error) => Self::Failed(error.into()),
            other => Self::Hopeless(other),
        }
    }
}

/// Whether files of this kind have pictures at all.
pub fn has_picture(kind: MediaKind) -> bool {
    matches!(kind, MediaKind::Photo | MediaKind::Thermal | MediaKind::Panorama | MediaKind::Video)
}

/// Makes thumbnail and preview and writes down what is known of the picture: also that there is none.
///
/// # Errors
/// [`MakeError`] but [`MakeError::Hopeless`]: what a file can never give is told in the facts.
pub async fn make_all(app: &Arc<App>, media: &Media) -> Result<PictureFacts, MakeError> {
    let lock = app.pictures.lock_of(media.id);
    let _held = lock.lock().await;
    let made = match media.kind {
        MediaKind::Video => video(app, media).await,
        _ => photo(app, media).await,
    };
    let facts = match made {
        Ok((width_px, height_px, Glimpse { thumbhash, average_color })) => PictureFacts {
            etag: media.etag.clone().unwrap_or_default(),
            width_px: Some(width_px),
            height_px: Some(height_px),
            thumbhash: Some(thumbhash),
            average_color: Some(average_color),
            error: None,
        },
        Err(MakeError::Hopeless(error)) => {
            // an embedded preview was sound, the picture is not: nothing is shown that the file does not hold
            derived::remove(app, media, true).await?;
            no_picture(media, &error)
        }
        Err(MakeError::Video(error)) if error.blames_the_video() => {
            save(app, media, &no_picture(media, &error)).await?;
            return Err(error.into());
        }
        Err(error) => return Err(error),
    };
    save(app, media, &facts).await?;
    derived::remove(app, media, false).await?;
    Ok(facts)
}

/// Size and placeholder of what was made.
type Made = (u32, u32, Glimpse);

async fn photo(app: &Arc<App>, media: &Media) -> Result<Made, MakeError> {
    on_a_blocking_thread(app, media, |app, media, range| {
        let look = look(range)?;
        let early = embedded_picture(range, &look, THUMBNAIL_PX);
        if let Some(thumbnail) = &early {
            keep(app, media, Form::Thumbnail(Coding::WebP), thumbnail)?;
        }
        let preview = whole_picture(range, &look, PREVIEW_PX)?;
        keep(app, media, Form::Preview(Coding::WebP), &preview)?;
        let thumbnail = match early {
            Some(thumbnail) => thumbnail,
            None => {
                let thumbnail = preview.shrunk(THUMBNAIL_PX);
                keep(app, media, Form::Thumbnail(Coding::WebP), &thumbnail)?;
                thumbnail
            }
        };
        Ok((look.width_px, look.height_px, thumbnail.glimpse()))
    })
    .await
}

async fn video(app: &Arc<App>, media: &Media) -> Result<Made, MakeError> {
    let preview = poster(app, media).await?;
    // the poster is smaller than the video's frames
    let side = |name: &str| media.metadata.pointer(name).and_then(Value::as_u64).and_then(|px| u32::try_from(px).ok());
    let turned = side("/video/rotation_deg").is_some_and(|degrees| degrees % 180 == 90);
    let size = side("/video/width_px").zip(side("/video/height_px"));
    let size = size.map(|(width, height)| if turned { (height, width) } else { (width, height) });
    let (width_px, height_px) = size.unwrap_or((preview.width_px(), preview.height_px()));
    on_a_blocking_thread(app, media, move |app, media, _| {
        let thumbnail = preview.shrunk(THUMBNAIL_PX);
        keep(app, media, Form::Thumbnail(Coding::WebP), &thumbnail)?;
        keep(app, media, Form::Preview(Coding::WebP), &preview)?;
        Ok((width_px, height_px, thumbnail.glimpse()))
    })
    .await
}

/// A few at a time, as decoding.
async fn poster(app: &App, media: &Media) -> Result<Picture, MakeError> {
    let _permit = app.pictures.decoding.acquire().await.expect("the semaphore is never closed");
    Ok(ffmpeg::poster(app, media).await?)
}

/// Makes one form that is asked for now.
///
/// # Errors
/// [`MakeError`]; that there is no picture is written down, too.
pub async fn make_one(app: &Arc<App>, media: &Media, form: Form) -> Result<(), MakeError> {
    let lock = app.pictures.lock_of(media.id);
    let _held = lock.lock().await;
    if derived::open(app, media, form).await?.is_some() {
        return Ok(());
    }
    let from_video = match media.kind {
        MediaKind::Video => match poster(app, media).await {
            Err(MakeError::Video(error)) if error.blames_the_video() => {
                save(app, media, &no_picture(media, &error)).await?;
                return Err(error.into());
            }
            other => Some(other?),
        },
        _ => None,
    };
    let made = on_a_blocking_thread(app, media, move |app, media, range| {
        let longest_px = if matches!(form, Form::Thumbnail(_)) { THUMBNAIL_PX } else { PREVIEW_PX };
        if let Some(poster) = from_video {
            return keep(app, media, form, &poster.shrunk(longest_px));
        }
        let look = look(range)?;
        let picture = match embedded_picture(range, &look, longest_px) {
            Some(picture) => picture,
            None => whole_picture(range, &look, longest_px)?,
        };
        keep(app, media, form, &picture)
    })
    .await;
    if let Err(MakeError::Hopeless(error)) = &made {
        save(app, media, &no_picture(media, error)).await?;
    }
    // a file that was deleted meanwhile leaves nothing behind
    let known = app.catalogue.media_by_id(media.id).await.map_err(|error| MakeError::Failed(error.into()))?;
    if known.is_none() {
        derived::remove_all(app, media.workspace_id, media.id).await?;
        return Err(MakeError::Gone);
    }
    made
}

impl Pictures {
    /// One at a time works on a file's pictures.
    fn lock_of(&self, media_id: Uuid) -> Arc<tokio::sync::Mutex<()>> {
        let mut making = self.making.lock();
        making.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(making.entry(media_id).or_default())
    }
}

fn no_picture(media: &Media, why: &dyn std::fmt::Display) -> PictureFacts {
    let etag = media.etag.clone().unwrap_or_default();
    PictureFacts { etag, error: Some(why.to_string()), ..PictureFacts::default() }
}

async fn save(app: &App, media: &Media, facts: &PictureFacts) -> Result<(), MakeError> {
    let failed = |error: eyrie_catalogue::CatalogueError| MakeError::Failed(error.into());
    if app.catalogue.save_picture(media.id, facts, app.now()).await.map_err(failed)?
        && let Some(changed) = app.catalogue.media_by_id(media.id).await.map_err(failed)?
    {
        app.events.send(changed.workspace_id, Change::MediaUpdated(Box::new(changed)));
    }
    Ok(())
}

/// For blocking threads.
fn keep(app: &App, media: &Media, form: Form, picture: &Picture) -> Result<(), MakeError> {
    let (Form::Thumbnail(coding) | Form::Preview(coding)) = form else {
        return Err(MakeError::Failed(anyhow::anyhow!("a proxy is not a picture")));
    };
    let bytes = Bytes::from(picture.encode(coding)?);
    tokio::runtime::Handle::current().block_on(derived::put(app, media, form, bytes))?;
    Ok(())
}

async fn on_a_blocking_thread<T: Send + 'static>(
    app: &Arc<App>,
    media: &Media,
    work: impl FnOnce(&App, &Media, &mut ObjectRange) -> Result<T, MakeError> + Send + 'static,
) -> Result<T, MakeError> {
    let permit = Arc::clone(&app.pictures.decoding).acquire_owned().await.expect("the semaphore is never closed");
    let (app, media) = (Arc::clone(app), media.clone());
    let size_bytes = media.size_bytes.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
    let mut range = object_range::open(Arc::clone(&app.store), &media.bucket, &media.object_key, size_bytes);
    let worked = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work(&app, &media, &mut range)
    });
    worked.await.unwrap_or_else(|panic| {
        tracing::error!(%panic, "a decoder failed");
        Err(MakeError::Hopeless(PictureError::Damaged("the decoder failed on it".into())))
    })
}
