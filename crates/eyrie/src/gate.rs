//! Who may connect, publish and subscribe on the embedded broker, and which S3 keys are known.
//!
//! The username is the SN, and the SN in a topic is the identity: an account reaches the topics below its own SN and,
//! for `osd` and `state`, below the aircraft it holds at this moment. Nothing else, whatever the wildcard.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eyrie_catalogue::{Catalogue, Kept};
use eyrie_mqtt::{Gate, Login, Refusal};
use eyrie_objects::{KeyGrant, Keys};
use parking_lot::Mutex;
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::dock::topology::LIVE;
use crate::secret;

/// Passwords that are hashed at once; each takes 19 MiB and a core.
const HASHES_AT_ONCE: usize = 2;
/// How often disabled docks and changed passwords are looked for.
const WATCH_EVERY: Duration = Duration::from_millis(500);
/// A login that ends by itself changes nothing in the database; it is looked for this often.
const LOOK_EVERY: Duration = Duration::from_secs(15);

pub struct AccountGate {
    app: Arc<App>,
    hashing: Semaphore,
    /// Makes the fingerprints below worthless outside this process.
    salt: [u8; 32],
    /// Passwords that were right before: (stored argon2 hash, fingerprint of the password). A thousand docks that
    /// reconnect at once would otherwise wait a minute for argon2.
    verified: Mutex<HashMap<String, (String, [u8; 32])>>,
    /// Verified for unknown names too, so that the time an answer takes tells nothing.
    dummy_hash: String,
}

impl AccountGate {
    pub fn new(app: Arc<App>) -> Self {
        let mut salt = [0; 32];
        app.random.fill(&mut salt);
        let dummy_hash = secret::hash_password(&*app.random, "no account has this password");
        Self { app, hashing: Semaphore::new(HASHES_AT_ONCE), salt, verified: Mutex::default(), dummy_hash }
    }

    fn fingerprint(&self, password: &[u8]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.salt);
        hasher.update(password);
        hasher.finalize().into()
    }

    async fn verify(&self, username: &str, hash: &str, password: &[u8]) -> bool {
        let fingerprint = self.fingerprint(password);
        let known = self.verified.lock().get(username).cloned();
        if known.is_some_and(|(old, seen)| old == hash && bool::from(seen.ct_eq(&fingerprint))) {
            return true;
        }
        let _permit = self.hashing.acquire().await;
        let (checked, password) = (hash.to_owned(), password.to_vec());
        let right = tokio::task::spawn_blocking(move || secret::verify_password(&checked, &password)).await;
        let right = right.unwrap_or(false);
        if right {
            self.verified.lock().insert(username.to_owned(), (hash.to_owned(), fingerprint));
        }
        right
    }
}

/// A login's id in [`Logins`], in the place of a password's hash.
const LOGIN: &str = "login:";

/// The password of a Pilot controller's login: the login's id and a secret that is derived from it.
pub fn login_password(app: &App, session_id: Uuid) -> String {
    let id = session_id.simple().to_string();
    let secret = app.issuer.controller_secret(&id);
    format!("{id}.{secret}")
}

/// The login that such a password belongs to. `None` also when it is over, or of another controller.
async fn login_of(app: &App, username: &str, password: &[u8]) -> eyrie_catalogue::Result<Option<Uuid>> {
    let id = std::str::from_utf8(password).ok().and_then(|text| text.split_once('.'));
    let Some(id) = id.and_then(|(id, _)| Uuid::try_parse(id).ok()) else { return Ok(None) };
    if !bool::from(login_password(app, id).as_bytes().ct_eq(password)) {
        return Ok(None);
    }
    let session = app.catalogue.controller_session(id, app.now()).await?;
    Ok(session.filter(|session| session.sn == username).map(|session| session.id))
}

