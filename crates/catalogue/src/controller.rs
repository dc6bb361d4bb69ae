//! Pilot 2 controllers: accounts, logins and their tokens, what they last said, what their login page is told to set.
//!
//! A login (session) belongs to one controller and one workspace and has one or more tokens: a renewed one beside the
//! old, which stays good until its own end. A disabled or rotated controller has no logins any more.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::media::media;
use crate::sqlite::{Query, Row};
use crate::value::{Columns as _, OrConstraint as _, not_found, us};
use crate::{Aircraft, Catalogue, DockLive, Media, Result};

/// Tokens of one login that are good at once.
pub const MAX_TOKENS_A_SESSION: u32 = 32;

#[derive(Clone, Debug)]
pub struct NewController {
    pub sn: String,
    pub workspace_id: Uuid,
    /// argon2 PHC string.
    pub password_hash: String,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Controller {
    pub sn: String,
    pub workspace_id: Uuid,
    pub password_hash: String,
    pub disabled: bool,
    pub created_at: Timestamp,
    /// Without a dock's own: storage, step code, files left.
    pub live: DockLive,
    pub aircraft: Vec<Aircraft>,
}

/// A login of a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerSession {
    pub id: Uuid,
    pub sn: String,
    pub workspace_id: Uuid,
    /// Who logged it in: `user:NAME`, `command line`.
    pub actor: String,
    pub created_at: Timestamp,
    /// The end of its newest token.
    pub expires_at: Timestamp,
    /// No token outlives this.
    pub renewable_until: Timestamp,
}

/// What is behind an `X-Auth-Token`.
#[derive(Clone, Debug)]
pub struct ControllerLogin {
    pub session: ControllerSession,
    /// Of the token that was shown.
    pub token_expires_at: Timestamp,
}

/// What the login page sets in Pilot 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PilotSettings {
    pub auto_upload_photo: bool,
    /// 0 original, 1 preview.
    pub auto_upload_photo_type: u8,
    pub auto_upload_video: bool,
}

impl Default for PilotSettings {
    /// Photos as they were taken; videos wait for somebody who knows what the connection costs.
    fn default() -> Self {
        Self { auto_upload_photo: true, auto_upload_photo_type: 0, auto_upload_video: false }
    }
}

/// What a controller brought.
#[derive(Clone, Debug)]
pub struct ControllerUploads {
    /// Files that are stored, by when they were reported first.
    pub stored_count: i64,
    /// The last one it reported, whenever that was.
    pub last: Option<Media>,
}

impl Catalogue {
    /// # Errors
    /// `Exists` when the SN is a controller's already; `NotFound` for the workspace.
    pub async fn add_controller(&self, controller: &NewController) -> Result<()> {
        let insert = "INSERT INTO controllers (sn, workspace_id, password_hash, created_at) VALUES ($1, $2, $3, $4)";
        let insert = sqlx::query(insert)
            .bind(&controller.sn)
            .bind(controller.workspace_id)
            .bind(&controller.password_hash)
            .bind(us(controller.created_at));
        let written = self.engine.write("add a controller", insert).await.map(drop);
        written.or_exists("controller", &controller.sn).or_not_found("workspace", controller.workspace_id)
    }

    pub async fn controller(&self, sn: &str) -> Result<Option<Controller>> {
        let query = sqlx::query("SELECT * FROM controllers WHERE sn = $1").bind(sn);
        let Some(row) = self.engine.fetch_optional("cannot read a controller", query).await? else { return Ok(None) };
        let mut controller = controller(&row)?;
        controller.aircraft = self.aircraft_of(sn).await?;
        Ok(Some(controller))
    }

    /// All controllers of a workspace (of every workspace with `None`), by SN.
    pub async fn controllers(&self, workspace_id: Option<Uuid>) -> Result<Vec<Controller>> {
        let query = match workspace_id {
            None => sqlx::query("SELECT * FROM controllers ORDER BY sn"),
            Some(id) => sqlx::query("SELECT * FROM controllers WHERE workspace_id = $1 ORDER BY sn").bind(id),
        };
        let rows = self.engine.fetch_all("cannot list controllers", query).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut held: HashMap<String, Vec<Aircraft>> = HashMap::new();
        for aircraft in self.all_aircraft().await? {
            held.entry(aircraft.gateway_sn.clone()).or_default().push(aircraft);
        }
        let with_aircraft = |row| {
            let controller = controller(row)?;
            Ok(Controller { aircraft: held.remove(&controller.sn).unwrap_or_default(), ..controller })
        };
        rows.iter().map(with_aircraft).collect()
    }

