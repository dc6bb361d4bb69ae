//! The library's files: list, one item, its content, the trash.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use eyrie_catalogue::{AuditEntry, Media, MediaFilter};
use eyrie_objects::Issuer;
use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Operator, Scope, Viewer};
use super::extract::{Bbox, PathParams, QueryParams, blank_is_none};
use super::page::{Page, PageQuery};
use super::ppk::CorrectedPosition;
use super::problem::Problem;
use super::site_zone;
use super::words::{MediaKind, MediaSource, MediaStatus, Processing};
use crate::app::App;
use crate::events::Change;

/// A file in the library.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaItem {
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// The dock or controller that reported it.
    pub gateway_sn: Option<String>,
    pub source: MediaSource,
    pub flight_id: Option<String>,
    pub name: String,
    pub kind: MediaKind,
    pub object_key: String,
    pub size_bytes: Option<i64>,
    /// MD5 in hex, `-N` behind it for an upload of N parts.
    pub etag: Option<String>,
    pub status: MediaStatus,
    pub captured_at: Option<Timestamp>,
    pub position: Option<MediaPosition>,
    pub gimbal: Option<Gimbal>,
    /// The aircraft that took it, where the device said so.
    pub aircraft_sn: Option<String>,
    pub drone_model_key: Option<String>,
    pub payload_model_key: Option<String>,
    /// Which camera of the payload took it: wide, zoom, thermal, visible, ...
    pub camera: Option<String>,
    /// Shared by the pictures of one trigger: wide, zoom and thermal.
    pub capture_uuid: Option<String>,
    pub is_original: Option<bool>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When it was put into the trash; null in the library.
    pub trashed_at: Option<Timestamp>,
    /// Of the picture as it is seen, for photos and videos; null until its thumbnail was made.
    pub width_px: Option<u32>,
    pub height_px: Option<u32>,
    /// ThumbHash in base64: a blurred picture of some 25 bytes, to show until the thumbnail is there.
    pub thumbhash: Option<String>,
    /// `#rrggbb`.
    pub average_color: Option<String>,
    pub processing: Processing,
    /// What is wrong with the file, in words.
    pub warnings: Vec<String>,
}

/// WGS 84; the absolute altitude as the aircraft says it, the relative one above its take-off point.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaPosition {
    pub lat: f64,
    pub lng: f64,
    pub absolute_altitude_m: Option<f64>,
    pub relative_altitude_m: Option<f64>,
}

/// Where the camera looked.
#[derive(Debug, Serialize, ToSchema)]
pub struct Gimbal {
    pub yaw_deg: Option<f64>,
    pub pitch_deg: Option<f64>,
    pub roll_deg: Option<f64>,
}

/// A file with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaDetail {
    #[serde(flatten)]
    pub item: MediaItem,
    /// Capture time as the device wrote it, when it had no zone.
    pub captured_local: Option<String>,
    /// Of the place where it was taken, null without a position: a name of the tz database.
    pub time_zone: Option<&'static str>,
    /// The folder that the device named.
    pub path: Option<String>,
    /// The device's own fingerprint of the file.
    pub fingerprint: Option<String>,
    /// Ties the shots of one wayline; Pilot 2.
    pub file_group_id: Option<String>,
    /// Where capture time, position and gimbal came from, when several tell: `xmp`, `exif`, `report`, `track`, ...
    #[schema(value_type = Object)]
    pub sources: Value,
    /// What the readers made of the file's own bytes; what the device reported is below `reported`.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// Where the photo was taken according to its flight's PPK solution, beside `position`; null without one.
    pub corrected_position: Option<CorrectedPosition>,
    /// The legal holds on it, by what they are for: while there is one, it cannot be deleted.
    pub legal_holds: Vec<String>,
}

