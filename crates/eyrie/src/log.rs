//! What is written down, to stderr, as text or JSON.
//!
//! Our own targets follow the operator's filter. Everything else stops at `warn`, whatever the filter says: the debug
//! lines of the broker, the S3 server and the HTTP clients print packets, headers and URLs, and those hold passwords,
//! tokens and signatures.

use std::error::Error;
use std::fmt::Write as _;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::LogConfig;

/// The finest level of targets that are not ours.
pub const FOREIGN_LEVEL: Level = Level::WARN;
/// Calls every refused request an error; `eyrie_objects` tells the faults that are ours.
const SILENT: &str = "s3s::ops";

/// Starts logging for this process; a second call changes nothing (tests start several servers).
///
/// # Errors
/// The filter cannot be read.
pub fn init(config: &LogConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.filter)?.and(filter_fn(may_be_written));
    let layer = fmt::layer().with_writer(std::io::stderr);
    let layer = if config.json { layer.json().boxed() } else { layer.with_ansi(false).boxed() };
    // an error means that somebody logs already
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    Ok(())
}

/// # Errors
/// Why a filter cannot be read.
pub fn check_filter(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(|_| ()).map_err(|error| error.to_string())
}

fn may_be_written(metadata: &Metadata<'_>) -> bool {
    is_ours(metadata.target()) || (*metadata.level() <= FOREIGN_LEVEL && metadata.target() != SILENT)
}

fn is_ours(target: &str) -> bool {
    target.strip_prefix("eyrie").is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '_']))
}

/// An error and what caused it, in one line.
pub fn log_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_targets_are_ours() {
        for ours in ["eyrie", "eyrie::dock", "eyrie_mqtt::link", "eyrie_objects"] {
            assert!(is_ours(ours), "{ours}");
        }
        for foreign in ["rmqtt", "s3s::ops", "hyper", "eyriex", "sqlx::query", "rumqttc::state", "log"] {
            assert!(!is_ours(foreign), "{foreign}");
        }
    }
}
