//! What front and rules both know: who is connected, which sessions an account has, and what the front has announced.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use parking_lot::Mutex;
use rmqtt::codec::v5::DisconnectReasonCode;
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedMutexGuard, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Gate;

pub(super) struct Registry {
    pub(super) gate: Arc<dyn Gate>,
    service: (String, String),
    /// Loopback source addresses of the front's own connections to rmqtt, and who wants to know why one ends.
    relays: Mutex<HashMap<SocketAddr, Option<oneshot::Sender<DisconnectReasonCode>>>>,
    /// Connections by the username they claim, whether it was checked already or not.
    connections: Mutex<HashMap<String, HashMap<u64, Connection>>>,
    next_connection: AtomicU64,
    /// rmqtt's session names by username, the oldest first.
    sessions: Mutex<HashMap<String, Vec<String>>>,
    /// One connect at a time for each session name.
    connecting: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// Two ways to end: we cut it, or it has left.
#[derive(Clone, Default)]
pub(super) struct Connection {
    pub(super) cut: CancellationToken,
    left: CancellationToken,
}

impl Registry {
    pub(super) fn new(gate: Arc<dyn Gate>, service: (String, String)) -> Self {
        Self {
            gate,
            service,
            relays: Mutex::default(),
            connections: Mutex::default(),
            next_connection: AtomicU64::default(),
            sessions: Mutex::default(),
            connecting: Mutex::default(),
        }
    }

    pub(super) fn is_service_name(&self, username: &str) -> bool {
        self.service.0 == username
    }

    pub(super) fn is_service(&self, username: &str, password: &[u8]) -> bool {
        let name = self.service.0.as_bytes().ct_eq(username.as_bytes());
        let password = self.service.1.as_bytes().ct_eq(password);
        (name & password).into()
    }

    pub(super) fn announce(self: &Arc<Self>, from: SocketAddr) -> Announced {
        let (ended, why) = oneshot::channel();
        self.relays.lock().insert(from, Some(ended));
        Announced { registry: self.clone(), from, why }
    }

    pub(super) fn is_announced(&self, from: SocketAddr) -> bool {
        self.relays.lock().contains_key(&from)
    }

    /// rmqtt ends the connection that came from there.
    pub(super) fn ended(&self, from: SocketAddr, why: DisconnectReasonCode) {
        if let Some(ended) = self.relays.lock().get_mut(&from).and_then(Option::take) {
            let _ = ended.send(why);
        }
    }

    pub(super) fn enter(self: &Arc<Self>, username: &str) -> Entered {
        let id = self.next_connection.fetch_add(1, Ordering::Relaxed);
        let connection = Connection::default();
        self.connections.lock().entry(username.to_owned()).or_default().insert(id, connection.clone());
        Entered { registry: self.clone(), username: username.to_owned(), id, connection }
    }

    /// Of all accounts, or of one.
    pub(super) fn connections(&self, username: Option<&str>) -> Vec<Connection> {
        let connections = self.connections.lock();
        match username {
            Some(username) => connections.get(username).into_iter().flat_map(HashMap::values).cloned().collect(),
            None => connections.values().flat_map(HashMap::values).cloned().collect(),
        }
    }

    pub(super) fn session_created(&self, username: &str, session: &str) {
        let mut sessions = self.sessions.lock();
        let all = sessions.entry(username.to_owned()).or_default();
        if !all.iter().any(|known| known == session) {
            all.push(session.to_owned());
        }
    }

    pub(super) fn session_ended(&self, username: &str, session: &str) {
        let mut sessions = self.sessions.lock();
        if let Some(all) = sessions.get_mut(username) {
            all.retain(|known| known != session);
            if all.is_empty() {
                sessions.remove(username);
            }
        }
    }

    pub(super) fn sessions_of(&self, username: &str) -> Vec<String> {
        self.sessions.lock().get(username).into_iter().flatten().cloned().collect()
    }

    /// Waits until nobody else is connecting to this session.
    pub(super) async fn turn(self: &Arc<Self>, session: &str) -> Turn {
        let mutex = self.connecting.lock().entry(session.to_owned()).or_default().clone();
        let guard = mutex.lock_owned().await;
        Turn { registry: self.clone(), session: session.to_owned(), guard: Some(guard) }
    }
}

/// Cuts those of `connections` that have not left by themselves before `patience` ends.
pub(super) async fn see_off(connections: Vec<Connection>, patience: Duration) {
    let all_left = join_all(connections.iter().map(|connection| connection.left.cancelled()));
    if timeout(patience, all_left).await.is_err() {
        connections.iter().for_each(|connection| connection.cut.cancel());
    }
}

/// A connection of the front to rmqtt; forgotten on drop.
pub(super) struct Announced {
    registry: Arc<Registry>,
    from: SocketAddr,
    pub(super) why: oneshot::Receiver<DisconnectReasonCode>,
}

impl Drop for Announced {
    fn drop(&mut self) {
        self.registry.relays.lock().remove(&self.from);
    }
}

/// A connection that claims a username; forgotten on drop.
pub(super) struct Entered {
    registry: Arc<Registry>,
    username: String,
    id: u64,
    pub(super) connection: Connection,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.connection.left.cancel();
        let mut connections = self.registry.connections.lock();
        if let Some(all) = connections.get_mut(&self.username) {
            all.remove(&self.id);
            if all.is_empty() {
                connections.remove(&self.username);
            }
        }
    }
}

/// The right to connect to one session.
pub(super) struct Turn {
    registry: Arc<Registry>,
    session: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.guard = None;
        let mut connecting = self.registry.connecting.lock();
        // One reference is the map's; more are those who wait.
        if connecting.get(&self.session).is_some_and(|mutex| Arc::strong_count(mutex) == 1) {
            connecting.remove(&self.session);
        }
    }
}
