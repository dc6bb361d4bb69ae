//! The comparison of store and catalogue as a job, for the schedule and the API.

use serde_json::Value;

use super::{Failure, Run};
use crate::reconcile::{self, Sides};

pub const KIND: &str = "reconcile";

pub async fn run(run: &Run) -> Result<Option<Value>, Failure> {
    let app = &run.app;
    let sides = Sides {
        catalogue: &app.catalogue,
        store: &app.store,
        clock: &*app.clock,
        random: &*app.random,
        max_attempts: app.config.jobs.max_attempts,
        events: Some(&app.events),
    };
    let report = reconcile::run(&sides, |_| {}).await?;
    app.wake.wake();
    let checked = i64::try_from(report.checked).unwrap_or(i64::MAX);
    run.progress(checked, Some(checked)).await?;
    Ok(Some(serde_json::to_value(report).map_err(anyhow::Error::from)?))
}
