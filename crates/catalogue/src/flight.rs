//! Flights: known as soon as one file or event names one.

mod by_time;
mod tally;

pub(crate) use by_time::{Touched, regroup};
pub(crate) use tally::{Share, Tally, adjust, leave, save_touched};

use jiff::Timestamp;
use uuid::Uuid;

use crate::media::words;
use crate::page::{Key, List, page_of, page_size};
use crate::sqlite::{Db, Row, index_hint, push_contains};
use crate::value::{Columns as _, us};
use crate::{Catalogue, MediaSource, Page, Result};

type Sql = sqlx::QueryBuilder<Db>;

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
    /// Listed media of this flight that are missing in the store, in quarantine, or have something wrong with them.
    pub troubled_count: i64,
    pub first_captured_at: Option<Timestamp>,
    pub last_captured_at: Option<Timestamp>,
    /// west, south, east, north.
    pub bbox: Option<[f64; 4]>,
    /// The dock said that it uploads this flight first.
    pub prioritized_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Of a dock's flight: when the dock was last heard with nothing left to upload, microseconds; 0 when files are left or it
    /// never said. `None`: no dock's.
    pub(crate) empty_seen_at: Option<i64>,
    /// Where it is in lists.
    pub(crate) num: i64,
}

impl Flight {
    /// How many files there will be, when somebody said so.
    pub fn expected(&self) -> Option<i64> {
        self.expected_file_count.or(self.media_count.filter(|count| *count > 0))
    }

    /// Complete: distinct stored files reach the [`expected`](Self::expected) count, or all that ever came was deleted.
    /// Otherwise uploading, until nothing was heard of it for `stalled_after_s`: then it is stalled, but for one that nobody
    /// announced a count for and of which nothing is known to be missing. For a dock's that is so when the dock was heard with
    /// nothing left to upload as long after the flight's last word; for any other's (a crew's own shots) when something came.
    pub fn state(&self, now: Timestamp, stalled_after_s: i64) -> FlightState {
        let here = self.stored_count + self.trashed_count;
        let all_deleted = here == 0 && self.purged_count > 0;
        if all_deleted || self.expected().is_some_and(|expected| here + self.purged_count >= expected) {
            return FlightState::Complete;
        }
        if now.duration_since(self.updated_at).as_secs() < stalled_after_s {
            return FlightState::Uploading;
        }
        let nothing_misses = match self.empty_seen_at {
            Some(seen) => (seen - us(self.updated_at)) / 1_000_000 >= stalled_after_s,
            None => here > 0,
        };
        if self.expected().is_none() && nothing_misses { FlightState::Complete } else { FlightState::Stalled }
    }

    /// When it was flown, or heard of first while no file says.
    pub fn began_at(&self) -> Timestamp {
        self.first_captured_at.unwrap_or(self.created_at)
    }
}

/// Which flights are wanted; conditions are joined by "and".
#[derive(Clone, Debug, Default)]
pub struct FlightFilter {
    pub gateway_sn: Option<String>,
    /// What kind of device brought it; [`MediaSource::Import`]: none that is known.
    pub source: Option<MediaSource>,
    /// Begun at this time or later.
    pub from: Option<Timestamp>,
    /// Begun before this time.
    pub to: Option<Timestamp>,
    pub state: Option<(FlightState, Silence)>,
    /// A part of its track's or its own id, case ignored.
    pub q: Option<String>,
}

/// How long nothing must have been heard of a flight that is not complete for it to be stalled; see [`Flight::state`].
#[derive(Clone, Copy, Debug)]
pub struct Silence {
    pub now: Timestamp,
    pub after_s: i64,
}

impl Silence {
    fn after_us(self) -> i64 {
        self.after_s.saturating_mul(1_000_000)
    }

    /// What has not changed later is silent.
    fn since_us(self) -> i64 {
        us(self.now).saturating_sub(self.after_us())
    }
}

/// What is under way, over all flights of a workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlightCounts {
    pub uploading: i64,
    pub stalled: i64,
    /// Docks and controllers that the uploading ones are of.
    pub uploading_gateways: i64,
    /// Announced files of the uploading ones that did not come yet.
    pub files_left: i64,
}

/// [`Flight::empty_seen_at`] of a row.
const EMPTY_SEEN_AT: &str = "(SELECT CASE WHEN docks.remain_upload = 0 THEN coalesce(docks.last_seen_at, 0) ELSE 0 END
    FROM docks WHERE docks.sn = flights.gateway_sn)";

/// A file that no reader here knows is kept as it came, and nothing is wrong with it; only the words of its one warning tell.
const ONLY_NOT_UNDERSTOOD: &str =
    "media.kind = 'other' AND media.status = 'stored' AND json_array_length(media.warnings) = 1
    AND media.warnings LIKE '[\"the file is not understood:%'";

