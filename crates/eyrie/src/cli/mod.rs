//! The command line: one file a noun. Names, flags and outputs are a promise (`docs/operate.md`).
//!
//! Every command but `serve` opens the library directly, whether a server runs on it or not: a running server sees the
//! change at once. With `--json` a command prints one JSON object on stdout and nothing else. Exit status: 0 done,
//! 1 failed (the reason is on stderr), 2 wrong usage.

mod audit;
mod check_config;
mod controller;
mod dock;
mod doctor;
mod hold;
mod jobs;
mod media;
mod output;
mod reconcile;
mod retention;
mod s3_key;
mod serve;
mod token;
mod trash;
mod user;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use eyrie_catalogue::{Role, Workspace};
use serde_json::Value;

use crate::admin::Admin;
use crate::config::{self, Config, Loaded, Sources, public_urls};
use crate::data::{DataDir, Library};
use output::Output;

/// Self-hosted media library and upload backend for DJI Docks and DJI Pilot 2.
#[derive(Parser)]
#[command(
    name = "eyrie",
    version,
    max_term_width = 110,
    after_help = "\
Examples:
  eyrie serve                                              start on this machine, data in ./eyrie-data
  eyrie serve --http 0.0.0.0:8080 --mqtt 0.0.0.0:1883 --s3 0.0.0.0:9000 --public-host 10.0.0.5
  eyrie dock add --workspace default --sn 7CTDM4100BG7HV   account of a dock; shows its password once
  eyrie doctor                                             walk a dock's path against the running server
  eyrie media inspect DJI_0001.JPG                         what a photo, video, PPK or RTCM file tells

Every flag of `serve` is also a variable: --public-host is EYRIE_PUBLIC_HOST. `eyrie check-config` shows every setting."
)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Common {
    /// Data directory (default: ./eyrie-data; EYRIE_DATA)
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Configuration file, TOML (EYRIE_CONFIG)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object and nothing else
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<serve::Serve>),
    /// Workspaces: who sees what
    #[command(subcommand)]
    Workspace(workspace::Command),
    /// Docks and their accounts
    #[command(subcommand)]
    Dock(dock::Command),
    /// Pilot 2 controllers and their accounts
    #[command(subcommand)]
    Controller(controller::Command),
    /// Bearer tokens for the HTTP interface
    #[command(subcommand)]
    Token(token::Command),
    /// S3 keys for a workspace's bucket, for rclone, aws, s3cmd
    #[command(subcommand, name = "s3-key")]
    S3Key(s3_key::Command),
    /// People who log in to the page
    #[command(subcommand)]
    User(user::Command),
    Doctor(doctor::Doctor),
    /// Compare store and catalogue: adopt objects whose report never came, mark rows whose object is gone
    Reconcile,
    /// Media files, without a server
    #[command(subcommand)]
    Media(media::Command),
    /// Follow-up work
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// Show every setting, its value and where it came from; fails when one is wrong
    CheckConfig,
    /// What goes into the trash by itself, by age, dock and kind
    #[command(subcommand)]
    Retention(retention::Command),
    /// Files that may not be deleted
    #[command(subcommand)]
    Hold(hold::Command),
    /// What was deleted and can still be taken back
    #[command(subcommand)]
    Trash(trash::Command),
    Audit(audit::Audit),
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleArg {
    Viewer,
    Operator,
    Admin,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Viewer => Self::Viewer,
            RoleArg::Operator => Self::Operator,
            RoleArg::Admin => Self::Admin,
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    run(std::env::args_os(), Sources::from_process())
}

