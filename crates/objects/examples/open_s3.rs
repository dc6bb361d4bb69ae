//! The S3 server by itself, with two users who may make buckets: for conformance suites.
//!
//! `cargo run --release -p eyrie-objects --example open_s3 -- HOST:PORT DIRECTORY`
//!
//! The users are read from `S3_MAIN_KEY`, `S3_MAIN_SECRET`, `S3_ALT_KEY` and `S3_ALT_SECRET`. Both reach every bucket.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use eyrie_env::{Random, RealFiles, SystemClock, SystemRandom};
use eyrie_objects::s3::{S3Config, S3Limits, service};
use eyrie_objects::{Issuer, KeyGrant, Keys, Store, StoreConfig};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

type Failure = Box<dyn Error + Send + Sync>;

/// Key ids and their secrets, from the environment.
struct Users(HashMap<String, String>);

#[async_trait::async_trait]
impl Keys for Users {
    async fn grant(&self, access_key_id: &str) -> Result<Option<KeyGrant>, Failure> {
        let grant = || KeyGrant { bucket: KeyGrant::ANY_BUCKET.to_owned(), write: true };
        Ok(self.0.contains_key(access_key_id).then(grant))
    }

    fn foreign_secret(&self, access_key_id: &str) -> Option<String> {
        self.0.get(access_key_id).cloned()
    }
}

impl Users {
    fn from_env() -> Self {
        let user = |name: &str| {
            let variable = |what: &str| env::var(format!("S3_{name}_{what}")).ok();
            Some((variable("KEY")?, variable("SECRET")?))
        };
        Self(["MAIN", "ALT"].into_iter().filter_map(user).collect())
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let (Some(address), Some(root)) = (arguments.next(), arguments.next()) else {
        return Err("usage: open_s3 HOST:PORT DIRECTORY".into());
    };
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let config = StoreConfig {
        root: PathBuf::from(root),
        min_free_bytes: 64 << 20,
        upload_expiry: Duration::from_secs(7 * 86_400),
    };
    let store = Arc::new(Store::open(config, true, clock.clone(), random.clone(), Arc::new(RealFiles))?);
    store.recover()?;
    let mut master = [0; 32];
    random.fill(&mut master);
    let users = Users::from_env();
    let known = users.0.len();
    let config = S3Config {
        region: "us-east-1".to_owned(),
        domains: Vec::new(),
        allow_bucket_operations: true,
        limits: S3Limits { max_put_bytes: 5 << 30, max_chunk_bytes: 16 << 20 },
    };
    let service = service(store, Issuer::new(master, clock, random), Arc::new(users), config);
    let listener = TcpListener::bind(&address).await?;
    println!("S3 on http://{} for {known} users", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service.clone();
        tokio::spawn(async move {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(60));
            if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
                eprintln!("a connection ended: {error}");
            }
        });
    }
}
