//! Who may do what: session credentials signed here, without state, and operators' keys that the hub knows.
//!
//! Every secret is derived from one master key, `HMAC-SHA256(master, label || 0 || access key id)`, with a label of its
//! own for each kind: a secret of one kind is never one of another, and none lies in a database. What a session may do
//! travels in its token, which is the claims and an HMAC over them; the claims name the access key id, so a token works
//! only with the secret it was made for. A dock's session holds a bucket and a prefix, an STS session the operator's key
//! it came from and the session policy. Ending a session early is not possible for a dock (it ends within its lifetime);
//! an STS session ends with its operator's key, because that is looked up at each request.
//!
//! Access key ids tell the kind: `EYRS` and 16 of A-Z2-7 are sessions, `EYRIE` and 15 of them operators' keys, and
//! `EYRIEINTERNAL` (13 characters, so never an operator's) signs the server's own download links.

use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use eyrie_env::{Clock, Random};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::presign;

/// Signs presigned GET and HEAD requests; good for nothing else.
pub(crate) const INTERNAL_KEY_ID: &str = "EYRIEINTERNAL";
const SESSION_ID_PREFIX: &str = "EYRS";
const KEY_ID_PREFIX: &str = "EYRIE";
/// Length of an operator's key id and of a session's, as AWS has them.
const KEY_ID_LEN: usize = 20;
/// Longest token looked at: a session policy of 2,048 characters, escaped as JSON and in base64, fits twice.
const MAX_TOKEN_LEN: usize = 16 * 1024;

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

impl KeyGrant {
    /// As `bucket`: every bucket. Honoured only where [`crate::s3::S3Config::allow_bucket_operations`] is on.
    pub const ANY_BUCKET: &str = "*";
}

/// What the hub knows of operators' keys and of objects, looked up at each request so that a revoked key ends at once.
#[async_trait::async_trait]
pub trait Keys: Send + Sync + 'static {
    /// `Ok(None)` for an unknown or revoked key. The secret is [`Issuer::key_secret`].
    async fn grant(&self, access_key_id: &str) -> Result<Option<KeyGrant>, Box<dyn std::error::Error + Send + Sync>>;

    /// A secret that was not derived from the master key, for keys made elsewhere. Asked only for keys that are granted
    /// something; `None`, the default, means [`Issuer::key_secret`].
    fn foreign_secret(&self, _access_key_id: &str) -> Option<String> {
        None
    }

    /// Whether the object may not be replaced, by nobody. Asked before each such request.
    async fn is_held(&self, _bucket: &str, _key: &str) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        Ok(false)
    }

    /// Told before an object is removed with this key, which is the moment to write it down. `Some`: why it may not be.
    async fn refuse_removal(
        &self,
        _access_key_id: &str,
        _bucket: &str,
        _key: &str,
    ) -> Result<Option<String>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(None)
    }
}

/// Signs and opens credentials with one master key (32 random bytes kept in the data directory, mode 0600).
#[derive(Clone)]
pub struct Issuer {
    master: [u8; 32],
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// What a session token says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    #[serde(rename = "k")]
    pub(crate) access_key_id: String,
    #[serde(rename = "e")]
    pub(crate) expires_at_s: i64,
    #[serde(rename = "s")]
    pub(crate) scope: Scope,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Scope {
    #[serde(rename = "d")]
    Dock { bucket: String, prefix: String },
    /// The rights of an operator's key, cut down by a session policy.
    #[serde(rename = "r")]
    Role { key_id: String, policy: Option<String> },
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// Not signed by this master key, or for another access key id.
    Invalid,
    Expired,
}

impl Issuer {
    pub fn new(master: [u8; 32], clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { master, clock, random }
    }

    /// A few microseconds, no I/O: `storage_config_get` calls it for each request.
    pub fn dock_session(&self, bucket: &str, prefix: &str, lifetime_s: u32) -> SessionCredentials {
        let scope = Scope::Dock { bucket: bucket.to_owned(), prefix: prefix.trim_end_matches('/').to_owned() };
        self.session(scope, lifetime_s)
    }

    /// A new operator's key id (`EYRIE` + 15 of A-Z2-7).
    pub fn new_key_id(&self) -> String {
        self.new_id(KEY_ID_PREFIX)
    }

    /// The secret of an operator's key: derived, so that none lies in the database.
    pub fn key_secret(&self, access_key_id: &str) -> String {
        self.secret("key-secret", access_key_id)
    }

