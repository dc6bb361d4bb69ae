//! Login through an OpenID Connect provider: the authorization code flow with PKCE (OpenID Connect Core 1.0; RFC 6749, 7636, 9207,
//! 9700).
//!
//! `/oidc/login` sends the browser to the provider, `/oidc/callback` takes it back and ends in the same session as a password
//! does. What went out (state, nonce, PKCE's verifier) waits in a cookie of that browser, so an answer that another browser asked
//! for is worth nothing; [`attempt`]. [`provider`] speaks to the provider, [`claims`] believes its tokens or not. Somebody is
//! issuer and subject: an e-mail address or a name never links an account. What goes wrong ends at the login page, with a word for
//! it in the address, and in the log with its cause.

mod attempt;
mod claims;
mod people;
mod provider;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

use crate::api::auth::Peer;
use crate::api::extract::QueryParams;
use crate::api::problem::Problem;
use crate::api::session;
use crate::app::App;
use crate::config::OidcConfig;
use attempt::{Attempt, Attempts};
use claims::Answer;
use provider::Provider;

/// Where the provider sends browsers back to, below the public address.
const CALLBACK: &str = "/oidc/callback";
/// Answers of the provider that are looked at once.
const AT_ONCE: usize = 16;
/// Of a name in the audit log.
const MAX_NAME_CHARS: usize = 64;
/// Longest code, state or error in the provider's redirect, bytes.
const MAX_PARAMETER_BYTES: usize = 4 * 1024;

/// What the routes keep between requests.
pub struct Oidc {
    provider: Option<Provider>,
    attempts: Attempts,
    turns: Semaphore,
}

impl Oidc {
    pub fn new(app: &App) -> Self {
        Self {
            provider: Provider::new(&app.config.oidc),
            attempts: Attempts::new(&*app.random),
            turns: Semaphore::new(AT_ONCE),
        }
    }
}

/// Adds what is wrong with the settings.
pub(crate) fn check(config: &OidcConfig, problems: &mut Vec<String>) {
    let Some(issuer) = &config.issuer else { return };
    if !provider::is_safe(issuer) {
        problems.push(format!("oidc.issuer: {issuer:?} is not an https address (http only on this machine)"));
    }
    if config.client_id.is_empty() {
        problems.push("oidc.client_id: is needed with oidc.issuer".into());
    }
    if !config.scopes.iter().any(|scope| scope == "openid") {
        problems.push("oidc.scopes: openid is needed among them".into());
    }
    for rule in &config.roles {
        if claims::rule(rule).is_none() {
            problems.push(format!("oidc.roles: {rule:?} is not GROUP=viewer, GROUP=operator or GROUP=admin"));
        }
    }
    if !config.default_role.is_empty() && claims::role_named(&config.default_role).is_none() {
        problems.push(format!("oidc.default_role: {:?} is not viewer, operator or admin", config.default_role));
    }
    if config.roles.is_empty() && config.default_role.is_empty() {
        problems.push("oidc.roles, oidc.default_role: without either nobody gets a role: set one of them".into());
    }
    if let Some(file) = &config.ca_file
        && let Err(error) = crate::tls::certificates(file)
    {
        problems.push(format!("oidc.ca_file: {error:#}"));
    }
}

/// Why somebody is not logged in, as the login page's address has it (`?problem=`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// The provider cannot be asked.
    Unavailable,
    /// Nothing was asked by this browser, or too long ago.
    Expired,
    /// The provider said no, or the person did there.
    Denied,
    /// The answer cannot be believed.
    Failed,
    /// No group of this person may come.
    NoRole,
    Disabled,
}

impl Refusal {
    fn word(self) -> &'static str {
        match self {
            Self::Unavailable => "oidc-unavailable",
            Self::Expired => "oidc-expired",
            Self::Denied => "oidc-denied",
            Self::Failed => "oidc-failed",
            Self::NoRole => "oidc-no-role",
            Self::Disabled => "oidc-disabled",
        }
    }
}

