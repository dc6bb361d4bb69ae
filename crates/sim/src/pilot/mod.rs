//! A simulated crew: DJI Pilot 2 on a remote controller, from the login on.
//!
//! The page in the app's web view is the server's own; what it needs around itself is imitated by [`BRIDGE_JS`], which a
//! browser test puts in. What the app then does by itself is here: it connects over MQTT, and uploads what is photographed
//! by DJI's HTTPS calls, through clients that others wrote.

mod cloud;
mod controller;
mod deliver;
mod fault;

use std::path::PathBuf;

use anyhow::Context as _;
use eyrie_cloudapi::LatLng;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

pub use cloud::{PilotMqtt, PilotSession, PilotSettings};
pub use deliver::{Outcome, PilotFile};
pub use fault::PilotFault;

use crate::flight::{Flight, Plan, View};
use crate::landscape::Landscape;
use crate::photo::Origin;
use cloud::{Cloud, Login};
use controller::Controller;

/// An imitation of `window.djiBridge`, to be run in the page before its own scripts; its head says how it is used.
pub const BRIDGE_JS: &str = include_str!("bridge.js");

/// RC Plus with an M30T behind it.
const CONTROLLER_TYPE: i64 = 119;
const AIRCRAFT_TYPE: i64 = 67;
const AIRCRAFT_SUB_TYPE: i64 = 1;
const AIRCRAFT_KEY: &str = "0-67-1";
const PAYLOAD_KEY: &str = "1-53-0";
const CAMERA_MODEL: &str = "M30T";
/// Where it flies: west of where the docks do.
const ORIGIN: Origin = Origin { lat: 47.3769, lng: 8.7417 };
const WEST_M: f64 = -400.0;
/// Previews are this much smaller each way.
const PREVIEW_FACTOR: u16 = 4;

/// One crew's day. Either logs in itself, or goes on with what a page handed to its bridge.
#[derive(Clone, Debug, clap::Args)]
pub struct Crew {
    /// What `djiBridgeSim.session()` or `POST /pilot/api/login` answered (`-`: standard input), instead of a login
    #[arg(long, conflicts_with_all = ["server", "name", "password", "sn", "workspace"])]
    pub session: Option<PathBuf>,
    /// Address of the server's pages
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// Of an account with the role operator
    #[arg(long, default_value = "admin")]
    pub name: String,
    #[arg(long, env = "EYRIE_SIM_PASSWORD", hide_env_values = true, default_value = "")]
    pub password: String,
    /// Of the controller
    #[arg(long, default_value = "5YSZSIM0000001")]
    pub sn: String,
    /// Name or id; needed where the account sees several
    #[arg(long)]
    pub workspace: Option<String>,
    /// Flights, one after another
    #[arg(long, default_value_t = 1)]
    pub flights: u32,
    /// Photos a flight
    #[arg(long, default_value_t = 6)]
    pub photos: usize,
    /// Seconds of video a flight; 0 for none
    #[arg(long, default_value_t = 0)]
    pub video_s: u32,
    /// Files are chosen by hand afterwards, of a flight without a wayline; by default they are uploaded as they are taken
    #[arg(long)]
    pub manual: bool,
    #[arg(long, default_value_t = 1280)]
    pub width: u16,
    #[arg(long, default_value_t = 960)]
    pub height: u16,
    /// Deviations, by name, separated by commas (`eyrie-sim faults --pilot` lists them)
    #[arg(long = "fault", value_delimiter = ',')]
    pub faults: Vec<PilotFault>,
    /// Files above this many bytes are sent in parts of this size (at least 5 MiB)
    #[arg(long, default_value_t = 8 << 20, value_parser = clap::value_parser!(u64).range(5 << 20..))]
    pub part_bytes: u64,
    /// Of the landscape
    #[arg(long, default_value_t = 7)]
    pub seed: u32,
    /// One JSON report on standard output, nothing else
    #[arg(long)]
    pub json: bool,
}