    /// A new password; every login ends.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_controller_password(&self, sn: &str, password_hash: &str) -> Result<()> {
        let update =
            sqlx::query("UPDATE controllers SET password_hash = $2 WHERE sn = $1").bind(sn).bind(password_hash);
        self.change_and_log_out("change a controller's password", sn, update).await
    }

    /// Disabled or enabled, every login ends.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn set_controller_disabled(&self, sn: &str, disabled: bool) -> Result<()> {
        let update = sqlx::query("UPDATE controllers SET disabled = $2 WHERE sn = $1").bind(sn).bind(disabled);
        self.change_and_log_out("disable or enable a controller", sn, update).await
    }

    async fn change_and_log_out(&self, doing: &'static str, sn: &str, update: Query<'_>) -> Result<()> {
        let mut write = self.engine.begin(doing).await?;
        if write.execute(update).await? == 0 {
            return Err(not_found("controller", sn));
        }
        write.execute(sqlx::query("DELETE FROM controller_sessions WHERE sn = $1").bind(sn)).await?;
        write.commit().await
    }

    /// A login with its first token, which ends when the login does. Also forgets logins that are over.
    ///
    /// # Errors
    /// `NotFound` for the controller or the workspace.
    pub async fn add_controller_session(&self, session: &ControllerSession, token_hash: &[u8; 32]) -> Result<()> {
        let mut write = self.engine.begin("log a controller in").await?;
        let over = sqlx::query("DELETE FROM controller_sessions WHERE expires_at <= $1").bind(us(session.created_at));
        write.execute(over).await?;
        let insert = sqlx::query(
            "INSERT INTO controller_sessions (id, sn, workspace_id, actor, created_at, expires_at, renewable_until)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        );
        let insert = insert
            .bind(session.id)
            .bind(&session.sn)
            .bind(session.workspace_id)
            .bind(&session.actor)
            .bind(us(session.created_at))
            .bind(us(session.expires_at))
            .bind(us(session.renewable_until));
        write.execute(insert).await.or_not_found("controller", &session.sn)?;
        let token = insert_token(token_hash, session.id, session.created_at, session.expires_at);
        write.execute(token).await.or_exists("token", "of this login")?;
        write.commit().await
    }

    /// One more token; the login lasts at least as long. Also forgets the login's tokens that are over. False when
    /// [`MAX_TOKENS_A_SESSION`] are good already.
    ///
    /// # Errors
    /// `NotFound` when the login is over.
    pub async fn renew_controller_session(
        &self,
        id: Uuid,
        token_hash: &[u8; 32],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool> {
        let mut write = self.engine.begin("renew a controller's login").await?;
        let over = sqlx::query("DELETE FROM controller_tokens WHERE session_id = $1 AND expires_at <= $2");
        write.execute(over.bind(id).bind(us(now))).await?;
        let update = sqlx::query(
            "UPDATE controller_sessions SET expires_at = CASE WHEN expires_at < $2 THEN $2 ELSE expires_at END
             WHERE id = $1 AND expires_at > $3",
        );
        if write.execute(update.bind(id).bind(us(expires_at)).bind(us(now))).await? == 0 {
            return Err(not_found("login", id));
        }
        let count = sqlx::query("SELECT count(*) AS n FROM controller_tokens WHERE session_id = $1").bind(id);
        let alive = write.fetch_optional(count).await?.map_or(Ok(0), |row| row.count("n"))?;
        if alive >= MAX_TOKENS_A_SESSION {
            return Ok(false);
        }
        write.execute(insert_token(token_hash, id, now, expires_at)).await.or_exists("token", "of this login")?;
        write.commit().await?;
        Ok(true)
    }

    /// `None` when the token is unknown or over, or the controller is disabled or belongs to another workspace now.
    pub async fn controller_login(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<ControllerLogin>> {
        let query = sqlx::query(
            "SELECT controller_sessions.*, controller_tokens.expires_at AS token_expires_at FROM controller_tokens
             JOIN controller_sessions ON controller_sessions.id = controller_tokens.session_id
             JOIN controllers ON controllers.sn = controller_sessions.sn
             WHERE controller_tokens.token_hash = $1 AND controller_tokens.expires_at > $2 AND controllers.disabled = 0
             AND controllers.workspace_id = controller_sessions.workspace_id",
        );
        let query = query.bind(&token_hash[..]).bind(us(now));
        let row = self.engine.fetch_optional("cannot read a controller's login", query).await?;
        let login =
            |row: &Row| Ok(ControllerLogin { session: session(row)?, token_expires_at: row.time("token_expires_at")? });
        row.as_ref().map(login).transpose()
    }

    /// A login that is not over; `None` also when its controller is disabled.
    pub async fn controller_session(&self, id: Uuid, now: Timestamp) -> Result<Option<ControllerSession>> {
        let query = sqlx::query(
            "SELECT controller_sessions.* FROM controller_sessions JOIN controllers ON controllers.sn = controller_sessions.sn
             WHERE controller_sessions.id = $1 AND controller_sessions.expires_at > $2 AND controllers.disabled = 0
             AND controllers.workspace_id = controller_sessions.workspace_id",
        );
        let row = self.engine.fetch_optional("cannot read a controller's login", query.bind(id).bind(us(now))).await?;
        row.as_ref().map(session).transpose()
    }

    /// Ends a login with all its tokens.
    pub async fn end_controller_session(&self, id: Uuid) -> Result<()> {
        let delete = sqlx::query("DELETE FROM controller_sessions WHERE id = $1").bind(id);
        self.engine.write("end a controller's login", delete).await.map(drop)
    }

    /// Files that the controller reported since `since`, those in the trash too; and the last one.
    pub async fn uploads_of_controller(
        &self,
        workspace_id: Uuid,
        sn: &str,
        since: Timestamp,
    ) -> Result<ControllerUploads> {
        let count = sqlx::query(
            "SELECT count(*) AS n FROM media WHERE source = 'pilot' AND gateway_sn = $1 AND created_at >= $2
             AND workspace_id = $3 AND status = 'stored'",
        );
        let count = count.bind(sn).bind(us(since)).bind(workspace_id);
        let row = self.engine.fetch_optional("cannot count a controller's files", count).await?;
        let last = sqlx::query(
            "SELECT * FROM media WHERE source = 'pilot' AND gateway_sn = $1 AND workspace_id = $2 AND status <> 'quarantined'
             ORDER BY created_at DESC LIMIT 1",
        );
        let last = last.bind(sn).bind(workspace_id);
        let last = self.engine.fetch_optional("cannot read a controller's last file", last).await?;
        Ok(ControllerUploads {
            stored_count: row.map_or(Ok(0), |row| row.get("n"))?,
            last: last.as_ref().map(media).transpose()?,
        })
    }

    /// The workspace's, or the defaults.
    pub async fn pilot_settings(&self, workspace_id: Uuid) -> Result<PilotSettings> {
        let query = sqlx::query("SELECT * FROM pilot_settings WHERE workspace_id = $1").bind(workspace_id);
        let row = self.engine.fetch_optional("cannot read the settings of Pilot 2", query).await?;
        let settings = |row: Row| {
            let photo_type: i64 = row.get("auto_upload_photo_type")?;
            Ok(PilotSettings {
                auto_upload_photo: row.get("auto_upload_photo")?,
                auto_upload_photo_type: u8::from(photo_type != 0),
                auto_upload_video: row.get("auto_upload_video")?,
            })
        };
        row.map_or_else(|| Ok(PilotSettings::default()), settings)
    }

    /// # Errors
    /// `NotFound` for the workspace.
    pub async fn set_pilot_settings(&self, workspace_id: Uuid, settings: PilotSettings) -> Result<()> {
        let upsert = sqlx::query(
            "INSERT INTO pilot_settings (workspace_id, auto_upload_photo, auto_upload_photo_type, auto_upload_video)
             VALUES ($1, $2, $3, $4) ON CONFLICT (workspace_id) DO UPDATE SET auto_upload_photo = excluded.auto_upload_photo,
             auto_upload_photo_type = excluded.auto_upload_photo_type, auto_upload_video = excluded.auto_upload_video",
        );
        let upsert = upsert
            .bind(workspace_id)
            .bind(settings.auto_upload_photo)
            .bind(i64::from(settings.auto_upload_photo_type))
            .bind(settings.auto_upload_video);
        let written = self.engine.write("save the settings of Pilot 2", upsert).await.map(drop);
        written.or_not_found("workspace", workspace_id)
    }
}

fn insert_token<'q>(hash: &[u8; 32], session_id: Uuid, created_at: Timestamp, expires_at: Timestamp) -> Query<'q> {
    let insert =
        "INSERT INTO controller_tokens (token_hash, session_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    sqlx::query(insert).bind(hash.to_vec()).bind(session_id).bind(us(created_at)).bind(us(expires_at))
}

fn controller(row: &Row) -> Result<Controller> {
    Ok(Controller {
        sn: row.get("sn")?,
        workspace_id: row.get("workspace_id")?,
        password_hash: row.get("password_hash")?,
        disabled: row.get("disabled")?,
        created_at: row.time("created_at")?,
        live: DockLive {
            model_key: row.get("model_key")?,
            last_seen_at: row.time_opt("last_seen_at")?,
            credentials_issued_at: row.time_opt("credentials_issued_at")?,
            lat: row.get("lat")?,
            lng: row.get("lng")?,
            firmware_version: row.get("firmware_version")?,
            ..DockLive::default()
        },
        aircraft: Vec::new(),
    })
}

fn session(row: &Row) -> Result<ControllerSession> {
    Ok(ControllerSession {
        id: row.get("id")?,
        sn: row.get("sn")?,
        workspace_id: row.get("workspace_id")?,
        actor: row.get("actor")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        renewable_until: row.time("renewable_until")?,
    })
}
