//! The ground that files show, as GeoJSON.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use eyrie_catalogue::{FootprintPlace, MediaFilter};
use eyrie_media::ground::{self, Moment};
use http::header;
use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::{Scope, Viewer};
use super::extract::{PathParams, QueryParams};
use super::media::{MediaQuery, listed};
use super::problem::Problem;
use crate::app::App;

/// Files whose ground is answered at once: a flight of a dock has some hundreds.
const MOST_FILES: u32 = 2_000;
/// Digits of a degree: a centimetre is more than an estimate tells.
const DEGREE_SCALE: f64 = 1e7;

/// The ground that a file shows
///
/// A FeatureCollection: one polygon for a photo, one for each second of a video (`t_s`). An estimate, over flat ground at the height
/// of the take-off point; `cut` says that the picture reaches farther than 2 km or the horizon. Longitudes go on past 180 where a
/// polygon crosses the antimeridian. Empty when height, attitude or angle of view are not known.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/media/{id}/footprints", tag = "map",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 200, description = "GeoJSON", content((Value = "application/geo+json")))))]
pub async fn get_media_footprints(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<Response, Problem> {
    let media = listed(&app, scope.workspace.id, id).await?;
    let places = app.catalogue.footprints_of(scope.workspace.id, media.id).await?;
    Ok(answer(&places, |moments| moments))
}

/// The ground that a selection's files show
///
/// The list's filters; the newest 2,000 files, a polygon for each photo and for every ten seconds of a video.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/media/footprints", tag = "map",
    params(("ws" = String, Path, description = "id or name of the workspace"), MediaQuery),
    responses((status = 200, description = "GeoJSON", content((Value = "application/geo+json")))))]
pub async fn list_footprints(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    QueryParams(query): QueryParams<MediaQuery>,
) -> Result<Response, Problem> {
    let filter = MediaFilter::from(query);
    let places = app.catalogue.footprints_of_selection(scope.workspace.id, &filter, MOST_FILES).await?;
    Ok(answer(&places, |mut moments| {
        moments.truncate(1);
        moments
    }))
}

fn answer(places: &[FootprintPlace], chosen: impl Fn(Vec<Moment>) -> Vec<Moment>) -> Response {
    let of_place = |place: &FootprintPlace| {
        let moments = chosen(ground::moments(&place.piece.views).collect());
        moments.iter().filter_map(|moment| feature(place, moment)).collect::<Vec<_>>()
    };
    let features: Vec<Value> = places.iter().flat_map(of_place).collect();
    let body = json!({ "type": "FeatureCollection", "features": features }).to_string();
    ([(header::CONTENT_TYPE, "application/geo+json")], body).into_response()
}

fn feature(place: &FootprintPlace, moment: &Moment) -> Option<Value> {
    let print = moment.footprint()?;
    let short = |degrees: f64| (degrees * DEGREE_SCALE).round() / DEGREE_SCALE;
    let ring: Vec<[f64; 2]> = print.ring.iter().map(|[lng, lat]| [short(*lng), short(*lat)]).collect();
    let t_s = place.piece.from_s.map(|_| moment.t_s);
    Some(json!({
        "type": "Feature",
        "properties": { "media_id": place.media_id, "kind": place.kind.as_str(), "t_s": t_s, "cut": print.cut },
        "geometry": { "type": "Polygon", "coordinates": [ring] },
    }))
}
