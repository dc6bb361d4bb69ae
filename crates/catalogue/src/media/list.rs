//! The library's pages.
//!
//! The order is (`sort_at`, id), newest first, and each common filter has an index that ends with it: a page walks that
//! index from the cursor on and stops when it is full, so it costs the same in a table of any size. Which index is said,
//! not left to statistics that a young database does not have. Conditions without an index of their own are checked on
//! the way.
//!
//! A part of a name has none either, and may be rare: it is looked for in an index that holds the names, which is read ten
//! times as fast as the rows.
//!
//! A box is different. Where few rows lie inside, they are fetched through the spatial index and sorted; where many do,
//! walking by time meets them soon. An album or a shared selection is bounded: its files are fetched and sorted.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::row::{NO_TIME, media};
use crate::page::{Key, List, page_of, page_size};
use crate::sqlite::{Db, Engine, index_hint, push_area, push_contains};
use crate::value::{Columns as _, us};
use crate::{Chosen, Media, MediaFilter, MediaStatus, NO_GROUP, Page, Result};

/// Rows in a box that are rather sorted than met on the way: their place may have been left long ago, behind all that came
/// since.
pub(super) const FEW_IN_A_BOX: i64 = 16_000;

pub(crate) type Sql = sqlx::QueryBuilder<Db>;

