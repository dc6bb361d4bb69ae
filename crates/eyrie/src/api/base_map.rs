//! What lies below the library's files on the map, when the operator has more than outlines of the world.

use std::io::SeekFrom;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;
use utoipa::ToSchema;

use super::auth::Caller;
use super::problem::Problem;
use crate::app::App;

const PMTILES_PATH: &str = "/api/v1/map/base.pmtiles";

/// Where the map's background comes from; both null: only the outlines that are in the page.
#[derive(Debug, Serialize, ToSchema)]
pub struct BaseMap {
    pub tiles: Option<BaseTiles>,
    /// Address of a PMTiles file on this server.
    pub pmtiles: Option<String>,
}

/// A tile server that the operator named.
#[derive(Debug, Serialize, ToSchema)]
pub struct BaseTiles {
    /// With `{z}`, `{x}` and `{y}`.
    pub url: String,
    /// True for vector tiles, false for pictures.
    pub vector: bool,
    pub attribution: String,
    pub max_zoom: u32,
}

/// What the map's background is
#[utoipa::path(get, path = "/api/v1/map", tag = "map", responses((status = 200, body = BaseMap)))]
pub async fn get_base_map(_caller: Caller, State(app): State<Arc<App>>) -> Json<BaseMap> {
    let map = &app.config.map;
    let tiles = map.tiles_url.clone().map(|url| BaseTiles {
        vector: map.is_vector(),
        url,
        attribution: map.tiles_attribution.clone(),
        max_zoom: map.tiles_max_zoom,
    });
    Json(BaseMap { tiles, pmtiles: map.pmtiles_file.is_some().then(|| PMTILES_PATH.to_owned()) })
}

/// Bytes of the map's PMTiles file
///
/// `map.pmtiles_file`; asked for in pieces by `Range`.
#[utoipa::path(get, path = "/api/v1/map/base.pmtiles", tag = "map",
    responses((status = 200, description = "The whole file", content((Vec<u8> = "application/vnd.pmtiles"))),
        (status = 206, description = "The range", content((Vec<u8> = "application/vnd.pmtiles"))),
        (status = 416, description = "The range lies behind the file's end")))]
pub async fn get_base_pmtiles(
    _caller: Caller,
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let path = app.config.map.pmtiles_file.as_ref().ok_or_else(Problem::not_found)?;
    let mut file = tokio::fs::File::open(path).await.map_err(|error| {
        tracing::warn!(%error, path = %path.display(), "map.pmtiles_file cannot be read");
        Problem::not_found()
    })?;
    let meta = file.metadata().await.map_err(Problem::internal)?;
    let size = meta.len();
    let changed = meta.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let etag = format!("\"{size:x}-{:x}\"", changed.as_nanos());
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let range = asked.and_then(read_range);
    let mut response = match range {
        Some((first, _)) if first >= size => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            set(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"));
            return Ok(response);
        }
        Some((first, last)) => {
            let last = last.min(size - 1);
            file.seek(SeekFrom::Start(first)).await.map_err(Problem::internal)?;
            let piece = ReaderStream::new(file.take(last - first + 1));
            let mut response = (StatusCode::PARTIAL_CONTENT, Body::from_stream(piece)).into_response();
            set(&mut response, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{size}"));
            response.headers_mut().insert(header::CONTENT_LENGTH, (last - first + 1).into());
            response
        }
        None => {
            let mut response = Body::from_stream(ReaderStream::new(file)).into_response();
            response.headers_mut().insert(header::CONTENT_LENGTH, size.into());
            response
        }
    };
    set(&mut response, header::ETAG, &etag);
    set(&mut response, header::CONTENT_TYPE, "application/vnd.pmtiles");
    set(&mut response, header::ACCEPT_RANGES, "bytes");
    set(&mut response, header::CACHE_CONTROL, "private, no-cache");
    Ok(response)
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

/// `bytes=first-last` or `bytes=first-`; other forms are answered with the whole file, as RFC 9110 allows.
fn read_range(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let first = first.parse().ok()?;
    let last = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_read() {
        assert_eq!(read_range("bytes=0-16383"), Some((0, 16_383)));
        assert_eq!(read_range("bytes=7-"), Some((7, u64::MAX)));
        for other in ["bytes=-7", "bytes=1-2,4-5", "bytes=9-3", "lines=1-2", "bytes=", "bytes=a-b"] {
            assert_eq!(read_range(other), None, "{other}");
        }
    }
}
