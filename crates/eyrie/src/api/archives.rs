//! Downloads of several files as one zip: asked for with a list or a flight, then fetched, and resumed, at a URL of its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use eyrie_catalogue::{Archive, Media, MediaFilter, MediaStatus};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::{Scope, Viewer};
use super::bundle::{Bundle, Manifest, Planned};
use super::download::streamed;
use super::extract::{Json as Body, PathParams};
use super::media::MediaQuery;
use super::problem::{Kind, Problem};
use super::zip::{self, safe};
use crate::app::App;

/// Files of one download.
const MAX_FILES: usize = 20_000;
/// How long it can be fetched and resumed.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Names of missing files that an error tells.
const NAMES_TOLD: usize = 5;
const PAGE: u32 = 1_000;

/// What is to be downloaded: files, a flight, or what a filter finds.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchiveRequest {
    /// At most 20,000; the trash is left out.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 20_000)]
    pub media_ids: Option<Vec<Uuid>>,
    /// All files of this flight.
    #[serde(default)]
    pub flight_id: Option<String>,
    /// The list's filters, their values as texts: `{"kind": "photo,video", "from": "2026-11-01T00:00:00Z"}`.
    #[serde(default)]
    #[schema(value_type = HashMap<String, String>, required = false)]
    pub filter: Option<MediaQuery>,
    /// Of the zip, without its ending.
    #[serde(default)]
    #[schema(max_length = 120)]
    pub name: Option<String>,
}

/// A zip that can be fetched.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArchiveItem {
    pub id: Uuid,
    pub name: String,
    pub file_count: usize,
    /// Of the zip: files are stored as they are.
    pub size_bytes: u64,
    /// Where it is, below the server's address.
    pub url: String,
    pub created_at: Timestamp,
    /// It can be fetched and resumed until then.
    pub expires_at: Timestamp,
}

/// Ask for files as one zip
///
/// Answers the URL of a zip with the originals, a `manifest.json` and a `SHA256SUMS`. The plan is fixed now: the same bytes
/// come for 24 hours, so that a download that broke off goes on where it stopped. 409 when the object of a file is missing.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/archives", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace")), request_body = ArchiveRequest,
    responses((status = 201, body = ArchiveItem)))]
pub async fn create_archive(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    Body(wanted): Body<ArchiveRequest>,
) -> Result<(StatusCode, Json<ArchiveItem>), Problem> {
    let workspace_id = scope.workspace.id;
    let (files, default_name) = match (wanted.media_ids, wanted.flight_id, wanted.filter) {
        (Some(ids), None, None) => (selected(&app, workspace_id, ids).await?, scope.workspace.name.clone()),
        (None, None, Some(filter)) => (found(&app, workspace_id, &filter.into()).await?, scope.workspace.name.clone()),
        (None, Some(flight_id), None) => {
            let flight = app.catalogue.flight(workspace_id, &flight_id).await?.ok_or_else(Problem::not_found)?;
            let day = flight.first_captured_at.map(day).unwrap_or_default();
            let filter = MediaFilter { flight_id: Some(flight_id.clone()), ..MediaFilter::default() };
            (found(&app, workspace_id, &filter).await?, format!("{day}_{flight_id}"))
        }
        _ => return Err(Problem::bad_request("either media_ids or flight_id or filter is needed")),
    };
    if files.is_empty() {
        return Err(Problem::conflict("there is no file to download"));
    }
    let missing: Vec<_> = files.iter().filter(|media| media.status != MediaStatus::Stored).collect();
    if !missing.is_empty() {
        return Err(gone(missing.iter().map(|media| media.name.as_str())));
    }
    let name = safe(wanted.name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&default_name));
    let paths = paths(&files);
    let plan: Vec<_> = files.iter().zip(paths).map(|(media, path)| Planned::new(media, path)).collect();
    are_there(&app, &plan).await?;
    let now = app.now();
    let archive = Archive {
        id: app.new_id(),
        workspace_id,
        name,
        plan: serde_json::to_value(&plan).map_err(Problem::internal)?,
        created_at: now,
        expires_at: now + KEPT,
    };
    app.catalogue.add_archive(&archive).await?;
    let detail = json!({ "files": plan.len(), "name": archive.name });
    scope.audit(&app, "archive.create", &archive.id.to_string(), detail).await?;
    let file_count = plan.len();
    let size_bytes = zip::length(&Bundle::new(&app, plan, Manifest::Yes).await?.entries());
    let url = format!("/api/v1/workspaces/{}/archives/{}", scope.workspace.id, archive.id);
    let Archive { id, name, created_at, expires_at, .. } = archive;
    Ok((StatusCode::CREATED, Json(ArchiveItem { id, name, file_count, size_bytes, url, created_at, expires_at })))
}

