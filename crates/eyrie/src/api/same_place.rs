//! Other pictures of the same place: docks fly the same route every day, and so the same view comes back.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::{Media, NearShot};
use eyrie_media::photo::{folder_parts, name_parts};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Scope, Viewer};
use super::extract::{PathParams, QueryParams, blank_is_none};
use super::media::{MediaItem, listed};
use super::problem::Problem;
use crate::app::App;

/// Farthest apart that two pictures of one place are, metres, unless the caller says otherwise.
const RADIUS_M: f64 = 5.0;
/// At the same waypoint of the same route the aircraft may be so many times as far off: without RTK it drifts.
const WAYPOINT_FACTOR: f64 = 3.0;
/// Two views that differ more are of something else.
const MAX_YAW_DIFFERENCE_DEG: f64 = 12.0;
const MAX_PITCH_DIFFERENCE_DEG: f64 = 6.0;
/// What a degree of the view weighs against a metre of the position, and the same waypoint against both.
const METRES_A_DEGREE: f64 = 0.25;
const WAYPOINT_WORTH_M: f64 = 3.0;
const METRES_PER_DEGREE: f64 = 111_320.0;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SamePlaceQuery {
    /// Farthest apart, metres over ground and in height; 5 when left out.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<f64>, minimum = 0.5, maximum = 50)]
    radius_m: Option<Radius>,
    /// How many dates, the newest first; 100 when left out.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Radius(f64);

impl TryFrom<String> for Radius {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let metres = text.trim().parse().ok().filter(|metres: &f64| (0.5..=50.0).contains(metres));
        metres.map(Self).ok_or_else(|| format!("radius_m: {text:?} is not metres from 0.5 to 50"))
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Limit(usize);

impl TryFrom<String> for Limit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let limit = text.trim().parse().ok().filter(|limit| (1..=500).contains(limit));
        limit.map(Self).ok_or_else(|| format!("limit: {text:?} is not a number from 1 to 500"))
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SamePlace {
    /// The best picture of each other flight, the newest first.
    pub items: Vec<SamePlaceItem>,
    /// More flights match, or so many files lie there that not all were looked at.
    pub partial: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SamePlaceItem {
    pub media: MediaItem,
    /// Over ground, between the two cameras.
    pub distance_m: f64,
    /// Between the two views, 0 to 180; null when one of them is not known.
    pub yaw_difference_deg: Option<f64>,
    pub pitch_difference_deg: Option<f64>,
    /// Folder names tell the same route; file names the same waypoint of it.
    pub same_route: bool,
    pub same_waypoint: bool,
}

/// Other pictures of the same place, by date
///
/// Of each other flight of the workspace the picture that was taken nearest, by the same camera with the same view. A file without
/// a position has none.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/media/{id}/same-place", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path), SamePlaceQuery),
    responses((status = 200, body = SamePlace)))]
pub async fn list_same_place(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    QueryParams(query): QueryParams<SamePlaceQuery>,
) -> Result<Json<SamePlace>, Problem> {
    let workspace_id = scope.workspace.id;
    let media = listed(&app, workspace_id, id).await?;
    let Some(position) = media.position else {
        return Ok(Json(SamePlace { items: Vec::new(), partial: false }));
    };
    let radius_m = query.radius_m.map_or(RADIUS_M, |radius| radius.0);
    let limit = query.limit.map_or(100, |limit| limit.0);
    let camera = media.metadata.get("camera").and_then(|camera| camera.as_str());
    let place = [position.lng, position.lat];
    let found = app.catalogue.shots_near(workspace_id, place, radius_m * WAYPOINT_FACTOR, media.kind, camera).await?;
    let (matches, left_out) = best_of_flights(&media, found.shots, radius_m, limit);

    let nums: Vec<i64> = matches.iter().map(|found| found.num).collect();
    let mut rows: HashMap<i64, Media> = app.catalogue.media_with_nums(workspace_id, &nums).await?.into_iter().collect();
    // a row that left in between is left out
    let items = matches.into_iter().filter_map(|found| Some((rows.remove(&found.num)?, found)));
    let items = items.filter(|(media, _)| media.id != id).map(|(media, found)| SamePlaceItem {
        media: media.into(),
        distance_m: hundredth(found.distance_m),
        yaw_difference_deg: found.yaw_difference_deg.map(hundredth),
        pitch_difference_deg: found.pitch_difference_deg.map(hundredth),
        same_route: found.same_route,
        same_waypoint: found.same_waypoint,
    });
    Ok(Json(SamePlace { items: items.collect(), partial: left_out || !found.whole }))
}

fn hundredth(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[derive(Clone, Debug, PartialEq)]
struct Match {
    num: i64,
    at: Option<i64>,
    distance_m: f64,
    yaw_difference_deg: Option<f64>,
    pitch_difference_deg: Option<f64>,
    same_route: bool,
    same_waypoint: bool,
}

impl Match {
    /// Less is better.
    fn cost(&self) -> f64 {
        let turned = self.yaw_difference_deg.unwrap_or(0.0) + self.pitch_difference_deg.unwrap_or(0.0);
        let worth = if self.same_waypoint { WAYPOINT_WORTH_M } else { 0.0 };
        self.distance_m + turned * METRES_A_DEGREE - worth
    }
}

/// The best match of each flight, the newest first, and whether there were more than `limit`. A file that belongs to no flight
/// stands for itself.
fn best_of_flights(media: &Media, shots: Vec<NearShot>, radius_m: f64, limit: usize) -> (Vec<Match>, bool) {
    let mut best: HashMap<(Option<String>, i64), Match> = HashMap::new();
    for shot in shots {
        if shot.object_key == media.object_key || (shot.flight_id.is_some() && shot.flight_id == media.flight_id) {
            continue;
        }
        let Some(found) = compare(media, &shot, radius_m) else { continue };
        let alone = if shot.flight_id.is_some() { 0 } else { shot.num };
        let entry = best.entry((shot.flight_id, alone)).or_insert_with(|| found.clone());
        if found.cost() < entry.cost() {
            *entry = found;
        }
    }
    let mut all: Vec<Match> = best.into_values().collect();
    all.sort_by_key(|found| std::cmp::Reverse((found.at, found.num)));
    let left_out = all.len() > limit;
    all.truncate(limit);
    (all, left_out)
}

/// `None` when they do not show the same.
fn compare(media: &Media, shot: &NearShot, radius_m: f64) -> Option<Match> {
    let position = media.position?;
    let east = (shot.lng - position.lng + 180.0).rem_euclid(360.0) - 180.0;
    let distance_m = (east * position.lat.to_radians().cos()).hypot(shot.lat - position.lat) * METRES_PER_DEGREE;
    // heights above take-off agree better from day to day than those above the ellipsoid, where they are known
    let heights = position.relative_altitude_m.zip(shot.relative_altitude_m);
    let heights = heights.or_else(|| position.absolute_altitude_m.zip(shot.absolute_altitude_m));
    let higher_m = heights.map_or(0.0, |(a, b)| (a - b).abs());
    let yaw = media.gimbal_yaw_deg.zip(shot.gimbal_yaw_deg).map(|(a, b)| turn(a, b));
    let pitch = media.gimbal_pitch_deg.zip(shot.gimbal_pitch_deg).map(|(a, b)| (a - b).abs());

    let same_route = route(media.path.as_deref(), &media.object_key)
        .is_some_and(|name| Some(name) == route(shot.path.as_deref(), &shot.object_key));
    let waypoint = name_parts(&media.name).waypoint;
    let same_waypoint = same_route && waypoint.is_some() && waypoint == name_parts(&shot.name).waypoint;
    let reach_m = if same_waypoint { radius_m * WAYPOINT_FACTOR } else { radius_m };
    let same = distance_m <= reach_m
        && higher_m <= reach_m
        && yaw.is_none_or(|turned| turned <= MAX_YAW_DIFFERENCE_DEG)
        && pitch.is_none_or(|tilted| tilted <= MAX_PITCH_DIFFERENCE_DEG);
    same.then_some(Match {
        num: shot.num,
        at: shot.captured_at_us,
        distance_m,
        yaw_difference_deg: yaw,
        pitch_difference_deg: pitch,
        same_route,
        same_waypoint,
    })
}

/// The smaller angle between two directions.
fn turn(a: f64, b: f64) -> f64 {
    let turned = (a - b).rem_euclid(360.0);
    turned.min(360.0 - turned)
}

/// The route that the device's folder, or one in the key, is called after.
fn route(path: Option<&str>, object_key: &str) -> Option<String> {
    let folders = path.into_iter().chain([object_key]).flat_map(|path| path.split('/'));
    folders.filter_map(|folder| folder_parts(folder).mission).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_meet_at_north() {
        for (a, b, expected) in [(359.0, 1.0, 2.0), (-179.0, 179.0, 2.0), (90.0, -90.0, 180.0), (10.0, 10.0, 0.0)] {
            assert!((turn(a, b) - expected).abs() < 1e-9, "{a} {b}");
        }
    }

    #[test]
    fn a_route_is_told_by_a_folder() {
        assert_eq!(route(Some("DJI_202611230614_003_Roof"), "x/y.JPG").as_deref(), Some("Roof"));
        assert_eq!(route(Some("a/b"), "p/DJI_202611230614_007_Roof 3/y.JPG").as_deref(), Some("Roof 3"));
        assert_eq!(route(None, "p/DJI_20261123061422_0012_W.JPG"), None);
    }
}
