//! Who may talk to us over HTTP and S3: users, sessions, tokens, operators' S3 keys, Pilot controllers. Secrets are kept
//! as hashes only: argon2 for passwords, SHA-256 for random tokens of 128 bits or more.

use jiff::Timestamp;
use uuid::Uuid;

use crate::media::words;
use crate::{Catalogue, Result};

words!(Role { Viewer = "viewer", Operator = "operator", Admin = "admin" });

impl Role {
    /// Viewer < operator < admin.
    pub fn includes(self, other: Self) -> bool {
        self as u8 >= other as u8
    }
}

#[derive(Clone, Debug)]
pub struct User {
    pub id: Uuid,
    pub name: String,
    pub password_hash: String,
    /// `None`: the administrator of the whole server. Otherwise the one workspace this user sees.
    pub workspace_id: Option<Uuid>,
    pub role: Role,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Session {
    pub token_hash: [u8; 32],
    pub user_id: Uuid,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct NewToken {
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub role: Role,
    pub name: Option<String>,
    pub token_hash: [u8; 32],
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub role: Role,
    pub name: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct S3Key {
    pub access_key_id: String,
    pub workspace_id: Uuid,
    pub bucket: String,
    pub write: bool,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct Controller {
    pub sn: String,
    pub workspace_id: Uuid,
    pub password_hash: String,
    /// Of Pilot's `X-Auth-Token`.
    pub token_hash: [u8; 32],
    pub disabled: bool,
    pub created_at: Timestamp,
}

/// What is behind a bearer token or a session cookie.
#[derive(Clone, Debug)]
pub struct Login {
    /// `user:NAME` or `token:ID`.
    pub actor: String,
    pub user_id: Option<Uuid>,
    pub workspace_id: Option<Uuid>,
    pub role: Role,
}

impl Catalogue {
    /// # Errors
    /// `Exists` when the name is taken.
    pub async fn add_user(&self, _user: &User) -> Result<()> {
        todo!()
    }
    pub async fn user_by_name(&self, _name: &str) -> Result<Option<User>> {
        todo!()
    }
    pub async fn users(&self, _workspace_id: Option<Uuid>) -> Result<Vec<User>> {
        todo!()
    }
    pub async fn remove_user(&self, _id: Uuid) -> Result<bool> {
        todo!()
    }
    pub async fn set_user_password(&self, _id: Uuid, _password_hash: &str) -> Result<()> {
        todo!()
    }
    pub async fn add_session(&self, _session: &Session) -> Result<()> {
        todo!()
    }
    /// `None` when there is none or it is over.
    pub async fn session_login(&self, _token_hash: &[u8; 32], _now: Timestamp) -> Result<Option<Login>> {
        todo!()
    }
    pub async fn end_session(&self, _token_hash: &[u8; 32]) -> Result<()> {
        todo!()
    }
    /// Failed logins under `key` since `since`; kept in the database so that a restart does not clear them.
    pub async fn failed_logins(&self, _key: &str, _since: Timestamp) -> Result<u32> {
        todo!()
    }
    /// Also forgets failures older than a day.
    pub async fn add_failed_login(&self, _key: &str, _at: Timestamp) -> Result<()> {
        todo!()
    }
    pub async fn clear_failed_logins(&self, _key: &str) -> Result<()> {
        todo!()
    }
    pub async fn add_token(&self, _token: &NewToken) -> Result<()> {
        todo!()
    }
    pub async fn tokens(&self, _workspace_id: Uuid) -> Result<Vec<Token>> {
        todo!()
    }
    /// `None` when unknown, expired or revoked. Records the use, to the minute and lazily.
    pub async fn token_login(&self, _token_hash: &[u8; 32], _now: Timestamp) -> Result<Option<Login>> {
        todo!()
    }
    pub async fn revoke_token(&self, _workspace_id: Uuid, _id: Uuid, _now: Timestamp) -> Result<bool> {
        todo!()
    }
    pub async fn add_s3_key(&self, _key: &S3Key) -> Result<()> {
        todo!()
    }
    pub async fn s3_keys(&self, _workspace_id: Uuid) -> Result<Vec<S3Key>> {
        todo!()
    }
    /// `None` when unknown or revoked.
    pub async fn s3_key(&self, _access_key_id: &str) -> Result<Option<S3Key>> {
        todo!()
    }
    pub async fn revoke_s3_key(&self, _workspace_id: Uuid, _access_key_id: &str, _now: Timestamp) -> Result<bool> {
        todo!()
    }
    pub async fn add_controller(&self, _controller: &Controller) -> Result<()> {
        todo!()
    }
    pub async fn controller(&self, _sn: &str) -> Result<Option<Controller>> {
        todo!()
    }
}
