//! The embedded broker: rmqtt with accounts and topic rules that are handed in.
//!
//! ```text
//! dock -- TCP | WebSocket | TLS --> front --> rmqtt (loopback, docks)
//!                                              rmqtt (loopback, service) <-- Link
//! ```
//!
//! rmqtt owns what a broker is about: sessions, routing, QoS, retained messages. It takes connections only from its own
//! TCP listeners, one transport each, so a `front` of ours stands on the public port. It tells TLS, WebSocket and
//! plain MQTT apart, reads the CONNECT, asks the [`Gate`], and relays the rest byte by byte. That buys more than one port
//! for everything:
//!
//! - A password ends at the front. rmqtt never holds one of a dock, so its logs cannot tell it at any level.
//! - A slow `Gate` holds up the one who connects, nobody else.
//! - Sessions are named after the *account*: `7/dock-sn/` and the Client Identifier. Two accounts with the same Client
//!   Identifier have two sessions; neither can end, take over or read the other's.
//! - Connects with one Client Identifier pass one after the other; rmqtt by itself refuses the second with 0x88.
//! - The time to CONNECT is bounded; rmqtt by itself waits forever for the first byte.
//!
//! rmqtt accepts on its loopback listener for docks only what the front has announced, by source port, and on the one for
//! the service only the service. The price is a hop over loopback for each message (some ten microseconds) and three file
//! descriptors for each dock instead of one.
//!
//! What is left out: QoS 1 messages are kept in memory only. No broker's PUBACK is a promise of durability here; only the
//! server's own reply after its commit is.
//!
//! **Logs.** rmqtt and rumqttc blank payloads and passwords by themselves at every level, and passwords of docks never get
//! to rmqtt. tungstenite, at `trace`, prints what a WebSocket carries, a CONNECT with its password included: whoever
//! sets up logging keeps [`CAPPED_LOG_TARGETS`] at `debug` or above. A test reads a whole conversation's log for secrets.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

mod connect;
mod engine;
mod front;
mod registry;
mod rules;
mod wire;

use engine::Engine;
use front::Front;
use registry::{Registry, see_off};
use wire::Tls;

/// Log targets that print secrets at `trace`, and must be held at `debug`.
pub const CAPPED_LOG_TARGETS: [&str; 2] = ["tungstenite", "tokio_tungstenite"];

/// How long [`Broker::stop`] waits for sessions to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a client has to take its DISCONNECT and close.
const FAREWELL: Duration = Duration::from_millis(300);

/// What a connecting client says of itself.
pub struct Login<'a> {
    pub client_id: &'a str,
    pub username: &'a str,
    pub password: &'a [u8],
    pub peer: SocketAddr,
}

impl std::fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("client_id", &self.client_id)
            .field("username", &self.username)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// Why a connection is refused; becomes the CONNACK code of the client's MQTT version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    BadUsernameOrPassword,
    NotAuthorized,
    /// Our own trouble (the account database does not answer): the client should come back.
    Unavailable,
}

/// Accounts and topic rules. `username` is the identity; a Client Identifier is not.
#[async_trait::async_trait]
pub trait Gate: Send + Sync + 'static {
    async fn authenticate(&self, login: &Login<'_>) -> Result<(), Refusal>;
    /// Asked for each PUBLISH, for the Will at CONNECT, and for the Will again when it is sent.
    fn may_publish(&self, username: &str, topic: &str) -> bool;
    /// Whether a message that may be published, and asks to be retained, is. If not, it is delivered as any other.
    fn may_retain(&self, _username: &str, _topic: &str) -> bool {
        true
    }
    /// Asked for each filter of a SUBSCRIBE, `$share/...` included and unstripped.
    fn may_subscribe(&self, username: &str, filter: &str) -> bool;
    /// Whether a client without a username may connect. It is then not authenticated, its username in the rules is empty,
    /// and its session is found by the Client Identifier alone. For conformance suites.
    fn allows_anonymous(&self) -> bool {
        false
    }
}

