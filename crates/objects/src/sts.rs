//! STS on the S3 port: `AssumeRole`, which turns an operator's key into a session with the key's rights or fewer.
//!
//! `POST /` with a form, signed for the service `sts`. The role's ARN and the session's name decide nothing: rights come
//! from the key that signs and from the session policy. AWS requires both; clients of MinIO send neither, so they may be
//! left out. A session cannot make another.
//! Source: "AssumeRole" and "Common errors", AWS Security Token Service API Reference, version 2011-06-15.

use std::collections::HashMap;
use std::fmt::Write;

use http::{Extensions, HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use jiff::Timestamp;
use s3s::route::S3Route;
use s3s::{Body, S3Request, S3Response, S3Result};

use crate::policy::{Policy, PolicyError};
use crate::s3::Account;
use crate::{Issuer, SessionCredentials};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const VERSION: &str = "2011-06-15";
/// A policy of 2,048 characters, all of them escaped, and the rest of the form.
const MAX_FORM_BYTES: usize = 32 * 1024;
const MIN_LIFETIME_S: u32 = 900;
const MAX_LIFETIME_S: u32 = 43_200;
/// Where the form names none.
const ANY_ROLE: &str = "arn:aws:iam::000000000000:role/any";
const ANY_NAME: &str = "session";
const DEFAULT_LIFETIME_S: u32 = 3600;
const MAX_ERROR_BYTES: usize = 64 * 1024;

pub(crate) struct Route {
    account: Account,
}

/// A refusal in STS' words.
struct Refusal {
    code: &'static str,
    status: StatusCode,
    message: String,
}

impl Route {
    pub(crate) fn new(account: Account) -> Self {
        Self { account }
    }

    async fn assume_role(&self, request: &mut S3Request<Body>) -> Result<String, Refusal> {
        let body = request.input.store_all_limited(MAX_FORM_BYTES).await;
        let body = body.map_err(|_| Refusal::invalid("the form could not be read, or is too long"))?;
        let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
        if form.get("Action").map(String::as_str) != Some("AssumeRole") {
            return Err(Refusal::new("InvalidAction", StatusCode::BAD_REQUEST, "only AssumeRole is offered"));
        }
        if form.get("Version").is_some_and(|version| version != VERSION) {
            return Err(Refusal::new("InvalidAction", StatusCode::BAD_REQUEST, "the version is not 2011-06-15"));
        }
        let denied = |message| Refusal::new("AccessDenied", StatusCode::FORBIDDEN, message);
        let Some(credentials) = &request.credentials else {
            return Err(Refusal::new("MissingAuthenticationToken", StatusCode::FORBIDDEN, "the request is not signed"));
        };
        let key_id = &credentials.access_key;
        if request.service.as_deref() != Some("sts") {
            return Err(denied("the request is not signed for the service sts"));
        }
        if Issuer::is_session_id(key_id) || request.headers.contains_key("x-amz-security-token") {
            return Err(denied("a session cannot make another"));
        }
        let grant = self.account.grant(key_id).await;
        let grant =
            grant.map_err(|_| Refusal::new("InternalFailure", StatusCode::INTERNAL_SERVER_ERROR, "try again"))?;
        if grant.is_none() {
            return Err(denied("the key is not an operator's"));
        }
        let role = bounded(&form, "RoleArn", 20, 2048)?.unwrap_or(ANY_ROLE);
        let name = bounded(&form, "RoleSessionName", 2, 64)?.unwrap_or(ANY_NAME);
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "_=,.@-".contains(c)) {
            return Err(Refusal::invalid("RoleSessionName has other characters than A-Z a-z 0-9 _ = , . @ -"));
        }
        let lifetime_s = lifetime(&form)?;
        let policy = form.get("Policy").filter(|policy| !policy.is_empty());
        if let Some(policy) = policy {
            Policy::parse(policy)?;
        }
        let session = self.account.issuer().role_session(key_id, policy.cloned(), lifetime_s);
        Ok(response(&session, role, name, &self.account.issuer().new_request_id()))
    }
}

#[async_trait::async_trait]
impl S3Route for Route {
    fn is_match(&self, method: &Method, uri: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        is_request(method, uri, headers)
    }

