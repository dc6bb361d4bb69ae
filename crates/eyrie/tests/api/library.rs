//! Media, flights, docks and jobs as clients see them.

use eyrie::dock::state::ONLINE_S;
use eyrie_catalogue::{Aircraft, DockLive, JobState, MediaKind, MediaStatus, Position, Role, TraceEntry, Workspace};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{Api, Who, request};

async fn start() -> (Api, Workspace, Who) {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let operator = api.token(&workspace, Role::Operator).await;
    (api, workspace, operator)
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().expect("items").iter().map(|item| item["name"].as_str().expect("a name")).collect()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + second).expect("in range")
}

#[tokio::test]
async fn a_file_of_which_nothing_is_known_has_every_field() {
    let (api, workspace, who) = start().await;
    let media = api.media(&workspace, |_| {}).await;
    let list = api.get(&who, "/api/v1/workspaces/alpha/media").await.json();
    assert_eq!(list["next_cursor"], Value::Null);
    assert_eq!(
        list["items"][0],
        json!({
            "id": media.id, "workspace_id": workspace.id, "gateway_sn": null, "source": "dock", "flight_id": null,
            "name": media.name, "kind": "photo", "object_key": media.object_key, "size_bytes": 4,
            "etag": "d41d8cd98f00b204e9800998ecf8427e", "status": "stored", "captured_at": null, "position": null,
            "gimbal": null, "aircraft_sn": null, "drone_model_key": null, "payload_model_key": null, "camera": null, "capture_uuid": null,
            "is_original": null, "width_px": null, "height_px": null, "thumbhash": null, "average_color": null,
            "created_at": "2026-05-28T20:26:40Z", "updated_at": "2026-05-28T20:26:40Z", "trashed_at": null, "processing": "done",
            "warnings": [],
        })
    );
    let item = api.get(&who, &format!("/api/v1/workspaces/alpha/media/{}", media.id)).await.json();
    for (name, value) in list["items"][0].as_object().expect("fields") {
        assert_eq!(&item[name], value, "{name}");
    }
    assert_eq!((&item["captured_local"], &item["metadata"]), (&Value::Null, &json!({})));
}

#[tokio::test]
async fn what_is_known_of_a_file_is_shown() {
    let (api, workspace, who) = start().await;
    let media = api
        .media(&workspace, |media| {
            media.captured_at = Some("2026-02-03T04:05:06.789Z".parse().expect("a time"));
            media.captured_local = Some("2026-02-03 12:05:06".into());
            media.position =
                Some(Position { lat: 47.5, lng: 8.25, absolute_altitude_m: Some(412.5), relative_altitude_m: None });
            media.gimbal_pitch_deg = Some(-90.0);
            media.metadata =
                json!({"iso": 100, "camera": "wide", "capture_uuid": "u-1", "sources": {"position": "xmp"}});
            media.warnings = vec!["the end is missing".into()];
        })
        .await;
    let item = api.get(&who, &format!("/api/v1/workspaces/{}/media/{}", workspace.id, media.id)).await.json();
    assert_eq!(item["captured_at"], "2026-02-03T04:05:06.789Z");
    assert_eq!(item["captured_local"], "2026-02-03 12:05:06");
    let position = json!({"lat": 47.5, "lng": 8.25, "absolute_altitude_m": 412.5, "relative_altitude_m": null});
    assert_eq!(item["position"], position);
    assert_eq!(item["gimbal"], json!({"yaw_deg": null, "pitch_deg": -90.0, "roll_deg": null}));
    assert_eq!(item["metadata"]["iso"], 100);
    assert_eq!((&item["camera"], &item["capture_uuid"]), (&json!("wide"), &json!("u-1")));
    assert_eq!(item["sources"], json!({"position": "xmp"}));
    for (filter, found) in [("camera=wide", 1), ("camera=zoom", 0), ("capture_uuid=u-1", 1), ("capture_uuid=u-2", 0)] {
        let list = api.get(&who, &format!("/api/v1/workspaces/alpha/media?{filter}")).await.json();
        assert_eq!(list["items"].as_array().map(Vec::len), Some(found), "{filter}");
    }
    assert_eq!(item["warnings"], json!(["the end is missing"]));
}

