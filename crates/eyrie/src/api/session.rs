//! Browser sessions: name and password in, a cookie out.
//!
//! Guessing is slow and bounded: argon2 on blocking threads, few at once, the same work for a name that does not exist;
//! failures are counted in the database under the name and under the peer's address, so that neither a restart nor
//! another replica clears them. An address may fail five times as often as a name, since offices share one.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use eyrie_catalogue::{Role, Session, User};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::{Caller, Peer, SESSION_COOKIE};
use super::extract;
use super::problem::{Kind, Problem};
use super::words;
use crate::app::App;
use crate::secret::{hash_password, token_hash, verify_password};

/// Passwords checked at once: each takes 19 MiB and a thread.
const CHECKS_AT_ONCE: usize = 2;
/// How long a login waits for its turn before it is told to come back.
const CHECK_WAIT: Duration = Duration::from_secs(10);
/// Failures older than this are forgiven.
const FAILURE_WINDOW_S: i64 = 15 * 60;
/// Failures allowed for an address, as a multiple of those for a name.
const ADDRESS_FACTOR: u32 = 5;
const MAX_NAME_BYTES: usize = 256;
const MAX_PASSWORD_BYTES: usize = 1_024;
/// Entropy of the cookie's value, bytes.
const SESSION_BYTES: usize = 32;

static CHECKS: Semaphore = Semaphore::const_new(CHECKS_AT_ONCE);

#[derive(Deserialize, ToSchema)]
pub struct LoginRequest {
    #[schema(max_length = 256)]
    name: String,
    #[schema(max_length = 1024, format = Password)]
    password: String,
}

/// Who is logged in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionItem {
    /// The user's name; null behind a token.
    pub user: Option<String>,
    pub role: words::Role,
    /// The one workspace that is visible; null for the administrator of the server, who sees all of them.
    pub workspace: Option<WorkspaceRef>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceRef {
    pub id: Uuid,
    pub name: String,
}

/// Log in
///
/// Sets the cookie `eyrie_session`. After too many failures the answer is 429 with `Retry-After`, right password or not.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", security(()),
    request_body = LoginRequest, responses((status = 200, body = SessionItem)))]
pub async fn create_session(
    State(app): State<Arc<App>>,
    peer: Peer,
    jar: CookieJar,
    extract::Json(login): extract::Json<LoginRequest>,
) -> Result<(CookieJar, Json<SessionItem>), Problem> {
    let user = check(&app, &peer, &login.name, &login.password).await?;
    let (name, role, workspace_id) = (user.name.clone(), user.role, user.workspace_id);
    let jar = open(&app, user, jar, &peer, "password").await?;
    Ok((jar, Json(describe(&app, Some(name), role, workspace_id).await?)))
}

/// A new session of this browser; `how` somebody proved who they are is written down.
pub(crate) async fn open(
    app: &App,
    user: User,
    jar: CookieJar,
    peer: &Peer,
    how: &'static str,
) -> Result<CookieJar, Problem> {
    let (token, now) = (app.random_text(SESSION_BYTES), app.now());
    let lifetime = SignedDuration::try_from(app.config.http.session_lifetime).unwrap_or(SignedDuration::from_hours(24));
    let session = Session {
        token_hash: token_hash(&token),
        user_id: user.id,
        created_at: now,
        expires_at: now.checked_add(lifetime).unwrap_or(Timestamp::MAX),
    };
    app.catalogue.add_session(&session).await?;
    let address = peer.0.map_or(Value::Null, |peer| peer.ip().to_string().into());
    let admin = app.admin(format!("user:{}", user.name));
    admin.audit(user.workspace_id, "session.create", &user.name, json!({ "address": address, "by": how })).await?;
    // an earlier session of this browser is over
    if let Some(old) = jar.get(SESSION_COOKIE) {
        app.catalogue.end_session(&token_hash(old.value())).await?;
    }
    let mut cookie = session_cookie(app, token);
    cookie.set_max_age(app.config.http.session_lifetime.try_into().ok());
    Ok(jar.add(cookie))
}

