//! `POST /pilot/api/login`: a person logs a controller in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::{Role, User, Workspace};
use serde::Deserialize;
use utoipa::ToSchema;

use super::session::PilotSession;
use crate::api::auth::Peer;
use crate::api::extract;
use crate::api::problem::Problem;
use crate::api::session::check;
use crate::app::App;

#[derive(Deserialize, ToSchema)]
pub(super) struct PilotLoginRequest {
    #[schema(max_length = 256)]
    name: String,
    #[schema(max_length = 1024, format = Password)]
    password: String,
    /// Of the controller, as `platformGetRemoteControllerSN` says it.
    #[schema(max_length = 64)]
    sn: String,
    /// Id or name; may be left out where only one can be meant.
    workspace: Option<String>,
}

/// Log a Pilot 2 controller in
///
/// For people with the role operator. The controller's account is made when there is none.
#[utoipa::path(post, path = "/pilot/api/login", tag = "pilot", security(()),
    request_body = PilotLoginRequest, responses((status = 200, body = PilotSession)))]
pub(super) async fn log_in_pilot(
    State(app): State<Arc<App>>,
    peer: Peer,
    extract::Json(login): extract::Json<PilotLoginRequest>,
) -> Result<Json<PilotSession>, Problem> {
    let user = check(&app, &peer, &login.name, &login.password).await?;
    if !user.role.includes(Role::Operator) {
        return Err(Problem::forbidden(format!("this needs the role {}", Role::Operator.as_str())));
    }
    let workspace = workspace(&app, &user, login.workspace.as_deref().filter(|name| !name.is_empty())).await?;
    let grant = app.admin(format!("user:{}", user.name)).log_in_controller(&workspace, &login.sn).await?;
    // its first message or call must find its workspace
    app.docks.load(&app.catalogue).await?;
    PilotSession::of_grant(&app, &grant).await.map(Json)
}

/// The named one, or the only one; what the person may not see is not found.
async fn workspace(app: &App, user: &User, named: Option<&str>) -> Result<Workspace, Problem> {
    let sees = |workspace: &Workspace| user.workspace_id.is_none_or(|id| id == workspace.id);
    if let Some(named) = named {
        return app.catalogue.workspace(named).await?.filter(sees).ok_or_else(Problem::not_found);
    }
    let mut visible = app.catalogue.workspaces().await?.into_iter().filter(sees);
    match (visible.next(), visible.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Problem::not_found()),
        (Some(_), Some(_)) => Err(Problem::bad_request("you see several workspaces: name one")),
    }
}
