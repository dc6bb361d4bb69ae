//! Files of one place: what was captured within some metres of a point.
//!
//! Through the spatial index, and then only the few columns that tell views apart: a dock that flies the same route every day
//! has a picture a day of each of its places, whatever else the library holds.

use uuid::Uuid;

use super::list::{Sql, at_most_in};
use crate::sqlite::{push_area, push_numbers, rows_as_json};
use crate::value::Columns as _;
use crate::{Catalogue, CatalogueError, Media, MediaKind, Result};

/// Rows around one point that are looked at.
const MOST_NEAR: i64 = 20_000;
/// Metres of a degree of latitude.
const METRES_PER_DEGREE: f64 = 111_320.0;

/// A stored file near a point, with what tells its view.
#[derive(Clone, Debug, PartialEq)]
pub struct NearShot {
    pub num: i64,
    /// Microseconds since 1970; `None` is not known.
    pub captured_at_us: Option<i64>,
    pub flight_id: Option<String>,
    pub name: String,
    pub object_key: String,
    pub path: Option<String>,
    pub lat: f64,
    pub lng: f64,
    pub absolute_altitude_m: Option<f64>,
    pub relative_altitude_m: Option<f64>,
    pub gimbal_yaw_deg: Option<f64>,
    pub gimbal_pitch_deg: Option<f64>,
}

/// What [`Catalogue::shots_near`] found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NearShots {
    pub shots: Vec<NearShot>,
    /// False when so many lie there that only some were looked at.
    pub whole: bool,
}

impl Catalogue {
    /// Stored files of a kind and camera in a square of `radius_m` metres around a point, in no order. `camera` `None` finds
    /// those whose camera is not known.
    pub async fn shots_near(
        &self,
        workspace_id: Uuid,
        [lng, lat]: [f64; 2],
        radius_m: f64,
        kind: MediaKind,
        camera: Option<&str>,
    ) -> Result<NearShots> {
        let area = around(lng, lat, radius_m);
        let whole = at_most_in(&self.engine, area, MOST_NEAR).await?;
        let mut sql = Sql::new("SELECT ");
        sql.push(rows_as_json(&[
            "num",
            "captured_at",
            "flight_id",
            "name",
            "object_key",
            "path",
            "lat",
            "lng",
            "absolute_altitude_m",
            "relative_altitude_m",
            "gimbal_yaw_deg",
            "gimbal_pitch_deg",
        ]));
        sql.push(" AS found FROM (SELECT media.* FROM (SELECT num FROM (");
        push_area(&mut sql, area);
        sql.push(") AS area LIMIT ").push_bind(MOST_NEAR);
        sql.push(") AS inside CROSS JOIN media WHERE media.num = inside.num AND workspace_id = ")
            .push_bind(workspace_id);
        sql.push(" AND trashed_at IS NULL AND status = 'stored' AND kind = ").push_bind(kind.as_str());
        match camera {
            Some(camera) => sql.push(" AND camera = ").push_bind(camera.to_owned()),
            None => sql.push(" AND camera IS NULL"),
        };
        sql.push(") AS shots");
        let row = self.engine.fetch_optional("cannot look for files of a place", sql.build()).await?;
        let text: Option<String> = row.map(|row| row.get("found")).transpose()?.flatten();
        let shots: Vec<Found> = serde_json::from_str(text.as_deref().unwrap_or("[]")).map_err(|error| {
            CatalogueError::Database { doing: "cannot read files of a place".into(), source: error.into() }
        })?;
        Ok(NearShots { shots: shots.into_iter().map(NearShot::from).collect(), whole })
    }

    /// The files with these numbers that a workspace has; in no order.
    pub async fn media_with_nums(&self, workspace_id: Uuid, nums: &[i64]) -> Result<Vec<(i64, Media)>> {
        let mut sql = Sql::new("SELECT * FROM media WHERE ");
        push_numbers(&mut sql, "num", nums);
        sql.push(" AND workspace_id = ").push_bind(workspace_id);
        let rows = self.engine.fetch_all("cannot read files of a place", sql.build()).await?;
        rows.iter().map(|row| Ok((row.get("num")?, super::media(row)?))).collect()
    }
}

type Found = (
    i64,
    Option<i64>,
    Option<String>,
    String,
    String,
    Option<String>,
    f64,
    f64,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
);

impl From<Found> for NearShot {
    fn from(columns: Found) -> Self {
        let (num, captured_at_us, flight_id, name, object_key, path, lat, lng, absolute, relative, yaw, pitch) =
            columns;
        Self {
            num,
            captured_at_us,
            flight_id,
            name,
            object_key,
            path,
            lat,
            lng,
            absolute_altitude_m: absolute,
            relative_altitude_m: relative,
            gimbal_yaw_deg: yaw,
            gimbal_pitch_deg: pitch,
        }
    }
}

/// west, south, east, north; west above east over the antimeridian.
fn around(lng: f64, lat: f64, radius_m: f64) -> [f64; 4] {
    let high = radius_m / METRES_PER_DEGREE;
    // beside a pole every longitude is near
    let wide = (high / lat.to_radians().cos().max(1e-9)).min(180.0);
    let wrapped = |degrees: f64| (degrees + 180.0).rem_euclid(360.0) - 180.0;
    let (west, east) = if wide >= 180.0 { (-180.0, 180.0) } else { (wrapped(lng - wide), wrapped(lng + wide)) };
    [west, (lat - high).max(-90.0), east, (lat + high).min(90.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_around_a_point() {
        let [west, south, east, north] = around(8.0, 60.0, 111.32);
        for (found, expected) in [(west, 7.998), (south, 59.999), (east, 8.002), (north, 60.001)] {
            assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
        }
        let [west, _, east, _] = around(179.9999, 0.0, 111.32);
        assert!(west > 179.99 && east < -179.99, "{west} {east}");
        assert_eq!(around(10.0, 90.0, 10.0)[0], -180.0);
        assert_eq!(around(10.0, 90.0, 10.0)[2], 180.0);
        assert_eq!(around(10.0, 90.0, 10.0)[3], 90.0);
    }
}