/// Say who is logged in
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses((status = 200, body = SessionItem)))]
pub async fn get_session(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<SessionItem>, Problem> {
    let user = caller.actor().strip_prefix("user:").map(str::to_owned);
    Ok(Json(describe(&app, user, caller.login.role, caller.login.workspace_id).await?))
}

/// Log out
///
/// The session is over at once, on the server too. Behind a token there is none to end, and nothing happens.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", responses((status = 204, description = "It is over")))]
pub async fn delete_session(
    State(app): State<Arc<App>>,
    caller: Caller,
    peer: Peer,
    jar: CookieJar,
) -> Result<(StatusCode, CookieJar), Problem> {
    if let Some(hash) = caller.session_hash() {
        app.catalogue.end_session(hash).await?;
        let name = caller.actor().strip_prefix("user:").unwrap_or_default();
        record(&app, caller.login.workspace_id, caller.actor(), "session.end", name, &peer).await?;
    }
    Ok((StatusCode::NO_CONTENT, jar.remove(session_cookie(&app, String::new()))))
}

/// The user whose name and password these are.
///
/// # Errors
/// 400 for what is too long, 401, 429 after too many failures, 503 when too many log in at once.
pub(crate) async fn check(app: &Arc<App>, peer: &Peer, name: &str, password: &str) -> Result<User, Problem> {
    if name.len() > MAX_NAME_BYTES || password.len() > MAX_PASSWORD_BYTES {
        return Err(Problem::bad_request("name or password is too long"));
    }
    let busy = || Problem::unavailable("too many logins at once").retry_after(CHECK_WAIT.as_secs());
    let turn = tokio::time::timeout(CHECK_WAIT, CHECKS.acquire()).await.map_err(|_| busy())?;
    let _turn = turn.expect("the semaphore is never closed");

    // counted inside the turn, so that attempts made at once do not all pass before one is counted
    let name_key = format!("name:{}", hex(&token_hash(name)[..16]));
    let address_key = peer.0.map(|peer| format!("address:{}", network(peer.ip())));
    let since = app.now().saturating_sub(SignedDuration::from_secs(FAILURE_WINDOW_S)).expect("a fixed span");
    let allowed = app.config.http.max_failed_logins;
    let limits = [(Some(&name_key), allowed), (address_key.as_ref(), allowed.saturating_mul(ADDRESS_FACTOR))];
    for (key, allowed) in limits {
        if let Some(key) = key
            && app.catalogue.failed_logins(key, since).await? >= allowed
        {
            tracing::warn!(peer = ?peer.0, "a login is refused after too many failures");
            return Err(Problem::new(Kind::TooManyRequests, "too many failed logins: wait before the next")
                .retry_after(FAILURE_WINDOW_S.unsigned_abs()));
        }
    }

    let user = app.catalogue.user_by_name(name).await?;
    let hash = match &user {
        Some(user) => user.password_hash.clone(),
        None => nobodys_hash(app).await?,
    };
    let password = password.to_owned();
    let right = tokio::task::spawn_blocking(move || verify_password(&hash, password.as_bytes()));
    let right = right.await.map_err(Problem::internal)?;
    match user {
        // who knows the password may hear why it does not help
        Some(user) if right && user.disabled => {
            record(app, user.workspace_id, "server", "session.refuse", &user.name, peer).await?;
            Err(Problem::unauthorized("this account is disabled: an administrator can enable it again"))
        }
        Some(user) if right => {
            app.catalogue.clear_failed_logins(&name_key).await?;
            Ok(user)
        }
        user => {
            for key in [Some(&name_key), address_key.as_ref()].into_iter().flatten() {
                app.catalogue.add_failed_login(key, app.now()).await?;
            }
            // a name nobody has may be a password typed into the wrong field: it is not written down
            let subject = user.as_ref().map_or("unknown name", |user| user.name.as_str());
            let workspace_id = user.as_ref().and_then(|user| user.workspace_id);
            record(app, workspace_id, "server", "session.refuse", subject, peer).await?;
            Err(Problem::unauthorized("name or password is wrong"))
        }
    }
}

/// Whether this is a share link's password. Counted like logins: under the share, and under the peer's address.
///
/// # Errors
/// 429 after too many failures, 503 when too many ask at once.
pub(super) async fn check_share(
    app: &Arc<App>,
    peer: &Peer,
    share_id: Uuid,
    hash: String,
    password: String,
) -> Result<bool, Problem> {
    let busy = || Problem::unavailable("too many logins at once").retry_after(CHECK_WAIT.as_secs());
    let turn = tokio::time::timeout(CHECK_WAIT, CHECKS.acquire()).await.map_err(|_| busy())?;
    let _turn = turn.expect("the semaphore is never closed");
    let share_key = format!("share:{}", share_id.simple());
    let address_key = peer.0.map(|peer| format!("address:{}", network(peer.ip())));
    let since = app.now().saturating_sub(SignedDuration::from_secs(FAILURE_WINDOW_S)).expect("a fixed span");
    // people behind one link do not keep each other out sooner than those of an office
    let allowed = app.config.http.max_failed_logins.saturating_mul(ADDRESS_FACTOR);
    for key in [Some(&share_key), address_key.as_ref()].into_iter().flatten() {
        if app.catalogue.failed_logins(key, since).await? >= allowed {
            return Err(Problem::new(Kind::TooManyRequests, "too many wrong passwords: wait before the next")
                .retry_after(FAILURE_WINDOW_S.unsigned_abs()));
        }
    }
    let right = tokio::task::spawn_blocking(move || verify_password(&hash, password.as_bytes()));
    let right = right.await.map_err(Problem::internal)?;
    if !right {
        for key in [Some(&share_key), address_key.as_ref()].into_iter().flatten() {
            app.catalogue.add_failed_login(key, app.now()).await?;
        }
    }
    Ok(right)
}

/// A hash to check when there is no such user, so that the answer takes as long.
async fn nobodys_hash(app: &Arc<App>) -> Result<String, Problem> {
    static HASH: OnceLock<String> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash.clone());
    }
    let app = Arc::clone(app);
    let make = move || HASH.get_or_init(|| hash_password(&*app.random, &app.random_text(16))).clone();
    tokio::task::spawn_blocking(make).await.map_err(Problem::internal)
}