#[tokio::test]
async fn the_list_is_filtered_by_every_parameter() {
    let (api, workspace, who) = start().await;
    let place = |lat, lng| Some(Position { lat, lng, absolute_altitude_m: None, relative_altitude_m: None });
    let add = async |name: &str, change: &dyn Fn(&mut eyrie_catalogue::Media)| {
        let add = |media: &mut eyrie_catalogue::Media| {
            media.name = name.into();
            media.object_key = format!("dock/{name}");
            change(media);
        };
        api.media(&workspace, add).await;
    };
    add("plain.jpg", &|media| media.captured_at = Some(at(0))).await;
    add("Video.MP4", &|media| {
        media.kind = MediaKind::Video;
        media.captured_at = Some(at(10));
        media.flight_id = Some("f 1".into());
        media.gateway_sn = Some("DOCK1".into());
    })
    .await;
    add("fiji.jpg", &|media| {
        media.captured_at = Some(at(20));
        media.position = place(-18.0, 179.9);
    })
    .await;
    add("lost.jpg", &|media| media.status = MediaStatus::Missing).await;
    add("strange.jpg", &|media| media.status = MediaStatus::Quarantined).await;

    for (query, expected) in [
        ("", &["fiji.jpg", "Video.MP4", "plain.jpg"][..]),
        ("kind=video", &["Video.MP4"]),
        ("kind=video,thermal", &["Video.MP4"]),
        ("undated=true", &[]),
        ("flight_id=f%201", &["Video.MP4"]),
        ("gateway_sn=DOCK1", &["Video.MP4"]),
        ("gateway_sn=DOCK2", &[]),
        ("q=VIDEO", &["Video.MP4"]),
        ("q=%25", &[]),
        ("bbox=179,-19,-179,-17", &["fiji.jpg"]),
        ("bbox=-179,-19,179,-17", &[]),
        ("status=missing", &["lost.jpg"]),
        ("status=quarantined", &["strange.jpg"]),
        ("kind=photo&status=stored&q=i", &["fiji.jpg", "plain.jpg"]),
        (
            "flight_id=&gateway_sn=&kind=&from=&to=&bbox=&q=&status=&cursor=&limit=",
            &["fiji.jpg", "Video.MP4", "plain.jpg"],
        ),
        ("nobody_knows=this", &["fiji.jpg", "Video.MP4", "plain.jpg"]),
    ] {
        let reply = api.get(&who, &format!("/api/v1/workspaces/alpha/media?{query}")).await;
        assert_eq!(reply.status, 200, "{query}: {}", reply.text());
        assert_eq!(names(&reply.json()), expected, "{query}");
    }
    let window = format!("from={}&to={}", at(10), at(20));
    let list = api.get(&who, &format!("/api/v1/workspaces/alpha/media?{window}")).await.json();
    assert_eq!(names(&list), ["Video.MP4"]);
    let offset = api.get(&who, "/api/v1/workspaces/alpha/media?from=2026-02-02T03:40:10%2B01:00").await;
    assert_eq!(offset.status, 200);
    let counts = api.get(&who, &format!("/api/v1/workspaces/alpha/media/counts?{window}")).await.json();
    assert_eq!((&counts["total"], &counts["kinds"]), (&json!(1), &json!([{"kind": "video", "count": 1}])));
    assert_eq!((&counts["slots"][0]["count"], &counts["step_s"]), (&json!(1), &json!(3_600)));
    for bad in ["0", "899", "x"] {
        assert_eq!(api.get(&who, &format!("/api/v1/workspaces/alpha/media/counts?step_s={bad}")).await.status, 400);
    }
    let all = api.get(&who, "/api/v1/workspaces/alpha/media?status=all").await.json();
    assert_eq!(names(&all).len(), 5);
}

