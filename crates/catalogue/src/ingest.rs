//! The one commit behind `result: 0`: raw event, media row, flight and follow-up jobs, for many reports at once.

mod merge;
mod rows;

use std::collections::HashMap;

use eyrie_env::fail_point;
use jiff::Timestamp;
use uuid::Uuid;

use crate::flight::{Share, Tally};
use crate::sqlite::Write;
use crate::{Catalogue, Media, MediaStatus, NewJob, RawEvent, Result, event, file_group, flight, job, media};
use rows::Rows;

/// What a message says of a flight. `None` leaves what is known; counts never go down.
#[derive(Clone, Debug, Default)]
pub struct FlightFacts {
    pub workspace_id: Uuid,
    pub flight_id: String,
    pub gateway_sn: Option<String>,
    pub flight_type: Option<i64>,
    pub expected_file_count: Option<i64>,
    pub uploaded_file_count: Option<i64>,
    pub media_count: Option<i64>,
    pub track_id: Option<String>,
    pub task_status: Option<String>,
    pub prioritized_at: Option<Timestamp>,
}

/// One message's worth of work.
#[derive(Clone, Debug)]
pub struct IngestReport {
    /// Kept always.
    pub event: Option<RawEvent>,
    /// Inserted, or merged into the row of the same (workspace, object key): size, etag and status are replaced; a field
    /// that the new report does not know keeps its old value. A quarantined one never touches a listed row: those are
    /// unique by (workspace, gateway_sn, object key) among themselves. An object in the trash stays in the trash.
    pub media: Option<Media>,
    pub flight: Option<FlightFacts>,
    /// Enqueued when the row is new or its size or etag changed; `media_id` is filled in with the row's.
    pub jobs: Vec<NewJob>,
    pub now: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub struct IngestOutcome {
    /// The row's id: the one passed in, or that of the row which was there.
    pub media_id: Option<Uuid>,
    /// True when the row was not there before.
    pub inserted: bool,
    /// True when the row was there and something about the object changed.
    pub changed: bool,
}

impl Catalogue {
    /// All of `reports` in one durable commit, in order; outcomes in the same order. Fail points `catalogue.ingest.begin`,
    /// `catalogue.ingest.commit` (before COMMIT) and `catalogue.ingest.committed` (after it).
    ///
    /// # Errors
    /// When the commit fails, nothing of the batch is kept. After an I/O error the catalogue is `Broken`.
    pub async fn ingest(&self, reports: &[IngestReport]) -> Result<Vec<IngestOutcome>> {
        const DOING: &str = "commit reports";
        self.engine.fail_point(DOING, || fail_point!("catalogue.ingest.begin")).await?;
        let mut write = self.engine.begin(DOING).await?;
        event::insert(&mut write, reports.iter().filter_map(|report| report.event.as_ref())).await?;
        let mut batch = Batch {
            rows: Rows::read(&mut write, reports.iter().filter_map(|report| report.media.as_ref())).await?,
            write,
            flights: Vec::new(),
            by_id: HashMap::new(),
            flight_gap_us: self.flight_gap_us(),
        };
        let mut outcomes = Vec::with_capacity(reports.len());
        let mut jobs = Vec::new();
        for report in reports {
            let (outcome, work) = batch.report(report).await?;
            if work {
                let with_row = |job: &NewJob| NewJob { media_id: outcome.media_id.or(job.media_id), ..job.clone() };
                jobs.extend(report.jobs.iter().map(|job| (report.now, with_row(job))));
            }
            outcomes.push(outcome);
        }
        let Batch { mut write, mut rows, flights, .. } = batch;
        rows.write_fresh(&mut write).await?;
        for flight in flights {
            flight.save(&mut write).await?;
        }
        for same_time in jobs.chunk_by(|a, b| a.0 == b.0) {
            let (now, jobs) = (same_time[0].0, same_time.iter().map(|(_, job)| job.clone()).collect::<Vec<_>>());
            job::insert(&mut write, &jobs, now).await?;
        }
        self.engine.fail_point(DOING, || fail_point!("catalogue.ingest.commit")).await?;
        write.commit().await?;
        self.engine.fail_point(DOING, || fail_point!("catalogue.ingest.committed")).await?;
        Ok(outcomes)
    }
}

struct Batch {
    write: Write,
    rows: Rows,
    /// One write for each flight of the batch, in the order in which they were named.
    flights: Vec<Tally>,
    by_id: HashMap<(Uuid, String), usize>,
    flight_gap_us: i64,
}

impl Batch {
    fn flight(&mut self, workspace_id: Uuid, flight_id: &str, now: Timestamp) -> &mut Tally {
        let next = self.flights.len();
        let n = *self.by_id.entry((workspace_id, flight_id.to_owned())).or_insert(next);
        if n == next {
            self.flights.push(Tally::new(workspace_id, flight_id, now));
        }
        let flight = &mut self.flights[n];
        flight.hear_at(now);
        flight
    }

