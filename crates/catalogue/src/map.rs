//! Where files are, counted: what a map of any scale draws.
//!
//! Three sources, by what is asked. Cells that are counted with each write (`media_cells`) answer for what everybody looks at:
//! stored files by kind and dock; their cost is that of the cells in view, not of the rows behind them. Where few files lie
//! in the view they are read one by one through the spatial index, whatever the filter. What is left, a rare filter over
//! a large view, is walked through the list's own index, at most [`MOST_SELECTED`] rows of it, the newest first.

use std::sync::Arc;

use uuid::Uuid;

use crate::media::list::{Sql, at_most_in, index, push_conditions};
use crate::sqlite::{Engine, index_hint, push_area, push_numbers, rows_as_json};
use crate::value::Columns as _;
use crate::{Catalogue, CatalogueError, MediaFilter, MediaKind, MediaStatus, NO_GROUP, Result};

/// Files in a view that are rather read one by one than counted.
const FEW_IN_VIEW: i64 = 5_000;
/// Rows of a filter that are looked at for a map.
pub const MOST_SELECTED: i64 = 100_000;
/// The sizes of the counted cells, as in the migration.
const LEVELS: [u32; 4] = [8, 12, 16, 20];
/// Cells that an area's side is cut into, as a power of two.
const AREA_LEVELS: u32 = 6;
/// Bits of a place in each direction.
const PLACE_BITS: u32 = 30;

/// Files that lie together. One file is a cell of its own, without extent.
#[derive(Clone, Debug, PartialEq)]
pub struct MapCell {
    /// Their middle, degrees.
    pub lng: f64,
    pub lat: f64,
    pub count: i64,
    pub kind: MediaKind,
    /// The newest of them, for [`Catalogue::map_heads`]; `None` when that one left.
    pub num: Option<i64>,
    /// west, south, east, north of the cell.
    pub bounds: [f64; 4],
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct MapCells {
    pub cells: Vec<MapCell>,
    /// False when only the newest rows of the filter were looked at.
    pub whole: bool,
}

/// What a map shows of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct MapHead {
    pub num: i64,
    pub id: Uuid,
    pub kind: MediaKind,
    pub etag: Option<String>,
    pub gimbal_yaw_deg: Option<f64>,
}

impl Catalogue {
    /// Goes up when a map of the workspace may look different.
    pub async fn map_version(&self, workspace_id: Uuid) -> Result<i64> {
        let query = sqlx::query("SELECT n FROM media_versions WHERE workspace_id = $1").bind(workspace_id);
        let row = self.engine.fetch_optional("cannot read the map's version", query).await?;
        row.map_or(Ok(0), |row| row.get("n"))
    }

    /// Where the files of a filter are inside a view (west, south, east, north; west below east), in cells of about 1/2^`level`
    /// of the Earth, or one by one where they are few or `level` is over 20. A cell that lies half in the view is in the
    /// answer, whole. `None`: only [`Catalogue::map_selection`] can tell.
    pub async fn map_cells(
        &self,
        workspace_id: Uuid,
        filter: &MediaFilter,
        view: [f64; 4],
        level: u32,
    ) -> Result<Option<MapCells>> {
        let Some(inside) = intersection(view, filter.bbox) else {
            return Ok(Some(MapCells { cells: Vec::new(), whole: true }));
        };
        let counted = is_counted(filter);
        let finest = LEVELS[LEVELS.len() - 1];
        if counted && filter.bbox.is_none() && level <= finest {
            return counted_cells(&self.engine, workspace_id, filter, inside, level).await.map(Some);
        }
        if at_most_in(&self.engine, inside, FEW_IN_VIEW).await? {
            let filter = MediaFilter { bbox: Some(inside), ..filter.clone() };
            return one_by_one(&self.engine, workspace_id, &filter, inside).await.map(Some);
        }
        if !counted {
            return Ok(None);
        }
        // an area's edge cuts cells: they have to be small beside it
        let width = (inside[2] - inside[0]).max((inside[3] - inside[1]) * 2.0).max(1e-9);
        let fine = ((360.0 / width).log2().ceil().max(0.0) as u32).saturating_add(AREA_LEVELS);
        let level = if filter.bbox.is_some() { level.max(fine) } else { level };
        let mut found = counted_cells(&self.engine, workspace_id, filter, inside, level.min(finest)).await?;
        if filter.bbox.is_some() {
            found.cells.retain(|cell| holds(inside, cell.lng, cell.lat));
        }
        Ok(Some(found))
    }

