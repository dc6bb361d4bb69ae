//! How many files a filter finds, by kind and over time: what a page needs to lay out a library before it reads it.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::list::{FEW_IN_A_BOX, Sql, at_most_in, push_rows};
use super::row::NO_TIME;
use crate::map::is_counted;
use crate::sqlite::Engine;
use crate::value::{Columns as _, us};
use crate::{MediaCounts, MediaFilter, MediaGroup, MediaSlot, Result};

const US: i64 = 1_000_000;

/// Looking at each of so many costs less than at all there are in a library where a box holds no more.
const MANY_IN_A_BOX: i64 = 250_000;
/// What `media_quarters` is counted in.
const QUARTER_US: i64 = 900 * US;

/// What everybody looks at first (stored files by kind and dock, in whole quarters of an hour) was counted with each write;
/// anything else is one walk over the rows of the filter. `step_s` is above zero.
pub(super) async fn count(
    engine: &Arc<Engine>,
    workspace_id: Uuid,
    filter: &MediaFilter,
    step_s: u32,
    by: Option<MediaGroup>,
) -> Result<MediaCounts> {
    let step_us = i64::from(step_s.max(1)) * US;
    if step_us % QUARTER_US == 0 && by != Some(MediaGroup::FlightId) && in_quarters(filter) {
        return read(engine, quarters(workspace_id, filter, step_us / QUARTER_US, by)).await;
    }
    let by_area = match filter.bbox {
        Some(bbox) => at_most_in(engine, bbox, most_in_a_box(filter)).await?,
        None => false,
    };
    read(engine, walk("", workspace_id, filter, step_us, by, by_area)).await
}

/// Above so many rows in its box the other words of a filter are the narrower way, as far as can be told without looking.
fn most_in_a_box(filter: &MediaFilter) -> i64 {
    let narrow = filter.flight_id.is_some() || filter.gateway_sn.is_some() || filter.from.is_some() || filter.undated;
    if narrow { FEW_IN_A_BOX } else { MANY_IN_A_BOX }
}

fn walk(
    prefix: &str,
    workspace_id: Uuid,
    filter: &MediaFilter,
    step_us: i64,
    by: Option<MediaGroup>,
    by_area: bool,
) -> Sql {
    let mut sql = Sql::new(prefix);
    sql.push("SELECT kind, CASE WHEN sort_at = ");
    sql.push_bind(NO_TIME).push(" THEN NULL ELSE sort_at - ((sort_at % ").push_bind(step_us).push(" + ");
    sql.push_bind(step_us).push(") % ").push_bind(step_us).push(") END AS at, count(*) AS n, ");
    let group = match by {
        None => "NULL",
        Some(MediaGroup::GatewaySn) => "gateway_sn",
        Some(MediaGroup::FlightId) => "flight_id",
    };
    sql.push("CAST(total(size_bytes) AS INTEGER) AS bytes, ").push(group).push(" AS of_group");
    push_rows(&mut sql, workspace_id, filter, by_area);
    sql.push(" GROUP BY at, of_group, kind ORDER BY at DESC, of_group");
    sql
}

/// Whether the counted quarters can answer.
fn in_quarters(filter: &MediaFilter) -> bool {
    let whole =
        |time: Option<Timestamp>| time.is_none_or(|time| us(time) % QUARTER_US == 0 && time.subsec_nanosecond() == 0);
    let rest = MediaFilter { from: None, to: None, undated: false, ..filter.clone() };
    whole(filter.from) && whole(filter.to) && filter.bbox.is_none() && is_counted(&rest)
}

fn quarters(workspace_id: Uuid, filter: &MediaFilter, step: i64, by: Option<MediaGroup>) -> Sql {
    let mut sql = Sql::new("SELECT kind, CASE WHEN slot = ");
    sql.push_bind(NO_TIME).push(" THEN NULL ELSE (slot - ((slot % ").push_bind(step).push(" + ").push_bind(step);
    sql.push(") % ").push_bind(step).push(")) * ").push_bind(QUARTER_US).push(" END AS at, sum(n) AS n, ");
    let group = if by.is_some() { "nullif(gateway_sn, '')" } else { "NULL" };
    sql.push("sum(size_bytes) AS bytes, ")
        .push(group)
        .push(" AS of_group FROM media_quarters WHERE workspace_id = ")
        .push_bind(workspace_id);
    if filter.undated {
        sql.push(" AND slot = ").push_bind(NO_TIME);
    } else if filter.from.is_some() || filter.to.is_some() {
        let from = filter.from.map_or(NO_TIME + 1, |from| us(from).div_euclid(QUARTER_US));
        sql.push(" AND slot >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        sql.push(" AND slot < ").push_bind(us(to).div_euclid(QUARTER_US));
    }
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
    sql.push(" GROUP BY at, of_group, kind ORDER BY at DESC, of_group");
    sql
}

async fn read(engine: &Arc<Engine>, mut sql: Sql) -> Result<MediaCounts> {
    let mut counts = MediaCounts::default();
    for row in engine.fetch_all("cannot count media", sql.build()).await? {
        let n: i64 = row.get("n")?;
        counts.total += n;
        counts.size_bytes = counts.size_bytes.saturating_add(row.get("bytes")?);
        let kind = row.word("kind")?;
        match counts.kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, sum)) => *sum += n,
            None => counts.kinds.push((kind, n)),
        }
        let Some(slot) = row.get::<Option<i64>>("at")? else {
            counts.undated += n;
            continue;
        };
        let at = Timestamp::from_microsecond(slot).unwrap_or(Timestamp::MIN);
        let group: Option<String> = row.get("of_group")?;
        match counts.slots.last_mut() {
            Some(last) if last.at == at && last.group == group => last.count += n,
            _ => counts.slots.push(MediaSlot { at, group, count: n }),
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalogue, CatalogueConfig};

    #[tokio::test]
    async fn what_lies_in_a_box_is_counted_by_the_spatial_index() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", dir.path().join("eyrie.db").display());
        let config = CatalogueConfig { url, backup_dir: dir.path().into() };
        let catalogue = Catalogue::open(&config, true).await.expect("a new database");
        let filter = MediaFilter { bbox: Some([1.0, 1.0, 2.0, 2.0]), ..MediaFilter::default() };
        let mut plans = Vec::new();
        for by_area in [true, false] {
            let mut sql = walk("EXPLAIN QUERY PLAN ", Uuid::nil(), &filter, US, None, by_area);
            let rows = catalogue.engine.fetch_all("cannot explain", sql.build()).await.expect("explained");
            let details = rows.iter().map(|row| row.get::<String>("detail").expect("text"));
            plans.push(details.collect::<Vec<_>>().join("; "));
        }
        assert!(plans[0].contains("SCAN media_area VIRTUAL TABLE INDEX"), "{}", plans[0]);
        assert!(plans[0].contains("USING INTEGER PRIMARY KEY"), "{}", plans[0]);
        assert!(plans[1].starts_with("SEARCH media USING INDEX media_by_time"), "{}", plans[1]);
    }
}
