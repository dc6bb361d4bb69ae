//! One accept loop for the API and for S3: named limits, TLS, a graceful end.
//!
//! HTTP/1.1 only: docks, S3 clients and proxies all speak it, and its limits are few enough to be named here. A full
//! listener leaves new connections in the system's queue until one ends; the time-outs see to it that one does.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::ConnectInfo;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::config::ListenerLimits;
use crate::tls::ServerTls;

/// Pause after `accept` failed for want of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What one connection reads ahead at most, bytes: large enough that an upload is not a rain of small reads.
const READ_BUFFER: usize = 256 * 1024;

/// Whose listener it is, in metrics and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Http,
    S3,
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::S3 => "s3",
        }
    }

    /// What a request in hand is given after `stop`: an upload may end, an event stream never does by itself.
    fn grace(self) -> Duration {
        match self {
            Self::Http => Duration::from_secs(2),
            Self::S3 => Duration::from_secs(5),
        }
    }
}

/// Serves until `stop`; then lets the requests in hand end, for some seconds. Returns when the last connection is closed.
pub async fn serve<S, B>(
    part: Part,
    listener: TcpListener,
    tls: Option<ServerTls>,
    limits: ListenerLimits,
    service: S,
    stop: CancellationToken,
) where
    S: Service<hyper::Request<Incoming>, Response = hyper::Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let free = Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS)));
    let connections = TaskTracker::new();
    // dropped with this future: what is then still open ends
    let cut = CancellationToken::new();
    let _cut_on_drop = cut.clone().drop_guard();
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&free).acquire_owned() => place.expect("the semaphore is never closed"),
        };
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(part = part.as_str(), %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let (tls, limits, service, stop, cut) =
            (tls.clone(), limits.clone(), service.clone(), stop.clone(), cut.clone());
        let span = tracing::info_span!("connection", part = part.as_str(), %peer);
        let connection = async move {
            let gauge = metrics::gauge!("eyrie_connections", "part" => part.as_str());
            gauge.increment(1.0);
            tokio::select! {
                () = cut.cancelled() => {}
                () = connection(part, stream, peer, tls, limits, service, stop) => {}
            }
            gauge.decrement(1.0);
            drop(place);
        };
        connections.spawn(connection.instrument(span));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn connection<S, B>(
    part: Part,
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<ServerTls>,
    limits: ListenerLimits,
    service: S,
    stop: CancellationToken,
) where
    S: Service<hyper::Request<Incoming>, Response = hyper::Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // without it a small answer waits for the peer's delayed acknowledgement
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    let stream = IdleTimeout::new(stream, limits.idle_timeout);
    let outcome = match tls {
        None => speak_http(part, stream, peer, &limits, service, stop).await,
        Some(tls) => {
            let handshake = tokio_rustls::TlsAcceptor::from(tls.current()).accept(stream);
            match tokio::time::timeout(limits.header_timeout, handshake).await {
                Ok(Ok(stream)) => speak_http(part, stream, peer, &limits, service, stop).await,
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Err("the TLS handshake took too long".into()),
            }
        }
    };
    if let Err(error) = outcome {
        // a peer's doing, in nearly all cases
        tracing::debug!(error = %crate::log_chain(&*error), "connection ended");
    }
}

async fn speak_http<I, S, B>(
    part: Part,
    stream: I,
    peer: SocketAddr,
    limits: &ListenerLimits,
    service: S,
    stop: CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    I: AsyncRead + AsyncWrite + Unpin + Send,
    S: Service<hyper::Request<Incoming>, Response = hyper::Response<B>> + Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let (method, started) = (request.method().clone(), Instant::now());
        let answer = service.call(request);
        async move {
            let answer = answer.await;
            if part == Part::S3 {
                // the API counts by route, where the route is known
                let status = answer.as_ref().map_or(500, |answer| answer.status().as_u16());
                let labels = [("method", known(&method)), ("status", status.to_string())];
                metrics::histogram!("eyrie_s3_request_duration_seconds", &labels)
                    .record(started.elapsed().as_secs_f64());
            }
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(limits.max_header_bytes)
        .max_buf_size(READ_BUFFER.max(limits.max_header_bytes))
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        outcome = &mut connection => outcome?,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            if let Ok(outcome) = tokio::time::timeout(part.grace(), connection).await {
                outcome?;
            }
        }
    }
    Ok(())
}

/// A method's name; foreign words do not become labels.
fn known(method: &http::Method) -> String {
    let usual = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"];
    if usual.contains(&method.as_str()) { method.to_string() } else { "other".to_owned() }
}

/// Ends a connection on which no byte moved, in either direction, for some time.
struct IdleTimeout {
    stream: TcpStream,
    allowed: Duration,
    deadline: Pin<Box<Sleep>>,
}

impl IdleTimeout {
    fn new(stream: TcpStream, allowed: Duration) -> Self {
        Self { stream, allowed, deadline: Box::pin(tokio::time::sleep(allowed)) }
    }

    fn moved(&mut self) {
        let next = Instant::now() + self.allowed;
        self.deadline.as_mut().reset(next);
    }

    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "nothing moved on the connection for too long"))
    }
}

impl AsyncRead for IdleTimeout {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Pending => this.poll_idle(context).map(Err),
            done => {
                this.moved();
                done
            }
        }
    }
}

impl AsyncWrite for IdleTimeout {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match Pin::new(&mut this.stream).poll_write(context, bytes) {
            Poll::Pending => this.poll_idle(context).map(Err),
            done => {
                this.moved();
                done
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match Pin::new(&mut this.stream).poll_write_vectored(context, parts) {
            Poll::Pending => this.poll_idle(context).map(Err),
            done => {
                this.moved();
                done
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
