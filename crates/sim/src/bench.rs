//! Load: many connections that ask as fast as they are answered, and a null echo to compare with.
//!
//! The same code drives a server and the null echo, so that a ratio of the two is about the server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use eyrie_cloudapi::{FileUpload, LatLng, event, request};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use object_store::aws::AmazonS3;
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::dock::Access;
use crate::link::{Line, no_delay};
use crate::upload::{self, Storage};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Ask {
    StorageConfigGet,
    FileUploadCallback,
}

#[derive(Clone, Debug)]
pub struct Load {
    pub ask: Ask,
    /// Exchanges in all.
    pub count: usize,
    /// Exchanges that each connection has open at once.
    pub in_flight: usize,
    /// Objects each dock uploads first and then reports in turn; none against the null echo.
    pub objects: usize,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    pub count: usize,
    pub seconds: f64,
    pub per_second: f64,
    pub median_ms: f64,
    pub p99_ms: f64,
    pub failed: usize,
}

impl Load {
    /// Runs the load from one connection for each of `docks`.
    ///
    /// # Errors
    /// A dock cannot connect or upload.
    pub async fn run(&self, docks: Vec<Access>) -> anyhow::Result<Measured> {
        ensure!(!docks.is_empty() && self.in_flight > 0, "a load needs docks and exchanges in flight");
        let mut lines = Vec::new();
        for access in docks {
            let (line, commands) = Line::open(&access)?;
            line.ready(Duration::from_secs(20)).await?;
            let keys = self.prepare(&line, &access).await?;
            lines.push((Arc::new(line), access, keys, commands));
        }
        let next = Arc::new(AtomicUsize::new(0));
        let started = Instant::now();
        let mut tasks = Vec::new();
        for (line, access, keys, _) in &lines {
            for _ in 0..self.in_flight {
                let (line, access, keys, next, load) =
                    (Arc::clone(line), access.clone(), Arc::clone(keys), Arc::clone(&next), self.clone());
                tasks.push(tokio::spawn(async move { load.ask_on(&line, &access, &keys, &next).await }));
            }
        }
        let (mut times, mut failed) = (Vec::with_capacity(self.count), 0);
        for task in tasks {
            let (more, lost) = task.await?;
            times.extend(more);
            failed += lost;
        }
        let seconds = started.elapsed().as_secs_f64();
        times.sort_unstable();
        let at = |share: f64| {
            times
                .get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1)))
                .map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
        };
        Ok(Measured {
            count: times.len(),
            seconds,
            per_second: times.len() as f64 / seconds,
            median_ms: at(0.5),
            p99_ms: at(0.99),
            failed,
        })
    }

    /// The keys to report. Without objects they are made up, which only a null echo answers well.
    async fn prepare(&self, line: &Line, access: &Access) -> anyhow::Result<Arc<Vec<String>>> {
        if self.ask == Ask::StorageConfigGet || self.objects == 0 {
            return Ok(Arc::new(vec![format!("docks/{}/bench/0.JPG", access.sn)]));
        }
        let storage = storage_on(line, access).await?;
        let client = storage.client()?;
        let run = Uuid::new_v4();
        let mut keys = Vec::new();
        for number in 0..self.objects {
            let key = format!("{}/{run}/{number}.JPG", storage.object_key_prefix);
            upload::put_by(&client, &key, format!("object {number}").into_bytes().into()).await?;
            keys.push(key);
        }
        Ok(Arc::new(keys))
    }

    async fn ask_on(
        &self,
        line: &Line,
        access: &Access,
        keys: &[String],
        next: &AtomicUsize,
    ) -> (Vec<Duration>, usize) {
        let (mut times, mut failed) = (Vec::new(), 0);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.count {
                return (times, failed);
            }
            let (kind, tid, payload) = match self.ask {
                Ask::StorageConfigGet => {
                    let (tid, payload) = question(access, "storage_config_get", &json!({ "module": 0 }));
                    ("requests", tid, payload)
                }
                Ask::FileUploadCallback => {
                    let (tid, payload) = callback(access, &keys[number % keys.len()]);
                    ("events", tid, payload)
                }
            };
            let started = Instant::now();
            let topic = format!("thing/product/{}/{kind}", access.sn);
            match line.ask(&topic, &tid, payload, Duration::from_secs(60)).await {
                Ok(reply) if reply["data"]["result"] == 0 => times.push(started.elapsed()),
                _ => failed += 1,
            }
        }
    }
}

