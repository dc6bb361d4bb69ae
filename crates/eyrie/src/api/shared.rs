//! What a stranger gets through a share link, without a login: what is shared and nothing beside it.
//!
//! A link that is unknown, over or revoked, and a file that is not part of it, answer the same 404. Of a file only what a
//! gallery needs is told: no object key, no serial number, no flight. Where position or metadata is hidden, nothing of the
//! original's bytes goes out: pictures and videos that were made anew have none of its metadata, and a file's own id, which
//! holds the time of its arrival, is not told either (docs/decisions/share-links.md).

use std::sync::Arc;

use axum::Json;
use axum::body::Body as Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use eyrie_catalogue::{Catalogue, JobState, Media, MediaFilter, MediaKind, MediaStatus, Share, ShareVisit};
use eyrie_media::picture::Coding;
use eyrie_objects::store::ObjectReader;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::archives::{self, Asked, asked_range};
use super::auth::Peer;
use super::bundle::{Bundle, Manifest, Planned};
use super::download::attachment;
use super::extract::{Json as Body, PathParams, QueryParams};
use super::media::MediaPosition;
use super::page::{Page, PageQuery};
use super::pictures::{self, PictureQuery};
use super::problem::{Kind, Problem};
use super::{session, shares, site_zone, words, zip};
use crate::app::App;
use crate::derived::{self, Form};
use crate::ffmpeg;
use crate::jobs::make_proxy;
use crate::secret::token_hash;

/// Where requests need no login.
pub(super) const ROOT: &str = "/api/v1/shares/";
/// How long a browser that gave the password is not asked again.
const UNLOCKED: SignedDuration = SignedDuration::from_hours(24);
const TOKEN_BYTES: usize = 32;
/// A download or video that goes on in ranges is written down once in so long.
const ONE_VISIT: SignedDuration = SignedDuration::from_mins(10);
/// How soon a page may ask again for a video that is being made.
const RETRY_AFTER_S: u64 = 5;
/// Kinds that have a picture.
const VISIBLE: [MediaKind; 4] = [MediaKind::Photo, MediaKind::Video, MediaKind::Panorama, MediaKind::Thermal];

/// What a link is for.
#[derive(Debug, Serialize, ToSchema)]
pub struct SharedItem {
    /// True: the password is needed first, and everything else is null.
    pub locked: bool,
    pub title: Option<String>,
    /// Whether files can be fetched.
    pub download: Option<bool>,
    /// Whether files say where they were taken.
    pub positions: Option<bool>,
    /// Null: never, or not told.
    pub expires_at: Option<Timestamp>,
}

/// A file behind a link.
#[derive(Debug, Serialize, ToSchema)]
pub struct SharedMediaItem {
    /// The file's own, or another one where metadata is hidden: it holds the time at which the file came.
    pub id: Uuid,
    /// The file's own, or a plain one where something is hidden.
    pub name: String,
    pub kind: words::MediaKind,
    pub captured_at: Option<Timestamp>,
    pub position: Option<MediaPosition>,
    /// Of that place: a name of the tz database.
    pub time_zone: Option<&'static str>,
    /// Of the original, where that can be fetched.
    pub size_bytes: Option<i64>,
    pub width_px: Option<u32>,
    pub height_px: Option<u32>,
    pub thumbhash: Option<String>,
    pub average_color: Option<String>,
    /// What `content` gives; null: nothing.
    pub content: Option<SharedContent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SharedContent {
    Original,
    /// A picture or video that was made anew.
    Remade,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlockRequest {
    #[schema(max_length = 1024, format = Password)]
    password: String,
}

/// Open a share link
///
/// Counts as a view, unless the password is still needed. 404 when there is none, or it ended.
#[utoipa::path(get, path = "/api/v1/shares/{slug}", tag = "shares", security(()),
    params(("slug" = String, Path)), responses((status = 200, body = SharedItem)))]