/// Runs a command line with this environment.
pub fn run(args: impl IntoIterator<Item = OsString>, sources: Sources) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(usage) => {
            // help goes to stdout and is no failure; clap knows which is which
            let _ = usage.print();
            return if usage.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(dispatch(cli, sources));
            // a blocking thread in the middle of a slow disk call does not hold the exit up
            runtime.shutdown_timeout(std::time::Duration::from_millis(500));
            outcome
        }
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("eyrie: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// False when the command did its work and found something wrong, and has said so.
async fn dispatch(cli: Cli, mut sources: Sources) -> anyhow::Result<bool> {
    if let Some(data) = &cli.common.data {
        sources.flags.push(("data", "data", data.to_string_lossy().into_owned()));
    }
    if let Some(file) = cli.common.config {
        sources.file = Some(file);
    }
    let session = Session { sources, output: Output { json: cli.common.json } };
    match cli.command {
        Command::Serve(command) => command.run(session).await,
        Command::CheckConfig => check_config::run(&session),
        Command::Doctor(command) => command.run(&session).await,
        Command::Media(command) => command.run(session.output.json).await,
        Command::Workspace(command) => command.run(&session.open().await?).await,
        Command::Dock(command) => command.run(&session.open().await?).await,
        Command::Controller(command) => command.run(&session.open().await?).await,
        Command::Token(command) => command.run(&session.open().await?).await,
        Command::S3Key(command) => command.run(&session.open().await?).await,
        Command::User(command) => command.run(&session.open().await?).await,
        Command::Reconcile => reconcile::run(&session.open().await?).await,
        Command::Jobs(command) => command.run(&session.open().await?).await,
        Command::Retention(command) => command.run(&session.open().await?).await,
        Command::Hold(command) => command.run(&session.open().await?).await,
        Command::Trash(command) => command.run(&session.open().await?).await,
        Command::Audit(command) => command.run(&session.open().await?).await,
    }
}

/// One call of the command line.
struct Session {
    sources: Sources,
    output: Output,
}

/// A library, opened for a command.
struct Opened {
    config: Config,
    library: Library,
    admin: Admin,
    output: Output,
}

impl Session {
    fn load(&self) -> Loaded {
        config::load(&self.sources)
    }

    async fn open(&self) -> anyhow::Result<Opened> {
        let config = self.load().readable()?;
        crate::log::init(&config::LogConfig { json: false, filter: "warn".into() })?;
        let library = DataDir::new(&config.data).open(&config).await?;
        let admin = library.admin(&config, "command line");
        Ok(Opened { config, library, admin, output: self.output })
    }
}

impl Opened {
    /// Prints what was done.
    async fn print(&self, value: &impl serde::Serialize) -> anyhow::Result<bool> {
        self.library.catalogue.close().await;
        self.output.print(&serde_json::to_value(value)?)?;
        Ok(true)
    }

    /// Says which job does it, and when nobody will for now.
    async fn queued(&self, job_id: uuid::Uuid) -> anyhow::Result<bool> {
        if self.library.dir.run_file().is_none() {
            eprintln!("no server runs on this library: the job waits for the next start");
        }
        self.print(&serde_json::json!({ "job_id": job_id })).await
    }

    /// Prints a list, as `{"items": [...]}`.
    async fn print_list(&self, items: Vec<Value>) -> anyhow::Result<bool> {
        self.print(&serde_json::json!({ "items": items })).await
    }

    /// The workspace named, or all of them.
    async fn workspaces(&self, id_or_name: Option<&str>) -> anyhow::Result<Vec<Workspace>> {
        match id_or_name {
            Some(name) => Ok(vec![self.admin.workspace(name).await?]),
            None => Ok(self.library.catalogue.workspaces().await?),
        }
    }
}

impl Library {
    /// The operations in the name of `actor`, with the addresses of the running or last server.
    pub fn admin(&self, config: &Config, actor: &str) -> Admin {
        let urls = match self.dir.run_file() {
            Some(run) => crate::app::PublicUrls { http: run.http_url, mqtt: run.mqtt_url, s3: run.s3_url },
            None => public_urls(config, config.http.listen, config.mqtt.listen, config.s3.listen),
        };
        Admin {
            catalogue: self.catalogue.clone(),
            store: std::sync::Arc::clone(&self.store),
            issuer: self.issuer.clone(),
            clock: std::sync::Arc::clone(&self.clock),
            random: std::sync::Arc::clone(&self.random),
            urls,
            region: config.s3.region.clone(),
            pilot: config.pilot.clone(),
            actor: actor.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
