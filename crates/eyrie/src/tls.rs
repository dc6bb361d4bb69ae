//! TLS of the HTTP and S3 listeners: one certificate, read again on SIGHUP.
//!
//! The crypto provider is named here and nowhere left to a default: dependencies bring both `ring` and `aws-lc-rs`, and
//! rustls would refuse to choose.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use parking_lot::RwLock;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::config::Tls;

pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// What TLS handshakes are answered with; replaced as a whole.
#[derive(Clone)]
pub struct ServerTls {
    files: Tls,
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

impl ServerTls {
    /// # Errors
    /// The files cannot be read, are not PEM, or do not belong together.
    pub fn open(files: &Tls) -> anyhow::Result<Self> {
        Ok(Self { files: files.clone(), current: Arc::new(RwLock::new(server_config(files)?)) })
    }

    /// For the next handshake.
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read())
    }

    /// Reads the files again. Connections go on with what they have.
    ///
    /// # Errors
    /// As [`ServerTls::open`]; the certificate in force stays.
    pub fn reload(&self) -> anyhow::Result<()> {
        let new = server_config(&self.files)?;
        *self.current.write() = new;
        Ok(())
    }
}

/// # Errors
/// The files cannot be read, are not PEM, or do not belong together.
pub fn server_config(files: &Tls) -> anyhow::Result<Arc<ServerConfig>> {
    let chain = certificates(&files.cert_file)?;
    let key = PrivateKeyDer::from_pem_file(&files.key_file)
        .with_context(|| format!("{} holds no private key that can be read", files.key_file.display()))?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .context("the TLS versions are not offered by the crypto provider")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| {
            format!("{} and {} do not belong together", files.cert_file.display(), files.key_file.display())
        })?;
    Ok(Arc::new(config))
}

/// For what we ask of others: this machine's authorities and those of a PEM file are believed.
///
/// # Errors
/// The file cannot be read or holds no certificate.
pub fn client_config(ca_file: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = ca_file {
        roots.add_parsable_certificates(certificates(file)?);
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .context("the TLS versions are not offered by the crypto provider")?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The certificates in a PEM file, at least one.
///
/// # Errors
/// The file cannot be read or holds none.
pub fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = read.with_context(|| format!("{} cannot be read", file.display()))?;
    anyhow::ensure!(!chain.is_empty(), "{} holds no certificate", file.display());
    Ok(chain)
}

/// When a certificate ends (RFC 5280, `validity.notAfter`). `None` when it is not one.
pub fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (body, _) = der(certificate, 0x30)?;
    let (mut fields, _) = der(body, 0x30)?;
    // version [0], serial number, signature algorithm, issuer; then validity
    if fields.first() == Some(&0xa0) {
        fields = der(fields, 0xa0)?.1;
    }
    for tag in [0x02, 0x30, 0x30] {
        fields = der(fields, tag)?.1;
    }
    let (validity, _) = der(fields, 0x30)?;
    let after = der(validity, *validity.first()?)?.1;
    let tag = *after.first()?;
    let text = std::str::from_utf8(der(after, tag)?.0).ok()?;
    let full = match tag {
        // UTCTime: two digits, 1950 to 2049
        0x17 => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        0x18 => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| full.get(from..to);
    let written = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    );
    written.parse().ok()
}

/// The content of the first value, which must have `tag`, and what follows it.
fn der(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (&short, mut rest) = rest.split_first()?;
    if first != tag {
        return None;
    }
    let mut length = usize::from(short);
    if short & 0x80 != 0 {
        let count = usize::from(short & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        length = rest.get(..count)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        rest = &rest[count..];
    }
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_bytes_are_no_certificate() {
        for bytes in
            [&b""[..], b"\x30", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\x30\x04\x30\x02\xa0\x00", &[0x30; 64]]
        {
            assert_eq!(not_after(bytes), None);
        }
    }
}