pub(super) async fn page(
    engine: &Arc<Engine>,
    workspace_id: Uuid,
    filter: &MediaFilter,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<Media>> {
    let after = Key::open(cursor, List::Media)?;
    let by_area = match filter.bbox {
        Some(bbox) if bbox.iter().any(|edge| edge.is_nan()) => {
            return Ok(Page { items: Vec::new(), next_cursor: None });
        }
        Some(bbox) => at_most_in(engine, bbox, FEW_IN_A_BOX).await?,
        None => false,
    };
    let mut sql = select("", workspace_id, filter, after, limit, by_area);
    let rows = engine.fetch_all("cannot list media", sql.build()).await?;
    let items = rows.iter().map(media).collect::<Result<Vec<_>>>()?;
    Ok(page_of(items, limit, List::Media, key))
}

pub(super) fn key(media: &Media) -> Key {
    Key { at: media.captured_at.map_or(NO_TIME, us), id: media.id }
}

/// Whether at most `most` rows, of whatever workspace, lie in a box.
pub(crate) async fn at_most_in(engine: &Arc<Engine>, bbox: [f64; 4], most: i64) -> Result<bool> {
    let mut sql = Sql::new("SELECT count(*) AS n FROM (SELECT 1 FROM (");
    push_area(&mut sql, bbox);
    sql.push(") AS inside LIMIT ").push_bind(most + 1).push(") AS some");
    let row = engine.fetch_optional("cannot count media in a box", sql.build()).await?;
    let n: i64 = row.map_or(Ok(0), |row| row.get("n"))?;
    Ok(n <= most)
}

fn select(prefix: &str, workspace_id: Uuid, filter: &MediaFilter, after: Key, limit: u32, by_area: bool) -> Sql {
    let mut sql = Sql::new(prefix);
    sql.push("SELECT media.*");
    push_rows(&mut sql, workspace_id, filter, by_area);
    sql.push(" AND (sort_at, id) < (").push_bind(after.at).push(", ").push_bind(after.id).push(")");
    sql.push(" ORDER BY sort_at DESC, id DESC LIMIT ").push_bind(page_size(limit) as i64 + 1);
    sql
}

/// From FROM to the last condition of a filter. `by_area`: its box is the narrowest way to its rows.
pub(super) fn push_rows(sql: &mut Sql, workspace_id: Uuid, filter: &MediaFilter, by_area: bool) {
    sql.push(" FROM ");
    match (filter.bbox, filter.chosen) {
        (_, Some(chosen)) => {
            sql.push("(");
            push_chosen(sql, chosen);
            sql.push(") AS chosen CROSS JOIN media WHERE media.id = chosen.media_id AND ");
        }
        (Some(bbox), None) if by_area => {
            sql.push("(");
            push_area(sql, bbox);
            sql.push(") AS inside CROSS JOIN media WHERE media.num = inside.num AND ");
        }
        _ => {
            sql.push("media").push(index_hint(index(filter))).push(" WHERE ");
        }
    }
    push_conditions(sql, workspace_id, filter);
}

/// A SELECT of `media_id`s.
fn push_chosen(sql: &mut Sql, chosen: Chosen) {
    match chosen {
        Chosen::Album(id) => sql.push("SELECT media_id FROM album_media WHERE album_id = ").push_bind(id),
        Chosen::Share(id) => sql.push("SELECT media_id FROM share_media WHERE share_id = ").push_bind(id),
    };
}

/// What a filter asks of a row.
pub(crate) fn push_conditions(sql: &mut Sql, workspace_id: Uuid, filter: &MediaFilter) {
    sql.push("workspace_id = ").push_bind(workspace_id);
    sql.push(if filter.trashed { " AND trashed_at IS NOT NULL" } else { " AND trashed_at IS NULL" });
    if let Some(status) = filter.status {
        sql.push(" AND status = ").push_bind(status.as_str());
    }
    for (column, wanted) in [("flight_id", &filter.flight_id), ("gateway_sn", &filter.gateway_sn)] {
        match wanted.as_deref() {
            None => {}
            Some(NO_GROUP) => {
                sql.push(" AND ").push(column).push(" IS NULL");
            }
            Some(wanted) => {
                sql.push(" AND ").push(column).push(" = ").push_bind(wanted);
            }
        }
    }
    if let Some(source) = filter.source {
        sql.push(" AND source = ").push_bind(source.as_str());
    }
    match filter.kinds.as_slice() {
        [] => {}
        [kind] => {
            sql.push(" AND kind = ").push_bind(kind.as_str());
        }
        kinds => {
            sql.push(" AND kind IN (");
            let mut list = sql.separated(", ");
            for kind in kinds {
                list.push_bind(kind.as_str());
            }
            sql.push(")");
        }
    }
    if let Some(camera) = &filter.camera {
        sql.push(" AND camera = ").push_bind(camera);
    }
    if let Some(uuid) = &filter.capture_uuid {
        sql.push(" AND capture_uuid = ").push_bind(uuid);
    }
    if filter.undated {
        sql.push(" AND sort_at = ").push_bind(NO_TIME);
    } else if filter.from.is_some() || filter.to.is_some() {
        let from = filter.from.map_or(NO_TIME + 1, ceil_us);
        sql.push(" AND sort_at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        sql.push(" AND sort_at < ").push_bind(ceil_us(to));
    }
    if let Some([west, south, east, north]) = filter.bbox {
        sql.push(" AND lat >= ").push_bind(south).push(" AND lat <= ").push_bind(north);
        let between = if west <= east { " AND " } else { " OR " };
        sql.push(" AND (lng >= ").push_bind(west).push(between).push("lng <= ").push_bind(east).push(")");
    }
    for (column, [least, most]) in
        [("absolute_altitude_m", filter.absolute_altitude_m), ("relative_altitude_m", filter.relative_altitude_m)]
    {
        if let Some(least) = least {
            sql.push(" AND ").push(column).push(" >= ").push_bind(least);
        }
        if let Some(most) = most {
            sql.push(" AND ").push(column).push(" <= ").push_bind(most);
        }
    }
    if let Some(sn) = &filter.aircraft_sn {
        sql.push(" AND aircraft_sn = ").push_bind(sn);
    }
    if let Some(key) = &filter.drone_model_key {
        sql.push(" AND drone_model_key = ").push_bind(key);
    }
    if let Some(chosen) = filter.chosen {
        sql.push(" AND id IN (");
        push_chosen(sql, chosen);
        sql.push(")");
    }
    if let Some(q) = filter.q.as_deref().filter(|q| !q.is_empty()) {
        sql.push(" AND ");
        push_contains(sql, "folded_name", q.to_lowercase());
    }
}

/// The index whose walk meets the wanted rows soonest.
pub(crate) fn index(filter: &MediaFilter) -> &'static str {
    let rare = matches!(filter.status, Some(MediaStatus::Missing | MediaStatus::Quarantined));
    if filter.capture_uuid.is_some() {
        "media_by_capture"
    } else if filter.flight_id.as_deref().is_some_and(|id| id != NO_GROUP) {
        "media_by_flight"
    } else if filter.trashed {
        "media_in_trash"
    } else if rare {
        "media_by_status"
    } else if filter.q.as_deref().is_some_and(|q| !q.is_empty()) {
        "media_by_name"
    } else if filter.gateway_sn.is_some() {
        "media_by_gateway"
    } else if filter.camera.is_some() {
        "media_by_camera"
    } else if filter.source.is_some() {
        "media_by_source"
    } else if filter.kinds.len() == 1 {
        "media_by_kind"
    } else if filter.status.is_some() {
        "media_by_status"
    } else {
        "media_by_time"
    }
}

/// Stored times are whole microseconds: the first one that is not before `time`.
fn ceil_us(time: Timestamp) -> i64 {
    let us = us(time);
    us + i64::from(Timestamp::from_microsecond(us).is_ok_and(|floor| floor < time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalogue, CatalogueConfig, MediaKind};

    /// Every shape of a page walks one index: no full scan, nothing sorted.
    #[tokio::test]
    async fn pages_walk_an_index() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", dir.path().join("eyrie.db").display());
        let config = CatalogueConfig { url, backup_dir: dir.path().into() };
        let catalogue = Catalogue::open(&config, true).await.expect("a new database");
        let bits = |n: u32, bit: u32| n >> bit & 1 == 1;
        for n in 0..2048 {
            let filter = MediaFilter {
                status: bits(n, 0).then_some(if bits(n, 7) { MediaStatus::Missing } else { MediaStatus::Stored }),
                kinds: MediaKind::ALL.iter().copied().take(n as usize >> 1 & 3).collect(),
                gateway_sn: bits(n, 2).then(|| "D1".into()),
                source: bits(n, 10).then_some(crate::MediaSource::Pilot),
                flight_id: bits(n, 3).then(|| "f".into()),
                from: bits(n, 4).then_some(Timestamp::UNIX_EPOCH),
                to: bits(n, 5).then_some(Timestamp::MAX),
                undated: bits(n, 6) && bits(n, 7),
                trashed: bits(n, 6),
                q: bits(n, 7).then(|| "x".into()),
                bbox: bits(n, 7).then_some([1.0, 1.0, 2.0, 2.0]),
                camera: bits(n, 8).then(|| "wide".into()),
                capture_uuid: bits(n, 9).then(|| "u".into()),
                relative_altitude_m: [bits(n, 5).then_some(10.0), bits(n, 6).then_some(90.0)],
                absolute_altitude_m: [bits(n, 7).then_some(10.0), bits(n, 4).then_some(90.0)],
                aircraft_sn: bits(n, 8).then(|| "1581F".into()),
                drone_model_key: bits(n, 9).then(|| "0-91-1".into()),
                chosen: None,
            };
            let plan = plan(&catalogue, &filter, false).await;
            assert!(plan.starts_with("SEARCH media USING INDEX media_"), "{filter:?}: {plan}");
            assert!(
                plan.contains("sort_at") && !plan.contains("TEMP B-TREE") && !plan.contains("SCAN"),
                "{filter:?}: {plan}"
            );
        }
        // few in a box: through the spatial index and by row number; only those few are sorted
        let filter = MediaFilter { bbox: Some([1.0, 1.0, 2.0, 2.0]), ..MediaFilter::default() };
        let plan = plan(&catalogue, &filter, true).await;
        assert!(
            plan.contains("SCAN media_area VIRTUAL TABLE INDEX") && plan.contains("USING INTEGER PRIMARY KEY"),
            "{plan}"
        );
    }

    async fn plan(catalogue: &Catalogue, filter: &MediaFilter, by_area: bool) -> String {
        let mut sql = select("EXPLAIN QUERY PLAN ", Uuid::nil(), filter, Key::TOP, 100, by_area);
        let rows = catalogue.engine.fetch_all("cannot explain", sql.build()).await.expect("explained");
        rows.iter().map(|row| row.get::<String>("detail").expect("text")).collect::<Vec<_>>().join("; ")
    }
}
