use clap::Subcommand;

use super::Opened;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Give a Pilot 2 controller its account; password and token are shown this once
    Add {
        /// Name or id
        #[arg(long)]
        workspace: String,
        /// Serial number of the remote controller
        #[arg(long)]
        sn: String,
    },
}

impl Command {
    pub(super) async fn run(self, opened: &Opened) -> anyhow::Result<bool> {
        let Self::Add { workspace, sn } = self;
        let workspace = opened.admin.workspace(&workspace).await?;
        opened.print(&opened.admin.add_controller(&workspace, &sn).await?).await
    }
}
