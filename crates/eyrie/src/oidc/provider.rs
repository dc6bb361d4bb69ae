//! What is asked of the provider: who it is (discovery), its keys, tokens for a code, and more about a person.
//!
//! All it says is foreign: answers are bounded in size and time, redirects are not followed, and every address it names has to
//! be https. It is asked when somebody logs in and remembered for an hour, so that a provider that is down stops nobody's
//! work.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header;
use jiff::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::attempt::Attempt;
use super::claims::{self, Answer, Claims, Expected};
use crate::config::OidcConfig;

const CONNECT: Duration = Duration::from_secs(5);
/// A whole request.
const ANSWER: Duration = Duration::from_secs(10);
const MAX_ANSWER_BYTES: usize = 512 * 1024;
const REMEMBERED: Duration = Duration::from_secs(3_600);
/// After a failure, or for a key that is not known, the provider is asked again no sooner.
const ASK_AGAIN: Duration = Duration::from_secs(5);
const MAX_ADDRESS_BYTES: usize = 2_048;

/// OpenID Connect Discovery 1.0, section 3; unknown fields are passed over.
#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    /// RFC 9207.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

#[derive(Default)]
struct Remembered {
    metadata: Option<(Instant, Arc<Metadata>)>,
    keys: Option<(Instant, Arc<JwkSet>)>,
    failed_at: Option<Instant>,
}

pub(super) struct Provider {
    config: OidcConfig,
    issuer: String,
    client: OnceLock<Client>,
    remembered: Mutex<Remembered>,
    /// The newest, for those who cannot wait.
    last: parking_lot::RwLock<Option<Arc<Metadata>>>,
}

impl Provider {
    /// `None` when login through a provider is off.
    pub(super) fn new(config: &OidcConfig) -> Option<Self> {
        let issuer = config.issuer.clone()?;
        Some(Self {
            config: config.clone(),
            issuer,
            client: OnceLock::new(),
            remembered: Mutex::default(),
            last: parking_lot::RwLock::default(),
        })
    }

