//! What an operator may do, for the command line and the API alike: workspaces, docks, controllers, tokens, S3 keys, users.
//!
//! Each operation checks its input, writes its row, then its audit entry. A secret is made here, returned once and kept
//! as a hash only (an operator's S3 secret is derived from the master key and kept nowhere). Who may call is decided by
//! the caller: a route checks the role, the command line has the file system's permissions.

mod account;
mod controller;
mod keep;
mod names;

pub use controller::ControllerGrant;
pub use keep::{RULE_DAYS, WantedRule};
pub use names::{MAX_NAME_CHARS, MAX_SN_CHARS, PASSWORD_BYTES};

use std::sync::Arc;

use eyrie_catalogue::{AuditEntry, Catalogue, CatalogueError, Dock, NewDock, Workspace};
use eyrie_env::{Clock, Random, uuid_v7};
use eyrie_objects::{Issuer, Store, StoreError};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, PublicUrls};
use crate::config::PilotConfig;
use crate::secret;
use names::{checked_name, checked_sn, checked_words, is_bucket_name};

/// Letters of a generated password: 5 bits each, 130 in all, and none that is mistaken for another when typed in.
const PASSWORD_LETTERS: usize = 26;
/// Letters of an organization id and of a binding code; a dock must have its account before it can try one.
const CODE_LETTERS: usize = 8;
/// Bytes of entropy in a token.
const TOKEN_BYTES: usize = 32;

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The input breaks a rule; says which.
    #[error("{0}")]
    Invalid(String),
    #[error("{what} {id:?} is not known")]
    NotFound { what: &'static str, id: String },
    #[error("{what} {id:?} exists already")]
    Exists { what: &'static str, id: String },
    #[error("{0} is disabled")]
    Disabled(String),
    #[error("too many {0}")]
    TooMany(&'static str),
    #[error(transparent)]
    Catalogue(CatalogueError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CatalogueError> for AdminError {
    fn from(error: CatalogueError) -> Self {
        match error {
            CatalogueError::NotFound { what, id } => Self::NotFound { what, id },
            CatalogueError::Exists { what, id } => Self::Exists { what, id },
            other => Self::Catalogue(other),
        }
    }
}

pub type Result<T, E = AdminError> = std::result::Result<T, E>;

/// What a dock's operator types in on its screen. The password is shown this once.
#[derive(Clone, Serialize)]
pub struct DockAccess {
    pub sn: String,
    pub workspace_id: Uuid,
    /// The SN.
    pub username: String,
    pub password: String,
    pub mqtt_url: String,
    pub binding_code: String,
    pub organization_id: String,
}

/// What a Pilot 2 controller logs in with; `token` is its `X-Auth-Token`, good for `pilot.token_lifetime`.
#[derive(Clone, Serialize)]
pub struct ControllerAccess {
    pub sn: String,
    pub username: String,
    pub password: String,
    pub mqtt_url: String,
    pub token: String,
}

#[derive(Clone, Serialize)]
pub struct TokenAccess {
    pub id: Uuid,
    pub token: String,
}

/// What rclone, aws and s3cmd need for one workspace's bucket.
#[derive(Clone, Serialize)]
pub struct S3Access {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub endpoint: String,
    pub region: String,
    pub bucket: String,
}

#[derive(Clone, Serialize)]
pub struct UserAccess {
    pub id: Uuid,
    /// As chosen, or the one that was made.
    pub password: String,
}

/// The operations, done in somebody's name.
#[derive(Clone)]
pub struct Admin {
    pub catalogue: Catalogue,
    pub store: Arc<Store>,
    pub issuer: Issuer,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub urls: PublicUrls,
    /// S3 region, as clients must sign for it.
    pub region: String,
    /// How long logins of Pilot 2 last.
    pub pilot: PilotConfig,
    /// `user:NAME`, `token:ID`, `command line`, `server`.
    pub actor: String,
}

impl App {
    /// The operations in the name of `actor` (`user:NAME`, `token:ID`).
    pub fn admin(&self, actor: impl Into<String>) -> Admin {
        Admin {
            catalogue: self.catalogue.clone(),
            store: Arc::clone(&self.store),
            issuer: self.issuer.clone(),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            urls: self.urls.clone(),
            region: self.config.s3.region.clone(),
            pilot: self.config.pilot.clone(),
            actor: actor.into(),
        }
    }
}

impl Admin {
    /// By id or name.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn workspace(&self, id_or_name: &str) -> Result<Workspace> {
        let found = self.catalogue.workspace(id_or_name).await?;
        found.ok_or_else(|| AdminError::NotFound { what: "workspace", id: id_or_name.to_owned() })
    }

    /// Makes a workspace and its bucket. The bucket is named like the workspace where S3 allows it.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a name that cannot be one; [`AdminError::Exists`].
    pub async fn add_workspace(&self, name: &str) -> Result<Workspace> {
        let name = checked_name("a workspace's name", name)?;
        if Uuid::try_parse(name).is_ok() {
            return Err(AdminError::Invalid("a workspace's name must not look like an id".into()));
        }
        let others = self.catalogue.workspaces().await?;
        if others.iter().any(|other| other.name == name) {
            return Err(AdminError::Exists { what: "workspace", id: name.to_owned() });
        }
        let id = self.new_id();
        let wanted = name.to_ascii_lowercase();
        let free = is_bucket_name(&wanted) && !others.iter().any(|other| other.bucket == wanted);
        let workspace = Workspace {
            id,
            name: name.to_owned(),
            // the last characters of a version 7 UUID are random, the first are the time
            bucket: if free { wanted } else { format!("ws-{}", &id.simple().to_string()[20..]) },
            organization_id: secret::random_code(&*self.random, CODE_LETTERS),
            binding_code: secret::random_code(&*self.random, CODE_LETTERS),
            created_at: self.clock.now(),
        };
        // a bucket without a workspace harms nobody; a workspace without its bucket could not keep a file
        self.store.create_bucket(&workspace.bucket).await?;
        self.catalogue.add_workspace(&workspace).await?;
        self.audit(Some(id), "workspace.add", &workspace.name, json!({"bucket": workspace.bucket})).await?;
        Ok(workspace)
    }

    /// Gives a dock its account.
    ///
    /// # Errors
    /// [`AdminError::Invalid`]; [`AdminError::Exists`] when the SN is known, in whatever workspace.
    pub async fn add_dock(&self, workspace: &Workspace, sn: &str, callsign: Option<&str>) -> Result<DockAccess> {
        let sn = checked_sn(sn)?;
        let callsign = callsign.map(|text| checked_words("a callsign", text)).transpose()?;
        if self.catalogue.controller(sn).await?.is_some() {
            // both log in with the SN as username
            return Err(AdminError::Exists { what: "controller", id: sn.to_owned() });
        }
        let (password, password_hash) = self.new_password().await;
        let dock = NewDock {
            sn: sn.to_owned(),
            workspace_id: workspace.id,
            callsign: callsign.map(str::to_owned),
            password_hash,
            created_at: self.clock.now(),
        };
        self.catalogue.add_dock(&dock).await?;
        self.audit(Some(workspace.id), "dock.add", sn, json!({"callsign": callsign})).await?;
        Ok(self.dock_access(sn, password, workspace))
    }

    /// A new password for a dock; its connection is ended, the old password is worthless.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn rotate_dock(&self, sn: &str) -> Result<DockAccess> {
        let dock = self.dock(sn).await?;
        let workspace = self.workspace(&dock.workspace_id.to_string()).await?;
        let (password, password_hash) = self.new_password().await;
        self.catalogue.set_dock_password(sn, &password_hash).await?;
        self.audit(Some(workspace.id), "dock.rotate", sn, Value::Null).await?;
        Ok(self.dock_access(sn, password, &workspace))
    }

    /// A disabled dock is disconnected and cannot come back; what it uploaded stays.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn set_dock_enabled(&self, sn: &str, enabled: bool) -> Result<Dock> {
        let dock = self.dock(sn).await?;
        self.catalogue.set_dock_disabled(sn, !enabled).await?;
        let action = if enabled { "dock.enable" } else { "dock.disable" };
        self.audit(Some(dock.workspace_id), action, sn, Value::Null).await?;
        Ok(Dock { disabled: !enabled, ..dock })
    }

    /// Calls a dock something, which the dock does not change; with `None` it may say again what it is called.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`].
    pub async fn name_dock(&self, sn: &str, callsign: Option<&str>) -> Result<Dock> {
        let dock = self.dock(sn).await?;
        let callsign = callsign.map(|text| checked_words("a callsign", text)).transpose()?;
        self.catalogue.name_dock(sn, callsign).await?;
        let detail = json!({"callsign": callsign, "before": dock.callsign});
        self.audit(Some(dock.workspace_id), "dock.rename", sn, detail).await?;
        Ok(Dock { callsign: callsign.map(str::to_owned), ..dock })
    }

    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn dock(&self, sn: &str) -> Result<Dock> {
        let found = self.catalogue.dock(sn).await?;
        found.ok_or_else(|| AdminError::NotFound { what: "dock", id: sn.to_owned() })
    }

    /// Writes an audit entry in the actor's name.
    ///
    /// # Errors
    /// Those of the catalogue.
    pub async fn audit(&self, workspace_id: Option<Uuid>, action: &str, subject: &str, detail: Value) -> Result<()> {
        let entry = AuditEntry {
            id: self.new_id(),
            workspace_id,
            at: self.clock.now(),
            actor: self.actor.clone(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail,
        };
        Ok(self.catalogue.add_audit(&entry).await?)
    }

    fn new_id(&self) -> Uuid {
        uuid_v7(self.clock.now(), &*self.random)
    }

    fn new_token(&self) -> String {
        // a fixed beginning lets scanners of repositories and logs find a token that leaked
        format!("eyrie_{}", secret::random_text(&*self.random, TOKEN_BYTES))
    }

    /// A random password and its hash.
    async fn new_password(&self) -> (String, String) {
        self.hashed(secret::random_code(&*self.random, PASSWORD_LETTERS)).await
    }

    async fn hashed(&self, password: String) -> (String, String) {
        let random = Arc::clone(&self.random);
        let hashing = tokio::task::spawn_blocking(move || {
            let hash = secret::hash_password(&*random, &password);
            (password, hash)
        });
        hashing.await.expect("hashing a password does not panic")
    }

    fn dock_access(&self, sn: &str, password: String, workspace: &Workspace) -> DockAccess {
        DockAccess {
            sn: sn.to_owned(),
            workspace_id: workspace.id,
            username: sn.to_owned(),
            password,
            mqtt_url: self.urls.mqtt.clone(),
            binding_code: workspace.binding_code.clone(),
            organization_id: workspace.organization_id.clone(),
        }
    }
}
