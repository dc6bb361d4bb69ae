use clap::Args;

use super::Session;
use crate::doctor;

/// Walk a dock's path against the running server, step by step, and say which step fails and what to do
#[derive(Args)]
#[command(after_help = "\
It connects, asks for credentials, uploads, reports and cleans up as a dock of its own, `EYRIEDOCTOR`, in the workspace
`default`. With --sn it also tells in words what that dock last asked and what it was answered.")]
pub(super) struct Doctor {
    /// Explain the last conversations of this dock
    #[arg(long)]
    sn: Option<String>,
}

impl Doctor {
    pub(super) async fn run(self, session: &Session) -> anyhow::Result<bool> {
        let config = session.load().readable()?;
        crate::log::init(&crate::config::LogConfig { json: false, filter: "error".into() })?;
        let report = doctor::examine(&config, self.sn.as_deref()).await;
        if session.output.json {
            session.output.print(&serde_json::to_value(&report)?)?;
        } else {
            session.output.line(&report.to_string())?;
        }
        Ok(report.ok)
    }
}
