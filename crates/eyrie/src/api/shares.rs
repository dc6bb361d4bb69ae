//! Share links, as their owners see them: made, listed, revoked, and who came. What a stranger gets is in `shared.rs`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::{Share, ShareVisit, Shared};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::albums::{bounded, entry, name};
use super::auth::{Operator, Scope};
use super::extract::{Json as Body, PathParams, QueryParams};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use crate::app::App;
use crate::secret::hash_password;

/// A link's life when nothing else is chosen.
const LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Entropy of a slug that nobody chose, bytes.
const SLUG_BYTES: usize = 16;
const SLUG_CHARS: std::ops::RangeInclusive<usize> = 3..=64;
pub(super) const MAX_PASSWORD_BYTES: usize = 1_024;
const MIN_PASSWORD_CHARS: usize = 8;

/// A share link.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareItem {
    pub id: Uuid,
    /// What is shared is below `/api/v1/shares/{slug}`.
    pub slug: String,
    /// What is sent to people: the page of the link.
    pub url: String,
    pub title: String,
    /// One of the two, or neither for a selection.
    pub album_id: Option<Uuid>,
    pub flight_id: Option<String>,
    pub has_password: bool,
    pub download: bool,
    pub hide_position: bool,
    pub hide_metadata: bool,
    /// How often the link was opened.
    pub view_count: i64,
    pub created_by: String,
    pub created_at: Timestamp,
    /// Null: never.
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// Neither over nor revoked.
    pub open: bool,
}

impl ShareItem {
    fn new(app: &App, share: Share) -> Self {
        let open = share.is_open(app.now());
        let (album_id, flight_id) = match share.shared {
            Shared::Album(id) => (Some(id), None),
            Shared::Flight(id) => (None, Some(id)),
            Shared::Selection => (None, None),
        };
        Self {
            id: share.id,
            url: format!("{}/share/{}", app.urls.http.trim_end_matches('/'), share.slug),
            slug: share.slug,
            title: share.title,
            album_id,
            flight_id,
            has_password: share.password_hash.is_some(),
            download: share.download,
            hide_position: share.hide_position,
            hide_metadata: share.hide_metadata,
            view_count: share.view_count,
            created_by: share.created_by,
            created_at: share.created_at,
            expires_at: share.expires_at,
            revoked_at: share.revoked_at,
            open,
        }
    }
}

/// A link to make: for one of album, flight and files.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShareRequest {
    #[schema(max_length = 120)]
    title: String,
    #[serde(default)]
    album_id: Option<Uuid>,
    #[serde(default)]
    flight_id: Option<String>,
    #[serde(default)]
    #[schema(min_items = 1, max_items = 10_000)]
    media_ids: Option<Vec<Uuid>>,
    /// 3 to 64 letters, digits and hyphens; a random one of 128 bits when left out.
    #[serde(default)]
    #[schema(max_length = 64)]
    slug: Option<String>,
    /// 30 days from now when left out.
    #[serde(default)]
    expires_at: Option<Timestamp>,
    /// True: it has no end; not together with `expires_at`.
    #[serde(default)]
    never_expires: bool,
    /// At least 8 characters.
    #[serde(default)]
    #[schema(max_length = 1024, format = Password)]
    password: Option<String>,
    /// Originals can be fetched; re-made pictures alone when something is hidden.
    #[serde(default)]
    download: bool,
    #[serde(default)]
    hide_position: bool,
    /// Capture times, names, sizes, the aircraft, and where it was taken.
    #[serde(default)]
    hide_metadata: bool,
}

/// Something that came through a link.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareVisitItem {
    pub at: Timestamp,
    /// Where the request came from: a proxy before the server is what is seen.
    pub address: Option<String>,
    /// `open`, `view`, `download`, `password refused`.
    pub what: String,
    pub media_id: Option<Uuid>,
}

impl From<ShareVisit> for ShareVisitItem {
    fn from(visit: ShareVisit) -> Self {
        Self { at: visit.at, address: visit.address, what: visit.what, media_id: visit.media_id }
    }
}

/// List share links, the newest first, also those that ended
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/shares", tag = "shares",
    params(("ws" = String, Path, description = "id or name of the workspace"), PageQuery),
    responses((status = 200, body = Page<ShareItem>)))]
