//! Media: one row for each object, unique by (workspace, object key).

mod counts;
pub(crate) mod list;
mod near;
mod picture;
pub(crate) mod row;
mod usage;

pub use near::{NearShot, NearShots};
pub use picture::PictureFacts;
pub(crate) use row::{insert, media, sound, update};
pub use usage::StorageUse;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::page::{Cursor, List};
use crate::sqlite::index_hint;
use crate::value::{Columns as _, OrConstraint as _, not_found, us, us_opt};
use crate::{Catalogue, Page, Result, audit, flight, keep};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $(#[serde(rename = $word)] $variant),+ }
        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $word),+ } }
        }
        impl std::str::FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> std::result::Result<Self, ()> { match text { $($word => Ok(Self::$variant),)+ _ => Err(()) } }
        }
    };
}
pub(crate) use words;

words!(MediaKind { Photo = "photo", Video = "video", Panorama = "panorama", Thermal = "thermal", Subtitle = "subtitle", Ppk = "ppk", Rtcm = "rtcm", Other = "other" });
words!(MediaSource { Dock = "dock", Pilot = "pilot", Import = "import" });
words!(MediaStatus { Stored = "stored", Missing = "missing", Quarantined = "quarantined" });
words!(
    /// Whether follow-up work on the file is over.
    Processing { Pending = "pending", Done = "done", Failed = "failed" }
);

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    pub lat: f64,
    pub lng: f64,
    pub absolute_altitude_m: Option<f64>,
    pub relative_altitude_m: Option<f64>,
}

/// What Pilot 2 says of a file besides what a dock says; all unknown for other files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PilotFile {
    /// The aircraft that took it.
    pub aircraft_sn: Option<String>,
    /// Ties the shots of one wayline.
    pub file_group_id: Option<String>,
    /// 0 normal, 1 panorama.
    pub sub_file_type: Option<i64>,
    /// `{md5}_{Y}_{M}_{D}_{h}_{m}_{s}`, without zeros in front.
    pub tiny_fingerprint: Option<String>,
    /// Files of one group form flights by capture time; `None`: the flight is named, or there is none.
    pub flight_group: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub gateway_sn: Option<String>,
    pub source: MediaSource,
    pub flight_id: Option<String>,
    pub name: String,
    pub kind: MediaKind,
    pub bucket: String,
    pub object_key: String,
    pub size_bytes: Option<i64>,
    pub etag: Option<String>,
    pub status: MediaStatus,
    pub captured_at: Option<Timestamp>,
    /// As the device wrote it, when it had no zone.
    pub captured_local: Option<String>,
    pub position: Option<Position>,
    pub gimbal_yaw_deg: Option<f64>,
    pub gimbal_pitch_deg: Option<f64>,
    pub gimbal_roll_deg: Option<f64>,
    pub drone_model_key: Option<String>,
    pub payload_model_key: Option<String>,
    pub is_original: Option<bool>,
    pub fingerprint: Option<String>,
    pub path: Option<String>,
    pub pilot: PilotFile,
    pub processing: Processing,
    pub warnings: Vec<String>,
    /// What the readers made of the file's own bytes; open-ended JSON, `{}` before they ran.
    pub metadata: Value,
    /// What was made of these bytes to look at; `None` before that. Written by [`Catalogue::save_picture`] alone.
    pub picture: Option<PictureFacts>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub trashed_at: Option<Timestamp>,
}

/// Files that somebody put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    Album(Uuid),
    /// The selection that a share link is for.
    Share(Uuid),
}

/// `None` means no condition, [`NO_GROUP`] for a flight or dock: none. `from` and `to` mean `captured_at`, half open. `q` is a part of the name, case ignored.
#[derive(Clone, Debug, Default)]
pub struct MediaFilter {
    pub flight_id: Option<String>,
    pub gateway_sn: Option<String>,
    pub source: Option<MediaSource>,
    /// Any of these; all when empty.
    pub kinds: Vec<MediaKind>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// Only files of unknown capture time; `from` and `to` do not count then.
    pub undated: bool,
    /// west, south, east, north in degrees; west > east crosses the antimeridian.
    pub bbox: Option<[f64; 4]>,
    /// Least and most metres, both inside, as the aircraft says it. A file without an altitude is not found.
    pub absolute_altitude_m: [Option<f64>; 2],
    /// Above the take-off point.
    pub relative_altitude_m: [Option<f64>; 2],
    pub aircraft_sn: Option<String>,
    /// `{domain}-{type}-{sub_type}` of the aircraft.
    pub drone_model_key: Option<String>,
    pub q: Option<String>,
    /// `metadata.camera`: wide, zoom, thermal, ... as the readers say it.
    pub camera: Option<String>,
    /// The pictures of one trigger.
    pub capture_uuid: Option<String>,
    /// `None` means all of them.
    pub status: Option<MediaStatus>,
    pub trashed: bool,
    pub chosen: Option<Chosen>,
}

