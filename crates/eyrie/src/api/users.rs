//! People of a workspace. The administrators of the whole server are made on the command line alone.

use std::collections::HashSet;
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
use super::problem::{Kind, Problem};
use super::words::Role;
use crate::app::App;

#[derive(Debug, Serialize, ToSchema)]
pub struct UserItem {
    pub id: Uuid,
    pub name: String,
    pub role: Role,
    /// Kept out, whatever they log in with.
    pub disabled: bool,
    /// Logs in through the OpenID Connect provider, which then also says the role.
    pub oidc: bool,
    pub created_at: Timestamp,
}

impl UserItem {
    fn new(user: User, with_identity: &HashSet<Uuid>) -> Self {
        let User { id, name, role, disabled, created_at, .. } = user;
        Self { id, name, role: role.into(), disabled, oidc: with_identity.contains(&id), created_at }
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
    let known = app.catalogue.users_with_identity(scope.workspace.id).await?;
    Ok(Json(Page::cut(users, &page, |user| user.id.to_string(), |user| UserItem::new(user, &known))?))
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

/// What may be changed of a user; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UserChangeRequest {
    role: Option<Role>,
    disabled: Option<bool>,
}

/// Give a user another role, or keep one out
///
/// A new role holds from the next request on; the sessions of a disabled user end at once.
#[utoipa::path(patch, path = "/api/v1/workspaces/{ws}/users/{id}", tag = "administration",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    request_body = UserChangeRequest, responses((status = 200, body = UserItem)))]
pub async fn change_user(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    extract::Json(change): extract::Json<UserChangeRequest>,
) -> Result<Json<UserItem>, Problem> {
    let user = visible(&app, &scope, id).await?;
    if scope.caller.login.user_id == Some(id) {
        return Err(Problem::new(Kind::Conflict, "another administrator has to change your own account"));
    }
    let admin = app.admin(scope.caller.actor());
    let user = admin.change_user(&user.name, change.role.map(Into::into), change.disabled).await?;
    let known = app.catalogue.users_with_identity(scope.workspace.id).await?;
    Ok(Json(UserItem::new(user, &known)))
}

/// Give a user a new password
///
/// It is shown this once; the user's sessions end.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/users/{id}/password", tag = "administration",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 200, body = UserAccessItem)))]
pub async fn reset_password(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<Json<UserAccessItem>, Problem> {
    let user = visible(&app, &scope, id).await?;
    let access = app.admin(scope.caller.actor()).set_user_password(&user.name, None).await?;
    Ok(Json(UserAccessItem { id: access.id, password: Some(access.password) }))
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
    let user = visible(&app, &scope, id).await?;
    app.admin(scope.caller.actor()).remove_user(&user.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn visible(app: &App, scope: &Scope<Admin>, id: Uuid) -> Result<User, Problem> {
    let users = app.catalogue.users(Some(scope.workspace.id)).await?;
    users.into_iter().find(|user| user.id == id).ok_or_else(Problem::not_found)
}
