//! Albums and share links: what a stranger gets, what is kept from him, and when it ends.

use eyrie_catalogue::{MediaKind, Position, Role};
use eyrie_media::picture::{Coding, Picture};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, Reply, Who, from_peer, request};

const LAT: f64 = 47.376_887;

async fn make(api: &Api, who: &Who, ws: Uuid, body: Value) -> Value {
    let made = api.post(who, &format!("/api/v1/workspaces/{ws}/shares"), body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

async fn with_cookie(api: &Api, path: &str, cookie: &str) -> Reply {
    let mut asked = request(Method::GET.as_str(), path, &Who::Nobody, None);
    asked.headers_mut().insert("cookie", cookie.parse().expect("a header"));
    api.send(asked).await
}

#[tokio::test]
async fn an_album_holds_files_of_its_own_workspace() {
    let api = Api::start().await;
    let (a, b) = (api.workspace("a").await, api.workspace("b").await);
    let operator = api.token(&a, Role::Operator).await;
    let (one, two, foreign) = (api.media(&a, |_| {}).await, api.media(&a, |_| {}).await, api.media(&b, |_| {}).await);
    let album = api.album(&a).await;
    let path = format!("/api/v1/workspaces/{}/albums/{album}", a.id);
    let added = api.post(&operator, &format!("{path}/media"), json!({"media_ids": [one.id, foreign.id]})).await;
    assert_eq!(added.json()["changed"], 1, "another workspace's file is not taken");
    let again = api.post(&operator, &format!("{path}/media"), json!({"media_ids": [one.id, two.id, two.id]})).await;
    assert_eq!(again.json()["changed"], 1, "{}", again.text());

    let list = |query: &str| format!("/api/v1/workspaces/{}/media?album_id={album}{query}", a.id);
    let first = api.get(&operator, &list("&limit=1")).await.json();
    assert_eq!(first["items"].as_array().map(Vec::len), Some(1));
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let rest = api.get(&operator, &list(&format!("&limit=1&cursor={cursor}"))).await.json();
    assert_ne!(first["items"][0]["id"], rest["items"][0]["id"]);
    assert_eq!(rest["next_cursor"], Value::Null);
    let counts = api.get(&operator, &format!("/api/v1/workspaces/{}/media/counts?album_id={album}", a.id)).await;
    assert_eq!(counts.json()["total"], 2, "{}", counts.text());

    let shown = api.get(&operator, &path).await.json();
    assert_eq!((&shown["media_count"], &shown["name"]), (&json!(2), &json!("Roofs")));
    let removed = api.post(&operator, &format!("{path}/media/remove"), json!({"media_ids": [one.id]})).await;
    assert_eq!(removed.json()["changed"], 1);
    assert_eq!(api.get(&operator, &path).await.json()["cover_media_id"], json!(two.id));
    assert_eq!(api.call(&operator, "DELETE", &path).await.status, 204);
    assert_eq!(api.get(&operator, &path).await.status, 404);
    let kept = api.get(&operator, &format!("/api/v1/workspaces/{}/media/{}", a.id, two.id)).await;
    assert_eq!(kept.status, 200, "files outlive their album");
}

#[tokio::test]
async fn a_link_opens_what_is_shared_until_it_is_revoked_or_over() {
    let api = Api::start().await;
    let a = api.workspace("a").await;
    let operator = api.token(&a, Role::Operator).await;
    let (shared, other) = (api.photo(&a).await, api.photo(&a).await);
    let made = make(&api, &operator, a.id, json!({"title": "Roof", "media_ids": [shared.id], "slug": "roof-3"})).await;
    let day_s = 24 * 3600;
    assert_eq!(made["expires_at"], json!((api.app.now() + jiff::SignedDuration::from_secs(30 * day_s)).to_string()));
    let nobody = Who::Nobody;
    let opened = api.get(&nobody, "/api/v1/shares/roof-3").await;
    assert_eq!((opened.status.as_u16(), &opened.json()["title"]), (200, &json!("Roof")));
    assert!(opened.header("x-robots-tag").contains("noindex"));
    assert_eq!(opened.header("referrer-policy"), "no-referrer");
    let listed = api.get(&nobody, "/api/v1/shares/roof-3/media").await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["items"][0]["content"], Value::Null, "it is for looking only");
    let file = |id: Uuid, what: &str| format!("/api/v1/shares/roof-3/media/{id}/{what}");
    assert_eq!(api.get(&nobody, &file(shared.id, "preview")).await.status, 200);
    for path in [file(other.id, "preview"), file(shared.id, "content"), file(other.id, "thumbnail")] {
        assert_eq!(api.get(&nobody, &path).await.status, 404, "{path}");
    }
    let taken = api
        .post(
            &operator,
            &format!("/api/v1/workspaces/{}/shares", a.id),
            json!({"title": "x", "media_ids": [shared.id], "slug": "roof-3"}),
        )
        .await;
    assert_eq!(taken.status, 409);

    let path = format!("/api/v1/workspaces/{}/shares/{}", a.id, made["id"].as_str().expect("an id"));
    assert_eq!(api.get(&operator, &path).await.json()["view_count"], 1);
    let visits = api.get(&operator, &format!("{path}/visits")).await.json();
    let what: Vec<_> = visits["items"].as_array().expect("a list").iter().map(|visit| visit["what"].clone()).collect();
    assert_eq!(what.len(), 2, "an opening and a picture: {visits}");
    assert!(what.contains(&json!("open")) && what.contains(&json!("view")));

    let unknown = api.get(&nobody, "/api/v1/shares/nothing-here").await;
    assert_eq!(api.call(&operator, "DELETE", &path).await.status, 204);
    let revoked = api.get(&nobody, "/api/v1/shares/roof-3").await;
    assert_eq!((revoked.status, &revoked.body), (unknown.status, &unknown.body), "a stranger cannot tell them apart");
    assert_eq!(api.get(&nobody, &file(shared.id, "preview")).await.status, 404);

    make(&api, &operator, a.id, json!({"title": "Roof", "media_ids": [shared.id], "slug": "roof-4"})).await;
    api.advance(30 * day_s);
    assert_eq!(api.get(&nobody, "/api/v1/shares/roof-4").await.body, unknown.body, "it is over");
}

#[tokio::test]
async fn a_password_is_asked_for_and_guessing_ends() {
    let api = Api::start().await;
    let a = api.workspace("a").await;
    let operator = api.token(&a, Role::Operator).await;
    let photo = api.photo(&a).await;
    let body = json!({"title": "Secret roof", "media_ids": [photo.id], "slug": "locked", "password": "correct horse"});
    make(&api, &operator, a.id, body).await;
    let nobody = Who::Nobody;
    let locked = api.get(&nobody, "/api/v1/shares/locked").await;
    assert_eq!((&locked.json()["locked"], &locked.json()["title"]), (&json!(true), &Value::Null));
    let list = "/api/v1/shares/locked/media";
    assert_eq!(api.get(&nobody, list).await.status, 401);
    let give = async |password: &str, peer: &str| {
        let body = json!({ "password": password });
        api.send(from_peer(request("POST", "/api/v1/shares/locked/unlock", &nobody, Some(&body)), peer)).await
    };
    let opened = give("correct horse", "192.0.2.1:5").await;
    assert_eq!(opened.status, 204);
    let cookie = opened.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    assert_eq!(with_cookie(&api, list, &cookie).await.status, 200);
    assert_eq!(with_cookie(&api, list, &cookie.replace('=', "=x")).await.status, 401);

    let allowed = api.app.config.http.max_failed_logins * 5;
    for n in 0..allowed {
        assert_eq!(give("wrong horse", &format!("192.0.2.{}:5", n + 2)).await.status, 401);
    }
    assert_eq!(give("correct horse", "198.51.100.1:5").await.status, 429, "whoever asks, right or not");
    assert_eq!(with_cookie(&api, list, &cookie).await.status, 200, "who is in stays in");
}

/// As a drone writes it: an XMP packet with place and serial number before the picture.
fn jpeg_with_position() -> Vec<u8> {
    let picture = Picture::new(64, 48, [200, 100, 50].repeat(64 * 48)).expect("three bytes a pixel");
    let plain = picture.encode(Coding::Jpeg).expect("a JPEG");
    let xmp = "http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
        <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" \
        xmlns:drone-dji=\"http://www.dji.com/drone-dji/1.0/\" drone-dji:GpsLatitude=\"+47.376887\" \
        drone-dji:GpsLongitude=\"+8.540000\" drone-dji:DroneSerialNumber=\"7CTDM7100BG7HR\"/></rdf:RDF></x:xmpmeta>";
    let length = u16::try_from(xmp.len() + 2).expect("a short packet");
    let (start, rest) = plain.split_at(2);
    [start, &[0xFF, 0xE1], &length.to_be_bytes(), xmp.as_bytes(), rest].concat()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Everything exiftool finds in these bytes, without what it says of itself and of the file; `None` when it is not installed.
fn exiftool(bytes: &[u8]) -> Option<String> {
    let file = tempfile::NamedTempFile::with_suffix(".jpg").expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("written");
    let hidden = ["--ExifTool:all", "--System:all"];
    let mut command = std::process::Command::new("exiftool");
    let done = command.args(["-a", "-u", "-g1", "-all"]).args(hidden).arg(file.path()).output().ok()?;
    Some(String::from_utf8_lossy(&done.stdout).into_owned())
}

#[tokio::test]
async fn what_is_hidden_is_in_no_answer() {
    let api = Api::start().await;
    let a = api.workspace("a").await;
    let photo = api.photo_of(&a, jpeg_with_position()).await;
    let mut row = photo.clone();
    row.position = Some(Position { lat: LAT, lng: 8.54, absolute_altitude_m: Some(431.25), relative_altitude_m: None });
    row.captured_at = Some(api.app.now());
    row.gateway_sn = Some("7CTDM7100BG7HR".into());
    api.app.catalogue.save_understanding(&row).await.expect("saved");
    let subtitle = api.media(&a, |media| media.kind = MediaKind::Subtitle).await;
    let ids = [photo.id, subtitle.id];
    let open = api.share(&a, &ids, |share| share.slug = "open".into()).await;
    let hidden = api.share(&a, &ids, |share| {
        share.slug = "hidden".into();
        (share.hide_position, share.hide_metadata) = (true, true);
    });
    let hidden = hidden.await;
    let nobody = Who::Nobody;
    let told = api.get(&nobody, &format!("/api/v1/shares/{}/media", open.slug)).await;
    assert!(told.text().contains("47.376887") && told.text().contains(&photo.name), "{}", told.text());
    assert_eq!(told.json()["items"].as_array().map(Vec::len), Some(2));
    let told = api.get(&nobody, &format!("/api/v1/shares/{}/media", hidden.slug)).await;
    let item = &told.json()["items"][0];
    assert_eq!(told.json()["items"].as_array().map(Vec::len), Some(1), "subtitles hold the track");
    assert_eq!(
        (&item["position"], &item["captured_at"], &item["content"]),
        (&Value::Null, &Value::Null, &json!("remade"))
    );
    for leak in ["47.37", "431", "DJI_", "dock/", "7CTDM", "2026-", &photo.id.to_string()[..13]] {
        assert!(!told.text().contains(leak), "{leak}: {}", told.text());
    }
    // the file's own id holds the time of its arrival
    let told_id = item["id"].as_str().expect("an id").to_owned();
    assert_eq!(api.get(&nobody, &format!("/api/v1/shares/hidden/media/{}/preview", photo.id)).await.status, 404);
    let original = api.get(&nobody, &format!("/api/v1/shares/open/media/{}/content", photo.id)).await;
    let remade = api.get(&nobody, &format!("/api/v1/shares/hidden/media/{told_id}/content")).await;
    assert_eq!((original.status.as_u16(), remade.status.as_u16()), (200, 200), "{}", remade.text());
    assert_eq!(original.body.len() as i64, photo.size_bytes.unwrap_or_default());
    assert!(
        holds(&original.body, b"GpsLatitude") && holds(&original.body, b"7CTDM7100BG7HR"),
        "it is there to be lost"
    );
    for leak in [&b"GpsLatitude"[..], b"47.37", b"7CTDM", b"drone-dji", b"xmpmeta", b"http"] {
        assert!(!holds(&remade.body, leak), "{}", String::from_utf8_lossy(leak));
    }
    for form in ["thumbnail", "preview"] {
        let seen = api.get(&nobody, &format!("/api/v1/shares/hidden/media/{told_id}/{form}")).await;
        assert_eq!(seen.status, 200, "{form}");
        assert!(!holds(&seen.body, b"GpsLatitude") && !holds(&seen.body, b"7CTDM"), "{form}");
    }
    match (exiftool(&original.body), exiftool(&remade.body)) {
        (Some(before), Some(after)) => {
            assert!(before.contains("Gps Latitude") || before.contains("GPS Latitude"), "{before}");
            for leak in ["gps", "47.37", "7ctdm", "xmp", "dji"] {
                assert!(!after.to_lowercase().contains(leak), "{leak}: {after}");
            }
        }
        _ => eprintln!("skipped: exiftool is not installed"),
    }
    assert!(!remade.header("content-disposition").contains("DJI_"), "{}", remade.header("content-disposition"));
    assert_eq!(api.get(&nobody, &format!("/api/v1/shares/hidden/media/{}/content", subtitle.id)).await.status, 404);
    assert_eq!(api.get(&nobody, "/api/v1/shares/hidden/archive").await.status, 404, "a zip has originals");
    let mut part = request("GET", &format!("/api/v1/shares/open/media/{}/content", photo.id), &nobody, None);
    part.headers_mut().insert("range", "bytes=10-19".parse().expect("a header"));
    let part = api.send(part).await;
    assert_eq!((part.status.as_u16(), part.body.as_slice()), (206, &original.body[10..20]));
    // its subtitle has a row alone: what is missing is said, and a zip of what is there holds the photo and no key
    let zip = api.get(&nobody, "/api/v1/shares/open/archive").await;
    assert_eq!(zip.status, 409, "{}", zip.text());
    api.share(&a, &[photo.id], |share| share.slug = "photo".into()).await;
    let zip = api.get(&nobody, "/api/v1/shares/photo/archive").await;
    assert_eq!(zip.status, 200, "{}", zip.text());
    assert_eq!(zip.header("content-length"), zip.body.len().to_string());
    assert!(holds(&zip.body, &original.body) && holds(&zip.body, b"SHA256SUMS"));
    assert!(!holds(&zip.body, photo.object_key.as_bytes()), "the key names the dock");
    let mut part = request("GET", "/api/v1/shares/photo/archive", &nobody, None);
    part.headers_mut().insert("range", "bytes=30-99".parse().expect("a header"));
    part.headers_mut().insert("if-range", zip.header("etag").parse().expect("a header"));
    let part = api.send(part).await;
    assert_eq!((part.status.as_u16(), part.body.as_slice()), (206, &zip.body[30..100]));
}

#[tokio::test]
async fn metadata_that_is_hidden_takes_the_position_with_it() {
    let api = Api::start().await;
    let a = api.workspace("a").await;
    let mut row = api.photo(&a).await;
    row.position = Some(Position { lat: LAT, lng: 8.54, absolute_altitude_m: None, relative_altitude_m: None });
    api.app.catalogue.save_understanding(&row).await.expect("saved");
    let others: Vec<_> = [api.photo(&a).await, api.photo(&a).await].iter().map(|media| media.id).collect();
    let ids = [&[row.id][..], &others].concat();
    api.share(&a, &ids, |share| (share.slug, share.hide_metadata) = ("plain".into(), true)).await;
    let nobody = Who::Nobody;
    assert_eq!(api.get(&nobody, "/api/v1/shares/plain").await.json()["positions"], json!(false));
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&nobody, &format!("/api/v1/shares/plain/media?limit=1&cursor={cursor}")).await;
        assert!(!page.text().contains("47.37"), "{}", page.text());
        seen.extend(page.json()["items"].as_array().expect("a list").iter().map(|item| item["id"].clone()));
        match page.json()["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), ids.len(), "{seen:?}");
    assert!(ids.iter().all(|id| !seen.contains(&json!(id))));
}

#[tokio::test]
async fn each_access_is_written_down_and_one_in_ranges_once() {
    let api = Api::start().await;
    let a = api.workspace("a").await;
    let operator = api.token(&a, Role::Operator).await;
    let photo = api.photo(&a).await;
    let body = json!({"title": "Roof", "media_ids": [photo.id], "slug": "roof", "download": true});
    let made = make(&api, &operator, a.id, body).await;
    let path = format!("/api/v1/workspaces/{}/shares/{}/visits", a.id, made["id"].as_str().expect("an id"));
    let count = async || api.get(&operator, &path).await.json()["items"].as_array().map(Vec::len);
    let part = async |path: &str, range: &str| {
        let mut asked = request("GET", path, &Who::Nobody, None);
        asked.headers_mut().insert("range", range.parse().expect("a header"));
        assert_eq!(api.send(asked).await.status, 206, "{path} {range}");
    };
    let (zip, file) = ("/api/v1/shares/roof/archive", format!("/api/v1/shares/roof/media/{}/content", photo.id));
    // a stranger who never asks for the first byte is seen, too
    part(zip, "bytes=1-").await;
    assert_eq!(count().await, Some(1));
    part(zip, "bytes=200-").await;
    assert_eq!(count().await, Some(1));
    part(&file, "bytes=10-20").await;
    part(&file, "bytes=20-30").await;
    assert_eq!(count().await, Some(2));
    part(&file, "bytes=0-").await;
    assert_eq!(count().await, Some(3), "it was begun anew");
    api.advance(11 * 60);
    part(&file, "bytes=30-").await;
    assert_eq!(count().await, Some(4));
}

#[tokio::test]
async fn a_video_plays_in_its_small_form_or_as_it_is() {
    let api = Api::start().await;
    let a = api.workspace("a").await;
    let with_proxy = api.video_with_proxy(&a).await;
    api.share(&a, &[with_proxy.id], |share| share.slug = "small".into()).await;
    let nobody = Who::Nobody;
    let video = |slug: &str, id: Uuid| format!("/api/v1/shares/{slug}/media/{id}/video");
    let played = api.get(&nobody, &video("small", with_proxy.id)).await;
    assert_eq!((played.status.as_u16(), played.header("content-type")), (200, "video/mp4"));

    let key = "dock/DJI_0009_V.MP4";
    api.app.store.create_bucket(&a.bucket).await.expect("a bucket");
    let object = api.app.store.put(&a.bucket, key, None, "an original".into()).await.expect("an object");
    let plain = api.media(&a, |media| {
        (media.kind, media.object_key, media.etag) = (MediaKind::Video, key.into(), Some(object.etag));
        (media.size_bytes, media.metadata) = (Some(11), json!({"video": {"codec": "h264"}}));
    });
    let plain = plain.await;
    api.share(&a, &[plain.id], |share| (share.slug, share.download) = ("open".into(), true)).await;
    api.share(&a, &[plain.id], |share| (share.slug, share.download) = ("looking".into(), false)).await;
    let played = api.get(&nobody, &video("open", plain.id)).await;
    assert_eq!((played.status.as_u16(), played.body.as_slice()), (200, &b"an original"[..]));
    // who may not have the original waits until another one is made
    let open_jobs = async || api.app.catalogue.open_jobs_of_media(plain.id, "make-proxy").await.expect("read");
    for _ in 0..2 {
        let later = api.get(&nobody, &video("looking", plain.id)).await;
        assert_eq!((later.status.as_u16(), later.header("retry-after")), (503, "5"), "{}", later.text());
        assert_eq!(open_jobs().await.len(), 1, "one at a time");
    }
    let job = open_jobs().await[0].id;
    assert!(api.app.catalogue.cancel_job(job, "no", api.app.now()).await.expect("cancelled"));
    assert_eq!(api.get(&nobody, &video("looking", plain.id)).await.status, 404, "none is begun again");
    assert!(open_jobs().await.is_empty());
}
