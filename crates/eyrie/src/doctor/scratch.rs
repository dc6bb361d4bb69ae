//! A dock that is not there: its account, its conversation, its uploads, and their removal.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use eyrie_env::{Random, uuid_v7};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStoreExt as _};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS, TlsConfiguration, Transport};
use serde_json::{Value, json};

use super::network::{Address, Trust, client_config};
use super::{Report, Said};
use crate::boot::FIRST_WORKSPACE;
use crate::config::{Config, broker_url};
use crate::data::Library;
use crate::secret::random_code;

/// What the serial numbers of doctors begin with.
const SN_PREFIX: &str = "EYRIEDOCTOR";
/// Letters behind it: two doctors at once do not meet.
const SN_LETTERS: usize = 8;
/// S3's smallest part but for the last one.
const PART_BYTES: usize = 5 << 20;
const REPLY: Duration = Duration::from_secs(10);
/// The server looks at the database twice a second for new accounts.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);

pub(super) struct ScratchDock {
    sn: String,
    username: String,
    password: String,
    workspace_id: uuid::Uuid,
    bucket: String,
}

impl ScratchDock {
    pub(super) async fn add(config: &Config, library: &Library) -> anyhow::Result<(Self, Said)> {
        let external = library.dir.run_file().is_some_and(|run| run.mqtt_listen.is_none());
        ensure!(
            !external || config.mqtt.url.is_some(),
            "the server uses an external broker that this command does not know: set mqtt.url in the file, or EYRIE_MQTT_URL"
        );
        let admin = library.admin(config, "doctor");
        let first = library.catalogue.workspaces().await?.into_iter().next();
        let workspace = match library.catalogue.workspace(FIRST_WORKSPACE).await?.or(first) {
            Some(workspace) => workspace,
            None => bail!("there is no workspace"),
        };
        let sn = format!("{SN_PREFIX}{}", random_code(&*library.random, SN_LETTERS));
        let access = admin.add_dock(&workspace, &sn, Some("doctor")).await?;
        let (username, password) = match &config.mqtt.url {
            None => (access.username, access.password),
            // accounts of an external broker are its own affair: go in as the server does
            Some(url) => {
                let url = broker_url(url).map_err(|reason| anyhow::anyhow!("mqtt.url: {reason}"))?;
                (url.username, url.password)
            }
        };
        let detail = format!("{sn} in the workspace {}", workspace.name);
        Ok((Self { sn, username, password, workspace_id: workspace.id, bucket: workspace.bucket }, Said::Well(detail)))
    }

    /// Takes away everything the walk left: objects, rows, the account.
    pub(super) async fn remove(self, library: &Library) -> anyhow::Result<((), Said)> {
        let mut objects = 0;
        for prefix in library.catalogue.prefixes_of(&self.sn).await? {
            let page = library.store.list(&prefix.bucket, &format!("{}/", prefix.prefix), None, None, 100).await?;
            for object in page.objects {
                library.store.delete(&prefix.bucket, &object.key).await?;
                objects += 1;
            }
        }
        library.catalogue.remove_dock(&self.sn).await?;
        Ok(((), Said::Well(format!("{objects} objects and the account {} are gone", self.sn))))
    }
}

/// What `storage_config_get` answered.
struct Upload {
    store: AmazonS3,
    bucket: String,
    prefix: String,
}

pub(super) async fn walk(
    library: &Library,
    dock: &ScratchDock,
    broker: &Address,
    trust: Trust,
    report: &mut Report,
) -> Option<()> {
    let advice =
        "the server's log says why it refused; a dock with these symptoms: `eyrie dock rotate SN` for a new password";
    let mut talk = report.step("connect", advice, Talk::connect(dock, broker, trust)).await?;
    let advice = "the broker refuses a dock its own topics: on an external broker, correct its access rules";
    report.step("subscribe", advice, talk.subscribe()).await?;
    let advice = "nobody answers docks: look at /readyz and the log; on an external broker, see whether `eyrie` is connected to it";
    let answer = report.step("credentials", advice, talk.credentials()).await?;
    let advice = "the answer to storage_config_get is not one a dock can use: look at s3.provider and s3.public_url";
    let upload = report.step("endpoint", advice, async { upload(dock, &answer, trust) }).await?;

    let name = format!("{}.txt", uuid_v7(library.clock.now(), &*library.random));
    let key = format!("{}/doctor/{name}", upload.prefix);
    let advice = "the object store refuses what it issued credentials for: compare clocks, and s3.public_url with the address above";
    report.step("upload", advice, put(&upload, &key)).await?;
    let large = format!("{key}.large");
    report.step("multipart", advice, put_multipart(&upload, &large, &*library.random)).await?;
    let advice = "a dock must be able to write only: the object store in use ignores the session policy";
    report.step("write only", advice, cannot_read(&upload, &key)).await;
    let advice = "the dock would upload again: the log says why the report was not kept";
    report.step("report", advice, talk.report(&key, &name)).await?;
    report.step("library row", advice, kept(library, dock, &upload, &key)).await
}

