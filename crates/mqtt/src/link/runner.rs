//! The task behind a [`Link`](super::Link).

use std::collections::VecDeque;
use std::net::Ipv6Addr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnAck, Filter, Packet, PubAckReason, Publish, SubAck, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Request};
use rumqttc::{NetworkOptions, Outgoing as Sent};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{LinkConfig, LinkError, MAX_MQTT_PACKET_BYTES, Outgoing, Received, tls};

/// Pause before the first reconnect; doubled each time.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// A broker that is gone without a word is noticed within two of these.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

const CONNECT_TIMEOUT_S: u64 = 5;

/// How long the broker keeps our session while we are away.
const SESSION_EXPIRY_S: u32 = 24 * 3600;

/// QoS 1 publishes that may wait for their PUBACK.
const MAX_UNACKED: u16 = 1000;

/// Publishes handed to rumqttc and not yet taken by it; the rest waits in the outbox.
const HANDED_OVER: usize = 64;

/// QoS 0 messages beyond the inbox.
const MAX_WAITING_QOS0: usize = 10_000;

/// What [`Link::stop`](super::Link::stop) takes at most.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// Which message, and of which connection.
pub(super) struct Ack {
    generation: u64,
    packet_id: u16,
}

pub(super) struct Runner {
    subscriptions: Vec<Filter>,
    client: AsyncClient,
    events: EventLoop,
    outbox: mpsc::Receiver<Outgoing>,
    inbox: mpsc::Sender<Received>,
    acks: mpsc::UnboundedReceiver<Ack>,
    acks_tx: mpsc::UnboundedSender<Ack>,
    ready: watch::Sender<bool>,
    stopping: CancellationToken,
    max_packet_bytes: Arc<AtomicU32>,
    /// Of a lost connection: published again before anything younger.
    unsent: VecDeque<Outgoing>,
    /// Arrived, and the inbox was full.
    waiting: VecDeque<Received>,
    /// Publishes in rumqttc's channel.
    handed_over: usize,
    /// Counts connections; true between CONNACK and the error that ends it.
    generation: u64,
    connected: bool,
    /// Whether this process ever subscribed: the session may be one of an earlier version of us.
    subscribed: bool,
    dropped_qos0: u64,
}

/// Why a connection ended.
enum End {
    Lost(String),
    Stopped,
}

impl Runner {
    pub(super) fn new(
        config: LinkConfig,
        outbox: mpsc::Receiver<Outgoing>,
        inbox: mpsc::Sender<Received>,
        ready: watch::Sender<bool>,
        stopping: CancellationToken,
        max_packet_bytes: Arc<AtomicU32>,
    ) -> Result<Self, LinkError> {
        if config.client_id.is_empty() {
            return Err(LinkError::Config("the client id is empty".to_owned()));
        }
        if config.receive_maximum == 0 {
            return Err(LinkError::Config("receive_maximum must be at least 1".to_owned()));
        }
        let subscriptions =
            config.subscriptions.iter().map(|path| Filter::new(path.clone(), QoS::AtLeastOnce)).collect();
        // Room for every acknowledgement there can be (twice, if a broker repeats itself), and for our publishes.
        let channel = 2 * usize::from(config.receive_maximum) + HANDED_OVER + 16;
        let (client, events) = AsyncClient::new(options(&config)?, channel);
        let (acks_tx, acks) = mpsc::unbounded_channel();
        Ok(Self {
            subscriptions,
            client,
            events,
            outbox,
            inbox,
            acks,
            acks_tx,
            ready,
            stopping,
            max_packet_bytes,
            unsent: VecDeque::new(),
            waiting: VecDeque::new(),
            handed_over: 0,
            generation: 0,
            connected: false,
            subscribed: false,
            dropped_qos0: 0,
        })
    }

    pub(super) async fn run(mut self) {
        let mut backoff = BACKOFF_MIN;
        let stopping = self.stopping.clone();
        loop {
            let end = tokio::select! {
                end = self.connection() => end,
                () = stopping.cancelled() => End::Stopped,
            };
            let was_ready = *self.ready.borrow();
            match end {
                End::Stopped => break,
                End::Lost(error) => {
                    self.lost();
                    if was_ready {
                        backoff = BACKOFF_MIN;
                    }
                    tracing::warn!(%error, retry_ms = backoff.as_millis(), "no connection to the MQTT broker");
                }
            }
            tokio::select! {
                () = sleep(backoff) => backoff = (backoff * 2).min(BACKOFF_MAX),
                () = stopping.cancelled() => break,
            }
        }
        self.finish().await;
        self.ready.send_replace(false);
    }

