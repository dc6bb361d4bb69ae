//! Media: one row for each object, unique by (workspace, object key).

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{Catalogue, Page, Result};

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

#[derive(Clone, Debug)]
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
    pub processing: Processing,
    pub warnings: Vec<String>,
    /// What the readers made of the file's own bytes; open-ended JSON, `{}` before they ran.
    pub metadata: Value,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub trashed_at: Option<Timestamp>,
}

/// `None` means no condition. `from` and `to` mean `captured_at`, half open. `q` is a part of the name, case ignored.
#[derive(Clone, Debug, Default)]
pub struct MediaFilter {
    pub flight_id: Option<String>,
    pub gateway_sn: Option<String>,
    pub kind: Option<MediaKind>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// west, south, east, north in degrees; west > east crosses the antimeridian.
    pub bbox: Option<[f64; 4]>,
    pub q: Option<String>,
    /// `None` means all of them.
    pub status: Option<MediaStatus>,
    pub trashed: bool,
}

impl Catalogue {
    /// Newest capture first (unknown capture times last), then newest id.
    ///
    /// # Errors
    /// `BadCursor`.
    pub async fn list_media(&self, _workspace_id: Uuid, _filter: &MediaFilter, _cursor: Option<&str>, _limit: u32) -> Result<Page<Media>> {
        todo!()
    }
    /// Also one in the trash.
    pub async fn media(&self, _workspace_id: Uuid, _id: Uuid) -> Result<Option<Media>> {
        todo!()
    }
    /// In whatever workspace; for jobs.
    pub async fn media_by_id(&self, _id: Uuid) -> Result<Option<Media>> {
        todo!()
    }
    /// The listed (stored or missing) row of an object.
    pub async fn media_by_key(&self, _workspace_id: Uuid, _object_key: &str) -> Result<Option<Media>> {
        todo!()
    }
    /// Every stored and missing row of a bucket in the order of object keys, after `after`; for reconciliation.
    pub async fn media_keys(&self, _bucket: &str, _after: Option<&str>, _limit: u32) -> Result<Vec<(Uuid, String, MediaStatus)>> {
        todo!()
    }
    /// True when the status changed.
    pub async fn set_media_status(&self, _id: Uuid, _status: MediaStatus, _now: Timestamp) -> Result<bool> {
        todo!()
    }
    /// What a reader found: kind, times, position, attitude, metadata, warnings, processing. Writes those fields of
    /// `media` and `updated_at`, nothing else.
    pub async fn save_understanding(&self, _media: &Media) -> Result<()> {
        todo!()
    }
    /// Into the trash (`Some`) or back (`None`), with its audit entry in the same commit. True when something changed.
    pub async fn set_media_trashed(&self, _id: Uuid, _at: Option<Timestamp>, _audit: &crate::AuditEntry) -> Result<bool> {
        todo!()
    }
    /// Rows by status in a workspace, the trash left out.
    pub async fn count_media(&self, _workspace_id: Uuid) -> Result<Vec<(MediaStatus, i64)>> {
        todo!()
    }
}
