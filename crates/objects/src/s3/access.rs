//! What a credential may do: deny by default.
//!
//! Every request passes [`Account::decide`] with the operation that `s3s` resolved and the path it decoded, which are
//! the very ones it will carry out: no second reading of the URL could disagree. Four kinds of credentials:
//!
//! | | may |
//! |---|---|
//! | dock session | write objects below its prefix, by PUT or multipart |
//! | operator's key | read, or read and write, in its one bucket; looked up at each request |
//! | STS session | what its operator's key may at this moment, and its policy permits too |
//! | internal key | presigned GET and HEAD of any object |

use std::sync::Arc;

use http::{HeaderMap, Uri};
use s3s::access::{S3Access, S3AccessContext};
use s3s::path::S3Path;
use s3s::{S3Error, S3Result, s3_error};

use super::rights::{self, Need, Right, Target};
use crate::credentials::{Claims, INTERNAL_KEY_ID, Scope, TokenError};
use crate::policy::{Listing, Policy};
use crate::{Issuer, KeyGrant, Keys, Store};

const TOKEN_HEADER: &str = "x-amz-security-token";
const COPY_SOURCE_HEADER: &str = "x-amz-copy-source";

/// Credentials and what they may do.
#[derive(Clone)]
pub(crate) struct Account {
    pub(super) issuer: Issuer,
    pub(super) keys: Arc<dyn Keys>,
    /// Where buckets are made on request, it is no secret whether one exists.
    open_store: Option<Arc<Store>>,
}

/// What a request may touch beyond its own path; an extension of the request, for operations that name more objects.
#[derive(Clone)]
pub(super) struct Authority {
    reach: Reach,
    policy: Option<Arc<Policy>>,
    keys: Arc<dyn Keys>,
    /// The operator's key behind it; empty for others.
    key_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Nothing but the request's own path.
    Path,
    Bucket(String),
    Every,
}

/// A request as far as access goes.
pub(super) struct Asked<'a> {
    pub(super) operation: &'a str,
    pub(super) path: &'a S3Path,
    pub(super) access_key_id: Option<&'a str>,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
}

#[async_trait::async_trait]
impl S3Access for Account {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let authority = self
            .decide(&Asked {
                operation: context.s3_op().name(),
                path: context.s3_path(),
                access_key_id: context.credentials().map(|credentials| credentials.access_key.as_str()),
                uri: context.uri(),
                headers: context.headers(),
            })
            .await?;
        let operation = context.s3_op().name();
        if let Some((bucket, key)) = context.s3_path().as_object() {
            if rights::of(operation).is_some_and(|right| right.replaces) {
                check_name(key)?;
                authority.check_not_held(bucket, key).await?;
            }
            if operation == "DeleteObject" {
                authority.check_removal(bucket, key).await?;
            }
        }
        context.extensions_mut().insert(authority);
        Ok(())
    }
}

