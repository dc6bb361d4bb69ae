//! The embedded broker without accounts and rules, for conformance suites: `open_broker HOST:PORT`.
//!
//! Suites expect one topic that may not be subscribed, `test/nosubscribe`, and a Server Keep Alive of 60 s.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use eyrie_mqtt::{Broker, BrokerConfig, BrokerLimits, Gate, Login, Refusal};

/// The server's, so that a comparison of the two is about what the server does.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

struct Open;

#[async_trait::async_trait]
impl Gate for Open {
    async fn authenticate(&self, _login: &Login<'_>) -> Result<(), Refusal> {
        Ok(())
    }
    fn may_publish(&self, _username: &str, _topic: &str) -> bool {
        true
    }
    fn may_subscribe(&self, _username: &str, filter: &str) -> bool {
        filter != "test/nosubscribe"
    }
    fn allows_anonymous(&self) -> bool {
        true
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(listen) = std::env::args().nth(1).and_then(|text| text.parse::<SocketAddr>().ok()) else {
        eprintln!("usage: open_broker HOST:PORT");
        return ExitCode::from(2);
    };
    if let Ok(filter) = std::env::var("RUST_LOG") {
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    }
    let config = BrokerConfig {
        listen,
        tls: None,
        limits: BrokerLimits {
            max_connections: 20_000,
            max_packet_bytes: 1024 * 1024,
            handshake_timeout: Duration::from_secs(10),
            max_inflight: 100,
            max_queued: 100_000,
            max_keepalive_s: 60,
        },
        service: ("service".to_owned(), "the service is not used here".to_owned()),
    };
    match Broker::start(config, Arc::new(Open)).await {
        Ok(broker) => {
            println!("MQTT on {}", broker.addr());
            let _ = tokio::signal::ctrl_c().await;
            broker.stop().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