    /// Connects and serves until the connection is lost.
    async fn connection(&mut self) -> End {
        loop {
            match self.next_event().await {
                Ok(event) => {
                    if let Err(end) = self.on_event(event) {
                        return end;
                    }
                }
                Err(error) => return End::Lost(error.to_string()),
            }
        }
    }

    /// Polls rumqttc for one event and moves messages in the meantime. The poll is not dropped half way: it could lose what
    /// it is just writing. (Dropping it for good, when stopping, is [`Runner::finish`]'s concern.)
    async fn next_event(&mut self) -> Result<Event, ConnectionError> {
        let mut poll = pin!(self.events.poll());
        loop {
            tokio::select! {
                Some(ack) = self.acks.recv() => {
                    if self.connected && ack.generation == self.generation {
                        let message = Publish { pkid: ack.packet_id, qos: QoS::AtLeastOnce, ..Publish::default() };
                        if self.client.try_ack(&message).is_err() {
                            tracing::warn!(packet_id = ack.packet_id, "acknowledgement dropped: the broker repeats itself");
                        }
                    }
                }
                event = &mut poll => return event,
                Ok(place) = self.inbox.reserve(), if !self.waiting.is_empty() => {
                    place.send(self.waiting.pop_front().expect("the branch is closed while nothing waits"));
                }
                Some(message) = next(&mut self.unsent, &mut self.outbox), if self.connected && self.handed_over < HANDED_OVER => {
                    if message.fits(self.max_packet_bytes.load(Ordering::Relaxed)) {
                        hand_over(&self.client, message);
                        self.handed_over += 1;
                    } else {
                        // The broker would close the connection, each time again.
                        tracing::error!(topic = message.topic, bytes = message.payload.len(), "too large for the broker: dropped");
                    }
                }
            }
        }
    }