/// A conversation through rumqttc, MQTT 3.1.1 as docks speak it.
struct Talk {
    sn: String,
    client: AsyncClient,
    events: EventLoop,
    said: u32,
}

impl Talk {
    async fn connect(dock: &ScratchDock, broker: &Address, trust: Trust) -> anyhow::Result<(Self, Said)> {
        let mut options = MqttOptions::new(format!("{}-walk", dock.sn), broker.host.clone(), broker.port);
        options.set_credentials(&dock.username, &dock.password).set_keep_alive(Duration::from_secs(30));
        if broker.tls {
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(client_config(trust)?)));
        }
        let (client, mut events) = AsyncClient::new(options, 16);
        loop {
            if let Event::Incoming(Packet::ConnAck(answer)) = events.poll().await? {
                let detail = format!("{broker} accepts {}: {:?}", dock.username, answer.code);
                return Ok((Self { sn: dock.sn.clone(), client, events, said: 0 }, Said::Well(detail)));
            }
        }
    }

    async fn subscribe(&mut self) -> anyhow::Result<((), Said)> {
        for kind in ["requests_reply", "events_reply"] {
            self.client.subscribe(format!("thing/product/{}/{kind}", self.sn), QoS::AtLeastOnce).await?;
            loop {
                if let Event::Incoming(Packet::SubAck(answer)) = self.events.poll().await? {
                    let granted =
                        answer.return_codes.iter().all(|code| matches!(code, rumqttc::SubscribeReasonCode::Success(_)));
                    ensure!(granted, "the subscription to {kind} is refused");
                    break;
                }
            }
        }
        Ok(((), Said::Well("the replies to its own requests and events".into())))
    }

    async fn ask(&mut self, kind: &str, method: &str, data: Value) -> anyhow::Result<Value> {
        self.said += 1;
        let tid = format!("{}-{}", self.sn, self.said);
        let mut body = json!({"tid": tid, "bid": tid, "timestamp": jiff::Timestamp::now().as_millisecond(), "method": method,
            "gateway": self.sn, "data": data});
        if kind == "events" {
            body["need_reply"] = 1.into();
        }
        let topic = format!("thing/product/{}/{kind}", self.sn);
        self.client.publish(topic, QoS::AtLeastOnce, false, body.to_string()).await?;
        let answered = async {
            loop {
                let Event::Incoming(Packet::Publish(message)) = self.events.poll().await? else { continue };
                let reply: Value = serde_json::from_slice(&message.payload).context("the reply is not JSON")?;
                if reply["tid"] == tid.as_str() {
                    return anyhow::Ok(reply["data"].clone());
                }
            }
        };
        let answered = tokio::time::timeout(REPLY, answered).await;
        answered.with_context(|| format!("{method} is not answered within {} s", REPLY.as_secs()))?
    }

    /// Asks again while the server may not have looked for new accounts yet.
    async fn credentials(&mut self) -> anyhow::Result<(Value, Said)> {
        let until = tokio::time::Instant::now() + KNOWN_WITHIN;
        loop {
            let answer = self.ask("requests", "storage_config_get", json!({"module": 0})).await?;
            if answer["result"] == 0 {
                let detail = "storage_config_get is answered with temporary credentials".into();
                return Ok((answer["output"].clone(), Said::Well(detail)));
            }
            if tokio::time::Instant::now() >= until {
                bail!("storage_config_get is answered with result {}", answer["result"]);
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    async fn report(&mut self, key: &str, name: &str) -> anyhow::Result<((), Said)> {
        let file = json!({"object_key": key, "path": "", "name": name, "ext": {"flight_id": ""}});
        let answer = self.ask("events", "file_upload_callback", json!({"file": file})).await?;
        ensure!(answer["result"] == 0, "file_upload_callback is answered with result {}", answer["result"]);
        Ok(((), Said::Well("file_upload_callback is answered with result 0".into())))
    }
}

fn upload(dock: &ScratchDock, answer: &Value, trust: Trust) -> anyhow::Result<(Upload, Said)> {
    let text = |value: &Value, what: &str| {
        let text = value.as_str().filter(|text| !text.is_empty());
        text.map(str::to_owned).with_context(|| format!("the answer has no {what}"))
    };
    let (endpoint, bucket) = (text(&answer["endpoint"], "endpoint")?, text(&answer["bucket"], "bucket")?);
    let (provider, prefix) =
        (text(&answer["provider"], "provider")?, text(&answer["object_key_prefix"], "object_key_prefix")?);
    let credentials = &answer["credentials"];
    ensure!(credentials["expire"].as_i64().is_some_and(|seconds| seconds > 0), "the credentials have no time to live");
    let client = ClientOptions::new().with_allow_http(true).with_allow_invalid_certificates(trust == Trust::Anyone);
    let store = AmazonS3Builder::new()
        .with_endpoint(&endpoint)
        .with_bucket_name(&bucket)
        .with_region(text(&answer["region"], "region")?)
        .with_access_key_id(text(&credentials["access_key_id"], "access_key_id")?)
        .with_secret_access_key(text(&credentials["access_key_secret"], "access_key_secret")?)
        .with_token(text(&credentials["security_token"], "security_token")?)
        .with_virtual_hosted_style_request(false)
        .with_client_options(client)
        .with_retry(object_store::RetryConfig { max_retries: 1, ..Default::default() })
        .build()?;
    ensure!(bucket == dock.bucket, "the bucket {bucket} is not that of the workspace");
    let detail = format!("{provider} at {endpoint}, bucket {bucket}, prefix {prefix}");
    Ok((Upload { store, bucket, prefix }, Said::Well(detail)))
}

async fn put(upload: &Upload, key: &str) -> anyhow::Result<((), Said)> {
    upload.store.put(&Path::from(key), Bytes::from_static(b"written by eyrie doctor\n").into()).await?;
    Ok(((), Said::Well(format!("PUT of {key}"))))
}

async fn put_multipart(upload: &Upload, key: &str, random: &dyn Random) -> anyhow::Result<((), Said)> {
    let mut part = vec![0; PART_BYTES];
    random.fill(&mut part);
    let mut parts = upload.store.put_multipart(&Path::from(key)).await?;
    parts.put_part(Bytes::from(part).into()).await?;
    parts.put_part(Bytes::from_static(b"the last part").into()).await?;
    parts.complete().await?;
    Ok(((), Said::Well("two parts".into())))
}

async fn cannot_read(upload: &Upload, key: &str) -> anyhow::Result<((), Said)> {
    ensure!(upload.store.get(&Path::from(key)).await.is_err(), "the dock's credentials can read");
    let outside = upload.store.put(&Path::from("eyrie-doctor-outside.txt"), Bytes::from_static(b"x").into()).await;
    ensure!(outside.is_err(), "the dock's credentials can write outside its prefix");
    Ok(((), Said::Well("reading and writing elsewhere are refused".into())))
}

async fn kept(library: &Library, dock: &ScratchDock, upload: &Upload, key: &str) -> anyhow::Result<((), Said)> {
    let object = library.store.head(&upload.bucket, key).await?;
    let object = object.context("the object is not in the store although the dock was told that it is kept")?;
    let row = library.catalogue.media_by_key(dock.workspace_id, key).await?;
    let row = row.context("the file is not in the library although the dock was told that it is kept")?;
    ensure!(
        row.size_bytes == i64::try_from(object.size_bytes).ok(),
        "the library says {:?} bytes, the store {}",
        row.size_bytes,
        object.size_bytes
    );
    Ok(((), Said::Well(format!("{} bytes, status {}", object.size_bytes, row.status.as_str()))))
}
