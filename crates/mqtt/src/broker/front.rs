//! The public port: tells transports apart, reads the CONNECT, asks the gate, relays.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use rmqtt::codec::version::{ProtocolVersion, VersionCodec};
use rmqtt::codec::{MqttCodec, MqttPacket, v5};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::codec::{Encoder, Framed, FramedParts};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::connect::{Answer, Connect, Denied, answer, codec, refuse};
use super::engine::Engine;
use super::registry::{Announced, Entered, Registry};
use super::wire::{BoxedWire, Opening, Tls, open};
use super::{BrokerLimits, Login};

/// How long the gate may think. Then the client is asked to come back.
const AUTHENTICATE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long rmqtt may take from CONNECT to CONNACK; it waits 5 s for a session that is taken over.
const CONNACK_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the last bytes may take once the other side is gone.
const LINGER: Duration = Duration::from_secs(2);

/// How long after rmqtt closed a connection its hook may take to say why.
const WHY: Duration = Duration::from_millis(200);

/// What is relayed at a time.
const RELAY_BUFFER_BYTES: usize = 8 * 1024;

/// A dead peer behind a silent network is noticed by TCP even if it asked for no keep-alive.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

/// What the log shows of a username that nobody vouched for.
const SHOWN_CHARS: usize = 64;

/// Pause after accept fails, as it does when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Front {
    addr: SocketAddr,
    relays: Arc<AtomicUsize>,
    closed: CancellationToken,
}

struct Shared {
    tls: Option<Arc<Tls>>,
    engine: Arc<Engine>,
    limits: BrokerLimits,
    registry: Arc<Registry>,
    /// Connections that have their CONNACK.
    relays: Arc<AtomicUsize>,
}

impl Front {
    pub(super) fn start(
        listener: TcpListener,
        tls: Option<Arc<Tls>>,
        engine: Arc<Engine>,
        limits: BrokerLimits,
        registry: Arc<Registry>,
    ) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let room = Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS)));
        let closed = CancellationToken::new();
        let relays = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new(Shared { tls, engine, limits, registry, relays: relays.clone() });
        tokio::spawn(accept(listener, room, closed.clone(), shared));
        Ok(Self { addr, relays, closed })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(super) fn connections(&self) -> usize {
        self.relays.load(Ordering::Relaxed)
    }

    /// Closes the listener and every connection that has no session yet.
    pub(super) fn close(&self) {
        self.closed.cancel();
    }
}

async fn accept(listener: TcpListener, room: Arc<Semaphore>, closed: CancellationToken, shared: Arc<Shared>) {
    let mut full = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closed.cancelled() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "the MQTT listener cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Over the limit a client is turned away at once; it may find room when it comes back.
        let Ok(permit) = room.clone().try_acquire_owned() else {
            if !std::mem::replace(&mut full, true) {
                tracing::warn!(%peer, "connections are refused: there are too many");
            }
            continue;
        };
        full = false;
        let (shared, closed) = (shared.clone(), closed.clone());
        let span = tracing::info_span!("mqtt.connection", %peer, dock.sn = Empty);
        let connection = async move {
            let _permit = permit;
            // On the heap, because it is large and the task stays as large as its largest part.
            let handshake = Box::pin(shared.handshake(stream, peer));
            let relay = tokio::select! {
                relay = handshake => relay,
                () = closed.cancelled() => None,
            };
            if let Some(relay) = relay {
                shared.relays.fetch_add(1, Ordering::Relaxed);
                relay.run().await;
                shared.relays.fetch_sub(1, Ordering::Relaxed);
            }
        };
        tokio::spawn(connection.instrument(span));
    }
}

