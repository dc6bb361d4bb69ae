//! Raw events (kept beside what we understood of them) and the trace of conversations (kept for a while).

use jiff::Timestamp;
use uuid::Uuid;

use crate::page::{Key, List, page_of, page_size};
use crate::sqlite::{Db, Row, Write, chunks};
use crate::value::{Columns as _, us};
use crate::{Catalogue, Page, Result};

/// A message that must not be lost, as it arrived.
#[derive(Clone, Debug)]
pub struct RawEvent {
    pub id: Uuid,
    pub gateway_sn: String,
    pub workspace_id: Option<Uuid>,
    pub method: Option<String>,
    pub tid: String,
    pub bid: String,
    pub topic: String,
    /// The payload as text (lossy where it was not UTF-8).
    pub payload: String,
    pub received_at: Timestamp,
}

/// One exchange with a dock, secrets blanked.
#[derive(Clone, Debug)]
pub struct TraceEntry {
    pub id: Uuid,
    pub gateway_sn: String,
    pub at: Timestamp,
    /// `up` (the dock spoke) or `down` (we did).
    pub direction: String,
    pub topic: String,
    pub method: Option<String>,
    pub tid: String,
    pub bid: String,
    pub result: Option<i64>,
    pub duration_ms: Option<f64>,
    pub asked: serde_json::Value,
    pub answered: serde_json::Value,
    pub note: Option<String>,
}

/// What was said, and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    pub at: Timestamp,
    pub method: String,
    pub result: Option<i64>,
}

impl Catalogue {
    /// Keeps raw events outside a batch (unknown methods, unreadable text). Durable when it returns. An event that is
    /// there already is not kept twice.
    pub async fn keep_events(&self, events: &[RawEvent]) -> Result<()> {
        let mut write = self.engine.begin("keep events").await?;
        insert(&mut write, events.iter()).await?;
        write.commit().await
    }

    /// The newest `limit` raw events of a dock.
    pub async fn events_of(&self, gateway_sn: &str, limit: u32) -> Result<Vec<RawEvent>> {
        let query = "SELECT * FROM events WHERE gateway_sn = $1 ORDER BY received_at DESC, id DESC LIMIT $2";
        let query = sqlx::query(query).bind(gateway_sn).bind(page_size(limit) as i64);
        self.engine.fetch_all("cannot read events", query).await?.iter().map(event).collect()
    }

