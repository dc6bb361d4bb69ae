//! The server's MQTT client: MQTT 5, manual acks, subscribes again after every lost session.

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

#[derive(Clone, Debug)]
pub struct LinkConfig {
    pub host: String,
    pub port: u16,
    /// `mqtts`: verify the broker's certificate against the system's roots (or the PEM file given).
    pub tls: bool,
    pub ca_file: Option<std::path::PathBuf>,
    pub username: String,
    pub password: String,
    /// Stable across restarts, so that the broker keeps the session.
    pub client_id: String,
    pub subscriptions: Vec<String>,
    /// Unacknowledged messages the broker may have with us: the backpressure.
    pub receive_maximum: u16,
    pub max_packet_bytes: u32,
}

/// A message of ours to publish, and whether we are connected. Cheap to clone.
#[derive(Clone)]
pub struct Link {}

/// A message that arrived and is not acknowledged yet.
pub struct Received {
    pub topic: String,
    pub payload: Bytes,
    pub dup: bool,
    pub retain: bool,
    // plus what ack() needs
}

impl Received {
    /// Sends PUBACK. Call it after what the message asked for is durable. Dropping without it leaves the message with
    /// the broker, which sends it again to the next session.
    pub fn ack(self) {
        todo!()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("not connected to the broker")]
    Disconnected,
    #[error("too many messages wait to be sent")]
    Full,
    #[error("the configuration of the MQTT link is wrong: {0}")]
    Config(String),
}

impl Link {
    /// Starts the client's task. It reconnects by itself, with back-off, until it is stopped.
    /// The receiver is bounded by `receive_maximum`.
    pub fn connect(_config: LinkConfig) -> Result<(Self, mpsc::Receiver<Received>), LinkError> {
        todo!()
    }
    /// Publishes at QoS 1, not retained. Returns when the message is queued for sending; waits while the queue is full.
    pub async fn publish(&self, _topic: &str, _payload: Vec<u8>) -> Result<(), LinkError> {
        todo!()
    }
    /// True while connected *and* subscribed.
    pub fn ready(&self) -> watch::Receiver<bool> {
        todo!()
    }
    /// Sends what is queued (bounded time), then DISCONNECT.
    pub async fn stop(&self) {
        todo!()
    }
}
