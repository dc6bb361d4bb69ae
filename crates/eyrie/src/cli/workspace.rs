use clap::Subcommand;
use serde_json::json;

use super::Opened;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a workspace and its bucket
    Add {
        /// Up to 64 characters without slashes
        name: String,
    },
    /// All workspaces, with what an operator types in on a dock's screen
    List,
}

impl Command {
    pub(super) async fn run(self, opened: &Opened) -> anyhow::Result<bool> {
        match self {
            Self::Add { name } => {
                let workspace = opened.admin.add_workspace(&name).await?;
                opened.print(&json!({"id": workspace.id, "name": workspace.name})).await
            }
            Self::List => {
                let workspaces = opened.library.catalogue.workspaces().await?;
                let items = workspaces.iter().map(|workspace| {
                    json!({
                        "id": workspace.id,
                        "name": workspace.name,
                        "bucket": workspace.bucket,
                        "organization_id": workspace.organization_id,
                        "binding_code": workspace.binding_code,
                        "created_at": workspace.created_at,
                    })
                });
                opened.print_list(items.collect()).await
            }
        }
    }
}
