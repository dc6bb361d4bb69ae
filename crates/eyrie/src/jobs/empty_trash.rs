//! Deletes what a person wants gone for good: files that were in the trash when it was asked for.

use eyrie_catalogue::{Kept, NewJob};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Failure, Run};
use crate::app::App;
use crate::purge::{self, Order};

pub const KIND: &str = "empty-trash";

/// Files of one commit.
const AT_ONCE: u32 = 50;

/// What such a job is asked to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EmptyTrash {
    /// Who asked.
    pub actor: String,
    /// Files that are put into the trash later stay there.
    pub before: Timestamp,
    /// `None`: all of the workspace's trash.
    pub media_ids: Option<Vec<Uuid>>,
}

pub fn new_job(id: Uuid, workspace_id: Uuid, wanted: &EmptyTrash, max_attempts: u32) -> NewJob {
    NewJob {
        id,
        workspace_id: Some(workspace_id),
        kind: KIND.into(),
        media_id: None,
        flight_id: None,
        payload: json!(wanted),
        run_after: wanted.before,
        max_attempts,
    }
}

/// What was deleted, and what stays by why.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) deleted: u64,
    pub(super) size_bytes: i64,
    kept: Vec<(Kept, u64)>,
}

impl Sum {
    pub(super) fn add(&mut self, outcome: &eyrie_catalogue::PurgeOutcome) {
        self.deleted += outcome.purged.len() as u64;
        self.size_bytes += outcome.purged.iter().filter_map(|media| media.size_bytes).sum::<i64>();
        for (_, why) in &outcome.kept {
            match self.kept.iter_mut().find(|(known, _)| known == why) {
                Some((_, n)) => *n += 1,
                None => self.kept.push((*why, 1)),
            }
        }
    }

    pub(super) fn tell(&self) -> Value {
        let kept: serde_json::Map<_, _> =
            self.kept.iter().map(|(why, n)| (why.as_str().to_owned(), json!(n))).collect();
        json!({ "deleted": self.deleted, "size_bytes": self.size_bytes, "kept": kept })
    }
}

pub(super) async fn run(run: &Run) -> Result<Option<Value>, Failure> {
    let app = &run.app;
    let wanted: EmptyTrash =
        serde_json::from_value(run.job.payload.clone()).map_err(|error| Failure::Final(error.into()))?;
    let workspace_id = run.job.workspace_id.ok_or_else(|| Failure::Final(anyhow::anyhow!("no workspace is named")))?;
    purge::remove_objects(app).await?;
    let order = Order { before: wanted.before, actor: &wanted.actor, why: "the trash was emptied" };
    let mut sum = Sum::default();
    match &wanted.media_ids {
        None => walk(run, Some(workspace_id), &order, &mut sum).await?,
        Some(ids) => {
            let total = ids.len() as i64;
            for (n, ids) in ids.chunks(AT_ONCE as usize).enumerate() {
                let mut files = app.catalogue.media_by_ids(workspace_id, ids).await?;
                files.retain(|media| media.trashed_at.is_some_and(|at| at <= order.before));
                sum.add(&purge::purge(app, &files, &order).await?);
                run.progress(((n as i64 + 1) * i64::from(AT_ONCE)).min(total), Some(total)).await?;
                run.tell();
            }
        }
    }
    Ok(Some(sum.tell()))
}

/// Everything that was in the trash by then, the longest there first.
pub(super) async fn walk(
    run: &Run,
    workspace_id: Option<Uuid>,
    order: &Order<'_>,
    sum: &mut Sum,
) -> Result<(), Failure> {
    let (app, mut after, mut done) = (&run.app, None, 0);
    loop {
        let files = app.catalogue.trashed_media(workspace_id, order.before, after, AT_ONCE).await?;
        let Some(last) = files.last() else { return Ok(()) };
        after = Some((last.trashed_at.unwrap_or(order.before), last.id));
        sum.add(&purge::purge(app, &files, order).await?);
        done += files.len() as i64;
        run.progress(done, None).await?;
        run.tell();
    }
}

/// Queues the deletion of these files, or of all in the trash.
///
/// # Errors
/// The catalogue's.
pub async fn queue(
    app: &App,
    workspace_id: Uuid,
    actor: &str,
    media_ids: Option<Vec<Uuid>>,
) -> eyrie_catalogue::Result<Uuid> {
    let (id, now) = (app.new_id(), app.now());
    let wanted = EmptyTrash { actor: actor.to_owned(), before: now, media_ids };
    app.catalogue.add_jobs(&[new_job(id, workspace_id, &wanted, app.config.jobs.max_attempts)], now).await?;
    app.wake.wake();
    Ok(id)
}
