//! Docks: accounts, what they last said, the aircraft they hold, and every object key prefix they were ever given.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::sqlite::{Query, Row};
use crate::value::{Columns as _, OrConstraint as _, not_found, us, us_opt};
use crate::{Catalogue, Result};

#[derive(Clone, Debug)]
pub struct NewDock {
    pub sn: String,
    pub workspace_id: Uuid,
    pub callsign: Option<String>,
    /// argon2 PHC string.
    pub password_hash: String,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Dock {
    pub sn: String,
    pub workspace_id: Uuid,
    pub callsign: Option<String>,
    pub password_hash: String,
    pub disabled: bool,
    /// Set when the dock bound itself with the right code.
    pub bound_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub live: DockLive,
    pub aircraft: Vec<Aircraft>,
}

/// What a dock last said; written lazily, so up to some seconds old.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DockLive {
    pub model_key: Option<String>,
    pub last_seen_at: Option<Timestamp>,
    pub remain_upload: Option<i64>,
    pub storage_total_kb: Option<i64>,
    pub storage_used_kb: Option<i64>,
    pub flighttask_step_code: Option<i64>,
    pub credentials_issued_at: Option<Timestamp>,
    pub lat: Option<f64>,
    pub lng: Option<f64>,
    pub firmware_version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aircraft {
    pub sn: String,
    pub gateway_sn: String,
    pub model_key: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedPrefix {
    pub gateway_sn: String,
    pub workspace_id: Uuid,
    pub bucket: String,
    /// Without a trailing slash.
    pub prefix: String,
    pub issued_at: Timestamp,
}

impl Catalogue {
    /// # Errors
    /// `Exists` when the SN is known, in whatever workspace.
    pub async fn add_dock(&self, dock: &NewDock) -> Result<()> {
        let insert = "INSERT INTO docks (sn, workspace_id, callsign, callsign_chosen, password_hash, created_at) VALUES ($1, $2, $3, $6, $4, $5)";
        let insert = sqlx::query(insert)
            .bind(&dock.sn)
            .bind(dock.workspace_id)
            .bind(&dock.callsign)
            .bind(&dock.password_hash)
            .bind(us(dock.created_at))
            .bind(dock.callsign.is_some());
        let written = self.engine.write("add a dock", insert).await;
        written.map(drop).or_exists("dock", &dock.sn).or_not_found("workspace", dock.workspace_id)
    }

    pub async fn dock(&self, sn: &str) -> Result<Option<Dock>> {
        let query = sqlx::query("SELECT * FROM docks WHERE sn = $1").bind(sn);
        let Some(row) = self.engine.fetch_optional("cannot read a dock", query).await? else { return Ok(None) };
        Ok(Some(Dock { aircraft: self.aircraft_of(sn).await?, ..dock(&row)? }))
    }

    /// By SN.
    pub(crate) async fn aircraft_of(&self, gateway_sn: &str) -> Result<Vec<Aircraft>> {
        let query = sqlx::query("SELECT * FROM aircraft WHERE gateway_sn = $1 ORDER BY sn").bind(gateway_sn);
        let held = self.engine.fetch_all("cannot read a gateway's aircraft", query).await?;
        held.iter().map(aircraft).collect()
    }

    /// All docks of a workspace (of every workspace with `None`), by SN.
    pub async fn docks(&self, workspace_id: Option<Uuid>) -> Result<Vec<Dock>> {
        let query = match workspace_id {
            None => sqlx::query("SELECT * FROM docks ORDER BY sn"),
            Some(id) => sqlx::query("SELECT * FROM docks WHERE workspace_id = $1 ORDER BY sn").bind(id),
        };
        let rows = self.engine.fetch_all("cannot list docks", query).await?;
        let mut held: HashMap<String, Vec<Aircraft>> = HashMap::new();
        for aircraft in self.all_aircraft().await? {
            held.entry(aircraft.gateway_sn.clone()).or_default().push(aircraft);
        }
        let with_aircraft = |row| {
            let dock = dock(row)?;
            Ok(Dock { aircraft: held.remove(&dock.sn).unwrap_or_default(), ..dock })
        };
        rows.iter().map(with_aircraft).collect()
    }

    /// # Errors
    /// `NotFound`, here and in the next four.
    pub async fn set_dock_password(&self, sn: &str, password_hash: &str) -> Result<()> {
        self.set_dock(sn, sqlx::query("UPDATE docks SET password_hash = $2 WHERE sn = $1").bind(sn).bind(password_hash))
            .await
    }

    pub async fn set_dock_disabled(&self, sn: &str, disabled: bool) -> Result<()> {
        self.set_dock(sn, sqlx::query("UPDATE docks SET disabled = $2 WHERE sn = $1").bind(sn).bind(disabled)).await
    }

    /// What the dock calls itself; one that a person gave stays.
    pub async fn set_dock_callsign(&self, sn: &str, callsign: &str) -> Result<()> {
        let update =
            "UPDATE docks SET callsign = CASE WHEN callsign_chosen = 1 THEN callsign ELSE $2 END WHERE sn = $1";
        self.set_dock(sn, sqlx::query(update).bind(sn).bind(callsign)).await
    }

    /// What a person calls it; with `None` the dock may say again.
    pub async fn name_dock(&self, sn: &str, callsign: Option<&str>) -> Result<()> {
        let update = "UPDATE docks SET callsign = $2, callsign_chosen = $3 WHERE sn = $1";
        self.set_dock(sn, sqlx::query(update).bind(sn).bind(callsign).bind(callsign.is_some())).await
    }

    /// `None` unbinds.
    pub async fn set_dock_bound(&self, sn: &str, at: Option<Timestamp>) -> Result<()> {
        self.set_dock(sn, sqlx::query("UPDATE docks SET bound_at = $2 WHERE sn = $1").bind(sn).bind(us_opt(at))).await
    }

    /// Removes a dock and every row that names it: files, their jobs, events, conversations, prefixes. For an account
    /// that was made to try the path out; the objects are the caller's to remove first.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn remove_dock(&self, sn: &str) -> Result<()> {
        let mut write = self.engine.begin("remove a dock").await?;
        for delete in [
            "DELETE FROM jobs WHERE media_id IN (SELECT id FROM media WHERE gateway_sn = $1)",
            "DELETE FROM media WHERE gateway_sn = $1",
            "DELETE FROM events WHERE gateway_sn = $1",
            "DELETE FROM trace WHERE gateway_sn = $1",
            "DELETE FROM prefixes WHERE gateway_sn = $1",
            "DELETE FROM aircraft WHERE gateway_sn = $1",
        ] {
            write.execute(sqlx::query(delete).bind(sn)).await?;
        }
        if write.execute(sqlx::query("DELETE FROM docks WHERE sn = $1").bind(sn)).await? == 0 {
            return Err(not_found("dock", sn));
        }
        write.commit().await
    }

    async fn set_dock(&self, sn: &str, update: Query<'_>) -> Result<()> {
        match self.engine.write("change a dock", update).await? {
            0 => Err(not_found("dock", sn)),
            _ => Ok(()),
        }
    }

    /// One commit for many docks and controllers; `None` fields leave what is known. Who is not known is passed over.
    pub async fn save_live(&self, docks: &[(String, DockLive)]) -> Result<()> {
        let mut write = self.engine.begin("save what docks said").await?;
        for (sn, live) in docks {
            let update = sqlx::query(
                "UPDATE docks SET model_key = coalesce($2, model_key), last_seen_at = coalesce($3, last_seen_at),
                 remain_upload = coalesce($4, remain_upload), storage_total_kb = coalesce($5, storage_total_kb),
                 storage_used_kb = coalesce($6, storage_used_kb),
                 flighttask_step_code = coalesce($7, flighttask_step_code),
                 credentials_issued_at = coalesce($8, credentials_issued_at), lat = coalesce($9, lat),
                 lng = coalesce($10, lng), firmware_version = coalesce($11, firmware_version) WHERE sn = $1",
            );
            let update = update
                .bind(sn)
                .bind(&live.model_key)
                .bind(us_opt(live.last_seen_at))
                .bind(live.remain_upload)
                .bind(live.storage_total_kb)
                .bind(live.storage_used_kb)
                .bind(live.flighttask_step_code)
                .bind(us_opt(live.credentials_issued_at))
                .bind(live.lat)
                .bind(live.lng)
                .bind(&live.firmware_version);
            if write.execute(update).await? > 0 {
                continue;
            }
            let update = sqlx::query(
                "UPDATE controllers SET model_key = coalesce($2, model_key), last_seen_at = coalesce($3, last_seen_at),
                 credentials_issued_at = coalesce($4, credentials_issued_at), lat = coalesce($5, lat),
                 lng = coalesce($6, lng), firmware_version = coalesce($7, firmware_version) WHERE sn = $1",
            );
            let update = update
                .bind(sn)
                .bind(&live.model_key)
                .bind(us_opt(live.last_seen_at))
                .bind(us_opt(live.credentials_issued_at))
                .bind(live.lat)
                .bind(live.lng)
                .bind(&live.firmware_version);
            write.execute(update).await?;
        }
        write.commit().await
    }

    /// Replaces the set of aircraft that `gateway_sn` holds; an aircraft in the list is taken from any other gateway.
    /// (Who may claim what is decided by the caller.)
    pub async fn set_aircraft(&self, gateway_sn: &str, aircraft: &[Aircraft]) -> Result<()> {
        let mut write = self.engine.begin("save a dock's aircraft").await?;
        write.execute(sqlx::query("DELETE FROM aircraft WHERE gateway_sn = $1").bind(gateway_sn)).await?;
        for aircraft in aircraft {
            let insert = sqlx::query(
                "INSERT INTO aircraft (sn, gateway_sn, model_key) VALUES ($1, $2, $3) ON CONFLICT (sn) DO UPDATE
                 SET gateway_sn = excluded.gateway_sn, model_key = coalesce(excluded.model_key, aircraft.model_key)",
            );
            write.execute(insert.bind(&aircraft.sn).bind(gateway_sn).bind(&aircraft.model_key)).await?;
        }
        write.commit().await
    }

    /// By SN.
    pub async fn all_aircraft(&self) -> Result<Vec<Aircraft>> {
        let query = sqlx::query("SELECT * FROM aircraft ORDER BY sn");
        self.engine.fetch_all("cannot list aircraft", query).await?.iter().map(aircraft).collect()
    }

    /// Remembers a prefix for ever; repeating it changes nothing. Durable when it returns.
    pub async fn record_prefix(&self, prefix: &IssuedPrefix) -> Result<()> {
        let insert =
            "INSERT INTO prefixes (gateway_sn, bucket, prefix, workspace_id, issued_at) VALUES ($1, $2, $3, $4, $5)
                      ON CONFLICT (gateway_sn, bucket, prefix) DO NOTHING";
        let insert = sqlx::query(insert)
            .bind(&prefix.gateway_sn)
            .bind(&prefix.bucket)
            .bind(&prefix.prefix)
            .bind(prefix.workspace_id)
            .bind(us(prefix.issued_at));
        let written = self.engine.write("record a prefix", insert).await;
        written.map(drop).or_not_found("workspace", prefix.workspace_id)
    }

    /// Every prefix ever issued to `sn`, newest first.
    pub async fn prefixes_of(&self, sn: &str) -> Result<Vec<IssuedPrefix>> {
        let query =
            sqlx::query("SELECT * FROM prefixes WHERE gateway_sn = $1 ORDER BY issued_at DESC, prefix DESC").bind(sn);
        self.engine.fetch_all("cannot list a dock's prefixes", query).await?.iter().map(prefix).collect()
    }

    /// Every prefix ever issued; reconciliation tells from it whose an orphan is.
    pub async fn all_prefixes(&self) -> Result<Vec<IssuedPrefix>> {
        let query = sqlx::query("SELECT * FROM prefixes ORDER BY gateway_sn, bucket, prefix");
        self.engine.fetch_all("cannot list prefixes", query).await?.iter().map(prefix).collect()
    }
}

fn dock(row: &Row) -> Result<Dock> {
    Ok(Dock {
        sn: row.get("sn")?,
        workspace_id: row.get("workspace_id")?,
        callsign: row.get("callsign")?,
        password_hash: row.get("password_hash")?,
        disabled: row.get("disabled")?,
        bound_at: row.time_opt("bound_at")?,
        created_at: row.time("created_at")?,
        live: DockLive {
            model_key: row.get("model_key")?,
            last_seen_at: row.time_opt("last_seen_at")?,
            remain_upload: row.get("remain_upload")?,
            storage_total_kb: row.get("storage_total_kb")?,
            storage_used_kb: row.get("storage_used_kb")?,
            flighttask_step_code: row.get("flighttask_step_code")?,
            credentials_issued_at: row.time_opt("credentials_issued_at")?,
            lat: row.get("lat")?,
            lng: row.get("lng")?,
            firmware_version: row.get("firmware_version")?,
        },
        aircraft: Vec::new(),
    })
}

fn aircraft(row: &Row) -> Result<Aircraft> {
    Ok(Aircraft { sn: row.get("sn")?, gateway_sn: row.get("gateway_sn")?, model_key: row.get("model_key")? })
}

fn prefix(row: &Row) -> Result<IssuedPrefix> {
    Ok(IssuedPrefix {
        gateway_sn: row.get("gateway_sn")?,
        workspace_id: row.get("workspace_id")?,
        bucket: row.get("bucket")?,
        prefix: row.get("prefix")?,
        issued_at: row.time("issued_at")?,
    })
}