    /// The outcome, and whether the report's jobs have something to do.
    async fn report(&mut self, report: &IngestReport) -> Result<(IngestOutcome, bool)> {
        if let Some(facts) = &report.flight {
            self.flight(facts.workspace_id, &facts.flight_id, report.now).hear(facts);
        }
        match &report.media {
            Some(media) => self.media(media::sound(media), report.now).await,
            None => Ok((IngestOutcome::default(), true)),
        }
    }

    async fn media(&mut self, mut new: Media, now: Timestamp) -> Result<(IngestOutcome, bool)> {
        let Some(old) = self.rows.take(&mut self.write, &new).await? else {
            let outcome = IngestOutcome { media_id: Some(new.id), inserted: true, changed: false };
            self.rows.add(new.clone());
            if new.pilot.flight_group.is_some() || new.pilot.file_group_id.is_some() {
                self.rows.write_fresh(&mut self.write).await?;
            }
            let touched = flight::regroup(&mut self.write, None, &mut new, self.flight_gap_us).await?;
            self.note(new.workspace_id, touched.unwrap_or_default(), now);
            if let Some(flight) = self.flight_of(&new, now) {
                flight.add(&Share::of(&new));
            }
            self.join_group(&new, now).await?;
            self.rows.put(new);
            return Ok((outcome, true));
        };
        let mut merged = merge::merge(&old, &new, now);
        merged.updated_at = old.updated_at;
        if merged != old {
            merged.updated_at = now;
            self.rows.write_fresh(&mut self.write).await?;
            media::update(&mut self.write, &merged).await?;
        }
        let touched = flight::regroup(&mut self.write, Some(&old), &mut merged, self.flight_gap_us).await?;
        let (before, after) = (Share::of(&old), Share::of(&merged));
        if let Some(touched) = touched {
            self.note(merged.workspace_id, touched, now);
            self.flight_of(&merged, now);
        } else if (before != after || old.flight_id != merged.flight_id)
            && let Some(flight) = self.flight_of(&old, now)
        {
            flight.remove(&before, None);
            let flight = self.flight_of(&merged, now).expect("a known flight is never forgotten");
            flight.add(&after);
        } else {
            // an unchanged row still says that its flight is alive; the first word of a flight counts its row
            let is_new = old.flight_id.is_none();
            if let Some(flight) = self.flight_of(&merged, now)
                && is_new
            {
                flight.add(&after);
            }
        }
        let work = old.size_bytes != merged.size_bytes || old.etag != merged.etag;
        let changed = work || old.status != merged.status;
        self.rows.put(merged);
        Ok((IngestOutcome { media_id: Some(old.id), inserted: false, changed }, work))
    }

    /// Flights by time changed round a file.
    fn note(&mut self, workspace_id: Uuid, touched: flight::Touched, now: Timestamp) {
        if touched != flight::Touched::default() {
            self.rows.forget_grouped();
        }
        for flight_id in touched.recount {
            self.flight(workspace_id, &flight_id, now).changed();
        }
        for flight_id in touched.left {
            self.flight(workspace_id, &flight_id, now).left();
        }
    }

    /// What was said of the file's group before it came holds for its flight.
    async fn join_group(&mut self, media: &Media, now: Timestamp) -> Result<()> {
        let (Some(group), Some(flight_id)) = (&media.pilot.file_group_id, &media.flight_id) else { return Ok(()) };
        if media.status == MediaStatus::Quarantined {
            return Ok(());
        }
        if let Some(facts) = file_group::joined(&mut self.write, media.workspace_id, group, flight_id).await? {
            self.flight(media.workspace_id, flight_id, now).hear(&facts);
        }
        Ok(())
    }

    /// A key outside the dock's prefixes says nothing of a flight.
    fn flight_of(&mut self, media: &Media, now: Timestamp) -> Option<&mut Tally> {
        let flight_id = media.flight_id.as_deref().filter(|_| media.status != MediaStatus::Quarantined)?;
        let flight = self.flight(media.workspace_id, flight_id, now);
        flight.likely_gateway(media.gateway_sn.as_deref());
        Some(flight)
    }
}
