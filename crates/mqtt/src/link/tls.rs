//! How the broker's certificate is checked.

use std::path::Path;
use std::sync::Arc;

use rumqttc::{TlsConfiguration, Transport};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::LinkError;

/// Trusts the certificates in `ca_file`, or else the system's.
pub(super) fn transport(ca_file: Option<&Path>) -> Result<Transport, LinkError> {
    let wrong = |what: String| LinkError::Config(what);
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let named = |error: &dyn std::fmt::Display| wrong(format!("{}: {error}", path.display()));
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| named(&error))? {
                roots.add(certificate.map_err(|error| named(&error))?).map_err(|error| named(&error))?;
            }
        }
        None => {
            // One certificate that cannot be read must not take the others away.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(wrong("no certificate authority to verify the broker with".to_owned()));
    }
    // Named, because the tree has two and rustls does not choose.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Transport::tls_with_config(TlsConfiguration::Rustls(Arc::new(config))))
}
