//! Who saw a place: photos, and seconds of videos, whose footprint holds it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::{MediaFilter, Sight};
use eyrie_media::ground::{self, STEP_S, Sighting};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::{Scope, Viewer};
use super::extract::{QueryParams, blank_is_none};
use super::media::{MediaItem, MediaQuery};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use crate::app::App;

/// Reads of the catalogue for one answer: boxes hold more than what is in them.
const ROUNDS: usize = 8;
/// Two seconds of a video that are farther apart are two moments.
const GAP_S: f64 = 1.5 * STEP_S;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlaceQuery {
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = f64, minimum = -90, maximum = 90)]
    lat: Option<Degrees<90>>,
    #[serde(default, alias = "lon", deserialize_with = "blank_is_none")]
    #[param(value_type = f64, minimum = -180, maximum = 180)]
    lng: Option<Degrees<180>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Degrees<const MOST: i16>(f64);

impl<const MOST: i16> TryFrom<String> for Degrees<MOST> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let most = f64::from(MOST);
        let degrees = text.trim().parse().ok().filter(|degrees| (-most..=most).contains(degrees));
        degrees.map(Self).ok_or_else(|| format!("{text:?} is not degrees from -{MOST} to {MOST}"))
    }
}

/// A file that shows the place.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeenItem {
    pub media: MediaItem,
    /// The camera's nearest look at it; for a video that of the best moment.
    pub sighting: SightingItem,
    /// When the place is in the video's picture; empty for photos.
    pub moments: Vec<SeenMoment>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct SeenMoment {
    /// Seconds of the video, both inside.
    pub from_s: f64,
    pub to_s: f64,
    /// When the camera is nearest.
    pub best_s: f64,
    pub sighting: SightingItem,
}

/// An estimate: over flat ground at the height of the take-off point.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct SightingItem {
    /// Over ground, from the camera to the place.
    pub distance_m: f64,
    /// Straight from the camera to the place.
    pub range_m: f64,
    /// From the camera to the place, clockwise from north.
    pub bearing_deg: f64,
    /// 0 is straight from above.
    pub off_nadir_deg: f64,
}

impl From<Sighting> for SightingItem {
    fn from(seen: Sighting) -> Self {
        let tenth = |number: f64| (number * 10.0).round() / 10.0;
        Self {
            distance_m: tenth(seen.distance_m),
            range_m: tenth(seen.range_m),
            bearing_deg: tenth(seen.bearing_deg).rem_euclid(360.0),
            off_nadir_deg: tenth(seen.off_nadir_deg),
        }
    }
}

/// Who saw a place: photos and seconds of videos, the newest first
///
/// Takes the list's filters. A page may have fewer items than `limit` though more follow: go on while there is a `next_cursor`.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/seen-at", tag = "map",
    params(("ws" = String, Path, description = "id or name of the workspace"), PlaceQuery, MediaQuery, PageQuery),
    responses((status = 200, body = Page<SeenItem>)))]
pub async fn list_seen_at(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    QueryParams(place): QueryParams<PlaceQuery>,
    QueryParams(query): QueryParams<MediaQuery>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<SeenItem>>, Problem> {
    let (Some(lat), Some(lng)) = (place.lat, place.lng) else {
        return Err(Problem::bad_request("lat and lng are needed"));
    };
    let (lat, lng) = (lat.0, lng.0);
    let filter = MediaFilter::from(query);
    let wanted = page.limit() as usize;
    let (mut items, mut cursor) = (Vec::new(), page.cursor().map(str::to_owned));
    for _ in 0..ROUNDS {
        let left = u32::try_from(wanted - items.len()).unwrap_or(1);
        let found = app.catalogue.sights(scope.workspace.id, &filter, [lng, lat], cursor.as_deref(), left).await?;
        cursor = found.next_cursor;
        let exact = tokio::task::spawn_blocking(move || {
            found.items.into_iter().filter_map(|sight| seen(sight, lng, lat)).collect::<Vec<_>>()
        });
        items.extend(exact.await.map_err(Problem::internal)?);
        if cursor.is_none() || items.len() >= wanted {
            break;
        }
    }
    Ok(Json(Page { items, next_cursor: cursor }))
}

/// `None` when the place lies in a box, but in no picture.
fn seen(sight: Sight, lng: f64, lat: f64) -> Option<SeenItem> {
    let is_video = sight.pieces.iter().any(|piece| piece.from_s.is_some());
    let seconds = sight.pieces.iter().flat_map(|piece| ground::moments(&piece.views));
    let seconds = seconds.filter_map(|moment| Some((moment.t_s, moment.sees(lng, lat)?)));
    let mut moments: Vec<SeenMoment> = Vec::new();
    for (t_s, sighting) in seconds {
        let sighting = SightingItem::from(sighting);
        match moments.last_mut().filter(|last| t_s - last.to_s <= GAP_S) {
            Some(last) => {
                last.to_s = t_s;
                if sighting.range_m < last.sighting.range_m {
                    (last.best_s, last.sighting) = (t_s, sighting);
                }
            }
            None => moments.push(SeenMoment { from_s: t_s, to_s: t_s, best_s: t_s, sighting }),
        }
    }
    let best = moments.iter().min_by(|a, b| a.sighting.range_m.total_cmp(&b.sighting.range_m))?.sighting;
    let moments = if is_video { moments } else { Vec::new() };
    Some(SeenItem { media: sight.media.into(), sighting: best, moments })
}
