//! What an operator may do, for the command line and the API alike: workspaces, docks, controllers, tokens, S3 keys, users.
//!
//! Each operation checks its input, writes its row, then its audit entry. A secret is made here, returned once and kept
//! as a hash only (an operator's S3 secret is derived from the master key and kept nowhere). Who may call is decided by
//! the caller: a route checks the role, the command line has the file system's permissions.

use std::sync::Arc;

use eyrie_catalogue::{
    AuditEntry, Catalogue, CatalogueError, Controller, Dock, NewDock, NewToken, Role, S3Key, User, Workspace,
};
use eyrie_env::{Clock, Random, uuid_v7};
use eyrie_objects::{Issuer, Store, StoreError};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, PublicUrls};
use crate::secret;

/// Characters in the name of a workspace, a user or a token, and in a callsign.
pub const MAX_NAME_CHARS: usize = 64;
/// Characters in a serial number.
pub const MAX_SN_CHARS: usize = 64;
/// Bytes of a password that a person chose.
pub const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 10..=256;

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

/// What a Pilot 2 controller logs in with; `token` is its `X-Auth-Token`.
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
        let callsign = callsign.map(|text| checked_name("a callsign", text)).transpose()?;
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

    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn dock(&self, sn: &str) -> Result<Dock> {
        let found = self.catalogue.dock(sn).await?;
        found.ok_or_else(|| AdminError::NotFound { what: "dock", id: sn.to_owned() })
    }

    /// Gives a Pilot 2 controller its account.
    ///
    /// # Errors
    /// [`AdminError::Invalid`]; [`AdminError::Exists`] when the SN is known.
    pub async fn add_controller(&self, workspace: &Workspace, sn: &str) -> Result<ControllerAccess> {
        let sn = checked_sn(sn)?;
        if self.catalogue.dock(sn).await?.is_some() {
            return Err(AdminError::Exists { what: "dock", id: sn.to_owned() });
        }
        let (password, password_hash) = self.new_password().await;
        let token = self.new_token();
        let controller = Controller {
            sn: sn.to_owned(),
            workspace_id: workspace.id,
            password_hash,
            token_hash: secret::token_hash(&token),
            disabled: false,
            created_at: self.clock.now(),
        };
        self.catalogue.add_controller(&controller).await?;
        self.audit(Some(workspace.id), "controller.add", sn, Value::Null).await?;
        Ok(ControllerAccess {
            sn: sn.to_owned(),
            username: sn.to_owned(),
            password,
            mqtt_url: self.urls.mqtt.clone(),
            token,
        })
    }

    /// A bearer token for the HTTP interface.
    ///
    /// # Errors
    /// [`AdminError::Invalid`].
    pub async fn create_token(
        &self,
        workspace: &Workspace,
        role: Role,
        name: Option<&str>,
        expires_at: Option<Timestamp>,
    ) -> Result<TokenAccess> {
        let name = name.map(|text| checked_name("a token's name", text)).transpose()?;
        let now = self.clock.now();
        if expires_at.is_some_and(|at| at <= now) {
            return Err(AdminError::Invalid("a token cannot expire in the past".into()));
        }
        let token = self.new_token();
        let row = NewToken {
            id: self.new_id(),
            workspace_id: workspace.id,
            role,
            name: name.map(str::to_owned),
            token_hash: secret::token_hash(&token),
            created_at: now,
            expires_at,
        };
        self.catalogue.add_token(&row).await?;
        let detail = json!({"role": role, "name": name});
        self.audit(Some(workspace.id), "token.create", &row.id.to_string(), detail).await?;
        Ok(TokenAccess { id: row.id, token })
    }

    /// # Errors
    /// [`AdminError::NotFound`] when the workspace has no such token, or it is revoked already.
    pub async fn revoke_token(&self, workspace_id: Uuid, id: Uuid) -> Result<()> {
        if !self.catalogue.revoke_token(workspace_id, id, self.clock.now()).await? {
            return Err(AdminError::NotFound { what: "token", id: id.to_string() });
        }
        self.audit(Some(workspace_id), "token.revoke", &id.to_string(), Value::Null).await
    }

    /// An S3 key for all of the workspace's bucket and nothing else.
    ///
    /// # Errors
    /// Those of the catalogue.
    pub async fn create_s3_key(&self, workspace: &Workspace, write: bool) -> Result<S3Access> {
        let access_key_id = self.issuer.new_key_id();
        let row = S3Key {
            access_key_id: access_key_id.clone(),
            workspace_id: workspace.id,
            bucket: workspace.bucket.clone(),
            write,
            created_at: self.clock.now(),
            revoked_at: None,
            last_used_at: None,
        };
        self.catalogue.add_s3_key(&row).await?;
        let detail = json!({"access": if write { "write" } else { "read" }});
        self.audit(Some(workspace.id), "s3_key.create", &access_key_id, detail).await?;
        Ok(S3Access {
            secret_access_key: self.issuer.key_secret(&access_key_id),
            access_key_id,
            endpoint: self.urls.s3.clone(),
            region: self.region.clone(),
            bucket: workspace.bucket.clone(),
        })
    }

    /// # Errors
    /// [`AdminError::NotFound`] when the workspace has no such key, or it is revoked already.
    pub async fn revoke_s3_key(&self, workspace_id: Uuid, access_key_id: &str) -> Result<()> {
        if !self.catalogue.revoke_s3_key(workspace_id, access_key_id, self.clock.now()).await? {
            return Err(AdminError::NotFound { what: "S3 key", id: access_key_id.to_owned() });
        }
        self.audit(Some(workspace_id), "s3_key.revoke", access_key_id, Value::Null).await
    }

    /// A person's account; `workspace` `None` makes an administrator of the whole server. Without a password one is made.
    ///
    /// # Errors
    /// [`AdminError::Invalid`]; [`AdminError::Exists`].
    pub async fn add_user(
        &self,
        name: &str,
        workspace: Option<&Workspace>,
        role: Role,
        password: Option<&str>,
    ) -> Result<UserAccess> {
        let name = checked_name("a user's name", name)?;
        if workspace.is_none() && role != Role::Admin {
            return Err(AdminError::Invalid("a user without a workspace can only be an admin".into()));
        }
        if self.catalogue.user_by_name(name).await?.is_some() {
            return Err(AdminError::Exists { what: "user", id: name.to_owned() });
        }
        let (password, password_hash) = match password {
            Some(password) => self.hashed(checked_password(password)?.to_owned()).await,
            None => self.new_password().await,
        };
        let workspace_id = workspace.map(|workspace| workspace.id);
        let user = User {
            id: self.new_id(),
            name: name.to_owned(),
            password_hash,
            workspace_id,
            role,
            created_at: self.clock.now(),
        };
        self.catalogue.add_user(&user).await?;
        self.audit(workspace_id, "user.add", name, json!({"role": role})).await?;
        Ok(UserAccess { id: user.id, password })
    }

    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn user(&self, name: &str) -> Result<User> {
        let found = self.catalogue.user_by_name(name).await?;
        found.ok_or_else(|| AdminError::NotFound { what: "user", id: name.to_owned() })
    }

    /// Ends the account and its sessions.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] for the last administrator of the whole server.
    pub async fn remove_user(&self, name: &str) -> Result<()> {
        let user = self.user(name).await?;
        if is_server_admin(&user) {
            let admins = self.catalogue.users(None).await?.iter().filter(|other| is_server_admin(other)).count();
            if admins <= 1 {
                return Err(AdminError::Invalid("the last administrator of the server cannot be removed".into()));
            }
        }
        self.catalogue.remove_user(user.id).await?;
        self.audit(user.workspace_id, "user.remove", name, Value::Null).await
    }

    /// Sets a password, the one given or a new one, and returns it.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] for a password that is too short or too long.
    pub async fn set_user_password(&self, name: &str, password: Option<&str>) -> Result<UserAccess> {
        let user = self.user(name).await?;
        let (password, password_hash) = match password {
            Some(password) => self.hashed(checked_password(password)?.to_owned()).await,
            None => self.new_password().await,
        };
        self.catalogue.set_user_password(user.id, &password_hash).await?;
        self.audit(user.workspace_id, "user.password", name, Value::Null).await?;
        Ok(UserAccess { id: user.id, password })
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

fn is_server_admin(user: &User) -> bool {
    user.workspace_id.is_none() && user.role == Role::Admin
}

/// A serial number becomes a level of topics and of object keys: letters, digits, `-` and `_` only.
fn checked_sn(sn: &str) -> Result<&str> {
    let fits = (1..=MAX_SN_CHARS).contains(&sn.len());
    if fits && sn.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        Ok(sn)
    } else {
        Err(AdminError::Invalid(format!("a serial number is 1 to {MAX_SN_CHARS} letters, digits, '-' and '_'")))
    }
}

