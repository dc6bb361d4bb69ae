//! Builds the report on a flight's survey files from what was read of each.
//!
//! Queued when such a file was read, and when a photo of a flight with a report was: a flight's files arrive one by one, so
//! all that asks within a few seconds becomes one job.

use eyrie_catalogue::{Media, MediaFilter, MediaKind, MediaStatus, NewJob, PpkSetRow};
use eyrie_media::ppk::{self, PpkSet};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::extract_metadata::READER_VERSION;
use super::{Failure, Run};
use crate::app::App;

pub const KIND: &str = "ppk-set";

/// Requests within this time become one job, seconds.
const GATHER_S: i64 = 5;
/// Pictures of one flight that are looked at.
const MAX_PHOTOS: usize = 50_000;

/// A flight's survey files and pictures.
pub struct Gathered {
    /// Kinds ppk and rtcm, in the order of names.
    pub files: Vec<Media>,
    pub photos: Vec<Media>,
}

/// Queues a report after a file of the flight was read, or came or went, if that can change it.
pub async fn after_change(app: &App, media: &Media) -> eyrie_catalogue::Result<()> {
    let Some(flight_id) = &media.flight_id else { return Ok(()) };
    let wanted = match media.kind {
        MediaKind::Ppk | MediaKind::Rtcm => true,
        MediaKind::Photo | MediaKind::Thermal => app.catalogue.ppk_set(media.workspace_id, flight_id).await?.is_some(),
        _ => false,
    };
    if wanted {
        let now = app.now();
        let job = new_job(media.workspace_id, flight_id, now, app.config.jobs.max_attempts);
        app.catalogue.add_jobs(&[job], now).await?;
        app.wake.wake();
    }
    Ok(())
}

/// The id follows from flight and time: asked again within [`GATHER_S`], it is the same job.
fn new_job(workspace_id: Uuid, flight_id: &str, now: Timestamp, max_attempts: u32) -> NewJob {
    let slot = now.as_second().div_euclid(GATHER_S) + 1;
    let mut hash = Sha256::new();
    hash.update(workspace_id.as_bytes());
    hash.update(slot.to_be_bytes());
    hash.update(flight_id.as_bytes());
    let mut id = [0; 16];
    id.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    NewJob {
        id: uuid::Builder::from_custom_bytes(id).into_uuid(),
        workspace_id: Some(workspace_id),
        kind: KIND.into(),
        media_id: None,
        flight_id: Some(flight_id.to_owned()),
        payload: json!({}),
        run_after: Timestamp::from_second(slot * GATHER_S).unwrap_or(now),
        max_attempts,
    }
}

pub async fn run(run: &Run) -> Result<Option<Value>, Failure> {
    let (Some(workspace_id), Some(flight_id)) = (run.job.workspace_id, run.job.flight_id.as_deref()) else {
        return Err(Failure::Final(anyhow::anyhow!("the job names no flight")));
    };
    let set = build(&run.app, workspace_id, flight_id).await?;
    let row = PpkSetRow {
        workspace_id,
        flight_id: flight_id.to_owned(),
        report: json!(set),
        reader_version: READER_VERSION,
        updated_at: run.app.now(),
    };
    run.app.catalogue.save_ppk_set(&row).await?;
    Ok(Some(json!({ "files": set.files.len(), "complete": set.complete, "matched": set.photos.matches.len() })))
}

/// The report as it would be now.
pub async fn build(app: &App, workspace_id: Uuid, flight_id: &str) -> anyhow::Result<PpkSet> {
    let gathered = gather(app, workspace_id, flight_id).await?;
    // thousands of pictures: not on a thread that others wait for
    Ok(tokio::task::spawn_blocking(move || ppk::build(&gathered.set_files(), &gathered.set_photos())).await?)
}

impl Gathered {
    pub fn set_files(&self) -> Vec<ppk::File> {
        let file = |media: &Media| ppk::File {
            id: media.id.to_string(),
            name: media.name.clone(),
            size_bytes: media.size_bytes.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            metadata: media.metadata.clone(),
        };
        self.files.iter().map(file).collect()
    }

    pub fn set_photos(&self) -> Vec<ppk::Photo> {
        let photo = |media: &Media| ppk::Photo {
            id: media.id.to_string(),
            name: media.name.clone(),
            captured_at: media.captured_at,
            capture_uuid: media.metadata.get("capture_uuid").and_then(Value::as_str).map(str::to_owned),
        };
        self.photos.iter().map(photo).collect()
    }
}

/// Finds a flight's survey files and pictures that are stored and not in the trash.
pub async fn gather(app: &App, workspace_id: Uuid, flight_id: &str) -> eyrie_catalogue::Result<Gathered> {
    let files = gather_files(app, workspace_id, flight_id).await?;
    let photos = list(app, workspace_id, flight_id, vec![MediaKind::Photo, MediaKind::Thermal], MAX_PHOTOS).await?;
    Ok(Gathered { files, photos })
}

/// The survey files alone.
pub async fn gather_files(app: &App, workspace_id: Uuid, flight_id: &str) -> eyrie_catalogue::Result<Vec<Media>> {
    let mut files = list(app, workspace_id, flight_id, vec![MediaKind::Ppk, MediaKind::Rtcm], ppk::MAX_FILES).await?;
    files.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    Ok(files)
}

async fn list(
    app: &App,
    workspace_id: Uuid,
    flight_id: &str,
    kinds: Vec<MediaKind>,
    most: usize,
) -> eyrie_catalogue::Result<Vec<Media>> {
    let filter = MediaFilter {
        flight_id: Some(flight_id.to_owned()),
        kinds,
        status: Some(MediaStatus::Stored),
        ..MediaFilter::default()
    };
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page =
            app.catalogue.list_media(workspace_id, &filter, cursor.as_deref(), eyrie_catalogue::MAX_PAGE).await?;
        found.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() || found.len() >= most {
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_close_together_are_one_job() {
        let at = |second: i64| Timestamp::from_second(second).expect("in range");
        let (workspace, now) = (Uuid::from_u128(1), 1_800_000_000);
        let first = new_job(workspace, "f", at(now), 3);
        assert_eq!(new_job(workspace, "f", at(now + GATHER_S - 1), 3).id, first.id);
        assert_eq!(first.run_after, at(now + GATHER_S));
        assert_ne!(new_job(workspace, "f", at(now + GATHER_S), 3).id, first.id);
        assert_ne!(new_job(workspace, "g", at(now), 3).id, first.id);
        assert_ne!(new_job(Uuid::from_u128(2), "f", at(now), 3).id, first.id);
    }
}
