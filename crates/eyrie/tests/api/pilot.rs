//! Pilot 2: a controller's login, what its token opens and what it does not, and what the app is answered.

use eyrie::app::App;
use eyrie_catalogue::{MediaFilter, MediaKind, MediaSource, MediaStatus, PilotSettings, Role, Workspace};
use http::Request;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use crate::support::{Api, PASSWORD, Reply, Who, request};

/// An API that also commits what is reported.
struct Pilot {
    api: Api,
    stop: CancellationToken,
}

impl Drop for Pilot {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A controller with its token.
struct Controller {
    sn: String,
    token: String,
    ws: String,
}

impl Pilot {
    async fn start() -> Self {
        let mut config = eyrie::config::Config::default();
        config.ingest.head_attempts = 1;
        let api = Api::start_with(config).await;
        let stop = CancellationToken::new();
        tokio::spawn(eyrie::ingest::run(Arc::clone(&api.app), stop.clone()));
        Self { api, stop }
    }

    fn app(&self) -> &Arc<App> {
        &self.api.app
    }

    async fn log_in(&self, workspace: &Workspace, sn: &str) -> Controller {
        let user = self.api.user(Some(workspace), Role::Operator).await;
        let reply = self.login(json!({"name": user.name, "password": PASSWORD, "sn": sn})).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let token = reply.json()["token"].as_str().expect("a token").to_owned();
        Controller { sn: sn.into(), token, ws: workspace.id.to_string() }
    }

    async fn login(&self, body: Value) -> Reply {
        self.api.post(&Who::Nobody, "/pilot/api/login", body).await
    }

    async fn ask(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
        let mut request = request(method, path, &Who::Nobody, body.as_ref());
        request.headers_mut().insert("x-auth-token", token.parse().expect("a header"));
        self.api.send(request).await
    }

    /// Posts to the app's path of the controller's own workspace; the envelope.
    async fn post(&self, by: &Controller, path: &str, body: Value) -> (u16, Value) {
        let path = path.replace("{ws}", &by.ws);
        let reply = self.ask(&by.token, "POST", &path, Some(body)).await;
        let envelope = reply.json();
        assert_eq!(envelope.as_object().expect("an object").len(), 3, "{envelope}");
        assert!(envelope["code"].is_i64() && envelope["message"].is_string(), "{envelope}");
        (reply.status.as_u16(), envelope)
    }

    /// Asks for credentials and puts `bytes` below the prefix; the key.
    async fn upload(&self, by: &Controller, name: &str, bytes: &'static [u8]) -> String {
        let (status, sts) = self.post(by, "/storage/api/v1/workspaces/{ws}/sts", json!({})).await;
        assert_eq!((status, &sts["code"]), (200, &json!(0)), "{sts}");
        let (bucket, prefix) = (sts["data"]["bucket"].as_str(), sts["data"]["object_key_prefix"].as_str());
        let key = format!("{}/{name}", prefix.expect("a prefix"));
        self.app().store.put(bucket.expect("a bucket"), &key, None, bytes.into()).await.expect("stored");
        key
    }

    async fn report(&self, by: &Controller, body: Value) -> (u16, Value) {
        self.post(by, "/media/api/v1/workspaces/{ws}/upload-callback", body).await
    }

