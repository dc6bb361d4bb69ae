use clap::Args;
use eyrie_catalogue::AuditFilter;
use jiff::Timestamp;
use serde_json::json;

use super::Opened;

/// Who did what: the newest entries of the audit log
#[derive(Args)]
pub(super) struct Audit {
    /// Of this workspace only
    #[arg(long)]
    workspace: Option<String>,
    /// Only what this one did: user:NAME, token:ID, rule:NAME, "command line", dock:SN, server
    #[arg(long)]
    actor: Option<String>,
    /// Only this: media.delete, or media for all that was done to files
    #[arg(long)]
    action: Option<String>,
    /// Only from this time on, RFC 3339: 2026-11-01T00:00:00Z
    #[arg(long)]
    from: Option<Timestamp>,
    /// Only before this time
    #[arg(long)]
    to: Option<Timestamp>,
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

impl Audit {
    pub(super) async fn run(self, opened: &Opened) -> anyhow::Result<bool> {
        let workspace = match &self.workspace {
            Some(workspace) => Some(opened.admin.workspace(workspace).await?.id),
            None => None,
        };
        let filter = AuditFilter { actor: self.actor, action: self.action, from: self.from, to: self.to };
        let page = opened.library.catalogue.list_audit(workspace, &filter, None, self.limit).await?;
        let items = page.items.iter().map(|entry| {
            json!({
                "at": entry.at,
                "actor": entry.actor,
                "action": entry.action,
                "subject": entry.subject,
                "workspace_id": entry.workspace_id,
                "detail": entry.detail,
            })
        });
        opened.print_list(items.collect()).await
    }
}