pub async fn open_shared(
    State(app): State<Arc<App>>,
    peer: Peer,
    jar: CookieJar,
    PathParams(slug): PathParams<String>,
) -> Result<Json<SharedItem>, Problem> {
    let share = open(&app, &slug).await?;
    if !is_unlocked(&app, &share, &jar).await? {
        return Ok(Json(SharedItem { locked: true, title: None, download: None, positions: None, expires_at: None }));
    }
    note(&app, &share, &peer, "open", None, Begun::Now).await?;
    Ok(Json(SharedItem {
        locked: false,
        download: Some(share.download),
        positions: Some(!hides(&share)),
        title: Some(share.title),
        expires_at: share.expires_at,
    }))
}

/// Give a share link's password
///
/// Sets a cookie that holds for a day. Guessing is counted like logins: 429 with `Retry-After` after too many failures.
#[utoipa::path(post, path = "/api/v1/shares/{slug}/unlock", tag = "shares", security(()),
    params(("slug" = String, Path)), request_body = UnlockRequest,
    responses((status = 204, description = "The cookie opens it")))]
pub async fn unlock_shared(
    State(app): State<Arc<App>>,
    peer: Peer,
    jar: CookieJar,
    PathParams(slug): PathParams<String>,
    Body(given): Body<UnlockRequest>,
) -> Result<(StatusCode, CookieJar), Problem> {
    let share = open(&app, &slug).await?;
    let Some(hash) = &share.password_hash else { return Ok((StatusCode::NO_CONTENT, jar)) };
    if given.password.len() > shares::MAX_PASSWORD_BYTES {
        return Err(Problem::bad_request("the password is too long"));
    }
    if !session::check_share(&app, &peer, share.id, hash.clone(), given.password).await? {
        note(&app, &share, &peer, "password refused", None, Begun::Now).await?;
        return Err(Problem::unauthorized("the password is wrong"));
    }
    let (token, now) = (app.random_text(TOKEN_BYTES), app.now());
    app.catalogue.unlock_share(share.id, &token_hash(&token), now, now + UNLOCKED).await?;
    let mut cookie = Cookie::build((cookie_name(&share), token))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.config.tls.is_some() || app.urls.http.starts_with("https:"))
        .build();
    cookie.set_max_age(UNLOCKED.try_into().ok().and_then(|life: std::time::Duration| life.try_into().ok()));
    Ok((StatusCode::NO_CONTENT, jar.add(cookie)))
}

/// List what a share link is for, the newest capture first
#[utoipa::path(get, path = "/api/v1/shares/{slug}/media", tag = "shares", security(()),
    params(("slug" = String, Path), PageQuery), responses((status = 200, body = Page<SharedMediaItem>)))]
pub async fn list_shared_media(
    State(app): State<Arc<App>>,
    jar: CookieJar,
    PathParams(slug): PathParams<String>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<SharedMediaItem>>, Problem> {
    let share = unlocked(&app, &slug, &jar).await?;
    // the catalogue's cursors hold capture times: strangers get the last file's id instead
    let after = match page.cursor() {
        None => None,
        Some(text) => {
            let bad = || Problem::bad_request("the cursor does not belong to this list");
            let id = own_id(&app, &share, text.parse().map_err(|_| bad())?);
            let last = app.catalogue.media(share.workspace_id, id).await?.ok_or_else(bad)?;
            Some(Catalogue::cursor_after(&last))
        }
    };
    let filter = filter(&share);
    let found = app.catalogue.list_media(share.workspace_id, &filter, after.as_deref(), page.limit()).await?;
    let items: Vec<_> = found.items.into_iter().map(|media| item(&app, &share, media)).collect();
    let next_cursor = found.next_cursor.and_then(|_| items.last()).map(|last| last.id.to_string());
    Ok(Json(Page { items, next_cursor }))
}

/// Fetch the thumbnail of a file behind a share link
#[utoipa::path(get, path = "/api/v1/shares/{slug}/media/{id}/thumbnail", tag = "shares", security(()),
    params(("slug" = String, Path), ("id" = Uuid, Path)),
    responses((status = 200, description = "The picture", content((Vec<u8> = "image/webp"), (Vec<u8> = "image/jpeg")))))]
