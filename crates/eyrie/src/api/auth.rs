//! Who is asking, and what they may.
//!
//! A bearer token or a session cookie; a bearer token that is wrong is refused even beside a good cookie. Everything
//! below `/api` and `/stac` needs one, routes that do not exist included, so that a stranger learns nothing from
//! the difference. Handlers say what they need in their signature: [`Scope`] for a workspace and a role,
//! [`ServerAdmin`] for the whole server.
//!
//! Against requests that another site makes a browser send: the cookie is `SameSite=Strict`, and a request that changes
//! something without an `Authorization` header must come from our own origin (`Sec-Fetch-Site`, `Origin`) and, when it
//! has a body, bring JSON. Programs that send neither header are no browsers and pass.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use eyrie_catalogue::{Login, Role, Workspace};
use http::request::Parts;
use http::{HeaderMap, Method, header};

use super::problem::{Kind, Problem};
use crate::app::App;
use crate::pilot;
use crate::secret::token_hash;

/// The session cookie's name.
pub const SESSION_COOKIE: &str = "eyrie_session";

/// Somebody whose login is good.
#[derive(Clone, Debug)]
pub struct Caller {
    pub login: Login,
    proof: Proof,
}

#[derive(Clone, Copy, Debug)]
enum Proof {
    Token([u8; 32]),
    Session([u8; 32]),
}

impl Caller {
    /// # Errors
    /// 401 without a login, or with one that is wrong, over or revoked.
    pub async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Self, Problem> {
        let proof = if let Some(value) = headers.get(header::AUTHORIZATION) {
            let token = value.to_str().ok().and_then(bearer);
            let token = token.ok_or_else(|| Problem::unauthorized("the Authorization header is not `Bearer TOKEN`"))?;
            Proof::Token(token_hash(token))
        } else if let Some(cookie) = CookieJar::from_headers(headers).get(SESSION_COOKIE) {
            Proof::Session(token_hash(cookie.value()))
        } else {
            return Err(Problem::unauthorized("send `Authorization: Bearer TOKEN` or log in at /api/v1/session"));
        };
        Self::with(app, proof).await
    }

    async fn with(app: &App, proof: Proof) -> Result<Self, Problem> {
        let (login, refusal) = match &proof {
            Proof::Token(hash) => {
                (app.catalogue.token_login(hash, app.now()).await?, "the token is wrong, expired or revoked")
            }
            Proof::Session(hash) => (app.catalogue.session_login(hash, app.now()).await?, "the session is over"),
        };
        let login = login.ok_or_else(|| Problem::unauthorized(refusal))?;
        Ok(Self { login, proof })
    }

    /// True while the same login is still good for the same things; asked again by streams that last.
    pub async fn still_good(&self, app: &App) -> bool {
        Self::with(app, self.proof)
            .await
            .is_ok_and(|now| (now.login.workspace_id, now.login.role) == (self.login.workspace_id, self.login.role))
    }

    /// Of the browser session, when that is the login.
    pub fn session_hash(&self) -> Option<&[u8; 32]> {
        match &self.proof {
            Proof::Session(hash) => Some(hash),
            Proof::Token(_) => None,
        }
    }

    pub fn actor(&self) -> &str {
        &self.login.actor
    }

    /// The administrator of the whole server: sees every workspace.
    pub fn is_server_admin(&self) -> bool {
        self.login.workspace_id.is_none() && self.login.role == Role::Admin
    }

    pub fn sees(&self, workspace: &Workspace) -> bool {
        self.is_server_admin() || self.login.workspace_id == Some(workspace.id)
    }
}

/// `Bearer TOKEN`, the scheme in any case (RFC 9110, section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// Middleware of every route: below `/api` and `/stac` nobody passes without a login, except to log in
/// and through a share link.
pub async fn require_login(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Result<Response, Problem> {
    // the app's paths and those with a controller's token never look at a cookie
    let cookieless = pilot::is_apps(request.uri().path()) || request.headers().contains_key(pilot::AUTH_TOKEN);
    if !request.method().is_safe() && !request.headers().contains_key(header::AUTHORIZATION) && !cookieless {
        refuse_other_sites(&app.urls.http, request.headers())?;
    }
    let path = request.uri().path();
    let needs_login = ["/api", "/stac"]
        .iter()
        .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    let logs_in = path == "/api/v1/session" && request.method() == Method::POST;
    if needs_login && !logs_in && !path.starts_with(super::shared::ROOT) {
        let caller = Caller::authenticate(&app, request.headers()).await?;
        tracing::Span::current().record("actor", caller.actor());
        request.extensions_mut().insert(caller);
    }
    Ok(next.run(request).await)
}

fn refuse_other_sites(public_url: &str, headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |detail: &str| Err(Problem::new(Kind::CrossSite, detail));
    if let Some(site) = headers.get("sec-fetch-site")
        && site != "same-origin"
        && site != "none"
    {
        return refused("the browser says that another site made this request");
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or("null");
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        if origin != public_url && (authority.is_empty() || host != Some(authority)) {
            return refused("the Origin header names another site");
        }
    }
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    if has_body && !is_json(headers) {
        return Err(Problem::new(Kind::UnsupportedMediaType, "bodies are JSON: send `Content-Type: application/json`"));
    }
    Ok(())
}

fn is_json(headers: &HeaderMap) -> bool {
    let essence = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    essence.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get().cloned();
        caller.ok_or_else(|| Problem::unauthorized("send `Authorization: Bearer TOKEN` or log in at /api/v1/session"))
    }
}

