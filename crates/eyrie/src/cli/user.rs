use std::io::Read as _;

use anyhow::Context as _;
use clap::Subcommand;
use eyrie_catalogue::Role;
use serde_json::json;

use super::{Opened, RoleArg};
use crate::admin::PASSWORD_BYTES;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Give a person an account
    #[command(after_help = "\
Examples:
  eyrie user add --workspace default --role operator maria
  printf %s \"$PASSWORD\" | eyrie user add --role admin --password-stdin root2     an administrator of the whole server")]
    Add {
        /// Name or id; without it the account is an administrator of the whole server
        #[arg(long)]
        workspace: Option<String>,
        #[arg(long)]
        role: RoleArg,
        /// Read the password from standard input instead of making one
        #[arg(long)]
        password_stdin: bool,
        name: String,
    },
    /// All accounts
    List {
        /// Of this workspace only
        #[arg(long)]
        workspace: Option<String>,
    },
    /// Give an account another role, from its next request on
    Role { name: String, role: RoleArg },
    /// End an account's sessions and keep the person out
    Disable { name: String },
    /// Let a disabled account in again
    Enable { name: String },
    /// End an account and its sessions
    Remove { name: String },
    /// Give an account a new password
    Password {
        /// Read the password from standard input instead of making one
        #[arg(long)]
        password_stdin: bool,
        name: String,
    },
}

impl Command {
    pub(super) async fn run(self, opened: &Opened) -> anyhow::Result<bool> {
        let admin = &opened.admin;
        match self {
            Self::Add { workspace, role, password_stdin, name } => {
                let workspace = match workspace {
                    Some(workspace) => Some(admin.workspace(&workspace).await?),
                    None => None,
                };
                let chosen = chosen_password(password_stdin)?;
                let access = admin.add_user(&name, workspace.as_ref(), role.into(), chosen.as_deref()).await?;
                opened.print(&access).await
            }
            Self::List { workspace } => {
                let only = match workspace {
                    Some(workspace) => Some(admin.workspace(&workspace).await?.id),
                    None => None,
                };
                let workspaces = opened.library.catalogue.workspaces().await?;
                let users = opened.library.catalogue.users(only).await?;
                let items = users.iter().map(|user| {
                    let workspace = workspaces.iter().find(|workspace| Some(workspace.id) == user.workspace_id);
                    json!({
                        "id": user.id,
                        "name": user.name,
                        "workspace": workspace.map(|workspace| &workspace.name),
                        "role": user.role,
                        "disabled": user.disabled,
                        "created_at": user.created_at,
                    })
                });
                opened.print_list(items.collect()).await
            }
            Self::Role { name, role } => change(opened, &name, Some(role.into()), None).await,
            Self::Disable { name } => change(opened, &name, None, Some(true)).await,
            Self::Enable { name } => change(opened, &name, None, Some(false)).await,
            Self::Remove { name } => {
                admin.remove_user(&name).await?;
                opened.print(&json!({"name": name, "removed": true})).await
            }
            Self::Password { password_stdin, name } => {
                let chosen = chosen_password(password_stdin)?;
                opened.print(&admin.set_user_password(&name, chosen.as_deref()).await?).await
            }
        }
    }
}

async fn change(opened: &Opened, name: &str, role: Option<Role>, disabled: Option<bool>) -> anyhow::Result<bool> {
    let user = opened.admin.change_user(name, role, disabled).await?;
    opened.print(&json!({"name": user.name, "role": user.role, "disabled": user.disabled})).await
}

fn chosen_password(from_stdin: bool) -> anyhow::Result<Option<String>> {
    if !from_stdin {
        return Ok(None);
    }
    let mut text = String::new();
    let most = *PASSWORD_BYTES.end() as u64 + 2;
    std::io::stdin().take(most).read_to_string(&mut text).context("no password could be read from standard input")?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}
