//! What bytes travel on: TCP, TLS, and WebSocket over either.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt, future};
use parking_lot::RwLock;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::io::{CopyToBytes, SinkWriter, StreamReader};

use super::BrokerError;

/// Memory of an idle WebSocket is mostly this.
const WEBSOCKET_BUFFER_BYTES: usize = 4 * 1024;

/// Subprotocols of MQTT: the registered one ([MQTT-6.0.0-4]) and that of older clients.
const SUBPROTOCOLS: [&str; 2] = ["mqtt", "mqttv3.1"];

pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Wire for T {}

pub(super) type BoxedWire = Box<dyn Wire>;

/// What TLS handshakes are answered with; replaced as a whole.
pub(super) struct Tls {
    chain: PathBuf,
    key: PathBuf,
    current: RwLock<TlsAcceptor>,
}

impl Tls {
    pub(super) fn open(chain: &Path, key: &Path) -> Result<Self, BrokerError> {
        let current = RwLock::new(acceptor(chain, key)?);
        Ok(Self { chain: chain.to_owned(), key: key.to_owned(), current })
    }

    /// For the next handshake.
    pub(super) fn current(&self) -> TlsAcceptor {
        self.current.read().clone()
    }

    /// Reads the files again; what is in force stays when they are not good.
    pub(super) fn reload(&self) -> Result<(), BrokerError> {
        let new = acceptor(&self.chain, &self.key)?;
        *self.current.write() = new;
        Ok(())
    }
}

fn acceptor(chain: &Path, key: &Path) -> Result<TlsAcceptor, BrokerError> {
    let pem_error =
        |path: &Path, error: &dyn std::fmt::Display| BrokerError::Start(format!("{}: {error}", path.display()));
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(|all| all.collect::<Result<Vec<_>, _>>())
        .map_err(|error| pem_error(chain, &error))?;
    let private_key = PrivateKeyDer::from_pem_file(key).map_err(|error| pem_error(key, &error))?;
    // Named, because the tree has two and rustls does not choose.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| BrokerError::Start(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, private_key)
        .map_err(|error| pem_error(chain, &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// What the first bytes are.
pub(super) enum Opening {
    /// MQTT: the bytes read so far.
    Mqtt(BoxedWire, BytesMut),
    WebSocket(BoxedWire),
}

/// Reads until it is plain what the client speaks. A CONNECT begins with 0x10, a request for an upgrade with `GET `.
pub(super) async fn open(mut wire: BoxedWire, max_packet_bytes: u32) -> io::Result<Opening> {
    let mut first = BytesMut::with_capacity(512);
    if wire.read_buf(&mut first).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if first[0] != b'G' {
        return Ok(Opening::Mqtt(wire, first));
    }
    let (read, write) = tokio::io::split(wire);
    let replayed: BoxedWire = Box::new(tokio::io::join(io::Cursor::new(first.freeze()).chain(read), write));
    Ok(Opening::WebSocket(websocket(replayed, max_packet_bytes).await?))
}

async fn websocket(wire: BoxedWire, max_packet_bytes: u32) -> io::Result<BoxedWire> {
    let max = max_packet_bytes as usize;
    let config = WebSocketConfig::default()
        .read_buffer_size(WEBSOCKET_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(max + 2 * WEBSOCKET_BUFFER_BYTES)
        .max_message_size(Some(max))
        .max_frame_size(Some(max));
    let socket = accept_hdr_async_with_config(wire, choose_subprotocol, Some(config)).await.map_err(to_io)?;
    let (sink, stream) = socket.split();
    // Control frames carry nothing for us; MQTT in text frames is an error ([MQTT-6.0.0-1]).
    let stream = stream.filter_map(|message| {
        future::ready(match message {
            Ok(Message::Binary(bytes)) if bytes.is_empty() => None,
            Ok(Message::Binary(bytes)) => Some(Ok(bytes)),
            Ok(Message::Text(_)) => Some(Err(io::ErrorKind::InvalidData.into())),
            Ok(_) => None,
            Err(tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed) => None,
            Err(error) => Some(Err(to_io(error))),
        })
    });
    let sink = sink.with(|bytes: Bytes| future::ready(Ok::<_, tungstenite::Error>(Message::Binary(bytes))));
    let sink = sink.sink_map_err(to_io);
    Ok(Box::new(tokio::io::join(StreamReader::new(stream), SinkWriter::new(CopyToBytes::new(sink)))))
}

#[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
fn choose_subprotocol(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let offered = request.headers().get_all("Sec-WebSocket-Protocol");
    let chosen = offered
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .find_map(|name| SUBPROTOCOLS.into_iter().find(|known| name.trim().eq_ignore_ascii_case(known)));
    match chosen {
        Some(name) => {
            response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(name));
            Ok(response)
        }
        None => {
            let mut refused = ErrorResponse::new(Some("this port speaks the WebSocket subprotocol mqtt\n".to_owned()));
            *refused.status_mut() = StatusCode::BAD_REQUEST;
            Err(refused)
        }
    }
}

fn to_io(error: tungstenite::Error) -> io::Error {
    match error {
        tungstenite::Error::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}
