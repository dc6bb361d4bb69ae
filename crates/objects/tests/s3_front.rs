//! The service as a whole, asked in memory: what a browser, a stranger and our own download links get.

#![allow(clippy::unwrap_used)] // the helpers of tests are tests, too

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eyrie_env::{RealFiles, SystemClock, SystemRandom};
use eyrie_objects::s3::{S3Config, S3Limits, S3Service, service};
use eyrie_objects::{Issuer, KeyGrant, Keys, Store, StoreConfig};
use futures::TryStreamExt;
use http::{Method, Request, Response, StatusCode};
use s3s::Body;

struct NoKeys;

#[async_trait::async_trait]
impl Keys for NoKeys {
    async fn grant(&self, _: &str) -> Result<Option<KeyGrant>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(None)
    }
}

struct World {
    service: S3Service,
    store: Arc<Store>,
    issuer: Issuer,
    _root: tempfile::TempDir,
}

async fn world() -> World {
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let root = tempfile::tempdir().unwrap();
    let config =
        StoreConfig { root: root.path().join("store"), min_free_bytes: 0, upload_expiry: Duration::from_secs(60) };
    let store = Arc::new(Store::open(config, true, clock.clone(), random.clone(), Arc::new(RealFiles)).unwrap());
    store.create_bucket("ws-1").await.unwrap();
    let issuer = Issuer::new([7; 32], clock, random);
    let config = S3Config {
        region: "eu-1".to_owned(),
        domains: vec!["s3.example.org".to_owned()],
        allow_bucket_operations: false,
        limits: S3Limits { max_put_bytes: 1000, max_chunk_bytes: 100 },
    };
    let service = service(Arc::clone(&store), issuer.clone(), Arc::new(NoKeys), config);
    World { service, store, issuer, _root: root }
}

async fn ask(world: &World, method: Method, url: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let (_, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut request = Request::builder().method(method).uri(if path.is_empty() { "/" } else { path });
    for (name, value) in headers.iter().chain(&[("host", host)]) {
        request = request.header(*name, *value);
    }
    world.service.handle(request.body(Body::empty()).unwrap()).await
}

async fn text(response: Response<Body>) -> String {
    let bytes: Vec<Bytes> = response.into_body().try_collect().await.unwrap();
    String::from_utf8(bytes.concat()).unwrap()
}

#[tokio::test]
async fn a_download_link_opens_any_key_and_nothing_else() {
    let world = world().await;
    for key in ["a.jpg", "docks/SN 1/ä+b&c=d%2F.jpg", "a//b", "a b/~(1)!'*", "-._~/?#[]@:$,;"] {
        world.store.put("ws-1", key, Some("image/jpeg"), Bytes::from(key.to_owned())).await.unwrap();
        let url = world.issuer.presign_get("http://127.0.0.1:9000", "eu-1", "ws-1", key, 60, Some("Bild \"ä\".jpg"));
        let response = ask(&world, Method::GET, &url, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{key}");
        let disposition = response.headers()["content-disposition"].to_str().unwrap();
        assert_eq!(disposition, "attachment; filename=\"Bild ___.jpg\"; filename*=UTF-8''Bild%20%22%C3%A4%22.jpg");
        assert_eq!(text(response).await, key);
        let range = ask(&world, Method::GET, &url, &[("range", "bytes=1-2")]).await;
        assert_eq!(range.status(), StatusCode::PARTIAL_CONTENT);
        for method in [Method::PUT, Method::DELETE, Method::POST, Method::HEAD] {
            let refused = ask(&world, method.clone(), &url, &[]).await;
            // the method is part of what was signed
            assert!(refused.status().is_client_error() || refused.status() == StatusCode::NOT_IMPLEMENTED, "{method}");
        }
        let elsewhere = ask(&world, Method::GET, &url.replacen("127.0.0.1", "127.0.0.2", 1), &[]).await;
        assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN);
    }
    let url = world.issuer.presign_get("https://s3.example.org:443", "eu-1", "ws-1", "a.jpg", 60, None);
    assert!(url.starts_with("https://s3.example.org:443/ws-1/a.jpg?"));
    let response = ask(&world, Method::GET, &url.replacen(":443", "", 1), &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn strangers_are_refused_before_anything_is_read() {
    let world = world().await;
    let at = "http://127.0.0.1:9000/ws-1/a.jpg";
    for (method, url, headers, code) in [
        (Method::GET, at.to_owned(), &[][..], "AccessDenied"),
        (Method::PUT, at.to_owned(), &[("content-length", "1001")][..], "EntityTooLarge"),
        (Method::PUT, at.to_owned(), &[("x-amz-decoded-content-length", "1001")], "EntityTooLarge"),
        (Method::PUT, at.to_owned(), &[("x-amz-decoded-content-length", "-1")], "InvalidRequest"),
        (Method::GET, at.to_owned(), &[("authorization", "AWS a:b")], "InvalidRequest"),
        (
            Method::POST,
            "http://h/ws-1".to_owned(),
            &[("content-type", "multipart/form-data; boundary=b")],
            "NotImplemented",
        ),
        (Method::GET, format!("{at}?X-Amz-Expires=604801"), &[], "AuthorizationQueryParametersError"),
        (Method::GET, "http://127.0.0.1:9000/WS_1/a".to_owned(), &[], "InvalidBucketName"),
        (Method::GET, "http://127.0.0.1:9000/ws-1/%FF".to_owned(), &[], "InvalidURI"),
        (Method::PATCH, at.to_owned(), &[], "NotImplemented"),
    ] {
        let response = ask(&world, method, &url, headers).await;
        let id = response.headers()["x-amz-request-id"].to_str().unwrap().to_owned();
        let body = text(response).await;
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{url}: {body}");
        assert!(body.contains(&format!("<RequestId>{id}</RequestId>")), "{body}");
    }
}

#[tokio::test]
async fn sts_speaks_its_own_xml() {
    let world = world().await;
    let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    let response = ask(&world, Method::POST, "http://127.0.0.1:9000/", &form).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let body = text(response).await;
    assert!(body.starts_with("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"), "{body}");
    assert!(body.contains("<Code>InvalidAction</Code>"), "{body}");
}

#[tokio::test]
async fn any_page_may_ask_but_none_with_credentials() {
    let world = world().await;
    let at = "http://ws-1.s3.example.org/a.jpg";
    let asked = [
        ("origin", "https://a.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "authorization,x-amz-date"),
    ];
    let response = ask(&world, Method::OPTIONS, at, &asked).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(response.headers()["access-control-allow-headers"], "authorization,x-amz-date");
    assert!(!response.headers().contains_key("access-control-allow-credentials"));
    assert_eq!(ask(&world, Method::OPTIONS, at, &[]).await.status(), StatusCode::BAD_REQUEST);
    let refused = ask(&world, Method::GET, at, &[("origin", "https://a.example")]).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(refused.headers()["access-control-allow-origin"], "*");
}