    async fn listed(&self, workspace: &Workspace) -> Vec<eyrie_catalogue::Media> {
        let filter = MediaFilter { status: Some(MediaStatus::Stored), ..MediaFilter::default() };
        self.app().catalogue.list_media(workspace.id, &filter, None, 100).await.expect("read").items
    }
}

const APP_PATHS: [(&str, &str); 10] = [
    ("POST", "/media/api/v1/workspaces/{ws}/fast-upload"),
    ("POST", "/media/api/v1/workspaces/{ws}/files/tiny-fingerprints"),
    ("POST", "/storage/api/v1/workspaces/{ws}/sts"),
    ("POST", "/media/api/v1/workspaces/{ws}/upload-callback"),
    ("POST", "/media/api/v1/workspaces/{ws}/group-upload-callback"),
    ("GET", "/manage/api/v1/workspaces/{ws}/devices/topologies"),
    ("GET", "/manage/api/v1/workspaces/current"),
    ("GET", "/wayline/api/v1/workspaces/{ws}/waylines"),
    ("GET", "/wayline/api/v1/workspaces/{ws}/waylines/duplicate-names"),
    ("GET", "/map/api/v1/workspaces/{ws}/element-groups"),
];
const PAGE_PATHS: [(&str, &str); 3] =
    [("GET", "/pilot/api/session"), ("GET", "/pilot/api/state"), ("POST", "/pilot/api/renew")];

fn body_of(path: &str) -> Value {
    match path.rsplit('/').next() {
        Some("fast-upload") => json!({"fingerprint": "f"}),
        Some("tiny-fingerprints") => json!({"tiny_fingerprints": []}),
        Some("upload-callback") => json!({"object_key": "pilot/NONE/x"}),
        Some("group-upload-callback") => json!({"file_group_id": "g"}),
        _ => json!({}),
    }
}

/// Each path by each kind of token: 401 for a dead one alone, 403 for another workspace, whether it exists or not.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_its_own_workspace_until_it_is_dead() {
    let pilot = Pilot::start().await;
    let (a, b) = (pilot.api.workspace("alpha").await, pilot.api.workspace("beta").await);
    let own = pilot.log_in(&a, "RC1").await;
    let other = pilot.log_in(&b, "RC2").await;
    let disabled = pilot.log_in(&a, "RC3").await;
    let admin = pilot.app().admin("test");
    admin.set_controller_enabled("RC3", false).await.expect("disabled");
    let rotated = pilot.log_in(&a, "RC4").await;
    admin.rotate_controller("RC4").await.expect("rotated");
    let ended = pilot.log_in(&a, "RC5").await;
    assert_eq!(pilot.ask(&ended.token, "DELETE", "/pilot/api/session", None).await.status, 204);
    let user = admin.create_token(&a, Role::Admin, None, None).await.expect("a token").token;
    let dead = [&disabled.token, &rotated.token, &ended.token, &user, "eyrie_garbage", ""];
    for (method, path) in APP_PATHS {
        let ask = async |token: &str, ws: &str| {
            let body = (method == "POST").then(|| body_of(path));
            let reply = pilot.ask(token, method, &path.replace("{ws}", ws), body).await;
            let envelope = reply.json();
            (reply.status.as_u16(), envelope["code"].as_i64().expect("a code"), envelope)
        };
        for ws in [a.id.to_string(), "alpha".into()] {
            let (status, _, envelope) = ask(&own.token, &ws).await;
            // a key outside the prefix is the one thing refused here
            assert_eq!(status, if path.ends_with("/upload-callback") { 403 } else { 200 }, "{path}: {envelope}");
        }
        for token in dead {
            assert_eq!(ask(token, &a.id.to_string()).await.0, 401, "{path} {token}");
        }
        if !path.contains("{ws}") {
            continue;
        }
        for ws in [b.id.to_string(), "beta".into(), "nothing".into(), pilot.app().new_id().to_string(), "%ff".into()] {
            let (status, code, envelope) = ask(&own.token, &ws).await;
            assert_eq!((status, code), (403, 403), "{path} {ws}");
            assert!(!envelope.to_string().contains("beta"), "{envelope}");
        }
        assert_eq!(ask(&other.token, &a.id.to_string()).await.0, 403, "{path}");
    }
    for (method, path) in PAGE_PATHS {
        assert_eq!(pilot.ask(&own.token, method, path, None).await.status, 200, "{path}");
        for token in dead {
            let reply = pilot.ask(token, method, path, None).await;
            assert_eq!(
                (reply.status.as_u16(), &reply.json()["type"]),
                (401, &json!("/problems/unauthorized")),
                "{path}"
            );
        }
    }
    // nor does a controller's token open anything else
    let bearer = Who::Token(own.token.clone());
    assert_eq!(pilot.api.get(&bearer, "/api/v1/workspaces").await.status, 401);
    pilot.api.advance(12 * 3600);
    let reply = pilot.ask(&own.token, "GET", "/manage/api/v1/workspaces/current", None).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (401, &json!(401)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_log_a_controller_in() {
    let pilot = Pilot::start().await;
    let (a, b) = (pilot.api.workspace("alpha").await, pilot.api.workspace("beta").await);
    let user = async |workspace: Option<&Workspace>, role| pilot.api.user(workspace, role).await.name;
    let (operator, viewer) = (user(Some(&a), Role::Operator).await, user(Some(&a), Role::Viewer).await);
    let (other, root) = (user(Some(&b), Role::Operator).await, user(None, Role::Admin).await);
    let dock = pilot.api.dock(&a).await;
    let login = async |name: &str, password: &str, sn: &str, workspace: Value| {
        let reply = pilot.login(json!({"name": name, "password": password, "sn": sn, "workspace": workspace})).await;
        (reply.status.as_u16(), reply.json())
    };
    let (status, session) = login(&operator, PASSWORD, "RC1", Value::Null).await;
    assert_eq!((status, &session["workspace_id"], &session["user"]), (200, &json!(a.id), &json!(operator)));
    assert_eq!(login(&root, PASSWORD, "RC2", json!("beta")).await.1["workspace_name"], "beta");
    for (name, password, sn, workspace, status) in [
        (&operator, "wrong password", "RC1", Value::Null, 401),
        (&viewer, PASSWORD, "RC1", Value::Null, 403),
        (&root, PASSWORD, "RC9", Value::Null, 400),
        (&operator, PASSWORD, "RC9", json!("beta"), 404),
        (&operator, PASSWORD, "RC9", json!("nothing"), 404),
        (&operator, PASSWORD, "no/sn", Value::Null, 400),
        (&operator, PASSWORD, "", Value::Null, 400),
        (&operator, PASSWORD, dock.as_str(), Value::Null, 409),
        (&other, PASSWORD, "RC1", Value::Null, 409),
    ] {
        let (found, problem) = login(name, password, sn, workspace).await;
        assert_eq!(found, status, "{name} {sn}: {problem}");
        assert_eq!(problem["status"], status);
    }
    pilot.app().admin("test").set_controller_enabled("RC1", false).await.expect("disabled");
    assert_eq!(login(&operator, PASSWORD, "RC1", Value::Null).await.0, 403);
    assert_eq!(pilot.login(json!({"name": operator, "password": PASSWORD})).await.status, 400);
    // another site's page cannot do it either
    let mut cross = request("POST", "/pilot/api/login", &Who::Nobody, Some(&json!({})));
    cross.headers_mut().insert("origin", "http://evil.test".parse().expect("a header"));
    assert_eq!(pilot.api.send(cross).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_shown_again_and_renewed_until_it_is_too_old() {
    let pilot = Pilot::start().await;
    let a = pilot.api.workspace("alpha").await;
    let settings = PilotSettings { auto_upload_photo: false, auto_upload_photo_type: 1, auto_upload_video: true };
    pilot.app().catalogue.set_pilot_settings(a.id, settings).await.expect("saved");
    let rc = pilot.log_in(&a, "RC1").await;
    let session = async |token: &str| pilot.ask(token, "GET", "/pilot/api/session", None).await;
    let first = session(&rc.token).await.json();
    assert_eq!(first["mqtt"]["host"], "tcp://eyrie.test:1883");
    assert_eq!(first["mqtt"]["ws_host"], "ws://eyrie.test:1883");
    assert_eq!((&first["mqtt"]["username"], &first["token"]), (&json!("RC1"), &Value::Null));
    assert_eq!((&first["license"], &first["platform_name"]), (&Value::Null, &json!("Eyrie")));
    let shown = json!({"auto_upload_photo": false, "auto_upload_photo_type": 1, "auto_upload_video": true});
    assert_eq!((&first["settings"], &first["api_host"]), (&shown, &json!("http://eyrie.test:8080")));
    pilot.api.advance(11 * 3600);
    let renewed = pilot.ask(&rc.token, "POST", "/pilot/api/renew", None).await.json();
    let token = renewed["token"].as_str().expect("a token").to_owned();
    assert_eq!(renewed["mqtt"], first["mqtt"], "the MQTT password stays");
    assert_eq!(session(&rc.token).await.status, 200, "the old one is good until its end");
    pilot.api.advance(3600);
    assert_eq!((session(&rc.token).await.status.as_u16(), session(&token).await.status.as_u16()), (401, 200));
    let mut token = token;
    for _ in 0..70 {
        pilot.api.advance(11 * 3600);
        let reply = pilot.ask(&token, "POST", "/pilot/api/renew", None).await;
        if reply.status != 200 {
            assert_eq!(reply.status, 401);
            return;
        }
        token = reply.json()["token"].as_str().expect("a token").to_owned();
    }
    panic!("a login can be renewed for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_stored_once_by_key_and_by_fingerprint() {
    let pilot = Pilot::start().await;
    let a = pilot.api.workspace("alpha").await;
    let rc = pilot.log_in(&a, "RC1").await;
    let key = pilot.upload(&rc, "x/DJI_0001.JPG", b"the bytes").await;
    let report = json!({"object_key": key, "name": "DJI_0001.JPG", "fingerprint": "AB12", "sub_file_type": 1,
        "ext": {"tinny_fingerprint": "t_2026_6_1_8_5_1", "sn": "A1"}});
    for _ in 0..3 {
        let (status, envelope) = pilot.report(&rc, report.clone()).await;
        assert_eq!((status, &envelope["code"], &envelope["data"]["object_key"]), (200, &json!(0), &json!(key)));
    }
    let listed = pilot.listed(&a).await;
    let [media] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!(
        (media.source, media.kind, media.gateway_sn.as_deref()),
        (MediaSource::Pilot, MediaKind::Panorama, Some("RC1"))
    );
    assert_eq!((media.size_bytes, media.pilot.aircraft_sn.as_deref()), (Some(9), Some("A1")));
    // the same photo again under another name: acknowledged, not listed twice
    let again = pilot.upload(&rc, "x/DJI_0001(1).JPG", b"the bytes").await;
    let (status, envelope) = pilot.report(&rc, json!({"object_key": again, "fingerprint": "ab12"})).await;
    assert_eq!((status, &envelope["code"]), (200, &json!(0)));
    assert_eq!(pilot.listed(&a).await.len(), 1);
    // other bytes with the same fingerprint are another file
    let differs = pilot.upload(&rc, "x/DJI_0002.JPG", b"other by.").await;
    pilot.report(&rc, json!({"object_key": differs, "fingerprint": "AB12"})).await;
    assert_eq!(pilot.listed(&a).await.len(), 2);
    // a reconciliation adopts nothing
    assert!(pilot.app().catalogue.is_duplicate(a.id, &again).await.expect("read"));
    assert!(!pilot.app().catalogue.is_duplicate(a.id, &key).await.expect("read"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fingerprint_is_a_hit_only_while_its_object_is_there() {
    let pilot = Pilot::start().await;
    let (a, b) = (pilot.api.workspace("alpha").await, pilot.api.workspace("beta").await);
    let (rc, other) = (pilot.log_in(&a, "RC1").await, pilot.log_in(&b, "RC2").await);
    let key = pilot.upload(&rc, "DJI_0001.JPG", b"the bytes").await;
    let fast = async |by: &Controller, fingerprint: &str| {
        let path = "/media/api/v1/workspaces/{ws}/fast-upload";
        pilot.post(by, path, json!({"fingerprint": fingerprint})).await.1["code"].as_i64().expect("a code")
    };
    let tiny = async |by: &Controller, asked: Value| {
        let path = "/media/api/v1/workspaces/{ws}/files/tiny-fingerprints";
        pilot.post(by, path, json!({"tiny_fingerprints": asked})).await.1["data"]["tiny_fingerprints"].clone()
    };
    let known = "00aa_2026_6_1_8_5_1";
    assert_eq!((fast(&rc, "AB12").await, tiny(&rc, json!([known])).await), (-1, json!([])));
    let report = json!({"object_key": key, "fingerprint": "AB12", "ext": {"tinny_fingerprint": known}});
    pilot.report(&rc, report).await;
    assert_eq!((fast(&rc, "ab12").await, fast(&rc, "ab1").await), (0, -1));
    let asked = json!(["zz", "00AA_2026_6_1_8_5_1", "00aa_2026_6_1_8_5_2", 7]);
    assert_eq!(tiny(&rc, asked).await, json!(["00AA_2026_6_1_8_5_1"]));
    assert_eq!((fast(&other, "AB12").await, tiny(&other, json!([known])).await), (-1, json!([])));
    pilot.app().store.delete(&a.bucket, &key).await.expect("deleted");
    assert_eq!((fast(&rc, "AB12").await, tiny(&rc, json!([known])).await), (-1, json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused_and_written_down() {
    let pilot = Pilot::start().await;
    let a = pilot.api.workspace("alpha").await;
    let (rc, other) = (pilot.log_in(&a, "RC1").await, pilot.log_in(&a, "RC2").await);
    pilot.upload(&rc, "mine.JPG", b"mine").await;
    let theirs = pilot.upload(&other, "theirs.JPG", b"theirs").await;
    for (body, status, code) in [
        (json!({"object_key": theirs}), 403, 403),
        (json!({"object_key": "docks/D1/x"}), 403, 403),
        (json!({"object_key": "pilot/RC1"}), 403, 403),
        (json!({"object_key": "pilot/RC10/x"}), 403, 403),
        (json!({"object_key": "pilot/RC1/never uploaded"}), 200, 324_030),
        (json!({"object_key": 5}), 400, 400),
        (json!({}), 400, 400),
        (json!({"result": 5, "object_key": "pilot/RC1/failed"}), 200, 0),
        (json!({"result": -5}), 200, 0),
    ] {
        let (found, envelope) = pilot.report(&rc, body.clone()).await;
        assert_eq!((found, envelope["code"].as_i64()), (status, Some(code)), "{body}");
    }
    assert!(pilot.listed(&a).await.is_empty());
    let filter = MediaFilter { status: Some(MediaStatus::Missing), ..MediaFilter::default() };
    let missing = pilot.app().catalogue.list_media(a.id, &filter, None, 10).await.expect("read").items;
    assert_eq!(missing.iter().map(|media| media.name.as_str()).collect::<Vec<_>>(), ["never uploaded"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_refuses_the_app_speaks_its_words() {
    let pilot = Pilot::start().await;
    let a = pilot.api.workspace("alpha").await;
    let rc = pilot.log_in(&a, "RC1").await;
    let send = async |method: &str, path: &str, body: Vec<u8>, content_type: &str| {
        let path = path.replace("{ws}", &rc.ws);
        let request = Request::builder().method(method).uri(path).header("x-auth-token", &rc.token);
        // as a browser on another site would send it: no cookie is looked at, so nothing can be done in somebody's name
        let request = request.header("content-type", content_type).header("origin", "http://evil.test");
        let reply = pilot.api.send(request.body(body.into()).expect("a request")).await;
        let code = reply.json()["code"].as_i64();
        (reply.status.as_u16(), code)
    };
    let fast = "/media/api/v1/workspaces/{ws}/fast-upload";
    assert_eq!(send("POST", fast, b"{\"fingerprint\":\"x\"}".to_vec(), "text/plain").await, (200, Some(-1)));
    for body in [&b""[..], b"[]", b"nonsense", b"{}", b"\xff\xff", b"{\"fingerprint\":[]}"] {
        assert_eq!(send("POST", fast, body.to_vec(), "application/json").await, (400, Some(400)), "{body:?}");
    }
    let large = vec![b' '; pilot.app().config.http.max_body_bytes + 1];
    assert_eq!(send("POST", fast, large, "application/json").await, (400, Some(400)));
    assert_eq!(send("GET", fast, Vec::new(), "application/json").await, (404, Some(404)));
    for path in ["/media/api", "/media/api/v1/workspaces/{ws}/nothing", "/map/api/v2", "/wayline/api/v1/x/favorites"] {
        assert_eq!(send("POST", path, Vec::new(), "application/json").await, (404, Some(404)), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_sees_what_was_uploaded() {
    let pilot = Pilot::start().await;
    let a = pilot.api.workspace("alpha").await;
    let (rc, other) = (pilot.log_in(&a, "RC1").await, pilot.log_in(&a, "RC2").await);
    let state = async |by: &Controller| pilot.ask(&by.token, "GET", "/pilot/api/state", None).await.json();
    let empty = state(&rc).await;
    assert_eq!(
        (&empty["sn"], &empty["mqtt_connected"], &empty["last_file"]),
        (&json!(rc.sn), &json!(false), &Value::Null)
    );
    assert_eq!((&empty["uploads_today"], &empty["aircraft"]), (&json!(0), &json!([])));
    for n in 0..3 {
        let key = pilot.upload(&rc, &format!("{n}.JPG"), b"bytes").await;
        pilot.report(&rc, json!({"object_key": key})).await;
        pilot.api.advance(1);
    }
    let full = state(&rc).await;
    assert_eq!((&full["uploads_today"], &full["last_file"]["name"]), (&json!(3), &json!("2.JPG")));
    assert_eq!((&full["last_file"]["size_bytes"], &full["last_file"]["status"]), (&json!(5), &json!("stored")));
    assert_eq!(state(&other).await["uploads_today"], 0);
    let later = pilot.ask(&rc.token, "GET", "/pilot/api/state?since=2030-01-01T00:00:00%2B02:00", None).await.json();
    assert_eq!((&later["uploads_today"], &later["last_file"]["name"]), (&json!(0), &json!("2.JPG")));
    assert_eq!(pilot.ask(&rc.token, "GET", "/pilot/api/state?since=yesterday", None).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wayline_is_one_flight_and_its_group_says_how_many_files_it_has() {
    let pilot = Pilot::start().await;
    let a = pilot.api.workspace("alpha").await;
    let rc = pilot.log_in(&a, "RC1").await;
    let group = async |id: &str, files: i64| {
        let body = json!({"file_group_id": id, "file_count": files, "file_uploaded_count": files});
        pilot.post(&rc, "/media/api/v1/workspaces/{ws}/group-upload-callback", body).await
    };
    // the group may be told before, between or after its files
    assert_eq!(group("g2", 1).await, (200, json!({"code": 0, "message": "success", "data": {}})));
    for (n, id) in ["g1", "g1", "g2"].into_iter().enumerate() {
        let key = pilot.upload(&rc, &format!("{n}.JPG"), b"bytes").await;
        let ext = json!({"file_group_id": id, "sn": "A1"});
        pilot.report(&rc, json!({"object_key": key, "path": "DJI_202606011005_003_Quarry", "ext": ext})).await;
    }
    group("g1", 2).await;
    let listed = pilot.listed(&a).await;
    let flight_id = listed[0].flight_id.clone().expect("a flight");
    assert!(listed.len() == 3 && listed.iter().all(|media| media.flight_id.as_deref() == Some(flight_id.as_str())));
    let flight = pilot.app().catalogue.flight(a.id, &flight_id).await.expect("read").expect("there");
    assert_eq!((flight.expected_file_count, flight.uploaded_file_count, flight.stored_count), (Some(3), Some(3), 3));
    assert_eq!(flight.gateway_sn.as_deref(), Some("RC1"));
}

/// Pilot 2 tells its page nothing, the serial number included, before the licence: it comes before the login.
#[tokio::test(flavor = "multi_thread")]
async fn the_licence_is_given_for_a_password_and_to_operators() {
    for (app_license, expected) in
        [("l", json!({"license": {"app_id": "1", "app_key": "k", "app_license": "l"}})), ("", json!({"license": null}))]
    {
        let mut config = eyrie::config::Config::default();
        config.cloud_api.app_id = "1".into();
        config.cloud_api.app_key.0 = "k".into();
        config.cloud_api.app_license.0 = app_license.into();
        let api = Api::start_with(config).await;
        let workspace = api.workspace("alpha").await;
        for (role, password, status) in [
            (Role::Operator, PASSWORD, 200),
            (Role::Admin, PASSWORD, 200),
            (Role::Viewer, PASSWORD, 403),
            (Role::Operator, "wrong", 401),
        ] {
            let user = api.user(Some(&workspace), role).await;
            let body = json!({"name": user.name, "password": password});
            let reply = api.post(&Who::Nobody, "/pilot/api/license", body).await;
            assert_eq!(reply.status, status, "{role:?} {password}");
            if status == 200 {
                assert_eq!(reply.json(), expected);
            } else {
                assert!(reply.json().get("license").is_none());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_login_page_is_served_whole_and_strict() {
    let api = Api::start().await;
    for (path, content_type) in [
        ("/pilot", "text/html; charset=utf-8"),
        ("/pilot/", "text/html; charset=utf-8"),
        ("/pilot/page.css", "text/css; charset=utf-8"),
        ("/pilot/page.js", "text/javascript; charset=utf-8"),
    ] {
        let plain = api.get(&Who::Nobody, path).await;
        assert_eq!((plain.status.as_u16(), plain.header("content-type")), (200, content_type), "{path}");
        let policy = plain.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"), "{policy}");
        let mut asked = request("GET", path, &Who::Nobody, None);
        asked.headers_mut().insert("accept-encoding", "gzip, deflate".parse().expect("a header"));
        let gzip = api.send(asked).await;
        assert_eq!((gzip.header("content-encoding"), gzip.header("vary")), ("gzip", "accept-encoding"));
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(gzip.body.as_slice()), &mut text)
            .expect("gzip");
        assert_eq!(text, plain.text());
    }
    for path in ["/pilot/nothing.js", "/pilot/..%2fmod.rs", "/pilot/api"] {
        assert_eq!(api.get(&Who::Nobody, path).await.status, 404, "{path}");
    }
    assert_eq!(api.call(&Who::Nobody, "POST", "/pilot").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_files_are_flights_by_aircraft_and_time() {
    let pilot = Pilot::start().await;
    let a = pilot.api.workspace("alpha").await;
    let rc = pilot.log_in(&a, "RC1").await;
    // newest first, from two aircraft
    for (n, (aircraft, minute)) in [("A1", 90), ("A2", 35), ("A1", 20), ("A1", 0)].into_iter().enumerate() {
        let key = pilot.upload(&rc, &format!("{n}.JPG"), b"bytes").await;
        let time = format!("2026-06-01T{:02}:{:02}:00+02:00", 10 + minute / 60, minute % 60);
        let body = json!({"object_key": key, "metadata": {"created_time": time}, "ext": {"sn": aircraft}});
        assert_eq!(pilot.report(&rc, body).await.1["code"], 0);
    }
    let listed = pilot.listed(&a).await;
    let flight =
        |n: usize| listed.iter().find(|media| media.name == format!("{n}.JPG")).and_then(|m| m.flight_id.clone());
    assert!(flight(2).is_some() && flight(2) == flight(3), "20 minutes apart");
    assert!(flight(0) != flight(2) && flight(1) != flight(2) && flight(0) != flight(1));
    assert_eq!(
        pilot.app().catalogue.list_flights(a.id, &Default::default(), None, 10).await.expect("read").items.len(),
        3
    );
    let admin = pilot.api.token(&a, Role::Viewer).await;
    let reply = pilot.api.get(&admin, "/api/v1/workspaces/alpha/media?source=pilot").await.json();
    assert_eq!(reply["items"].as_array().map(Vec::len), Some(4));
    assert_eq!(reply["items"][0]["aircraft_sn"], "A1");
    let reply = pilot.api.get(&admin, "/api/v1/workspaces/alpha/media?source=dock").await.json();
    assert_eq!(reply["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_says_what_is_uploaded_and_shuts_a_controller_out() {
    let pilot = Pilot::start().await;
    let a = pilot.api.workspace("alpha").await;
    let rc = pilot.log_in(&a, "RC1").await;
    let admin = pilot.api.token(&a, Role::Admin).await;
    let path = "/api/v1/workspaces/alpha/pilot-settings";
    let mut expected = json!({"auto_upload_photo": true, "auto_upload_photo_type": 0, "auto_upload_video": false});
    assert_eq!(pilot.api.get(&admin, path).await.json(), expected);
    expected["auto_upload_video"] = json!(true);
    assert_eq!(pilot.api.post(&admin, path, json!({"auto_upload_video": true})).await.json(), expected);
    assert_eq!(pilot.api.post(&admin, path, json!({"auto_upload_photo_type": 2})).await.status, 400);
    let session = pilot.ask(&rc.token, "GET", "/pilot/api/session", None).await.json();
    assert_eq!(session["settings"], expected);

    let listed = pilot.api.get(&admin, "/api/v1/workspaces/alpha/controllers").await.json();
    assert_eq!((&listed["items"][0]["sn"], &listed["items"][0]["online"]), (&json!("RC1"), &json!(false)));
    let docks = pilot.api.get(&admin, "/api/v1/workspaces/alpha/docks").await.json();
    assert_eq!(docks["items"], json!([]), "a controller is no dock");
    let off = pilot.api.post(&admin, "/api/v1/workspaces/alpha/controllers/RC1/disable", json!({})).await.json();
    assert_eq!(off["disabled"], true);
    assert_eq!(pilot.ask(&rc.token, "GET", "/pilot/api/session", None).await.status, 401);
}

#[tokio::test]
async fn an_administrator_gives_a_controller_its_account_by_hand() {
    let pilot = Pilot::start().await;
    let workspace = pilot.api.workspace("alpha").await;
    let admin = pilot.api.token(&workspace, Role::Admin).await;
    let base = "/api/v1/workspaces/alpha/controllers";
    let made = pilot.api.post(&admin, base, json!({"sn": "RCHAND1"})).await;
    assert_eq!(made.status, 201);
    let access = made.json();
    assert_eq!((&access["username"], &access["mqtt_url"]), (&json!("RCHAND1"), &json!("mqtt://eyrie.test:1883")));
    let hash =
        async || pilot.app().catalogue.controller("RCHAND1").await.unwrap().expect("the controller").password_hash;
    let opens = async |access: &Value| {
        let token = access["token"].as_str().unwrap();
        let found = pilot.app().catalogue.controller_login(&eyrie::secret::token_hash(token), pilot.app().now()).await;
        let password = access["password"].as_str().unwrap();
        (found.unwrap().is_some(), eyrie::secret::verify_password(&hash().await, password.as_bytes()))
    };
    assert_eq!(opens(&access).await, (true, true));
    assert_eq!(pilot.api.post(&admin, base, json!({"sn": "RCHAND1"})).await.status, 409);
    assert_eq!(pilot.api.post(&admin, base, json!({"sn": "a/b"})).await.status, 400);

    let rotated = pilot.api.call(&admin, "POST", &format!("{base}/RCHAND1/rotate")).await.json();
    assert_eq!(opens(&rotated).await, (true, true));
    assert_eq!(opens(&access).await, (false, false), "the old ones are worthless");
    pilot.api.post(&admin, &format!("{base}/RCHAND1/disable"), json!({})).await;
    assert_eq!(pilot.api.call(&admin, "POST", &format!("{base}/RCHAND1/rotate")).await.status, 403);
}

/// Beside a broker of others the server can make no accounts: it hands out what it was told, or says that it was told nothing.
#[tokio::test]
async fn an_external_brokers_account_is_handed_on() {
    let login = async |told: Option<&str>| {
        let mut config = eyrie::config::Config::default();
        config.mqtt.url = Some(eyrie::config::Secret("mqtt://eyrie:hub-secret@10.0.0.9:1883".into()));
        config.pilot.mqtt_url = told.map(|url| eyrie::config::Secret(url.into()));
        let api = Api::start_with(config).await;
        let workspace = api.workspace("alpha").await;
        let user = api.user(Some(&workspace), Role::Operator).await;
        let body = json!({"name": user.name, "password": PASSWORD, "sn": "RC9"});
        let reply = api.post(&Who::Nobody, "/pilot/api/login", body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(!reply.text().contains("hub-secret"), "the server's own account stays its own");
        reply.json()["mqtt"].clone()
    };
    assert_eq!(login(None).await, Value::Null);
    let expected =
        json!({"host": "ssl://mqtt.example.org:8883", "ws_host": null, "username": "crew-RC9", "password": "p@ss"});
    assert_eq!(login(Some("mqtts://crew-{sn}:p%40ss@mqtt.example.org")).await, expected);
    let anonymous = json!({"host": "tcp://10.0.0.9:1884", "ws_host": null, "username": "", "password": ""});
    assert_eq!(login(Some("mqtt://10.0.0.9:1884")).await, anonymous);
}
