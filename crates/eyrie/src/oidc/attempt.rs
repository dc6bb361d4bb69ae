//! A login that began: what the browser must bring back, kept in a cookie of that browser and signed.
//!
//! The cookie is `SameSite=Lax`, since the provider's redirect comes from another site, and lives for minutes. The key is of this
//! process alone: after a restart a login begins again. A login that was finished is remembered until its cookie is worthless
//! anyway, so that nothing is finished twice.

use std::collections::VecDeque;

use axum_extra::extract::cookie::{Cookie, SameSite};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eyrie_env::Random;
use hmac::{Hmac, KeyInit as _, Mac as _};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::secret::token_hash;

pub(super) const COOKIE: &str = "eyrie_oidc";
/// For a password, a second factor and some thought.
const LIFETIME_S: i64 = 10 * 60;
/// Entropy of state, nonce and verifier each, bytes. 32 make the 43 letters that RFC 7636 asks of a verifier.
const RANDOM_BYTES: usize = 32;
/// Finished logins that are remembered; as many within one lifetime are not expected.
const MAX_SPENT: usize = 4_096;
const MAX_NEXT_BYTES: usize = 512;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Attempt {
    state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    /// Where to go when it is over: a path of this server.
    pub(super) next: String,
    /// Seconds since 1970.
    ends_at_s: i64,
}

impl Attempt {
    pub(super) fn new(app: &App, next: Option<&str>) -> Self {
        let random = || app.random_text(RANDOM_BYTES);
        Self {
            state: random(),
            nonce: random(),
            verifier: random(),
            next: next.filter(|next| is_own_path(next)).unwrap_or("/").to_owned(),
            ends_at_s: app.now().as_second().saturating_add(LIFETIME_S),
        }
    }

    pub(super) fn state(&self) -> &str {
        &self.state
    }

    /// RFC 7636, `S256`.
    pub(super) fn code_challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }

    pub(super) fn is_answered_by(&self, state: &str) -> bool {
        self.state.as_bytes().ct_eq(state.as_bytes()).into()
    }
}

/// Never another site: a redirect would make this server's name vouch for it.
fn is_own_path(next: &str) -> bool {
    next.len() <= MAX_NEXT_BYTES
        && next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

pub(super) struct Attempts {
    key: [u8; 32],
    spent: Mutex<VecDeque<[u8; 32]>>,
}

impl Attempts {
    pub(super) fn new(random: &dyn Random) -> Self {
        let mut key = [0; 32];
        random.fill(&mut key);
        Self { key, spent: Mutex::default() }
    }

    pub(super) fn cookie(&self, app: &App, attempt: &Attempt) -> Cookie<'static> {
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(attempt).expect("texts and a number are JSON"));
        let value = format!("{body}.{}", URL_SAFE_NO_PAD.encode(self.mac(&body).finalize().into_bytes()));
        let mut cookie = base(value);
        cookie.set_secure(app.config.tls.is_some() || app.urls.http.starts_with("https:"));
        cookie.set_max_age(std::time::Duration::from_secs(LIFETIME_S.unsigned_abs()).try_into().ok());
        cookie
    }

    /// What takes the cookie away.
    pub(super) fn no_cookie(&self) -> Cookie<'static> {
        base(String::new())
    }

    /// `None` for what was not made here, or is over.
    pub(super) fn read(&self, app: &App, value: &str) -> Option<Attempt> {
        let (body, mac) = value.split_once('.')?;
        self.mac(body).verify_slice(&URL_SAFE_NO_PAD.decode(mac).ok()?).ok()?;
        let attempt: Attempt = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        (app.now().as_second() < attempt.ends_at_s).then_some(attempt)
    }

    /// False when this one was finished before.
    pub(super) fn spend(&self, attempt: &Attempt) -> bool {
        let hash = token_hash(&attempt.state);
        let mut spent = self.spent.lock();
        if spent.contains(&hash) {
            return false;
        }
        if spent.len() >= MAX_SPENT {
            spent.pop_front();
        }
        spent.push_back(hash);
        true
    }

    fn mac(&self, body: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(body.as_bytes());
        mac
    }
}

fn base(value: String) -> Cookie<'static> {
    Cookie::build((COOKIE, value)).path("/oidc").http_only(true).same_site(SameSite::Lax).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_this_server_comes_after_a_login() {
        for good in ["/", "/w/default/flights?x=1", "/w/Alpha%20site/map"] {
            assert!(is_own_path(good), "{good}");
        }
        let long = format!("/{}", "x".repeat(MAX_NEXT_BYTES));
        for bad in
            ["", "https://evil.example", "//evil.example", "/\\evil.example", "/a\r\nb", "javascript:x", "/ä", &long]
        {
            assert!(!is_own_path(bad), "{bad}");
        }
    }

    #[test]
    fn a_challenge_is_the_one_of_rfc_7636() {
        let attempt = Attempt {
            state: String::new(),
            nonce: String::new(),
            // appendix B
            verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
            next: "/".into(),
            ends_at_s: 0,
        };
        assert_eq!(attempt.code_challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn an_attempt_is_finished_once() {
        let attempts = Attempts::new(&eyrie_env::SystemRandom);
        let attempt = |state: &str| Attempt {
            state: state.into(),
            nonce: String::new(),
            verifier: String::new(),
            next: "/".into(),
            ends_at_s: 0,
        };
        assert!(attempts.spend(&attempt("a")) && attempts.spend(&attempt("b")) && !attempts.spend(&attempt("a")));
        for n in 0..MAX_SPENT {
            assert!(attempts.spend(&attempt(&n.to_string())));
        }
        assert_eq!(attempts.spent.lock().len(), MAX_SPENT);
    }
}
