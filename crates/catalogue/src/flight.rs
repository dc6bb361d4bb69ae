//! Flights: known as soon as one file or event names one.

mod by_time;
mod tally;

pub(crate) use by_time::{Touched, regroup};
pub(crate) use tally::{Share, Tally, adjust, leave, save_touched};

use jiff::Timestamp;
use uuid::Uuid;

use crate::media::words;
use crate::page::{Key, List, page_of, page_size};
use crate::sqlite::Row;
use crate::value::{Columns as _, us};
use crate::{Catalogue, MediaSource, Page, Result};

words!(
    /// `stalled`: not complete and nothing heard of it for a while (the caller says how long).
    FlightState { Uploading = "uploading", Complete = "complete", Stalled = "stalled" }
);

#[derive(Clone, Debug)]
pub struct Flight {
    pub workspace_id: Uuid,
    pub flight_id: String,
    pub gateway_sn: Option<String>,
    /// 0 wayline, 1 one-key take-off.
    pub flight_type: Option<i64>,
    pub expected_file_count: Option<i64>,
    pub uploaded_file_count: Option<i64>,
    /// From `flighttask_progress`.
    pub media_count: Option<i64>,
    pub track_id: Option<String>,
    /// `flighttask_progress` status text: sent, in_progress, ok, failed ...
    pub task_status: Option<String>,
    /// Listed media of this flight with status stored, the trash left out.
    pub stored_count: i64,
    /// Stored media of this flight in the trash: they arrived, so a complete flight stays complete.
    pub trashed_count: i64,
    /// Files of this flight that were deleted for good: they arrived, too.
    pub purged_count: i64,
    pub first_captured_at: Option<Timestamp>,
    pub last_captured_at: Option<Timestamp>,
    /// west, south, east, north.
    pub bbox: Option<[f64; 4]>,
    /// The dock said that it uploads this flight first.
    pub prioritized_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Where it is in lists.
    pub(crate) num: i64,
}

/// Which flights are wanted; conditions are joined by "and".
#[derive(Clone, Copy, Debug, Default)]
pub struct FlightFilter<'a> {
    pub gateway_sn: Option<&'a str>,
    /// What kind of device brought it; [`MediaSource::Import`]: none that is known.
    pub source: Option<MediaSource>,
}

impl Flight {
    /// How many files there will be, when somebody said so.
    pub fn expected(&self) -> Option<i64> {
        self.expected_file_count.or(self.media_count.filter(|count| *count > 0))
    }

    /// Complete: distinct stored files reach the expected count (or `media_count` when no count was given and it is
    /// above zero), or all that ever came was deleted. Otherwise uploading, and when nothing changed for `stalled_after_s`,
    /// stalled; or complete when nobody said a number and nobody will (`is_counted` is false: a crew's own shots).
    pub fn state(&self, now: Timestamp, stalled_after_s: i64, is_counted: bool) -> FlightState {
        let expected = self.expected_file_count.or(self.media_count.filter(|count| *count > 0));
        let here = self.stored_count + self.trashed_count;
        let all_deleted = here == 0 && self.purged_count > 0;
        if all_deleted || expected.is_some_and(|expected| here + self.purged_count >= expected) {
            FlightState::Complete
        } else if now.duration_since(self.updated_at).as_secs() < stalled_after_s {
            FlightState::Uploading
        } else if expected.is_none() && !is_counted {
            FlightState::Complete
        } else {
            FlightState::Stalled
        }
    }
}

impl Catalogue {
    /// Newest first by creation.
    ///
    /// # Errors
    /// `BadCursor`.
    pub async fn list_flights(
        &self,
        workspace_id: Uuid,
        filter: FlightFilter<'_>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<Flight>> {
        let after = Key::open(cursor, List::Flights)?;
        let num = i64::try_from(after.id.as_u128()).unwrap_or(i64::MAX);
        let mut sql = sqlx::QueryBuilder::new("SELECT * FROM flights WHERE workspace_id = ");
        sql.push_bind(workspace_id);
        sql.push(" AND (created_at, num) < (").push_bind(after.at).push(", ").push_bind(num).push(")");
        if let Some(sn) = filter.gateway_sn {
            sql.push(" AND gateway_sn = ").push_bind(sn);
        }
        if let Some(source) = filter.source {
            sql.push(brought_by(source));
        }
        sql.push(" ORDER BY created_at DESC, num DESC LIMIT ").push_bind(page_size(limit) as i64 + 1);
        let rows = self.engine.fetch_all("cannot list flights", sql.build()).await?;
        let items = rows.iter().map(flight).collect::<Result<Vec<_>>>()?;
        let key = |flight: &Flight| Key {
            at: us(flight.created_at),
            id: Uuid::from_u128(u128::try_from(flight.num).unwrap_or_default()),
        };
        Ok(page_of(items, limit, List::Flights, key))
    }

    pub async fn flight(&self, workspace_id: Uuid, flight_id: &str) -> Result<Option<Flight>> {
        let query = sqlx::query("SELECT * FROM flights WHERE workspace_id = $1 AND flight_id = $2");
        let row = self.engine.fetch_optional("cannot read a flight", query.bind(workspace_id).bind(flight_id)).await?;
        row.as_ref().map(flight).transpose()
    }
}

fn brought_by(source: MediaSource) -> &'static str {
    match source {
        MediaSource::Dock => " AND EXISTS (SELECT 1 FROM docks WHERE docks.sn = flights.gateway_sn)",
        MediaSource::Pilot => " AND EXISTS (SELECT 1 FROM controllers WHERE controllers.sn = flights.gateway_sn)",
        MediaSource::Import => {
            " AND NOT EXISTS (SELECT 1 FROM docks WHERE docks.sn = flights.gateway_sn)
             AND NOT EXISTS (SELECT 1 FROM controllers WHERE controllers.sn = flights.gateway_sn)"
        }
    }
}

fn flight(row: &Row) -> Result<Flight> {
    Ok(Flight {
        workspace_id: row.get("workspace_id")?,
        flight_id: row.get("flight_id")?,
        gateway_sn: row.get("gateway_sn")?,
        flight_type: row.get("flight_type")?,
        expected_file_count: row.get("expected_file_count")?,
        uploaded_file_count: row.get("uploaded_file_count")?,
        media_count: row.get("media_count")?,
        track_id: row.get("track_id")?,
        task_status: row.get("task_status")?,
        stored_count: row.get("stored_count")?,
        trashed_count: row.get("trashed_count")?,
        purged_count: row.get("purged_count")?,
        first_captured_at: row.time_opt("first_captured_at")?,
        last_captured_at: row.time_opt("last_captured_at")?,
        bbox: tally::Extent::of_row(row)?.bbox(),
        prioritized_at: row.time_opt("prioritized_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        num: row.get("num")?,
    })
}