/// What became of a crew's day.
#[derive(Clone, Debug, Serialize)]
pub struct PilotReport {
    pub sn: String,
    pub files: Vec<PilotFile>,
    /// Why the crew gave up, when it did.
    pub error: Option<String>,
    pub seconds: f64,
}

impl PilotReport {
    /// True when every file was answered as it should be.
    pub fn is_good(&self) -> bool {
        self.error.is_none() && self.files.iter().all(|file| file.expected)
    }
}

/// The app, logged in.
pub(crate) struct Pilot<'a> {
    crew: &'a Crew,
    cloud: Cloud,
    controller: Controller,
    settings: PilotSettings,
    aircraft_sn: String,
    storage: tokio::sync::Mutex<Option<crate::Storage>>,
}

impl Crew {
    /// Logs in, connects, flies and uploads.
    pub async fn fly(&self) -> PilotReport {
        let started = std::time::Instant::now();
        let mut report = PilotReport { sn: self.sn.clone(), files: Vec::new(), error: None, seconds: 0.0 };
        if let Err(error) = self.fly_flights(&mut report).await {
            report.error = Some(format!("{error:#}"));
        }
        report.seconds = started.elapsed().as_secs_f64();
        report
    }

    async fn fly_flights(&self, report: &mut PilotReport) -> anyhow::Result<()> {
        let session = self.session().await?;
        report.sn.clone_from(&session.sn);
        let aircraft_sn = format!("{}AC", session.sn);
        let (lat, lng) = ORIGIN.degrees(WEST_M, 0.0);
        let home = LatLng { lat, lng };
        let mut controller = Controller::connect(&session, &aircraft_sn).await?;
        if !self.has(PilotFault::NoTopology) {
            controller.announce(home).await?;
        }
        let pilot = Pilot {
            crew: self,
            cloud: Cloud::new(&session)?,
            controller,
            settings: session.settings,
            aircraft_sn,
            storage: tokio::sync::Mutex::default(),
        };
        for number in 0..self.flights {
            let before = SignedDuration::from_secs(i64::from(self.flights - number) * 3_600);
            let flight = pilot.plan(number + 1, home, Timestamp::now() - before);
            pilot.upload(&flight, &mut report.files).await?;
        }
        Ok(())
    }

    async fn session(&self) -> anyhow::Result<PilotSession> {
        let Some(path) = &self.session else {
            let login = Login {
                server: &self.server,
                name: &self.name,
                password: &self.password,
                sn: &self.sn,
                workspace: self.workspace.as_deref(),
            };
            return Cloud::log_in(&login).await;
        };
        let text = if path.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())?
        } else {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?
        };
        serde_json::from_str(&text).context("this is not a session of Pilot 2")
    }

    pub(crate) fn has(&self, fault: PilotFault) -> bool {
        self.faults.contains(&fault)
    }
}

impl Pilot<'_> {
    /// Previews by themselves are smaller pictures; by hand, originals are chosen.
    fn sends_previews(&self) -> bool {
        !self.crew.manual && self.settings.auto_upload_photo_type == 1
    }

    fn plan(&self, number: u32, home: LatLng, started_at: Timestamp) -> Flight {
        let crew = self.crew;
        let factor = if self.sends_previews() { PREVIEW_FACTOR } else { 1 };
        let view = View {
            landscape: Landscape::new(crew.seed),
            origin: ORIGIN,
            width: (crew.width / factor).max(8),
            height: (crew.height / factor).max(8),
        };
        let plan = Plan {
            photos: crew.photos,
            video_s: crew.video_s,
            telemetry: crate::Telemetry::default(),
            ppk: false,
            extras: crate::Extras::default(),
            height_m: 55.0,
            camera_model: CAMERA_MODEL.into(),
            aircraft_sn: self.aircraft_sn.clone(),
            home,
            utc_offset_s: crate::flight::utc_offset_s(started_at),
            number,
            flight_id: Uuid::new_v4(),
        };
        Flight::plan(&plan, view, started_at)
    }
}