pub async fn list_shares(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<ShareItem>>, Problem> {
    let found = app.catalogue.list_shares(scope.workspace.id, page.cursor(), page.limit()).await?;
    Ok(Json(Page::from_rows(found, |share| ShareItem::new(&app, share))))
}

/// Make a share link
///
/// Who has it sees what is shared, without an account, until it ends. Audited.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/shares", tag = "shares",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    request_body = NewShareRequest, responses((status = 201, body = ShareItem)))]
pub async fn create_share(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    Body(wanted): Body<NewShareRequest>,
) -> Result<(StatusCode, Json<ShareItem>), Problem> {
    let (workspace_id, now) = (scope.workspace.id, app.now());
    let (shared, media_ids) = match (wanted.album_id, wanted.flight_id, wanted.media_ids) {
        (Some(id), None, None) => {
            app.catalogue.album(workspace_id, id).await?.ok_or_else(Problem::not_found)?;
            (Shared::Album(id), Vec::new())
        }
        (None, Some(id), None) => {
            app.catalogue.flight(workspace_id, &id).await?.ok_or_else(Problem::not_found)?;
            (Shared::Flight(id), Vec::new())
        }
        (None, None, Some(ids)) => {
            let mut ids = bounded(ids)?;
            ids.sort();
            ids.dedup();
            if app.catalogue.media_by_ids(workspace_id, &ids).await?.len() < ids.len() {
                return Err(Problem::not_found());
            }
            (Shared::Selection, ids)
        }
        _ => return Err(Problem::bad_request("one of album_id, flight_id and media_ids is needed")),
    };
    let expires_at = match (wanted.expires_at, wanted.never_expires) {
        (Some(_), true) => return Err(Problem::bad_request("expires_at and never_expires exclude each other")),
        (Some(end), false) if end <= now => return Err(Problem::bad_request("expires_at has passed")),
        (Some(end), false) => Some(end),
        (None, true) => None,
        (None, false) => Some(now + LIFETIME),
    };
    let slug = match wanted.slug {
        Some(slug) if is_slug(&slug) => slug,
        Some(_) => {
            return Err(Problem::bad_request("a slug has 3 to 64 letters (a to z), digits and hyphens between them"));
        }
        None => app.random_text(SLUG_BYTES),
    };
    let password_hash = match wanted.password {
        None => None,
        Some(password) if password.len() > MAX_PASSWORD_BYTES || password.chars().count() < MIN_PASSWORD_CHARS => {
            let detail = format!(
                "a password has {MIN_PASSWORD_CHARS} characters or more, and {MAX_PASSWORD_BYTES} bytes at most"
            );
            return Err(Problem::bad_request(detail));
        }
        Some(password) => {
            let app = Arc::clone(&app);
            let hash = move || hash_password(&*app.random, &password);
            Some(tokio::task::spawn_blocking(hash).await.map_err(Problem::internal)?)
        }
    };
    let share = Share {
        id: app.new_id(),
        workspace_id,
        slug,
        title: name(&wanted.title)?,
        shared,
        password_hash,
        download: wanted.download,
        hide_position: wanted.hide_position,
        hide_metadata: wanted.hide_metadata,
        view_count: 0,
        created_by: scope.caller.actor().into(),
        created_at: now,
        expires_at,
        revoked_at: None,
    };
    let detail = json!({ "title": share.title, "expires_at": share.expires_at });
    let entry = entry(&app, &scope, "share.create", share.id, detail);
    app.catalogue.add_share(&share, &media_ids, &entry).await?;
    Ok((StatusCode::CREATED, Json(ShareItem::new(&app, share))))
}

/// Show a share link
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/shares/{id}", tag = "shares",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 200, body = ShareItem)))]
pub async fn get_share(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<Json<ShareItem>, Problem> {
    let share = app.catalogue.share(scope.workspace.id, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(ShareItem::new(&app, share)))
}

/// Revoke a share link
///
/// It opens nothing from now on. Repeating it changes nothing. Audited.
#[utoipa::path(delete, path = "/api/v1/workspaces/{ws}/shares/{id}", tag = "shares",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 204, description = "It is over")))]
pub async fn revoke_share(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<StatusCode, Problem> {
    let share = app.catalogue.share(scope.workspace.id, id).await?.ok_or_else(Problem::not_found)?;
    let entry = entry(&app, &scope, "share.revoke", id, json!({ "title": share.title }));
    app.catalogue.revoke_share(scope.workspace.id, id, &entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List what came through a share link, the newest first
///
/// Openings, single pictures and downloads; thumbnails are left out. The last 10,000 are kept.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/shares/{id}/visits", tag = "shares",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path), PageQuery),
    responses((status = 200, body = Page<ShareVisitItem>)))]
pub async fn list_share_visits(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<ShareVisitItem>>, Problem> {
    app.catalogue.share(scope.workspace.id, id).await?.ok_or_else(Problem::not_found)?;
    let found = app.catalogue.list_share_visits(id, page.cursor(), page.limit()).await?;
    Ok(Json(Page::from_rows(found, ShareVisitItem::from)))
}

/// Letters, digits, and hyphens between them; any case would make two links of one word.
fn is_slug(text: &str) -> bool {
    SLUG_CHARS.contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain_words() {
        for good in ["abc", "roof-3", "2026-11-23", &"a".repeat(64)] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "ab", "-abc", "abc-", "Roof", "a/b", "../..", "a b c", "röhre", &"a".repeat(65)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }
}