    fn on_event(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Incoming(Packet::ConnAck(connack)) => self.on_connack(&connack),
            Event::Incoming(Packet::SubAck(suback)) => self.on_suback(&suback),
            Event::Incoming(Packet::Publish(publish)) => {
                self.on_publish(publish);
                Ok(())
            }
            Event::Outgoing(Sent::Publish(_) | Sent::AwaitAck(_)) => {
                self.handed_over = self.handed_over.saturating_sub(1);
                Ok(())
            }
            Event::Incoming(Packet::PubAck(puback)) => {
                if !matches!(puback.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers) {
                    tracing::error!(reason = ?puback.reason, "the MQTT broker refused a message");
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn on_connack(&mut self, connack: &ConnAck) -> Result<(), End> {
        self.connected = true;
        let max = connack.properties.as_ref().and_then(|properties| properties.max_packet_size);
        self.max_packet_bytes.store(max.unwrap_or(MAX_MQTT_PACKET_BYTES), Ordering::Relaxed);
        tracing::info!(session_present = connack.session_present, "connected to the MQTT broker");
        if self.subscriptions.is_empty() || (connack.session_present && self.subscribed) {
            self.ready.send_replace(true);
            return Ok(());
        }
        self.client
            .try_subscribe_many(self.subscriptions.clone())
            .map_err(|error| End::Lost(format!("cannot subscribe: {error}")))
    }

    fn on_suback(&mut self, suback: &SubAck) -> Result<(), End> {
        let refused = suback
            .return_codes
            .iter()
            .zip(&self.subscriptions)
            .find(|(code, _)| !matches!(code, SubscribeReasonCode::Success(_)));
        match refused {
            Some((code, filter)) => {
                Err(End::Lost(format!("the broker refused to subscribe {}: {code:?}", filter.path)))
            }
            None => {
                self.subscribed = true;
                self.ready.send_replace(true);
                Ok(())
            }
        }
    }

    fn on_publish(&mut self, publish: Publish) {
        let Ok(topic) = String::from_utf8(publish.topic.to_vec()) else {
            // The codec does not check; the protocol forbids it ([MQTT-3.3.2-1]).
            tracing::warn!("a message whose topic is not UTF-8 was dropped");
            return;
        };
        let ack =
            (publish.qos != QoS::AtMostOnce).then_some(Ack { generation: self.generation, packet_id: publish.pkid });
        let unacknowledged = ack.is_some();
        let received = Received {
            topic,
            payload: publish.payload,
            dup: publish.dup,
            retain: publish.retain,
            ack,
            acks: self.acks_tx.clone(),
        };
        let received = if self.waiting.is_empty() {
            match self.inbox.try_send(received) {
                Ok(()) => return,
                Err(mpsc::error::TrySendError::Full(received)) => received,
                // Nobody reads any more: the broker keeps it.
                Err(mpsc::error::TrySendError::Closed(_)) => return,
            }
        } else {
            received
        };
        if unacknowledged || self.waiting.len() < MAX_WAITING_QOS0 {
            self.waiting.push_back(received);
        } else {
            self.dropped_qos0 += 1;
            if self.dropped_qos0.is_power_of_two() {
                tracing::warn!(dropped = self.dropped_qos0, "messages of QoS 0 dropped: nobody takes them");
            }
        }
    }

    /// Takes over what the lost connection leaves, so that nothing of it reaches the next one by itself.
    fn lost(&mut self) {
        self.ready.send_replace(false);
        self.connected = false;
        self.generation += 1;
        self.handed_over = 0;
        // Unacknowledged: the broker sends them again.
        self.waiting.clear();
        self.events.clean();
        self.events.state.events.clear();
        let collided = self.events.state.collision.take();
        let left = self.events.pending.drain(..).filter_map(|request| match request {
            Request::Publish(publish) => Some(publish),
            _ => None,
        });
        let left = left.chain(collided).filter_map(|publish| {
            let topic = String::from_utf8(publish.topic.to_vec()).ok()?;
            Some(Outgoing { topic, payload: publish.payload })
        });
        let younger = std::mem::take(&mut self.unsent);
        self.unsent = left.chain(younger).collect();
    }

    /// Sends what is queued and acknowledged before the stop, and says good-bye.
    async fn finish(&mut self) {
        self.outbox.close();
        let deadline = Instant::now() + STOP_TIMEOUT;
        let idle = |runner: &Self| {
            runner.unsent.is_empty()
                && runner.outbox.is_empty()
                && runner.acks.is_empty()
                && runner.handed_over == 0
                && runner.events.state.inflight() == 0
        };
        loop {
            if idle(self) {
                break;
            }
            match timeout_at(deadline, self.next_event()).await {
                Ok(Ok(event)) => {
                    let _ = self.on_event(event);
                }
                Ok(Err(_)) => {
                    self.lost();
                    sleep_until(deadline.min(Instant::now() + BACKOFF_MIN)).await;
                }
                Err(_) => {
                    let left = self.unsent.len() + self.outbox.len();
                    tracing::warn!(left, "messages to the MQTT broker were not sent before the end");
                    break;
                }
            }
        }
        if self.connected && self.client.try_disconnect().is_ok() {
            let deadline = deadline.max(Instant::now() + BACKOFF_MIN);
            while let Ok(Ok(event)) = timeout_at(deadline, self.events.poll()).await {
                if matches!(event, Event::Outgoing(Sent::Disconnect)) {
                    break;
                }
            }
        }
    }
}

/// The oldest first.
async fn next(unsent: &mut VecDeque<Outgoing>, outbox: &mut mpsc::Receiver<Outgoing>) -> Option<Outgoing> {
    match unsent.pop_front() {
        Some(message) => Some(message),
        None => outbox.recv().await,
    }
}

fn hand_over(client: &AsyncClient, message: Outgoing) {
    client
        .try_publish(message.topic, QoS::AtLeastOnce, false, message.payload)
        .expect("the channel has room for what may be handed over, and its other end is ours");
}

fn options(config: &LinkConfig) -> Result<MqttOptions, LinkError> {
    // rumqttc joins host and port with a colon, and takes the host as the name in the certificate.
    let host = match config.host.parse::<Ipv6Addr>() {
        Ok(ip) if !config.tls => format!("[{ip}]"),
        _ => config.host.clone(),
    };
    let mut options = MqttOptions::new(&config.client_id, host, config.port);
    if config.tls {
        options.set_transport(tls::transport(config.ca_file.as_deref())?);
    }
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options
        .set_credentials(&config.username, &config.password)
        .set_keep_alive(KEEP_ALIVE)
        .set_connection_timeout(CONNECT_TIMEOUT_S)
        .set_clean_start(false)
        .set_session_expiry_interval(Some(SESSION_EXPIRY_S))
        .set_receive_maximum(Some(config.receive_maximum))
        .set_max_packet_size(Some(config.max_packet_bytes))
        .set_outgoing_inflight_upper_limit(MAX_UNACKED)
        .set_manual_acks(true)
        .set_network_options(network);
    Ok(options)
}
