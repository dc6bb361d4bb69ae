//! The map of the library as vector tiles.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use eyrie_catalogue::MediaFilter;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use utoipa::IntoParams;

use super::auth::{Scope, Viewer};
use super::extract::{PathParams, QueryParams, blank_is_none};
use super::media::{Flag, MediaQuery};
use super::problem::{Kind, Problem};
use crate::app::App;
use crate::tiles::{self, MAX_ZOOM, Tile, Wanted};

/// Goes up when tiles of the same files look different.
const LAYOUT: u32 = 1;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TileQuery {
    /// True: from zoom 15 on with a layer `footprints`, the ground that photos show (an estimate).
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<bool>)]
    footprints: Option<Flag>,
}

/// A tile of the library's map
///
/// Mapbox Vector Tile 2.1 with the list's filters. Layer `media`: heaps of files with `count`, a number for each kind, `area`
/// (`west,south,east,north` of what is in it) and `id`, `kind`, `etag` of the newest; a file alone has `count` 1 and `yaw_deg`. `partial` 1 says that only
/// the newest 100,000 of a large selection were looked at. `ETag` changes with the workspace's files.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/tiles/{z}/{x}/{y}", tag = "map",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("z" = u32, Path), ("x" = u32, Path),
        ("y" = String, Path, description = "row from the north, with or without `.mvt`"), MediaQuery, TileQuery),
    responses((status = 200, description = "The tile; empty where nothing is", content((Vec<u8> = "application/vnd.mapbox-vector-tile"))),
        (status = 304, description = "As `If-None-Match` has it")))]
pub async fn get_tile(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, z, x, y)): PathParams<(String, u32, u32, String)>,
    QueryParams(query): QueryParams<MediaQuery>,
    QueryParams(tile_query): QueryParams<TileQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let y = y.strip_suffix(".mvt").unwrap_or(&y).parse().ok();
    let tile = y.and_then(|y| Tile::new(z, x, y));
    let tile = tile.ok_or_else(|| {
        Problem::new(
            Kind::BadRequest,
            format!("there is no such tile: z to {MAX_ZOOM}, x and y below 2 to the power of z"),
        )
    })?;
    let filter = MediaFilter::from(query);
    let footprints = tile_query.footprints.is_some_and(Flag::is_true);
    let workspace_id = scope.workspace.id;
    // the version first: what changes meanwhile makes a new one
    let version = app.catalogue.map_version(workspace_id).await?;
    let key = format!("{workspace_id}/{version}/{filter:?}");
    let etag = etag(&format!("{LAYOUT}/{key}/{tile:?}/{footprints}"));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut response = if known.split(',').any(|one| one.trim() == etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let wanted = Wanted { workspace_id, filter: &filter, tile, footprints, key: &key };
        let bytes = tiles::make(&app.catalogue, &app.selections, &wanted).await?;
        ([(header::CONTENT_TYPE, "application/vnd.mapbox-vector-tile")], bytes).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}

/// Weak: the same tile may be compressed or not.
fn etag(of: &str) -> String {
    let mut etag = String::from("W/\"");
    for byte in Sha256::digest(of).iter().take(12) {
        let _ = write!(etag, "{byte:02x}");
    }
    etag.push('"');
    etag
}