pub async fn get_shared_thumbnail(
    State(app): State<Arc<App>>,
    jar: CookieJar,
    PathParams((slug, id)): PathParams<(String, Uuid)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let share = unlocked(&app, &slug, &jar).await?;
    let media = member(&app, &share, id).await?;
    picture(&app, &media, Form::Thumbnail(pictures::accepted(&headers)), &headers).await
}

/// Fetch the preview of a file behind a share link, its longest side 2,048 pixels
#[utoipa::path(get, path = "/api/v1/shares/{slug}/media/{id}/preview", tag = "shares", security(()),
    params(("slug" = String, Path), ("id" = Uuid, Path)),
    responses((status = 200, description = "The picture", content((Vec<u8> = "image/webp"), (Vec<u8> = "image/jpeg")))))]
pub async fn get_shared_preview(
    State(app): State<Arc<App>>,
    peer: Peer,
    jar: CookieJar,
    PathParams((slug, id)): PathParams<(String, Uuid)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let share = unlocked(&app, &slug, &jar).await?;
    let media = member(&app, &share, id).await?;
    note(&app, &share, &peer, "view", Some(media.id), Begun::Now).await?;
    picture(&app, &media, Form::Preview(pictures::accepted(&headers)), &headers).await
}

/// Play a video behind a share link
///
/// Its small form, without metadata; `Range` works. While that is not there the original, where that may be downloaded and browsers
/// play it; otherwise 503 with `Retry-After` while it is made, and 404 when it cannot be.
#[utoipa::path(get, path = "/api/v1/shares/{slug}/media/{id}/video", tag = "shares", security(()),
    params(("slug" = String, Path), ("id" = Uuid, Path)),
    responses((status = 200, description = "The video", content_type = "video/mp4", body = [u8]),
        (status = 206, description = "A range of it", content_type = "video/mp4", body = [u8])))]
pub async fn get_shared_video(
    State(app): State<Arc<App>>,
    peer: Peer,
    jar: CookieJar,
    method: Method,
    PathParams((slug, id)): PathParams<(String, Uuid)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let share = unlocked(&app, &slug, &jar).await?;
    let media = member(&app, &share, id).await?;
    if media.kind != MediaKind::Video {
        return Err(Problem::not_found());
    }
    let plays = content(&share) == Some(SharedContent::Original)
        && media.metadata.pointer("/video/codec").and_then(serde_json::Value::as_str) == Some("h264");
    let object = match derived::open(&app, &media, Form::Proxy).await.map_err(Problem::internal)? {
        Some(proxy) => proxy,
        None if plays => {
            let original = app.store.open_object(&media.bucket, &media.object_key).await.map_err(Problem::internal)?;
            original.ok_or_else(Problem::not_found)?
        }
        None => return Err(being_made(&app, &media).await?),
    };
    // a page that only asks whether it is there looks at nothing
    if method != Method::HEAD {
        note(&app, &share, &peer, "view", Some(media.id), Begun::of(&headers)).await?;
    }
    stream(object, "video/mp4", None, &headers)
}

/// The small form of a video is made when the first stranger wants to see it: owners do not know which of theirs browsers play. One
/// job at a time for a video, and none any more once one was given up.
async fn being_made(app: &App, media: &Media) -> Result<Problem, Problem> {
    if ffmpeg::find(app).is_none() {
        return Ok(Problem::not_found());
    }
    let last = app.catalogue.last_job_of_media(media.id, make_proxy::KIND).await?;
    match last.map(|job| job.state) {
        Some(JobState::Dead) => return Ok(Problem::not_found()),
        Some(JobState::Queued | JobState::Failed | JobState::Running) => {}
        // of bytes that were replaced since
        Some(JobState::Done) | None => {
            app.catalogue.add_jobs(&[make_proxy::new_job(app, media)], app.now()).await?;
            app.wake.wake();
        }
    }
    Ok(Problem::unavailable("the video is being made ready").retry_after(RETRY_AFTER_S))
}