    /// The MQTT password of a Pilot controller's login: derived, so that none lies in the database and a login page that
    /// was reloaded can be told it again. It is worth something only while the hub knows the login.
    pub fn controller_secret(&self, login_id: &str) -> String {
        self.secret("controller-secret", login_id)
    }

    /// A presigned GET URL (SigV4 query form) by the server's own internal key, which may read everything.
    /// `endpoint` is scheme and authority, without a path; `download_name` becomes response-content-disposition.
    /// A lifetime over seven days, the most that S3 knows, becomes seven days.
    pub fn presign_get(
        &self,
        endpoint: &str,
        region: &str,
        bucket: &str,
        key: &str,
        lifetime_s: u32,
        download_name: Option<&str>,
    ) -> String {
        self.signer("GET", region).url(endpoint, bucket, key, lifetime_s, download_name)
    }

    /// As [`Issuer::presign_get`] for a HEAD request: the method is part of what is signed.
    pub fn presign_head(
        &self,
        endpoint: &str,
        region: &str,
        bucket: &str,
        key: &str,
        lifetime_s: u32,
        download_name: Option<&str>,
    ) -> String {
        self.signer("HEAD", region).url(endpoint, bucket, key, lifetime_s, download_name)
    }

    fn signer<'a>(&self, method: &'static str, region: &'a str) -> presign::Signer<'a> {
        let (access_key_id, secret) = (INTERNAL_KEY_ID, self.internal_secret());
        presign::Signer { method, access_key_id, secret, region, now: self.clock.now() }
    }

    /// A session with the rights of `key_id`, cut down by `policy` (checked by the caller).
    pub(crate) fn role_session(&self, key_id: &str, policy: Option<String>, lifetime_s: u32) -> SessionCredentials {
        self.session(Scope::Role { key_id: key_id.to_owned(), policy }, lifetime_s)
    }

    pub(crate) fn is_session_id(access_key_id: &str) -> bool {
        access_key_id.len() == KEY_ID_LEN && access_key_id.starts_with(SESSION_ID_PREFIX)
    }

    pub(crate) fn session_secret(&self, access_key_id: &str) -> String {
        self.secret("session-secret", access_key_id)
    }

    pub(crate) fn internal_secret(&self) -> String {
        self.secret("internal-secret", INTERNAL_KEY_ID)
    }

    /// The claims of a token that this master key signed for `access_key_id` and that has not expired.
    pub(crate) fn open_token(&self, access_key_id: &str, token: &str) -> Result<Claims, TokenError> {
        let claims = self.verified_claims(token).filter(|claims| claims.access_key_id == access_key_id);
        let claims = claims.ok_or(TokenError::Invalid)?;
        // both are whole seconds, cut off: the last one counts, so that nobody gets less than was promised
        if self.clock.now_s() > claims.expires_at_s { Err(TokenError::Expired) } else { Ok(claims) }
    }

    pub(crate) fn now_s(&self) -> i64 {
        self.clock.now_s()
    }

    /// For request ids, so that tests repeat.
    pub(crate) fn new_request_id(&self) -> String {
        let mut bytes = [0; 10];
        self.random.fill(&mut bytes);
        base32(&bytes)
    }

    fn session(&self, scope: Scope, lifetime_s: u32) -> SessionCredentials {
        let access_key_id = self.new_id(SESSION_ID_PREFIX);
        let expires_at_s = self.clock.now_s() + i64::from(lifetime_s);
        let claims = Claims { access_key_id: access_key_id.clone(), expires_at_s, scope };
        let json = serde_json::to_vec(&claims).expect("claims are text and numbers");
        let signature = self.mac("session-token", &json).finalize().into_bytes();
        let [claims, signature] = [&json[..], &signature[..]].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        SessionCredentials {
            secret_access_key: self.session_secret(&access_key_id),
            access_key_id,
            session_token: format!("{claims}.{signature}"),
            expires_at_s,
        }
    }

    fn verified_claims(&self, token: &str) -> Option<Claims> {
        if token.len() > MAX_TOKEN_LEN {
            return None;
        }
        let (claims, signature) = token.split_once('.')?;
        let json = BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        // compares in constant time
        self.mac("session-token", &json).verify_slice(&signature).ok()?;
        serde_json::from_slice(&json).ok()
    }