impl From<Media> for MediaItem {
    fn from(media: Media) -> Self {
        let attitude = [media.gimbal_yaw_deg, media.gimbal_pitch_deg, media.gimbal_roll_deg];
        let [yaw_deg, pitch_deg, roll_deg] = attitude;
        let read = |name: &str| media.metadata.get(name).and_then(Value::as_str).map(str::to_owned);
        let (camera, capture_uuid) = (read("camera"), read("capture_uuid"));
        let picture = media.picture.unwrap_or_default();
        let mut warnings = media.warnings;
        warnings.extend(picture.error.filter(|error| !warnings.contains(error)));
        let gimbal = attitude.iter().any(Option::is_some).then_some(Gimbal { yaw_deg, pitch_deg, roll_deg });
        Self {
            id: media.id,
            workspace_id: media.workspace_id,
            gateway_sn: media.gateway_sn,
            source: media.source.into(),
            flight_id: media.flight_id,
            name: media.name,
            kind: media.kind.into(),
            object_key: media.object_key,
            size_bytes: media.size_bytes,
            etag: media.etag,
            status: media.status.into(),
            captured_at: media.captured_at,
            position: media.position.map(|position| MediaPosition {
                lat: position.lat,
                lng: position.lng,
                absolute_altitude_m: position.absolute_altitude_m,
                relative_altitude_m: position.relative_altitude_m,
            }),
            gimbal,
            aircraft_sn: media.pilot.aircraft_sn,
            drone_model_key: media.drone_model_key,
            payload_model_key: media.payload_model_key,
            camera,
            capture_uuid,
            is_original: media.is_original,
            created_at: media.created_at,
            updated_at: media.updated_at,
            trashed_at: media.trashed_at,
            width_px: picture.width_px,
            height_px: picture.height_px,
            thumbhash: picture.thumbhash,
            average_color: picture.average_color,
            processing: media.processing.into(),
            warnings,
        }
    }
}

impl From<Media> for MediaDetail {
    fn from(mut media: Media) -> Self {
        Self {
            sources: media.metadata.get("sources").cloned().unwrap_or_else(|| json!({})),
            captured_local: media.captured_local.take(),
            time_zone: media.position.and_then(|position| site_zone::of_place(position.lat, position.lng)),
            path: media.path.take(),
            fingerprint: media.fingerprint.take(),
            file_group_id: media.pilot.file_group_id.take(),
            metadata: media.metadata.clone(),
            corrected_position: None,
            legal_holds: Vec::new(),
            item: media.into(),
        }
    }
}

/// Which files are wanted; conditions are joined by "and".
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MediaQuery {
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    flight_id: Option<String>,
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    gateway_sn: Option<String>,
    /// How the file came in.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    source: Option<MediaSource>,
    /// One kind, or several with commas between.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<String>, example = "photo,video")]
    kind: Option<Kinds>,
    /// Captured at this time or later.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    from: Option<Timestamp>,
    /// Captured before this time.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    to: Option<Timestamp>,
    /// `west,south,east,north` in degrees; west greater than east crosses the antimeridian.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<String>, example = "8.4,47.3,8.6,47.4")]
    bbox: Option<Bbox>,
    /// At this altitude or higher, metres, as the aircraft says it (`position.absolute_altitude_m`).
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<f64>)]
    min_absolute_altitude_m: Option<Metres>,
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<f64>)]
    max_absolute_altitude_m: Option<Metres>,
    /// The same above the take-off point.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<f64>)]
    min_relative_altitude_m: Option<Metres>,
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<f64>)]
    max_relative_altitude_m: Option<Metres>,
    /// The aircraft, where the device names it: files of Pilot 2.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    aircraft_sn: Option<String>,
    /// The aircraft's model: `0-91-1`.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    drone_model_key: Option<String>,
    /// A part of the name, case ignored.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<String>, max_length = 256)]
    q: Option<SearchText>,
    /// wide, zoom, thermal, ...
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    camera: Option<String>,
    /// The pictures of one trigger.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    capture_uuid: Option<String>,
    /// True: only files of unknown capture time.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<bool>)]
    undated: Option<Flag>,
    /// `stored` when left out.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false, inline)]
    status: Option<StatusQuery>,
    /// Only files of this album.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    album_id: Option<Uuid>,
    /// The trash instead of the library.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<bool>)]
    trashed: Option<Flag>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StatusQuery {
    #[default]
    Stored,
    Missing,
    Quarantined,
    All,
}

