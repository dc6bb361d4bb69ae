//! Bearer tokens of a workspace: hashed at rest, shown once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::Token;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::{Admin, Scope};
use super::extract::{self, PathParams, QueryParams};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use super::words::Role;
use crate::app::App;

/// A bearer token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenItem {
    pub id: Uuid,
    pub name: Option<String>,
    pub role: Role,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// To the minute.
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl From<Token> for TokenItem {
    fn from(token: Token) -> Self {
        let Token { id, workspace_id: _, role, name, created_at, expires_at, last_used_at, revoked_at } = token;
        Self { id, name, role: role.into(), created_at, expires_at, last_used_at, revoked_at }
    }
}

/// List tokens, revoked ones too
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/tokens", tag = "administration",
    params(("ws" = String, Path, description = "id or name of the workspace"), PageQuery),
    responses((status = 200, body = Page<TokenItem>)))]
pub async fn list_tokens(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<TokenItem>>, Problem> {
    let tokens = app.catalogue.tokens(scope.workspace.id).await?;
    Ok(Json(Page::cut(tokens, &page, |token| token.id.to_string(), TokenItem::from)?))
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct TokenRequest {
    role: Role,
    /// What it is for.
    #[schema(max_length = 64)]
    name: Option<String>,
    /// Null: until it is revoked.
    expires_at: Option<Timestamp>,
}

/// A new token. The secret is shown this once.
#[derive(Serialize, ToSchema)]
pub struct TokenAccessItem {
    pub id: Uuid,
    pub token: String,
}

/// Create a token
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/tokens", tag = "administration",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    request_body = TokenRequest, responses((status = 201, body = TokenAccessItem)))]
pub async fn create_token(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    extract::Json(request): extract::Json<TokenRequest>,
) -> Result<(StatusCode, Json<TokenAccessItem>), Problem> {
    let TokenRequest { role, name, expires_at } = request;
    let admin = app.admin(scope.caller.actor());
    let access = admin.create_token(&scope.workspace, role.into(), name.as_deref(), expires_at).await?;
    Ok((StatusCode::CREATED, Json(TokenAccessItem { id: access.id, token: access.token })))
}

/// Revoke a token
#[utoipa::path(delete, path = "/api/v1/workspaces/{ws}/tokens/{id}", tag = "administration",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 204, description = "It opens nothing any more")))]
pub async fn revoke_token(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<StatusCode, Problem> {
    app.admin(scope.caller.actor()).revoke_token(scope.workspace.id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
