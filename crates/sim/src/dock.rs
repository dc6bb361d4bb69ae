//! One simulated dock: connects, comes online, asks and reports. Delivering a flight is in `deliver`.
//!
//! It is as strict about answers as a real dock: a wrong type, a missing field or another tid is an error that says what was
//! wrong.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use eyrie_cloudapi::{LatLng, SubDevice, UpdateTopo, event, request};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::background::{answer_commands, publish_osd};
use crate::fault::Fault;
use crate::link::Line;
use crate::upload::Storage;

pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// How long silence is listened to before it is believed.
const SILENCE: Duration = Duration::from_millis(500);

/// What `eyrie dock add --json` printed.
#[derive(Clone, Deserialize)]
pub struct Access {
    pub sn: String,
    pub username: String,
    pub password: String,
    /// `mqtt://HOST:PORT` or `mqtts://HOST:PORT`.
    pub mqtt_url: String,
    #[serde(default)]
    pub binding_code: String,
    #[serde(default)]
    pub organization_id: String,
}

/// DJI's three docks, with the aircraft that lives in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Model {
    Dock1,
    Dock2,
    Dock3,
}

impl Model {
    /// Type of the dock; type and subtype of its aircraft; payload; camera model in EXIF.
    pub(crate) fn keys(self) -> (i64, (i64, i64), &'static str, &'static str) {
        match self {
            Self::Dock1 => (1, (67, 1), "1-53-0", "M30T"),
            Self::Dock2 => (2, (91, 1), "1-81-0", "M3TD"),
            Self::Dock3 => (3, (100, 1), "1-99-0", "M4TD"),
        }
    }

    pub fn camera_model(self) -> &'static str {
        self.keys().3
    }
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub model: Model,
    pub aircraft_sn: String,
    pub callsign: String,
    pub home: LatLng,
    pub faults: Vec<Fault>,
    /// Files above this are sent in parts of this size, bytes.
    pub part_bytes: usize,
    /// Reports that wait for their answer at once.
    pub concurrency: usize,
}

pub struct Dock {
    pub(crate) access: Access,
    pub(crate) settings: Settings,
    pub(crate) line: Arc<Line>,
    pub(crate) remain_upload: Arc<AtomicI64>,
    pub(crate) storage: Mutex<Option<Storage>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Dock {
    /// Connects, subscribes, and begins to answer commands.
    ///
    /// # Errors
    /// The broker does not let the dock in.
    pub async fn connect(access: Access, settings: Settings) -> anyhow::Result<Self> {
        let (line, commands) = Line::open(&access)?;
        line.ready(CONNECT_TIMEOUT).await.with_context(|| format!("dock {}", access.sn))?;
        let line = Arc::new(line);
        let remain_upload = Arc::new(AtomicI64::new(0));
        let answering = tokio::spawn(answer_commands(Arc::clone(&line), access.sn.clone(), commands));
        Ok(Self { access, settings, line, remain_upload, storage: Mutex::new(None), tasks: vec![answering] })
    }

    /// `config`, binding, `update_topo`, as a dock does after power-on; then OSD every two seconds.
    ///
    /// # Errors
    /// An answer is missing or not what a dock accepts.
    pub async fn come_online(&mut self) -> anyhow::Result<()> {
        let config = self.request("config", json!({ "config_type": "json", "config_scope": "product" })).await?;
        for name in ["app_id", "app_key", "app_license", "ntp_server_host"] {
            ensure!(config[name].is_string(), "config: {name} is not text");
        }
        let sn = &self.access.sn;
        let devices = json!([{ "sn": sn }, { "sn": self.settings.aircraft_sn }]);
        let status = self.output("airport_bind_status", json!({ "devices": devices })).await?;
        let bound = status["bind_status"][0]["is_device_bind_organization"]
            .as_bool()
            .context("airport_bind_status: no bool")?;
        if !bound {
            let asked = json!({ "device_binding_code": self.access.binding_code, "organization_id": self.access.organization_id });
            let organization = self.output("airport_organization_get", asked).await?;
            ensure!(organization["organization_name"].is_string(), "airport_organization_get: no organization_name");
            let device = json!({
                "sn": sn, "device_binding_code": self.access.binding_code, "organization_id": self.access.organization_id,
                "device_callsign": self.settings.callsign, "device_model_key": format!("3-{}-0", self.settings.model.keys().0),
            });
            let outcome = self.output("airport_organization_bind", json!({ "bind_devices": [device] })).await?;
            let code = outcome["err_infos"][0]["err_code"].as_i64();
            ensure!(code == Some(0), "airport_organization_bind: {outcome}");
        }
        if !self.has(Fault::NoTopology) {
            self.update_topo(true).await?;
        }
        self.output("flight_areas_get", Value::Null).await?;
        self.output("offline_map_get", Value::Null).await?;
        let osd = publish_osd(
            Arc::clone(&self.line),
            self.access.sn.clone(),
            self.settings.clone(),
            Arc::clone(&self.remain_upload),
        );
        self.tasks.push(tokio::spawn(osd));
        Ok(())
    }

    /// Announces the aircraft (`on`), or that it is off.
    ///
    /// # Errors
    /// No answer, or one that is not 0.
    pub async fn update_topo(&self, on: bool) -> anyhow::Result<()> {
        let (dock_type, (aircraft_type, aircraft_sub_type), ..) = self.settings.model.keys();
        let aircraft = SubDevice {
            sn: self.settings.aircraft_sn.clone(),
            domain: Some(0),
            device_type: Some(aircraft_type),
            sub_type: Some(aircraft_sub_type),
        };
        let topology = UpdateTopo {
            domain: Some(3),
            device_type: Some(dock_type),
            sub_type: Some(0),
            thing_version: Some("1.1.2".into()),
            sub_devices: if on { vec![aircraft] } else { vec![] },
        };
        let (tid, bid) = ids();
        let payload = request(&tid, &bid, now_ms(), &self.access.sn, "update_topo", &topology.write());
        let topic = format!("sys/product/{}/status", self.access.sn);
        let reply = self.line.ask(&topic, &tid, payload, ANSWER_TIMEOUT).await.context("update_topo")?;
        ensure!(self.data(&reply, &tid, &bid)?["result"] == 0, "update_topo: {reply}");
        Ok(())
    }

    /// Asks on `requests`; the reply's whole `data`.
    ///
    /// # Errors
    /// No answer in time, or one that is not this request's.
    pub async fn request(&self, method: &str, data: Value) -> anyhow::Result<Value> {
        let (tid, bid) = ids();
        let payload = request(&tid, &bid, self.clock_ms(), &self.access.sn, method, &data);
        let topic = format!("thing/product/{}/requests", self.access.sn);
        let reply = self.line.ask(&topic, &tid, payload, ANSWER_TIMEOUT).await.with_context(|| method.to_owned())?;
        self.data(&reply, &tid, &bid).with_context(|| method.to_owned())
    }

    /// Asks, and insists on `result` 0 with an `output`.
    async fn output(&self, method: &str, data: Value) -> anyhow::Result<Value> {
        let data = self.request(method, data).await?;
        ensure!(data["result"] == 0, "{method} was refused: {data}");
        ensure!(data["output"].is_object(), "{method}: no output");
        Ok(data["output"].clone())
    }

    /// Reports on `events`; the answer's `result`. `change` edits the whole message before it is sent.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn event(
        &self,
        method: &str,
        data: &Value,
        tid: Option<&str>,
        change: impl FnOnce(&mut Value),
    ) -> anyhow::Result<i64> {
        let (fresh, bid) = ids();
        let tid = tid.map_or(fresh, str::to_owned);
        let mut message: Value =
            serde_json::from_slice(&event(&tid, &bid, self.clock_ms(), &self.access.sn, method, data))?;
        change(&mut message);
        let silent = message["need_reply"] == 0 || message["need_reply"] == false;
        let topic = format!("thing/product/{}/events", self.access.sn);
        let timeout = if silent { SILENCE } else { ANSWER_TIMEOUT };
        let reply = self
            .line
            .ask(&topic, &tid, serde_json::to_vec(&message)?, timeout)
            .await
            .with_context(|| method.to_owned())?;
        self.data(&reply, &tid, &bid)?["result"].as_i64().context("the result is not a number")
    }