/// Uploads as docks make them, in turn with raw writes of the same bytes.
#[derive(Clone, Debug)]
pub struct Puts {
    pub object_bytes: usize,
    /// Objects a round.
    pub count: usize,
    pub concurrency: usize,
    /// Multipart with parts of this size instead of one PUT.
    pub part_bytes: Option<usize>,
    /// Uploads, then raw writes, and again: what else the machine does meets both.
    pub rounds: usize,
    /// Before each measured step as many bytes are written and removed again: memory that a virtual machine has to get
    /// from its host costs more than what is measured, and is got by then.
    pub memory_at_hand: bool,
    /// Where the raw writes go: the file system that the server's data is on.
    pub raw_dir: PathBuf,
}

/// Seconds for the objects of all rounds, and for raw writes with an fsync each of the same bytes at the same concurrency.
#[derive(Clone, Debug, Serialize)]
pub struct PutsMeasured {
    pub megabytes: f64,
    pub seconds: f64,
    pub raw_seconds: f64,
    /// Above 1 is faster than raw.
    pub ratio: f64,
}

impl Puts {
    /// Uploads as `access`'s dock and writes raw; the raw files are removed at the end, so that no round finds memory
    /// that the one before it gave back.
    ///
    /// # Errors
    /// An upload or a raw write fails.
    pub async fn run(&self, access: Access) -> anyhow::Result<PutsMeasured> {
        let (line, _commands) = Line::open(&access)?;
        line.ready(Duration::from_secs(20)).await?;
        let storage = storage_on(&line, &access).await?;
        // one client, as a dock has one: its connections stay
        let client = storage.client()?;
        let bytes: bytes::Bytes = (0..self.object_bytes).map(|at| ((at * 131) >> 3) as u8).collect::<Vec<_>>().into();
        let run = Uuid::new_v4();
        let folder = self.raw_dir.join(format!("raw-{run}"));
        std::fs::create_dir_all(&folder)?;
        let (mut seconds, mut raw_seconds) = (0.0, 0.0);
        for round in 0..self.rounds {
            self.touch_memory(&folder, &bytes)?;
            seconds += self.upload(&client, &format!("{}/{run}/{round}", storage.object_key_prefix), &bytes).await?;
            self.touch_memory(&folder, &bytes)?;
            raw_seconds += self.write_raw(&folder, round, &bytes).await?;
        }
        std::fs::remove_dir_all(&folder)?;
        let megabytes = (self.object_bytes * self.count * self.rounds) as f64 / 1e6;
        Ok(PutsMeasured { megabytes, seconds, raw_seconds, ratio: raw_seconds / seconds })
    }

    fn touch_memory(&self, folder: &Path, bytes: &bytes::Bytes) -> std::io::Result<()> {
        if !self.memory_at_hand {
            return Ok(());
        }
        let path = folder.join("touched");
        let mut file = std::fs::File::create(&path)?;
        for _ in 0..self.count {
            std::io::Write::write_all(&mut file, bytes)?;
        }
        std::fs::remove_file(path)
    }

    async fn upload(&self, client: &AmazonS3, folder: &str, bytes: &bytes::Bytes) -> anyhow::Result<f64> {
        let started = Instant::now();
        let uploads = (0..self.count).map(|number| {
            let (key, bytes) = (format!("{folder}/{number}.bin"), bytes.clone());
            async move {
                match self.part_bytes {
                    Some(part) => upload::parts_at_once(client, &key, bytes, part, self.concurrency).await,
                    None => upload::put_by(client, &key, bytes).await,
                }
            }
        });
        let at_once = if self.part_bytes.is_some() { 1 } else { self.concurrency };
        futures::stream::iter(uploads).buffer_unordered(at_once).try_collect::<Vec<()>>().await?;
        Ok(started.elapsed().as_secs_f64())
    }