    /// Where the browser logs in.
    ///
    /// # Errors
    /// The provider cannot be asked, or says something else than it should.
    pub(super) async fn authorization_url(&self, attempt: &Attempt, redirect_uri: &str) -> anyhow::Result<String> {
        let metadata = self.metadata().await?;
        let scope = self.config.scopes.join(" ");
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.config.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", &scope),
            ("state", attempt.state()),
            ("nonce", &attempt.nonce),
            ("code_challenge", &attempt.code_challenge()),
            ("code_challenge_method", "S256"),
        ]);
        Ok(with_query(&metadata.authorization_endpoint, &query))
    }

    /// Where the session at the provider ends, as far as it said (OpenID Connect RP-Initiated Logout 1.0).
    pub(super) fn known_logout_url(&self, then: &str) -> Option<String> {
        let metadata = self.last.read().clone()?;
        let query = form(&[("client_id", &self.config.client_id), ("post_logout_redirect_uri", then)]);
        Some(with_query(metadata.end_session_endpoint.as_deref()?, &query))
    }

    /// An answer of another provider must not end up here (RFC 9207).
    pub(super) fn check_sender(&self, iss: Option<&str>) -> anyhow::Result<()> {
        let says_so =
            self.last.read().as_ref().is_some_and(|known| known.authorization_response_iss_parameter_supported);
        match iss {
            Some(iss) => ensure!(iss == self.issuer, "the answer is of another issuer"),
            None => ensure!(!says_so, "the answer does not say its issuer"),
        }
        Ok(())
    }

    /// Who is meant by a code.
    ///
    /// # Errors
    /// The provider does not take the code, or its token cannot be believed.
    pub(super) async fn redeem(
        &self,
        code: &str,
        attempt: &Attempt,
        redirect_uri: &str,
        now: Timestamp,
    ) -> anyhow::Result<Answer> {
        let metadata = self.metadata().await?;
        let tokens = self.tokens(&metadata, code, attempt, redirect_uri).await.context("the code was not redeemed")?;
        let mut claims = self.signed(&metadata, &tokens.id_token).await?;
        let client_id = &self.config.client_id;
        claims::check(&claims, &Expected { issuer: &self.issuer, client_id, nonce: &attempt.nonce, now })?;
        // many providers keep the ID token small and tell the rest here
        let known = |claims: &Claims, name: &str| claims::find(claims, name).is_some();
        let wanted = [&self.config.name_claim, &self.config.role_claim];
        if wanted.iter().any(|name| !known(&claims, name))
            && let (Some(endpoint), Some(token)) = (&metadata.userinfo_endpoint, &tokens.access_token)
        {
            let more = self.user_info(endpoint, token).await.context("the user info was not told")?;
            // section 5.3.2: it may be about somebody else
            ensure!(
                more.get("sub").is_some() && more.get("sub") == claims.get("sub"),
                "the user info is of another subject"
            );
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
        Answer::new(&self.config, &self.issuer, &claims)
    }

    async fn metadata(&self) -> anyhow::Result<Arc<Metadata>> {
        let mut remembered = self.remembered.lock().await;
        if let Some((at, metadata)) = &remembered.metadata
            && at.elapsed() < REMEMBERED
        {
            return Ok(Arc::clone(metadata));
        }
        if remembered.failed_at.is_some_and(|at| at.elapsed() < ASK_AGAIN) {
            bail!("the provider could not be asked a moment ago");
        }
        match self.discover().await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *remembered =
                    Remembered { metadata: Some((Instant::now(), Arc::clone(&metadata))), keys: None, failed_at: None };
                *self.last.write() = Some(Arc::clone(&metadata));
                Ok(metadata)
            }
            Err(error) => {
                remembered.failed_at = Some(Instant::now());
                Err(error.context(format!("{} cannot be asked who it is", self.issuer)))
            }
        }
    }

    async fn discover(&self) -> anyhow::Result<Metadata> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let metadata: Metadata = self.ask(self.client()?.get(url)).await?;
        ensure!(
            metadata.issuer == self.issuer,
            "it calls itself {:?}: oidc.issuer has to be the same",
            metadata.issuer
        );
        let optional = [&metadata.userinfo_endpoint, &metadata.end_session_endpoint];
        let named = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
        for address in named.into_iter().chain(optional.into_iter().flatten()) {
            ensure!(is_safe(address), "it names an address that is not https: {:?}", shown(address));
        }
        Ok(metadata)
    }

    async fn tokens(
        &self,
        metadata: &Metadata,
        code: &str,
        attempt: &Attempt,
        redirect_uri: &str,
    ) -> anyhow::Result<Tokens> {
        let (id, secret) = (self.config.client_id.as_str(), self.config.client_secret.0.as_str());
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", attempt.verifier.as_str()),
        ];
        let methods = &metadata.token_endpoint_auth_methods_supported;
        let supports = |name: &str| methods.iter().any(|method| method == name);
        let in_header = !secret.is_empty() && (methods.is_empty() || supports("client_secret_basic"));
        if !in_header {
            fields.push(("client_id", id));
            if !secret.is_empty() {
                fields.push(("client_secret", secret));
            }
        }
        let mut request = self.client()?.post(&metadata.token_endpoint).body(form(&fields));
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if in_header {
            // RFC 6749, section 2.3.1: both are form-encoded first
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
            request = request.header(header::AUTHORIZATION, format!("Basic {pair}"));
        }
        self.ask(request).await
    }

    async fn signed(&self, metadata: &Metadata, token: &str) -> anyhow::Result<Claims> {
        let (asked_at, keys) = self.keys(metadata, None).await?;
        if let Some(claims) = claims::verify_signature(token, &keys)? {
            return Ok(claims);
        }
        // a provider changes its keys now and then
        let (_, keys) = self.keys(metadata, Some(asked_at)).await?;
        claims::verify_signature(token, &keys)?.context("the ID token is not signed by the provider")
    }

    /// Newer ones than those asked for at `old`, unless that was a moment ago.
    async fn keys(&self, metadata: &Metadata, old: Option<Instant>) -> anyhow::Result<(Instant, Arc<JwkSet>)> {
        let mut remembered = self.remembered.lock().await;
        if let Some((at, keys)) = &remembered.keys {
            let known = old.map_or(at.elapsed() < REMEMBERED, |old| *at > old || at.elapsed() < ASK_AGAIN);
            if known {
                return Ok((*at, Arc::clone(keys)));
            }
        }
        let keys: serde_json::Value = self.ask(self.client()?.get(&metadata.jwks_uri)).await.context("its keys")?;
        let keys = Arc::new(usable_keys(keys));
        let at = Instant::now();
        remembered.keys = Some((at, Arc::clone(&keys)));
        Ok((at, keys))
    }

    async fn user_info(&self, endpoint: &str, token: &str) -> anyhow::Result<Claims> {
        self.ask(self.client()?.get(endpoint).header(header::AUTHORIZATION, format!("Bearer {token}"))).await
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let mut answer = request.header(header::ACCEPT, "application/json").send().await?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            ensure!(body.len().saturating_add(chunk.len()) <= MAX_ANSWER_BYTES, "the answer is too long");
            body.extend_from_slice(&chunk);
        }
        // its words for what is wrong are for the log; a token never is among them
        ensure!(status.is_success(), "status {status}: {:?}", shown(&String::from_utf8_lossy(&body)));
        serde_json::from_slice(&body).context("the answer is not what it should be")
    }

    fn client(&self) -> anyhow::Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = make_client(&self.config)?;
        Ok(self.client.get_or_init(|| client))
    }
}

