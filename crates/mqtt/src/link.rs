//! The server's MQTT client: MQTT 5, manual acks, subscribes again after every lost session.
//!
//! One task owns rumqttc's event loop and never waits for anybody while it should poll it:
//!
//! - What arrives goes into an inbox of `receive_maximum` places. The broker sends no more than that before it is
//!   acknowledged, so the inbox is full only of messages of an earlier connection, and then the rest waits beside it. A
//!   consumer that stops reading, or that itself waits in [`Link::publish`], therefore cannot stop acks and replies.
//!   QoS 0 knows no such window: what finds no place there is dropped and counted.
//! - An acknowledgement carries the number of the connection its message came by. After a reconnect the broker uses the
//!   same packet identifiers for other messages, and sends the unacknowledged ones again: an old acknowledgement is
//!   dropped.
//! - rumqttc forgets what was under way when the broker has no session for it, and keeps its own queue otherwise. Both are
//!   taken out when a connection is lost, and published anew on the next one before anything younger. The order is kept,
//!   a message may arrive twice, none is lost while the process lives.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

mod runner;
mod tls;

use runner::{Ack, Runner};

/// Publishes that wait to be sent, while connected or not; who comes later waits in [`Link::publish`].
const OUTBOX: usize = 4096;

/// PUBLISH around topic and payload: fixed header, topic length, packet identifier, no properties.
const PUBLISH_OVERHEAD_BYTES: usize = 5 + 2 + 2 + 1;

/// MQTT 5, 2.1.4: what a broker takes that names no limit.
const MAX_MQTT_PACKET_BYTES: u32 = 268_435_455;

#[derive(Clone)]
pub struct LinkConfig {
    pub host: String,
    pub port: u16,
    /// `mqtts`: verify the broker's certificate against the system's roots (or the PEM file given).
    pub tls: bool,
    pub ca_file: Option<PathBuf>,
    pub username: String,
    pub password: String,
    /// Stable across restarts, so that the broker keeps the session.
    pub client_id: String,
    pub subscriptions: Vec<String>,
    /// Unacknowledged messages the broker may have with us: the backpressure.
    pub receive_maximum: u16,
    pub max_packet_bytes: u32,
}

impl std::fmt::Debug for LinkConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("ca_file", &self.ca_file)
            .field("username", &self.username)
            .field("client_id", &self.client_id)
            .field("subscriptions", &self.subscriptions)
            .field("receive_maximum", &self.receive_maximum)
            .field("max_packet_bytes", &self.max_packet_bytes)
            .finish_non_exhaustive()
    }
}

/// A message of ours to publish, and whether we are connected. Cheap to clone.
#[derive(Clone)]
pub struct Link {
    outbox: mpsc::Sender<Outgoing>,
    ready: watch::Receiver<bool>,
    stopping: CancellationToken,
    stopped: CancellationToken,
    /// Of the broker, from its last CONNACK.
    max_packet_bytes: Arc<AtomicU32>,
}

/// A publish on its way.
#[derive(Clone)]
struct Outgoing {
    topic: String,
    payload: Bytes,
}

impl Outgoing {
    fn packet_bytes(&self) -> usize {
        self.topic.len() + self.payload.len() + PUBLISH_OVERHEAD_BYTES
    }

    fn fits(&self, max_packet_bytes: u32) -> bool {
        self.packet_bytes() <= max_packet_bytes as usize
    }
}

/// A message that arrived and is not acknowledged yet.
pub struct Received {
    pub topic: String,
    pub payload: Bytes,
    pub dup: bool,
    pub retain: bool,
    ack: Option<Ack>,
    acks: mpsc::UnboundedSender<Ack>,
}

impl Received {
    /// Sends PUBACK. Call it after what the message asked for is durable. Dropping without it leaves the message with
    /// the broker, which sends it again to the next session.
    ///
    /// Never waits: there are no more acknowledgements under way than messages not acknowledged.
    pub fn ack(self) {
        if let Some(ack) = self.ack {
            // The task is gone: so is the connection.
            let _ = self.acks.send(ack);
        }
    }
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Received")
            .field("topic", &self.topic)
            .field("bytes", &self.payload.len())
            .field("dup", &self.dup)
            .field("retain", &self.retain)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("not connected to the broker")]
    Disconnected,
    #[error("too many messages wait to be sent")]
    Full,
    #[error("the message of {bytes} bytes is larger than a packet may be ({max})")]
    TooLarge { bytes: usize, max: u32 },
    #[error("{0:?} is not a topic name")]
    Topic(String),
    #[error("the configuration of the MQTT link is wrong: {0}")]
    Config(String),
}

impl Link {
    /// Starts the client's task. It reconnects by itself, with back-off, until it is stopped.
    /// The receiver is bounded by `receive_maximum`. Must be called inside a tokio runtime.
    pub fn connect(config: LinkConfig) -> Result<(Self, mpsc::Receiver<Received>), LinkError> {
        let (outbox, outgoing) = mpsc::channel(OUTBOX);
        let (ready_tx, ready) = watch::channel(false);
        let (inbox, received) = mpsc::channel(usize::from(config.receive_maximum.max(1)));
        let link = Self {
            outbox,
            ready,
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
            max_packet_bytes: Arc::new(AtomicU32::new(MAX_MQTT_PACKET_BYTES)),
        };
        let runner =
            Runner::new(config, outgoing, inbox, ready_tx, link.stopping.clone(), link.max_packet_bytes.clone())?;
        let stopped = link.stopped.clone().drop_guard();
        tokio::spawn(async move {
            runner.run().await;
            drop(stopped);
        });
        Ok((link, received))
    }

    /// Publishes at QoS 1, not retained. Returns when the message is queued for sending; waits while the queue is full.
    /// [`LinkError::Disconnected`] after [`Link::stop`]; while only the connection is away, the queue takes it.
    pub async fn publish(&self, topic: &str, payload: Vec<u8>) -> Result<(), LinkError> {
        let message = self.check(topic, payload)?;
        self.outbox.send(message).await.map_err(|_| LinkError::Disconnected)
    }

    /// As [`Link::publish`], but with [`LinkError::Full`] instead of waiting.
    pub fn try_publish(&self, topic: &str, payload: Vec<u8>) -> Result<(), LinkError> {
        let message = self.check(topic, payload)?;
        self.outbox.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => LinkError::Full,
            mpsc::error::TrySendError::Closed(_) => LinkError::Disconnected,
        })
    }

    /// True while connected *and* subscribed.
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.clone()
    }

    /// Sends what is queued (two seconds at most), then DISCONNECT.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.stopped.cancelled().await;
    }

    fn check(&self, topic: &str, payload: Vec<u8>) -> Result<Outgoing, LinkError> {
        if self.stopping.is_cancelled() {
            return Err(LinkError::Disconnected);
        }
        if topic.is_empty() || topic.len() > usize::from(u16::MAX) || topic.contains(['+', '#', '\0']) {
            return Err(LinkError::Topic(topic.to_owned()));
        }
        let message = Outgoing { topic: topic.to_owned(), payload: payload.into() };
        let max = self.max_packet_bytes.load(Ordering::Relaxed);
        if message.fits(max) { Ok(message) } else { Err(LinkError::TooLarge { bytes: message.packet_bytes(), max }) }
    }
}