    async fn write_raw(&self, folder: &Path, round: usize, bytes: &bytes::Bytes) -> anyhow::Result<f64> {
        let file_bytes = self.part_bytes.unwrap_or(self.object_bytes).min(self.object_bytes);
        let files = (self.object_bytes * self.count).div_ceil(file_bytes);
        let started = Instant::now();
        let writes = (0..files).map(|number| {
            let (path, bytes) = (folder.join(format!("{round}-{number}")), bytes.slice(..file_bytes));
            async move {
                let write = move || -> std::io::Result<()> {
                    let mut file = std::fs::File::create(path)?;
                    std::io::Write::write_all(&mut file, &bytes)?;
                    file.sync_all()
                };
                tokio::task::spawn_blocking(write).await?.map_err(anyhow::Error::from)
            }
        });
        futures::stream::iter(writes).buffer_unordered(self.concurrency).try_collect::<Vec<()>>().await?;
        Ok(started.elapsed().as_secs_f64())
    }
}

async fn storage_on(line: &Line, access: &Access) -> anyhow::Result<Storage> {
    let (tid, payload) = question(access, "storage_config_get", &json!({ "module": 0 }));
    let topic = format!("thing/product/{}/requests", access.sn);
    let reply = line.ask(&topic, &tid, payload, Duration::from_secs(20)).await?;
    Storage::read(&reply["data"]["output"]).context("storage_config_get")
}

fn question(access: &Access, method: &str, data: &Value) -> (String, Vec<u8>) {
    let (tid, bid) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let payload = request(&tid, &bid, Timestamp::now().as_millisecond(), &access.sn, method, data);
    (tid, payload)
}

fn callback(access: &Access, key: &str) -> (String, Vec<u8>) {
    let (tid, bid) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let upload = FileUpload {
        object_key: key.to_owned(),
        name: key.rsplit('/').next().unwrap_or(key).to_owned(),
        flight_id: Some("5b1d4d8a-7c1a-4d1e-9e67-6d9d5b1c7a55".into()),
        drone_model_key: Some("0-91-1".into()),
        payload_model_key: Some("1-81-0".into()),
        gimbal_yaw_deg: Some(-91.4),
        absolute_altitude_m: Some(156.2),
        relative_altitude_m: Some(42.5),
        captured: eyrie_cloudapi::captured_time("2026-05-10T10:15:30+02:00"),
        position: Some(LatLng { lat: 47.3769, lng: 8.5417 }),
        ..FileUpload::default()
    };
    let payload =
        event(&tid, &bid, Timestamp::now().as_millisecond(), &access.sn, "file_upload_callback", &upload.write());
    (tid, payload)
}

/// Answers every request and event on a broker with `result` 0 and nothing else: the least a server could do.
///
/// # Errors
/// The broker cannot be reached.
pub async fn null_echo(host: &str, port: u16, login: Option<(&str, &str)>) -> anyhow::Result<()> {
    let mut options = MqttOptions::new("null-echo", host, port);
    if let Some((username, password)) = login {
        options.set_credentials(username, password);
    }
    options.set_max_packet_size(1 << 20, 1 << 20);
    options.set_inflight(1_024);
    let (client, mut events) = AsyncClient::new(options, 1_024);
    events.set_network_options(no_delay());
    for filter in ["thing/product/+/requests", "thing/product/+/events"] {
        client.subscribe(filter, QoS::AtLeastOnce).await?;
    }
    let (queue, mut answers) = tokio::sync::mpsc::unbounded_channel::<(String, Vec<u8>)>();
    let sender = client.clone();
    tokio::spawn(async move {
        while let Some((topic, payload)) = answers.recv().await {
            if sender.publish(topic, QoS::AtLeastOnce, false, payload).await.is_err() {
                return;
            }
        }
    });
    loop {
        if let Event::Incoming(Incoming::Publish(message)) = events.poll().await.context("the line to the broker")? {
            let Ok(asked) = serde_json::from_slice::<Value>(&message.payload) else { continue };
            let reply = json!({ "tid": asked["tid"], "bid": asked["bid"], "timestamp": 1, "method": asked["method"], "data": { "result": 0 } });
            queue.send((format!("{}_reply", message.topic), serde_json::to_vec(&reply)?))?;
        }
    }
}