impl Account {
    /// `open_store`: given when buckets are made on request.
    pub(super) fn new(issuer: Issuer, keys: Arc<dyn Keys>, open_store: Option<Arc<Store>>) -> Self {
        Self { issuer, keys, open_store }
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// What the hub grants an operator's key now.
    pub(crate) async fn grant(&self, access_key_id: &str) -> S3Result<Option<KeyGrant>> {
        self.keys.grant(access_key_id).await.map_err(|error| {
            tracing::error!(%error, "an S3 key could not be looked up");
            s3_error!(InternalError, "The access key id could not be looked up.")
        })
    }

    async fn decide(&self, asked: &Asked<'_>) -> S3Result<Authority> {
        if let Some(right) = rights::of(asked.operation) {
            return self.decide_right(asked, right).await;
        }
        // who may ask whether the bucket is there hears more
        let bucket = asked.path.get_bucket_name().map(S3Path::bucket);
        let (Some(bucket), Some(head)) = (bucket, rights::of("HeadBucket")) else {
            return Err(denied("The operation is not offered."));
        };
        self.decide_right(&Asked { path: &bucket, ..*asked }, head).await?;
        Err(rights::not_offered(asked.operation))
    }

    async fn decide_right(&self, asked: &Asked<'_>, right: &'static Right) -> S3Result<Authority> {
        let Some(access_key_id) = asked.access_key_id else { return Err(self.anonymous(asked.path).await) };
        let query = Query::of(asked.uri);
        if access_key_id == INTERNAL_KEY_ID {
            let reads = matches!(asked.operation, "GetObject" | "HeadObject");
            return if query.presigned_v4 && reads { Ok(self.path_only()) } else { Err(denied("Not with this key.")) };
        }
        let token = security_token(asked.headers, &query);
        if !Issuer::is_session_id(access_key_id) {
            if token.is_some() {
                return Err(s3_error!(InvalidToken, "This access key id has no session token."));
            }
            return self.decide_for_key(access_key_id, right, asked.path, None, &query).await;
        }
        let claims = self.claims(access_key_id, token)?;
        match claims.scope {
            Scope::Dock { bucket, prefix } => {
                let copies = asked.headers.contains_key(COPY_SOURCE_HEADER);
                if right.dock && !copies && is_below(asked.path, &bucket, &prefix) {
                    Ok(self.path_only())
                } else {
                    Err(denied("A dock's session only writes objects below its prefix."))
                }
            }
            Scope::Role { key_id, policy } => {
                let policy = policy.map(|text| Policy::parse(&text)).transpose();
                let policy = policy.map_err(|_| s3_error!(InvalidToken, "The session policy is not understood."))?;
                self.decide_for_key(&key_id, right, asked.path, policy, &query).await
            }
        }
    }

    fn path_only(&self) -> Authority {
        Authority { reach: Reach::Path, policy: None, keys: Arc::clone(&self.keys), key_id: String::new() }
    }

    async fn anonymous(&self, path: &S3Path) -> S3Error {
        if let (Some(store), Some(bucket)) = (&self.open_store, path.get_bucket_name())
            && matches!(store.bucket(bucket).await, Ok(None))
        {
            return s3_error!(NoSuchBucket, "There is no such bucket.");
        }
        denied("Anonymous access is not possible.")
    }

    fn claims(&self, access_key_id: &str, token: Option<String>) -> S3Result<Claims> {
        let token = token.ok_or_else(|| s3_error!(InvalidToken, "The session token is missing."))?;
        self.issuer.open_token(access_key_id, &token).map_err(|error| match error {
            TokenError::Invalid => s3_error!(InvalidToken, "The session token is not one of ours, or of another key."),
            TokenError::Expired => s3_error!(ExpiredToken, "The session has expired."),
        })
    }

    async fn decide_for_key(
        &self,
        key_id: &str,
        right: &'static Right,
        path: &S3Path,
        policy: Option<Policy>,
        query: &Query,
    ) -> S3Result<Authority> {
        let grant = self.grant(key_id).await?.ok_or_else(|| denied("The key has been revoked."))?;
        let reach = if self.open_store.is_some() && grant.bucket == KeyGrant::ANY_BUCKET {
            Reach::Every
        } else {
            Reach::Bucket(grant.bucket)
        };
        let may = match right.need {
            Need::Read => true,
            Need::Write => grant.write,
            Need::Buckets => grant.write && self.open_store.is_some(),
        };
        let (keys, key_id) = (Arc::clone(&self.keys), key_id.to_owned());
        let authority = Authority { reach, policy: policy.map(Arc::new), keys, key_id };
        let reaches = match path {
            S3Path::Root => right.target == Target::Account,
            S3Path::Bucket { bucket } | S3Path::Object { bucket, .. } => authority.reaches(bucket),
        };
        let permitted = match right.target {
            Target::ObjectsInBody => true,
            Target::Bucket => authority.permits(right.action, &resource(path), &query.listing()),
            Target::Account | Target::Object => authority.permits(right.action, &resource(path), &Listing::default()),
        };
        if may && reaches && permitted { Ok(authority) } else { Err(denied("The key does not permit this.")) }
    }
}

impl Authority {
    /// An object that is held stays as it is, whoever asks.
    pub(super) async fn check_not_held(&self, bucket: &str, key: &str) -> S3Result<()> {
        match self.keys.is_held(bucket, key).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(denied("A legal hold is on the object: it can be neither replaced nor removed.")),
            Err(error) => {
                tracing::error!(%error, "legal holds could not be looked up");
                Err(s3_error!(InternalError, "Legal holds could not be looked up."))
            }
        }
    }

