//! Who may talk to us over HTTP and S3: users, sessions, tokens, operators' S3 keys. Secrets are kept
//! as hashes only: argon2 for passwords, SHA-256 for random tokens of 128 bits or more.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::media::words;
use crate::sqlite::{Query, Row};
use crate::value::{Columns as _, OrConstraint as _, not_found, us, us_opt};
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
    /// Kept out, whatever they log in with.
    pub disabled: bool,
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

/// What is behind a bearer token or a session cookie.
#[derive(Clone, Debug)]
pub struct Login {
    /// `user:NAME` or `token:ID`.
    pub actor: String,
    pub user_id: Option<Uuid>,
    pub workspace_id: Option<Uuid>,
    pub role: Role,
}

/// A token's last use is written down at most this often.
const USE_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// Failed logins are forgotten after this long.
const FAILURES_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// When the use of a token or key was last written down by this process.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<String, Timestamp>>);

impl Uses {
    /// True once a minute for each `id`.
    fn due(&self, id: &str, last: Option<Timestamp>, now: Timestamp) -> bool {
        let mut seen = self.0.lock().expect("nothing panics under this lock");
        let last = seen.get(id).copied().max(last);
        let due = last.is_none_or(|last| now.duration_since(last) >= USE_EVERY);
        if due {
            seen.insert(id.to_owned(), now);
        }
        due
    }
}

impl Catalogue {
    /// # Errors
    /// `Exists` when the name is taken.
    pub async fn add_user(&self, user: &User) -> Result<()> {
        let written = self.engine.write("add a user", insert_user(user)).await.map(drop);
        written.or_exists("user", &user.name).or_not_found("workspace", user.workspace_id.unwrap_or_default())
    }

    pub async fn user_by_name(&self, name: &str) -> Result<Option<User>> {
        let query = sqlx::query("SELECT * FROM users WHERE name = $1").bind(name);
        self.engine.fetch_optional("cannot read a user", query).await?.as_ref().map(user).transpose()
    }

    /// By name; with `None` all of them.
    pub async fn users(&self, workspace_id: Option<Uuid>) -> Result<Vec<User>> {
        let query = match workspace_id {
            None => sqlx::query("SELECT * FROM users ORDER BY name"),
            Some(id) => sqlx::query("SELECT * FROM users WHERE workspace_id = $1 ORDER BY name").bind(id),
        };
        self.engine.fetch_all("cannot list users", query).await?.iter().map(user).collect()
    }

    /// Also ends the user's sessions. False when there was no such user.
    pub async fn remove_user(&self, id: Uuid) -> Result<bool> {
        let delete = sqlx::query("DELETE FROM users WHERE id = $1").bind(id);
        Ok(self.engine.write("remove a user", delete).await? > 0)
    }

