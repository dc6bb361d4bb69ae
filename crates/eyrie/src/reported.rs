//! A file that a dock or Pilot 2 reports: look the object up, keep everything in one commit.
//!
//! The checks are the same for both: only below a prefix that was issued to the device, only what the store has. What the
//! device is told is its protocol's business.

use std::sync::Arc;

use eyrie_catalogue::{
    CatalogueError, FlightFacts, IngestReport, IssuedPrefix, Media, MediaKind, MediaStatus, PilotFile, Position,
    Processing, RawEvent, StoredObject,
};
use eyrie_cloudapi::{CapturedTime, FileUpload};
use eyrie_env::fail_point;
use eyrie_objects::{ObjectInfo, StoreError};
use serde_json::json;

use crate::app::App;
use crate::dock::state::{GatewayKind, Identity, is_below};
use crate::ingest::{IngestError, blocking_fail_point};
use crate::jobs::extract_metadata;
use crate::purge;

/// `sub_file_type` of a stitched panorama.
pub(crate) const PANORAMA: i64 = 1;

/// One report, as it came.
pub(crate) struct Reported<'a> {
    pub app: &'a Arc<App>,
    pub device: &'a Identity,
    pub upload: &'a FileUpload,
    pub event: RawEvent,
    /// What only Pilot 2 says.
    pub pilot: PilotFile,
    /// Of the flight's run of a wayline, where the report tells it.
    pub track_id: Option<String>,
}

/// What became of it. The event is on disk in any case.
pub(crate) enum Kept {
    /// Listed; the device may forget its copy.
    Stored,
    /// The same bytes are listed under the key `of`; this object gets no row.
    Duplicate { of: String },
    /// The object is not in the store. The row says so.
    Missing,
    /// The key lies outside every prefix ever issued to this device. In quarantine, not listed.
    Foreign,
    /// It was kept, and then deleted for good by somebody who may: the device has nothing more to do with it.
    Deleted,
}

/// Why nothing of it was kept, or not everything.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKept {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ingest(#[from] IngestError),
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

/// Where the reported object is.
enum Found {
    Stored(IssuedPrefix, Box<ObjectInfo>),
    Missing(IssuedPrefix),
    Foreign,
}