/// Characters that a search may look for; no name is longer.
const MAX_SEARCH_CHARS: usize = 256;

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct SearchText(pub(super) String);

impl TryFrom<String> for SearchText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.chars().nth(MAX_SEARCH_CHARS) {
            None => Ok(Self(text)),
            Some(_) => Err(format!("q: at most {MAX_SEARCH_CHARS} characters are looked for")),
        }
    }
}

/// A number of metres.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Metres(f64);

impl TryFrom<String> for Metres {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Self).ok_or_else(|| format!("{text:?} is not a number of metres"))
    }
}

/// Kinds with commas between.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Kinds(Vec<eyrie_catalogue::MediaKind>);

impl TryFrom<String> for Kinds {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut kinds = Vec::new();
        for word in text.split(',') {
            let kind = word.trim().parse().map_err(|()| format!("kind: {word:?} is no kind"))?;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        Ok(Self(kinds))
    }
}

/// `true` or `false` as a word.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Flag {
    True,
    False,
}

impl Flag {
    pub(super) fn is_true(self) -> bool {
        matches!(self, Self::True)
    }
}

impl From<MediaQuery> for MediaFilter {
    fn from(query: MediaQuery) -> Self {
        Self {
            flight_id: query.flight_id,
            gateway_sn: query.gateway_sn,
            source: query.source.map(Into::into),
            kinds: query.kind.map(|kinds| kinds.0).unwrap_or_default(),
            from: query.from,
            to: query.to,
            bbox: query.bbox.map(|bbox| bbox.0),
            absolute_altitude_m: [query.min_absolute_altitude_m, query.max_absolute_altitude_m].map(|m| m.map(|m| m.0)),
            relative_altitude_m: [query.min_relative_altitude_m, query.max_relative_altitude_m].map(|m| m.map(|m| m.0)),
            aircraft_sn: query.aircraft_sn,
            drone_model_key: query.drone_model_key,
            q: query.q.map(|text| text.0),
            camera: query.camera,
            capture_uuid: query.capture_uuid,
            status: match query.status.unwrap_or_default() {
                StatusQuery::Stored => Some(eyrie_catalogue::MediaStatus::Stored),
                StatusQuery::Missing => Some(eyrie_catalogue::MediaStatus::Missing),
                StatusQuery::Quarantined => Some(eyrie_catalogue::MediaStatus::Quarantined),
                StatusQuery::All => None,
            },
            undated: matches!(query.undated, Some(Flag::True)),
            trashed: matches!(query.trashed, Some(Flag::True)),
            chosen: query.album_id.map(eyrie_catalogue::Chosen::Album),
        }
    }
}

/// List files, the newest capture first; unknown capture times last
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/media", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), MediaQuery, PageQuery),
    responses((status = 200, body = Page<MediaItem>)))]
