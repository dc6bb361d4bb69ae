//! The API on a real catalogue and a real store in a temporary folder, asked through its router.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use eyrie::app::{App, PublicUrls};
use eyrie::config::Config;
use eyrie_catalogue::{
    AuditEntry, Catalogue, CatalogueConfig, FlightFacts, IngestReport, Media, MediaKind, MediaSource, MediaStatus,
    NewDock, NewJob, Processing, Role, Session, Share, Shared, User, Workspace,
};
use eyrie_env::{Clock, ManualClock, RealFiles, SystemRandom};
use eyrie_media::picture::{Coding, Picture};
use eyrie_objects::{Issuer, Store, StoreConfig};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Seconds since 1970; every test starts then.
const START_S: i64 = 1_780_000_000;

pub(crate) struct Api {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<ManualClock>,
    router: Router,
    next: AtomicU32,
    _folder: TempDir,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header is text"))
    }

    /// The value of the session cookie that the answer sets.
    pub(crate) fn cookie(&self) -> String {
        let (_, rest) = self.header("set-cookie").split_once("eyrie_session=").expect("a session cookie");
        rest.split(';').next().unwrap_or_default().to_owned()
    }
}

/// How a request says who asks.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    Nobody,
    Token(String),
    Cookie(String),
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::start_with(Config::default()).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = config;
        // nothing runs it here
        config.media.ffmpeg.get_or_insert("/usr/bin/ffmpeg".into());
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(START_S).expect("in range")));
        let (shared_clock, random) = (Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(SystemRandom));
        let database = CatalogueConfig {
            url: format!("sqlite://{}", folder.path().join("eyrie.db").display()),
            backup_dir: folder.path().join("backups"),
        };
        let catalogue = Catalogue::open(&database, true).await.expect("a new catalogue");
        let store = StoreConfig {
            root: folder.path().join("objects"),
            min_free_bytes: 0,
            upload_expiry: config.s3.upload_expiry,
        };
        let files = Arc::new(RealFiles);
        let store = Store::open(store, true, Arc::clone(&shared_clock), random.clone(), files).expect("a new store");
        let app = Arc::new(App {
            urls: PublicUrls {
                http: "http://eyrie.test:8080".into(),
                mqtt: "mqtt://eyrie.test:1883".into(),
                s3: "http://eyrie.test:9000".into(),
            },
            s3_on_this_machine: "http://127.0.0.1:9".into(),
            clock: Arc::clone(&shared_clock),
            random: random.clone(),
            catalogue,
            store: Arc::new(store),
            issuer: Issuer::new([7; 32], shared_clock, random),
            docks: Default::default(),
            logins: Default::default(),
            services: Default::default(),
            ingest: Default::default(),
            hands: Default::default(),
            holds: Default::default(),
            events: Default::default(),
            trace: Default::default(),
            pictures: Default::default(),
            selections: Default::default(),
            wake: Default::default(),
            link: OnceLock::new(),
            broker: OnceLock::new(),
            config,
        });
        let router = eyrie::api::router(Arc::clone(&app));
        Self { app, clock, router, next: AtomicU32::new(1), _folder: folder }
    }

    /// The same data behind a new router, as after a restart.
    pub(crate) fn restart(&mut self) {
        self.router = eyrie::api::router(Arc::clone(&self.app));
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.set(self.clock.now() + SignedDuration::from_secs(seconds));
    }

    pub(crate) async fn respond(&self, request: Request<Body>) -> http::Response<Body> {
        self.router.clone().oneshot(request).await.expect("the router always answers")
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let (head, body) = self.respond(request).await.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes().to_vec();
        Reply { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn get(&self, who: &Who, path: &str) -> Reply {
        self.send(request("GET", path, who, None)).await
    }

    pub(crate) async fn post(&self, who: &Who, path: &str, body: Value) -> Reply {
        self.send(request("POST", path, who, Some(&body))).await
    }

    /// A request without a body.
    pub(crate) async fn call(&self, who: &Who, method: &str, path: &str) -> Reply {
        self.send(request(method, path, who, None)).await
    }

    /// A number that no other call got.
    pub(crate) fn number(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) async fn workspace(&self, name: &str) -> Workspace {
        self.app.admin("test").add_workspace(name).await.expect("a new workspace")
    }

    pub(crate) async fn token(&self, workspace: &Workspace, role: Role) -> Who {
        let access = self.app.admin("test").create_token(workspace, role, None, None).await.expect("a new token");
        Who::Token(access.token)
    }

    /// A user with [`PASSWORD`].
    pub(crate) async fn user(&self, workspace: Option<&Workspace>, role: Role) -> User {
        static HASH: OnceLock<String> = OnceLock::new();
        let user = User {
            id: self.app.new_id(),
            name: format!("user-{}", self.number()),
            password_hash: HASH.get_or_init(|| eyrie::secret::hash_password(&SystemRandom, PASSWORD)).clone(),
            workspace_id: workspace.map(|workspace| workspace.id),
            role,
            disabled: false,
            created_at: self.app.now(),
        };
        self.app.catalogue.add_user(&user).await.expect("a new user");
        user
    }

    /// The cookie of a new session of `user`.
    pub(crate) async fn session(&self, user: &User) -> Who {
        let (token, now) = (self.app.random_text(32), self.app.now());
        let session = Session {
            token_hash: eyrie::secret::token_hash(&token),
            user_id: user.id,
            created_at: now,
            expires_at: now + SignedDuration::from_hours(1),
        };
        self.app.catalogue.add_session(&session).await.expect("a new session");
        Who::Cookie(token)
    }

    pub(crate) async fn server_admin(&self) -> Who {
        let user = self.user(None, Role::Admin).await;
        self.session(&user).await
    }

    pub(crate) async fn media(&self, workspace: &Workspace, change: impl FnOnce(&mut Media)) -> Media {
        let (id, now) = (self.app.new_id(), self.app.now());
        let name = format!("DJI_{:04}.JPG", self.number());
        let mut media = Media {
            id,
            workspace_id: workspace.id,
            gateway_sn: None,
            source: MediaSource::Dock,
            flight_id: None,
            kind: MediaKind::Photo,
            bucket: workspace.bucket.clone(),
            object_key: format!("dock/{name}"),
            name,
            size_bytes: Some(4),
            etag: Some("d41d8cd98f00b204e9800998ecf8427e".into()),
            status: MediaStatus::Stored,
            captured_at: None,
            captured_local: None,
            position: None,
            gimbal_yaw_deg: None,
            gimbal_pitch_deg: None,
            gimbal_roll_deg: None,
            drone_model_key: None,
            payload_model_key: None,
            is_original: None,
            fingerprint: None,
            path: None,
            pilot: Default::default(),
            processing: Processing::Done,
            warnings: Vec::new(),
            metadata: json!({}),
            created_at: now,
            updated_at: now,
            trashed_at: None,
            picture: None,
        };
        change(&mut media);
        let report = IngestReport { event: None, media: Some(media), flight: None, jobs: Vec::new(), now };
        let outcomes = self.app.catalogue.ingest(&[report]).await.expect("a commit");
        let id = outcomes[0].media_id.expect("a row");
        self.app.catalogue.media(workspace.id, id).await.expect("a catalogue").expect("the row")
    }

    /// A video for which a proxy was made; the server believes that it has ffmpeg.
    pub(crate) async fn video_with_proxy(&self, workspace: &Workspace) -> Media {
        let media = self.media(workspace, |media| media.kind = MediaKind::Video).await;
        let put = eyrie::derived::put(&self.app, &media, eyrie::derived::Form::Proxy, "a small video".into()).await;
        put.expect("a derived object");
        media
    }

    /// A photo whose bytes are in the store.
    pub(crate) async fn photo(&self, workspace: &Workspace) -> Media {
        let picture = Picture::new(64, 48, [200, 100, 50].repeat(64 * 48)).expect("three bytes a pixel");
        self.photo_of(workspace, picture.encode(Coding::Jpeg).expect("a JPEG")).await
    }

    /// A photo of these bytes.
    pub(crate) async fn photo_of(&self, workspace: &Workspace, jpeg: Vec<u8>) -> Media {
        let (key, size_bytes) = (format!("dock/DJI_{:04}.JPG", self.number()), jpeg.len() as i64);
        self.app.store.create_bucket(&workspace.bucket).await.expect("a bucket");
        let object = self.app.store.put(&workspace.bucket, &key, None, jpeg.into()).await.expect("an object");
        self.media(workspace, |media| {
            media.object_key = key;
            media.size_bytes = Some(size_bytes);
            media.etag = Some(object.etag);
        })
        .await
    }

    /// An empty album.
    pub(crate) async fn album(&self, workspace: &Workspace) -> Uuid {
        let operator = self.token(workspace, Role::Operator).await;
        let path = format!("/api/v1/workspaces/{}/albums", workspace.id);
        let made = self.post(&operator, &path, json!({"name": "Roofs"})).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
    }

    /// A link to a selection that lets download and has no end.
    pub(crate) async fn share(&self, workspace: &Workspace, ids: &[Uuid], change: impl FnOnce(&mut Share)) -> Share {
        let (id, now) = (self.app.new_id(), self.app.now());
        let mut share = Share {
            id,
            workspace_id: workspace.id,
            slug: self.app.random_text(16),
            title: "Roofs".into(),
            shared: Shared::Selection,
            password_hash: None,
            download: true,
            hide_position: false,
            hide_metadata: false,
            view_count: 0,
            created_by: "test".into(),
            created_at: now,
            expires_at: None,
            revoked_at: None,
        };
        change(&mut share);
        let entry = AuditEntry {
            id: self.app.new_id(),
            workspace_id: Some(workspace.id),
            at: now,
            actor: "test".into(),
            action: "share.create".into(),
            subject: id.to_string(),
            detail: json!({}),
        };
        self.app.catalogue.add_share(&share, ids, &entry).await.expect("a new share");
        share
    }

    pub(crate) async fn flight(&self, workspace: &Workspace, gateway_sn: Option<&str>) -> String {
        let flight_id = format!("flight-{}", self.number());
        let facts = FlightFacts {
            workspace_id: workspace.id,
            flight_id: flight_id.clone(),
            gateway_sn: gateway_sn.map(str::to_owned),
            expected_file_count: Some(3),
            ..Default::default()
        };
        let report =
            IngestReport { event: None, media: None, flight: Some(facts), jobs: Vec::new(), now: self.app.now() };
        self.app.catalogue.ingest(&[report]).await.expect("a commit");
        flight_id
    }

    pub(crate) async fn dock(&self, workspace: &Workspace) -> String {
        let sn = format!("DOCK{:04}", self.number());
        let dock = NewDock {
            sn: sn.clone(),
            workspace_id: workspace.id,
            callsign: None,
            password_hash: "none".into(),
            created_at: self.app.now(),
        };
        self.app.catalogue.add_dock(&dock).await.expect("a new dock");
        self.app.docks.load(&self.app.catalogue).await.expect("docks");
        sn
    }

    /// A job that used up its only attempt.
    pub(crate) async fn dead_job(&self, workspace: &Workspace) -> Uuid {
        let id = self.open_job(workspace).await;
        let (catalogue, now) = (&self.app.catalogue, self.app.now());
        let kind = catalogue.job(id).await.expect("a catalogue").expect("the job").kind;
        let lease = now + SignedDuration::from_secs(60);
        let claimed = catalogue.claim_jobs(&[&kind], now, lease, 1).await.expect("a claim");
        catalogue.fail_job(id, claimed[0].attempts, "it broke", None, now).await.expect("a failure");
        id
    }

    /// A job that nobody has begun.
    pub(crate) async fn open_job(&self, workspace: &Workspace) -> Uuid {
        let (id, now) = (self.app.new_id(), self.app.now());
        let kind = format!("kind-{}", self.number());
        let job = NewJob {
            id,
            workspace_id: Some(workspace.id),
            kind,
            media_id: None,
            flight_id: None,
            payload: json!({}),
            run_after: now,
            max_attempts: 1,
        };
        self.app.catalogue.add_jobs(&[job], now).await.expect("a job");
        id
    }
}

pub(crate) fn request(method: &str, path: &str, who: &Who, body: Option<&Value>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header("host", "eyrie.test:8080");
    request = match who {
        Who::Nobody => request,
        Who::Token(token) => request.header("authorization", format!("Bearer {token}")),
        Who::Cookie(cookie) => request.header("cookie", format!("eyrie_session={cookie}")),
    };
    match body {
        None => request.body(Body::empty()).expect("a request"),
        Some(body) => {
            let bytes = body.to_string();
            let request = request.header("content-type", "application/json").header("content-length", bytes.len());
            request.body(Body::from(bytes)).expect("a request")
        }
    }
}

/// As if the request came from `peer`.
pub(crate) fn from_peer(mut request: Request<Body>, peer: &str) -> Request<Body> {
    let peer: SocketAddr = peer.parse().expect("an address");
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}
