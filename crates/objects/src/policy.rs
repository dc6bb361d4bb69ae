//! Session policies: the part of IAM's policy language that cuts down an operator's key.
//!
//! A policy can only take away, so whatever is not understood is refused when the session is made rather than guessed at
//! when it is used: `NotResource`, principals, policy variables, and conditions on anything but what a listing asks for
//! are malformed here. A refusal wins over a permission, and what no statement names is refused.
//! Source: "IAM JSON policy elements reference", AWS Identity and Access Management User Guide.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Longest policy of an `AssumeRole`, characters.
pub(crate) const MAX_POLICY_CHARS: usize = 2048;
const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];

#[derive(Debug)]
pub(crate) struct Policy {
    statements: Vec<Statement>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyError {
    #[error("the policy is longer than {MAX_POLICY_CHARS} characters")]
    TooLong,
    #[error("the policy is not understood: {0}")]
    Malformed(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "Version")]
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    #[serde(rename = "Statement")]
    statement: OneOrMany<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    #[serde(rename = "Effect")]
    effect: Effect,
    #[serde(rename = "Action")]
    action: Option<OneOrMany<String>>,
    #[serde(rename = "NotAction")]
    not_action: Option<OneOrMany<String>>,
    #[serde(rename = "Resource")]
    resource: OneOrMany<String>,
    /// All of them hold.
    #[serde(rename = "Condition", default)]
    conditions: BTreeMap<Operator, BTreeMap<ConditionKey, OneOrMany<String>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum Operator {
    #[serde(rename = "StringEquals")]
    Equals,
    #[serde(rename = "StringNotEquals")]
    NotEquals,
    #[serde(rename = "StringLike")]
    Like,
    #[serde(rename = "StringNotLike")]
    NotLike,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum ConditionKey {
    #[serde(rename = "s3:prefix")]
    Prefix,
    #[serde(rename = "s3:delimiter")]
    Delimiter,
}

/// What a request about a bucket's objects asks for, for conditions; empty for every other request.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) prefix: Option<String>,
    pub(crate) delimiter: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
    fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Policy {
    pub(crate) fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.chars().count() > MAX_POLICY_CHARS {
            return Err(PolicyError::TooLong);
        }
        let document: Document =
            serde_json::from_str(text).map_err(|error| PolicyError::Malformed(error.to_string()))?;
        let malformed = |what: &str| Err(PolicyError::Malformed(what.to_owned()));
        if document.version.is_some_and(|version| !VERSIONS.contains(&version.as_str())) {
            return malformed("the version is neither 2012-10-17 nor 2008-10-17");
        }
        let statements = document.statement.into_vec();
        if statements.is_empty() {
            return malformed("there is no statement");
        }
        for statement in &statements {
            if statement.action.is_some() == statement.not_action.is_some() {
                return malformed("a statement needs either Action or NotAction");
            }
            if statement.resource.as_slice().is_empty() {
                return malformed("a statement needs a Resource");
            }
            if statement.resource.as_slice().iter().any(|resource| resource.contains("${")) {
                return malformed("policy variables are not known");
            }
            if statement.resource.as_slice().iter().any(|resource| resource != "*" && !resource.starts_with("arn:")) {
                return malformed("a Resource is * or begins with arn:");
            }
            let mut values = statement.conditions.values().flat_map(BTreeMap::values).map(OneOrMany::as_slice);
            if values.any(|values| values.is_empty() || values.iter().any(|value| value.contains("${"))) {
                return malformed("a condition needs values, and policy variables are not known");
            }
        }
        Ok(Self { statements })
    }

    /// Whether `action` (`s3:PutObject`) is permitted on `resource` (`arn:aws:s3:::bucket/key`).
    pub(crate) fn allows(&self, action: &str, resource: &str, listing: &Listing) -> bool {
        let matches = |statement: &&Statement| statement.matches(action, resource) && statement.holds(listing);
        let mut matching = self.statements.iter().filter(matches).peekable();
        matching.peek().is_some() && matching.all(|statement| statement.effect == Effect::Allow)
    }
}

impl Statement {
    fn matches(&self, action: &str, resource: &str) -> bool {
        let action = action.to_ascii_lowercase();
        let named = |patterns: &OneOrMany<String>| {
            patterns.as_slice().iter().any(|pattern| glob(pattern.to_ascii_lowercase().as_bytes(), action.as_bytes()))
        };
        let action_matches = match (&self.action, &self.not_action) {
            (Some(actions), _) => named(actions),
            (None, Some(not)) => !named(not),
            (None, None) => false,
        };
        let resources = self.resource.as_slice();
        action_matches && resources.iter().any(|pattern| glob(pattern.as_bytes(), resource.as_bytes()))
    }

