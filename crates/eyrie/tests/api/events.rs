//! The event stream: whose changes, in which shape, and what a slow or shut-out listener hears.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use eyrie::events::Change;
use eyrie_catalogue::Role;
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::support::{Api, Who, request};

/// No event comes within this time only if none comes at all.
const BOUND: Duration = Duration::from_secs(10);
/// A login is looked at again within this time.
const HEARTBEATS: Duration = Duration::from_secs(35);

struct Stream {
    body: BodyDataStream,
    buffer: String,
}

impl Stream {
    async fn open(api: &Api, who: &Who, workspace: &str) -> Self {
        let path = format!("/api/v1/workspaces/{workspace}/events");
        let response: http::Response<Body> = api.respond(request("GET", &path, who, None)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), buffer: String::new() }
    }

    /// The next event's name and object, comments skipped; `None` at the end of the stream.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.buffer = rest;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                if let (Some(name), Some(data)) = (field("event:"), field("data:")) {
                    return Some((name.to_owned(), serde_json::from_str(data).expect("JSON")));
                }
            }
            let bytes = tokio::time::timeout(BOUND, self.body.next()).await.expect("an event in time")?;
            self.buffer.push_str(std::str::from_utf8(&bytes.expect("bytes")).expect("text"));
        }
    }
}

#[tokio::test]
async fn changes_come_in_the_shape_of_their_routes() {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let who = api.token(&workspace, Role::Viewer).await;
    let mut stream = Stream::open(&api, &who, "alpha").await;
    let media = api.media(&workspace, |_| {}).await;
    let sn = api.dock(&workspace).await;
    let flight_id = api.flight(&workspace, Some(&sn)).await;
    let job = api.dead_job(&workspace).await;
    let say = |change| api.app.events.send(workspace.id, change);
    say(Change::MediaStored(Box::new(media.clone())));
    say(Change::MediaUpdated(Box::new(media.clone())));
    say(Change::MediaMissing(Box::new(media.clone())));
    say(Change::Flight { flight_id: flight_id.clone() });
    say(Change::Dock { sn: sn.clone(), online: true });
    say(Change::Dock { sn: sn.clone(), online: false });
    say(Change::Job { id: job });
    say(Change::Other { name: "job.updated", object: json!({"id": 1}) });

    let shown = async |path: String| api.get(&who, &format!("/api/v1/workspaces/alpha/{path}")).await.json();
    let item = shown("media".into()).await["items"][0].clone();
    for name in ["media.stored", "media.updated", "media.missing"] {
        assert_eq!(stream.next().await, Some((name.into(), item.clone())));
    }
    assert_eq!(stream.next().await, Some(("flight.updated".into(), shown(format!("flights/{flight_id}")).await)));
    let mut dock = shown(format!("docks/{sn}")).await;
    dock["online"] = json!(true);
    assert_eq!(stream.next().await, Some(("dock.online".into(), dock.clone())));
    dock["online"] = json!(false);
    assert_eq!(stream.next().await, Some(("dock.offline".into(), dock)));
    assert_eq!(stream.next().await, Some(("job.updated".into(), shown(format!("jobs/{job}")).await)));
    assert_eq!(stream.next().await, Some(("job.updated".into(), json!({"id": 1}))));
}

/// Promise 7: a workspace sees only itself.
#[tokio::test]
async fn promise_7_a_stream_tells_of_its_own_workspace_only() {
    let api = Api::start().await;
    let (alpha, beta) = (api.workspace("alpha").await, api.workspace("beta").await);
    let who = api.token(&alpha, Role::Viewer).await;
    let mut stream = Stream::open(&api, &who, "alpha").await;
    let (foreign, own) = (api.media(&beta, |_| {}).await, api.media(&alpha, |_| {}).await);
    let (foreign_job, foreign_dock) = (api.dead_job(&beta).await, api.dock(&beta).await);
    api.app.events.send(beta.id, Change::MediaStored(Box::new(foreign.clone())));
    // and if a part ever names the wrong workspace, the object's own decides
    api.app.events.send(alpha.id, Change::MediaStored(Box::new(foreign)));
    api.app.events.send(alpha.id, Change::Job { id: foreign_job });
    api.app.events.send(alpha.id, Change::Dock { sn: foreign_dock, online: true });
    api.app.events.send(alpha.id, Change::MediaStored(Box::new(own.clone())));
    let (name, object) = stream.next().await.expect("an event");
    assert_eq!((name.as_str(), &object["id"]), ("media.stored", &json!(own.id)));
}

#[tokio::test]
async fn a_listener_that_was_too_slow_is_told_to_reload() {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let who = api.token(&workspace, Role::Viewer).await;
    let mut stream = Stream::open(&api, &who, "alpha").await;
    for n in 0..3_000 {
        api.app.events.send(workspace.id, Change::Other { name: "job.updated", object: json!(n) });
    }
    let (name, object) = stream.next().await.expect("an event");
    assert_eq!(name, "reload");
    let missed = object["missed"].as_u64().expect("a count");
    assert_eq!(stream.next().await, Some(("job.updated".into(), json!(missed))));
}

#[tokio::test]
async fn a_login_that_ends_closes_its_stream() {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let user = api.user(Some(&workspace), Role::Viewer).await;
    let session = api.session(&user).await;
    let mut stream = Stream::open(&api, &session, "alpha").await;
    api.app.events.send(workspace.id, Change::Other { name: "job.updated", object: json!(1) });
    assert!(stream.next().await.is_some());
    assert_eq!(api.call(&session, "DELETE", "/api/v1/session").await.status, 204);
    let ended = tokio::time::timeout(HEARTBEATS, async { while stream.body.next().await.is_some() {} }).await;
    assert!(ended.is_ok(), "the stream goes on");
}
