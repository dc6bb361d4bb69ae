//! The trash, retention rules and legal holds over HTTP; that they are carried out is tested on a whole server.

use eyrie_catalogue::{Media, MediaKind, Role};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Api, Who, request};

struct Keep {
    api: Api,
    ws: String,
    admin: Who,
    operator: Who,
    viewer: Who,
    workspace: eyrie_catalogue::Workspace,
}

impl Keep {
    async fn start() -> Self {
        let api = Api::start().await;
        let workspace = api.workspace("a").await;
        let ws = format!("/api/v1/workspaces/{}", workspace.id);
        let admin = api.token(&workspace, Role::Admin).await;
        let operator = api.token(&workspace, Role::Operator).await;
        let viewer = api.token(&workspace, Role::Viewer).await;
        Self { api, ws, admin, operator, viewer, workspace }
    }

    async fn media(&self, change: impl FnOnce(&mut Media)) -> Media {
        self.api.media(&self.workspace, change).await
    }

    async fn post(&self, path: &str, body: Value, status: u16) -> Value {
        let reply = self.api.post(&self.admin, &format!("{}{path}", self.ws), body).await;
        assert_eq!(reply.status, status, "{}", reply.text());
        reply.json()
    }

    async fn get(&self, path: &str) -> Value {
        let reply = self.api.get(&self.admin, &format!("{}{path}", self.ws)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    async fn delete(&self, path: &str) -> StatusCode {
        self.api.call(&self.admin, "DELETE", &format!("{}{path}", self.ws)).await.status
    }
}

#[tokio::test]
async fn a_rule_is_made_tried_changed_and_deleted() {
    let keep = Keep::start().await;
    keep.media(|media| media.kind = MediaKind::Video).await;
    keep.media(|media| media.kind = MediaKind::Photo).await;
    keep.api.advance(40 * 86_400);
    let tokens =
        (keep.api.token(&keep.workspace, Role::Admin).await, keep.api.token(&keep.workspace, Role::Operator).await);
    let keep = Keep { admin: tokens.0, operator: tokens.1, ..keep };
    keep.media(|media| media.kind = MediaKind::Video).await;

    let tried = keep.post("/retention-rules/preview", json!({"older_than_days": 30, "kinds": ["video"]}), 200).await;
    assert_eq!((&tried["count"], &tried["size_bytes"]), (&json!(1), &json!(4)));
    assert_eq!(tried["kinds"], json!([{"kind": "video", "count": 1}]));
    assert_eq!(tried["first"].as_array().map(Vec::len), Some(1));

    let rule = json!({"name": "Videos, a month", "older_than_days": 30, "kinds": ["video", "video"]});
    let made = keep.post("/retention-rules", rule, 201).await;
    assert_eq!((&made["kinds"], &made["enabled"]), (&json!(["video"]), &json!(true)));
    let path = format!("/retention-rules/{}", made["id"].as_str().expect("an id"));
    for changed in [json!({"older_than_days": 365, "kinds": []}), json!({"enabled": false})] {
        let request = request("PATCH", &format!("{}{path}", keep.ws), &keep.admin, Some(&changed));
        let reply = keep.api.send(request).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let listed = keep.get("/retention-rules").await;
    assert_eq!(listed["items"][0]["kinds"], json!([]));
    assert_eq!((&listed["items"][0]["older_than_days"], &listed["items"][0]["enabled"]), (&json!(365), &json!(false)));
    assert_eq!(keep.delete(&path).await, 204);
    assert_eq!(keep.delete(&path).await, 404);
    let log = keep.get("/audit?action=retention_rule").await;
    let mut actions: Vec<_> =
        log["items"].as_array().expect("a list").iter().filter_map(|entry| entry["action"].as_str()).collect();
    actions.sort();
    assert_eq!(
        actions,
        ["retention_rule.add", "retention_rule.change", "retention_rule.change", "retention_rule.delete"]
    );
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_refused() {
    let keep = Keep::start().await;
    for (body, status) in [
        (json!({"name": "x", "older_than_days": 0}), 400),
        (json!({"name": "x", "older_than_days": 36_501}), 400),
        (json!({"name": "x", "older_than_days": -1}), 400),
        (json!({"name": "", "older_than_days": 30}), 400),
        (json!({"name": "x"}), 400),
        (json!({"name": "x", "older_than_days": 30, "kinds": ["films"]}), 400),
        (json!({"name": "x", "older_than_days": 30, "kind": "video"}), 400),
        // a slip in a serial number would make a rule about nothing
        (json!({"name": "x", "older_than_days": 30, "gateway_sn": "7CTDM4100BG7HW"}), 404),
    ] {
        let said = keep.post("/retention-rules", body.clone(), status).await;
        assert!(said["detail"].is_string(), "{body}: {said}");
    }
    assert_eq!(keep.get("/retention-rules").await["items"], json!([]));
}

#[tokio::test]
async fn a_file_on_hold_is_not_deleted_and_says_why() {
    let keep = Keep::start().await;
    let media = keep.media(|media| media.flight_id = None).await;
    let other = keep.media(|_| {}).await;
    let hold = keep.post("/legal-holds", json!({"name": "Incident of 3 May", "media_ids": [media.id]}), 201).await;
    let detail = keep.get(&format!("/media/{}", media.id)).await;
    assert_eq!(detail["legal_holds"], json!(["Incident of 3 May"]));
    let refused = keep.api.call(&keep.operator, "DELETE", &format!("{}/media/{}", keep.ws, media.id)).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("legal hold"), "{}", refused.text());
    assert_eq!(keep.delete(&format!("/media/{}", other.id)).await, 204, "others go");

    let path = format!("/legal-holds/{}", hold["id"].as_str().expect("an id"));
    for _ in 0..2 {
        assert_eq!(keep.delete(&path).await, 200, "released, and released again");
    }
    let released = keep.get("/legal-holds").await;
    assert!(released["items"][0]["released_at"].is_string() && released["items"][0]["released_by"].is_string());
    assert_eq!(keep.delete(&format!("/media/{}", media.id)).await, 204);
    let log = keep.get("/audit?action=legal_hold").await;
    assert_eq!(log["items"].as_array().map(Vec::len), Some(2), "one placing and one release: {log}");
}

#[tokio::test]
async fn a_hold_is_on_one_thing_that_is_there() {
    let keep = Keep::start().await;
    let b = keep.api.workspace("b").await;
    let foreign = keep.api.media(&b, |_| {}).await;
    for (body, status) in [
        (json!({"name": "x"}), 400),
        (json!({"name": "x", "everything": true, "flight_id": "f"}), 400),
        (json!({"name": "x", "media_ids": []}), 400),
        (json!({"name": "", "everything": true}), 400),
        (json!({"name": "x", "flight_id": "none"}), 404),
        (json!({"name": "x", "gateway_sn": "NONE"}), 404),
        (json!({"name": "x", "media_ids": [foreign.id]}), 404),
    ] {
        keep.post("/legal-holds", body, status).await;
    }
    assert_eq!(keep.get("/legal-holds").await["items"], json!([]));
}

#[tokio::test]
async fn the_trash_is_emptied_by_a_job_and_only_of_what_is_in_it() {
    let keep = Keep::start().await;
    let (media, listed) = (keep.media(|_| {}).await, keep.media(|_| {}).await);
    assert_eq!(keep.delete(&format!("/media/{}", media.id)).await, 204);
    let trash = keep.api.get(&keep.viewer, &format!("{}/trash", keep.ws)).await.json();
    assert_eq!(trash, json!({"count": 1, "size_bytes": 4, "period_s": 30 * 86_400, "kept": []}));
    let refused = keep.post("/trash/empty", json!({"media_ids": [media.id, listed.id]}), 409).await;
    assert!(refused["detail"].as_str().is_some_and(|why| why.contains(&listed.name)), "{refused}");
    keep.post("/trash/empty", json!({"media_ids": [keep.api.app.new_id()]}), 404).await;
    keep.post("/trash/empty", json!({"media_ids": []}), 400).await;
    let job = keep.post("/trash/empty", json!({"media_ids": [media.id]}), 202).await;
    let job = keep.get(&format!("/jobs/{}", job["job_id"].as_str().expect("an id"))).await;
    assert_eq!(job["kind"], "empty-trash");
    // a hold tells in the trash, too
    keep.post("/legal-holds", json!({"name": "x", "media_ids": [media.id]}), 201).await;
    assert_eq!(keep.get("/trash").await["kept"], json!([{"why": "hold", "count": 1}]));
}

#[tokio::test]
async fn the_audit_log_is_narrowed_by_who_what_and_when() {
    let keep = Keep::start().await;
    let media = keep.media(|_| {}).await;
    keep.delete(&format!("/media/{}", media.id)).await;
    keep.post("/retention-rules", json!({"name": "x", "older_than_days": 30}), 201).await;
    let count = async |query: &str| keep.get(&format!("/audit?{query}")).await["items"].as_array().map_or(0, Vec::len);
    assert_eq!(count("action=media.trash").await, 1);
    assert_eq!(count("action=media").await, 1);
    assert_eq!(count("action=med").await, 0);
    let log = keep.get("/audit?action=media").await;
    let actor = log["items"][0]["actor"].as_str().expect("an actor").replace(':', "%3A");
    assert_eq!(count(&format!("actor={actor}")).await, 2);
    assert_eq!(count(&format!("actor={actor}&action=retention_rule.add")).await, 1);
    assert_eq!(count("actor=somebody").await, 0);

    // an end is not of its range
    let both = keep.get(&format!("/audit?actor={actor}")).await;
    let at = |n: usize| both["items"][n]["at"].as_str().expect("a time").to_owned();
    let (newest, oldest) = (at(0), at(1));
    let within = async |range: &str| count(&format!("actor={actor}&{range}")).await;
    assert_eq!(within(&format!("from={oldest}")).await, 2);
    assert_eq!(within(&format!("to={oldest}")).await, 0);
    assert_eq!(within(&format!("from={oldest}&to=2100-01-01T00:00:00Z")).await, 2);
    assert_eq!(within(&format!("from={newest}&action=media")).await, usize::from(newest == oldest));
    assert_eq!(within("from=2100-01-01T00:00:00Z").await, 0);
    assert_eq!(within("to=&from=").await, 2);
    let page = keep.get(&format!("/audit?actor={actor}&limit=1&to=2100-01-01T00:00:00Z")).await;
    let cursor = page["next_cursor"].as_str().expect("a second page");
    assert_eq!(within(&format!("limit=1&to=2100-01-01T00:00:00Z&cursor={cursor}")).await, 1);
}