    /// Where the newest [`MOST_SELECTED`] files of a filter are, one by one.
    pub async fn map_selection(&self, workspace_id: Uuid, filter: &MediaFilter) -> Result<MapCells> {
        // the walk ends at the row that is so many rows of the index away, whether those match or not
        let mut sql = Sql::new("SELECT sort_at FROM media");
        sql.push(index_hint(index(filter))).push(" WHERE ");
        push_conditions(&mut sql, workspace_id, &indexed_part(filter));
        sql.push(" ORDER BY sort_at DESC, id DESC LIMIT 1 OFFSET ").push_bind(MOST_SELECTED);
        let end = self.engine.fetch_optional("cannot look how many files there are", sql.build()).await?;
        let end: Option<i64> = end.map(|row| row.get("sort_at")).transpose()?;

        let mut sql = Sql::new("SELECT ");
        sql.push(rows_as_json(&["num", "lat", "lng", "kind"]))
            .push(" AS found FROM (SELECT num, lat, lng, kind FROM media");
        sql.push(index_hint(index(filter))).push(" WHERE ");
        push_conditions(&mut sql, workspace_id, filter);
        sql.push(" AND lat IS NOT NULL AND lng IS NOT NULL");
        if let Some(end) = end {
            sql.push(" AND sort_at >= ").push_bind(end);
        }
        sql.push(" ORDER BY sort_at DESC, id DESC LIMIT ").push_bind(MOST_SELECTED).push(")");
        Ok(MapCells { cells: points(&self.engine, sql).await?, whole: end.is_none() })
    }

    /// The files with these numbers that a workspace has; in no order.
    pub async fn map_heads(&self, workspace_id: Uuid, nums: &[i64]) -> Result<Vec<MapHead>> {
        let mut sql = Sql::new("SELECT num, id, kind, etag, gimbal_yaw_deg FROM media WHERE ");
        push_numbers(&mut sql, "num", nums);
        sql.push(" AND workspace_id = ").push_bind(workspace_id);
        let rows = self.engine.fetch_all("cannot read files of a map", sql.build()).await?;
        let head = |row: &crate::sqlite::Row| {
            Ok(MapHead {
                num: row.get("num")?,
                id: row.get("id")?,
                kind: row.word("kind")?,
                etag: row.get("etag")?,
                gimbal_yaw_deg: row.get("gimbal_yaw_deg")?,
            })
        };
        rows.iter().map(head).collect()
    }
}

/// Whether the counted cells know what a filter asks: kinds and one dock of stored files.
pub(crate) fn is_counted(filter: &MediaFilter) -> bool {
    let MediaFilter {
        flight_id: None,
        gateway_sn,
        source: None,
        kinds: _,
        from: None,
        to: None,
        undated: false,
        bbox: _,
        absolute_altitude_m: [None, None],
        relative_altitude_m: [None, None],
        aircraft_sn: None,
        drone_model_key: None,
        q: None,
        camera: None,
        capture_uuid: None,
        status: Some(MediaStatus::Stored),
        trashed: false,
        chosen: None,
    } = filter
    else {
        return false;
    };
    gateway_sn.as_deref() != Some(NO_GROUP)
}

/// The conditions that the filter's index itself answers.
fn indexed_part(filter: &MediaFilter) -> MediaFilter {
    let index = index(filter);
    let only = |name: &str| index == name;
    MediaFilter {
        capture_uuid: filter.capture_uuid.clone().filter(|_| only("media_by_capture")),
        flight_id: filter.flight_id.clone().filter(|_| only("media_by_flight")),
        gateway_sn: filter.gateway_sn.clone().filter(|_| only("media_by_gateway")),
        camera: filter.camera.clone().filter(|_| only("media_by_camera")),
        source: filter.source.filter(|_| only("media_by_source")),
        kinds: if only("media_by_kind") { filter.kinds.clone() } else { Vec::new() },
        status: filter.status.filter(|_| only("media_by_status")),
        trashed: filter.trashed,
        from: filter.from,
        to: filter.to,
        undated: filter.undated,
        ..MediaFilter::default()
    }
}