    fn new_id(&self, prefix: &str) -> String {
        let mut bytes = [0; 10];
        self.random.fill(&mut bytes);
        let mut id = format!("{prefix}{}", base32(&bytes));
        id.truncate(KEY_ID_LEN);
        id
    }

    /// A key for something else that must stay the same over restarts; `label` is that purpose's own.
    pub fn derived_key(&self, label: &str, data: &[u8]) -> [u8; 32] {
        self.mac(&format!("key:{label}"), data).finalize().into_bytes().into()
    }

    /// 40 characters of A-Za-z0-9_-, which no shell, URL or configuration file needs to escape.
    fn secret(&self, label: &str, access_key_id: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(&self.mac(label, access_key_id.as_bytes()).finalize().into_bytes()[..30])
    }

    fn mac(&self, label: &str, data: &[u8]) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.master).expect("HMAC takes keys of any length");
        mac.update(label.as_bytes());
        mac.update(&[0]);
        mac.update(data);
        mac
    }
}

/// RFC 4648 without padding; whole for a multiple of five bytes, which is all we give it.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(bytes.len() * 8 / 5);
    for five in bytes.chunks_exact(5) {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        text.extend((0..8).rev().map(|at| char::from(ALPHABET[(bits >> (at * 5) & 31) as usize])));
    }
    text
}

#[cfg(test)]
mod tests {
    use eyrie_env::{ManualClock, SeededRandom};
    use jiff::Timestamp;

    use super::*;

    fn issuer(master: u8) -> (Issuer, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_700_000_000).unwrap()));
        (Issuer::new([master; 32], clock.clone(), Arc::new(SeededRandom::new(1))), clock)
    }

    #[test]
    fn a_session_opens_until_it_expires() {
        let (issuer, clock) = issuer(7);
        let session = issuer.dock_session("ws-1", "docks/SN1/", 3600);
        assert_eq!(session.expires_at_s, 1_700_003_600);
        let claims = issuer.open_token(&session.access_key_id, &session.session_token).unwrap();
        assert_eq!(claims.scope, Scope::Dock { bucket: "ws-1".into(), prefix: "docks/SN1".into() });
        clock.set(Timestamp::from_second(1_700_003_600).unwrap());
        assert!(issuer.open_token(&session.access_key_id, &session.session_token).is_ok());
        clock.set(Timestamp::from_second(1_700_003_601).unwrap());
        assert_eq!(issuer.open_token(&session.access_key_id, &session.session_token), Err(TokenError::Expired));
    }

    #[test]
    fn a_token_of_another_key_or_master_is_invalid() {
        let (issuer_a, _) = issuer(7);
        let (issuer_b, _) = issuer(8);
        let (one, two) = (issuer_a.dock_session("b", "p", 60), issuer_a.dock_session("b", "p", 60));
        assert_ne!(one.access_key_id, two.access_key_id);
        assert_eq!(issuer_a.open_token(&two.access_key_id, &one.session_token), Err(TokenError::Invalid));
        assert_eq!(issuer_b.open_token(&one.access_key_id, &one.session_token), Err(TokenError::Invalid));
        for at in [0, 10, one.session_token.len() - 2] {
            let mut bent = one.session_token.clone().into_bytes();
            bent[at] ^= 1;
            let bent = String::from_utf8_lossy(&bent).into_owned();
            assert_eq!(issuer_a.open_token(&one.access_key_id, &bent), Err(TokenError::Invalid));
        }
        for junk in ["", ".", "a.b", &"x".repeat(100_000)] {
            assert_eq!(issuer_a.open_token(&one.access_key_id, junk), Err(TokenError::Invalid));
        }
    }

    #[test]
    fn ids_and_secrets_have_the_length_that_clients_expect() {
        let (issuer, _) = issuer(7);
        let (key, session) = (issuer.new_key_id(), issuer.dock_session("b", "p", 60));
        for id in [&key, &session.access_key_id] {
            assert_eq!(id.len(), 20);
            assert!(id.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)), "{id}");
        }
        assert!(key.starts_with("EYRIE") && !Issuer::is_session_id(&key));
        assert!(Issuer::is_session_id(&session.access_key_id));
        assert_eq!(issuer.key_secret(&key).len(), 40);
        assert_eq!(issuer.key_secret(&key), issuer.key_secret(&key));
        assert_ne!(issuer.key_secret(&key), issuer.session_secret(&key));
    }

    #[test]
    fn base32_follows_rfc_4648() {
        assert_eq!(base32(b"fooba"), "MZXW6YTB");
    }
}