/// Download a file behind a share link
///
/// 404 when the link is for looking only. Where something is hidden, a JPEG or video that was made anew.
#[utoipa::path(get, path = "/api/v1/shares/{slug}/media/{id}/content", tag = "shares", security(()),
    params(("slug" = String, Path), ("id" = Uuid, Path)),
    responses((status = 200, description = "The bytes", content_type = "application/octet-stream", body = [u8]),
        (status = 206, description = "A range of them", content_type = "application/octet-stream", body = [u8])))]
pub async fn get_shared_content(
    State(app): State<Arc<App>>,
    peer: Peer,
    jar: CookieJar,
    PathParams((slug, id)): PathParams<(String, Uuid)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let share = unlocked(&app, &slug, &jar).await?;
    let media = member(&app, &share, id).await?;
    let name = told_name(&app, &share, &media);
    let response = match content(&share) {
        None => return Err(Problem::not_found()),
        Some(SharedContent::Original) => {
            let object = app.store.open_object(&media.bucket, &media.object_key).await.map_err(Problem::internal)?;
            stream(object.ok_or_else(Problem::not_found)?, "application/octet-stream", Some(&name), &headers)?
        }
        Some(SharedContent::Remade) if media.kind == MediaKind::Video => {
            match derived::open(&app, &media, Form::Proxy).await.map_err(Problem::internal)? {
                Some(proxy) => stream(proxy, "video/mp4", Some(&name), &headers)?,
                None => return Err(being_made(&app, &media).await?),
            }
        }
        Some(SharedContent::Remade) => {
            let mut response = picture(&app, &media, Form::Preview(Coding::Jpeg), &headers).await?;
            response.headers_mut().insert(header::CONTENT_DISPOSITION, attachment(&name));
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
    };
    note(&app, &share, &peer, "download", Some(media.id), Begun::of(&headers)).await?;
    Ok(response)
}

/// Download all files behind a share link as one zip
///
/// As they are now, with a `manifest.json` and a `SHA256SUMS`; one `Range` works while they stay the same. 404 when the link is
/// for looking only, or something is hidden: then files are given one by one.
#[utoipa::path(get, path = "/api/v1/shares/{slug}/archive", tag = "shares", security(()),
    params(("slug" = String, Path)),
    responses((status = 200, description = "The zip", content_type = "application/zip", body = [u8]),
        (status = 206, description = "A range of it", content_type = "application/zip", body = [u8])))]
pub async fn get_shared_archive(
    State(app): State<Arc<App>>,
    peer: Peer,
    jar: CookieJar,
    PathParams(slug): PathParams<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let share = unlocked(&app, &slug, &jar).await?;
    if content(&share) != Some(SharedContent::Original) {
        return Err(Problem::not_found());
    }
    let mut files = archives::found(&app, share.workspace_id, &filter(&share)).await?;
    if files.is_empty() {
        return Err(Problem::conflict("there is no file to download"));
    }
    // folders by day: flights are not told
    files.iter_mut().for_each(|media| media.flight_id = None);
    let paths = archives::paths(&files);
    let plan: Vec<_> = files.iter().zip(paths).map(|(media, path)| Planned::new(media, path)).collect();
    archives::are_there(&app, &plan).await?;
    let planned = serde_json::to_vec(&plan).map_err(Problem::internal)?;
    let sum: String = Sha256::digest(planned).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    note(&app, &share, &peer, "download", None, Begun::of(&headers)).await?;
    let bundle = Bundle::new(&app, plan, Manifest::ForStrangers).await?;
    archives::answer(bundle, &zip::safe(&share.title), &format!("\"{sum}\""), &headers)
}

/// The share that a link names, while it lasts.
async fn open(app: &App, slug: &str) -> Result<Share, Problem> {
    let share = app.catalogue.share_by_slug(slug).await?;
    share.filter(|share| share.is_open(app.now())).ok_or_else(Problem::not_found)
}

