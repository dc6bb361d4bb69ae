//! A flight's files: uploaded, reported, tried again until the answer is the one that is due.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use eyrie_cloudapi::{FileUpload, LatLng};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::dock::{CONNECT_TIMEOUT, Dock};
use crate::fault::{self, Expected, Fault};
use crate::flight::{Flight, PlannedFile};
use crate::upload::{self, Storage};

const ATTEMPTS: u32 = 5;
const BACKOFF: Duration = Duration::from_millis(300);
/// Above every broker's limit of a packet, below what the client itself refuses to send.
const OVERSIZE_BYTES: usize = 2 << 20;

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

impl Dock {
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
        if self.has(Fault::AircraftGone) {
            self.update_topo(false).await?;
        }
        let mut order: Vec<usize> = (0..flight.files.len()).collect();
        if self.has(Fault::Reorder) {
            order.reverse();
            for file in &flight.files {
                self.send(flight, file, made(flight, file).await?).await?;
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
        let bytes = made(flight, file).await?;
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
        if self.has(Fault::TruncatedUpload) && report.attempts == 1 {
            upload::broken_off(&storage, &report.object_key, bytes.slice(..bytes.len() / 2)).await?;
            let early = self.event("file_upload_callback", &data, None, |_| {}).await?;
            ensure!(early != 0, "a file that was broken off was called kept");
        }
        if self.has(Fault::ExpiredCredentials) && report.attempts == 1 {
            let refused = upload::put(&storage.with_broken_token(), &report.object_key, bytes.clone()).await;
            ensure!(refused.is_err(), "a broken session token was accepted");
        }
        if !(self.has(Fault::FailedResult) || self.has(Fault::WithoutObject) || self.has(Fault::Reorder)) {
            self.send(flight, file, bytes.clone()).await?;
        }
        report.upload_ms = started.elapsed().as_millis() as u64;
        let started = Instant::now();
        let answered = self.report(&data).await;
        report.answer_ms = started.elapsed().as_millis() as u64;
        if self.has(Fault::SameName) && answered.is_ok() {
            self.send(flight, file, bytes).await?;
            let again = self.report(&data).await?;
            ensure!(again == 0, "the same file, sent again, was answered {again}");
        }
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

    async fn send(&self, flight: &Flight, file: &PlannedFile, bytes: Bytes) -> anyhow::Result<()> {
        let storage = self.storage().await?;
        let key = object_key(&storage, flight, file);
        if self.has(Fault::SlowUpload) {
            let part = (bytes.len() / 2).max(5 << 20);
            upload::parts(&storage, &key, bytes, part, Duration::from_millis(200)).await
        } else if bytes.len() > self.settings.part_bytes {
            upload::parts(&storage, &key, bytes, self.settings.part_bytes, Duration::ZERO).await
        } else {
            upload::put(&storage, &key, bytes).await
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
            () if self.has(Fault::Duplicate) => None,
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
                Fault::MissingMethod => drop(message.as_object_mut().and_then(|message| message.remove("method"))),
                Fault::TextTimestamp => message["timestamp"] = json!(message["timestamp"].to_string()),
                Fault::NeedReplyZero => message["need_reply"] = json!(0),
                Fault::NeedReplyFalse => message["need_reply"] = json!(false),
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
        if self.has(Fault::Oversize) {
            let topic = format!("thing/product/{}/events", self.access.sn);
            self.line.publish_once(&topic, vec![b' '; OVERSIZE_BYTES]).await?;
            self.line.fallen().await;
            self.line.ready(CONNECT_TIMEOUT).await?;
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
}

/// Rendering and reading belong on a thread that may block.
pub(crate) async fn made(flight: &Flight, file: &PlannedFile) -> anyhow::Result<Bytes> {
    let (view, file) = (flight.view, file.clone());
    tokio::task::spawn_blocking(move || file.bytes(&view).map(Bytes::from)).await?
}

fn object_key(storage: &Storage, flight: &Flight, file: &PlannedFile) -> String {
    format!("{}/{}/{}", storage.object_key_prefix, flight.flight_id, file.name)
}