    /// An object that something needs is not removed.
    pub(super) async fn check_removal(&self, bucket: &str, key: &str) -> S3Result<()> {
        match self.keys.refuse_removal(&self.key_id, bucket, key).await {
            Ok(None) => Ok(()),
            Ok(Some(why)) => Err(S3Error::with_message(s3s::S3ErrorCode::AccessDenied, why)),
            Err(error) => {
                tracing::error!(%error, "what keeps an object could not be looked up");
                Err(s3_error!(InternalError, "What keeps the object could not be looked up."))
            }
        }
    }

    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Whether the same credential may also do `action` (`s3:GetObject`) with this object.
    pub(super) fn check_object(&self, action: &str, bucket: &str, key: &str) -> S3Result<()> {
        let resource = format!("arn:aws:s3:::{bucket}/{key}");
        if self.reaches(bucket) && self.permits(action, &resource, &Listing::default()) {
            Ok(())
        } else {
            Err(denied("The key does not permit this."))
        }
    }

    fn reaches(&self, bucket: &str) -> bool {
        match &self.reach {
            Reach::Path => false,
            Reach::Bucket(own) => own == bucket,
            Reach::Every => true,
        }
    }

    fn permits(&self, action: &str, resource: &str, listing: &Listing) -> bool {
        self.policy.as_ref().is_none_or(|policy| policy.allows(action, resource, listing))
    }
}

/// Whether the path is an object below `prefix/` in `bucket`, or the folder object `prefix/` itself.
fn is_below(path: &S3Path, bucket: &str, prefix: &str) -> bool {
    let Some((own_bucket, key)) = path.as_object() else { return false };
    own_bucket == bucket && key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
}

/// A new object's key can stand in a listing: one that XML cannot hold, in whatever form, would hide all others from
/// clients that read XML as it is.
fn check_name(key: &str) -> S3Result<()> {
    let held = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    if key.chars().all(held) {
        Ok(())
    } else {
        Err(s3_error!(InvalidURI, "The key has a character that XML cannot hold."))
    }
}

fn resource(path: &S3Path) -> String {
    match path {
        S3Path::Root => "arn:aws:s3:::*".to_owned(),
        S3Path::Bucket { bucket } => format!("arn:aws:s3:::{bucket}"),
        S3Path::Object { bucket, key } => format!("arn:aws:s3:::{bucket}/{key}"),
    }
}

fn denied(message: &'static str) -> S3Error {
    S3Error::with_message(s3s::S3ErrorCode::AccessDenied, message)
}

/// A presigned request carries its token in the query, a signed one in a header.
fn security_token(headers: &HeaderMap, query: &Query) -> Option<String> {
    let header = headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if query.presigned { query.token.clone().or(header) } else { header }
}

/// What access wants to know of the query.
#[derive(Default)]
struct Query {
    /// In either version.
    presigned: bool,
    presigned_v4: bool,
    token: Option<String>,
    prefix: Option<String>,
    delimiter: Option<String>,
}

impl Query {
    fn of(uri: &Uri) -> Self {
        let mut found = Self::default();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()) {
            match &*name {
                "X-Amz-Signature" => (found.presigned, found.presigned_v4) = (true, true),
                "Signature" => found.presigned = true,
                "prefix" => found.prefix = Some(value.into_owned()),
                "delimiter" => found.delimiter = Some(value.into_owned()),
                name if name.eq_ignore_ascii_case(TOKEN_HEADER) => found.token = Some(value.into_owned()),
                _ => {}
            }
        }
        found
    }

    /// A listing without a prefix is one of the empty prefix. What is given twice, `s3s` refuses.
    fn listing(&self) -> Listing {
        Listing { prefix: Some(self.prefix.clone().unwrap_or_default()), delimiter: self.delimiter.clone() }
    }
}

#[cfg(test)]
mod tests;