    /// [`S3Route::call`] refuses by itself, to do so in STS' form.
    async fn check_access(&self, _: &mut S3Request<Body>) -> S3Result<()> {
        Ok(())
    }

    async fn call(&self, mut request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let (status, xml) = match self.assume_role(&mut request).await {
            Ok(xml) => (StatusCode::OK, xml),
            Err(refusal) => (refusal.status, refusal.xml(&self.account.issuer().new_request_id())),
        };
        let mut response = S3Response::with_status(Body::from(xml), status);
        response.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        response.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

pub(crate) fn is_request(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let form = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    method == Method::POST
        && uri.path() == "/"
        && form.is_some_and(|form| form.starts_with("application/x-www-form-urlencoded"))
}

/// `s3s` answers a wrong signature before our route is asked, and as S3 does; STS clients read another form.
pub(crate) async fn error_in_its_own_form(response: Response<Body>, request_id: &str) -> Response<Body> {
    let (mut parts, mut body) = response.into_parts();
    let text = body.store_all_limited(MAX_ERROR_BYTES).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let between = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        rest.split_once(&format!("</{tag}>")).map(|(inner, _)| inner)
    };
    if text.contains("<ErrorResponse") {
        return Response::from_parts(parts, Body::from(text.into_owned()));
    }
    let code = match between("Code").unwrap_or("InternalFailure") {
        "InvalidAccessKeyId" | "InvalidToken" => "InvalidClientTokenId",
        "RequestTimeTooSkewed" => "RequestExpired",
        code => code,
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    // already escaped: it comes out of XML
    let xml = error_xml(code, between("Message").unwrap_or(""), request_id);
    Response::from_parts(parts, Body::from(xml))
}

fn bounded<'a>(
    form: &'a HashMap<String, String>,
    name: &str,
    min: usize,
    max: usize,
) -> Result<Option<&'a str>, Refusal> {
    match form.get(name) {
        None => Ok(None),
        Some(value) if (min..=max).contains(&value.chars().count()) => Ok(Some(value)),
        Some(_) => Err(Refusal::invalid(format!("{name} has {min} to {max} characters"))),
    }
}

fn lifetime(form: &HashMap<String, String>) -> Result<u32, Refusal> {
    let Some(lifetime) = form.get("DurationSeconds") else { return Ok(DEFAULT_LIFETIME_S) };
    let lifetime = lifetime.parse().ok().filter(|s| (MIN_LIFETIME_S..=MAX_LIFETIME_S).contains(s));
    lifetime.ok_or_else(|| Refusal::invalid(format!("DurationSeconds is {MIN_LIFETIME_S} to {MAX_LIFETIME_S}")))
}

fn response(session: &SessionCredentials, role: &str, name: &str, request_id: &str) -> String {
    let expiration = Timestamp::from_second(session.expires_at_s).unwrap_or_default();
    let mut xml = format!("<AssumeRoleResponse xmlns=\"{NAMESPACE}\"><AssumeRoleResult><AssumedRoleUser>");
    let (arn, id) = (escape(role), escape(name));
    let _ = write!(
        xml,
        "<Arn>{arn}/{id}</Arn><AssumedRoleId>{key}:{id}</AssumedRoleId></AssumedRoleUser><Credentials>\
         <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
         <SessionToken>{token}</SessionToken><Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult>\
         <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></AssumeRoleResponse>",
        key = session.access_key_id,
        secret = session.secret_access_key,
        token = session.session_token,
    );
    xml
}

fn error_xml(code: &str, escaped_message: &str, request_id: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{escaped_message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl Refusal {
    fn new(code: &'static str, status: StatusCode, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into() }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new("ValidationError", StatusCode::BAD_REQUEST, message)
    }

    fn xml(&self, request_id: &str) -> String {
        error_xml(self.code, &escape(&self.message), request_id)
    }
}

impl From<PolicyError> for Refusal {
    fn from(error: PolicyError) -> Self {
        let code = match error {
            PolicyError::TooLong => "PackedPolicyTooLarge",
            PolicyError::Malformed(_) => "MalformedPolicyDocument",
        };
        Self::new(code, StatusCode::BAD_REQUEST, error.to_string())
    }
}