    /// The strict part: envelope repeated, types right.
    fn data(&self, reply: &Value, tid: &str, bid: &str) -> anyhow::Result<Value> {
        ensure!(reply["tid"] == tid && reply["bid"] == bid, "the reply repeats another tid or bid");
        ensure!(reply["timestamp"].is_i64(), "the reply's timestamp is not an integer");
        ensure!(reply["data"].is_object(), "the reply has no data");
        Ok(reply["data"].clone())
    }

    /// Credentials, asked for once and kept until they are refused.
    ///
    /// # Errors
    /// Refused, or an answer that a dock cannot use.
    pub async fn storage(&self) -> anyhow::Result<Storage> {
        let mut known = self.storage.lock().await;
        if let Some(storage) = &*known {
            return Ok(storage.clone());
        }
        let output = self.output("storage_config_get", json!({ "module": 0 })).await?;
        let storage = Storage::read(&output).context("storage_config_get")?;
        *known = Some(storage.clone());
        Ok(storage)
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.settings.faults.contains(&fault)
    }

    fn clock_ms(&self) -> i64 {
        const YEAR_2000_MS: i64 = 946_684_800_000;
        if self.has(Fault::WrongClock) { YEAR_2000_MS } else { now_ms() }
    }
}

impl Drop for Dock {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

pub(crate) fn ids() -> (String, String) {
    (Uuid::new_v4().to_string(), Uuid::new_v4().to_string())
}

pub(crate) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Reads `access` lists: one object, a list, or `{"docks": [...]}`.
///
/// # Errors
/// Not of that form, or empty.
pub fn read_accesses(text: &str) -> anyhow::Result<Vec<Access>> {
    let value: Value = serde_json::from_str(text).context("not JSON")?;
    let list = match value {
        Value::Array(_) => value,
        Value::Object(ref fields) if fields.contains_key("docks") => value["docks"].clone(),
        Value::Object(_) => json!([value]),
        _ => bail!("neither an object nor a list"),
    };
    let accesses: Vec<Access> =
        serde_json::from_value(list).context("a dock needs sn, username, password and mqtt_url")?;
    ensure!(!accesses.is_empty(), "the list is empty");
    Ok(accesses)
}
