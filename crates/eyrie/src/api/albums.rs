//! Albums: named collections of files. The files of one are the media list's with `album_id`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::{Album, AuditEntry, MAX_CHOSEN};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::{Need, Operator, Scope, Viewer};
use super::extract::{Json as Body, PathParams, QueryParams};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use crate::app::App;

const MAX_NAME_CHARS: usize = 120;
const MAX_DESCRIPTION_CHARS: usize = 2_000;
/// Files named in one request.
const MAX_IDS: usize = 10_000;

/// A named collection of files.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlbumItem {
    pub id: Uuid,
    pub name: String,
    pub description: String,
    /// Without the trash.
    pub media_count: i64,
    /// The newest file with a picture.
    pub cover_media_id: Option<Uuid>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl From<Album> for AlbumItem {
    fn from(album: Album) -> Self {
        let Album { id, workspace_id: _, name, description, media_count, cover_media_id, created_at, updated_at } =
            album;
        Self { id, name, description, media_count, cover_media_id, created_at, updated_at }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlbumRequest {
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    #[serde(default)]
    #[schema(max_length = 2000)]
    description: String,
}

/// What changes; a field left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeAlbumRequest {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 120)]
    name: Option<String>,
    #[serde(default)]
    #[schema(max_length = 2000)]
    description: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlbumMediaRequest {
    #[schema(min_items = 1, max_items = 10_000)]
    media_ids: Vec<Uuid>,
}

/// How many files came or went.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlbumChange {
    pub changed: u64,
}

/// List albums, the newest first
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/albums", tag = "albums",
    params(("ws" = String, Path, description = "id or name of the workspace"), PageQuery),
    responses((status = 200, body = Page<AlbumItem>)))]
pub async fn list_albums(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<AlbumItem>>, Problem> {
    let found = app.catalogue.list_albums(scope.workspace.id, page.cursor(), page.limit()).await?;
    Ok(Json(Page::from_rows(found, AlbumItem::from)))
}

/// Make an album
///
/// Audited.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/albums", tag = "albums",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    request_body = NewAlbumRequest, responses((status = 201, body = AlbumItem)))]
pub async fn create_album(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    Body(wanted): Body<NewAlbumRequest>,
) -> Result<(StatusCode, Json<AlbumItem>), Problem> {
    let now = app.now();
    let album = Album {
        id: app.new_id(),
        workspace_id: scope.workspace.id,
        name: name(&wanted.name)?,
        description: description(wanted.description)?,
        media_count: 0,
        cover_media_id: None,
        created_at: now,
        updated_at: now,
    };
    let entry = entry(&app, &scope, "album.create", album.id, json!({ "name": album.name }));
    app.catalogue.add_album(&album, &entry).await?;
    Ok((StatusCode::CREATED, Json(album.into())))
}

/// Show an album
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/albums/{id}", tag = "albums",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 200, body = AlbumItem)))]
pub async fn get_album(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<Json<AlbumItem>, Problem> {
    Ok(Json(known(&app, scope.workspace.id, id).await?.into()))
}

/// Rename or describe an album
///
/// Audited.
#[utoipa::path(patch, path = "/api/v1/workspaces/{ws}/albums/{id}", tag = "albums",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    request_body = ChangeAlbumRequest, responses((status = 200, body = AlbumItem)))]
pub async fn change_album(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    Body(change): Body<ChangeAlbumRequest>,
) -> Result<Json<AlbumItem>, Problem> {
    let mut album = known(&app, scope.workspace.id, id).await?;
    if let Some(text) = change.name {
        album.name = name(&text)?;
    }
    if let Some(text) = change.description {
        album.description = description(text)?;
    }
    let entry = entry(&app, &scope, "album.change", id, json!({ "name": album.name }));
    if !app.catalogue.change_album(&album, &entry).await? {
        return Err(Problem::not_found());
    }
    album.updated_at = entry.at;
    Ok(Json(album.into()))
}

/// Delete an album
///
/// Its files stay in the library; its share links end. Audited.
#[utoipa::path(delete, path = "/api/v1/workspaces/{ws}/albums/{id}", tag = "albums",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 204, description = "It is gone")))]
pub async fn delete_album(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<StatusCode, Problem> {
    let album = known(&app, scope.workspace.id, id).await?;
    let entry = entry(&app, &scope, "album.delete", id, json!({ "name": album.name }));
    match app.catalogue.remove_album(scope.workspace.id, id, &entry).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found()),
    }
}

/// Add files to an album
///
/// Files that are in it already, and those that the workspace does not have, change nothing. 409 when the album would hold
/// more than 20,000.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/albums/{id}/media", tag = "albums",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    request_body = AlbumMediaRequest, responses((status = 200, body = AlbumChange)))]
pub async fn add_album_media(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    Body(wanted): Body<AlbumMediaRequest>,
) -> Result<Json<AlbumChange>, Problem> {
    let ids = bounded(wanted.media_ids)?;
    let album = known(&app, scope.workspace.id, id).await?;
    let added = app.catalogue.add_to_album(scope.workspace.id, id, &ids, app.now()).await?;
    let changed = added.ok_or_else(|| Problem::conflict(format!("an album holds at most {MAX_CHOSEN} files")))?;
    scope.audit(&app, "album.add_media", &id.to_string(), json!({ "files": changed, "name": album.name })).await?;
    Ok(Json(AlbumChange { changed }))
}

/// Take files out of an album
///
/// They stay in the library.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/albums/{id}/media/remove", tag = "albums",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    request_body = AlbumMediaRequest, responses((status = 200, body = AlbumChange)))]
pub async fn remove_album_media(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    Body(wanted): Body<AlbumMediaRequest>,
) -> Result<Json<AlbumChange>, Problem> {
    let ids = bounded(wanted.media_ids)?;
    let album = known(&app, scope.workspace.id, id).await?;
    let changed = app.catalogue.remove_from_album(scope.workspace.id, id, &ids, app.now()).await?;
    scope.audit(&app, "album.remove_media", &id.to_string(), json!({ "files": changed, "name": album.name })).await?;
    Ok(Json(AlbumChange { changed }))
}

async fn known(app: &App, workspace_id: Uuid, id: Uuid) -> Result<Album, Problem> {
    app.catalogue.album(workspace_id, id).await?.ok_or_else(Problem::not_found)
}

pub(super) fn bounded(ids: Vec<Uuid>) -> Result<Vec<Uuid>, Problem> {
    match ids.len() {
        1..=MAX_IDS => Ok(ids),
        0 => Err(Problem::bad_request("media_ids is empty")),
        _ => Err(Problem::bad_request(format!("at most {MAX_IDS} files are taken at once"))),
    }
}

/// A name of people's: not empty, one line.
pub(super) fn name(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let fits = (1..=MAX_NAME_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    let refusal = || Problem::bad_request(format!("a name has 1 to {MAX_NAME_CHARS} characters on one line"));
    fits.then(|| text.to_owned()).ok_or_else(refusal)
}

fn description(text: String) -> Result<String, Problem> {
    match text.chars().nth(MAX_DESCRIPTION_CHARS) {
        None => Ok(text),
        Some(_) => Err(Problem::bad_request(format!("a description has at most {MAX_DESCRIPTION_CHARS} characters"))),
    }
}

pub(super) fn entry<R: Need>(app: &App, scope: &Scope<R>, action: &str, id: Uuid, detail: Value) -> AuditEntry {
    AuditEntry {
        id: app.new_id(),
        workspace_id: Some(scope.workspace.id),
        at: app.now(),
        actor: scope.caller.actor().into(),
        action: action.into(),
        subject: id.to_string(),
        detail,
    }
}