    pub async fn add_trace(&self, entries: &[TraceEntry]) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut write = self.engine.begin("keep the trace").await?;
        for chunk in chunks(entries) {
            {
                let mut insert = sqlx::QueryBuilder::<Db>::new(
                    "INSERT INTO trace (id, gateway_sn, at, direction, topic, method, tid, bid, result, duration_ms, asked, answered, note) ",
                );
                insert.push_values(chunk, |mut row, entry| {
                    row.push_bind(entry.id)
                        .push_bind(&entry.gateway_sn)
                        .push_bind(us(entry.at))
                        .push_bind(&entry.direction)
                        .push_bind(&entry.topic)
                        .push_bind(&entry.method)
                        .push_bind(&entry.tid)
                        .push_bind(&entry.bid)
                        .push_bind(entry.result)
                        .push_bind(entry.duration_ms)
                        .push_bind(entry.asked.to_string())
                        .push_bind(entry.answered.to_string())
                        .push_bind(&entry.note);
                });
                write.execute(insert.build()).await?;
            }
        }
        write.commit().await
    }

    /// Newest first.
    ///
    /// # Errors
    /// `BadCursor`.
    pub async fn trace_of(&self, gateway_sn: &str, cursor: Option<&str>, limit: u32) -> Result<Page<TraceEntry>> {
        let after = Key::open(cursor, List::Trace)?;
        let query =
            "SELECT * FROM trace WHERE gateway_sn = $1 AND (at, id) < ($2, $3) ORDER BY at DESC, id DESC LIMIT $4";
        let query = sqlx::query(query).bind(gateway_sn).bind(after.at).bind(after.id).bind(page_size(limit) as i64 + 1);
        let rows = self.engine.fetch_all("cannot read the trace", query).await?;
        let items = rows.iter().map(trace).collect::<Result<Vec<_>>>()?;
        Ok(page_of(items, limit, List::Trace, |entry| Key { at: us(entry.at), id: entry.id }))
    }

    /// The last exchange with each dock that the dock began, by its SN; at most `limit` docks.
    pub async fn last_exchanges(&self, limit: u32) -> Result<Vec<(String, Exchange)>> {
        let query = "SELECT trace.gateway_sn, trace.at, trace.method, trace.result FROM docks
             JOIN trace ON trace.gateway_sn = docks.sn AND (trace.at, trace.id) = (SELECT at, id FROM trace
                WHERE gateway_sn = docks.sn AND direction = 'up' AND method IS NOT NULL ORDER BY at DESC, id DESC LIMIT 1)
             LIMIT $1";
        let rows = self.engine.fetch_all("cannot read the trace", sqlx::query(query).bind(i64::from(limit))).await?;
        let exchange = |row: &Row| {
            let exchange = Exchange { at: row.time("at")?, method: row.get("method")?, result: row.get("result")? };
            Ok((row.get("gateway_sn")?, exchange))
        };
        rows.iter().map(exchange).collect()
    }

    /// Forgets trace entries before `before` and, for each dock, all but the newest `keep`. Raw events stay.
    pub async fn prune_trace(&self, before: Timestamp, keep: u32) -> Result<u64> {
        let mut write = self.engine.begin("prune the trace").await?;
        let mut gone = 0;
        let docks = write.fetch_all(sqlx::query("SELECT DISTINCT gateway_sn FROM trace")).await?;
        for dock in docks {
            let gateway_sn: String = dock.get("gateway_sn")?;
            let delete = sqlx::query("DELETE FROM trace WHERE gateway_sn = $1 AND at < $2");
            gone += write.execute(delete.bind(&gateway_sn).bind(us(before))).await?;
            let delete = sqlx::query(
                "DELETE FROM trace WHERE gateway_sn = $1 AND (at, id) <= (SELECT at, id FROM trace WHERE gateway_sn = $1
                 ORDER BY at DESC, id DESC LIMIT 1 OFFSET $2)",
            );
            gone += write.execute(delete.bind(&gateway_sn).bind(i64::from(keep))).await?;
        }
        write.commit().await?;
        Ok(gone)
    }
}

pub(crate) async fn insert(write: &mut Write, events: impl Iterator<Item = &RawEvent> + Send) -> Result<()> {
    let events: Vec<&RawEvent> = events.collect();
    for chunk in chunks(&events) {
        {
            let mut insert = sqlx::QueryBuilder::<Db>::new(
                "INSERT INTO events (id, gateway_sn, workspace_id, method, tid, bid, topic, payload, received_at) ",
            );
            insert.push_values(chunk, |mut row, event| {
                row.push_bind(event.id)
                    .push_bind(&event.gateway_sn)
                    .push_bind(event.workspace_id)
                    .push_bind(&event.method)
                    .push_bind(&event.tid)
                    .push_bind(&event.bid)
                    .push_bind(&event.topic)
                    .push_bind(&event.payload)
                    .push_bind(us(event.received_at));
            });
            write.execute(insert.push(" ON CONFLICT (id) DO NOTHING").build()).await?;
        }
    }
    Ok(())
}

fn event(row: &Row) -> Result<RawEvent> {
    Ok(RawEvent {
        id: row.get("id")?,
        gateway_sn: row.get("gateway_sn")?,
        workspace_id: row.get("workspace_id")?,
        method: row.get("method")?,
        tid: row.get("tid")?,
        bid: row.get("bid")?,
        topic: row.get("topic")?,
        payload: row.get("payload")?,
        received_at: row.time("received_at")?,
    })
}

fn trace(row: &Row) -> Result<TraceEntry> {
    Ok(TraceEntry {
        id: row.get("id")?,
        gateway_sn: row.get("gateway_sn")?,
        at: row.time("at")?,
        direction: row.get("direction")?,
        topic: row.get("topic")?,
        method: row.get("method")?,
        tid: row.get("tid")?,
        bid: row.get("bid")?,
        result: row.get("result")?,
        duration_ms: row.get("duration_ms")?,
        asked: row.json("asked")?,
        answered: row.json("answered")?,
        note: row.get("note")?,
    })
}
