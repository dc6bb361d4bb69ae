use clap::Subcommand;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{Opened, RoleArg};
use crate::admin::AdminError;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a token; it is shown this once
    #[command(after_help = "\
Example:
  TOKEN=$(eyrie token create --workspace default --role viewer --json | jq -r .token)
  curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:8080/api/v1/workspaces")]
    Create {
        /// Name or id
        #[arg(long)]
        workspace: String,
        #[arg(long)]
        role: RoleArg,
        /// What it is for
        #[arg(long)]
        name: Option<String>,
        /// When it ends, RFC 3339, as 2030-01-01T00:00:00Z; never when left out
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
    },
    /// All tokens, without what they are
    List {
        /// Of this workspace only
        #[arg(long)]
        workspace: Option<String>,
    },
    /// End a token at once
    Revoke { id: Uuid },
}

impl Command {
    pub(super) async fn run(self, opened: &Opened) -> anyhow::Result<bool> {
        match self {
            Self::Create { workspace, role, name, expires_at } => {
                let workspace = opened.admin.workspace(&workspace).await?;
                let access = opened.admin.create_token(&workspace, role.into(), name.as_deref(), expires_at).await?;
                opened.print(&access).await
            }
            Self::List { workspace } => {
                let mut items = Vec::new();
                for workspace in opened.workspaces(workspace.as_deref()).await? {
                    for token in opened.library.catalogue.tokens(workspace.id).await? {
                        items.push(json!({
                            "id": token.id,
                            "workspace": workspace.name,
                            "role": token.role,
                            "name": token.name,
                            "created_at": token.created_at,
                            "expires_at": token.expires_at,
                            "last_used_at": token.last_used_at,
                            "revoked_at": token.revoked_at,
                        }));
                    }
                }
                opened.print_list(items).await
            }
            Self::Revoke { id } => {
                for workspace in opened.workspaces(None).await? {
                    match opened.admin.revoke_token(workspace.id, id).await {
                        Err(AdminError::NotFound { .. }) => {}
                        done => {
                            done?;
                            return opened.print(&json!({"id": id, "revoked": true})).await;
                        }
                    }
                }
                Err(AdminError::NotFound { what: "token", id: id.to_string() }.into())
            }
        }
    }
}
