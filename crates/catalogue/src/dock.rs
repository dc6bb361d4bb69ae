//! Docks: accounts, what they last said, the aircraft they hold, and every object key prefix they were ever given.

use jiff::Timestamp;
use uuid::Uuid;

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
    pub async fn add_dock(&self, _dock: &NewDock) -> Result<()> {
        todo!()
    }
    pub async fn dock(&self, _sn: &str) -> Result<Option<Dock>> {
        todo!()
    }
    /// All docks of a workspace (of every workspace with `None`), by SN.
    pub async fn docks(&self, _workspace_id: Option<Uuid>) -> Result<Vec<Dock>> {
        todo!()
    }
    pub async fn set_dock_password(&self, _sn: &str, _password_hash: &str) -> Result<()> {
        todo!()
    }
    pub async fn set_dock_disabled(&self, _sn: &str, _disabled: bool) -> Result<()> {
        todo!()
    }
    pub async fn set_dock_callsign(&self, _sn: &str, _callsign: &str) -> Result<()> {
        todo!()
    }
    /// `None` unbinds.
    pub async fn set_dock_bound(&self, _sn: &str, _at: Option<Timestamp>) -> Result<()> {
        todo!()
    }
    /// One commit for many docks; `None` fields leave what is known.
    pub async fn save_live(&self, _docks: &[(String, DockLive)]) -> Result<()> {
        todo!()
    }
    /// Replaces the set of aircraft that `gateway_sn` holds; an aircraft in the list is taken from any other gateway.
    /// (Who may claim what is decided by the caller.)
    pub async fn set_aircraft(&self, _gateway_sn: &str, _aircraft: &[Aircraft]) -> Result<()> {
        todo!()
    }
    pub async fn all_aircraft(&self) -> Result<Vec<Aircraft>> {
        todo!()
    }
    /// Remembers a prefix for ever; repeating it changes nothing. Durable when it returns.
    pub async fn record_prefix(&self, _prefix: &IssuedPrefix) -> Result<()> {
        todo!()
    }
    /// Every prefix ever issued to `sn`, newest first.
    pub async fn prefixes_of(&self, _sn: &str) -> Result<Vec<IssuedPrefix>> {
        todo!()
    }
    /// Every prefix ever issued; reconciliation tells from it whose an orphan is.
    pub async fn all_prefixes(&self) -> Result<Vec<IssuedPrefix>> {
        todo!()
    }
}