impl Reported<'_> {
    /// # Errors
    /// [`NotKept`]: the device must report again. The event is kept even then, when that is possible.
    pub(crate) async fn keep(self) -> Result<Kept, NotKept> {
        // from the look to the commit nobody removes the object
        let _hand = self.app.hands.on(&self.upload.object_key).await;
        let found = match look(self.app, &self.device.sn, &self.upload.object_key).await {
            Ok(found) => found,
            Err(error) => {
                self.keep_event().await?;
                return Err(error);
            }
        };
        if let Found::Stored(prefix, _) | Found::Missing(prefix) = &found {
            let object = if let Found::Stored(_, object) = &found { Some(&**object) } else { None };
            if purge::was_deleted(self.app, &prefix.bucket, &self.upload.object_key, object).await? {
                self.keep_event().await?;
                return Ok(Kept::Deleted);
            }
        }
        match &found {
            Found::Stored(prefix, object) => {
                // the same file may be reported below two keys at once
                let _turn = match self.own_fingerprint() {
                    Some(fingerprint) => Some(self.app.hands.in_turn(prefix.workspace_id, fingerprint).await),
                    None => None,
                };
                if let Some(same) = self.same_file(prefix, object).await? {
                    let (id, key) = (prefix.workspace_id, &self.upload.object_key);
                    if self.app.catalogue.add_duplicate(id, key, same.media_id, self.app.now()).await? {
                        self.keep_event().await?;
                        return Ok(Kept::Duplicate { of: same.object_key });
                    }
                }
                self.keep_as(MediaStatus::Stored, Some(prefix), Some(object)).await?;
                Ok(Kept::Stored)
            }
            Found::Missing(prefix) => {
                self.keep_as(MediaStatus::Missing, Some(prefix), None).await?;
                Ok(Kept::Missing)
            }
            Found::Foreign => {
                self.keep_as(MediaStatus::Quarantined, None, None).await?;
                Ok(Kept::Foreign)
            }
        }
    }

    /// Of the file, where its device asks with fingerprints what is stored: Pilot 2.
    fn own_fingerprint(&self) -> Option<&str> {
        self.upload.fingerprint.as_deref().filter(|_| self.device.kind == GatewayKind::Controller)
    }

    async fn keep_event(&self) -> Result<(), IngestError> {
        keep_event(self.app, self.event.clone()).await
    }

    async fn keep_as(
        self,
        status: MediaStatus,
        prefix: Option<&IssuedPrefix>,
        object: Option<&ObjectInfo>,
    ) -> Result<(), IngestError> {
        let (app, upload) = (self.app, self.upload);
        let mut media = describe(app, self.device, upload, self.pilot, status);
        if let Some(prefix) = prefix {
            media.workspace_id = prefix.workspace_id;
            media.bucket.clone_from(&prefix.bucket);
        }
        media.size_bytes = object.and_then(|object| i64::try_from(object.size_bytes).ok());
        media.etag = object.map(|object| object.etag.clone());
        let listed = status != MediaStatus::Quarantined;
        let report = IngestReport {
            event: Some(self.event),
            flight: flight(upload, media.workspace_id, &self.device.sn, self.track_id).filter(|_| listed),
            jobs: match status {
                MediaStatus::Stored => {
                    vec![extract_metadata::new_job(&media, app.new_id(), app.config.jobs.max_attempts)]
                }
                MediaStatus::Missing | MediaStatus::Quarantined => Vec::new(),
            },
            media: Some(media),
            now: app.now(),
        };
        commit(app, report).await
    }

    /// A listed file with the fingerprint and the bytes of this one, below another key. Pilot 2 uploads a file again
    /// under another name when it lost track of it; a dock's fingerprint is not asked.
    async fn same_file(&self, prefix: &IssuedPrefix, object: &ObjectInfo) -> Result<Option<StoredObject>, NotKept> {
        let Some(fingerprint) = self.own_fingerprint() else { return Ok(None) };
        let candidates = self.app.catalogue.stored_by_fingerprint(prefix.workspace_id, fingerprint).await?;
        if candidates.iter().any(|candidate| candidate.object_key == self.upload.object_key) {
            return Ok(None);
        }
        for candidate in candidates {
            let same_size = candidate.size_bytes.and_then(|size| u64::try_from(size).ok()) == Some(object.size_bytes);
            if same_size
                && same_etag(candidate.etag.as_deref(), &object.etag)
                && is_stored(self.app, &candidate).await?
            {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }
}

/// Keeps a message and nothing else.
pub(crate) async fn keep_event(app: &App, event: RawEvent) -> Result<(), IngestError> {
    let report = IngestReport { event: Some(event), media: None, flight: None, jobs: Vec::new(), now: app.now() };
    app.ingest.report(report).await.map(drop)
}

/// True when the store still has the object; a damaged one is not there.
pub(crate) async fn is_stored(app: &App, object: &StoredObject) -> Result<bool, StoreError> {
    match app.store.head(&object.bucket, &object.object_key).await {
        Ok(found) => Ok(found.is_some()),
        Err(StoreError::Damaged { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The etag of an upload in parts depends on the parts, that of one PUT is the MD5 of the bytes.
fn same_etag(known: Option<&str>, new: &str) -> bool {
    known.is_none_or(|known| known == new || known.contains('-') || new.contains('-'))
}

/// The commit, and the step between it and the reply.
async fn commit(app: &Arc<App>, report: IngestReport) -> Result<(), IngestError> {
    #[cfg(feature = "failpoints")]
    if crate::control::reply_before_commit() {
        let app = Arc::clone(app);
        tokio::spawn(async move { app.ingest.report(report).await });
        return Ok(());
    }
    let told = report
        .media
        .as_ref()
        .map(|media| (media.object_key.clone(), media.flight_id.clone(), media.status.as_str(), media.size_bytes));
    let outcome = app.ingest.report(report).await?;
    if let Some((object_key, flight_id, status, size_bytes)) = told {
        tracing::info!(
            object.key = object_key,
            media.id = outcome.media_id.map(display),
            flight.id = flight_id,
            status,
            size_bytes,
            "a reported file was written down"
        );
    }
    // an error here withholds the reply of a file that is kept: the dock reports again, and once stays once
    let replied = blocking_fail_point(|| fail_point!("dock.reply")).await;
    replied.map_err(|_| IngestError::Stopping)
}

/// The prefixes ever issued to `sn` that the key lies below, newest first. Memory knows them all but for moments; the
/// catalogue has the last word before a file is put in quarantine.
async fn prefixes_holding(app: &App, sn: &str, object_key: &str) -> Result<Vec<IssuedPrefix>, CatalogueError> {
    let known = app.docks.prefixes_holding(sn, object_key);
    if !known.is_empty() {
        return Ok(known);
    }
    let mut recorded = app.catalogue.prefixes_of(sn).await?;
    recorded.retain(|prefix| is_below(object_key, &prefix.prefix));
    Ok(recorded)
}

/// HEAD below each prefix that holds the key, with a few tries: a store may show an object a moment after its PUT.
async fn look(app: &App, sn: &str, object_key: &str) -> Result<Found, NotKept> {
    let prefixes = prefixes_holding(app, sn, object_key).await?;
    let Some(newest) = prefixes.first() else { return Ok(Found::Foreign) };
    for attempt in 0..app.config.ingest.head_attempts.max(1) {
        if attempt > 0 {
            tokio::time::sleep(app.config.ingest.head_interval).await;
        }
        for prefix in &prefixes {
            let started = std::time::Instant::now();
            blocking_fail_point(|| fail_point!("ingest.head"))
                .await
                .map_err(|source| StoreError::Io { doing: "cannot look an object up".into(), source })?;
            let object = app.store.head(&prefix.bucket, object_key).await?;
            metrics::histogram!("eyrie_object_head_seconds").record(started.elapsed().as_secs_f64());
            if let Some(object) = object {
                return Ok(Found::Stored(prefix.clone(), Box::new(object)));
            }
        }
    }
    Ok(Found::Missing(newest.clone()))
}

fn flight(upload: &FileUpload, workspace_id: uuid::Uuid, sn: &str, track_id: Option<String>) -> Option<FlightFacts> {
    let flight_id = upload.flight_id.clone().filter(|id| !id.is_empty())?;
    Some(FlightFacts {
        workspace_id,
        flight_id,
        gateway_sn: Some(sn.to_owned()),
        flight_type: upload.flight_type,
        expected_file_count: upload.expected_file_count,
        uploaded_file_count: upload.uploaded_file_count,
        track_id,
        ..Default::default()
    })
}

fn describe(app: &App, device: &Identity, upload: &FileUpload, pilot: PilotFile, status: MediaStatus) -> Media {
    let now = app.now();
    let mut warnings = Vec::new();
    let (captured_at, captured_local) = match &upload.captured {
        Some(CapturedTime::Utc { at, .. }) => (Some(*at), None),
        Some(CapturedTime::Local { text, .. }) => {
            warnings.push("the device gave the capture time without a zone".to_owned());
            (None, Some(text.clone()))
        }
        None => (None, None),
    };
    Media {
        id: app.new_id(),
        workspace_id: device.workspace_id,
        gateway_sn: Some(device.sn.clone()),
        source: device.kind.source(),
        flight_id: upload.flight_id.clone().filter(|id| !id.is_empty()),
        name: upload.name.clone(),
        kind: match extract_metadata::catalogue_kind(eyrie_media::kind_of_name(&upload.name)) {
            MediaKind::Photo if upload.sub_file_type == Some(PANORAMA) => MediaKind::Panorama,
            kind => kind,
        },
        bucket: device.bucket.clone(),
        object_key: upload.object_key.clone(),
        size_bytes: None,
        etag: None,
        status,
        captured_at,
        captured_local,
        position: upload.position.map(|position| Position {
            lat: position.lat,
            lng: position.lng,
            absolute_altitude_m: upload.absolute_altitude_m,
            relative_altitude_m: upload.relative_altitude_m,
        }),
        gimbal_yaw_deg: upload.gimbal_yaw_deg,
        gimbal_pitch_deg: None,
        gimbal_roll_deg: None,
        drone_model_key: upload.drone_model_key.clone(),
        payload_model_key: upload.payload_model_key.clone(),
        is_original: upload.is_original,
        fingerprint: upload.fingerprint.clone(),
        path: upload.path.clone(),
        pilot,
        processing: if status == MediaStatus::Stored { Processing::Pending } else { Processing::Done },
        warnings,
        metadata: json!({}),
        created_at: now,
        updated_at: now,
        trashed_at: None,
        picture: None,
    }
}