fn session_cookie(app: &App, value: String) -> Cookie<'static> {
    Cookie::build((SESSION_COOKIE, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(app.config.tls.is_some() || app.urls.http.starts_with("https:"))
        .build()
}

async fn describe(
    app: &App,
    user: Option<String>,
    role: Role,
    workspace_id: Option<Uuid>,
) -> Result<SessionItem, Problem> {
    let workspace = match workspace_id {
        Some(id) => app.catalogue.workspace(&id.to_string()).await?,
        None => None,
    };
    let workspace = workspace.map(|workspace| WorkspaceRef { id: workspace.id, name: workspace.name });
    Ok(SessionItem { user, role: role.into(), workspace })
}

async fn record(
    app: &App,
    workspace_id: Option<Uuid>,
    actor: &str,
    action: &str,
    subject: &str,
    peer: &Peer,
) -> Result<(), Problem> {
    let address = peer.0.map_or(Value::Null, |peer| peer.ip().to_string().into());
    Ok(app.admin(actor).audit(workspace_id, action, subject, json!({ "address": address })).await?)
}

/// Writes down that somebody was not let in whom a provider vouched for.
pub(crate) async fn note_refused(app: &App, name: &str, peer: &Peer, why: &'static str) -> Result<(), Problem> {
    let address = peer.0.map_or(Value::Null, |peer| peer.ip().to_string().into());
    let detail = json!({ "address": address, "by": "oidc", "why": why });
    Ok(app.admin("server").audit(None, "session.refuse", name, detail).await?)
}

/// What one caller commands: an IPv4 address, or the /64 that an IPv6 address lies in.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_subscriber_count_together() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
    }
}
