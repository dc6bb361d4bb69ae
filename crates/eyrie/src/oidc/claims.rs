//! Whether an ID token is to be believed (OpenID Connect Core 1.0, section 3.1.3.7), and what its claims mean here.
//!
//! The signature is checked by `jsonwebtoken` with one of the provider's own keys and an asymmetric algorithm; the rest, the clock
//! included, is checked here, so that every rule can be read in one place.

use anyhow::{Context as _, bail, ensure};
use eyrie_catalogue::Role;
use jiff::Timestamp;
use jsonwebtoken::jwk::{JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use crate::config::OidcConfig;

pub(super) type Claims = Map<String, Value>;

/// The provider's clock may be off by so much.
const LEEWAY_S: f64 = 60.0;
/// Keys of a provider that are tried.
const MAX_KEYS: usize = 64;
/// OpenID Connect Core 1.0, section 2.
const MAX_SUBJECT_BYTES: usize = 255;
const MAX_GROUPS: usize = 2_000;

/// What a provider may sign with. A key shared with us (`HS256`) is none of these: the client's secret would make tokens.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Somebody, as the provider says.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) name: Option<String>,
    pub(super) groups: Vec<String>,
}

impl Answer {
    pub(super) fn new(config: &OidcConfig, issuer: &str, claims: &Claims) -> anyhow::Result<Self> {
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        ensure!((1..=MAX_SUBJECT_BYTES).contains(&subject.len()), "sub is missing or too long");
        Ok(Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            name: find(claims, &config.name_claim).and_then(Value::as_str).map(str::to_owned),
            groups: texts(find(claims, &config.role_claim)),
        })
    }

    /// `None`: this person stays out.
    pub(super) fn role(&self, config: &OidcConfig) -> Option<Role> {
        let is_in = |group: &str| self.groups.iter().any(|own| own == group);
        if !config.allowed_groups.is_empty() && !config.allowed_groups.iter().any(|group| is_in(group)) {
            return None;
        }
        let given = config.roles.iter().filter_map(|text| rule(text)).filter(|(group, _)| is_in(group));
        let highest = given.map(|(_, role)| role).max_by_key(|role| *role as u8);
        highest.or_else(|| role_named(&config.default_role))
    }
}

/// `GROUP=ROLE`; a group may have `=` in its name, as LDAP's do.
pub(super) fn rule(text: &str) -> Option<(&str, Role)> {
    let (group, role) = text.rsplit_once('=')?;
    Some((group.trim(), role_named(role.trim())?)).filter(|(group, _)| !group.is_empty())
}

pub(super) fn role_named(word: &str) -> Option<Role> {
    Role::ALL.iter().copied().find(|role| role.as_str() == word)
}

