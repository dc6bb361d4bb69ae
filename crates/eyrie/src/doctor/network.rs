//! Names, ports, certificates, time: what lies between a dock and the server.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket, lookup_host};

use crate::tls::provider;

const CONNECT: Duration = Duration::from_secs(5);
const NTP: Duration = Duration::from_secs(2);
/// Largest answer read, bytes.
const MAX_ANSWER: u64 = 64 * 1024;
/// Seconds from 1900, where NTP begins, to 1970.
const NTP_EPOCH: i64 = 2_208_988_800;

/// Whose certificates are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Of the authorities this machine knows.
    System,
    /// Every one: a bad certificate was told already.
    Anyone,
}

/// A part's address as docks are given it.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    resolved: Option<SocketAddr>,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Address {
    /// Scheme, host and perhaps a port.
    pub(super) fn parse(url: &str) -> anyhow::Result<Self> {
        let (scheme, rest) = url.split_once("://").context("it has no scheme")?;
        let (tls, usual) = match scheme {
            "http" => (false, 80),
            "https" => (true, 443),
            "mqtt" | "tcp" => (false, 1883),
            "mqtts" | "ssl" => (true, 8883),
            other => bail!("{other}:// is nothing this command speaks"),
        };
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().context("the port is not a number")?),
            _ => (rest, usual),
        };
        Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port, tls, resolved: None })
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    pub(super) async fn resolve(&mut self) -> anyhow::Result<()> {
        let found = lookup_host((self.host.as_str(), self.port)).await?.next();
        self.resolved = Some(found.context("the name is known but has no address")?);
        Ok(())
    }

    pub(super) fn ip(&self) -> String {
        self.resolved.map_or_else(|| "not resolved".to_owned(), |address| address.ip().to_string())
    }

    pub(super) async fn connect(&self) -> anyhow::Result<TcpStream> {
        let address = self.resolved.context("the name was not resolved")?;
        tokio::time::timeout(CONNECT, TcpStream::connect(address)).await.context("nobody answers")?.map_err(Into::into)
    }

    /// The certificate presented, after a whole handshake.
    pub(super) async fn certificate(&self, trust: Trust) -> anyhow::Result<Vec<u8>> {
        let stream = self.secure(trust).await?;
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().context("no certificate is presented")?;
        Ok(chain.first().context("no certificate is presented")?.to_vec())
    }

    async fn secure(&self, trust: Trust) -> anyhow::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let connector = tokio_rustls::TlsConnector::from(client_config(trust)?);
        let name = ServerName::try_from(self.host.clone()).context("the host name cannot be in a certificate")?;
        let handshake = connector.connect(name, self.connect().await?);
        Ok(tokio::time::timeout(CONNECT, handshake).await.context("the handshake does not end")??)
    }
}

/// For the MQTT client and our own requests.
pub(super) fn client_config(trust: Trust) -> anyhow::Result<Arc<ClientConfig>> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match trust {
        Trust::System => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            ensure!(!roots.is_empty(), "this machine knows no certificate authority (package ca-certificates)");
            builder.with_root_certificates(roots)
        }
        Trust::Anyone => builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAnyone(provider()))),
    };
    Ok(Arc::new(builder.with_no_client_auth()))
}

/// Checks that the server has the key of its certificate, and nothing else.
#[derive(Debug)]
struct AcceptAnyone(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A GET by hand; status and body.
pub(super) async fn get(address: &Address, path: &str, trust: Trust) -> anyhow::Result<(u16, Vec<u8>)> {
    if address.tls {
        exchange(address.secure(trust).await?, address, path).await
    } else {
        exchange(address.connect().await?, address, path).await
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    address: &Address,
    path: &str,
) -> anyhow::Result<(u16, Vec<u8>)> {
    let mut stream = stream;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").context("the answer is not HTTP")?;
    let head = String::from_utf8_lossy(&answer[..end]);
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).context("the answer is not HTTP")?;
    Ok((status, answer[end + 4..].to_vec()))
}

/// This machine's clock minus the time server's, seconds (RFC 4330).
pub(super) async fn clock_error_s(host: &str, port: u16) -> anyhow::Result<i64> {
    let ask = async {
        let server = lookup_host((host, port)).await?.next().context("the name has no address")?;
        let own: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
        let socket = UdpSocket::bind(own).await?;
        socket.connect(server).await?;
        let mut packet = [0; 48];
        // no leap warning, version 4, client
        packet[0] = 0b00_100_011;
        socket.send(&packet).await?;
        ensure!(socket.recv(&mut packet).await? == packet.len(), "the answer is too short");
        let sent = i64::from(u32::from_be_bytes([packet[40], packet[41], packet[42], packet[43]]));
        ensure!(sent != 0, "the server does not know the time itself");
        Ok(jiff::Timestamp::now().as_second() - (sent - NTP_EPOCH))
    };
    tokio::time::timeout(NTP, ask).await.context("no answer")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let address = Address::parse("mqtts://[::1]:8884/").unwrap();
        assert_eq!((address.host.as_str(), address.port, address.tls), ("::1", 8884, true));
        assert!(address.is_loopback());
        let address = Address::parse("https://s3.example.org").unwrap();
        assert_eq!((address.to_string().as_str(), address.is_loopback()), ("s3.example.org:443", false));
        assert!(Address::parse("ftp://x").is_err() && Address::parse("x:1").is_err());
    }
}
