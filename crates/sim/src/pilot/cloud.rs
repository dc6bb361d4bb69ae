//! The HTTPS side: our page's login, and the app's calls with DJI's envelope, checked as strictly as the app would.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use eyrie_cloudapi::LatLng;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::upload::Storage;

const TIMEOUT: Duration = Duration::from_secs(30);

/// What Pilot 2 works with after its page has logged in: what `POST /pilot/api/login` answers, or what the imitated bridge
/// collected from a page (`djiBridgeSim.session()`).
#[derive(Clone, Deserialize)]
pub struct PilotSession {
    pub sn: String,
    pub workspace_id: Uuid,
    /// Scheme, host and port.
    pub api_host: String,
    /// `X-Auth-Token`.
    pub token: String,
    /// `None`: the server uses an external broker.
    pub mqtt: Option<PilotMqtt>,
    pub settings: PilotSettings,
}

#[derive(Clone, Deserialize)]
pub struct PilotMqtt {
    /// `tcp://HOST:PORT`, or `ssl://HOST:PORT`.
    pub host: String,
    pub username: String,
    pub password: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct PilotSettings {
    pub auto_upload_photo: bool,
    /// 0 original, 1 preview.
    pub auto_upload_photo_type: i64,
    pub auto_upload_video: bool,
}

/// Who logs in where.
#[derive(Clone, Debug)]
pub(super) struct Login<'a> {
    pub(super) server: &'a str,
    pub(super) name: &'a str,
    pub(super) password: &'a str,
    pub(super) sn: &'a str,
    pub(super) workspace: Option<&'a str>,
}

/// An answer to the app.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// 0 is good.
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) data: Value,
}

pub(super) struct Cloud {
    http: reqwest::Client,
    host: String,
    workspace_id: Uuid,
    token: Mutex<String>,
}

impl Cloud {
    pub(super) fn new(session: &PilotSession) -> anyhow::Result<Self> {
        Ok(Self {
            http: client()?,
            host: session.api_host.trim_end_matches('/').to_owned(),
            workspace_id: session.workspace_id,
            token: Mutex::new(session.token.clone()),
        })
    }

    /// Logs in as the page does.
    pub(super) async fn log_in(login: &Login<'_>) -> anyhow::Result<PilotSession> {
        let mut body = json!({ "name": login.name, "password": login.password, "sn": login.sn });
        if let Some(workspace) = login.workspace {
            body["workspace"] = json!(workspace);
        }
        let url = format!("{}/pilot/api/login", login.server.trim_end_matches('/'));
        let response = client()?.post(url).json(&body).send().await.context("login")?;
        let (status, answer) = (response.status(), response.json::<Value>().await.context("login")?);
        ensure!(status.is_success(), "login: {status}: {}", answer["detail"].as_str().unwrap_or("no reason"));
        serde_json::from_value(answer).context("login: the answer is not a session")
    }

    /// A new token, as the page gets before the old one ends. The old one must still be good.
    pub(super) async fn renew(&self) -> anyhow::Result<()> {
        let old = self.token.lock().clone();
        let response =
            self.http.post(format!("{}/pilot/api/renew", self.host)).header("X-Auth-Token", &old).send().await?;
        let (status, answer) = (response.status(), response.json::<Value>().await.context("renew")?);
        ensure!(status.is_success(), "renew: {status}: {}", answer["detail"].as_str().unwrap_or("no reason"));
        let new = answer["token"].as_str().context("renew: no token")?.to_owned();
        ensure!(new != old, "renew: the same token again");
        let still = self.topologies_with(&old).await?;
        ensure!(still.code == 0, "the old token was refused after a renewal: {still:?}");
        *self.token.lock() = new;
        Ok(())
    }

    pub(super) async fn fast_upload(&self, body: &Value) -> anyhow::Result<Answer> {
        self.media("fast-upload", body).await
    }

    /// Those of `asked` that are stored.
    pub(super) async fn tiny_fingerprints(&self, asked: &[String]) -> anyhow::Result<Vec<String>> {
        let answer = self.media("files/tiny-fingerprints", &json!({ "tiny_fingerprints": asked })).await?;
        ensure!(answer.code == 0, "tiny-fingerprints: {answer:?}");
        let known = answer.data["tiny_fingerprints"].as_array().context("tiny-fingerprints: no list")?;
        known.iter().map(|one| one.as_str().map(str::to_owned).context("tiny-fingerprints: not text")).collect()
    }

    /// Storage and credentials.
    pub(super) async fn sts(&self) -> anyhow::Result<Storage> {
        let path = format!("/storage/api/v1/workspaces/{}/sts", self.workspace_id);
        let answer = self.call(&path, None, &self.token()).await?;
        ensure!(answer.code == 0, "sts: {answer:?}");
        Storage::read(&answer.data).context("sts")
    }

