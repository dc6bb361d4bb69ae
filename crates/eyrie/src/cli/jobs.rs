use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;
use eyrie_catalogue::{Job, JobState, MediaSelection, NewJob};
use eyrie_env::uuid_v7;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Opened;
use crate::jobs::rerun::{self, Rerun};
use crate::jobs::{OF_A_FILE, extract_metadata};

/// Between two looks at a job that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(250);

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
    /// Do a kind of job again for stored files, for instance after an upgrade that understands more
    #[command(after_help = "\
Examples:
  eyrie jobs rerun --kind extract-metadata                              every stored file
  eyrie jobs rerun --kind extract-metadata --where reader_version=old   what an older version read
  eyrie jobs rerun --kind extract-metadata --where kind=video --where processing=failed

The running server does the work, or the next one that starts; it goes on where it was after a restart.")]
    Rerun {
        #[arg(long)]
        kind: String,
        /// Of this workspace only
        #[arg(long)]
        workspace: Option<String>,
        /// Only files with: kind=KIND, gateway_sn=SN, flight_id=ID, processing=done|failed|pending, reader_version=old|<N;
        /// several are joined by "and"
        #[arg(long = "where", value_name = "NAME=VALUE")]
        conditions: Vec<String>,
        /// Show the progress until it is over
        #[arg(long)]
        wait: bool,
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
            Self::Rerun { kind, workspace, conditions, wait } => {
                anyhow::ensure!(
                    OF_A_FILE.contains(&kind.as_str()),
                    "there is no job {kind:?} of a file; there are {}",
                    OF_A_FILE.join(", ")
                );
                let mut selection = MediaSelection::default();
                for condition in &conditions {
                    narrow(&mut selection, condition)?;
                }
                if let Some(workspace) = workspace {
                    selection.workspace_id = Some(opened.admin.workspace(&workspace).await?.id);
                }
                let (clock, random) = (&opened.library.clock, &opened.library.random);
                let (id, now) = (uuid_v7(clock.now(), &**random), clock.now());
                let queued = catalogue.count_selected(&selection).await?;
                let workspace_id = selection.workspace_id;
                let rerun = Rerun { kind: kind.clone(), selection, after: 0, queued: 0 };
                let job = NewJob {
                    id,
                    workspace_id,
                    kind: rerun::KIND.into(),
                    media_id: None,
                    flight_id: None,
                    payload: serde_json::to_value(&rerun)?,
                    run_after: now,
                    max_attempts: opened.config.jobs.max_attempts,
                };
                catalogue.add_jobs(&[job], now).await?;
                opened.admin.audit(workspace_id, "job.rerun", &kind, json!({"queued": queued, "job_id": id})).await?;
                let sound = !wait || watch(opened, id).await?;
                opened.print(&json!({"kind": kind, "queued": queued, "job_id": id})).await?;
                Ok(sound)
            }
        }
    }
}

/// One `NAME=VALUE` (or `reader_version<N`) more.
fn narrow(selection: &mut MediaSelection, condition: &str) -> anyhow::Result<()> {
    if let Some(version) = condition.strip_prefix("reader_version<") {
        selection.reader_version_below = Some(version.parse().context("reader_version<N: N is a number")?);
        return Ok(());
    }
    let (name, value) = condition.split_once('=').with_context(|| format!("{condition:?} is not NAME=VALUE"))?;
    let wrong = || anyhow::anyhow!("{name}={value}: there is no such {name}");
    match name {
        "kind" => selection.kind = Some(value.parse().map_err(|()| wrong())?),
        "gateway_sn" => selection.gateway_sn = Some(value.into()),
        "flight_id" => selection.flight_id = Some(value.into()),
        "processing" => selection.processing = Some(value.parse().map_err(|()| wrong())?),
        "reader_version" if value == "old" => {
            selection.reader_version_below = Some(i64::from(extract_metadata::READER_VERSION));
        }
        _ => anyhow::bail!(
            "{condition:?}: known are kind=, gateway_sn=, flight_id=, processing=, reader_version=old and reader_version<N"
        ),
    }
    Ok(())
}

/// Shows how far the job is until it is over. False when it failed.
async fn watch(opened: &Opened, id: Uuid) -> anyhow::Result<bool> {
    if opened.library.dir.run_file().is_none() {
        eprintln!("no server runs on this library: the job waits for the next start");
        return Ok(true);
    }
    loop {
        let job = opened.library.catalogue.job(id).await?.context("the job is gone")?;
        eprint!("\r{} of {} files", job.progress_done, job.progress_total.unwrap_or(0));
        match job.state {
            JobState::Done => {
                eprintln!("\rdone{:40}", "");
                return Ok(true);
            }
            JobState::Dead => {
                eprintln!();
                eprintln!("the job failed: {}", job.error.unwrap_or_default());
                return Ok(false);
            }
            JobState::Queued | JobState::Running | JobState::Failed => tokio::time::sleep(LOOK_EVERY).await,
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
