//! Flights of files that name none: those of one group (an aircraft) form a flight as long as less than a gap lies between one
//! capture and the next.
//!
//! What belongs together is a property of the whole set and does not depend on the order in which files arrive: a late file
//! may begin a flight earlier, or close the gap between two. So each write puts the neighbourhood of its file right again,
//! in its own transaction. A flight's id follows from its group and its first capture, rounded down to a whole gap: two
//! flights of a group never share one, since more than a gap lies between their beginnings, and an earlier first
//! file changes it seldom.

use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use crate::sqlite::Write;
use crate::value::{Columns as _, us};
use crate::{Media, MediaStatus, Result};

/// Flights whose rows came or went, but for the file that caused it when it is new.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) recount: Vec<String>,
    /// They may have no file any more.
    pub(crate) left: Vec<String>,
}

/// Puts `new`, whose row is written already, into its flight by time, and takes it out of the one that it was in before.
/// `None`: nothing about that changed, or it is not grouped.
pub(crate) async fn regroup(
    write: &mut Write,
    old: Option<&Media>,
    new: &mut Media,
    gap_us: i64,
) -> Result<Option<Touched>> {
    let (was, is) = (old.and_then(|old| Spot::of(old, gap_us)), Spot::of(new, gap_us));
    match (&was, &is) {
        (None, None) => return Ok(None),
        (Some(was), Some(is)) if was.same_as(is) => return Ok(None),
        _ => {}
    }
    let mut touched = Touched::default();
    if let (Some(was), Some(flight_id)) = (&was, old.and_then(|old| old.flight_id.as_deref())) {
        touched.moved(was.leave(write, flight_id).await?);
        touched.left.push(flight_id.to_owned());
    }
    if let Some(is) = &is {
        let (flight_id, moved) = is.join(write).await?;
        touched.moved(moved);
        new.flight_id = Some(flight_id);
    } else if new.pilot.flight_group.is_some() {
        // its time is not known any more, and nobody named its flight
        write.execute(sqlx::query("UPDATE media SET flight_id = NULL WHERE id = $1").bind(new.id)).await?;
        new.flight_id = None;
    }
    if old.is_some() {
        touched.recount.extend(new.flight_id.clone());
    }
    Ok(Some(touched))
}

impl Touched {
    fn moved(&mut self, moved: Option<Moved>) {
        if let Some(Moved { from, to }) = moved {
            self.recount.push(to);
            self.left.push(from);
        }
    }
}

/// A file's place among its group's.
struct Spot<'a> {
    id: Uuid,
    workspace_id: Uuid,
    group: &'a str,
    at: i64,
    gap_us: i64,
}

/// All files (or the later ones) of one flight are another's now.
struct Moved {
    from: String,
    to: String,
}

struct Neighbour {
    at: i64,
    flight_id: String,
}

impl<'a> Spot<'a> {
    /// `None` for a file that is not grouped, or whose capture time is not known (yet).
    fn of(media: &'a Media, gap_us: i64) -> Option<Self> {
        if media.status == MediaStatus::Quarantined {
            return None;
        }
        let (group, at) = (media.pilot.flight_group.as_deref()?, us(media.captured_at?));
        Some(Self { id: media.id, workspace_id: media.workspace_id, group, at, gap_us: gap_us.max(1) })
    }

    fn same_as(&self, other: &Self) -> bool {
        (self.group, self.at) == (other.group, other.at)
    }

