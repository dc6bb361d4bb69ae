use clap::{Args, Subcommand};
use eyrie_catalogue::{Held, LegalHold, Workspace};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Opened;
use crate::admin::AdminError;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Keep files from being deleted, by anybody, until the hold is released
    #[command(after_help = "\
Examples:
  eyrie hold add --workspace default --name \"Incident of 3 May\" --flight-id 5b6f...
  eyrie hold add --workspace default --name \"Insurance\" --media-id ID --media-id ID
  eyrie hold add --workspace default --name \"Investigation\" --everything

A hold on a flight, a dock or everything is also on files that come later.")]
    Add {
        /// Name or id
        #[arg(long)]
        workspace: String,
        /// What it is for
        #[arg(long)]
        name: String,
        #[command(flatten)]
        on: On,
    },
    /// All holds, also those that were released
    List {
        /// Of this workspace only
        #[arg(long)]
        workspace: Option<String>,
    },
    /// End a hold; it stays in the list
    Release { id: Uuid },
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct On {
    #[arg(long, value_name = "ID")]
    flight_id: Option<String>,
    /// Of a dock or controller
    #[arg(long, value_name = "SN")]
    gateway_sn: Option<String>,
    /// A file; may be given several times
    #[arg(long = "media-id", value_name = "ID")]
    media_ids: Vec<Uuid>,
    /// Every file of the workspace
    #[arg(long)]
    everything: bool,
}

impl Command {
    pub(super) async fn run(self, opened: &Opened) -> anyhow::Result<bool> {
        match self {
            Self::Add { workspace, name, on } => {
                let workspace = opened.admin.workspace(&workspace).await?;
                let held = match (on.flight_id, on.gateway_sn, on.everything) {
                    (Some(id), _, _) => Held::Flight(id),
                    (_, Some(sn), _) => Held::Gateway(sn),
                    (_, _, true) => Held::Everything,
                    _ => Held::Selection,
                };
                let hold = opened.admin.place_hold(&workspace, &name, held, &on.media_ids).await?;
                opened.print(&shown(&hold, &workspace)).await
            }
            Self::List { workspace } => {
                let mut items = Vec::new();
                for workspace in opened.workspaces(workspace.as_deref()).await? {
                    let mut cursor = None;
                    loop {
                        let page = opened.library.catalogue.list_holds(workspace.id, cursor.as_deref(), 1_000).await?;
                        items.extend(page.items.iter().map(|hold| shown(hold, &workspace)));
                        cursor = page.next_cursor;
                        if cursor.is_none() {
                            break;
                        }
                    }
                }
                opened.print_list(items).await
            }
            Self::Release { id } => {
                for workspace in opened.workspaces(None).await? {
                    match opened.admin.release_hold(&workspace, id).await {
                        Err(AdminError::NotFound { .. }) => {}
                        done => return opened.print(&shown(&done?, &workspace)).await,
                    }
                }
                Err(AdminError::NotFound { what: "legal hold", id: id.to_string() }.into())
            }
        }
    }
}

fn shown(hold: &LegalHold, workspace: &Workspace) -> Value {
    let on = match &hold.held {
        Held::Everything => "everything".to_owned(),
        Held::Flight(id) => format!("flight {id}"),
        Held::Gateway(sn) => format!("dock {sn}"),
        Held::Selection => "chosen files".to_owned(),
    };
    json!({
        "id": hold.id,
        "workspace": workspace.name,
        "name": hold.name,
        "on": on,
        "created_by": hold.created_by,
        "created_at": hold.created_at,
        "released_by": hold.released_by,
        "released_at": hold.released_at,
    })
}