/// Fetch a zip that was asked for
///
/// Streamed and never compressed; `Content-Length` is known, one `Range` is answered with 206 and is the same bytes each time
/// (`If-Range` with the ETag). A file that was replaced meanwhile breaks the connection off. 409 when one is missing.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/archives/{id}", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 200, description = "The zip", content_type = "application/zip", body = [u8]),
        (status = 206, description = "A range of it", content_type = "application/zip", body = [u8])))]
pub async fn get_archive(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let archive = app.catalogue.archive(scope.workspace.id, id, app.now()).await?.ok_or_else(Problem::not_found)?;
    let plan: Vec<Planned> = serde_json::from_value(archive.plan).map_err(Problem::internal)?;
    are_there(&app, &plan).await?;
    let bundle = Bundle::new(&app, plan, Manifest::Yes).await?;
    answer(bundle, &archive.name, &format!("\"{id}\""), &headers)
}

/// The zip, or the range of it that is asked for.
pub(super) fn answer(mut bundle: Bundle, name: &str, etag: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let entries = bundle.entries();
    let length = zip::length(&entries);
    let same = headers.get(header::IF_RANGE).is_none_or(|known| known.as_bytes() == etag.as_bytes());
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok()).filter(|_| same);
    let range = match asked.map_or(Asked::Whole, |text| asked_range(text, length)) {
        Asked::Whole => None,
        Asked::Part(range) => Some(range),
        Asked::Nothing => {
            return Err(Problem::new(Kind::RangeNotSatisfiable, format!("the zip has {length} bytes")));
        }
    };
    let wanted = range.clone().unwrap_or(0..length);
    let wanted_bytes = wanted.end - wanted.start;
    let file_name = format!("{name}.zip");
    let mut response =
        streamed("application/zip", &file_name, move |out| zip::write(&entries, &mut bundle, wanted, out));
    let told = response.headers_mut();
    told.insert(header::CONTENT_LENGTH, HeaderValue::from(wanted_bytes));
    told.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    told.insert(header::ETAG, HeaderValue::from_str(etag).map_err(Problem::internal)?);
    if let Some(range) = range {
        let text = format!("bytes {}-{}/{length}", range.start, range.end - 1);
        told.insert(header::CONTENT_RANGE, HeaderValue::from_str(&text).map_err(Problem::internal)?);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

#[derive(Debug, PartialEq)]
pub(super) enum Asked {
    Whole,
    Part(std::ops::Range<u64>),
    Nothing,
}

/// One range; several, or what is none, are answered with the whole (RFC 9110, 14.2).
pub(super) fn asked_range(text: &str, length: u64) -> Asked {
    let parsed = || {
        let (from, to) = text.strip_prefix("bytes=")?.trim().split_once('-')?;
        let number =
            |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().unwrap_or(u64::MAX));
        Some(match (from.is_empty(), to.is_empty()) {
            (true, true) => return None,
            (true, false) => length.saturating_sub(number(to)?)..length,
            (false, true) => number(from)?..length,
            (false, false) => {
                let (from, last) = (number(from)?, number(to)?);
                if last < from {
                    return None;
                }
                from..last.saturating_add(1).min(length)
            }
        })
    };
    match parsed() {
        None => Asked::Whole,
        Some(range) if range.start >= length || range.is_empty() => Asked::Nothing,
        Some(range) => Asked::Part(range),
    }
}