pub async fn list_media(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    QueryParams(query): QueryParams<MediaQuery>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<MediaItem>>, Problem> {
    let found = app.catalogue.list_media(scope.workspace.id, &query.into(), page.cursor(), page.limit()).await?;
    Ok(Json(Page::from_rows(found, MediaItem::from)))
}

/// Show one file with all its metadata
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/media/{id}", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 200, body = MediaDetail)))]
pub async fn get_media(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<Json<MediaDetail>, Problem> {
    Ok(Json(detail(&app, scope.workspace.id, id).await?))
}

/// Move a file into the trash
///
/// Its object stays in the store until the trash's period is over or the trash is emptied. 409 when a legal hold is on it.
/// Audited.
#[utoipa::path(delete, path = "/api/v1/workspaces/{ws}/media/{id}", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 204, description = "It is in the trash")))]
pub async fn trash_media(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<StatusCode, Problem> {
    let media = listed(&app, scope.workspace.id, id).await?;
    set_trashed(&app, &scope, &media, Some(app.now())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a file out of the trash
///
/// Repeating it changes nothing. Audited.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/media/{id}/restore", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 200, body = MediaDetail)))]
pub async fn restore_media(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<Json<MediaDetail>, Problem> {
    let media = app.catalogue.media(scope.workspace.id, id).await?.ok_or_else(Problem::not_found)?;
    if media.trashed_at.is_some() {
        set_trashed(&app, &scope, &media, None).await?;
    }
    Ok(Json(detail(&app, scope.workspace.id, id).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContentQuery {
    /// True: the answer asks browsers to save it under the file's name instead of showing it.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<bool>)]
    download: Option<Flag>,
}

/// Fetch a file's bytes
///
/// Redirects to a signed URL of the object store that works for a short while; `Range` and conditions work there.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/media/{id}/content", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path), ContentQuery),
    responses((status = 302, description = "The bytes are at `Location`", headers(("Location" = String)))))]
pub async fn get_media_content(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    QueryParams(query): QueryParams<ContentQuery>,
    method: Method,
) -> Result<Response, Problem> {
    let media = listed(&app, scope.workspace.id, id).await?;
    if media.status != eyrie_catalogue::MediaStatus::Stored {
        return Err(Problem::new(super::problem::Kind::NotFound, "the file's object is not in the store"));
    }
    let name = matches!(query.download, Some(Flag::True)).then_some(media.name.as_str());
    signed_redirect(&app, &method, &media.bucket, &media.object_key, name)
}

/// 302 to a short-lived signed URL, good for the method of the request, which a client uses again to follow it.
pub(super) fn signed_redirect(
    app: &App,
    method: &Method,
    bucket: &str,
    key: &str,
    download_name: Option<&str>,
) -> Result<Response, Problem> {
    let sign = if method == Method::HEAD { Issuer::presign_head } else { Issuer::presign_get };
    let lifetime_s = u32::try_from(app.config.http.content_url_lifetime.as_secs()).unwrap_or(u32::MAX);
    let url = sign(&app.issuer, &app.urls.s3, &app.config.s3.region, bucket, key, lifetime_s, download_name);
    let mut location = HeaderValue::try_from(url).map_err(Problem::internal)?;
    // the signature must not reach a log that prints headers
    location.set_sensitive(true);
    Ok((StatusCode::FOUND, [(header::LOCATION, location)]).into_response())
}

/// All that is shown of one file.
async fn detail(app: &App, workspace_id: Uuid, id: Uuid) -> Result<MediaDetail, Problem> {
    let mut detail = MediaDetail::from(listed(app, workspace_id, id).await?);
    detail.corrected_position = CorrectedPosition::of(app, workspace_id, id).await?;
    detail.legal_holds = app.catalogue.holds_on(id).await?.into_iter().map(|hold| hold.name).collect();
    Ok(detail)
}

/// The file, unless it is in the trash.
pub(super) async fn listed(app: &App, workspace_id: Uuid, id: Uuid) -> Result<Media, Problem> {
    let media = app.catalogue.media(workspace_id, id).await?;
    media.filter(|media| media.trashed_at.is_none()).ok_or_else(Problem::not_found)
}

/// Moves a file in or out of the trash, with its audit entry in the same commit, and says so to listeners.
async fn set_trashed(app: &App, scope: &Scope<Operator>, media: &Media, at: Option<Timestamp>) -> Result<(), Problem> {
    let audit = AuditEntry {
        id: app.new_id(),
        workspace_id: Some(scope.workspace.id),
        at: app.now(),
        actor: scope.caller.actor().into(),
        action: if at.is_some() { "media.trash" } else { "media.restore" }.into(),
        subject: media.id.to_string(),
        detail: json!({ "name": media.name, "object_key": media.object_key }),
    };
    if app.catalogue.set_media_trashed(media.id, at, &audit).await?
        && let Some(changed) = app.catalogue.media(scope.workspace.id, media.id).await?
    {
        crate::jobs::ppk_set::after_change(app, &changed).await?;
        app.events.send(scope.workspace.id, Change::MediaUpdated(Box::new(changed)));
    }
    Ok(())
}