/// True while what somebody logged in with is still good.
async fn still_good(app: &App, username: &str, proof: &str) -> eyrie_catalogue::Result<bool> {
    if let Some(id) = proof.strip_prefix(LOGIN).and_then(|id| Uuid::try_parse(id).ok()) {
        return Ok(app.catalogue.controller_session(id, app.now()).await?.is_some());
    }
    Ok(password_hash(&app.catalogue, username).await?.as_deref() == Some(proof))
}

/// The argon2 hash behind a username; `None` when there is no such account or it is disabled.
async fn password_hash(catalogue: &Catalogue, username: &str) -> eyrie_catalogue::Result<Option<String>> {
    if let Some(dock) = catalogue.dock(username).await? {
        return Ok((!dock.disabled).then_some(dock.password_hash));
    }
    let controller = catalogue.controller(username).await?;
    Ok(controller.filter(|controller| !controller.disabled).map(|controller| controller.password_hash))
}

#[async_trait::async_trait]
impl Gate for AccountGate {
    async fn authenticate(&self, login: &Login<'_>) -> Result<(), Refusal> {
        let unreadable = |error: eyrie_catalogue::CatalogueError| {
            tracing::error!(%error, "accounts cannot be read");
            Refusal::Unavailable
        };
        if let Some(id) = login_of(&self.app, login.username, login.password).await.map_err(unreadable)? {
            let proof = format!("{LOGIN}{id}");
            self.app.logins.remember(login.username, &proof);
            // one that ended meanwhile: from here on `watch` sees it
            if !still_good(&self.app, login.username, &proof).await.map_err(unreadable)? {
                return Err(Refusal::BadUsernameOrPassword);
            }
            return self.admit(login.username).await;
        }
        let hash = password_hash(&self.app.catalogue, login.username).await.map_err(unreadable)?;
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy_hash.clone());
        let right = self.verify(login.username, &hash, login.password).await;
        if !(known && right) {
            metrics::counter!("eyrie_mqtt_refused_total").increment(1);
            tracing::warn!(dock.sn = login.username, peer = %login.peer, "connection refused: wrong password, unknown or disabled account");
            return Err(Refusal::BadUsernameOrPassword);
        }
        self.app.logins.remember(login.username, &hash);
        // a password that was changed while it was hashed: from here on `watch` sees the login
        let still = password_hash(&self.app.catalogue, login.username).await;
        if still.map_err(|_| Refusal::Unavailable)? != Some(hash) {
            return Err(Refusal::BadUsernameOrPassword);
        }
        self.admit(login.username).await
    }

    fn may_publish(&self, username: &str, topic: &str) -> bool {
        !topic.contains(['#', '+']) && self.reaches(username, topic)
    }

    /// Nothing in the Cloud API is retained, and a retained message would outlive the right to send it.
    fn may_retain(&self, _username: &str, _topic: &str) -> bool {
        false
    }

    fn may_subscribe(&self, username: &str, filter: &str) -> bool {
        self.reaches(username, filter)
    }
}

impl AccountGate {
    async fn admit(&self, username: &str) -> Result<(), Refusal> {
        if self.app.docks.identity(username).is_none() {
            // added after the last look: the first message must find its workspace
            self.app.docks.load(&self.app.catalogue).await.map_err(|error| {
                tracing::error!(%error, "docks cannot be read");
                Refusal::Unavailable
            })?;
        }
        Ok(())
    }

    /// `{thing|sys}/product/{own SN}/...`, with wildcards only behind the SN, or exactly an aircraft's `osd` or `state`.
    fn reaches(&self, username: &str, topic: &str) -> bool {
        let mut levels = topic.splitn(4, '/');
        let (Some(root), Some("product"), Some(sn), Some(rest)) =
            (levels.next(), levels.next(), levels.next(), levels.next())
        else {
            return false;
        };
        match root {
            "thing" | "sys" if sn == username => !rest.is_empty(),
            "thing" => LIVE.contains(&rest) && self.app.docks.holds(username, sn),
            _ => false,
        }
    }
}

