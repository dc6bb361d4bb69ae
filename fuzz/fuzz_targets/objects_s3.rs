#![no_main]
//! Any bytes where a client of S3 and STS may put some, behind a sound signature: bodies in XML, chunked bodies, forms with
//! a policy, queries, headers. An answer comes to each, and none says that the server itself failed.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use eyrie_env::{ManualClock, RealFiles, SeededRandom};
use eyrie_objects::s3::{S3Config, S3Limits, S3Service, service};
use eyrie_objects::{Issuer, KeyGrant, Keys, Store, StoreConfig};
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use s3s::Body;
use sha2::{Digest, Sha256};

const REGION: &str = "eu-1";
const BUCKET: &str = "ws-1";
const DATE: &str = "20261123";
const TIME: &str = "20261123T051422Z";
const UNSIGNED_CHUNKS: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

struct World {
    runtime: tokio::runtime::Runtime,
    service: S3Service,
    key_id: String,
    secret: String,
    _root: tempfile::TempDir,
}

struct OneKey;

#[async_trait::async_trait]
impl Keys for OneKey {
    async fn grant(&self, _: &str) -> Result<Option<KeyGrant>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Some(KeyGrant { bucket: BUCKET.to_owned(), write: true }))
    }
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let start: Timestamp = "2026-11-23T05:14:22Z".parse().expect("a time");
    let (clock, random) = (Arc::new(ManualClock::new(start)), Arc::new(SeededRandom::new(7)));
    let root = tempfile::tempdir().expect("a folder");
    let config =
        StoreConfig { root: root.path().join("store"), min_free_bytes: 0, upload_expiry: Duration::from_secs(60) };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let issuer = Issuer::new([7; 32], clock.clone(), random.clone());
    let service = runtime.block_on(async {
        let store = Store::open(config, true, clock, random, Arc::new(RealFiles)).expect("a new store");
        store.create_bucket(BUCKET).await.expect("a bucket");
        let limits = S3Limits { max_put_bytes: 1 << 20, max_chunk_bytes: 1 << 16 };
        let config = S3Config { region: REGION.into(), domains: vec![], allow_bucket_operations: false, limits };
        service(Arc::new(store), issuer.clone(), Arc::new(OneKey), config)
    });
    let key_id = issuer.new_key_id();
    let secret = issuer.key_secret(&key_id);
    World { runtime, service, key_id, secret, _root: root }
});

/// Method, path, query, a header of its own, and whether the input is the body.
type Shape = (Method, &'static str, &'static str, Option<&'static str>, bool);

const SHAPES: [Shape; 12] = [
    (Method::POST, "/ws-1", "delete=", None, true),
    (Method::POST, "/ws-1/a", "uploadId=00000000", None, true),
    (Method::PUT, "/ws-1/a", "", None, true),
    (Method::PUT, "/ws-1/a", "", Some(UNSIGNED_CHUNKS), true),
    (Method::POST, "/", "", Some("application/x-www-form-urlencoded"), true),
    (Method::PUT, "/ws-1", "tagging=", None, true),
    (Method::PUT, "/ws-1/b", "", Some("x-amz-copy-source"), false),
    (Method::GET, "/ws-1/a", "", Some("range"), false),
    (Method::PUT, "/ws-1/a", "", Some("x-amz-meta-note"), false),
    (Method::GET, "/ws-1/a", "", Some("if-modified-since"), false),
    (Method::GET, "/ws-1", "*", None, false),
    (Method::PUT, "/ws-1/*", "", None, false),
];

fuzz_target!(|data: &[u8]| {
    let Some((shape, rest)) = data.split_first() else { return };
    let (method, path, query, header, is_body) = SHAPES[usize::from(*shape) % SHAPES.len()].clone();
    let escaped: String = rest.iter().take(1_000).map(|byte| format!("%{byte:02X}")).collect();
    let query = match query {
        // a name and a value, as listings have them
        "*" => match rest.iter().position(|byte| *byte == b'=') {
            Some(at) => {
                format!("{}={}", &escaped[..(at * 3).min(escaped.len())], &escaped[((at + 1) * 3).min(escaped.len())..])
            }
            None => format!("{escaped}="),
        },
        query => query.to_owned(),
    };
    let path = path.replace('*', &escaped);
    let body: &[u8] = if is_body { rest } else { b"" };
    let service_name = if path == "/" { "sts" } else { "s3" };
    let hash = match header {
        Some(UNSIGNED_CHUNKS) => UNSIGNED_CHUNKS.to_owned(),
        _ => hex(&Sha256::digest(body)),
    };
    let mut headers = vec![
        ("host", b"127.0.0.1".to_vec()),
        ("x-amz-content-sha256", hash.clone().into()),
        ("x-amz-date", TIME.into()),
    ];
    match header {
        Some(UNSIGNED_CHUNKS) => {
            headers.push(("x-amz-decoded-content-length", b"5".to_vec()));
            headers.push(("content-encoding", b"aws-chunked".to_vec()));
        }
        Some(form @ "application/x-www-form-urlencoded") => headers.push(("content-type", form.into())),
        Some(name) => headers.push((name, rest.to_vec())),
        None => {}
    }
    let world = &*WORLD;
    let authorization = world.sign(method.as_str(), &path, &query, &hash, service_name);
    let uri = if query.is_empty() { path } else { format!("{path}?{query}") };
    let mut request = Request::builder().method(method).uri(uri).header("authorization", authorization);
    request = request.header("content-length", body.len());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let Ok(request) = request.body(Body::from(body.to_vec())) else { return };
    let response = world.runtime.block_on(world.service.handle(request));
    assert!(response.status().as_u16() != 500, "{response:?}");
});

impl World {
    /// AWS Signature Version 4 of the three headers that always count.
    fn sign(&self, method: &str, path: &str, query: &str, hash: &str, service: &str) -> String {
        const SIGNED: &str = "host;x-amz-content-sha256;x-amz-date";
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:127.0.0.1\nx-amz-content-sha256:{hash}\nx-amz-date:{TIME}\n\n{SIGNED}\n{hash}"
        );
        let scope = format!("{DATE}/{REGION}/{service}/aws4_request");
        let to_sign = format!("AWS4-HMAC-SHA256\n{TIME}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in [DATE, REGION, service, "aws4_request"] {
            key = mac(&key, part.as_bytes());
        }
        let signature = hex(&mac(&key, to_sign.as_bytes()));
        format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={SIGNED}, Signature={signature}", self.key_id)
    }
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