/// A row of `flights` with what is counted beside it; the first condition is the index's own.
fn select() -> Sql {
    let mut sql = Sql::new("SELECT flights.*, ");
    sql.push(EMPTY_SEEN_AT).push(" AS empty_seen_at, (SELECT count(*) FROM media").push(index_hint("media_troubled"));
    sql.push(
        " WHERE media.workspace_id = flights.workspace_id AND media.flight_id = flights.flight_id
         AND media.flight_id IS NOT NULL AND media.trashed_at IS NULL
         AND (media.status <> 'stored' OR media.warnings <> '[]' OR (media.picture_error IS NOT NULL AND media.kind <> 'video')) AND NOT (",
    );
    sql.push(ONLY_NOT_UNDERSTOOD).push(")) AS troubled_count FROM flights WHERE workspace_id = ");
    sql
}

/// The conditions that [`Flight::state`] is.
fn push_state(sql: &mut Sql, state: FlightState, silence: Silence) {
    let (silent, since) = (" AND updated_at <= ", silence.since_us());
    match state {
        FlightState::Uploading => {
            sql.push(" AND complete = 0 AND updated_at > ").push_bind(since);
        }
        FlightState::Stalled => {
            sql.push(" AND complete = 0").push(silent).push_bind(since).push(" AND NOT ");
            push_nothing_misses(sql, silence);
        }
        FlightState::Complete => {
            sql.push(" AND (complete = 1 OR (complete = 0").push(silent).push_bind(since).push(" AND ");
            push_nothing_misses(sql, silence);
            sql.push("))");
        }
    }
}

fn push_nothing_misses(sql: &mut Sql, silence: Silence) {
    sql.push("(announced IS NULL AND coalesce(").push(EMPTY_SEEN_AT).push(" - updated_at >= ");
    sql.push_bind(silence.after_us()).push(", stored_count + trashed_count > 0))");
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

impl Catalogue {
    /// The one that began last first.
    ///
    /// # Errors
    /// `BadCursor`.
    pub async fn list_flights(
        &self,
        workspace_id: Uuid,
        filter: &FlightFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<Flight>> {
        let after = Key::open(cursor, List::Flights)?;
        let num = i64::try_from(after.id.as_u128()).unwrap_or(i64::MAX);
        let mut sql = select();
        sql.push_bind(workspace_id);
        sql.push(" AND (began_at, num) < (").push_bind(after.at).push(", ").push_bind(num).push(")");
        if let Some(sn) = &filter.gateway_sn {
            sql.push(" AND gateway_sn = ").push_bind(sn.clone());
        }
        if let Some(from) = filter.from {
            sql.push(" AND began_at >= ").push_bind(us(from));
        }
        if let Some(to) = filter.to {
            sql.push(" AND began_at < ").push_bind(us(to));
        }
        if let Some(source) = filter.source {
            sql.push(brought_by(source));
        }
        if let Some((state, silence)) = filter.state {
            push_state(&mut sql, state, silence);
        }
        if let Some(q) = filter.q.as_deref().filter(|q| !q.is_empty()) {
            sql.push(" AND ");
            push_contains(&mut sql, "lower(coalesce(track_id, '') || ' ' || flight_id)", q.to_lowercase());
        }
        sql.push(" ORDER BY began_at DESC, num DESC LIMIT ").push_bind(page_size(limit) as i64 + 1);
        let rows = self.engine.fetch_all("cannot list flights", sql.build()).await?;
        let items = rows.iter().map(flight).collect::<Result<Vec<_>>>()?;
        let key = |flight: &Flight| Key {
            at: us(flight.began_at()),
            id: Uuid::from_u128(u128::try_from(flight.num).unwrap_or_default()),
        };
        Ok(page_of(items, limit, List::Flights, key))
    }

    pub async fn count_flights(&self, workspace_id: Uuid, silence: Silence) -> Result<FlightCounts> {
        let mut sql = Sql::new(
            "SELECT count(*) FILTER (WHERE busy) AS uploading, count(*) FILTER (WHERE NOT busy) AS stalled,
             count(DISTINCT gateway_sn) FILTER (WHERE busy) AS uploading_gateways,
             coalesce(sum(announced - arrived) FILTER (WHERE busy AND announced > arrived), 0) AS files_left
             FROM (SELECT gateway_sn, announced, arrived, updated_at > ",
        );
        let since = silence.since_us();
        sql.push_bind(since).push(" AS busy FROM flights WHERE workspace_id = ").push_bind(workspace_id);
        sql.push(" AND complete = 0 AND (updated_at > ").push_bind(since).push(" OR NOT ");
        push_nothing_misses(&mut sql, silence);
        sql.push("))");
        let row = self.engine.fetch_optional("cannot count flights", sql.build()).await?;
        let Some(row) = row else { return Ok(FlightCounts::default()) };
        Ok(FlightCounts {
            uploading: row.get("uploading")?,
            stalled: row.get("stalled")?,
            uploading_gateways: row.get("uploading_gateways")?,
            files_left: row.get("files_left")?,
        })
    }

    pub async fn flight(&self, workspace_id: Uuid, flight_id: &str) -> Result<Option<Flight>> {
        let mut sql = select();
        sql.push_bind(workspace_id).push(" AND flight_id = ").push_bind(flight_id.to_owned());
        let row = self.engine.fetch_optional("cannot read a flight", sql.build()).await?;
        row.as_ref().map(flight).transpose()
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
        troubled_count: row.get("troubled_count")?,
        first_captured_at: row.time_opt("first_captured_at")?,
        last_captured_at: row.time_opt("last_captured_at")?,
        bbox: tally::Extent::of_row(row)?.bbox(),
        prioritized_at: row.time_opt("prioritized_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        empty_seen_at: row.get("empty_seen_at")?,
        num: row.get("num")?,
    })
}
