use clap::Subcommand;
use eyrie_env::uuid_v7;
use serde_json::json;

use super::Opened;
use crate::jobs::empty_trash::{self, EmptyTrash};

#[derive(Subcommand)]
pub(super) enum Command {
    /// How much is in the trash, and what stays in it
    Show {
        /// Of this workspace only
        #[arg(long)]
        workspace: Option<String>,
    },
    /// Delete for good what is in the trash now; nobody can bring it back
    #[command(after_help = "\
A file that a legal hold, an open share link, a download or a job needs stays in the trash. The running server does the work,
or the next one that starts.")]
    Empty {
        /// Name or id
        #[arg(long)]
        workspace: String,
        /// Needed: there is no way back
        #[arg(long, required = true)]
        yes: bool,
    },
}

impl Command {
    pub(super) async fn run(self, opened: &Opened) -> anyhow::Result<bool> {
        let (catalogue, now) = (&opened.library.catalogue, opened.library.clock.now());
        match self {
            Self::Show { workspace } => {
                let mut items = Vec::new();
                for workspace in opened.workspaces(workspace.as_deref()).await? {
                    let (count, size_bytes) = catalogue.trash_use(workspace.id).await?;
                    let kept = catalogue.kept_in_trash(workspace.id, now).await?;
                    let kept: i64 = kept.iter().map(|(_, n)| n).sum();
                    items.push(
                        json!({"workspace": workspace.name, "count": count, "size_bytes": size_bytes, "kept": kept}),
                    );
                }
                opened.print_list(items).await
            }
            Self::Empty { workspace, yes: _ } => {
                let workspace = opened.admin.workspace(&workspace).await?;
                let id = uuid_v7(now, &*opened.library.random);
                let wanted = EmptyTrash { actor: opened.admin.actor.clone(), before: now, media_ids: None };
                let job = empty_trash::new_job(id, workspace.id, &wanted, opened.config.jobs.max_attempts);
                catalogue.add_jobs(&[job], now).await?;
                let detail = json!({"job_id": id});
                opened.admin.audit(Some(workspace.id), "trash.empty", &id.to_string(), detail).await?;
                opened.queued(id).await
            }
        }
    }
}
