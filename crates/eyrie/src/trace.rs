//! The conversations with docks, kept for `/docks/{sn}/trace` and `doctor --sn`.
//!
//! Entries are written in batches beside the work, never before an answer; when the disk cannot follow, entries are
//! dropped and counted rather than holding a dock up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use eyrie_catalogue::{Catalogue, Exchange, TraceEntry};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Entries that may wait for the writer.
const QUEUE: usize = 16_384;
/// Entries in one commit: few, since reports wait for the end of it.
const BATCH: usize = 128;
/// How often the writer looks; entries are visible about this late.
const FLUSH_EVERY: Duration = Duration::from_millis(200);
/// How often old entries are forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// Longest text kept of one value, bytes.
const VALUE_BYTES: usize = 8 * 1024;
/// Docks and controllers whose last exchange is remembered.
const MAX_LAST: usize = 65_536;

pub struct Trace {
    queue: mpsc::Sender<TraceEntry>,
    last: Mutex<HashMap<String, Exchange>>,
    receiver: Mutex<Option<mpsc::Receiver<TraceEntry>>>,
}

impl Default for Trace {
    fn default() -> Self {
        let (queue, receiver) = mpsc::channel(QUEUE);
        Self { queue, last: Mutex::default(), receiver: Mutex::new(Some(receiver)) }
    }
}

impl Trace {
    pub fn record(&self, mut entry: TraceEntry) {
        blank(&mut entry.asked);
        blank(&mut entry.answered);
        if let Some(method) = entry.method.as_ref().filter(|_| entry.direction == "up") {
            let exchange = Exchange { at: entry.at, method: method.clone(), result: entry.result };
            let mut last = self.last.lock();
            if last.len() < MAX_LAST || last.contains_key(&entry.gateway_sn) {
                last.insert(entry.gateway_sn.clone(), exchange);
            }
        }
        if self.queue.try_send(entry).is_err() {
            metrics::counter!("eyrie_trace_dropped_total").increment(1);
        }
    }
}

impl Trace {
    /// What a dock said last that wanted an answer.
    pub fn last(&self, gateway_sn: &str) -> Option<Exchange> {
        self.last.lock().get(gateway_sn).cloned()
    }

    /// What was said last before this start; what was recorded meanwhile is newer.
    ///
    /// # Errors
    /// The catalogue's.
    pub async fn load(&self, catalogue: &Catalogue) -> eyrie_catalogue::Result<()> {
        let known = catalogue.last_exchanges(MAX_LAST as u32).await?;
        let mut last = self.last.lock();
        for (sn, exchange) in known {
            last.entry(sn).or_insert(exchange);
        }
        Ok(())
    }
}

/// Words in a field's name that make its value a secret.
const SECRET_WORDS: [&str; 7] = ["secret", "token", "password", "app_key", "license", "binding_code", "nonce"];

/// Replaces the values of secret fields, at any depth, and cuts long texts.
fn blank(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if SECRET_WORDS.iter().any(|word| name.contains(word)) && !field.is_null() {
                    *field = Value::from("(blanked)");
                } else {
                    blank(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blank),
        Value::String(text) if text.len() > VALUE_BYTES => {
            let mut end = VALUE_BYTES;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
        }
        _ => {}
    }
}

/// Writes what is recorded until `stop`, then what is left.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut receiver = app.trace.receiver.lock().take().expect("the trace writer runs once");
    let mut flush = tokio::time::interval(FLUSH_EVERY);
    let mut prune = tokio::time::interval(PRUNE_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = flush.tick() => write(&app, &mut receiver).await,
            _ = prune.tick() => {
                let keep = app.config.ingest.trace_keep.as_secs() as i64;
                let before = app.now().checked_sub(jiff::SignedDuration::from_secs(keep)).unwrap_or(jiff::Timestamp::MIN);
                if let Err(error) = app.catalogue.prune_trace(before, app.config.ingest.trace_keep_per_dock).await {
                    tracing::warn!(%error, "old trace entries could not be forgotten");
                }
            }
        }
    }
    write(&app, &mut receiver).await;
}

async fn write(app: &App, receiver: &mut mpsc::Receiver<TraceEntry>) {
    let mut entries = Vec::new();
    while let Ok(entry) = receiver.try_recv() {
        entries.push(entry);
        if entries.len() == BATCH {
            save(app, &mut entries).await;
        }
    }
    if !entries.is_empty() {
        save(app, &mut entries).await;
    }
}

async fn save(app: &App, entries: &mut Vec<TraceEntry>) {
    if let Err(error) = app.catalogue.add_trace(entries).await {
        metrics::counter!("eyrie_trace_dropped_total").increment(entries.len() as u64);
        tracing::warn!(%error, entries = entries.len(), "trace entries could not be written");
    }
    entries.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_blanked_at_any_depth() {
        let mut value = json!({"output": {"credentials": {"access_key_secret": "s", "security_token": "t", "expire": 3600}, "app_key": "k"}, "device_binding_code": "b"});
        blank(&mut value);
        assert_eq!(
            value,
            json!({"output": {"credentials": {"access_key_secret": "(blanked)", "security_token": "(blanked)", "expire": 3600}, "app_key": "(blanked)"}, "device_binding_code": "(blanked)"})
        );
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let mut value = Value::from("é".repeat(VALUE_BYTES));
        blank(&mut value);
        assert_eq!(value.as_str().map(str::len), Some(VALUE_BYTES));
    }
}
