//! The raw values of a thermal picture.

use std::io;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use eyrie_catalogue::{MediaKind, MediaStatus};
use eyrie_media::thermal::{self, Plane, ThermalError};
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Scope, Viewer};
use super::download::attachment;
use super::extract::{PathParams, QueryParams, blank_is_none};
use super::media::listed;
use super::problem::{Kind, Problem};
use crate::app::App;
use crate::object_range::{self, ObjectRange};

/// Planes in memory at once: the largest that is read takes 16 MiB as values and as much again as a file.
const PLANES_AT_ONCE: usize = 2;
static PLANES: Semaphore = Semaphore::const_new(PLANES_AT_ONCE);

/// Says of a plane what it is not.
const NOTE: HeaderName = HeaderName::from_static("x-thermal-note");

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlaneFormat {
    /// 16-bit grey, one strip, the note as `ImageDescription`.
    #[default]
    Tiff,
    /// 16-bit grey, the note as the text `Description`.
    Png,
    /// What is known of the plane, without its values.
    Json,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ThermalQuery {
    /// `tiff` when left out.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false, inline)]
    format: Option<PlaneFormat>,
}

/// Download the raw plane of a thermal picture
///
/// The sensor's 16-bit values as they stand in the R-JPEG, row by row. They are not temperatures: the header
/// `X-Thermal-Note` and the file itself say so, and `format=json` lists under `missing` what lacks. 404 for files that hold no
/// plane, or none that is read; the detail says which.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/media/{id}/thermal", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path), ThermalQuery),
    responses((status = 200, description = "The plane, or what is known of it", headers(("X-Thermal-Note" = String)),
        content((Vec<u8> = "image/tiff"), (Vec<u8> = "image/png"), (Object = "application/json")))))]
pub async fn get_thermal(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    QueryParams(query): QueryParams<ThermalQuery>,
) -> Result<Response, Problem> {
    let none = |why: String| Problem::new(Kind::NotFound, why);
    let media = listed(&app, scope.workspace.id, id).await?;
    if media.status != MediaStatus::Stored {
        return Err(none("the file's object is not in the store".into()));
    }
    if !matches!(media.kind, MediaKind::Thermal | MediaKind::Photo) {
        return Err(none(format!("a file of the kind {} holds no raw thermal values", media.kind.as_str())));
    }
    let size_bytes = media.size_bytes.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
    let mut range = object_range::open(Arc::clone(&app.store), &media.bucket, &media.object_key, size_bytes);
    let format = query.format.unwrap_or_default();
    let _turn = PLANES.acquire().await.map_err(Problem::internal)?;
    let made = tokio::task::spawn_blocking(move || made(&mut range, format)).await.map_err(Problem::internal)?;
    let (mut response, extension) = match made.map_err(problem)? {
        Made::Json(known) => (Json(known).into_response(), None),
        Made::File { bytes, note, content_type, extension } => {
            let mut response = Body::from(bytes).into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            // numbers of the file are in it, but they are printed by us
            response.headers_mut().insert(NOTE, HeaderValue::try_from(note).map_err(Problem::internal)?);
            (response, Some(extension))
        }
    };
    if let Some(extension) = extension {
        let stem = media.name.rsplit_once('.').map_or(media.name.as_str(), |(stem, _)| stem);
        let name = format!("{stem}_raw.{extension}");
        response.headers_mut().insert(header::CONTENT_DISPOSITION, attachment(&name));
    }
    Ok(response)
}

enum Made {
    Json(serde_json::Value),
    File { bytes: Vec<u8>, note: String, content_type: &'static str, extension: &'static str },
}

fn made(range: &mut ObjectRange, format: PlaneFormat) -> Result<Made, ThermalError> {
    let write = |plane: Plane, write: fn(&Plane, &mut Vec<u8>) -> io::Result<()>, content_type, extension| {
        let mut bytes = Vec::with_capacity(plane.values.len() * 2 + 4_096);
        write(&plane, &mut bytes)?;
        Ok(Made::File { bytes, note: plane.note, content_type, extension })
    };
    match format {
        PlaneFormat::Json => {
            let known = thermal::read(range)?.ok_or(ThermalError::NoRawValues)?;
            serde_json::to_value(known).map(Made::Json).map_err(|error| io::Error::from(error).into())
        }
        PlaneFormat::Tiff => write(thermal::plane(range)?, Plane::to_tiff16, "image/tiff", "tiff"),
        PlaneFormat::Png => write(thermal::plane(range)?, Plane::to_png16, "image/png", "png"),
    }
}

fn problem(error: ThermalError) -> Problem {
    match error {
        ThermalError::Read { source } if source.kind() != io::ErrorKind::NotFound => Problem::internal(source),
        ThermalError::Read { .. } => Problem::new(Kind::NotFound, "the file's object is not in the store"),
        other => Problem::new(Kind::NotFound, other.to_string()),
    }
}
