use super::Opened;
use crate::reconcile::{self, Sides};

pub(super) async fn run(opened: &Opened) -> anyhow::Result<bool> {
    let library = &opened.library;
    let sides = Sides {
        catalogue: &library.catalogue,
        store: &library.store,
        clock: &*library.clock,
        random: &*library.random,
        max_attempts: opened.config.jobs.max_attempts,
        events: None,
    };
    let report = reconcile::run(&sides, |_| {}).await?;
    opened.admin.audit(None, "reconcile", "library", serde_json::to_value(report)?).await?;
    opened.print(&report).await
}
