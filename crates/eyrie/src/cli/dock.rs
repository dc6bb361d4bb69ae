use clap::Subcommand;
use eyrie_catalogue::{Dock, Workspace};

use serde_json::{Value, json};

use super::Opened;
use crate::dock::state::{GatewayKind, ONLINE_S};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Give a dock its account; the password is shown this once
    #[command(after_help = "\
Type what this prints into the dock (DJI Pilot 2 or DJI Assistant, Cloud Service, third-party cloud platform).
Example:
  eyrie dock add --workspace default --sn 7CTDM4100BG7HV --callsign \"Quarry north\"")]
    Add {
        /// Name or id
        #[arg(long)]
        workspace: String,
        /// Serial number of the dock
        #[arg(long)]
        sn: String,
        /// What people call it; docks show it, too
        #[arg(long, value_name = "TEXT")]
        callsign: Option<String>,
    },
    /// All docks
    List {
        /// Of this workspace only
        #[arg(long)]
        workspace: Option<String>,
    },
    /// One dock, with what it last said
    Show { sn: String },
    /// Call a dock something else; without a name it may say again itself what it is called
    Rename { sn: String, callsign: Option<String> },
    /// Give a dock a new password; its connection ends and the old password is worthless
    Rotate { sn: String },
    /// Disconnect a dock and keep it out; what it uploaded stays
    Disable { sn: String },
    /// Let a disabled dock in again
    Enable { sn: String },
}

impl Command {
    pub(super) async fn run(self, opened: &Opened) -> anyhow::Result<bool> {
        let admin = &opened.admin;
        match self {
            Self::Add { workspace, sn, callsign } => {
                let workspace = admin.workspace(&workspace).await?;
                opened.print(&admin.add_dock(&workspace, &sn, callsign.as_deref()).await?).await
            }
            Self::List { workspace } => list(opened, workspace.as_deref()).await,
            Self::Show { sn } => {
                let dock = admin.dock(&sn).await?;
                let workspace = admin.workspace(&dock.workspace_id.to_string()).await?;
                opened.print(&shown(opened, &dock, &workspace).await?).await
            }
            Self::Rename { sn, callsign } => {
                let dock = opened.admin.name_dock(&sn, callsign.as_deref()).await?;
                opened.print(&json!({"sn": dock.sn, "callsign": dock.callsign})).await
            }
            Self::Rotate { sn } => opened.print(&admin.rotate_dock(&sn).await?).await,
            Self::Disable { sn } => enable(opened, &sn, false).await,
            Self::Enable { sn } => enable(opened, &sn, true).await,
        }
    }
}

async fn enable(opened: &Opened, sn: &str, enabled: bool) -> anyhow::Result<bool> {
    let dock = opened.admin.set_dock_enabled(sn, enabled).await?;
    opened.print(&json!({"sn": dock.sn, "disabled": dock.disabled})).await
}

async fn list(opened: &Opened, workspace: Option<&str>) -> anyhow::Result<bool> {
    let mut items = Vec::new();
    for workspace in opened.workspaces(workspace).await? {
        for dock in opened.library.catalogue.docks(Some(workspace.id)).await? {
            items.push(json!({
                "sn": dock.sn,
                "workspace": workspace.name,
                "callsign": dock.callsign,
                "model_key": dock.live.model_key,
                "online": is_online(opened, &dock),
                "last_seen_at": dock.live.last_seen_at,
                "disabled": dock.disabled,
            }));
        }
    }
    opened.print_list(items).await
}

async fn shown(opened: &Opened, dock: &Dock, workspace: &Workspace) -> anyhow::Result<Value> {
    let prefixes = opened.library.catalogue.prefixes_of(&dock.sn).await?;
    let aircraft = dock.aircraft.iter().map(|aircraft| json!({"sn": aircraft.sn, "model_key": aircraft.model_key}));
    Ok(json!({
        "sn": dock.sn,
        "workspace_id": workspace.id,
        "workspace": workspace.name,
        "callsign": dock.callsign,
        "disabled": dock.disabled,
        "bound_at": dock.bound_at,
        "created_at": dock.created_at,
        "username": dock.sn,
        "mqtt_url": opened.admin.urls.mqtt,
        "organization_id": workspace.organization_id,
        "binding_code": workspace.binding_code,
        "model_key": dock.live.model_key,
        "firmware_version": dock.live.firmware_version,
        "online": is_online(opened, dock),
        "last_seen_at": dock.live.last_seen_at,
        "remain_upload": dock.live.remain_upload,
        "storage": {"total_kb": dock.live.storage_total_kb, "used_kb": dock.live.storage_used_kb},
        "aircraft": aircraft.collect::<Vec<_>>(),
        "credentials_issued_at": dock.live.credentials_issued_at,
        "object_key_prefix": prefixes.first().map_or_else(|| GatewayKind::Dock.prefix_for(&dock.sn), |prefix| prefix.prefix.clone()),
    }))
}

/// As the catalogue knows it, some seconds late.
fn is_online(opened: &Opened, dock: &Dock) -> bool {
    let now = opened.library.clock.now_s();
    dock.live.last_seen_at.is_some_and(|seen| now - seen.as_second() <= ONLINE_S)
}
