//! Which answers are compressed, and which must not be.

use std::io::Read as _;

use eyrie_catalogue::Role;
use http::StatusCode;
use http_body_util::BodyExt as _;

use crate::support::{Api, Reply, Who, request};

async fn ask(api: &Api, path: &str, who: &Who) -> Reply {
    let mut request = request("GET", path, who, None);
    request.headers_mut().insert("accept-encoding", http::HeaderValue::from_static("gzip, br"));
    api.send(request).await
}

#[tokio::test]
async fn a_list_is_compressed_for_who_asks() {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let viewer = api.token(&workspace, Role::Viewer).await;
    for _ in 0..20 {
        api.media(&workspace, |_| ()).await;
    }
    let path = "/api/v1/workspaces/alpha/media";
    let plain = api.get(&viewer, path).await;
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "accept-encoding"));

    let packed = ask(&api, path, &viewer).await;
    assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("gzip", "accept-encoding"));
    assert!(packed.body.len() * 5 < plain.body.len(), "{} of {}", packed.body.len(), plain.body.len());
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut text).expect("gzip");
    assert_eq!(text, plain.body);

    let track = ask(&api, "/api/v1/workspaces/alpha/media/export?format=geojson", &viewer).await;
    assert_eq!((track.status, track.header("content-encoding")), (StatusCode::OK, "gzip"));
}

#[tokio::test]
async fn pictures_streams_and_small_answers_stay_as_they_are() {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let viewer = api.token(&workspace, Role::Viewer).await;
    let photo = api.photo(&workspace).await;
    for path in [
        format!("/api/v1/workspaces/alpha/media/{}/thumbnail", photo.id),
        format!("/api/v1/workspaces/alpha/media/{}/content", photo.id),
        "/api/v1/session".to_owned(),
    ] {
        let reply = ask(&api, &path, &viewer).await;
        assert_eq!(reply.header("content-encoding"), "", "{path}: {}", reply.status);
    }
    let mut stream = request("GET", "/api/v1/workspaces/alpha/events", &viewer, None);
    stream.headers_mut().insert("accept-encoding", http::HeaderValue::from_static("gzip"));
    let mut stream = api.respond(stream).await;
    assert_eq!((stream.status(), stream.headers().get("content-encoding")), (StatusCode::OK, None));
    // a compressor would hold the first words back
    let first = stream.body_mut().frame().await.expect("a frame").expect("a good one");
    assert!(first.into_data().is_ok_and(|data| !data.is_empty()));
}