fn make_client(config: &OidcConfig) -> anyhow::Result<Client> {
    let client = Client::builder()
        .tls_backend_preconfigured(crate::tls::client_config(config.ca_file.as_deref())?)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .user_agent("eyrie")
        .build()?;
    Ok(client)
}

/// Keys of a kind that is not known here are passed over; a set with one is none the worse.
fn usable_keys(set: serde_json::Value) -> JwkSet {
    let keys = set.get("keys").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    JwkSet { keys: keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect() }
}

/// https, or http on this machine alone.
pub(super) fn is_safe(address: &str) -> bool {
    if address.len() > MAX_ADDRESS_BYTES || !address.bytes().all(|byte| byte.is_ascii_graphic()) {
        return false;
    }
    let Ok(url) = address.parse::<http::Uri>() else { return false };
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let own = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => own,
        _ => false,
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn with_query(address: &str, query: &str) -> String {
    format!("{address}{}{query}", if address.contains('?') { '&' } else { '?' })
}

fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_leaves_this_machine() {
        for good in
            ["https://login.example.org/realms/x", "http://127.0.0.1:5556/dex", "http://[::1]:1", "http://localhost"]
        {
            assert!(is_safe(good), "{good}");
        }
        for bad in [
            "",
            "login.example.org",
            "http://login.example.org",
            "ftp://127.0.0.1",
            "https://",
            "https://a\r\nb",
            "/path",
        ] {
            assert!(!is_safe(bad), "{bad}");
        }
    }

    #[test]
    fn a_key_that_is_not_known_leaves_the_others() {
        let rsa = serde_json::json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a"});
        let set = serde_json::json!({"keys": [{"kty": "of tomorrow"}, 7, rsa]});
        assert_eq!(usable_keys(set).keys.len(), 1);
        for none in [serde_json::json!({}), serde_json::json!([]), serde_json::json!({"keys": "a"})] {
            assert!(usable_keys(none).keys.is_empty());
        }
    }

    #[test]
    fn a_query_joins_one_that_is_there() {
        assert_eq!(with_query("https://a/b?c=d", &form(&[("e", "f g&")])), "https://a/b?c=d&e=f+g%26");
        assert_eq!(with_query("https://a/b", "e=f"), "https://a/b?e=f");
    }
}
