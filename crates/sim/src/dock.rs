//! One simulated dock: comes online, publishes its state, uploads and reports its flights, answers commands.
//!
//! It is as strict about answers as a real dock: a wrong type, a missing field or another tid is an error that says what was
//! wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use eyrie_cloudapi::{FileUpload, LatLng, SubDevice, UpdateTopo, event, request};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};
use uuid::Uuid;

use crate::fault::{self, Expected, Fault};
use crate::flight::{Flight, PlannedFile};
use crate::link::Line;
use crate::upload::{self, Storage};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// How long silence is listened to before it is believed.
const SILENCE: Duration = Duration::from_millis(500);
const ATTEMPTS: u32 = 5;
const BACKOFF: Duration = Duration::from_millis(300);
const OSD_EVERY: Duration = Duration::from_secs(2);

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
    fn keys(self) -> (i64, (i64, i64), &'static str, &'static str) {
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

/// What became of a file.
#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    pub name: String,
    pub object_key: String,
    pub sha256: String,
    pub size_bytes: usize,
    /// The last answer's number; `null` when none came.
    pub result: Option<i64>,
    pub expected: bool,
    pub attempts: u32,
    pub upload_ms: u64,
    pub answer_ms: u64,
    pub error: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct FlightReport {
    pub flight_id: String,
    pub files: Vec<FileReport>,
}

impl FlightReport {
    /// True when every file was answered as it should be.
    pub fn is_good(&self) -> bool {
        self.files.iter().all(|file| file.expected)
    }
}

pub struct Dock {
    access: Access,
    settings: Settings,
    line: Arc<Line>,
    remain_upload: Arc<AtomicI64>,
    storage: Mutex<Option<Storage>>,
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
        let silent = message["need_reply"] == 0;
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

    /// Uploads and reports every file of a flight.
    ///
    /// # Errors
    /// Only what ends the flight; a file's own trouble is in its report.
    pub async fn fly(&self, flight: &Flight) -> anyhow::Result<FlightReport> {
        let total = flight.files.len() as i64;
        self.remain_upload.store(total, Ordering::Relaxed);
        let progress = json!({ "result": 0, "output": { "status": "ok", "progress": { "percent": 100, "current_step": 0 },
            "ext": { "flight_id": flight.flight_id, "track_id": flight.folder, "media_count": total, "current_waypoint_index": 0 } } });
        ensure!(
            self.event("flighttask_progress", &progress, None, |_| {}).await? == 0,
            "flighttask_progress was refused"
        );
        let mut order: Vec<usize> = (0..flight.files.len()).collect();
        if self.has(Fault::Reorder) {
            order.reverse();
            for file in &flight.files {
                let bytes = flight.bytes(file)?;
                self.send(flight, file, bytes).await?;
            }
        }
        let mut files = Vec::with_capacity(order.len());
        for group in order.chunks(self.settings.concurrency.max(1)) {
            let reports = group.iter().map(|index| self.deliver(flight, *index));
            files.extend(futures::future::join_all(reports).await);
        }
        Ok(FlightReport { flight_id: flight.flight_id.clone(), files })
    }

    async fn deliver(&self, flight: &Flight, index: usize) -> FileReport {
        let file = &flight.files[index];
        let mut report = FileReport {
            name: file.name.clone(),
            object_key: String::new(),
            sha256: String::new(),
            size_bytes: 0,
            result: None,
            expected: false,
            attempts: 0,
            upload_ms: 0,
            answer_ms: 0,
            error: None,
        };
        while report.attempts < ATTEMPTS {
            report.attempts += 1;
            report.error = None;
            match self.attempt(flight, index, &mut report).await {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => {
                    report.error = Some(format!("{error:#}"));
                    // whatever went wrong, the credentials may be the reason
                    *self.storage.lock().await = None;
                }
            }
            tokio::time::sleep(BACKOFF * report.attempts).await;
        }
        self.remain_upload.fetch_sub(1, Ordering::Relaxed);
        report
    }

    /// One upload and report. True when the answer is the one that the faults call for.
    async fn attempt(&self, flight: &Flight, index: usize, report: &mut FileReport) -> anyhow::Result<bool> {
        let file = &flight.files[index];
        let bytes = flight.bytes(file)?;
        report.size_bytes = bytes.len();
        report.sha256 = upload::sha256(&bytes);
        let storage = self.storage().await?;
        report.object_key = object_key(&storage, flight, file);
        let data = self.callback(flight, index, &report.object_key);
        self.chatter().await?;
        if self.has(Fault::CallbackFirst) && report.attempts == 1 {
            let early = self.event("file_upload_callback", &data, None, |_| {}).await?;
            ensure!(early != 0, "a file that was not sent yet was called kept");
        }
        let started = Instant::now();
        if self.has(Fault::ExpiredCredentials) && report.attempts == 1 {
            let refused = upload::put(&storage.with_broken_token(), &report.object_key, bytes.clone().into()).await;
            ensure!(refused.is_err(), "a broken session token was accepted");
        }
        if !(self.has(Fault::FailedResult) || self.has(Fault::WithoutObject) || self.has(Fault::Reorder)) {
            self.send(flight, file, bytes).await?;
        }
        report.upload_ms = started.elapsed().as_millis() as u64;
        let started = Instant::now();
        let answered = self.report(&data).await;
        report.answer_ms = started.elapsed().as_millis() as u64;
        let expected = self.expected();
        report.result = match answered {
            Ok(result) => Some(result),
            Err(_) if expected == Expected::Silence => None,
            Err(error) => return Err(error),
        };
        report.expected = match expected {
            Expected::Accepted => report.result == Some(0),
            Expected::Refused => report.result.is_some_and(|result| result != 0),
            Expected::Silence => report.result.is_none(),
        };
        Ok(report.expected)
    }

    async fn send(&self, flight: &Flight, file: &PlannedFile, bytes: Vec<u8>) -> anyhow::Result<()> {
        let storage = self.storage().await?;
        let key = object_key(&storage, flight, file);
        if self.has(Fault::SlowUpload) {
            let part = (bytes.len() / 2).max(5 << 20);
            upload::parts(&storage, &key, bytes.into(), part, Duration::from_millis(200)).await
        } else if bytes.len() > self.settings.part_bytes {
            upload::parts(&storage, &key, bytes.into(), self.settings.part_bytes, Duration::ZERO).await
        } else {
            upload::put(&storage, &key, bytes.into()).await
        }
    }

    async fn report(&self, data: &Value) -> anyhow::Result<i64> {
        if self.has(Fault::Pause) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        if self.has(Fault::Disconnect) {
            self.line.cut().await;
            self.line.ready(CONNECT_TIMEOUT).await?;
        }
        let change = |message: &mut Value| self.change_envelope(message);
        let tid = Uuid::new_v4().to_string();
        let result = self.event("file_upload_callback", data, Some(&tid), change).await?;
        let again = match () {
            () if self.has(Fault::Redelivery) => Some(tid.as_str()),
            () if self.has(Fault::Duplicate) || self.has(Fault::SameName) => None,
            () => return Ok(result),
        };
        let second = self.event("file_upload_callback", data, again, |_| {}).await?;
        ensure!(second == result, "the same report was answered {result}, then {second}");
        Ok(result)
    }

    fn change_envelope(&self, message: &mut Value) {
        for fault in &self.settings.faults {
            match fault {
                Fault::NeedReplyTrue => message["need_reply"] = json!(true),
                Fault::NeedReplyAbsent => {
                    drop(message.as_object_mut().and_then(|message| message.remove("need_reply")))
                }
                Fault::NeedReplyZero => message["need_reply"] = json!(0),
                Fault::GatewayMismatch => message["gateway"] = json!("SOMEBODYELSE"),
                _ => {}
            }
        }
    }

    /// Messages of next year, and garbage, between files.
    async fn chatter(&self) -> anyhow::Result<()> {
        if self.has(Fault::UnknownEvent) {
            ensure!(
                self.event("an_event_of_next_year", &json!({ "a": [1] }), None, |_| {}).await? == 0,
                "an unknown event was refused"
            );
        }
        if self.has(Fault::UnknownRequest) {
            ensure!(
                self.request("a_request_of_next_year", json!({})).await?["result"] != 0,
                "an unknown request was accepted"
            );
        }
        if self.has(Fault::NotJson) {
            for kind in ["events", "requests", "osd"] {
                self.line
                    .publish(&format!("thing/product/{}/{kind}", self.access.sn), b"\xff{not json".to_vec())
                    .await?;
            }
        }
        Ok(())
    }

    fn callback(&self, flight: &Flight, index: usize, object_key: &str) -> Value {
        let file = &flight.files[index];
        let (_, (aircraft_type, aircraft_sub_type), payload, _) = self.settings.model.keys();
        let shot = file.shot.as_ref();
        let upload = FileUpload {
            object_key: object_key.to_owned(),
            name: file.name.clone(),
            path: Some(flight.folder.clone()),
            flight_id: Some(flight.flight_id.clone()),
            drone_model_key: Some(format!("0-{aircraft_type}-{aircraft_sub_type}")),
            payload_model_key: Some(payload.to_owned()),
            is_original: Some(true),
            gimbal_yaw_deg: shot.map(|shot| shot.yaw_deg),
            absolute_altitude_m: shot.map(|shot| shot.absolute_altitude_m),
            relative_altitude_m: shot.map(|shot| shot.relative_altitude_m),
            captured: shot.and_then(|shot| eyrie_cloudapi::captured_time(&shot.at.to_string())),
            position: shot.map(|shot| LatLng { lat: shot.lat, lng: shot.lng }),
            uploaded_file_count: Some(index as i64 + 1),
            expected_file_count: Some(flight.files.len() as i64),
            flight_type: Some(0),
            ..FileUpload::default()
        };
        let mut data = upload.write();
        for fault in &self.settings.faults {
            fault::change(*fault, &mut data);
        }
        data
    }

    fn expected(&self) -> Expected {
        let mut faults = self.settings.faults.iter().map(|fault| fault.expected());
        faults.find(|expected| *expected != Expected::Accepted).unwrap_or(Expected::Accepted)
    }

    fn has(&self, fault: Fault) -> bool {
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

fn object_key(storage: &Storage, flight: &Flight, file: &PlannedFile) -> String {
    format!("{}/{}/{}", storage.object_key_prefix, flight.flight_id, file.name)
}

fn ids() -> (String, String) {
    (Uuid::new_v4().to_string(), Uuid::new_v4().to_string())
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// One logical state in several messages, each with a part of it, and the aircraft's under its own SN.
async fn publish_osd(line: Arc<Line>, sn: String, settings: Settings, remain_upload: Arc<AtomicI64>) {
    let mut tick = tokio::time::interval(OSD_EVERY);
    loop {
        tick.tick().await;
        let remain = remain_upload.load(Ordering::Relaxed);
        let step = if remain > 0 { 2 } else { 5 };
        let parts = [
            json!({ "job_number": 12, "flighttask_step_code": step, "media_file_detail": { "remain_upload": remain }, "wireless_link": {} }),
            json!({ "storage": { "total": 76_450_620, "used": 1_204_736 }, "network_state": { "type": 1, "quality": 0, "rate": 18.0 } }),
            json!({ "latitude": settings.home.lat, "longitude": settings.home.lng, "height": 430.0, "firmware_version": "10.01.32.02" }),
        ];
        let aircraft =
            json!({ "mode_code": 0, "latitude": settings.home.lat, "longitude": settings.home.lng, "height": 430.0 });
        let messages = parts.iter().map(|part| (&sn, part)).chain([(&settings.aircraft_sn, &aircraft)]);
        for (device, data) in messages {
            let (tid, bid) = ids();
            let body = json!({ "tid": tid, "bid": bid, "timestamp": now_ms(), "gateway": sn, "data": data });
            if line.publish(&format!("thing/product/{device}/osd"), body.to_string().into_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// `upload_flighttask_media_prioritize` is done and told of; any other command is refused.
async fn answer_commands(line: Arc<Line>, sn: String, mut commands: mpsc::Receiver<Value>) {
    const UNKNOWN_METHOD: i64 = 314_000;
    while let Some(command) = commands.recv().await {
        let known = command["method"] == "upload_flighttask_media_prioritize";
        let result = if known { 0 } else { UNKNOWN_METHOD };
        let reply = json!({ "tid": command["tid"], "bid": command["bid"], "timestamp": now_ms(), "gateway": sn,
            "method": command["method"], "data": { "result": result } });
        let topic = format!("thing/product/{sn}/services_reply");
        if line.publish(&topic, reply.to_string().into_bytes()).await.is_err() {
            return;
        }
        if known {
            let (tid, bid) = ids();
            let data = json!({ "flight_id": command["data"]["flight_id"] });
            let told = event(&tid, &bid, now_ms(), &sn, "highest_priority_upload_flighttask_media", &data);
            if line.publish(&format!("thing/product/{sn}/events"), told).await.is_err() {
                return;
            }
        }
    }
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