#[tokio::test]
async fn a_parameter_that_cannot_be_read_is_refused() {
    let (api, _, who) = start().await;
    let long = format!("q={}", "x".repeat(257));
    for query in [
        &long,
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "cursor=garbage",
        "kind=selfie",
        "kind=photo,",
        "undated=1",
        "from=yesterday",
        "to=5",
        "bbox=1,2,3",
        "bbox=0,95,1,96",
        "status=gone",
        "trashed=maybe",
        "kind=photo&kind=video",
    ] {
        let reply = api.get(&who, &format!("/api/v1/workspaces/alpha/media?{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
        assert_eq!(reply.json()["type"], "/problems/bad-request", "{query}");
    }
}

#[tokio::test]
async fn pages_meet_without_gap_or_overlap() {
    let (api, workspace, who) = start().await;
    for n in 0..7 {
        api.media(&workspace, |media| media.captured_at = (n != 3).then(|| at(n / 2))).await;
    }
    let whole = api.get(&who, "/api/v1/workspaces/alpha/media").await.json();
    let (mut seen, mut path) = (Vec::new(), "/api/v1/workspaces/alpha/media?limit=2".to_owned());
    loop {
        let page = api.get(&who, &path).await.json();
        seen.extend(names(&page).into_iter().map(str::to_owned));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/workspaces/alpha/media?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, names(&whole));
    assert_eq!(seen.len(), 7);
}

#[tokio::test]
async fn content_is_a_signed_address_of_the_store() {
    let (api, workspace, who) = start().await;
    let media = api.media(&workspace, |media| media.object_key = "dock/a b/ü.JPG".into()).await;
    let path = format!("/api/v1/workspaces/alpha/media/{}/content", media.id);
    let reply = api.get(&who, &path).await;
    assert_eq!(reply.status, 302);
    let location = reply.header("location");
    assert!(
        location.starts_with(&format!("http://eyrie.test:9000/{}/dock/a%20b/%C3%BC.JPG?", workspace.bucket)),
        "{location}"
    );
    assert!(location.contains("X-Amz-Signature=") && location.contains("X-Amz-Expires=900"), "{location}");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert!(!location.contains("response-content-disposition"));
    let download = api.get(&who, &format!("{path}?download=true")).await;
    assert!(download.header("location").contains("response-content-disposition"));

    let lost = api.media(&workspace, |media| media.status = MediaStatus::Missing).await;
    let reply = api.get(&who, &format!("/api/v1/workspaces/alpha/media/{}/content", lost.id)).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn what_has_no_picture_and_no_track_is_not_found() {
    let (api, workspace, who) = start().await;
    let media = api.media(&workspace, |_| {}).await;
    for what in ["thumbnail", "preview", "telemetry?format=gpx"] {
        let reply = api.get(&who, &format!("/api/v1/workspaces/alpha/media/{}/{what}", media.id)).await;
        assert_eq!(reply.status, 404, "{what}");
        assert_eq!(reply.json()["type"], "/problems/not-found");
    }
}

/// Promise 8: nothing is deleted silently.
#[tokio::test]
async fn promise_8_deletion_goes_to_the_trash_and_is_audited() {
    let (api, workspace, who) = start().await;
    let media = api.media(&workspace, |_| {}).await;
    let path = format!("/api/v1/workspaces/alpha/media/{}", media.id);
    assert_eq!(api.call(&who, "DELETE", &path).await.status, 204);
    assert_eq!(api.get(&who, &path).await.status, 404);
    assert_eq!(api.get(&who, &format!("{path}/content")).await.status, 404);
    assert_eq!(api.call(&who, "DELETE", &path).await.status, 404);
    assert!(names(&api.get(&who, "/api/v1/workspaces/alpha/media?status=all").await.json()).is_empty());
    let trash = api.get(&who, "/api/v1/workspaces/alpha/media?trashed=true").await.json();
    assert_eq!(names(&trash), [media.name.as_str()]);
    assert_eq!(trash["items"][0]["trashed_at"], json!(api.app.now()));

    api.advance(1);
    let restored = api.call(&who, "POST", &format!("{path}/restore")).await;
    assert_eq!((restored.status.as_u16(), &restored.json()["name"]), (200, &json!(media.name)));
    assert_eq!(api.call(&who, "POST", &format!("{path}/restore")).await.status, 200);
    assert_eq!(api.get(&who, &path).await.status, 200);

    let admin = api.token(&workspace, Role::Admin).await;
    let audit = api.get(&admin, "/api/v1/workspaces/alpha/audit").await.json();
    let entries: Vec<_> =
        audit["items"].as_array().expect("items").iter().filter(|entry| entry["subject"] == json!(media.id)).collect();
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap_or_default()).collect();
    assert_eq!(actions, ["media.restore", "media.trash"]);
    assert!(entries[0]["actor"].as_str().is_some_and(|actor| actor.starts_with("token:")));
    assert_eq!(entries[1]["detail"]["object_key"], json!(media.object_key));
}

#[tokio::test]
async fn a_flight_is_shown_and_can_be_put_first() {
    let (api, workspace, who) = start().await;
    let flight_id = api.flight(&workspace, Some("DOCK1")).await;
    api.media(&workspace, |media| {
        media.flight_id = Some(flight_id.clone());
        media.captured_at = Some(at(5));
    })
    .await;
    let path = format!("/api/v1/workspaces/alpha/flights/{flight_id}");
    let flight = api.get(&who, &path).await.json();
    for (field, value) in [
        ("flight_id", json!(flight_id)),
        ("gateway_sn", json!("DOCK1")),
        ("flight_type", Value::Null),
        ("expected_file_count", json!(3)),
        ("uploaded_file_count", Value::Null),
        ("stored_count", json!(1)),
        ("state", json!("uploading")),
        ("first_captured_at", json!(at(5))),
        ("last_captured_at", json!(at(5))),
        ("bbox", Value::Null),
    ] {
        assert_eq!(flight.get(field), Some(&value), "{field}");
    }
    let list = api.get(&who, "/api/v1/workspaces/alpha/flights?gateway_sn=DOCK1").await.json();
    assert_eq!(list["items"], json!([flight]));
    let list = api.get(&who, "/api/v1/workspaces/alpha/flights?gateway_sn=DOCK2").await.json();
    assert_eq!(list["items"], json!([]));
    assert_eq!(api.get(&who, "/api/v1/workspaces/alpha/flights/none").await.status, 404);

    let reply = api.call(&who, "POST", &format!("{path}/prioritize")).await;
    assert_eq!(reply.status, 202);
    let id = reply.json()["job_id"].as_str().expect("an id").to_owned();
    let job = api.app.catalogue.job(id.parse().expect("a UUID")).await.unwrap().expect("the job");
    assert_eq!((job.kind.as_str(), job.state), ("prioritize-upload", JobState::Queued));
    assert_eq!(job.payload, json!({"flight_id": flight_id, "gateway_sn": "DOCK1"}));
    let shown = api.get(&who, &format!("/api/v1/workspaces/alpha/jobs/{id}")).await.json();
    assert_eq!((&shown["flight_id"], &shown["state"]), (&json!(flight_id), &json!("queued")));

    let nobodys = api.flight(&workspace, None).await;
    let reply = api.call(&who, "POST", &format!("/api/v1/workspaces/alpha/flights/{nobodys}/prioritize")).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["type"]), (409, &json!("/problems/conflict")));
}

