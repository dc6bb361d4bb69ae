//! Who may do what: session credentials signed here, without state, and operators' keys that the hub knows.

use std::sync::Arc;

use eyrie_env::{Clock, Random};

/// What a dock is given: good for writing below `prefix` of `bucket` until `expires_at_s`, for nothing else.
#[derive(Clone)]
pub struct SessionCredentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
    /// Seconds since 1970.
    pub expires_at_s: i64,
}

/// What an operator's key may do: everything (or reading) in one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyGrant {
    pub bucket: String,
    pub write: bool,
}

/// Operators' keys, looked up at each request so that a revoked key ends at once.
#[async_trait::async_trait]
pub trait Keys: Send + Sync + 'static {
    /// `Ok(None)` for an unknown or revoked key. The secret is [`Issuer::key_secret`].
    async fn grant(&self, access_key_id: &str) -> Result<Option<KeyGrant>, Box<dyn std::error::Error + Send + Sync>>;
}

/// Signs and opens credentials with one master key (32 random bytes kept in the data directory, mode 0600).
#[derive(Clone)]
pub struct Issuer {
    _clock: Arc<dyn Clock>,
    _random: Arc<dyn Random>,
}

impl Issuer {
    pub fn new(_master: [u8; 32], _clock: Arc<dyn Clock>, _random: Arc<dyn Random>) -> Self {
        todo!()
    }
    /// A few microseconds, no I/O: `storage_config_get` calls it for each request.
    pub fn dock_session(&self, _bucket: &str, _prefix: &str, _lifetime_s: u32) -> SessionCredentials {
        todo!()
    }
    /// A new operator's key id (`EYRIE` + 15 of A-Z2-7).
    pub fn new_key_id(&self) -> String {
        todo!()
    }
    /// The secret of an operator's key: derived, so that none lies in the database.
    pub fn key_secret(&self, _access_key_id: &str) -> String {
        todo!()
    }
    /// A presigned GET URL (SigV4 query form) by the server's own internal key, which may read everything.
    /// `endpoint` is scheme and authority, without a path; `download_name` becomes response-content-disposition.
    pub fn presign_get(
        &self,
        _endpoint: &str,
        _region: &str,
        _bucket: &str,
        _key: &str,
        _lifetime_s: u32,
        _download_name: Option<&str>,
    ) -> String {
        todo!()
    }
}
