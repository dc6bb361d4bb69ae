//! The embedded broker: rmqtt with accounts and topic rules that are handed in.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What a connecting client says of itself.
#[derive(Debug)]
pub struct Login<'a> {
    pub client_id: &'a str,
    pub username: &'a str,
    pub password: &'a [u8],
    pub peer: SocketAddr,
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
    /// Asked for each PUBLISH and for the Will at CONNECT.
    fn may_publish(&self, username: &str, topic: &str, retain: bool) -> bool;
    /// Asked for each filter of a SUBSCRIBE, `$share/...` included and unstripped.
    fn may_subscribe(&self, username: &str, filter: &str) -> bool;
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

#[derive(Clone, Debug)]
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

pub struct Broker {}

#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("the broker cannot listen on {addr}")]
    Listen { addr: SocketAddr, source: std::io::Error },
    #[error("the broker cannot start: {0}")]
    Start(String),
}

impl Broker {
    pub async fn start(_config: BrokerConfig, _gate: Arc<dyn Gate>) -> Result<Self, BrokerError> {
        todo!()
    }
    /// Where docks connect: MQTT and MQTT over WebSocket on one port.
    pub fn addr(&self) -> SocketAddr {
        todo!()
    }
    /// Plain TCP on loopback, for [`crate::Link`] alone.
    pub fn internal_addr(&self) -> SocketAddr {
        todo!()
    }
    /// Ends every session of `username`; it must authenticate again.
    pub async fn disconnect(&self, _username: &str) {
        todo!()
    }
    /// Clients connected now.
    pub fn connections(&self) -> usize {
        todo!()
    }
    pub async fn stop(&self) {
        todo!()
    }
}
