use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::Opened;
use crate::admin::AdminError;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a key for all of a workspace's bucket and nothing else
    #[command(after_help = "\
Example:
  eyrie s3-key create --workspace default --access read
  AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... aws --endpoint-url http://127.0.0.1:9000 s3 ls s3://default/")]
    Create {
        /// Name or id
        #[arg(long)]
        workspace: String,
        #[arg(long)]
        access: Access,
    },
    /// All keys, without their secrets
    List {
        /// Of this workspace only
        #[arg(long)]
        workspace: Option<String>,
    },
    /// End a key at once
    Revoke { access_key_id: String },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Access {
    Read,
    Write,
}

impl Command {
    pub(super) async fn run(self, opened: &Opened) -> anyhow::Result<bool> {
        match self {
            Self::Create { workspace, access } => {
                let workspace = opened.admin.workspace(&workspace).await?;
                opened.print(&opened.admin.create_s3_key(&workspace, access == Access::Write).await?).await
            }
            Self::List { workspace } => {
                let mut items = Vec::new();
                for workspace in opened.workspaces(workspace.as_deref()).await? {
                    for key in opened.library.catalogue.s3_keys(workspace.id).await? {
                        items.push(json!({
                            "access_key_id": key.access_key_id,
                            "workspace": workspace.name,
                            "bucket": key.bucket,
                            "access": if key.write { "write" } else { "read" },
                            "created_at": key.created_at,
                            "last_used_at": key.last_used_at,
                            "revoked_at": key.revoked_at,
                        }));
                    }
                }
                opened.print_list(items).await
            }
            Self::Revoke { access_key_id } => {
                for workspace in opened.workspaces(None).await? {
                    match opened.admin.revoke_s3_key(workspace.id, &access_key_id).await {
                        Err(AdminError::NotFound { .. }) => {}
                        done => {
                            done?;
                            return opened.print(&json!({"access_key_id": access_key_id, "revoked": true})).await;
                        }
                    }
                }
                Err(AdminError::NotFound { what: "S3 key", id: access_key_id }.into())
            }
        }
    }
}