    /// The flight of a file that comes to this spot; its row is written already. Flights that it joins become one.
    async fn join(&self, write: &mut Write) -> Result<(String, Option<Moved>)> {
        let (left, right) = (self.left(write).await?, self.right(write).await?);
        let (flight_id, moved) = match (left, right) {
            (None, None) => (self.flight_id(self.at), None),
            (Some(left), None) => (left.flight_id, None),
            (None, Some(right)) => {
                let begins_here = self.flight_id(self.at);
                let moved = self.move_from(write, right.flight_id, &begins_here, i64::MIN).await?;
                (begins_here, moved)
            }
            (Some(left), Some(right)) => {
                let moved = self.move_from(write, right.flight_id, &left.flight_id, i64::MIN).await?;
                (left.flight_id, moved)
            }
        };
        let update = sqlx::query("UPDATE media SET flight_id = $2 WHERE id = $1").bind(self.id).bind(&flight_id);
        write.execute(update).await?;
        Ok((flight_id, moved))
    }

    /// After a file of `flight_id` left this spot: what came apart without it is two flights.
    async fn leave(&self, write: &mut Write, flight_id: &str) -> Result<Option<Moved>> {
        let (left, right) = (self.left(write).await?, self.right(write).await?);
        match (left, right) {
            (_, None) => Ok(None),
            (Some(left), Some(right)) if right.at.saturating_sub(left.at) < self.gap_us => Ok(None),
            // the later part, or all of it, begins with another file now
            (_, Some(right)) => {
                let begins_there = self.flight_id(right.at);
                self.move_from(write, flight_id.to_owned(), &begins_there, right.at).await
            }
        }
    }

    async fn left(&self, write: &mut Write) -> Result<Option<Neighbour>> {
        let sql = "SELECT captured_at, flight_id FROM media WHERE workspace_id = $1 AND flight_group = $2
                   AND captured_at > $3 AND captured_at <= $4 AND id <> $5 AND flight_id IS NOT NULL
                   ORDER BY captured_at DESC LIMIT 1";
        self.neighbour(write, sql, self.at.saturating_sub(self.gap_us), self.at).await
    }

    async fn right(&self, write: &mut Write) -> Result<Option<Neighbour>> {
        let sql = "SELECT captured_at, flight_id FROM media WHERE workspace_id = $1 AND flight_group = $2
                   AND captured_at > $3 AND captured_at < $4 AND id <> $5 AND flight_id IS NOT NULL
                   ORDER BY captured_at LIMIT 1";
        self.neighbour(write, sql, self.at, self.at.saturating_add(self.gap_us)).await
    }

    async fn neighbour(&self, write: &mut Write, sql: &'static str, from: i64, to: i64) -> Result<Option<Neighbour>> {
        let query = sqlx::query(sql).bind(self.workspace_id).bind(self.group).bind(from).bind(to).bind(self.id);
        let row = write.fetch_optional(query).await?;
        let neighbour =
            |row: crate::sqlite::Row| Ok(Neighbour { at: row.get("captured_at")?, flight_id: row.get("flight_id")? });
        row.map(neighbour).transpose()
    }

    /// The group's files of flight `from` that were captured at `since` or later go to `to`.
    async fn move_from(&self, write: &mut Write, from: String, to: &str, since: i64) -> Result<Option<Moved>> {
        if from == to {
            return Ok(None);
        }
        let update = sqlx::query(
            "UPDATE media SET flight_id = $4 WHERE workspace_id = $1 AND flight_id = $2 AND flight_group = $3
             AND captured_at >= $5 AND id <> $6",
        );
        let update = update.bind(self.workspace_id).bind(&from).bind(self.group).bind(to).bind(since).bind(self.id);
        write.execute(update).await?;
        Ok(Some(Moved { from, to: to.to_owned() }))
    }

    /// Of the flight whose first capture is at `first`: a UUID that follows from group and time (version 8, RFC 9562).
    fn flight_id(&self, first: i64) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.workspace_id.as_bytes());
        hasher.update(self.gap_us.to_be_bytes());
        hasher.update(first.div_euclid(self.gap_us).to_be_bytes());
        hasher.update(self.group);
        let digest: [u8; 32] = hasher.finalize().into();
        let (bytes, _) = digest.split_first_chunk::<16>().expect("32 are more than 16");
        Builder::from_custom_bytes(*bytes).into_uuid().to_string()
    }
}