/// `None` when they have nothing in common. An area over the antimeridian has two parts: the larger common one counts,
/// and the row's own condition does the rest.
fn intersection(view: [f64; 4], area: Option<[f64; 4]>) -> Option<[f64; 4]> {
    let Some([west, south, east, north]) = area else { return Some(view) };
    let parts: &[(f64, f64)] = if west <= east { &[(west, east)] } else { &[(west, 180.0), (-180.0, east)] };
    let common = parts.iter().map(|(west, east)| (view[0].max(*west), view[2].min(*east)));
    let (west, east) = common.max_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)))?;
    let (south, north) = (view[1].max(south), view[3].min(north));
    let both = parts.len() == 2 && view[0] < parts[1].1 && view[2] > parts[0].0;
    let (west, east) = if both { (view[0], view[2]) } else { (west, east) };
    (west <= east && south <= north).then_some([west, south, east, north])
}

fn holds([west, south, east, north]: [f64; 4], lng: f64, lat: f64) -> bool {
    (west..=east).contains(&lng) && (south..=north).contains(&lat)
}

/// A place on its scale of 30 bits.
fn placed(degrees: f64, span: f64) -> i64 {
    let most = (1_i64 << PLACE_BITS) - 1;
    (((degrees + span / 2.0) / span * (1_i64 << PLACE_BITS) as f64) as i64).clamp(0, most)
}

fn degrees(place: f64, span: f64) -> f64 {
    place / (1_i64 << PLACE_BITS) as f64 * span - span / 2.0
}

async fn counted_cells(
    engine: &Arc<Engine>,
    workspace_id: Uuid,
    filter: &MediaFilter,
    [west, south, east, north]: [f64; 4],
    level: u32,
) -> Result<MapCells> {
    let base = LEVELS.into_iter().find(|base| *base >= level).unwrap_or(LEVELS[LEVELS.len() - 1]);
    let join = base.saturating_sub(level);
    // whole cells of the wanted level, so that neighbouring views see the same ones
    let first = |degrees, span| (placed(degrees, span) >> (PLACE_BITS - base) >> join) << join;
    let last = |degrees, span| first(degrees, span) + (1 << join) - 1;
    let columns: Vec<i64> = (first(west, 360.0)..=last(east, 360.0)).collect();

    let mut sql = Sql::new("SELECT ");
    sql.push(rows_as_json(&["x", "y", "kind", "n", "sum_x", "sum_y", "num"]));
    sql.push(" AS found FROM (SELECT x >> ").push_bind(i64::from(join)).push(" AS x, y >> ").push_bind(i64::from(join));
    sql.push(" AS y, kind, sum(n) AS n, sum(sum_x) AS sum_x, sum(sum_y) AS sum_y, max(num) AS num FROM media_cells");
    sql.push(" WHERE workspace_id = ").push_bind(workspace_id).push(" AND level = ").push_bind(i64::from(base));
    sql.push(" AND ");
    push_numbers(&mut sql, "x", &columns);
    sql.push(" AND y BETWEEN ").push_bind(first(south, 180.0)).push(" AND ").push_bind(last(north, 180.0));
    if !filter.kinds.is_empty() {
        sql.push(" AND kind IN (");
        let mut list = sql.separated(", ");
        for kind in &filter.kinds {
            list.push_bind(kind.as_str());
        }
        sql.push(")");
    }
    if let Some(sn) = &filter.gateway_sn {
        sql.push(" AND gateway_sn = ").push_bind(sn.clone());
    }
    sql.push(" GROUP BY 1, 2, 3)");
    /// x, y, kind, n, sum_x, sum_y, num
    type Counted = (i64, i64, String, i64, i64, i64, Option<i64>);
    let rows: Vec<Counted> = json(engine, sql).await?;
    let side = |n: i64, span: f64| degrees((n << (PLACE_BITS - base + join)) as f64, span);
    let cells = rows.into_iter().filter(|row| row.3 > 0).filter_map(|(x, y, kind, count, sum_x, sum_y, num)| {
        let (lng, lat) = (degrees(sum_x as f64 / count as f64, 360.0), degrees(sum_y as f64 / count as f64, 180.0));
        let bounds = match count {
            1 => [lng, lat, lng, lat],
            _ => [side(x, 360.0), side(y, 180.0), side(x + 1, 360.0), side(y + 1, 180.0)],
        };
        Some(MapCell { lng, lat, count, kind: kind.parse().ok()?, num, bounds })
    });
    Ok(MapCells { cells: cells.collect(), whole: true })
}

