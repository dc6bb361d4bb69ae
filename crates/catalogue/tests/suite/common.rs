//! A fresh database for each test. `EYRIE_TEST_DATABASE_URL` names another one than a temporary file.

use eyrie_catalogue::{
    Catalogue, CatalogueConfig, IngestReport, Media, MediaKind, MediaSource, MediaStatus, NewJob, Position, Processing,
    RawEvent, Workspace,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

pub(crate) struct Fixture {
    pub(crate) catalogue: Catalogue,
    pub(crate) config: CatalogueConfig,
    pub(crate) workspace_id: Uuid,
    _dir: tempfile::TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let url = std::env::var("EYRIE_TEST_DATABASE_URL")
            .unwrap_or_else(|_| format!("sqlite://{}", dir.path().join("eyrie.db").display()));
        let config = CatalogueConfig { url, backup_dir: dir.path().join("backups") };
        let catalogue = Catalogue::open(&config, true).await.expect("a new database");
        let workspace = workspace("default");
        catalogue.add_workspace(&workspace).await.expect("a new workspace");
        Self { catalogue, config, workspace_id: workspace.id, _dir: dir }
    }

    /// Another handle on the same database, as another process has it.
    pub(crate) async fn again(&self) -> Catalogue {
        Catalogue::open(&self.config, false).await.expect("the same database")
    }

    pub(crate) fn file(&self) -> std::path::PathBuf {
        self._dir.path().join("eyrie.db")
    }

    pub(crate) fn photo(&self, key: &str) -> Media {
        photo(self.workspace_id, key)
    }
}

pub(crate) fn workspace(name: &str) -> Workspace {
    Workspace {
        id: Uuid::from_u128(rand()),
        name: name.to_owned(),
        bucket: format!("bucket-{name}"),
        organization_id: "org".into(),
        binding_code: "code".into(),
        created_at: at(0),
    }
}

/// `s` seconds into the tests' year.
pub(crate) fn at(s: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000).expect("in range") + SignedDuration::from_secs(s)
}

/// Distinct, and growing like the ids of version 7.
pub(crate) fn rand() -> u128 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    (u128::from(n) << 64) | u128::from(n.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

pub(crate) fn id() -> Uuid {
    Uuid::from_u128(rand())
}

pub(crate) fn photo(workspace_id: Uuid, key: &str) -> Media {
    Media {
        id: id(),
        workspace_id,
        gateway_sn: Some("DOCK1".into()),
        source: MediaSource::Dock,
        flight_id: Some("flight-1".into()),
        name: key.rsplit('/').next().unwrap_or(key).to_owned(),
        kind: MediaKind::Photo,
        bucket: "bucket-default".into(),
        object_key: key.to_owned(),
        size_bytes: Some(1_000),
        etag: Some("etag".into()),
        status: MediaStatus::Stored,
        captured_at: Some(at(100)),
        captured_local: None,
        position: Some(Position { lat: 52.0, lng: 13.0, absolute_altitude_m: Some(100.0), relative_altitude_m: None }),
        gimbal_yaw_deg: Some(-90.0),
        gimbal_pitch_deg: None,
        gimbal_roll_deg: None,
        drone_model_key: Some("0-67-0".into()),
        payload_model_key: None,
        is_original: Some(true),
        fingerprint: None,
        path: Some("a/b".into()),
        pilot: Default::default(),
        processing: Processing::Pending,
        warnings: Vec::new(),
        metadata: json!({}),
        created_at: at(200),
        updated_at: at(200),
        trashed_at: None,
        picture: None,
    }
}

pub(crate) fn event(tid: &str) -> RawEvent {
    RawEvent {
        id: id(),
        gateway_sn: "DOCK1".into(),
        workspace_id: None,
        method: Some("file_upload_callback".into()),
        tid: tid.into(),
        bid: "bid".into(),
        topic: "thing/product/DOCK1/events".into(),
        payload: "{}".into(),
        received_at: at(200),
    }
}

pub(crate) fn new_job(kind: &str) -> NewJob {
    NewJob {
        id: id(),
        workspace_id: None,
        kind: kind.into(),
        media_id: None,
        flight_id: None,
        payload: json!({"n": 1}),
        run_after: at(0),
        max_attempts: 3,
    }
}

pub(crate) fn report(media: Media) -> IngestReport {
    let job = NewJob { workspace_id: Some(media.workspace_id), ..new_job("extract_metadata") };
    IngestReport { event: Some(event("tid")), media: Some(media), flight: None, jobs: vec![job], now: at(200) }
}