impl Shared {
    /// From accept to CONNACK. `None` when it ended before.
    async fn handshake(&self, stream: TcpStream, peer: SocketAddr) -> Option<Relay> {
        let opened = timeout(self.limits.handshake_timeout, self.read_connect(stream)).await;
        let Ok(Some((mut client, mut connect))) = opened else {
            tracing::debug!(%peer, "no CONNECT");
            return None;
        };
        let username: String = connect.username().unwrap_or_default().chars().take(SHOWN_CHARS).collect();
        tracing::Span::current().record("dock.sn", username);
        // Before it is authenticated, so that disconnecting the account also ends who is just being checked.
        let entered = self.registry.enter(connect.username().unwrap_or_default());
        let cut = entered.connection.cut.clone();
        let admitted = tokio::select! {
            admitted = self.admit(&mut connect, peer) => admitted,
            () = cut.cancelled() => return None,
        };
        match admitted {
            Ok(assigned) => tokio::select! {
                relay = self.pass_on(client, connect, assigned, entered) => relay,
                () = cut.cancelled() => None,
            },
            Err(denied) => {
                tracing::info!(?denied, "connection refused");
                let _ = timeout(LINGER, refuse(&mut client, connect.version(), denied)).await;
                None
            }
        }
    }

    async fn read_connect(&self, stream: TcpStream) -> Option<(Framed<BoxedWire, MqttCodec>, Connect)> {
        stream.set_nodelay(true).ok()?;
        let keepalive = socket2::TcpKeepalive::new().with_time(TCP_KEEPALIVE);
        socket2::SockRef::from(&stream).set_tcp_keepalive(&keepalive).ok()?;
        let wire: BoxedWire = match &self.tls {
            Some(tls) => Box::new(tls.current().accept(stream).await.ok()?),
            None => Box::new(stream),
        };
        let (wire, read) = match open(wire, self.limits.max_packet_bytes).await.ok()? {
            Opening::Mqtt(wire, read) => (wire, read),
            Opening::WebSocket(wire) => (wire, BytesMut::new()),
        };
        let mut parts = FramedParts::new::<MqttPacket>(wire, MqttCodec::Version(VersionCodec));
        parts.read_buf = read;
        let mut client = Framed::from_parts(parts);
        let connect = Connect::read(&mut client, self.limits.max_packet_bytes).await?;
        Some((client, connect))
    }

    /// Checks the account and the Will, and names the session. Returns the Client Identifier that was assigned.
    async fn admit(&self, connect: &mut Connect, peer: SocketAddr) -> Result<Option<String>, Denied> {
        connect.check()?;
        let password = connect.take_password();
        let gate = &self.registry.gate;
        let username = match connect.username() {
            Some(username) => username.to_owned(),
            None if gate.allows_anonymous() => String::new(),
            None => return Err(Denied::NotAuthorized),
        };
        if connect.username().is_some() {
            if self.registry.is_service_name(&username) {
                return Err(Denied::BadUsernameOrPassword);
            }
            let login = Login { client_id: connect.client_id(), username: &username, password: &password, peer };
            timeout(AUTHENTICATE_TIMEOUT, gate.authenticate(&login)).await.map_err(|_| Denied::Unavailable)??;
        }
        if let Some(topic) = connect.will()
            && !gate.may_publish(&username, topic)
        {
            return Err(Denied::NotAuthorized);
        }
        connect.limit_keepalive(self.limits.max_keepalive_s);
        if connect.username().is_none() {
            return Ok(None);
        }
        let assigned = connect.name_session(&username);
        if self.engine.make_room(&username, connect.client_id()).await {
            Ok(assigned)
        } else {
            Err(Denied::TooManySessions)
        }
    }

