//! What a flight's row knows of its media: how many are stored, from when to when, and where.
//!
//! Kept in the commit that changes the media, so that lists of flights cost nothing. Growing is a sum and a few minima and
//! maxima. Shrinking (a row left, or its time or place changed) counts the flight's rows again, but only when the old
//! value lay on the edge of what is known; otherwise taking it away changes no extreme.

use jiff::Timestamp;
use uuid::Uuid;

use super::by_time::Touched;
use crate::sqlite::{Row, Write};
use crate::value::{Columns as _, us, us_opt};
use crate::{FlightFacts, Media, MediaStatus, Result};

/// What one media row adds to its flight; nothing while it is not stored, and only its number while it is in the trash.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Share {
    stored: bool,
    trashed: bool,
    captured_at: Option<i64>,
    place: Option<(f64, f64)>,
}

impl Share {
    pub(crate) fn of(media: &Media) -> Self {
        if media.status != MediaStatus::Stored {
            return Self::default();
        }
        if media.trashed_at.is_some() {
            return Self { stored: true, trashed: true, ..Self::default() };
        }
        Self {
            stored: true,
            trashed: false,
            captured_at: media.captured_at.map(us),
            place: media.position.map(|position| (position.lat, position.lng)),
        }
    }

    fn counts(&self) -> bool {
        self.stored && !self.trashed
    }
}

/// Times and places of a flight's stored media. Longitudes of the two hemispheres apart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Extent {
    first: Option<i64>,
    last: Option<i64>,
    south: Option<f64>,
    north: Option<f64>,
    east: Option<(f64, f64)>,
    west: Option<(f64, f64)>,
}

impl Extent {
    pub(crate) fn of_row(row: &Row) -> Result<Self> {
        let pair = |min, max| -> Result<Option<(f64, f64)>> {
            let (min, max): (Option<f64>, Option<f64>) = (row.get(min)?, row.get(max)?);
            Ok(min.zip(max))
        };
        Ok(Self {
            first: row.get("first_captured_at")?,
            last: row.get("last_captured_at")?,
            south: row.get("south")?,
            north: row.get("north")?,
            east: pair("east_min", "east_max")?,
            west: pair("west_min", "west_max")?,
        })
    }

    fn add(&mut self, share: &Share) {
        if let Some(at) = share.captured_at {
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
        }
        if let Some((lat, lng)) = share.place {
            self.south = Some(self.south.map_or(lat, |south| south.min(lat)));
            self.north = Some(self.north.map_or(lat, |north| north.max(lat)));
            let side = if lng < 0.0 { &mut self.west } else { &mut self.east };
            *side = Some(side.map_or((lng, lng), |(min, max)| (min.min(lng), max.max(lng))));
        }
    }

    /// True when some extreme may be this share's.
    fn touches(&self, share: &Share) -> bool {
        let time = share
            .captured_at
            .is_some_and(|at| self.first.is_none_or(|first| at <= first) || self.last.is_none_or(|last| at >= last));
        let place = share.place.is_some_and(|(lat, lng)| {
            let side = if lng < 0.0 { self.west } else { self.east };
            self.south.is_none_or(|south| lat <= south)
                || self.north.is_none_or(|north| lat >= north)
                || side.is_none_or(|(min, max)| lng <= min || lng >= max)
        });
        time || place
    }

    /// West, south, east, north: the narrower of the two boxes round the globe.
    pub(crate) fn bbox(&self) -> Option<[f64; 4]> {
        let (south, north) = (self.south?, self.north?);
        let (west, east) = match (self.west, self.east) {
            (Some(only), None) | (None, Some(only)) => only,
            (Some((west_min, west_max)), Some((east_min, east_max))) => {
                let over_zero = east_max - west_min;
                let over_antimeridian = 360.0 - (east_min - west_max);
                if over_zero <= over_antimeridian { (west_min, east_max) } else { (east_min, west_max) }
            }
            (None, None) => return None,
        };
        Some([west, south, east, north])
    }
}

/// What a transaction has to tell one flight.
pub(crate) struct Tally {
    workspace_id: Uuid,
    flight_id: String,
    facts: FlightFacts,
    /// Taken when nobody knows better.
    likely_gateway_sn: Option<String>,
    stored: i64,
    trashed: i64,
    extent: Extent,
    recount: bool,
    /// Its files may all be another flight's now: then it is none.
    may_be_empty: bool,
    at: Timestamp,
}

impl Tally {
    pub(crate) fn new(workspace_id: Uuid, flight_id: &str, at: Timestamp) -> Self {
        Self {
            workspace_id,
            flight_id: flight_id.to_owned(),
            facts: FlightFacts::default(),
            likely_gateway_sn: None,
            stored: 0,
            trashed: 0,
            extent: Extent::default(),
            recount: false,
            may_be_empty: false,
            at,
        }
    }

