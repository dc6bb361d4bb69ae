//! Session policies: the part of IAM's policy language that cuts down an operator's key.
//!
//! A policy can only take away, so whatever is not understood is refused when the session is made rather than guessed at
//! when it is used: conditions, `NotResource`, principals and policy variables are malformed here. A refusal wins over
//! a permission, and what no statement names is refused.
//! Source: "IAM JSON policy elements reference", AWS Identity and Access Management User Guide.

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
        }
        Ok(Self { statements })
    }

    /// Whether `action` (`s3:PutObject`) is permitted on `resource` (`arn:aws:s3:::bucket/key`).
    pub(crate) fn allows(&self, action: &str, resource: &str) -> bool {
        let mut matching = self.statements.iter().filter(|statement| statement.matches(action, resource)).peekable();
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

    #[test]
    fn only_what_is_named_is_permitted() {
        let policy = policy(r#"{"Effect":"Allow","Action":"s3:Get*","Resource":["arn:aws:s3:::b/docks/*"]}"#);
        assert!(policy.allows("s3:GetObject", "arn:aws:s3:::b/docks/SN1/x"));
        assert!(policy.allows("S3:getobject", "arn:aws:s3:::b/docks/"));
        assert!(!policy.allows("s3:PutObject", "arn:aws:s3:::b/docks/SN1/x"));
        assert!(!policy.allows("s3:GetObject", "arn:aws:s3:::b/docs/SN1/x"));
        assert!(!policy.allows("s3:GetObject", "arn:aws:s3:::B/docks/SN1/x"));
    }

    #[test]
    fn a_refusal_wins_in_any_order() {
        let allow = r#"{"Effect":"Allow","Action":["s3:*"],"Resource":"*"}"#;
        let deny = r#"{"Sid":"no","Effect":"Deny","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::b/keep?/*"}"#;
        for policy in [policy(&format!("{allow},{deny}")), policy(&format!("{deny},{allow}"))] {
            assert!(policy.allows("s3:PutObject", "arn:aws:s3:::b/keep1/x"));
            assert!(policy.allows("s3:DeleteObject", "arn:aws:s3:::b/keep12/x"));
            assert!(!policy.allows("s3:DeleteObject", "arn:aws:s3:::b/keepä/x"));
        }
    }

    #[test]
    fn not_action_means_all_others() {
        let policy = policy(r#"{"Effect":"Allow","NotAction":["s3:Delete*"],"Resource":"arn:aws:s3:::b*"}"#);
        assert!(policy.allows("s3:GetObject", "arn:aws:s3:::b"));
        assert!(!policy.allows("s3:DeleteObject", "arn:aws:s3:::b/x"));
    }

    #[test]
    fn what_is_not_understood_is_malformed() {
        let base = r#""Effect":"Allow","Action":"s3:*","Resource":"*""#;
        for bad in [
            format!(r#"{{{base},"Condition":{{"Bool":{{"aws:SecureTransport":"true"}}}}}}"#),
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