async fn unlocked(app: &App, slug: &str, jar: &CookieJar) -> Result<Share, Problem> {
    let share = open(app, slug).await?;
    match is_unlocked(app, &share, jar).await? {
        true => Ok(share),
        false => Err(Problem::unauthorized("the link's password is needed first")),
    }
}

async fn is_unlocked(app: &App, share: &Share, jar: &CookieJar) -> Result<bool, Problem> {
    if share.password_hash.is_none() {
        return Ok(true);
    }
    let Some(cookie) = jar.get(&cookie_name(share)) else { return Ok(false) };
    Ok(app.catalogue.is_share_unlocked(share.id, &token_hash(cookie.value()), app.now()).await?)
}

fn cookie_name(share: &Share) -> String {
    format!("eyrie_share_{}", share.id.simple())
}

fn hides(share: &Share) -> bool {
    share.hide_position || share.hide_metadata
}

/// What downloads give.
fn content(share: &Share) -> Option<SharedContent> {
    match (share.download, hides(share)) {
        (false, _) => None,
        (true, false) => Some(SharedContent::Original),
        (true, true) => Some(SharedContent::Remade),
    }
}

/// Files that can only be downloaded, as subtitles with the video's track, are not there for who cannot have originals.
fn filter(share: &Share) -> MediaFilter {
    let kinds = if content(share) == Some(SharedContent::Original) { Vec::new() } else { VISIBLE.to_vec() };
    MediaFilter { kinds, ..share.filter() }
}

/// What a stranger knows a file by: another id for each link where metadata is hidden.
fn told_id(app: &App, share: &Share, own: Uuid) -> Uuid {
    if !share.hide_metadata {
        return own;
    }
    let key = id_key(app, share);
    let (mut left, mut right) = own.as_u64_pair();
    for round in 0..ROUNDS {
        (left, right) = (right, left ^ mixed(&key, round, right));
    }
    Uuid::from_u64_pair(left, right)
}

/// The other way round: the file's own id.
fn own_id(app: &App, share: &Share, told: Uuid) -> Uuid {
    if !share.hide_metadata {
        return told;
    }
    let key = id_key(app, share);
    let (mut left, mut right) = told.as_u64_pair();
    for round in (0..ROUNDS).rev() {
        (left, right) = (right ^ mixed(&key, round, left), left);
    }
    Uuid::from_u64_pair(left, right)
}

/// Four rounds with a pseudorandom function make a permutation that cannot be told from a random one (Luby and Rackoff).
const ROUNDS: u8 = 4;

fn id_key(app: &App, share: &Share) -> [u8; 32] {
    app.issuer.derived_key("share-ids", share.id.as_bytes())
}