#[tokio::test]
async fn a_silent_flight_is_stalled() {
    let (api, workspace, who) = start().await;
    let flight_id = api.flight(&workspace, None).await;
    api.advance(api.app.config.ingest.stalled_after.as_secs() as i64 + 1);
    let flight = api.get(&who, &format!("/api/v1/workspaces/alpha/flights/{flight_id}")).await.json();
    assert_eq!(flight["state"], "stalled");
}

#[tokio::test]
async fn a_dock_is_shown_as_it_was_last_heard() {
    let (api, workspace, who) = start().await;
    let sn = api.dock(&workspace).await;
    let path = format!("/api/v1/workspaces/alpha/docks/{sn}");
    let fresh = api.get(&who, &path).await.json();
    assert_eq!((&fresh["online"], &fresh["last_seen_at"]), (&json!(false), &Value::Null));
    assert_eq!(fresh["storage"], json!({"total_kb": null, "used_kb": null}));
    assert!(fresh["object_key_prefix"].as_str().is_some_and(|prefix| !prefix.is_empty()));

    let said = DockLive {
        model_key: Some("3-1-0".into()),
        remain_upload: Some(4),
        storage_total_kb: Some(1000),
        storage_used_kb: Some(10),
        ..Default::default()
    };
    assert!(api.app.docks.heard(&sn, api.app.now(), &said));
    let aircraft = Aircraft { sn: "DRONE1".into(), gateway_sn: sn.clone(), model_key: Some("0-91-0".into()) };
    api.app.docks.claim(&sn, &[aircraft], api.app.now());
    let dock = api.get(&who, &path).await.json();
    for (field, value) in [
        ("sn", json!(sn)),
        ("callsign", Value::Null),
        ("model_key", json!("3-1-0")),
        ("online", json!(true)),
        ("last_seen_at", json!(api.app.now())),
        ("remain_upload", json!(4)),
        ("storage", json!({"total_kb": 1000, "used_kb": 10})),
        ("aircraft", json!([{"sn": "DRONE1", "model_key": "0-91-0"}])),
        ("credentials_issued_at", Value::Null),
    ] {
        assert_eq!(dock.get(field), Some(&value), "{field}");
    }
    api.advance(ONLINE_S + 1);
    let dock = api.get(&who, &path).await.json();
    assert_eq!((&dock["online"], &dock["remain_upload"]), (&json!(false), &json!(4)));
}

