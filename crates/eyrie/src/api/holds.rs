//! Legal holds: what may not be deleted, by anybody, until somebody releases it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::{Held, LegalHold};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::albums::bounded;
use super::auth::{Admin, Operator, Scope};
use super::extract::{Json as Body, PathParams, QueryParams};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use crate::app::App;

/// A legal hold. On a flight, a dock, chosen files (none of the three is said), or everything.
#[derive(Debug, Serialize, ToSchema)]
pub struct LegalHoldItem {
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    pub flight_id: Option<String>,
    /// A dock or controller.
    pub gateway_sn: Option<String>,
    /// Every file of the workspace.
    pub everything: bool,
    pub created_by: String,
    pub created_at: Timestamp,
    pub released_by: Option<String>,
    /// Null while it is open.
    pub released_at: Option<Timestamp>,
}

impl From<LegalHold> for LegalHoldItem {
    fn from(hold: LegalHold) -> Self {
        let everything = hold.held == Held::Everything;
        let (flight_id, gateway_sn) = match hold.held {
            Held::Flight(id) => (Some(id), None),
            Held::Gateway(sn) => (None, Some(sn)),
            Held::Everything | Held::Selection => (None, None),
        };
        Self {
            id: hold.id,
            name: hold.name,
            flight_id,
            gateway_sn,
            everything,
            created_by: hold.created_by,
            created_at: hold.created_at,
            released_by: hold.released_by,
            released_at: hold.released_at,
        }
    }
}

/// A hold to place: on one of flight, dock, files and everything.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLegalHoldRequest {
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    #[serde(default)]
    flight_id: Option<String>,
    #[serde(default)]
    gateway_sn: Option<String>,
    #[serde(default)]
    #[schema(min_items = 1, max_items = 10_000)]
    media_ids: Option<Vec<Uuid>>,
    #[serde(default)]
    everything: bool,
}

/// List legal holds, the newest first, also those that were released
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/legal-holds", tag = "retention",
    params(("ws" = String, Path, description = "id or name of the workspace"), PageQuery),
    responses((status = 200, body = Page<LegalHoldItem>)))]
pub async fn list_legal_holds(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<LegalHoldItem>>, Problem> {
    let found = app.catalogue.list_holds(scope.workspace.id, page.cursor(), page.limit()).await?;
    Ok(Json(Page::from_rows(found, LegalHoldItem::from)))
}

/// Place a legal hold
///
/// From now on the files can neither be moved into the trash nor deleted from it, and their objects neither be replaced nor
/// removed over S3. A hold on a flight, a dock or everything is also on files that come later. Audited.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/legal-holds", tag = "retention",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    request_body = NewLegalHoldRequest, responses((status = 201, body = LegalHoldItem)))]
pub async fn place_legal_hold(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    Body(wanted): Body<NewLegalHoldRequest>,
) -> Result<(StatusCode, Json<LegalHoldItem>), Problem> {
    let (held, media_ids) = match (wanted.flight_id, wanted.gateway_sn, wanted.media_ids, wanted.everything) {
        (Some(id), None, None, false) => (Held::Flight(id), Vec::new()),
        (None, Some(sn), None, false) => (Held::Gateway(sn), Vec::new()),
        (None, None, Some(ids), false) => (Held::Selection, bounded(ids)?),
        (None, None, None, true) => (Held::Everything, Vec::new()),
        _ => return Err(Problem::bad_request("one of flight_id, gateway_sn, media_ids and everything is needed")),
    };
    let hold = app.admin(scope.caller.actor()).place_hold(&scope.workspace, &wanted.name, held, &media_ids).await?;
    app.holds.load(&app.catalogue).await?;
    Ok((StatusCode::CREATED, Json(hold.into())))
}

/// Show a legal hold
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/legal-holds/{id}", tag = "retention",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 200, body = LegalHoldItem)))]
pub async fn get_legal_hold(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<Json<LegalHoldItem>, Problem> {
    let hold = app.catalogue.hold(scope.workspace.id, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(hold.into()))
}

/// Release a legal hold
///
/// It stays in the list, with who released it. Repeating it changes nothing. Audited.
#[utoipa::path(delete, path = "/api/v1/workspaces/{ws}/legal-holds/{id}", tag = "retention",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 200, body = LegalHoldItem)))]
pub async fn release_legal_hold(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<Json<LegalHoldItem>, Problem> {
    let hold = app.admin(scope.caller.actor()).release_hold(&scope.workspace, id).await?;
    app.holds.load(&app.catalogue).await?;
    Ok(Json(hold.into()))
}