/// How many files a filter finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaCounts {
    pub total: i64,
    pub size_bytes: i64,
    /// Of unknown capture time.
    pub undated: i64,
    /// Only kinds that occur.
    pub kinds: Vec<(MediaKind, i64)>,
    /// Newest first, without empty ones; where asked for, one for each dock or flight.
    pub slots: Vec<MediaSlot>,
}

/// A stretch of time and the files captured in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaSlot {
    /// Its beginning, a multiple of the step since 1970.
    pub at: Timestamp,
    /// The dock or flight; `None` for files that have none, and where none was asked for.
    pub group: Option<String>,
    pub count: i64,
}

/// What files may be counted apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaGroup {
    GatewaySn,
    FlightId,
}

/// In place of a dock or flight in a filter: files that have none.
pub const NO_GROUP: &str = "none";

/// Files of one stem; a video has one to four companions.
const SAME_STEM: i64 = 64;

impl Catalogue {
    /// Newest capture first (unknown capture times last), then newest id.
    ///
    /// # Errors
    /// `BadCursor`.
    pub async fn list_media(
        &self,
        workspace_id: Uuid,
        filter: &MediaFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<Media>> {
        list::page(&self.engine, workspace_id, filter, cursor, limit).await
    }

    /// Counts what `list_media` would list, in steps of `step_s` seconds of capture time, docks or flights apart where asked for.
    pub async fn count_media_over_time(
        &self,
        workspace_id: Uuid,
        filter: &MediaFilter,
        step_s: u32,
        by: Option<MediaGroup>,
    ) -> Result<MediaCounts> {
        counts::count(&self.engine, workspace_id, filter, step_s, by).await
    }

    /// Where a list of media goes on behind this file, whatever the filter.
    pub fn cursor_after(media: &Media) -> Cursor {
        list::key(media).seal(List::Media)
    }

    /// Also one in the trash.
    pub async fn media(&self, workspace_id: Uuid, id: Uuid) -> Result<Option<Media>> {
        Ok(self.media_by_id(id).await?.filter(|media| media.workspace_id == workspace_id))
    }

    /// In whatever workspace; for jobs.
    pub async fn media_by_id(&self, id: Uuid) -> Result<Option<Media>> {
        let query = sqlx::query("SELECT * FROM media WHERE id = $1").bind(id);
        self.engine.fetch_optional("cannot read a media row", query).await?.as_ref().map(media).transpose()
    }

    /// The listed (stored or missing) row of an object.
    pub async fn media_by_key(&self, workspace_id: Uuid, object_key: &str) -> Result<Option<Media>> {
        let query =
            sqlx::query("SELECT * FROM media WHERE workspace_id = $1 AND object_key = $2 AND status <> 'quarantined'");
        let query = query.bind(workspace_id).bind(object_key);
        self.engine.fetch_optional("cannot read a media row", query).await?.as_ref().map(media).transpose()
    }

    /// Stored files of a flight whose name is `stem` and an extension, letters in any case: a video and its subtitles.
    /// A handful at most.
    pub async fn media_with_stem(&self, workspace_id: Uuid, flight_id: &str, stem: &str) -> Result<Vec<Media>> {
        let stem = format!("{}.", stem.to_lowercase());
        let mut query = sqlx::QueryBuilder::new("SELECT * FROM media");
        query.push(index_hint("media_by_flight")).push(" WHERE workspace_id = ").push_bind(workspace_id);
        query.push(" AND flight_id = ").push_bind(flight_id.to_owned());
        query.push(" AND status = 'stored' AND trashed_at IS NULL AND substr(folded_name, 1, ");
        query.push_bind(stem.chars().count() as i64).push(") = ").push_bind(stem);
        query.push(" ORDER BY sort_at, id LIMIT ").push_bind(SAME_STEM);
        let rows = self.engine.fetch_all("cannot look for files of a name", query.build()).await?;
        rows.iter().map(media).collect()
    }

    /// Every stored and missing row of a bucket in the order of object keys (as bytes), after `after`; for reconciliation.
    /// At most `limit`, however large.
    pub async fn media_keys(
        &self,
        bucket: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(Uuid, String, MediaStatus)>> {
        let query =
            "SELECT id, object_key, status FROM media WHERE bucket = $1 AND object_key > $2 AND status <> 'quarantined'
                     ORDER BY object_key LIMIT $3";
        let query = sqlx::query(query).bind(bucket).bind(after.unwrap_or("")).bind(i64::from(limit));
        let rows = self.engine.fetch_all("cannot list object keys", query).await?;
        rows.iter().map(|row| Ok((row.get("id")?, row.get("object_key")?, row.word("status")?))).collect()
    }

    /// True when the status changed.
    ///
    /// # Errors
    /// `NotFound`; `Exists` when a quarantined row would become a second listed row of its object, or the reverse.
    pub async fn set_media_status(&self, id: Uuid, status: MediaStatus, now: Timestamp) -> Result<bool> {
        let mut write = self.engine.begin("change a media row's status").await?;
        let row = write.fetch_optional(sqlx::query("SELECT * FROM media WHERE id = $1").bind(id)).await?;
        let mut media = media(&row.ok_or_else(|| not_found("media", id))?)?;
        if media.status == status {
            return Ok(false);
        }
        let old = flight::Share::of(&media);
        media.status = status;
        let update = sqlx::query("UPDATE media SET status = $2, updated_at = $3 WHERE id = $1");
        write
            .execute(update.bind(id).bind(status.as_str()).bind(us(now)))
            .await
            .or_exists("media", &media.object_key)?;
        flight::adjust(&mut write, &old, &media, now).await?;
        write.commit().await?;
        Ok(true)
    }

    /// What a reader found: kind, times, position, attitude, metadata, warnings, processing. Writes those fields of
    /// `media` and `updated_at`, nothing else; and nothing at all when the object was replaced since the row was read:
    /// the new one has its own job.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn save_understanding(&self, understood: &Media) -> Result<()> {
        self.save_understanding_and(understood, None).await
    }

    /// The same, and in the same commit what ground the file shows, when that is known.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn save_understanding_and(&self, understood: &Media, ground: Option<&[crate::Footprint]>) -> Result<()> {
        let mut write = self.engine.begin("save what was understood of a file").await?;
        let row = write.fetch_optional(sqlx::query("SELECT * FROM media WHERE id = $1").bind(understood.id)).await?;
        let known = media(&row.ok_or_else(|| not_found("media", understood.id))?)?;
        if (known.size_bytes, &known.etag) != (understood.size_bytes, &understood.etag) {
            return Ok(());
        }
        let old = flight::Share::of(&known);
        let mut new = sound(&Media {
            kind: understood.kind,
            captured_at: understood.captured_at,
            captured_local: understood.captured_local.clone(),
            position: understood.position,
            gimbal_yaw_deg: understood.gimbal_yaw_deg,
            gimbal_pitch_deg: understood.gimbal_pitch_deg,
            gimbal_roll_deg: understood.gimbal_roll_deg,
            metadata: understood.metadata.clone(),
            warnings: understood.warnings.clone(),
            processing: understood.processing,
            updated_at: understood.updated_at,
            ..known.clone()
        });
        update(&mut write, &new).await?;
        match flight::regroup(&mut write, Some(&known), &mut new, self.flight_gap_us()).await? {
            None => flight::adjust(&mut write, &old, &new, new.created_at).await?,
            Some(touched) => flight::save_touched(&mut write, touched, &new).await?,
        }
        if let Some(ground) = ground {
            crate::footprint::replace(&mut write, new.id, ground).await?;
        }
        write.commit().await
    }