async fn one_by_one(
    engine: &Arc<Engine>,
    workspace_id: Uuid,
    filter: &MediaFilter,
    view: [f64; 4],
) -> Result<MapCells> {
    let mut sql = Sql::new("SELECT ");
    sql.push(rows_as_json(&["num", "lat", "lng", "kind"]));
    sql.push(" AS found FROM (SELECT media.num, lat, lng, kind FROM (");
    push_area(&mut sql, view);
    sql.push(") AS inside CROSS JOIN media WHERE media.num = inside.num AND ");
    push_conditions(&mut sql, workspace_id, filter);
    sql.push(" LIMIT ").push_bind(FEW_IN_VIEW).push(")");
    Ok(MapCells { cells: points(engine, sql).await?, whole: true })
}

async fn points(engine: &Arc<Engine>, sql: Sql) -> Result<Vec<MapCell>> {
    let rows: Vec<(i64, f64, f64, String)> = json(engine, sql).await?;
    let cell = |(num, lat, lng, kind): (i64, f64, f64, String)| {
        Some(MapCell { lng, lat, count: 1, kind: kind.parse().ok()?, num: Some(num), bounds: [lng, lat, lng, lat] })
    };
    Ok(rows.into_iter().filter_map(cell).collect())
}

async fn json<T: serde::de::DeserializeOwned>(engine: &Arc<Engine>, mut sql: Sql) -> Result<Vec<T>> {
    let row = engine.fetch_optional("cannot read where files are", sql.build()).await?;
    let text: Option<String> = row.map(|row| row.get("found")).transpose()?.flatten();
    serde_json::from_str(text.as_deref().unwrap_or("[]"))
        .map_err(|error| CatalogueError::Database { doing: "cannot read where files are".into(), source: error.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_and_an_area_share_what_both_hold() {
        let view = [0.0, 0.0, 90.0, 45.0];
        assert_eq!(intersection(view, None), Some(view));
        assert_eq!(intersection(view, Some([10.0, -5.0, 20.0, 5.0])), Some([10.0, 0.0, 20.0, 5.0]));
        assert_eq!(intersection(view, Some([-20.0, 0.0, -10.0, 5.0])), None);
        assert_eq!(
            intersection([90.0, 0.0, 180.0, 45.0], Some([170.0, 0.0, -170.0, 5.0])),
            Some([170.0, 0.0, 180.0, 5.0])
        );
        assert_eq!(
            intersection([-180.0, 0.0, 0.0, 45.0], Some([170.0, 0.0, -170.0, 5.0])),
            Some([-180.0, 0.0, -170.0, 5.0])
        );
        let all = [-180.0, -85.0, 180.0, 85.0];
        assert_eq!(intersection(all, Some([170.0, 0.0, -170.0, 5.0])), Some([-180.0, 0.0, 180.0, 5.0]));
    }

    #[test]
    fn places_keep_centimetres() {
        for lng in [-180.0, -0.000_001, 8.456_789_1, 179.999_999] {
            assert!((degrees(placed(lng, 360.0) as f64, 360.0) - lng).abs() < 4e-7, "{lng}");
        }
        assert_eq!(placed(180.0, 360.0), (1 << PLACE_BITS) - 1);
    }
}
