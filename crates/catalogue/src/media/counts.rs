//! How many files a filter finds, by kind and over time: what a page needs to lay out a library before it reads it.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::list::{Sql, index, push_conditions};
use super::row::NO_TIME;
use crate::sqlite::{Engine, index_hint};
use crate::value::Columns as _;
use crate::{MediaCounts, MediaFilter, MediaSlot, Result};

const US: i64 = 1_000_000;

/// One walk over the rows of the filter. `step_s` is above zero.
pub(super) async fn count(
    engine: &Arc<Engine>,
    workspace_id: Uuid,
    filter: &MediaFilter,
    step_s: u32,
) -> Result<MediaCounts> {
    let step_us = i64::from(step_s.max(1)) * US;
    let mut sql = Sql::new("SELECT kind, CASE WHEN sort_at = ");
    sql.push_bind(NO_TIME).push(" THEN NULL ELSE sort_at - ((sort_at % ").push_bind(step_us).push(" + ");
    sql.push_bind(step_us).push(") % ").push_bind(step_us).push(") END AS slot, count(*) AS n, ");
    sql.push("CAST(total(size_bytes) AS INTEGER) AS bytes FROM media").push(index_hint(index(filter))).push(" WHERE ");
    push_conditions(&mut sql, workspace_id, filter);
    sql.push(" GROUP BY slot, kind ORDER BY slot DESC");

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
        let Some(slot) = row.get::<Option<i64>>("slot")? else {
            counts.undated += n;
            continue;
        };
        let at = Timestamp::from_microsecond(slot).unwrap_or(Timestamp::MIN);
        match counts.slots.last_mut() {
            Some(last) if last.at == at => last.count += n,
            _ => counts.slots.push(MediaSlot { at, count: n }),
        }
    }
    Ok(counts)
}