/// A refusal and its cause, for the log.
type Refused = (Refusal, anyhow::Error);

#[derive(Debug, Serialize, ToSchema)]
pub struct LoginOptions {
    /// The OpenID Connect provider; null when there is none.
    pub oidc: Option<OidcOption>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct OidcOption {
    /// "Sign in with NAME".
    pub name: String,
    /// Where a browser goes to log in; `?next=` is the page it wants to see then.
    pub login_url: String,
    /// Ends the session at the provider; null when it does not say where.
    pub logout_url: Option<String>,
}

/// Say how one can log in
///
/// For the login page. A name and a password always do.
#[utoipa::path(get, path = "/oidc/options", tag = "session", security(()), responses((status = 200, body = LoginOptions)))]
pub(crate) async fn get_login_options(
    State(app): State<Arc<App>>,
    Extension(oidc): Extension<Arc<Oidc>>,
) -> axum::Json<LoginOptions> {
    let option = oidc.provider.as_ref().map(|provider| OidcOption {
        name: app.config.oidc.name.clone(),
        login_url: "/oidc/login".into(),
        logout_url: provider.known_logout_url(&format!("{}/login", app.urls.http)),
    });
    axum::Json(LoginOptions { oidc: option })
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Next {
    /// A page of this server, as `/w/default/flights`.
    next: Option<String>,
}

/// Log in at the OpenID Connect provider
///
/// For browsers: answers with the way to the provider. 404 when none is configured.
#[utoipa::path(get, path = "/oidc/login", tag = "session", security(()), params(Next),
    responses((status = 303, description = "To the provider, or back to the login page with the reason")))]
