//! How many files a filter finds, by kind and over time: what a page needs to lay out a library before it reads it.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::list::{Sql, index, push_conditions};
use super::row::NO_TIME;
use crate::map::is_counted;
use crate::sqlite::{Engine, index_hint};
use crate::value::{Columns as _, us};
use crate::{MediaCounts, MediaFilter, MediaGroup, MediaSlot, Result};

const US: i64 = 1_000_000;

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
    let mut sql = Sql::new("SELECT kind, CASE WHEN sort_at = ");
    sql.push_bind(NO_TIME).push(" THEN NULL ELSE sort_at - ((sort_at % ").push_bind(step_us).push(" + ");
    sql.push_bind(step_us).push(") % ").push_bind(step_us).push(") END AS at, count(*) AS n, ");
    let group = match by {
        None => "NULL",
        Some(MediaGroup::GatewaySn) => "gateway_sn",
        Some(MediaGroup::FlightId) => "flight_id",
    };
    sql.push("CAST(total(size_bytes) AS INTEGER) AS bytes, ").push(group).push(" AS of_group FROM media");
    // an album's files are found by their ids
    if filter.chosen.is_none() {
        sql.push(index_hint(index(filter)));
    }
    sql.push(" WHERE ");
    push_conditions(&mut sql, workspace_id, filter);
    sql.push(" GROUP BY at, of_group, kind ORDER BY at DESC, of_group");
    read(engine, sql).await
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