    pub(crate) fn hear(&mut self, facts: &FlightFacts) {
        fn take<T: Clone>(known: &mut Option<T>, new: &Option<T>) {
            if new.is_some() {
                known.clone_from(new);
            }
        }
        take(&mut self.facts.gateway_sn, &facts.gateway_sn);
        take(&mut self.facts.flight_type, &facts.flight_type);
        take(&mut self.facts.track_id, &facts.track_id);
        take(&mut self.facts.task_status, &facts.task_status);
        take(&mut self.facts.prioritized_at, &facts.prioritized_at);
        self.facts.expected_file_count = self.facts.expected_file_count.max(facts.expected_file_count);
        self.facts.uploaded_file_count = self.facts.uploaded_file_count.max(facts.uploaded_file_count);
        self.facts.media_count = self.facts.media_count.max(facts.media_count);
    }

    pub(crate) fn hear_at(&mut self, at: Timestamp) {
        self.at = self.at.max(at);
    }

    pub(crate) fn likely_gateway(&mut self, sn: Option<&str>) {
        if self.likely_gateway_sn.is_none() {
            self.likely_gateway_sn = sn.map(str::to_owned);
        }
    }

    pub(crate) fn add(&mut self, share: &Share) {
        self.stored += i64::from(share.counts());
        self.trashed += i64::from(share.stored && share.trashed);
        if share.counts() {
            self.extent.add(share);
        }
    }

    /// Takes a share away. `known`: the flight's extent in the database, where the caller has it.
    pub(crate) fn remove(&mut self, share: &Share, known: Option<&Extent>) {
        self.stored -= i64::from(share.counts());
        self.trashed -= i64::from(share.stored && share.trashed);
        self.recount |= share.counts() && known.is_none_or(|known| known.touches(share));
    }

    /// Its rows came or went without being told one by one.
    pub(crate) fn changed(&mut self) {
        self.recount = true;
    }

    /// Its rows went to another flight.
    pub(crate) fn left(&mut self) {
        self.recount = true;
        self.may_be_empty = true;
    }

    /// Writes it; the flight exists afterwards, unless all its files [`left`](Self::left).
    pub(crate) async fn save(self, write: &mut Write) -> Result<()> {
        macro_rules! greater {
            ($column:literal) => {
                concat!(
                    $column,
                    " = CASE WHEN flights.",
                    $column,
                    " IS NULL OR excluded.",
                    $column,
                    " > flights.",
                    $column,
                    " THEN excluded.",
                    $column,
                    " ELSE flights.",
                    $column,
                    " END, "
                )
            };
        }
        macro_rules! smaller {
            ($column:literal) => {
                concat!(
                    $column,
                    " = CASE WHEN flights.",
                    $column,
                    " IS NULL OR excluded.",
                    $column,
                    " < flights.",
                    $column,
                    " THEN excluded.",
                    $column,
                    " ELSE flights.",
                    $column,
                    " END, "
                )
            };
        }
        let upsert = sqlx::query(concat!(
            "INSERT INTO flights (workspace_id, flight_id, gateway_sn, flight_type, expected_file_count, uploaded_file_count,
             media_count, track_id, task_status, prioritized_at, stored_count, trashed_count, first_captured_at,
             last_captured_at, south, north, east_min, east_max, west_min, west_max, created_at, updated_at)
             VALUES ($1, $2, coalesce($3, $4), $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
             $22, $22)
             ON CONFLICT (workspace_id, flight_id) DO UPDATE SET ",
            greater!("expected_file_count"),
            greater!("uploaded_file_count"),
            greater!("media_count"),
            greater!("last_captured_at"),
            greater!("north"),
            greater!("east_max"),
            greater!("west_max"),
            greater!("updated_at"),
            smaller!("first_captured_at"),
            smaller!("south"),
            smaller!("east_min"),
            smaller!("west_min"),
            "gateway_sn = coalesce($3, flights.gateway_sn, $4),
             flight_type = coalesce(excluded.flight_type, flights.flight_type),
             track_id = coalesce(excluded.track_id, flights.track_id),
             task_status = coalesce(excluded.task_status, flights.task_status),
             prioritized_at = coalesce(excluded.prioritized_at, flights.prioritized_at),
             stored_count = flights.stored_count + excluded.stored_count,
             trashed_count = flights.trashed_count + excluded.trashed_count",
        ));
        let upsert = upsert
            .bind(self.workspace_id)
            .bind(&self.flight_id)
            .bind(&self.facts.gateway_sn)
            .bind(&self.likely_gateway_sn)
            .bind(self.facts.flight_type)
            .bind(self.facts.expected_file_count)
            .bind(self.facts.uploaded_file_count)
            .bind(self.facts.media_count)
            .bind(&self.facts.track_id)
            .bind(&self.facts.task_status)
            .bind(us_opt(self.facts.prioritized_at))
            .bind(self.stored)
            .bind(self.trashed)
            .bind(self.extent.first)
            .bind(self.extent.last)
            .bind(self.extent.south)
            .bind(self.extent.north)
            .bind(self.extent.east.map(|side| side.0))
            .bind(self.extent.east.map(|side| side.1))
            .bind(self.extent.west.map(|side| side.0))
            .bind(self.extent.west.map(|side| side.1))
            .bind(us(self.at));
        write.execute(upsert).await?;
        if self.recount {
            recount(write, self.workspace_id, &self.flight_id).await?;
        }
        if self.may_be_empty {
            let delete = sqlx::query(
                "DELETE FROM flights WHERE workspace_id = $1 AND flight_id = $2 AND NOT EXISTS
                 (SELECT 1 FROM media WHERE workspace_id = $1 AND flight_id = $2)",
            );
            write.execute(delete.bind(self.workspace_id).bind(&self.flight_id)).await?;
        }
        Ok(())
    }
}