/// Ends the sessions of docks that were disabled or got another password, and takes over what commands changed in the
/// database. Runs until `stop`.
pub async fn watch(app: Arc<App>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(WATCH_EVERY);
    let (mut counter, mut looked) = (None, Instant::now());
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let seen = match app.catalogue.change_counter().await {
            Ok(seen) => Some(seen),
            Err(error) => {
                tracing::warn!(%error, "the database cannot be watched");
                continue;
            }
        };
        if seen == counter && looked.elapsed() < LOOK_EVERY {
            continue;
        }
        (counter, looked) = (seen, Instant::now());
        if let Err(error) = look(&app).await {
            tracing::warn!(%error, "accounts cannot be read");
            counter = None;
        }
    }
}

async fn look(app: &App) -> eyrie_catalogue::Result<()> {
    app.docks.load(&app.catalogue).await?;
    app.holds.load(&app.catalogue).await?;
    let docks: HashMap<_, _> =
        app.catalogue.docks(None).await?.into_iter().map(|dock| (dock.sn.clone(), dock)).collect();
    for (username, hash) in app.logins.all() {
        let good = match docks.get(&username) {
            Some(dock) => !dock.disabled && dock.password_hash == hash,
            None => still_good(app, &username, &hash).await?,
        };
        if !good {
            tracing::info!(dock.sn = %username, "account changed, ending its sessions");
            if let Some(broker) = app.broker.get() {
                broker.disconnect(&username).await;
            }
            app.logins.forget(username, hash);
        }
    }
    Ok(())
}

/// Which accounts logged in with which passwords (or Pilot logins): when that is not good any more, their sessions end.
#[derive(Default)]
pub struct Logins(Mutex<HashSet<(String, String)>>);

impl Logins {
    fn remember(&self, username: &str, hash: &str) {
        self.0.lock().insert((username.to_owned(), hash.to_owned()));
    }

    fn forget(&self, username: String, hash: String) {
        self.0.lock().remove(&(username, hash));
    }

    fn all(&self) -> Vec<(String, String)> {
        self.0.lock().iter().cloned().collect()
    }
}

/// Operators' S3 keys, and what they may not touch.
pub struct OperatorKeys(pub Arc<App>);

#[async_trait::async_trait]
impl Keys for OperatorKeys {
    async fn grant(&self, access_key_id: &str) -> Result<Option<KeyGrant>, Box<dyn Error + Send + Sync>> {
        let app = &self.0;
        let Some(key) = app.catalogue.s3_key(access_key_id).await? else { return Ok(None) };
        app.catalogue.s3_key_used(&key, app.now());
        Ok(Some(KeyGrant { bucket: key.bucket, write: key.write }))
    }

    async fn is_held(&self, bucket: &str, key: &str) -> Result<bool, Box<dyn Error + Send + Sync>> {
        let app = &self.0;
        Ok(app.holds.any() && app.catalogue.is_object_held(bucket, key).await?)
    }

    /// A file of the library whose object an operator removes over S3 is missing from then on; the log says by whose hand.
    async fn refuse_removal(
        &self,
        access_key_id: &str,
        bucket: &str,
        key: &str,
    ) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
        let app = &self.0;
        let Some((media, kept)) = app.catalogue.object_kept(bucket, key, app.now()).await? else { return Ok(None) };
        let why = match kept {
            Some(Kept::Hold) => "A legal hold is on the file: it can be neither replaced nor removed.",
            Some(Kept::Share) => "An open share link shows the file: revoke the link first.",
            // neither work on a file nor a download of it keeps a tool from it: both say that it is missing
            Some(Kept::Job | Kept::Download | Kept::Changed | Kept::Damaged) | None => {
                let detail = json!({ "name": media.name, "object_key": key, "etag": media.etag });
                let admin = app.admin(format!("s3-key:{access_key_id}"));
                admin.audit(Some(media.workspace_id), "object.delete", &media.id.to_string(), detail).await?;
                return Ok(None);
            }
        };
        Ok(Some(why.to_owned()))
    }
}
