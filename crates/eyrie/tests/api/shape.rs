//! What all answers have in common: problems, headers, limits; and what the machines that watch us read.

use axum::body::Body;
use eyrie::api::problem::Kind;
use eyrie_catalogue::Role;
use http::Request;
use serde_json::{Value, json};

use crate::support::{Api, Who, from_peer, request};

#[tokio::test]
async fn bodies_that_cannot_be_taken_are_refused_by_what_is_wrong() {
    let api = Api::start().await;
    let root = api.server_admin().await;
    let Who::Cookie(cookie) = &root else { panic!("a cookie") };
    let send = async |content_type: &str, body: Vec<u8>| {
        let request = Request::post("/api/v1/workspaces")
            .header("cookie", format!("eyrie_session={cookie}"))
            .header("content-type", content_type)
            .body(Body::from(body))
            .unwrap();
        let reply = api.send(request).await;
        (reply.status.as_u16(), reply.json()["type"].as_str().unwrap_or_default().to_owned())
    };
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(api.app.config.http.max_body_bytes));
    assert_eq!(send("application/json", b"{".to_vec()).await, (400, "/problems/bad-request".into()));
    assert_eq!(send("application/json", b"{}".to_vec()).await, (400, "/problems/bad-request".into()));
    assert_eq!(send("application/json", b"{\"name\": 5}".to_vec()).await, (400, "/problems/bad-request".into()));
    assert_eq!(send("application/json", b"[\"x\"]".to_vec()).await, (400, "/problems/bad-request".into()));
    assert_eq!(send("application/json", b"\xff\xfe".to_vec()).await, (400, "/problems/bad-request".into()));
    assert_eq!(send("application/json", large.into_bytes()).await, (413, "/problems/too-large".into()));
    assert_eq!(
        send("text/plain", b"{\"name\": \"x\"}".to_vec()).await,
        (415, "/problems/unsupported-media-type".into())
    );
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let viewer = api.token(&workspace, Role::Viewer).await;
    let reply = api.call(&viewer, "PUT", "/api/v1/workspaces/alpha/media").await;
    assert_eq!((reply.status.as_u16(), &reply.json()["type"]), (405, &json!("/problems/method-not-allowed")));
    assert!(reply.header("allow").contains("GET"), "{:?}", reply.headers);
}

#[tokio::test]
async fn every_answer_carries_safe_headers_and_an_id() {
    let api = Api::start().await;
    for path in ["/healthz", "/nothing", "/api/v1/session", "/openapi.json"] {
        let reply = api.get(&Who::Nobody, path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(reply.header(name), value, "{path}");
        }
        assert!(!reply.header("x-request-id").is_empty(), "{path}");
    }
    let mut asked = request("GET", "/healthz", &Who::Nobody, None);
    asked.headers_mut().insert("x-request-id", "mine-1".parse().unwrap());
    assert_eq!(api.send(asked).await.header("x-request-id"), "mine-1");
}

#[tokio::test]
async fn being_alive_and_being_ready_differ() {
    let api = Api::start().await;
    let alive = api.get(&Who::Nobody, "/healthz").await;
    assert_eq!((alive.status.as_u16(), &alive.json()["status"]), (200, &json!("alive")));
    let ready = api.get(&Who::Nobody, "/readyz").await;
    assert_eq!(ready.status, 503);
    let body = ready.json();
    assert_eq!((&body["database"]["ready"], &body["store"]["ready"]), (&json!(true), &json!(true)));
    assert_eq!(body["broker"], json!({"ready": false, "reason": "the connection to the broker is not started"}));
}

#[tokio::test]
async fn metrics_are_open_to_this_machine_and_to_administrators() {
    eyrie::metrics::install();
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    api.get(&Who::Nobody, "/healthz").await;
    let status = async |peer: &str, who: &Who, headers: &[(&'static str, &str)]| {
        let mut request = from_peer(request("GET", "/metrics", who, None), peer);
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        api.send(request).await.status.as_u16()
    };
    let (admin, viewer) = (api.token(&workspace, Role::Admin).await, api.token(&workspace, Role::Viewer).await);
    assert_eq!(status("127.0.0.1:5", &Who::Nobody, &[]).await, 200);
    assert_eq!(status("[::1]:5", &Who::Nobody, &[]).await, 200);
    assert_eq!(status("192.0.2.1:5", &Who::Nobody, &[]).await, 401);
    assert_eq!(status("127.0.0.1:5", &Who::Nobody, &[("x-forwarded-for", "192.0.2.1")]).await, 401);
    assert_eq!(status("127.0.0.1:5", &viewer, &[]).await, 403);
    assert_eq!(status("192.0.2.1:5", &admin, &[]).await, 200);

    let text = api.send(from_peer(request("GET", "/metrics", &Who::Nobody, None), "127.0.0.1:5")).await;
    assert!(text.header("content-type").starts_with("text/plain; version=0.0.4"));
    assert!(text.text().contains("eyrie_http_request_duration_seconds_bucket{"), "{}", text.text());
    assert!(text.text().contains("route=\"/healthz\""));
}

#[tokio::test]
async fn the_description_is_served_as_it_is_kept() {
    let api = Api::start().await;
    let served: Value = api.get(&Who::Nobody, "/openapi.json").await.json();
    assert_eq!(served, serde_json::to_value(eyrie::api::openapi()).unwrap());
}

/// The page has words for each kind of job, in each language.
#[test]
fn the_page_has_words_for_every_job() {
    let texts = [include_str!("../../../../web/src/i18n/en.ts"), include_str!("../../../../web/src/i18n/de.ts")];
    for kind in eyrie::jobs::KINDS {
        let named = |text: &str| text.contains(&format!("\"{kind}\": \"")) || text.contains(&format!(" {kind}: \""));
        assert!(texts.iter().all(|text| named(text)), "{kind}");
    }
}

/// docs/api.md explains each kind of problem and each route.
#[test]
fn the_document_names_every_problem_and_every_route() {
    let text = include_str!("../../../../docs/api.md");
    for kind in Kind::ALL {
        assert!(text.contains(kind.type_uri()), "{}", kind.type_uri());
    }
    let openapi = serde_json::to_value(eyrie::api::openapi()).unwrap();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        let short = path.trim_start_matches("/api/v1/workspaces/{ws}");
        for method in item.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let named = text.lines().any(|line| line.contains(&method) && (line.contains(&format!("`{short}`"))));
            assert!(named, "{method} {short} is not in docs/api.md");
        }
    }
}