/// One media row changed from `old` to `new`, its flight stayed.
pub(crate) async fn adjust(write: &mut Write, old: &Share, media: &Media, at: Timestamp) -> Result<()> {
    let new = Share::of(media);
    let Some(flight_id) = media.flight_id.as_deref().filter(|_| *old != new) else { return Ok(()) };
    let query = sqlx::query("SELECT * FROM flights WHERE workspace_id = $1 AND flight_id = $2");
    let row = write.fetch_optional(query.bind(media.workspace_id).bind(flight_id)).await?;
    let known = row.as_ref().map(Extent::of_row).transpose()?.unwrap_or_default();
    let mut tally = Tally::new(media.workspace_id, flight_id, at);
    tally.likely_gateway(media.gateway_sn.as_deref());
    tally.remove(old, Some(&known));
    tally.add(&new);
    tally.save(write).await
}

/// A media row is deleted; its flight stays. Nothing was heard of the flight by that.
pub(crate) async fn leave(write: &mut Write, media: &Media) -> Result<()> {
    let Some(flight_id) = media.flight_id.as_deref() else { return Ok(()) };
    let query = sqlx::query("SELECT * FROM flights WHERE workspace_id = $1 AND flight_id = $2");
    let row = write.fetch_optional(query.bind(media.workspace_id).bind(flight_id)).await?;
    let Some(known) = row.as_ref().map(Extent::of_row).transpose()? else { return Ok(()) };
    let mut tally = Tally::new(media.workspace_id, flight_id, media.created_at);
    tally.remove(&Share::of(media), Some(&known));
    tally.save(write).await
}

/// Flights by time changed round a file whose capture time is another now.
pub(crate) async fn save_touched(write: &mut Write, touched: Touched, media: &Media) -> Result<()> {
    for (flight_id, left) in
        touched.recount.into_iter().map(|id| (id, false)).chain(touched.left.into_iter().map(|id| (id, true)))
    {
        let mut tally = Tally::new(media.workspace_id, &flight_id, media.created_at);
        tally.likely_gateway(media.gateway_sn.as_deref());
        if left {
            tally.left()
        } else {
            tally.changed()
        }
        tally.save(write).await?;
    }
    Ok(())
}

async fn recount(write: &mut Write, workspace_id: Uuid, flight_id: &str) -> Result<()> {
    let update = sqlx::query(
        "UPDATE flights SET (stored_count, trashed_count, first_captured_at, last_captured_at, south, north,
         east_min, east_max, west_min, west_max) =
         (SELECT count(*) FILTER (WHERE trashed_at IS NULL), count(*) FILTER (WHERE trashed_at IS NOT NULL),
          min(captured_at) FILTER (WHERE trashed_at IS NULL), max(captured_at) FILTER (WHERE trashed_at IS NULL),
          min(lat) FILTER (WHERE trashed_at IS NULL), max(lat) FILTER (WHERE trashed_at IS NULL),
          min(lng) FILTER (WHERE trashed_at IS NULL AND lng >= 0), max(lng) FILTER (WHERE trashed_at IS NULL AND lng >= 0),
          min(lng) FILTER (WHERE trashed_at IS NULL AND lng < 0), max(lng) FILTER (WHERE trashed_at IS NULL AND lng < 0)
          FROM media WHERE workspace_id = $1 AND flight_id = $2 AND status = 'stored')
         WHERE workspace_id = $1 AND flight_id = $2",
    );
    write.execute(update.bind(workspace_id).bind(flight_id)).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(places: &[(f64, f64)]) -> Extent {
        let mut extent = Extent::default();
        for place in places {
            extent.add(&Share { stored: true, trashed: false, captured_at: None, place: Some(*place) });
        }
        extent
    }

    #[test]
    fn a_box_over_the_antimeridian_is_the_narrow_one() {
        assert_eq!(extent(&[(-17.0, 179.5), (-16.0, -179.5)]).bbox(), Some([179.5, -17.0, -179.5, -16.0]));
        assert_eq!(extent(&[(51.0, -0.1), (52.0, 0.2)]).bbox(), Some([-0.1, 51.0, 0.2, 52.0]));
        assert_eq!(extent(&[(5.0, 8.0)]).bbox(), Some([8.0, 5.0, 8.0, 5.0]));
        assert_eq!(extent(&[]).bbox(), None);
    }
}
