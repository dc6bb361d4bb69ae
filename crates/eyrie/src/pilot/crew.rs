//! Who asks: a controller with its `X-Auth-Token`.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use eyrie_catalogue::{CatalogueError, ControllerSession};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use super::answer::Answer;
use crate::api::problem::Problem;
use crate::app::App;
use crate::dock::state::{GatewayKind, Identity};
use crate::secret::token_hash;

/// The header that the app sends with everything.
pub const AUTH_TOKEN: &str = "x-auth-token";
/// Longest token looked at, bytes.
const MAX_TOKEN_BYTES: usize = 512;

/// A controller whose token is good.
#[derive(Clone, Debug)]
pub(super) struct Crew {
    pub(super) session: ControllerSession,
    pub(super) token_expires_at: Timestamp,
    pub(super) device: Arc<Identity>,
}

impl Crew {
    /// `None`: the token is missing, unknown or over, or the controller is disabled.
    async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Option<Self>, CatalogueError> {
        let token = headers.get(AUTH_TOKEN).and_then(|token| token.to_str().ok());
        let Some(token) = token.filter(|token| token.len() <= MAX_TOKEN_BYTES) else { return Ok(None) };
        let Some(login) = app.catalogue.controller_login(&token_hash(token), app.now()).await? else { return Ok(None) };
        let mut device = app.docks.identity(&login.session.sn);
        if device.is_none() {
            // added by a command a moment ago
            app.docks.load(&app.catalogue).await?;
            device = app.docks.identity(&login.session.sn);
        }
        let own = |device: &Arc<Identity>| {
            device.kind == GatewayKind::Controller && device.workspace_id == login.session.workspace_id
        };
        Ok(device.filter(own).map(|device| Self {
            device,
            token_expires_at: login.token_expires_at,
            session: login.session,
        }))
    }
}

/// A controller that asks with the app; where the path names a workspace, its own.
pub(super) struct AppCrew(pub(super) Crew);

impl FromRequestParts<Arc<App>> for AppCrew {
    type Rejection = Answer;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Answer> {
        let crew = Crew::authenticate(app, &parts.headers).await?.ok_or_else(Answer::logged_out)?;
        tracing::Span::current().record("actor", format!("controller:{}", crew.device.sn));
        let path = RawPathParams::from_request_parts(parts, app).await;
        let path = path.map_err(|_| Answer::refused(StatusCode::FORBIDDEN, "another workspace"))?;
        let named = path.iter().find_map(|(key, value)| (key == "ws").then_some(value));
        let own = named.is_none_or(|name| {
            let id = uuid::Uuid::try_parse(name);
            id.is_ok_and(|id| id == crew.device.workspace_id) || name == crew.device.workspace_name
        });
        if own {
            Ok(Self(crew))
        } else {
            Err(Answer::refused(StatusCode::FORBIDDEN, "this login is for another workspace"))
        }
    }
}

/// A controller that asks from our login page.
pub(super) struct PageCrew(pub(super) Crew);

impl FromRequestParts<Arc<App>> for PageCrew {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let crew = Crew::authenticate(app, &parts.headers).await?;
        let crew = crew.ok_or_else(|| Problem::unauthorized("X-Auth-Token is missing, wrong or over: log in again"))?;
        tracing::Span::current().record("actor", format!("controller:{}", crew.device.sn));
        Ok(Self(crew))
    }
}
