#![no_main]
//! Any bytes where a client of S3 and STS may put some, behind a sound signature: bodies in XML, chunked bodies, forms with
//! a policy, queries, headers. An answer comes to each, and none says that the server itself failed.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use eyrie_env::{RealFiles, SeededRandom, SystemClock};
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
    // a signature's time is compared with the system's clock, whatever ours says
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SeededRandom::new(7)));
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

/// Of an input that is used; keys are shorter.
const MAX_BYTES: usize = 16 * 1024;
/// Its place in the list.
const PLAIN_PUT: usize = 2;

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
    let shape = usize::from(*shape) % SHAPES.len();
    let (method, path, query, header, is_body) = SHAPES[shape].clone();
    let rest = rest.get(..MAX_BYTES).unwrap_or(rest);
    // a name and a value, as listings have them
    let (name, value) = rest.split_at(rest.iter().position(|byte| *byte == b'=').unwrap_or(rest.len()));
    let value = value.get(1..).unwrap_or_default();
    let query = if query == "*" { format!("{}={}", escaped(name, false), escaped(value, false)) } else { query.into() };
    let path = path.replace('*', &escaped(rest, true));
    let body: &[u8] = if is_body { rest } else { b"" };
    let service_name = if path == "/" { "sts" } else { "s3" };
    let hash = match header {
        Some(UNSIGNED_CHUNKS) => UNSIGNED_CHUNKS.to_owned(),
        _ => hex(&Sha256::digest(body)),
    };
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut headers = vec![
        ("host", b"127.0.0.1".to_vec()),
        ("x-amz-content-sha256", hash.clone().into()),
        ("x-amz-date", time.clone().into()),
    ];
    match header {
        Some(UNSIGNED_CHUNKS) => {
            headers.push(("x-amz-decoded-content-length", b"5".to_vec()));
            headers.push(("content-encoding", b"aws-chunked".to_vec()));
            headers.push(("x-amz-trailer", b"x-amz-checksum-crc32".to_vec()));
        }
        Some(form @ "application/x-www-form-urlencoded") => headers.push(("content-type", form.into())),
        Some(name) => headers.push((name, rest.to_vec())),
        None => {}
    }
    let world = &*WORLD;
    let authorization = world.sign(&time, service_name, [method.as_str(), &path, &query], &hash);
    let uri = if query.is_empty() { path } else { format!("{path}?{query}") };
    let mut request = Request::builder().method(method).uri(uri).header("authorization", authorization);
    request = request.header("content-length", body.len());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let Ok(request) = request.body(Body::from(body.to_vec())) else { return };
    let response = world.runtime.block_on(world.service.handle(request));
    assert!(response.status().as_u16() != 500, "{response:?}");
    // otherwise nothing came past the signature
    assert!(shape != PLAIN_PUT || response.status().is_success(), "{response:?}");
});

impl World {
    /// AWS Signature Version 4 of the three headers that always count.
    fn sign(&self, time: &str, service: &str, [method, path, query]: [&str; 3], hash: &str) -> String {
        let date = &time[..8];
        const SIGNED: &str = "host;x-amz-content-sha256;x-amz-date";
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:127.0.0.1\nx-amz-content-sha256:{hash}\nx-amz-date:{time}\n\n{SIGNED}\n{hash}"
        );
        let scope = format!("{date}/{REGION}/{service}/aws4_request");
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in [date, REGION, service, "aws4_request"] {
            key = mac(&key, part.as_bytes());
        }
        let signature = hex(&mac(&key, to_sign.as_bytes()));
        format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={SIGNED}, Signature={signature}", self.key_id)
    }
}

/// As a signature wants it: nothing is escaped that needs not be.
fn escaped(bytes: &[u8], is_path: bool) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || (is_path && *byte == b'/');
    bytes
        .iter()
        .map(|byte| if is_plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
