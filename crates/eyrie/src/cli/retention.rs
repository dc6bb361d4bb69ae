use clap::Subcommand;
use eyrie_catalogue::{MediaKind, Reach, RetentionRule, Workspace};
use eyrie_env::uuid_v7;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Opened;
use crate::admin::{AdminError, WantedRule};
use crate::jobs::apply_retention;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a rule: files that came longer ago go into the trash, and from there for good
    #[command(after_help = "\
Examples:
  eyrie retention preview --workspace default --older-than 90 --kind video     what would go, and what stays and why
  eyrie retention add --workspace default --name \"Videos, 90 days\" --older-than 90 --kind video

A file that a legal hold, an open share link, a download or a job needs stays. The running server applies rules every hour.")]
    Add {
        /// Name or id
        #[arg(long)]
        workspace: String,
        #[arg(long)]
        name: String,
        #[command(flatten)]
        reach: ReachArgs,
    },
    /// A dry run: what such a rule would do now
    Preview {
        /// Name or id
        #[arg(long)]
        workspace: String,
        #[command(flatten)]
        reach: ReachArgs,
    },
    /// All rules
    List {
        /// Of this workspace only
        #[arg(long)]
        workspace: Option<String>,
    },
    /// Delete a rule; what it moved into the trash stays there until the trash's period is over
    Remove { id: Uuid },
    /// Apply the rules now instead of within the hour
    Apply {
        /// Of this workspace only
        #[arg(long)]
        workspace: Option<String>,
    },
}

#[derive(clap::Args)]
pub(super) struct ReachArgs {
    /// Days since the file came into the library
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    older_than: u32,
    /// Of this dock or controller only
    #[arg(long, value_name = "SN")]
    gateway_sn: Option<String>,
    /// Only these: photo, video, panorama, thermal, subtitle, ppk, rtcm, other
    #[arg(long = "kind", value_delimiter = ',', value_parser = parse_kind)]
    kinds: Vec<MediaKind>,
}

fn parse_kind(text: &str) -> Result<MediaKind, String> {
    let names = MediaKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    text.parse().map_err(|()| format!("one of {names}"))
}

impl From<ReachArgs> for Reach {
    fn from(args: ReachArgs) -> Self {
        Self { gateway_sn: args.gateway_sn, kinds: args.kinds, older_than_days: args.older_than }
    }
}

impl Command {
    pub(super) async fn run(self, opened: &Opened) -> anyhow::Result<bool> {
        let catalogue = &opened.library.catalogue;
        match self {
            Self::Add { workspace, name, reach } => {
                let workspace = opened.admin.workspace(&workspace).await?;
                let wanted = WantedRule { name, reach: reach.into(), enabled: true };
                let rule = opened.admin.add_retention_rule(&workspace, &wanted).await?;
                opened.print(&shown(&rule, &workspace)).await
            }
            Self::Preview { workspace, reach } => {
                let workspace = opened.admin.workspace(&workspace).await?;
                let now = opened.library.clock.now();
                let found = catalogue.preview_retention(workspace.id, &reach.into(), now, 0).await?;
                let counts = |counts: Vec<(&str, i64)>| {
                    counts.into_iter().map(|(name, n)| (name.to_owned(), json!(n))).collect::<serde_json::Map<_, _>>()
                };
                opened
                    .print(&json!({
                        "count": found.count,
                        "size_bytes": found.size_bytes,
                        "oldest": found.oldest,
                        "newest": found.newest,
                        "kinds": counts(found.kinds.iter().map(|(kind, n)| (kind.as_str(), *n)).collect()),
                        "kept": counts(found.kept.iter().map(|(why, n)| (why.as_str(), *n)).collect()),
                    }))
                    .await
            }
            Self::List { workspace } => {
                let mut items = Vec::new();
                for workspace in opened.workspaces(workspace.as_deref()).await? {
                    let rules = catalogue.retention_rules(Some(workspace.id)).await?;
                    items.extend(rules.iter().map(|rule| shown(rule, &workspace)));
                }
                opened.print_list(items).await
            }
            Self::Remove { id } => {
                for workspace in opened.workspaces(None).await? {
                    match opened.admin.remove_retention_rule(&workspace, id).await {
                        Err(AdminError::NotFound { .. }) => {}
                        done => {
                            done?;
                            return opened.print(&json!({"id": id, "removed": true})).await;
                        }
                    }
                }
                Err(AdminError::NotFound { what: "retention rule", id: id.to_string() }.into())
            }
            Self::Apply { workspace } => {
                let workspace = match workspace {
                    Some(name) => Some(opened.admin.workspace(&name).await?.id),
                    None => None,
                };
                let now = opened.library.clock.now();
                let id = uuid_v7(now, &*opened.library.random);
                let job = apply_retention::new_job(id, workspace, now, opened.config.jobs.max_attempts);
                catalogue.add_jobs(&[job], now).await?;
                opened.admin.audit(workspace, "retention.apply", &id.to_string(), json!({"job_id": id})).await?;
                opened.queued(id).await
            }
        }
    }
}

fn shown(rule: &RetentionRule, workspace: &Workspace) -> Value {
    json!({
        "id": rule.id,
        "workspace": workspace.name,
        "name": rule.name,
        "gateway_sn": rule.reach.gateway_sn,
        "kinds": rule.reach.kinds,
        "older_than_days": rule.reach.older_than_days,
        "enabled": rule.enabled,
        "created_by": rule.created_by,
        "created_at": rule.created_at,
    })
}
