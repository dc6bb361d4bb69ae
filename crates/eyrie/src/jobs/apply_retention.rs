//! What goes by itself: files that a retention rule is about go into the trash, files that were there for the trash's period
//! are deleted for good.

use eyrie_catalogue::{AuditEntry, Media, NewJob, RetentionRule};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::empty_trash::{Sum, walk};
use super::{Failure, Run};
use crate::app::App;
use crate::events::Change;
use crate::purge::{self, Order};

pub const KIND: &str = "apply-retention";

/// Files that a rule looks at in one go.
const AT_ONCE: u32 = 200;

/// `workspace_id` `None`: in every workspace.
pub fn new_job(id: Uuid, workspace_id: Option<Uuid>, now: Timestamp, max_attempts: u32) -> NewJob {
    NewJob {
        id,
        workspace_id,
        kind: KIND.into(),
        media_id: None,
        flight_id: None,
        payload: json!({}),
        run_after: now,
        max_attempts,
    }
}

/// Nothing in the trash is old enough before this; `None`: never.
pub fn over_before(app: &App, now: Timestamp) -> Option<Timestamp> {
    let period = app.config.library.trash_period;
    let period = SignedDuration::try_from(period).ok().filter(|period| period.is_positive())?;
    now.checked_sub(period).ok()
}

pub(super) async fn run(run: &Run) -> Result<Option<Value>, Failure> {
    let app = &run.app;
    purge::remove_objects(app).await?;
    let (mut trashed, workspace_id) = (0, run.job.workspace_id);
    for rule in app.catalogue.retention_rules(workspace_id).await?.iter().filter(|rule| rule.enabled) {
        trashed += apply(run, rule).await?;
    }
    let mut sum = Sum::default();
    if let Some(before) = over_before(app, app.now()) {
        let order = Order { before, actor: "server", why: "the trash's period is over" };
        walk(run, workspace_id, &order, &mut sum).await?;
    }
    let mut told = sum.tell();
    told["trashed"] = json!(trashed);
    Ok(Some(told))
}

/// How many files went into the trash.
async fn apply(run: &Run, rule: &RetentionRule) -> Result<u64, Failure> {
    let (app, mut after, mut count) = (&run.app, None, 0);
    let entry = |media: &Media| AuditEntry {
        id: app.new_id(),
        workspace_id: Some(rule.workspace_id),
        at: app.now(),
        actor: format!("rule:{}", rule.name),
        action: "media.trash".into(),
        subject: media.id.to_string(),
        detail: json!({ "name": media.name, "object_key": media.object_key, "rule_id": rule.id, "stored_at": media.created_at }),
    };
    loop {
        // changed or deleted meanwhile: the rule as it is now, or none
        let known = app.catalogue.retention_rule(rule.workspace_id, rule.id).await?;
        if known.as_ref() != Some(rule) {
            return Ok(count);
        }
        let (moved, next) = app.catalogue.apply_retention_rule(rule, after, AT_ONCE, app.now(), entry).await?;
        count += moved.len() as u64;
        for media in moved {
            super::ppk_set::after_change(app, &media).await?;
            if app.events.listeners() > 0 {
                app.events.send(media.workspace_id, Change::MediaUpdated(Box::new(media)));
            }
        }
        run.progress(count as i64, None).await?;
        if next.is_none() {
            return Ok(count);
        }
        after = next;
    }
}