/// A claim by its name, or by a path with dots.
pub(super) fn find<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    rest.split('.').try_fold(claims.get(first)?, |value, name| value.get(name))
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => {
            items.iter().filter_map(Value::as_str).take(MAX_GROUPS).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// The claims of an ID token whose signature is one of `keys`. `Ok(None)` when none of them made it: they may be old.
pub(super) fn verify_signature(token: &str, keys: &JwkSet) -> anyhow::Result<Option<Claims>> {
    let header = jsonwebtoken::decode_header(token).context("the ID token cannot be read")?;
    ensure!(ALGORITHMS.contains(&header.alg), "the ID token is signed with {:?}", header.alg);
    let mut rules = Validation::new(header.alg);
    // checked below, by our clock
    rules.required_spec_claims.clear();
    (rules.validate_exp, rules.validate_nbf, rules.validate_aud) = (false, false, false);
    let fitting = keys.keys.iter().take(MAX_KEYS).filter(|key| {
        let named = header.kid.is_none() || key.common.key_id == header.kid;
        named && key.common.public_key_use != Some(PublicKeyUse::Encryption)
    });
    for key in fitting {
        let Ok(key) = DecodingKey::from_jwk(key) else { continue };
        if let Ok(token) = jsonwebtoken::decode::<Claims>(token, &key, &rules) {
            return Ok(Some(token.claims));
        }
    }
    Ok(None)
}

/// What an ID token was made to be believed with.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// # Errors
/// Which rule it breaks.
pub(super) fn check(claims: &Claims, expected: &Expected<'_>) -> anyhow::Result<()> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    ensure!(text("iss") == Some(expected.issuer), "the ID token is of another issuer");

    let audience = texts(claims.get("aud"));
    ensure!(audience.iter().any(|one| one == expected.client_id), "the ID token is for another client");
    match text("azp") {
        Some(party) => ensure!(party == expected.client_id, "the ID token was given to another client"),
        None => ensure!(audience.len() == 1, "the ID token is for several clients and does not say which asked"),
    }

    let now = expected.now.as_second() as f64;
    let time = |name: &str| claims.get(name).and_then(Value::as_f64).filter(|time| time.is_finite());
    match time("exp") {
        Some(end) => ensure!(now < end + LEEWAY_S, "the ID token has expired"),
        None => bail!("the ID token does not say when it ends"),
    }
    for name in ["iat", "nbf"] {
        if let Some(from) = time(name) {
            ensure!(from <= now + LEEWAY_S, "the ID token is of the future: is a clock wrong?");
        }
    }

    let nonce = text("nonce").unwrap_or_default();
    ensure!(bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())), "the ID token answers another login");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW_S: i64 = 1_780_000_000;

    fn claims(change: impl FnOnce(&mut Value)) -> Claims {
        let mut claims = json!({
            "iss": "https://login.example.org", "sub": "1", "aud": "eyrie", "nonce": "n", "iat": NOW_S, "exp": NOW_S + 300,
        });
        change(&mut claims);
        serde_json::from_value(claims).unwrap()
    }

    fn said(change: impl FnOnce(&mut Value)) -> String {
        let now = Timestamp::from_second(NOW_S).unwrap();
        let expected = Expected { issuer: "https://login.example.org", client_id: "eyrie", nonce: "n", now };
        check(&claims(change), &expected).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_token_is_believed_when_all_of_it_fits() {
        assert_eq!(said(|_| ()), "");
        assert_eq!(said(|claims| claims["aud"] = json!(["eyrie"])), "");
        assert_eq!(said(|claims| (claims["aud"], claims["azp"]) = (json!(["eyrie", "b"]), json!("eyrie"))), "");
        assert_eq!(said(|claims| claims["exp"] = json!(NOW_S - 59)), "", "clocks differ a little");
        for (name, value, why) in [
            ("iss", json!("https://login.example.org/"), "another issuer"),
            ("iss", json!(null), "another issuer"),
            ("aud", json!("other"), "another client"),
            ("aud", json!([]), "another client"),
            ("aud", json!(["eyrie", "other"]), "several clients"),
            ("azp", json!("other"), "given to another client"),
            ("exp", json!(NOW_S - 61), "expired"),
            ("exp", json!(null), "when it ends"),
            ("exp", json!("soon"), "when it ends"),
            ("iat", json!(NOW_S + 61), "future"),
            ("nbf", json!(NOW_S + 61), "future"),
            ("nonce", json!("m"), "another login"),
            ("nonce", json!(null), "another login"),
            ("nonce", json!(""), "another login"),
        ] {
            let text = said(|claims| claims[name] = value.clone());
            assert!(text.contains(why), "{name} {value}: {text}");
        }
    }

    #[test]
    fn a_token_without_a_good_signature_is_none() {
        let keys: JwkSet = serde_json::from_value(json!({"keys": [
            {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "1", "alg": "HS256"},
        ]}))
        .unwrap();
        let unsigned = "eyJhbGciOiJub25lIn0.e30.";
        assert!(verify_signature(unsigned, &keys).is_err());
        let secret = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
        assert!(secret.try_get_hmac_secret().is_ok(), "the key could be used so");
        let header = jsonwebtoken::Header { kid: Some("1".into()), ..jsonwebtoken::Header::new(Algorithm::HS256) };
        let key = jsonwebtoken::EncodingKey::from_secret(b"secret-secret-secret-secret-secret");
        let token = jsonwebtoken::encode(&header, &json!({"sub": "1"}), &key).unwrap();
        assert!(verify_signature(&token, &keys).unwrap_err().to_string().contains("HS256"));
        for garbage in ["", ".", "a.b.c", "....", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA"] {
            assert!(!matches!(verify_signature(garbage, &keys), Ok(Some(_))), "{garbage}");
        }
    }

    #[test]
    fn the_highest_of_somebodys_groups_counts() {
        let mut config = crate::config::Config::default().oidc;
        config.roles = ["crew=operator", "cn=lead,=admin", "all=viewer"].map(String::from).to_vec();
        let role = |config: &OidcConfig, groups: Value| {
            let claims = claims(|claims| claims["groups"] = groups);
            Answer::new(config, "https://login.example.org", &claims).unwrap().role(config)
        };
        assert_eq!(role(&config, json!(["all", "crew"])), Some(Role::Operator));
        assert_eq!(role(&config, json!(["all", "cn=lead,", "crew"])), Some(Role::Admin));
        assert_eq!(role(&config, json!("crew")), Some(Role::Operator));
        for none in [json!([]), json!(null), json!(["Crew"]), json!([["crew"]]), json!({"crew": true}), json!(7)] {
            assert_eq!(role(&config, none.clone()), None, "{none}");
        }
        config.default_role = "viewer".into();
        assert_eq!(role(&config, json!([])), Some(Role::Viewer));
        config.allowed_groups = vec!["staff".into()];
        assert_eq!(role(&config, json!(["crew"])), None);
        assert_eq!(role(&config, json!(["crew", "staff"])), Some(Role::Operator));
    }

    #[test]
    fn a_claim_is_found_by_name_and_by_path() {
        let claims = claims(|claims| {
            claims["realm_access"] = json!({"roles": ["a"]});
            claims["https://example.org/roles"] = json!(["b"]);
        });
        assert_eq!(find(&claims, "realm_access.roles"), Some(&json!(["a"])));
        assert_eq!(find(&claims, "https://example.org/roles"), Some(&json!(["b"])));
        assert_eq!(find(&claims, "realm_access.none"), None);
        assert_eq!(find(&claims, "none.roles"), None);
    }
}