/// Named bounds of the listener.
#[derive(Clone, Debug)]
pub struct BrokerLimits {
    pub max_connections: usize,
    pub max_packet_bytes: u32,
    /// From TCP accept to CONNECT.
    pub handshake_timeout: Duration,
    pub max_inflight: u16,
    pub max_queued: usize,
    /// Longest keep-alive a client may ask for.
    pub max_keepalive_s: u16,
}

#[derive(Clone)]
pub struct BrokerConfig {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificate chain and private key in PEM: the listener then speaks TLS only.
    pub tls: Option<(PathBuf, PathBuf)>,
    pub limits: BrokerLimits,
    /// Username and password of the server's own client. It is accepted on the internal loopback listener only,
    /// and [`Gate`] is not asked about it.
    pub service: (String, String),
}

impl std::fmt::Debug for BrokerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrokerConfig")
            .field("listen", &self.listen)
            .field("tls", &self.tls)
            .field("limits", &self.limits)
            .field("service", &self.service.0)
            .finish_non_exhaustive()
    }
}

pub struct Broker {
    registry: Arc<Registry>,
    engine: Arc<Engine>,
    front: Front,
    tls: Option<Arc<Tls>>,
}

#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("the broker cannot listen on {addr}")]
    Listen { addr: SocketAddr, source: std::io::Error },
    #[error("the broker cannot start: {0}")]
    Start(String),
}

impl Broker {
    /// Listens when it returns. Must be called inside a tokio runtime.
    pub async fn start(config: BrokerConfig, gate: Arc<dyn Gate>) -> Result<Self, BrokerError> {
        let tls = config.tls.as_ref().map(|(chain, key)| Tls::open(chain, key)).transpose()?.map(Arc::new);
        let listener = tokio::net::TcpListener::bind(config.listen)
            .await
            .map_err(|source| BrokerError::Listen { addr: config.listen, source })?;
        let registry = Arc::new(Registry::new(gate, config.service));
        let engine = Arc::new(Engine::start(&config.limits, registry.clone()).await?);
        let front = Front::start(listener, tls.clone(), engine.clone(), config.limits, registry.clone())
            .map_err(|source| BrokerError::Listen { addr: config.listen, source })?;
        Ok(Self { registry, engine, front, tls })
    }

    /// Where docks connect: MQTT and MQTT over WebSocket on one port.
    pub fn addr(&self) -> SocketAddr {
        self.front.addr()
    }

    /// Plain TCP on loopback, for [`crate::Link`] alone.
    pub fn internal_addr(&self) -> SocketAddr {
        self.engine.service_addr()
    }

    /// Reads certificate and key again; connections go on with what they have. Nothing to do without TLS.
    ///
    /// # Errors
    /// The files are not good; what is in force stays.
    pub fn reload_tls(&self) -> Result<(), BrokerError> {
        self.tls.as_ref().map_or(Ok(()), |tls| tls.reload())
    }

    /// Ends every session of `username`, subscriptions and queued messages included; it must authenticate again.
    pub async fn disconnect(&self, username: &str) {
        // With those that are just being authenticated, and no others: who comes later has asked the gate anew.
        let connections = self.registry.connections(Some(username));
        self.engine.end_sessions(self.engine.sessions(Some(username)).await).await;
        see_off(connections, FAREWELL).await;
    }

    /// Ends the sessions of all accounts but `username` that subscribed to exactly one of `filters`, those offline included.
    /// For a right that went to somebody else: rules are asked at SUBSCRIBE, not for each delivery.
    pub async fn end_other_subscribers(&self, filters: &[String], username: &str) {
        for other in self.engine.subscribers(filters).await.into_iter().filter(|other| other != username) {
            self.disconnect(&other).await;
        }
    }

    /// Clients connected now, the server's own not counted.
    pub fn connections(&self) -> usize {
        self.front.connections()
    }

    /// Stops listening, ends all sessions and closes all connections, in less than two seconds.
    pub async fn stop(&self) {
        self.front.close();
        let _ = tokio::time::timeout(STOP_TIMEOUT, self.engine.end_sessions(self.engine.sessions(None).await)).await;
        see_off(self.registry.connections(None), FAREWELL).await;
        self.engine.stop();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.front.close();
        self.registry.connections(None).iter().for_each(|connection| connection.cut.cancel());
        self.engine.stop();
    }
}
