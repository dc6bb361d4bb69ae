//! A file's pictures: thumbnail and preview.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use eyrie_catalogue::{Media, MediaStatus};
use eyrie_media::picture::Coding;
use eyrie_objects::store::ObjectReader;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::auth::{Scope, Viewer};
use super::extract::{PathParams, QueryParams, blank_is_none};
use super::media::listed;
use super::problem::{Kind, Problem};
use crate::app::App;
use crate::derived::{self, Form};
use crate::pictures::{self, MakeError};

/// How long a request waits for a picture that has to be made first.
const MAKE_WAIT: Duration = Duration::from_secs(8);
const RETRY_AFTER_S: u64 = 2;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PictureQuery {
    /// The file's `etag`: with it the answer may be kept for good, because other bytes have another one.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    v: Option<String>,
}

/// Fetch a file's thumbnail, its longest side 512 pixels
///
/// WebP, or JPEG for who asks for it by `Accept`; also of a file in the trash. 404 for files without a picture and for damaged ones; `warnings` of the
/// file say why. 503 with `Retry-After` while it is being made.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/media/{id}/thumbnail", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path), PictureQuery),
    responses((status = 200, description = "The picture", content((Vec<u8> = "image/webp"), (Vec<u8> = "image/jpeg"))),
        (status = 304, description = "As `If-None-Match` has it")))]
pub async fn get_thumbnail(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    QueryParams(query): QueryParams<PictureQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // also of the trash: who takes a file back wants to see which
    let media = app.catalogue.media(scope.workspace.id, id).await?.ok_or_else(Problem::not_found)?;
    answer(&app, &media, Form::Thumbnail(accepted(&headers)), &query, &headers).await
}

/// Fetch a file's preview, its longest side 2,048 pixels
///
/// As the thumbnail; never larger than the file's own picture.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/media/{id}/preview", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path), PictureQuery),
    responses((status = 200, description = "The picture", content((Vec<u8> = "image/webp"), (Vec<u8> = "image/jpeg"))),
        (status = 304, description = "As `If-None-Match` has it")))]
pub async fn get_preview(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    QueryParams(query): QueryParams<PictureQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let media = listed(&app, scope.workspace.id, id).await?;
    answer(&app, &media, Form::Preview(accepted(&headers)), &query, &headers).await
}

pub(super) async fn answer(
    app: &Arc<App>,
    media: &Media,
    form: Form,
    query: &PictureQuery,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let none = |why: String| Problem::new(Kind::NotFound, why);
    if media.status != MediaStatus::Stored {
        return Err(none("the file's object is not in the store".into()));
    }
    if !pictures::has_picture(media.kind) {
        return Err(none(format!("a file of the kind {} has no picture", media.kind.as_str())));
    }
    if let Some(why) = media.picture.as_ref().and_then(|picture| picture.error.as_ref()) {
        return Err(none(why.clone()));
    }
    if let Some(object) = derived::open(app, media, form).await.map_err(Problem::internal)? {
        return Ok(respond(object, media, form, query, headers));
    }
    // it goes on being made when nobody waits any more
    let making = {
        let (app, media) = (Arc::clone(app), media.clone());
        tokio::spawn(async move { pictures::make_one(&app, &media, form).await })
    };
    match tokio::time::timeout(MAKE_WAIT, making).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(why @ (MakeError::Hopeless(_) | MakeError::Gone | MakeError::Video(_))))) => {
            return Err(none(why.to_string()));
        }
        Ok(Ok(Err(MakeError::Failed(error)))) => return Err(Problem::internal(error)),
        Ok(Err(panic)) => return Err(Problem::internal(panic)),
        Err(_) => return Err(Problem::unavailable("the picture is being made").retry_after(RETRY_AFTER_S)),
    }
    let object = derived::open(app, media, form).await.map_err(Problem::internal)?;
    Ok(respond(object.ok_or_else(Problem::not_found)?, media, form, query, headers))
}

fn respond(object: ObjectReader, media: &Media, form: Form, query: &PictureQuery, headers: &HeaderMap) -> Response {
    let info = object.info();
    let etag = format!("\"{}\"", info.etag);
    let kept = query.v.is_some() && query.v == media.etag;
    let lifetime = if kept { "private, max-age=31536000, immutable" } else { "private, no-cache" };
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let unchanged = known
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == etag || tag == "*");
    let size_bytes = info.size_bytes;
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Body::from_stream(object.into_stream(None)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
        response.headers_mut().insert(header::CONTENT_LENGTH, size_bytes.into());
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lifetime));
    headers.insert(header::VARY, HeaderValue::from_static("accept, authorization, cookie"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// JPEG when `Accept` wants it more than WebP; who takes anything gets WebP.
pub(super) fn accepted(headers: &HeaderMap) -> Coding {
    let weight = |wanted: &str| {
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .filter_map(|range| {
                let mut parts = range.split(';').map(str::trim);
                let exactness = match parts.next()? {
                    "*/*" => 0,
                    "image/*" => 1,
                    range if range.eq_ignore_ascii_case(wanted) => 2,
                    _ => return None,
                };
                let q = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
                Some((exactness, q.unwrap_or(0.0)))
            })
            .max_by_key(|(exactness, _)| *exactness)
            .map_or(0.0, |(_, q)| q)
    };
    if weight("image/jpeg") > weight("image/webp") { Coding::Jpeg } else { Coding::WebP }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_chooses_the_coding() {
        let coding = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            accepted(&headers)
        };
        assert_eq!(accepted(&HeaderMap::new()), Coding::WebP);
        for webp in
            ["*/*", "image/*", "image/webp", "image/avif,image/webp,image/apng,*/*;q=0.8", "image/webp,image/jpeg"]
        {
            assert_eq!(coding(webp), Coding::WebP, "{webp}");
        }
        for jpeg in ["image/jpeg", "image/jpeg, image/png", "image/webp;q=0.5, image/jpeg", "image/webp;q=0, */*"] {
            assert_eq!(coding(jpeg), Coding::Jpeg, "{jpeg}");
        }
    }
}