#[tokio::test]
async fn docks_are_listed_by_serial_number_a_page_at_a_time() {
    let (api, workspace, who) = start().await;
    let other = api.workspace("beta").await;
    let mut own = Vec::new();
    for _ in 0..3 {
        own.push(api.dock(&workspace).await);
        api.dock(&other).await;
    }
    let sns = |list: &Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|dock| dock["sn"].as_str().unwrap().to_owned()).collect()
    };
    let first = api.get(&who, "/api/v1/workspaces/alpha/docks?limit=2").await.json();
    let cursor = first["next_cursor"].as_str().expect("more");
    let second = api.get(&who, &format!("/api/v1/workspaces/alpha/docks?limit=2&cursor={cursor}")).await.json();
    assert_eq!([sns(&first), sns(&second)].concat(), own);
    assert_eq!(second["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_dock_gets_and_loses_its_account() {
    let (api, workspace, _) = start().await;
    let admin = api.token(&workspace, Role::Admin).await;
    api.advance(1);
    let reply = api.post(&admin, "/api/v1/workspaces/alpha/docks", json!({"sn": "DOCKX", "callsign": "Nord"})).await;
    assert_eq!(reply.status, 201);
    let access = reply.json();
    assert_eq!((&access["username"], &access["mqtt_url"]), (&json!("DOCKX"), &json!("mqtt://eyrie.test:1883")));
    assert_eq!(access["binding_code"], json!(workspace.binding_code));
    let hash = async || api.app.catalogue.dock("DOCKX").await.unwrap().expect("the dock").password_hash;
    let verify =
        |hash: &str, password: &Value| eyrie::secret::verify_password(hash, password.as_str().unwrap().as_bytes());
    assert!(verify(&hash().await, &access["password"]));

    let again = api.post(&admin, "/api/v1/workspaces/alpha/docks", json!({"sn": "DOCKX"})).await;
    assert_eq!((again.status.as_u16(), &again.json()["type"]), (409, &json!("/problems/conflict")));
    let bad = api.post(&admin, "/api/v1/workspaces/alpha/docks", json!({"sn": "a/b"})).await;
    assert_eq!(bad.status, 400);

    api.advance(1);
    let rotated = api.call(&admin, "POST", "/api/v1/workspaces/alpha/docks/DOCKX/rotate").await.json();
    assert_ne!(rotated["password"], access["password"]);
    assert!(verify(&hash().await, &rotated["password"]));
    api.advance(1);
    let disabled = api.call(&admin, "POST", "/api/v1/workspaces/alpha/docks/DOCKX/disable").await.json();
    assert_eq!(disabled["disabled"], true);
    api.advance(1);
    let enabled = api.call(&admin, "POST", "/api/v1/workspaces/alpha/docks/DOCKX/enable").await.json();
    assert_eq!((&enabled["disabled"], &enabled["callsign"]), (&json!(false), &json!("Nord")));
    let audit = api.get(&admin, "/api/v1/workspaces/alpha/audit?limit=4").await.json();
    let actions: Vec<_> =
        audit["items"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["dock.enable", "dock.disable", "dock.rotate", "dock.add"]);
}

#[tokio::test]
async fn a_dock_is_called_what_a_person_says() {
    let (api, workspace, _) = start().await;
    let admin = api.token(&workspace, Role::Admin).await;
    let sn = api.dock(&workspace).await;
    let path = format!("/api/v1/workspaces/alpha/docks/{sn}");
    let patch = async |body: Value| api.send(request("PATCH", &path, &admin, Some(&body))).await;
    let renamed = patch(json!({"callsign": "  Süd "})).await;
    assert_eq!((renamed.status.as_u16(), &renamed.json()["callsign"]), (200, &json!("Süd")));
    api.app.catalogue.set_dock_callsign(&sn, "as the dock says").await.unwrap();
    assert_eq!(api.get(&admin, &path).await.json()["callsign"], "Süd");
    assert_eq!(patch(json!({"callsign": "x".repeat(65)})).await.status, 400);
    api.advance(1);
    assert_eq!(patch(json!({"callsign": null})).await.json()["callsign"], Value::Null);
    api.app.catalogue.set_dock_callsign(&sn, "as the dock says").await.unwrap();
    assert_eq!(api.get(&admin, &path).await.json()["callsign"], "as the dock says");
    let audit = api.get(&admin, "/api/v1/workspaces/alpha/audit?limit=1").await.json();
    assert_eq!(
        (&audit["items"][0]["action"], &audit["items"][0]["detail"]["before"]),
        (&json!("dock.rename"), &json!("Süd"))
    );
}

#[tokio::test]
async fn a_trace_tells_the_last_conversations() {
    let (api, workspace, who) = start().await;
    let sn = api.dock(&workspace).await;
    let entry = TraceEntry {
        id: api.app.new_id(),
        gateway_sn: sn.clone(),
        at: api.app.now(),
        direction: "up".into(),
        topic: format!("thing/product/{sn}/requests"),
        method: Some("storage_config_get".into()),
        tid: "t1".into(),
        bid: "b1".into(),
        result: Some(0),
        duration_ms: Some(1.5),
        asked: json!({"module": 0}),
        answered: json!({"result": 0}),
        note: None,
    };
    api.app.catalogue.add_trace(std::slice::from_ref(&entry)).await.unwrap();
    let list = api.get(&who, &format!("/api/v1/workspaces/alpha/docks/{sn}/trace")).await.json();
    let expected = json!([{
        "id": entry.id, "at": entry.at, "direction": "up", "topic": entry.topic, "method": "storage_config_get", "tid": "t1",
        "bid": "b1", "result": 0, "duration_ms": 1.5, "asked": {"module": 0}, "answered": {"result": 0}, "note": null,
    }]);
    assert_eq!(list["items"], expected);
}

#[tokio::test]
async fn a_dead_job_is_shown_and_queued_again() {
    let (api, workspace, who) = start().await;
    let id = api.dead_job(&workspace).await;
    let dead = api.get(&who, "/api/v1/workspaces/alpha/jobs?state=dead").await.json();
    let job = &dead["items"][0];
    assert_eq!((&job["id"], &job["error"], &job["attempts"]), (&json!(id), &json!("it broke"), &json!(1)));
    assert_eq!(job["progress"], json!({"done": 0, "total": null}));
    let path = format!("/api/v1/workspaces/alpha/jobs/{id}");
    let retried = api.call(&who, "POST", &format!("{path}/retry")).await.json();
    assert_eq!((&retried["state"], &retried["attempts"]), (&json!("queued"), &json!(0)));
    let again = api.call(&who, "POST", &format!("{path}/retry")).await;
    assert_eq!(again.status, 409);
    let kind = retried["kind"].as_str().unwrap();
    let list = api.get(&who, &format!("/api/v1/workspaces/alpha/jobs?kind={kind}&state=queued")).await.json();
    assert_eq!(list["items"][0]["id"], json!(id));
}