    pub(super) async fn upload_callback(&self, body: &Value) -> anyhow::Result<Answer> {
        self.media("upload-callback", body).await
    }

    pub(super) async fn group_upload_callback(&self, body: &Value) -> anyhow::Result<Answer> {
        self.media("group-upload-callback", body).await
    }

    /// Asks for the topology with a token.
    pub(super) async fn topologies_with(&self, token: &str) -> anyhow::Result<Answer> {
        let url = format!("{}/manage/api/v1/workspaces/{}/devices/topologies", self.host, self.workspace_id);
        read(self.http.get(url).header("X-Auth-Token", token).send().await?).await
    }

    pub(super) fn token(&self) -> String {
        self.token.lock().clone()
    }

    /// The same call for another workspace.
    pub(super) async fn elsewhere(&self, body: &Value) -> anyhow::Result<Answer> {
        let path = format!("/media/api/v1/workspaces/{}/fast-upload", Uuid::new_v4());
        self.call(&path, Some(body.to_string()), &self.token()).await
    }

    /// A body that nobody can read.
    pub(super) async fn garbage(&self) -> anyhow::Result<Answer> {
        let path = format!("/media/api/v1/workspaces/{}/fast-upload", self.workspace_id);
        self.call(&path, Some("{not json".into()), &self.token()).await
    }

    async fn media(&self, what: &str, body: &Value) -> anyhow::Result<Answer> {
        let path = format!("/media/api/v1/workspaces/{}/{what}", self.workspace_id);
        self.call(&path, Some(body.to_string()), &self.token()).await.with_context(|| what.to_owned())
    }

    async fn call(&self, path: &str, body: Option<String>, token: &str) -> anyhow::Result<Answer> {
        let request = self
            .http
            .post(format!("{}{path}", self.host))
            .header("X-Auth-Token", token)
            .header("X-Request-ID", Uuid::new_v4().to_string());
        let request = match body {
            Some(body) => request.header("Content-Type", "application/json").body(body),
            None => request,
        };
        read(request.send().await?).await
    }
}

/// `{code, message, data}`, each of its type.
async fn read(response: reqwest::Response) -> anyhow::Result<Answer> {
    let status = response.status().as_u16();
    let body: Value = response.json().await.with_context(|| format!("HTTP {status} without JSON"))?;
    let code = body["code"].as_i64().with_context(|| format!("HTTP {status}: code is not an integer"))?;
    let message = body["message"].as_str().with_context(|| format!("HTTP {status}: message is not text"))?.to_owned();
    ensure!(body.get("data").is_some(), "HTTP {status}: no data");
    ensure!(status == 200 || code != 0, "HTTP {status} with code 0");
    Ok(Answer { status, code, message, data: body["data"].clone() })
}

fn client() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder().timeout(TIMEOUT).build()?)
}

/// A report of DJI's `upload-callback`.
pub(super) struct Report<'a> {
    pub(super) object_key: &'a str,
    pub(super) name: &'a str,
    pub(super) path: &'a str,
    pub(super) fingerprint: &'a str,
    pub(super) tiny_fingerprint: &'a str,
    pub(super) file_group_id: Option<&'a str>,
    pub(super) is_original: bool,
    pub(super) aircraft_sn: &'a str,
    pub(super) shot: Option<&'a crate::photo::Shot>,
}

impl Report<'_> {
    pub(super) fn write(&self) -> Value {
        let mut ext = self.ext();
        if let Some(group) = self.file_group_id {
            ext["file_group_id"] = json!(group);
        }
        let mut report = json!({ "result": 0, "object_key": self.object_key, "name": self.name, "path": self.path,
            "fingerprint": self.fingerprint, "sub_file_type": 0, "ext": ext });
        if let Some(shot) = self.shot {
            let position = LatLng { lat: shot.lat, lng: shot.lng };
            report["metadata"] = json!({
                "absolute_altitude": shot.absolute_altitude_m, "relative_altitude": shot.relative_altitude_m,
                "created_time": shot.at.to_string(), "gimbal_yaw_degree": shot.yaw_deg,
                "shoot_position": { "lat": position.lat, "lng": position.lng },
            });
        }
        report
    }

    /// What `fast-upload` asks with.
    pub(super) fn question(&self) -> Value {
        json!({ "fingerprint": self.fingerprint, "name": self.name, "path": self.path, "ext": self.ext() })
    }

    fn ext(&self) -> Value {
        json!({ "drone_model_key": super::AIRCRAFT_KEY, "payload_model_key": super::PAYLOAD_KEY, "is_original": self.is_original,
            "tinny_fingerprint": self.tiny_fingerprint, "sn": self.aircraft_sn })
    }
}
