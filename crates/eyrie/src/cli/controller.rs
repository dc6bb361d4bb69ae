use clap::Subcommand;
use eyrie_catalogue::Controller;
use serde_json::{Value, json};

use super::Opened;
use crate::dock::state::{GatewayKind, ONLINE_S};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Give a Pilot 2 controller its account; password and token are shown this once
    #[command(after_help = "\
Not needed for controllers that log in at the server's page /pilot: that makes the account.
Example:
  eyrie controller add --workspace default --sn 5YSZL7V0021AB3")]
    Add {
        /// Name or id
        #[arg(long)]
        workspace: String,
        /// Serial number of the remote controller
        #[arg(long)]
        sn: String,
    },
    /// All controllers
    List {
        /// Of this workspace only
        #[arg(long)]
        workspace: Option<String>,
    },
    /// One controller, with what it last said
    Show { sn: String },
    /// Give a controller a new password and token; its logins and connections end
    Rotate { sn: String },
    /// Log a controller out and keep it out; what it uploaded stays
    Disable { sn: String },
    /// Let a disabled controller log in again
    Enable { sn: String },
}

impl Command {
    pub(super) async fn run(self, opened: &Opened) -> anyhow::Result<bool> {
        let admin = &opened.admin;
        match self {
            Self::Add { workspace, sn } => {
                let workspace = admin.workspace(&workspace).await?;
                opened.print(&admin.add_controller(&workspace, &sn).await?).await
            }
            Self::List { workspace } => list(opened, workspace.as_deref()).await,
            Self::Show { sn } => {
                let controller = admin.controller(&sn).await?;
                let workspace = admin.workspace(&controller.workspace_id.to_string()).await?;
                opened.print(&shown(opened, &controller, &workspace.name).await?).await
            }
            Self::Rotate { sn } => opened.print(&admin.rotate_controller(&sn).await?).await,
            Self::Disable { sn } => enable(opened, &sn, false).await,
            Self::Enable { sn } => enable(opened, &sn, true).await,
        }
    }
}

async fn enable(opened: &Opened, sn: &str, enabled: bool) -> anyhow::Result<bool> {
    let controller = opened.admin.set_controller_enabled(sn, enabled).await?;
    opened.print(&json!({"sn": controller.sn, "disabled": controller.disabled})).await
}

async fn list(opened: &Opened, workspace: Option<&str>) -> anyhow::Result<bool> {
    let mut items = Vec::new();
    for workspace in opened.workspaces(workspace).await? {
        for controller in opened.library.catalogue.controllers(Some(workspace.id)).await? {
            items.push(json!({
                "sn": controller.sn,
                "workspace": workspace.name,
                "model_key": controller.live.model_key,
                "online": is_online(opened, &controller),
                "last_seen_at": controller.live.last_seen_at,
                "disabled": controller.disabled,
            }));
        }
    }
    opened.print_list(items).await
}

async fn shown(opened: &Opened, controller: &Controller, workspace: &str) -> anyhow::Result<Value> {
    let prefixes = opened.library.catalogue.prefixes_of(&controller.sn).await?;
    let own = || GatewayKind::Controller.prefix_for(&controller.sn);
    let aircraft = controller.aircraft.iter();
    let aircraft = aircraft.map(|aircraft| json!({"sn": aircraft.sn, "model_key": aircraft.model_key}));
    Ok(json!({
        "sn": controller.sn,
        "workspace_id": controller.workspace_id,
        "workspace": workspace,
        "disabled": controller.disabled,
        "created_at": controller.created_at,
        "username": controller.sn,
        "mqtt_url": opened.admin.urls.mqtt,
        "model_key": controller.live.model_key,
        "firmware_version": controller.live.firmware_version,
        "online": is_online(opened, controller),
        "last_seen_at": controller.live.last_seen_at,
        "aircraft": aircraft.collect::<Vec<_>>(),
        "credentials_issued_at": controller.live.credentials_issued_at,
        "object_key_prefix": prefixes.first().map_or_else(own, |prefix| prefix.prefix.clone()),
    }))
}

/// As the catalogue knows it, some seconds late.
fn is_online(opened: &Opened, controller: &Controller) -> bool {
    let now = opened.library.clock.now_s();
    controller.live.last_seen_at.is_some_and(|seen| now - seen.as_second() <= ONLINE_S)
}