/// A name can stand in a path and in a log line.
fn checked_name<'a>(what: &str, name: &'a str) -> Result<&'a str> {
    let name = name.trim();
    let fits = (1..=MAX_NAME_CHARS).contains(&name.chars().count());
    if fits && !name.chars().any(|letter| letter.is_control() || matches!(letter, '/' | '\\')) {
        Ok(name)
    } else {
        let rule = "characters without control characters and slashes";
        Err(AdminError::Invalid(format!("{what} is 1 to {MAX_NAME_CHARS} {rule}")))
    }
}

fn checked_password(password: &str) -> Result<&str> {
    if PASSWORD_BYTES.contains(&password.len()) {
        Ok(password)
    } else {
        let (least, most) = (PASSWORD_BYTES.start(), PASSWORD_BYTES.end());
        Err(AdminError::Invalid(format!("a password is {least} to {most} bytes long")))
    }
}

/// S3's rules for bucket names, without dots: those break TLS with virtual-host addresses.
fn is_bucket_name(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    plain
        && (3..=63).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.starts_with("xn--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_rules_of_s3() {
        for good in ["default", "abc", "north-2", &"a".repeat(63)] {
            assert!(is_bucket_name(good), "{good}");
        }
        for bad in ["", "ab", "-abc", "abc-", "a.bc", "Abc", "xn--abc", "a b c", &"a".repeat(64)] {
            assert!(!is_bucket_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_serial_number_cannot_leave_its_level() {
        assert!(checked_sn("7CTDTEST0001").is_ok());
        assert!(checked_sn("a-b_c").is_ok());
        for bad in ["", "a/b", "+", "#", "a b", "ä", "..", "$share", &"a".repeat(65)] {
            assert!(checked_sn(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_bounded_and_printable() {
        assert_eq!(checked_name("a name", "  North field  ").unwrap(), "North field");
        for bad in ["", "   ", "a/b", "a\nb", &"x".repeat(65)] {
            assert!(checked_name("a name", bad).is_err(), "{bad:?}");
        }
    }
}