pub(crate) async fn start_oidc(
    State(app): State<Arc<App>>,
    Extension(oidc): Extension<Arc<Oidc>>,
    jar: CookieJar,
    QueryParams(Next { next }): QueryParams<Next>,
) -> Result<Response, Problem> {
    let provider = oidc.provider.as_ref().ok_or_else(Problem::not_found)?;
    let attempt = Attempt::new(&app, next.as_deref());
    match provider.authorization_url(&attempt, &redirect_uri(&app)).await {
        Ok(url) => Ok((jar.add(oidc.attempts.cookie(&app, &attempt)), see_other(&url)?).into_response()),
        Err(cause) => back_to_login(Refusal::Unavailable, &cause),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallbackQuery {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

impl CallbackQuery {
    fn fits(&self) -> bool {
        [&self.state, &self.code, &self.error, &self.iss]
            .into_iter()
            .flatten()
            .all(|text| text.len() <= MAX_PARAMETER_BYTES)
    }
}

/// Come back from the OpenID Connect provider
///
/// For browsers: ends at the page that was wanted, logged in, or at the login page with the reason.
#[utoipa::path(get, path = "/oidc/callback", tag = "session", security(()), params(CallbackQuery),
    responses((status = 303, description = "To the page that was wanted, or to the login page with the reason")))]
pub(crate) async fn finish_oidc(
    State(app): State<Arc<App>>,
    Extension(oidc): Extension<Arc<Oidc>>,
    peer: Peer,
    jar: CookieJar,
    QueryParams(query): QueryParams<CallbackQuery>,
) -> Result<Response, Problem> {
    let provider = oidc.provider.as_ref().ok_or_else(Problem::not_found)?;
    let cookie = jar.get(attempt::COOKIE).map(|cookie| cookie.value().to_owned());
    let jar = jar.remove(oidc.attempts.no_cookie());
    match answer(&app, &oidc, provider, cookie.as_deref(), &query).await {
        Ok((attempt, answer)) => match people::find_or_make(&app, &answer).await? {
            Ok(user) => {
                let jar = session::open(&app, user, jar, &peer, "oidc").await?;
                Ok((jar, see_other(&attempt.next)?).into_response())
            }
            Err((refusal, cause)) => {
                // who they are is known: that they came and were not let in is the log's, too
                let name = answer.name.as_deref().unwrap_or(&answer.subject);
                let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
                session::note_refused(&app, &name, &peer, refusal.word()).await?;
                Ok((jar, back_to_login(refusal, &cause)?).into_response())
            }
        },
        Err((refusal, cause)) => Ok((jar, back_to_login(refusal, &cause)?).into_response()),
    }
}

/// What the provider says of somebody, when this browser asked for it and all of it can be believed.
async fn answer(
    app: &App,
    oidc: &Oidc,
    provider: &Provider,
    cookie: Option<&str>,
    query: &CallbackQuery,
) -> Result<(Attempt, Answer), Refused> {
    let expired = |why: &'static str| (Refusal::Expired, anyhow::anyhow!(why));
    let failed = |cause| (Refusal::Failed, cause);
    let attempt = cookie.and_then(|cookie| oidc.attempts.read(app, cookie));
    let attempt = attempt.ok_or_else(|| expired("this browser asked for no login, or too long ago"))?;
    let state = query.state.as_deref().filter(|_| query.fits()).unwrap_or_default();
    if !attempt.is_answered_by(state) {
        return Err(expired("the state is not the one that this browser was given"));
    }
    provider.check_sender(query.iss.as_deref()).map_err(failed)?;
    if let Some(error) = &query.error {
        let word: String = error.chars().filter(char::is_ascii_graphic).take(64).collect();
        return Err((Refusal::Denied, anyhow::anyhow!("the provider refused: {word}")));
    }
    let code = query.code.as_deref().filter(|code| !code.is_empty());
    let code = code.ok_or_else(|| failed(anyhow::anyhow!("there is neither a code nor an error")))?;

    let busy = |_| (Refusal::Unavailable, anyhow::anyhow!("too many logins at once"));
    let _turn = oidc.turns.try_acquire().map_err(busy)?;
    // before it is used: two answers with one state at once are one too many
    if !oidc.attempts.spend(&attempt) {
        return Err(expired("this login was finished already"));
    }
    let answer = provider.redeem(code, &attempt, &redirect_uri(app), app.now()).await.map_err(failed)?;
    Ok((attempt, answer))
}

fn redirect_uri(app: &App) -> String {
    format!("{}{CALLBACK}", app.urls.http)
}

fn see_other(to: &str) -> Result<Response, Problem> {
    let to = HeaderValue::try_from(to).map_err(Problem::internal)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
}

fn back_to_login(refusal: Refusal, cause: &anyhow::Error) -> Result<Response, Problem> {
    tracing::warn!(refusal = refusal.word(), error = format!("{cause:#}"), "a login through OpenID Connect failed");
    see_other(&format!("/login?problem={}", refusal.word()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn settings_that_cannot_work_are_told() {
        let said = |change: fn(&mut OidcConfig)| {
            let mut config = Config::default().oidc;
            config.issuer = Some("https://login.example.org".into());
            config.client_id = "eyrie".into();
            config.default_role = "viewer".into();
            change(&mut config);
            let mut problems = Vec::new();
            check(&config, &mut problems);
            problems.join("\n")
        };
        assert_eq!(said(|_| ()), "");
        assert_eq!(said(|config| config.issuer = Some("http://127.0.0.1:5556/dex".into())), "");
        assert!(said(|config| config.issuer = Some("http://login.example.org".into())).contains("oidc.issuer"));
        assert!(said(|config| config.client_id.clear()).contains("oidc.client_id"));
        assert!(said(|config| config.scopes.clear()).contains("oidc.scopes"));
        assert!(said(|config| config.roles = vec!["crew:operator".into()]).contains("oidc.roles"));
        assert!(said(|config| config.default_role = "root".into()).contains("oidc.default_role"));
        assert!(said(|config| config.default_role.clear()).contains("nobody gets a role"));
        let mut problems = Vec::new();
        check(&Config::default().oidc, &mut problems);
        assert!(problems.is_empty(), "it is off");
    }
}
