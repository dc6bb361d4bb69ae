//! People of a workspace. The administrators of the whole server are made on the command line alone.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::User;
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

#[derive(Debug, Serialize, ToSchema)]
pub struct UserItem {
    pub id: Uuid,
    pub name: String,
    pub role: Role,
    pub created_at: Timestamp,
}

impl From<User> for UserItem {
    fn from(user: User) -> Self {
        Self { id: user.id, name: user.name, role: user.role.into(), created_at: user.created_at }
    }
}

/// List users
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/users", tag = "administration",
    params(("ws" = String, Path, description = "id or name of the workspace"), PageQuery),
    responses((status = 200, body = Page<UserItem>)))]
pub async fn list_users(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<UserItem>>, Problem> {
    let users = app.catalogue.users(Some(scope.workspace.id)).await?;
    Ok(Json(Page::cut(users, &page, |user| user.id.to_string(), UserItem::from)?))
}

#[derive(Deserialize, ToSchema)]
pub struct UserRequest {
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    role: Role,
    /// One is made when it is left out.
    #[schema(min_length = 10, max_length = 256, format = Password)]
    password: Option<String>,
}

/// A new user. A password that was made here is shown this once.
#[derive(Serialize, ToSchema)]
pub struct UserAccessItem {
    pub id: Uuid,
    /// Null when it was chosen by the caller.
    pub password: Option<String>,
}

/// Create a user
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/users", tag = "administration",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    request_body = UserRequest, responses((status = 201, body = UserAccessItem)))]
pub async fn create_user(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    extract::Json(request): extract::Json<UserRequest>,
) -> Result<(StatusCode, Json<UserAccessItem>), Problem> {
    let UserRequest { name, role, password } = request;
    let admin = app.admin(scope.caller.actor());
    let access = admin.add_user(&name, Some(&scope.workspace), role.into(), password.as_deref()).await?;
    let shown = password.is_none().then_some(access.password);
    Ok((StatusCode::CREATED, Json(UserAccessItem { id: access.id, password: shown })))
}

/// Delete a user and end the sessions
#[utoipa::path(delete, path = "/api/v1/workspaces/{ws}/users/{id}", tag = "administration",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 204, description = "The account is gone")))]
pub async fn delete_user(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<StatusCode, Problem> {
    let users = app.catalogue.users(Some(scope.workspace.id)).await?;
    let user = users.into_iter().find(|user| user.id == id && user.workspace_id == Some(scope.workspace.id));
    let user = user.ok_or_else(Problem::not_found)?;
    app.admin(scope.caller.actor()).remove_user(&user.name).await?;
    Ok(StatusCode::NO_CONTENT)
}