/// The files in the order of capture, those in the trash left out.
pub(super) async fn selected(app: &App, workspace_id: Uuid, ids: Vec<Uuid>) -> Result<Vec<Media>, Problem> {
    if ids.len() > MAX_FILES {
        return Err(Problem::bad_request(format!("at most {MAX_FILES} files are taken at once")));
    }
    let wanted: HashSet<_> = ids.into_iter().collect();
    let ids: Vec<_> = wanted.iter().copied().collect();
    let mut files = app.catalogue.media_by_ids(workspace_id, &ids).await?;
    if files.len() < wanted.len() {
        return Err(Problem::not_found());
    }
    files.retain(|media| media.trashed_at.is_none() && media.status != MediaStatus::Quarantined);
    files.sort_by(|a, b| (a.captured_at, &a.name, a.id).cmp(&(b.captured_at, &b.name, b.id)));
    Ok(files)
}

pub(super) async fn found(app: &App, workspace_id: Uuid, filter: &MediaFilter) -> Result<Vec<Media>, Problem> {
    let (mut ids, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = app.catalogue.list_media(workspace_id, filter, cursor.as_deref(), PAGE).await?;
        ids.extend(page.items.into_iter().map(|media| media.id));
        if ids.len() > MAX_FILES {
            return Err(Problem::conflict(format!("these are more than {MAX_FILES} files: narrow the selection")));
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return selected(app, workspace_id, ids).await;
        }
    }
}

pub(super) async fn are_there(app: &App, plan: &[Planned]) -> Result<(), Problem> {
    let objects = plan.iter().map(|file| (file.bucket.clone(), file.object_key.clone())).collect();
    let there = app.store.are_there(objects).await.map_err(|error| Problem::unavailable(error.to_string()))?;
    let missing: Vec<_> =
        plan.iter().zip(there).filter(|(_, there)| !there).map(|(file, _)| file.path.as_str()).collect();
    if missing.is_empty() { Ok(()) } else { Err(gone(missing.into_iter())) }
}

fn gone<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Problem {
    let count = names.len();
    let told: Vec<_> = names.take(NAMES_TOLD).collect();
    let more = if count > told.len() { ", ..." } else { "" };
    Problem::conflict(format!(
        "{count} of the files are missing from the store ({}{more}): leave them out of the selection",
        told.join(", ")
    ))
}

/// `folder/name` of each file: a folder for each flight, named by its first day here and its id.
pub(super) fn paths(files: &[Media]) -> Vec<String> {
    let mut first: HashMap<&str, Timestamp> = HashMap::new();
    for media in files {
        if let (Some(flight_id), Some(at)) = (media.flight_id.as_deref(), media.captured_at) {
            let known = first.entry(flight_id).or_insert(at);
            *known = at.min(*known);
        }
    }
    let folder = |media: &Media| match media.flight_id.as_deref() {
        Some(flight_id) => {
            let day = first.get(flight_id).copied().map_or_else(|| "undated".to_owned(), day);
            format!("{day}_{}", safe(&flight_id.chars().take(8).collect::<String>()))
        }
        None => media.captured_at.map_or_else(|| "undated".to_owned(), day),
    };
    let mut taken = HashSet::new();
    let mut path = |media: &Media| {
        let (folder, name) = (folder(media), safe(&media.name));
        let mut path = format!("{folder}/{name}");
        // two files of one name: the id keeps them apart
        if !taken.insert(path.to_lowercase()) {
            path = format!("{folder}/{}_{name}", media.id);
            taken.insert(path.to_lowercase());
        }
        path
    };
    files.iter().map(&mut path).collect()
}

fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_taken_as_http_says() {
        for (text, expected) in [
            ("bytes=0-", Asked::Part(0..100)),
            ("bytes=10-19", Asked::Part(10..20)),
            ("bytes=90-500", Asked::Part(90..100)),
            ("bytes=-10", Asked::Part(90..100)),
            ("bytes=-500", Asked::Part(0..100)),
            ("bytes=99-99999999999999999999999", Asked::Part(99..100)),
            ("bytes=100-", Asked::Nothing),
            ("bytes=99999999999999999999999-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=20-10", Asked::Whole),
            ("bytes=0-1,5-6", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(asked_range(text, 100), expected, "{text:?}");
        }
    }
}