    /// Into the trash (`Some`) or back (`None`), with its audit entry in the same commit. True when something changed.
    ///
    /// # Errors
    /// `NotFound`; `Held`, when it is to go and a legal hold is on it.
    pub async fn set_media_trashed(&self, id: Uuid, at: Option<Timestamp>, entry: &crate::AuditEntry) -> Result<bool> {
        let mut write = self.engine.begin("move a media row to or from the trash").await?;
        let row = write.fetch_optional(sqlx::query("SELECT * FROM media WHERE id = $1").bind(id)).await?;
        let mut media = media(&row.ok_or_else(|| not_found("media", id))?)?;
        if media.trashed_at.is_some() == at.is_some() {
            return Ok(false);
        }
        if at.is_some() && keep::is_held(&mut write, id).await? {
            return Err(crate::CatalogueError::Held);
        }
        trash(&mut write, &mut media, at, entry).await?;
        write.commit().await?;
        Ok(true)
    }

    /// Rows by status in a workspace, the trash left out. Statuses without a row are left out.
    pub async fn count_media(&self, workspace_id: Uuid) -> Result<Vec<(MediaStatus, i64)>> {
        let query = sqlx::query("SELECT status, n FROM media_counts WHERE workspace_id = $1 AND n > 0 ORDER BY status");
        let rows = self.engine.fetch_all("cannot count media", query.bind(workspace_id)).await?;
        rows.iter().map(|row| Ok((row.word("status")?, row.get("n")?))).collect()
    }
}

/// Moves a row into the trash or back, with its audit entry.
pub(crate) async fn trash(
    write: &mut crate::sqlite::Write,
    media: &mut Media,
    at: Option<Timestamp>,
    entry: &crate::AuditEntry,
) -> Result<()> {
    let old = flight::Share::of(media);
    media.trashed_at = at;
    let update = sqlx::query("UPDATE media SET trashed_at = $2, updated_at = $3 WHERE id = $1");
    write.execute(update.bind(media.id).bind(us_opt(at)).bind(us(entry.at))).await?;
    flight::adjust(write, &old, media, entry.at).await?;
    write.execute(audit::insert(entry)).await.map(drop)
}