fn mixed(key: &[u8; 32], round: u8, half: u64) -> u64 {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(&[round]);
    mac.update(&half.to_be_bytes());
    let sum: [u8; 32] = mac.finalize().into_bytes().into();
    let [a, b, c, d, e, f, g, h, ..] = sum;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// A file, when it is one of the share's; `told` is the id that strangers know.
async fn member(app: &App, share: &Share, told: Uuid) -> Result<Media, Problem> {
    let id = own_id(app, share, told);
    let media = app.catalogue.media(share.workspace_id, id).await?.ok_or_else(Problem::not_found)?;
    let filter = filter(share);
    let listed = media.trashed_at.is_none()
        && media.status == MediaStatus::Stored
        && (filter.kinds.is_empty() || filter.kinds.contains(&media.kind));
    let among = match filter.chosen {
        _ if !listed => false,
        Some(chosen) => app.catalogue.is_chosen(chosen, id).await?,
        None => filter.flight_id.is_some() && media.flight_id == filter.flight_id,
    };
    if among { Ok(media) } else { Err(Problem::not_found()) }
}

fn item(app: &App, share: &Share, media: Media) -> SharedMediaItem {
    let content = content(share);
    let picture = media.picture.clone().unwrap_or_default();
    // where it was taken is metadata, too
    let position = media.position.filter(|_| !hides(share)).map(|position| MediaPosition {
        lat: position.lat,
        lng: position.lng,
        absolute_altitude_m: position.absolute_altitude_m,
        relative_altitude_m: position.relative_altitude_m,
    });
    SharedMediaItem {
        id: told_id(app, share, media.id),
        name: told_name(app, share, &media),
        kind: media.kind.into(),
        captured_at: media.captured_at.filter(|_| !share.hide_metadata),
        time_zone: position.as_ref().and_then(|position| site_zone::of_place(position.lat, position.lng)),
        position,
        size_bytes: media.size_bytes.filter(|_| content == Some(SharedContent::Original)),
        width_px: picture.width_px,
        height_px: picture.height_px,
        thumbhash: picture.thumbhash,
        average_color: picture.average_color,
        content,
    }
}

/// Devices write times, places and serial numbers into names.
fn told_name(app: &App, share: &Share, media: &Media) -> String {
    if !hides(share) {
        return media.name.clone();
    }
    let id = told_id(app, share, media.id).simple().to_string();
    let ending = if media.kind == MediaKind::Video { "mp4" } else { "jpg" };
    format!("{}-{}.{ending}", media.kind.as_str(), id.get(24..).unwrap_or_default())
}

async fn picture(app: &Arc<App>, media: &Media, form: Form, headers: &HeaderMap) -> Result<Response, Problem> {
    let made = pictures::answer(app, media, form, &PictureQuery::default(), headers).await;
    // why there is none tells of the file
    made.map_err(|problem| if problem.kind == Kind::NotFound { Problem::not_found() } else { problem })
}

/// An object's bytes, or the range of them that is asked for; through us, so that nothing comes after the link's end.
fn stream(
    object: ObjectReader,
    content_type: &'static str,
    name: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let length = object.info().size_bytes;
    let etag = format!("\"{}\"", object.info().etag);
    let same = headers.get(header::IF_RANGE).is_none_or(|known| known.as_bytes() == etag.as_bytes());
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok()).filter(|_| same);
    let range = match asked.map_or(Asked::Whole, |text| asked_range(text, length)) {
        Asked::Whole => None,
        Asked::Part(range) => Some((range.start, range.end)),
        Asked::Nothing => {
            return Err(Problem::new(Kind::RangeNotSatisfiable, format!("the file has {length} bytes")));
        }
    };
    let (start, end) = range.unwrap_or((0, length));
    let mut response = Bytes::from_stream(object.into_stream(range)).into_response();
    let told = response.headers_mut();
    told.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    told.insert(header::CONTENT_LENGTH, end.saturating_sub(start).into());
    told.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    told.insert(header::ETAG, HeaderValue::try_from(etag).map_err(Problem::internal)?);
    if let Some(name) = name {
        told.insert(header::CONTENT_DISPOSITION, attachment(name));
    }
    if range.is_some() {
        let text = format!("bytes {start}-{}/{length}", end.saturating_sub(1));
        told.insert(header::CONTENT_RANGE, HeaderValue::try_from(text).map_err(Problem::internal)?);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// Whether a request begins something, or goes on with what one before it began.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begun {
    Now,
    Before,
}

impl Begun {
    /// Browsers and download tools ask for one file in many ranges.
    fn of(headers: &HeaderMap) -> Self {
        let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok()).map(str::trim);
        if range.is_none_or(|range| range.starts_with("bytes=0-")) { Self::Now } else { Self::Before }
    }
}

/// Writes down what came through the link; an opening counts as a view.
async fn note(
    app: &App,
    share: &Share,
    peer: &Peer,
    what: &str,
    media_id: Option<Uuid>,
    begun: Begun,
) -> Result<(), Problem> {
    let now = app.now();
    let visit = ShareVisit {
        id: app.new_id(),
        share_id: share.id,
        at: now,
        address: peer.0.map(|peer| peer.ip().to_canonical().to_string()),
        what: what.to_owned(),
        media_id,
    };
    let goes_on_since = (begun == Begun::Before).then(|| now.checked_sub(ONE_VISIT).unwrap_or(Timestamp::MIN));
    Ok(app.catalogue.add_share_visit(&visit, what == "open", goes_on_since).await?)
}