    fn holds(&self, listing: &Listing) -> bool {
        let of_operator = |(operator, keys): (&Operator, &BTreeMap<ConditionKey, OneOrMany<String>>)| {
            keys.iter().all(|(key, values)| operator.holds(key.of(listing), values.as_slice()))
        };
        self.conditions.iter().all(of_operator)
    }
}

impl Operator {
    /// What a request does not say is like nothing, and so other than everything.
    fn holds(self, said: Option<&str>, values: &[String]) -> bool {
        let is_any =
            |same: fn(&str, &str) -> bool| said.is_some_and(|said| values.iter().any(|value| same(value, said)));
        let equal = |value: &str, said: &str| value == said;
        let like = |value: &str, said: &str| glob(value.as_bytes(), said.as_bytes());
        match self {
            Self::Equals => is_any(equal),
            Self::NotEquals => !is_any(equal),
            Self::Like => is_any(like),
            Self::NotLike => !is_any(like),
        }
    }
}

impl ConditionKey {
    fn of(self, listing: &Listing) -> Option<&str> {
        match self {
            Self::Prefix => listing.prefix.as_deref(),
            Self::Delimiter => listing.delimiter.as_deref(),
        }
    }
}

/// `*` stands for any bytes, `?` for one character. Only the last `*` is ever tried again, so the time is at most the
/// product of both lengths, whatever the pattern.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(b'?') => (p, t) = (p + 1, t + char_len(&text[t..])),
            Some(byte) if *byte == text[t] => (p, t) = (p + 1, t + 1),
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    (p, t) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Length of the UTF-8 character that `text` begins with.
fn char_len(text: &[u8]) -> usize {
    1 + text[1..].iter().take_while(|byte| **byte & 0xC0 == 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(statements: &str) -> Policy {
        Policy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
    }

    fn allows(policy: &Policy, action: &str, resource: &str) -> bool {
        policy.allows(action, resource, &Listing::default())
    }

    #[test]
    fn only_what_is_named_is_permitted() {
        let policy = policy(r#"{"Effect":"Allow","Action":"s3:Get*","Resource":["arn:aws:s3:::b/docks/*"]}"#);
        assert!(allows(&policy, "s3:GetObject", "arn:aws:s3:::b/docks/SN1/x"));
        assert!(allows(&policy, "S3:getobject", "arn:aws:s3:::b/docks/"));
        assert!(!allows(&policy, "s3:PutObject", "arn:aws:s3:::b/docks/SN1/x"));
        assert!(!allows(&policy, "s3:GetObject", "arn:aws:s3:::b/docs/SN1/x"));
        assert!(!allows(&policy, "s3:GetObject", "arn:aws:s3:::B/docks/SN1/x"));
    }

    #[test]
    fn a_refusal_wins_in_any_order() {
        let allow = r#"{"Effect":"Allow","Action":["s3:*"],"Resource":"*"}"#;
        let deny = r#"{"Sid":"no","Effect":"Deny","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::b/keep?/*"}"#;
        for policy in [policy(&format!("{allow},{deny}")), policy(&format!("{deny},{allow}"))] {
            assert!(allows(&policy, "s3:PutObject", "arn:aws:s3:::b/keep1/x"));
            assert!(allows(&policy, "s3:DeleteObject", "arn:aws:s3:::b/keep12/x"));
            assert!(!allows(&policy, "s3:DeleteObject", "arn:aws:s3:::b/keepä/x"));
        }
    }

    #[test]
    fn not_action_means_all_others() {
        let policy = policy(r#"{"Effect":"Allow","NotAction":["s3:Delete*"],"Resource":"arn:aws:s3:::b*"}"#);
        assert!(allows(&policy, "s3:GetObject", "arn:aws:s3:::b"));
        assert!(!allows(&policy, "s3:DeleteObject", "arn:aws:s3:::b/x"));
    }

    #[test]
    fn a_condition_is_about_what_a_listing_asks_for() {
        let bucket = "arn:aws:s3:::b";
        let lists = |policy: &Policy, prefix: &str| {
            let listing = Listing { prefix: Some(prefix.to_owned()), delimiter: Some("/".to_owned()) };
            policy.allows("s3:ListBucket", bucket, &listing)
        };
        let base = r#""Effect":"Allow","Action":"s3:*","Resource":"*""#;
        let like =
            policy(&format!(r#"{{{base},"Condition":{{"StringLike":{{"s3:prefix":["docks/SN1/*","home"]}}}}}}"#));
        assert!(lists(&like, "docks/SN1/") && lists(&like, "docks/SN1/x") && lists(&like, "home"));
        assert!(
            !lists(&like, "") && !lists(&like, "docks/SN1") && !lists(&like, "docks/SN2/") && !lists(&like, "homes")
        );
        assert!(!allows(&like, "s3:GetObject", "arn:aws:s3:::b/docks/SN1/x"), "no listing has no prefix");
        let both = r#""StringEquals":{"s3:prefix":"a*","s3:delimiter":"/"},"StringNotEquals":{"s3:prefix":"x"}"#;
        let both = policy(&format!(r#"{{{base},"Condition":{{{both}}}}}"#));
        assert!(lists(&both, "a*") && !lists(&both, "ab"));
        let deny = r#"{"Effect":"Deny","Action":"s3:ListBucket","Resource":"*","Condition":{"StringNotLike":{"s3:prefix":"a/*"}}}"#;
        let denied = policy(&format!("{{{base}}},{deny}"));
        assert!(lists(&denied, "a/") && !lists(&denied, "b/") && !lists(&denied, ""));
        assert!(!allows(&denied, "s3:ListBucket", bucket) && allows(&denied, "s3:GetObject", bucket));
    }

    #[test]
    fn what_is_not_understood_is_malformed() {
        let base = r#""Effect":"Allow","Action":"s3:*","Resource":"*""#;
        for bad in [
            format!(r#"{{{base},"Condition":{{"Bool":{{"aws:SecureTransport":"true"}}}}}}"#),
            format!(r#"{{{base},"Condition":{{"StringLike":{{"aws:userid":"x"}}}}}}"#),
            format!(r#"{{{base},"Condition":{{"StringLike":{{"s3:prefix":[]}}}}}}"#),
            format!(r#"{{{base},"Condition":{{"StringLike":{{"s3:prefix":"${{aws:username}}/*"}}}}}}"#),
            format!(r#"{{{base},"NotAction":"s3:Get*"}}"#),
            format!(r#"{{{base},"Principal":"*"}}"#),
            r#"{"Effect":"Allow","Action":"s3:*"}"#.into(),
            r#"{"Effect":"Allow","Resource":"*"}"#.into(),
            r#"{"Effect":"allow","Action":"s3:*","Resource":"*"}"#.into(),
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"b/*"}"#.into(),
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/*"}"#.into(),
        ] {
            let text = format!(r#"{{"Statement":{bad}}}"#);
            assert!(matches!(Policy::parse(&text), Err(PolicyError::Malformed(_))), "{text}");
        }
        for text in ["", "[]", "{}", r#"{"Statement":[]}"#, r#"{"Version":"2020-01-01","Statement":[]}"#] {
            assert!(matches!(Policy::parse(text), Err(PolicyError::Malformed(_))), "{text}");
        }
        assert!(matches!(Policy::parse(&" ".repeat(2049)), Err(PolicyError::TooLong)));
    }

    #[test]
    fn many_stars_stay_cheap() {
        let pattern = "*a".repeat(1000);
        assert!(!glob(pattern.as_bytes(), "a".repeat(999).as_bytes()));
        assert!(glob(pattern.as_bytes(), "a".repeat(1000).as_bytes()));
        assert!(glob(b"", b"") && glob(b"**", b"") && !glob(b"?", b""));
    }
}