/// The least role a handler is open to.
pub trait Need: Send + Sync {
    const ROLE: Role;
}

pub struct Viewer;
pub struct Operator;
pub struct Admin;

impl Need for Viewer {
    const ROLE: Role = Role::Viewer;
}

impl Need for Operator {
    const ROLE: Role = Role::Operator;
}

impl Need for Admin {
    const ROLE: Role = Role::Admin;
}

/// The workspace that `{ws}` (its id or name) names, and a caller who sees it and has the role `R`.
///
/// 404 when there is none or the caller does not see it; only then 403 when the role is missing.
pub struct Scope<R> {
    pub workspace: Workspace,
    pub caller: Caller,
    role: PhantomData<R>,
}

impl<R: Need> FromRequestParts<Arc<App>> for Scope<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let path = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Problem::not_found())?;
        let name = path.iter().find_map(|(key, value)| (key == "ws").then_some(value));
        let name = name.expect("every route of a workspace has {ws} in its path");
        let workspace = app.catalogue.workspace(name).await?.filter(|workspace| caller.sees(workspace));
        let workspace = workspace.ok_or_else(Problem::not_found)?;
        if !caller.login.role.includes(R::ROLE) {
            return Err(Problem::forbidden(format!("this needs the role {}", R::ROLE.as_str())));
        }
        Ok(Self { workspace, caller, role: PhantomData })
    }
}

/// The administrator of the whole server.
pub struct ServerAdmin(pub Caller);

impl FromRequestParts<Arc<App>> for ServerAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if !caller.is_server_admin() {
            return Err(Problem::forbidden("this needs the administrator of the server"));
        }
        Ok(Self(caller))
    }
}

/// The address the request came from: the listener puts it into the request. `None` in tests without one.
pub struct Peer(pub Option<SocketAddr>);

impl Peer {
    /// True for a program on this machine that talks to us itself. A proxy on this machine speaks for anybody, and says
    /// so in one of these headers.
    pub fn is_local(&self, headers: &HeaderMap) -> bool {
        let proxied =
            ["forwarded", "via", "x-forwarded-for", "x-real-ip"].iter().any(|name| headers.contains_key(*name));
        !proxied && self.0.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_bearer_token_is_read_in_any_case() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for bad in ["Bearer", "Bearer ", "Basic abc", "abc", ""] {
            assert_eq!(bearer(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_our_own_pages_may_change_things_with_a_cookie() {
        let passes =
            |pairs: &[(&'static str, &str)]| refuse_other_sites("https://eyrie.example", &headers(pairs)).is_ok();
        assert!(passes(&[("host", "a:1")]));
        assert!(passes(&[("host", "a:1"), ("origin", "http://a:1"), ("sec-fetch-site", "same-origin")]));
        assert!(passes(&[("host", "inner"), ("origin", "https://eyrie.example")]));
        assert!(passes(&[("content-length", "2"), ("content-type", "application/json; charset=utf-8")]));
        assert!(passes(&[("content-length", "0")]));
        assert!(!passes(&[("host", "a:1"), ("origin", "http://b:1")]));
        assert!(!passes(&[("host", "a:1"), ("origin", "null")]));
        assert!(!passes(&[("host", ""), ("origin", "http://")]));
        assert!(!passes(&[("host", "a:1"), ("sec-fetch-site", "cross-site")]));
        assert!(!passes(&[("host", "a:1"), ("sec-fetch-site", "same-site")]));
        assert!(!passes(&[("content-length", "2"), ("content-type", "text/plain")]));
        assert!(!passes(&[("transfer-encoding", "chunked")]));
    }
}
