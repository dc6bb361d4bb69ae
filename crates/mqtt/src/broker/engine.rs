//! rmqtt itself, on two loopback listeners: one behind the front, one for the service.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use rmqtt::context::ServerContext;
use rmqtt::fitter::{DefaultFitter, Fitter, FitterManager};
use rmqtt::net::{Builder, Listener};
use rmqtt::server::MqttServer;
use rmqtt::types::{CodecPublish, ConnectInfo, Disconnect, FitterType, Id, ListenerConfig, ListenerId};
use tokio::task::JoinHandle;

use super::registry::Registry;
use super::rules::Rules;
use super::{BrokerError, BrokerLimits};

/// Sessions one account may have at a time, offline ones included: a dock with two clients and some leftovers.
const MAX_SESSIONS_PER_ACCOUNT: usize = 32;

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

/// Ten years: long, and no clock overflows.
const RETAINED_FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Topic Aliases a client may use (MQTT 5, 3.2.2.3.8).
const MAX_TOPIC_ALIASES: u16 = 32;

pub(super) struct Engine {
    scx: ServerContext,
    registry: Arc<Registry>,
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
        *scx.extends.fitter_mgr_mut().await = Box::new(Fitters);
        Rules::install(&scx, registry.clone()).await;

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
        Ok(Self { scx, registry, docks: docks_addr, service: service_addr, server })
    }

    pub(super) fn docks_addr(&self) -> SocketAddr {
        self.docks
    }

    pub(super) fn service_addr(&self) -> SocketAddr {
        self.service
    }

    /// Of all accounts and the service, or of one account.
    pub(super) async fn sessions(&self, username: Option<&str>) -> Vec<Id> {
        let shared = self.scx.extends.shared().await;
        let of_account = |id: &Id| username.is_none_or(|username| id.username.as_deref() == Some(username));
        shared.iter().map(|entry| entry.id()).filter(of_account).collect()
    }

    /// The accounts with a subscription to exactly one of these filters; the service is none.
    pub(super) async fn subscribers(&self, filters: &[String]) -> BTreeSet<String> {
        let router = self.scx.extends.router().await;
        let mut accounts = BTreeSet::new();
        for filter in filters {
            let Some(sessions) = router.relations().get(filter.as_str()) else { continue };
            let docks = sessions.values().filter(|(id, _)| id.lid == DOCKS);
            accounts.extend(docks.filter_map(|(id, _)| id.username.as_ref().map(ToString::to_string)));
        }
        accounts
    }

    /// Disconnects and forgets these sessions, all at the same time.
    pub(super) async fn end_sessions(&self, sessions: Vec<Id>) {
        join_all(sessions.into_iter().map(|id| self.end_session(id))).await;
    }

    async fn end_session(&self, id: Id) {
        let mut entry = self.scx.extends.shared().await.entry(id.clone());
        if let Err(error) = entry.kick(true, true, true).await {
            tracing::debug!(%error, "a session did not answer when it was ended");
        }
        // rmqtt calls no hook for one that was offline.
        if !entry.exist() {
            self.registry.session_ended(id.username.as_deref().unwrap_or_default(), &id.client_id);
        }
    }

    /// Whether the account may have the session `name`. An account that has too many loses the oldest one that is offline:
    /// a client that never comes back with the same identifier must not lock itself out.
    pub(super) async fn make_room(&self, username: &str, name: &str) -> bool {
        let sessions = self.registry.sessions_of(username);
        if sessions.len() < MAX_SESSIONS_PER_ACCOUNT || sessions.iter().any(|known| known == name) {
            return true;
        }
        for session in sessions {
            let id = Id::new(self.scx.node.id(), DOCKS, None, None, session.into(), Some(username.to_owned().into()));
            if !self.scx.extends.shared().await.entry(id.clone()).is_connected().await {
                tracing::info!(dock.sn = username, "the oldest session that is offline makes room");
                self.end_session(id).await;
                return true;
            }
        }
        false
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

/// What a session may do, by listener and CONNECT: rmqtt's answers but two.
struct Fitters;

impl FitterManager for Fitters {
    fn create(&self, connect: Arc<ConnectInfo>, id: Id, listener: ListenerConfig) -> FitterType {
        let max_keepalive_s = listener.max_keepalive;
        Arc::new(Fit { default: DefaultFitter::new(connect, id, listener), max_keepalive_s })
    }
}

struct Fit {
    default: DefaultFitter,
    max_keepalive_s: u16,
}

impl Fitter for Fit {
    /// How long a message is retained. rmqtt reads zero as "never expires" for queued messages and as "already expired" for
    /// retained ones; only these come by here.
    fn message_expiry_interval(&self, publish: &CodecPublish) -> Duration {
        match self.default.message_expiry_interval(publish) {
            Duration::ZERO => RETAINED_FOREVER,
            interval => interval,
        }
    }

    /// How long a client may be silent. Zero asks for no limit and gets the longest there is: a client of MQTT 5 is told, and
    /// a server may part from a silent one of 3.1.1 at any time.
    fn keep_alive(&self, keep_alive_s: &mut u16) -> rmqtt::Result<u16> {
        if *keep_alive_s == 0 {
            *keep_alive_s = self.max_keepalive_s;
        }
        self.default.keep_alive(keep_alive_s)
    }
    fn max_mqueue_len(&self) -> usize {
        self.default.max_mqueue_len()
    }
    fn mqueue_rate_limit(&self) -> (NonZeroU32, Duration) {
        self.default.mqueue_rate_limit()
    }
    fn max_inflight(&self) -> NonZeroU16 {
        self.default.max_inflight()
    }
    fn session_expiry_interval(&self, disconnect: Option<&Disconnect>) -> Duration {
        self.default.session_expiry_interval(disconnect)
    }
    fn max_client_topic_aliases(&self) -> u16 {
        self.default.max_client_topic_aliases()
    }
    fn max_server_topic_aliases(&self) -> u16 {
        self.default.max_server_topic_aliases()
    }
}