    /// Hands the CONNECT to rmqtt and its CONNACK to the client.
    async fn pass_on(
        &self,
        mut client: Framed<BoxedWire, MqttCodec>,
        connect: Connect,
        assigned: Option<String>,
        entered: Entered,
    ) -> Option<Relay> {
        let version = connect.version();
        let _turn = self.registry.turn(connect.client_id()).await;
        let stream = TcpStream::connect(self.engine.docks_addr()).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let announced = self.registry.announce(stream.local_addr().ok()?);
        // Unlimited: rmqtt's own limit holds, and the session's name makes the packet longer than what the client sent.
        let mut engine = Framed::new(stream, codec(version, 0));
        engine.send(connect.into_packet()).await.ok()?;
        let Ok(Some(Ok((packet, _)))) = timeout(CONNACK_TIMEOUT, engine.next()).await else {
            let _ = timeout(LINGER, refuse(&mut client, version, Denied::Unavailable)).await;
            return None;
        };
        match answer(packet, assigned)? {
            Answer::Accepted(packet) => {
                client.send(packet).await.ok()?;
                Some(Relay { version, client, engine, entered, announced })
            }
            Answer::Refused(packet) => {
                let _ = timeout(LINGER, client.send(packet)).await;
                let _ = timeout(LINGER, client.close()).await;
                None
            }
        }
    }
}

/// A client and its session in rmqtt.
struct Relay {
    version: ProtocolVersion,
    client: Framed<BoxedWire, MqttCodec>,
    engine: Framed<TcpStream, MqttCodec>,
    entered: Entered,
    announced: Announced,
}

impl Relay {
    /// Until one side closes or the account is disconnected.
    async fn run(self) {
        let Self { version, client, engine, entered, announced } = self;
        let (client, engine) = (client.into_parts(), engine.into_parts());
        let (mut client_read, mut client_write) = tokio::io::split(client.io);
        let (mut engine_read, mut engine_write) = engine.io.into_split();
        let (client_first, engine_first) = (client.read_buf.freeze(), engine.read_buf.freeze());
        let closed_by_engine = {
            let up = async {
                let _ = pump(&mut client_read, &mut engine_write, client_first).await;
                let _ = engine_write.shutdown().await;
            };
            let down = pump(&mut engine_read, &mut client_write, engine_first);
            tokio::pin!(up, down);
            tokio::select! {
                // rmqtt may still have something to say.
                () = &mut up => { let _ = timeout(LINGER, down).await; false }
                _ = &mut down => true,
                () = entered.connection.cut.cancelled() => false,
            }
        };
        let farewell = async {
            if closed_by_engine && version == ProtocolVersion::MQTT5 {
                send_disconnect(&mut client_write, announced).await;
            }
            let _ = client_write.shutdown().await;
            if closed_by_engine {
                // What the client was still sending would be answered by a reset, which overtakes the DISCONNECT.
                while !matches!(read_some(&mut client_read).await, Ok(None) | Err(_)) {}
            }
        };
        let _ = timeout(LINGER, farewell).await;
    }
}

/// Tells a client of MQTT 5 why ([MQTT-4.13.2-1]). rmqtt closes the connection before it would send its own DISCONNECT.
async fn send_disconnect(to: &mut (impl AsyncWrite + Unpin), mut announced: Announced) {
    let Ok(Ok(reason_code)) = timeout(WHY, &mut announced.why).await else { return };
    let disconnect = v5::Disconnect { reason_code, ..Default::default() };
    let mut packet = BytesMut::new();
    if v5::Codec::new(0, 0).encode(v5::Packet::Disconnect(disconnect), &mut packet).is_ok() {
        let _ = to.write_all(&packet).await;
    }
}

/// Copies until the end of `from`, beginning with what was read of it already.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    already_read: Bytes,
) -> io::Result<()> {
    let mut next = Some(already_read);
    while let Some(bytes) = next {
        to.write_all(&bytes).await?;
        to.flush().await?;
        drop(bytes);
        next = read_some(from).await?;
    }
    Ok(())
}

/// What there is, `None` at the end. The buffer is on the stack while there is nothing: most connections are idle.
async fn read_some(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Bytes>> {
    poll_fn(|context| {
        let mut buffer = [MaybeUninit::uninit(); RELAY_BUFFER_BYTES];
        let mut buffer = ReadBuf::uninit(&mut buffer);
        ready!(Pin::new(&mut *from).poll_read(context, &mut buffer))?;
        let read = buffer.filled();
        Poll::Ready(Ok((!read.is_empty()).then(|| Bytes::copy_from_slice(read))))
    })
    .await
}
