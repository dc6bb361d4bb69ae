use clap::Subcommand;
use eyrie_catalogue::{Job, JobState};
use eyrie_env::uuid_v7;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Opened;
use crate::jobs::KINDS;

#[derive(Subcommand)]
pub(super) enum Command {
    /// The newest jobs
    List {
        #[arg(long, value_parser = parse_state)]
        state: Option<JobState>,
        #[arg(long)]
        kind: Option<String>,
        /// Of this workspace only
        #[arg(long)]
        workspace: Option<String>,
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Queue a job again, whatever became of it
    Retry { id: Uuid },
    /// Queue a kind of job for every stored file, for instance after an upgrade that understands more
    Rerun {
        #[arg(long)]
        kind: String,
        /// Of this workspace only
        #[arg(long)]
        workspace: Option<String>,
    },
}

fn parse_state(text: &str) -> Result<JobState, String> {
    let names = JobState::ALL.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(", ");
    text.parse().map_err(|()| format!("one of {names}"))
}

impl Command {
    pub(super) async fn run(self, opened: &Opened) -> anyhow::Result<bool> {
        let catalogue = &opened.library.catalogue;
        match self {
            Self::List { state, kind, workspace, limit } => {
                let workspace = match workspace {
                    Some(workspace) => Some(opened.admin.workspace(&workspace).await?.id),
                    None => None,
                };
                let page = catalogue.list_jobs(workspace, state, kind.as_deref(), None, limit).await?;
                opened.print_list(page.items.iter().map(shown).collect()).await
            }
            Self::Retry { id } => {
                catalogue.retry_job(id, opened.library.clock.now()).await?;
                opened.admin.audit(None, "job.retry", &id.to_string(), Value::Null).await?;
                opened.print(&json!({"id": id, "state": JobState::Queued})).await
            }
            Self::Rerun { kind, workspace } => {
                anyhow::ensure!(
                    KINDS.contains(&kind.as_str()),
                    "there is no job {kind:?}; there are {}",
                    KINDS.join(", ")
                );
                let workspace = match workspace {
                    Some(workspace) => Some(opened.admin.workspace(&workspace).await?.id),
                    None => None,
                };
                let (clock, random) = (&opened.library.clock, &opened.library.random);
                let new_id = || uuid_v7(clock.now(), &**random);
                let queued = catalogue.rerun_jobs(&kind, workspace, &new_id, clock.now()).await?;
                opened.admin.audit(workspace, "job.rerun", &kind, json!({"queued": queued})).await?;
                opened.print(&json!({"kind": kind, "queued": queued})).await
            }
        }
    }
}

fn shown(job: &Job) -> Value {
    json!({
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "media_id": job.media_id,
        "flight_id": job.flight_id,
        "progress": {"done": job.progress_done, "total": job.progress_total},
        "attempts": job.attempts,
        "error": job.error,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
    })
}
