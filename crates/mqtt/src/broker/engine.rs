//! rmqtt itself, on two loopback listeners: one behind the front, one for the service.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use rmqtt::context::ServerContext;
use rmqtt::net::{Builder, Listener};
use rmqtt::server::MqttServer;
use rmqtt::types::{Id, ListenerId};
use tokio::task::JoinHandle;

use super::registry::Registry;
use super::rules::Rules;
use super::{BrokerError, BrokerLimits};

/// rmqtt's names of the two listeners.
pub(super) const DOCKS: ListenerId = 1;
pub(super) const SERVICE: ListenerId = 2;

/// What may wait for the service: a fleet's callbacks all at once must not be dropped.
const SERVICE_MAX_QUEUED: usize = 200_000;
const SERVICE_MAX_INFLIGHT: u16 = 10_000;

/// How long a session is kept for a client that is away: always for 3.1.1, at most for 5.
const SESSION_EXPIRY: Duration = Duration::from_secs(24 * 3600);

/// How long rmqtt tries to write to a client that does not read.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// Topic Aliases a client may use (MQTT 5, 3.2.2.3.8).
const MAX_TOPIC_ALIASES: u16 = 32;

pub(super) struct Engine {
    scx: ServerContext,
    docks: SocketAddr,
    service: SocketAddr,
    server: JoinHandle<()>,
}

impl Engine {
    pub(super) async fn start(limits: &BrokerLimits, registry: Arc<Registry>) -> Result<Self, BrokerError> {
        let start_error = |error: rmqtt::Error| BrokerError::Start(format!("{error:#}"));
        let scx = ServerContext::new()
            .busy_check_enable(false)
            .plugins_config_map_add("rmqtt-retainer", retainer_config(limits))
            .plugins_config_map_add("rmqtt-shared-subscription", "strategy = \"round_robin\"\n")
            .build()
            .await;
        // Their names become part of rmqtt's registry: both features do nothing without their plugin.
        rmqtt_retainer::register(&scx, true, false).await.map_err(start_error)?;
        rmqtt_shared_subscription::register(&scx, true, false).await.map_err(start_error)?;
        Rules::install(&scx, registry).await;

        let docks = bind("docks", docks_listener(limits)).map_err(start_error)?;
        let service = bind("service", service_listener(limits)).map_err(start_error)?;
        let docks_addr = docks.local_addr().map_err(start_error)?;
        let service_addr = service.local_addr().map_err(start_error)?;
        let server = MqttServer::new(scx.clone()).listener_by_id(docks, DOCKS).listener_by_id(service, SERVICE).build();
        let server = tokio::spawn(async move {
            if let Err(error) = server.run().await {
                tracing::error!(%error, "the broker ended");
            }
        });
        Ok(Self { scx, docks: docks_addr, service: service_addr, server })
    }

    pub(super) fn docks_addr(&self) -> SocketAddr {
        self.docks
    }

    pub(super) fn service_addr(&self) -> SocketAddr {
        self.service
    }

    pub(super) async fn all_sessions(&self) -> Vec<String> {
        let shared = self.scx.extends.shared().await;
        shared.iter().map(|entry| entry.id().client_id.to_string()).collect()
    }

    /// Disconnects and forgets these sessions, all at the same time.
    pub(super) async fn end_sessions(&self, sessions: Vec<String>) {
        join_all(sessions.into_iter().map(|session| async move {
            let id = Id::new(self.scx.node.id(), DOCKS, None, None, session.into(), None);
            let mut entry = self.scx.extends.shared().await.entry(id);
            if let Err(error) = entry.kick(true, true, true).await {
                tracing::debug!(%error, "a session did not answer when it was ended");
            }
        }))
        .await;
    }

    pub(super) fn stop(&self) {
        self.server.abort();
    }
}

fn bind(name: &str, builder: Builder) -> Result<Listener, rmqtt::Error> {
    builder.name(name).laddr(([127, 0, 0, 1], 0).into()).bind()?.tcp()
}

fn docks_listener(limits: &BrokerLimits) -> Builder {
    common(limits)
        .max_inflight(NonZeroU16::new(limits.max_inflight).unwrap_or(NonZeroU16::MIN))
        .max_mqueue_len(limits.max_queued)
        .max_keepalive(limits.max_keepalive_s)
        .max_connections(limits.max_connections)
}

fn service_listener(limits: &BrokerLimits) -> Builder {
    common(limits)
        .max_inflight(NonZeroU16::new(SERVICE_MAX_INFLIGHT).unwrap_or(NonZeroU16::MIN))
        .max_mqueue_len(SERVICE_MAX_QUEUED)
}

fn common(limits: &BrokerLimits) -> Builder {
    Builder::new()
        .allow_anonymous(false)
        .nodelay(true)
        .max_packet_size(limits.max_packet_bytes)
        .handshake_timeout(limits.handshake_timeout)
        .max_handshaking_limit(limits.max_connections)
        .send_timeout(SEND_TIMEOUT)
        .session_expiry_interval(SESSION_EXPIRY)
        .max_session_expiry_interval(SESSION_EXPIRY)
        .max_topic_aliases(MAX_TOPIC_ALIASES)
        // A message expires when its sender said so, never by default.
        .message_expiry_interval(Duration::ZERO)
        // Within one connection nothing is sent twice ([MQTT-4.4.0-1]).
        .message_retry_interval(Duration::ZERO)
}

/// The size limit is never met: a larger payload would not fit in a packet. rmqtt logs what it drops by it.
fn retainer_config(limits: &BrokerLimits) -> String {
    format!("storage.type = \"ram\"\nmax_retained_messages = 0\nmax_payload_size = \"{}B\"\n", limits.max_packet_bytes)
}