    /// Who is disabled has no session left; sessions have the role of their user, so a new one holds at once.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_user_rights(&self, id: Uuid, role: Role, disabled: bool) -> Result<()> {
        let mut write = self.engine.begin("change a user").await?;
        let update = sqlx::query("UPDATE users SET role = $2, disabled = $3 WHERE id = $1");
        if write.execute(update.bind(id).bind(role.as_str()).bind(disabled)).await? == 0 {
            return Err(not_found("user", id));
        }
        if disabled {
            write.execute(sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(id)).await?;
        }
        write.commit().await
    }

    /// Whom an OpenID Connect provider means by a subject.
    pub async fn user_by_identity(&self, issuer: &str, subject: &str) -> Result<Option<User>> {
        let query = "SELECT users.* FROM user_identities JOIN users ON users.id = user_identities.user_id
                     WHERE user_identities.issuer = $1 AND user_identities.subject = $2";
        let query = sqlx::query(query).bind(issuer).bind(subject);
        self.engine.fetch_optional("cannot read an identity", query).await?.as_ref().map(user).transpose()
    }

    /// A new user whom a provider knows, in one commit.
    ///
    /// # Errors
    /// `Exists` when the name or the identity is taken; `NotFound` for the workspace.
    pub async fn add_user_with_identity(&self, user: &User, issuer: &str, subject: &str) -> Result<()> {
        let mut write = self.engine.begin("add a user of a provider").await?;
        let added = write.execute(insert_user(user)).await.map(drop);
        added.or_exists("user", &user.name).or_not_found("workspace", user.workspace_id.unwrap_or_default())?;
        let insert = "INSERT INTO user_identities (issuer, subject, user_id, created_at) VALUES ($1, $2, $3, $4)";
        let insert = sqlx::query(insert).bind(issuer).bind(subject).bind(user.id).bind(us(user.created_at));
        write.execute(insert).await.map(drop).or_exists("identity", subject)?;
        write.commit().await
    }

    /// The users of a workspace that a provider knows.
    pub async fn users_with_identity(&self, workspace_id: Uuid) -> Result<HashSet<Uuid>> {
        let query = "SELECT DISTINCT users.id FROM users JOIN user_identities ON user_identities.user_id = users.id
                     WHERE users.workspace_id = $1";
        let rows = self.engine.fetch_all("cannot list identities", sqlx::query(query).bind(workspace_id)).await?;
        rows.iter().map(|row| row.get("id")).collect()
    }

    /// Also ends the user's sessions: whoever knew the old password is out.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_user_password(&self, id: Uuid, password_hash: &str) -> Result<()> {
        let mut write = self.engine.begin("change a password").await?;
        let update = sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1").bind(id).bind(password_hash);
        if write.execute(update).await? == 0 {
            return Err(not_found("user", id));
        }
        write.execute(sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(id)).await?;
        write.commit().await
    }

    /// Also forgets sessions that are over.
    pub async fn add_session(&self, session: &Session) -> Result<()> {
        let mut write = self.engine.begin("add a session").await?;
        write.execute(sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(us(session.created_at))).await?;
        let insert = "INSERT INTO sessions (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
        let insert = sqlx::query(insert)
            .bind(&session.token_hash[..])
            .bind(session.user_id)
            .bind(us(session.created_at))
            .bind(us(session.expires_at));
        write.execute(insert).await.or_not_found("user", session.user_id).or_exists("session", "of this token")?;
        write.commit().await
    }

    /// `None` when there is none or it is over.
    pub async fn session_login(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<Login>> {
        let query = "SELECT users.* FROM sessions JOIN users ON users.id = sessions.user_id
                     WHERE sessions.token_hash = $1 AND sessions.expires_at > $2 AND users.disabled = 0";
        let query = sqlx::query(query).bind(&token_hash[..]).bind(us(now));
        let row = self.engine.fetch_optional("cannot read a session", query).await?;
        let login = |row: &Row| {
            let user = user(row)?;
            let actor = format!("user:{}", user.name);
            Ok(Login { actor, user_id: Some(user.id), workspace_id: user.workspace_id, role: user.role })
        };
        row.as_ref().map(login).transpose()
    }

    pub async fn end_session(&self, token_hash: &[u8; 32]) -> Result<()> {
        let delete = sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(&token_hash[..]);
        self.engine.write("end a session", delete).await.map(drop)
    }

    /// Failed logins under `key` since `since`; kept in the database so that a restart does not clear them.
    pub async fn failed_logins(&self, key: &str, since: Timestamp) -> Result<u32> {
        let query = sqlx::query("SELECT count(*) AS n FROM failed_logins WHERE key = $1 AND at >= $2")
            .bind(key)
            .bind(us(since));
        match self.engine.fetch_optional("cannot count failed logins", query).await? {
            Some(row) => row.count("n"),
            None => Ok(0),
        }
    }

    /// Also forgets failures older than a day.
    pub async fn add_failed_login(&self, key: &str, at: Timestamp) -> Result<()> {
        let mut write = self.engine.begin("note a failed login").await?;
        let old = at.checked_sub(FAILURES_KEPT).unwrap_or(Timestamp::MIN);
        write.execute(sqlx::query("DELETE FROM failed_logins WHERE at < $1").bind(us(old))).await?;
        write
            .execute(sqlx::query("INSERT INTO failed_logins (key, at) VALUES ($1, $2)").bind(key).bind(us(at)))
            .await?;
        write.commit().await
    }

    pub async fn clear_failed_logins(&self, key: &str) -> Result<()> {
        let delete = sqlx::query("DELETE FROM failed_logins WHERE key = $1").bind(key);
        self.engine.write("clear failed logins", delete).await.map(drop)
    }

    /// # Errors
    /// `Exists`; `NotFound` for the workspace.
    pub async fn add_token(&self, token: &NewToken) -> Result<()> {
        let insert = "INSERT INTO tokens (id, workspace_id, role, name, token_hash, created_at, expires_at)
                      VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let insert = sqlx::query(insert)
            .bind(token.id)
            .bind(token.workspace_id)
            .bind(token.role.as_str())
            .bind(&token.name)
            .bind(&token.token_hash[..])
            .bind(us(token.created_at))
            .bind(us_opt(token.expires_at));
        let written = self.engine.write("add a token", insert).await.map(drop);
        written.or_exists("token", token.id).or_not_found("workspace", token.workspace_id)
    }

    /// Oldest first, revoked ones too.
    pub async fn tokens(&self, workspace_id: Uuid) -> Result<Vec<Token>> {
        let query =
            sqlx::query("SELECT * FROM tokens WHERE workspace_id = $1 ORDER BY created_at, id").bind(workspace_id);
        self.engine.fetch_all("cannot list tokens", query).await?.iter().map(token).collect()
    }

    /// `None` when unknown, expired or revoked. Records the use, to the minute and lazily.
    pub async fn token_login(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<Login>> {
        let query = "SELECT * FROM tokens WHERE token_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
        let query = sqlx::query(query).bind(&token_hash[..]).bind(us(now));
        let Some(row) = self.engine.fetch_optional("cannot read a token", query).await? else { return Ok(None) };
        let token = token(&row)?;
        let actor = format!("token:{}", token.id);
        if self.uses.due(&actor, token.last_used_at, now) {
            let update = sqlx::query("UPDATE tokens SET last_used_at = $2 WHERE id = $1").bind(token.id).bind(us(now));
            self.note_use(update);
        }
        Ok(Some(Login { actor, user_id: None, workspace_id: Some(token.workspace_id), role: token.role }))
    }

    pub async fn revoke_token(&self, workspace_id: Uuid, id: Uuid, now: Timestamp) -> Result<bool> {
        let update = "UPDATE tokens SET revoked_at = $3 WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL";
        let update = sqlx::query(update).bind(workspace_id).bind(id).bind(us(now));
        Ok(self.engine.write("revoke a token", update).await? > 0)
    }

    /// # Errors
    /// `Exists`; `NotFound` for the workspace.
    pub async fn add_s3_key(&self, key: &S3Key) -> Result<()> {
        let insert = "INSERT INTO s3_keys (access_key_id, workspace_id, bucket, write_access, created_at, revoked_at, last_used_at)
                      VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let insert = sqlx::query(insert)
            .bind(&key.access_key_id)
            .bind(key.workspace_id)
            .bind(&key.bucket)
            .bind(key.write)
            .bind(us(key.created_at))
            .bind(us_opt(key.revoked_at))
            .bind(us_opt(key.last_used_at));
        let written = self.engine.write("add an S3 key", insert).await.map(drop);
        written.or_exists("S3 key", &key.access_key_id).or_not_found("workspace", key.workspace_id)
    }

    /// Oldest first, revoked ones too.
    pub async fn s3_keys(&self, workspace_id: Uuid) -> Result<Vec<S3Key>> {
        let query = "SELECT * FROM s3_keys WHERE workspace_id = $1 ORDER BY created_at, access_key_id";
        let query = sqlx::query(query).bind(workspace_id);
        self.engine.fetch_all("cannot list S3 keys", query).await?.iter().map(s3_key).collect()
    }

    /// `None` when unknown or revoked.
    pub async fn s3_key(&self, access_key_id: &str) -> Result<Option<S3Key>> {
        let query =
            sqlx::query("SELECT * FROM s3_keys WHERE access_key_id = $1 AND revoked_at IS NULL").bind(access_key_id);
        self.engine.fetch_optional("cannot read an S3 key", query).await?.as_ref().map(s3_key).transpose()
    }

    /// Records the use of a key that [`Catalogue::s3_key`] gave, to the minute and lazily.
    pub fn s3_key_used(&self, key: &S3Key, now: Timestamp) {
        if self.uses.due(&format!("s3:{}", key.access_key_id), key.last_used_at, now) {
            let update = sqlx::query("UPDATE s3_keys SET last_used_at = $2 WHERE access_key_id = $1");
            self.note_use(update.bind(&key.access_key_id).bind(us(now)));
        }
    }

    pub async fn revoke_s3_key(&self, workspace_id: Uuid, access_key_id: &str, now: Timestamp) -> Result<bool> {
        let update =
            "UPDATE s3_keys SET revoked_at = $3 WHERE workspace_id = $1 AND access_key_id = $2 AND revoked_at IS NULL";
        let update = sqlx::query(update).bind(workspace_id).bind(access_key_id).bind(us(now));
        Ok(self.engine.write("revoke an S3 key", update).await? > 0)
    }

    /// Nobody waits for it, and nothing fails when it does.
    fn note_use(&self, update: Query<'static>) {
        let engine = self.engine.clone();
        tokio::spawn(async move {
            if let Err(error) = engine.write("note a use", update).await {
                tracing::debug!(%error, "the use of a credential was not written down");
            }
        });
    }
}

fn insert_user(user: &User) -> Query<'_> {
    let insert = "INSERT INTO users (id, name, password_hash, workspace_id, role, disabled, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(insert)
        .bind(user.id)
        .bind(&user.name)
        .bind(&user.password_hash)
        .bind(user.workspace_id)
        .bind(user.role.as_str())
        .bind(user.disabled)
        .bind(us(user.created_at))
}

fn user(row: &Row) -> Result<User> {
    Ok(User {
        id: row.get("id")?,
        name: row.get("name")?,
        password_hash: row.get("password_hash")?,
        workspace_id: row.get("workspace_id")?,
        role: row.word("role")?,
        disabled: row.get("disabled")?,
        created_at: row.time("created_at")?,
    })
}

fn token(row: &Row) -> Result<Token> {
    Ok(Token {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        role: row.word("role")?,
        name: row.get("name")?,
        created_at: row.time("created_at")?,
        expires_at: row.time_opt("expires_at")?,
        last_used_at: row.time_opt("last_used_at")?,
        revoked_at: row.time_opt("revoked_at")?,
    })
}

fn s3_key(row: &Row) -> Result<S3Key> {
    Ok(S3Key {
        access_key_id: row.get("access_key_id")?,
        workspace_id: row.get("workspace_id")?,
        bucket: row.get("bucket")?,
        write: row.get("write_access")?,
        created_at: row.time("created_at")?,
        revoked_at: row.time_opt("revoked_at")?,
        last_used_at: row.time_opt("last_used_at")?,
    })
}
