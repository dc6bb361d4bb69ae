//! `eyrie-sim`: simulated docks for people.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use eyrie_sim::bench::{Ask, Load, Puts, null_echo};
use eyrie_sim::pilot::{BRIDGE_JS, Crew, PilotFault, PilotReport};
use eyrie_sim::{Access, Expected, Extras, Fault, Fleet, FleetReport, Flight, Model, Plan, Telemetry, View};

/// The server's, so that a comparison of the two is about what the server does.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Simulated DJI docks: they come online, fly, upload and report as real ones do, with clients that are not the server's own.
///
/// Try:  eyrie dock add --workspace default --sn SIM1 --json > sim1.json && eyrie-sim dock sim1.json
#[derive(Parser)]
#[command(version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// One dock: comes online, flies, uploads, reports
    Dock {
        /// What `eyrie dock add --json` printed (`-`: standard input)
        access: PathBuf,
        #[command(flatten)]
        fly: Fly,
    },
    /// Many docks at once
    Fleet {
        /// A JSON list of what `eyrie dock add --json` printed (`-`: standard input)
        accesses: PathBuf,
        #[command(flatten)]
        fly: Fly,
    },
    /// A crew with DJI Pilot 2: logs in, connects, flies, uploads by itself or by hand
    Pilot {
        #[command(flatten)]
        crew: Crew,
    },
    /// Prints the script that imitates `window.djiBridge`: for a test, or to be pasted into a browser's console at /pilot
    Bridge,
    /// Lists the faults that --fault takes, and the answer each must get
    Faults {
        /// Those of `eyrie-sim pilot`
        #[arg(long)]
        pilot: bool,
    },
    /// Writes made photos, and a video when it is asked for, of one flight into a folder
    Photo {
        folder: PathBuf,
        #[arg(long, default_value_t = 8)]
        count: usize,
        #[arg(long, default_value_t = 1280)]
        width: u16,
        #[arg(long, default_value_t = 960)]
        height: u16,
        /// Seconds of video; 0 for none
        #[arg(long, default_value_t = 0)]
        video_s: u32,
        /// What the video carries
        #[arg(long, value_enum, default_value_t)]
        telemetry: Telemetry,
        #[command(flatten)]
        extras: Extras,
    },
    /// Asks as fast as it is answered and prints what was measured
    Bench {
        /// A JSON list of what `eyrie dock add --json` printed; a connection each
        accesses: PathBuf,
        #[arg(long, value_enum)]
        ask: Ask,
        /// Exchanges in all
        #[arg(long, default_value_t = 10_000)]
        count: usize,
        /// Exchanges each connection has open at once
        #[arg(long, default_value_t = 32)]
        in_flight: usize,
        /// Objects each dock uploads before it reports them in turn (0 for the null echo)
        #[arg(long, default_value_t = 50)]
        objects: usize,
    },
    /// Uploads objects, in turn with raw writes of the same bytes; prints both
    Puts {
        /// What `eyrie dock add --json` printed
        access: PathBuf,
        #[arg(long, default_value_t = 5 << 20)]
        object_bytes: usize,
        /// Objects a round
        #[arg(long, default_value_t = 64)]
        count: usize,
        #[arg(long, default_value_t = 8)]
        concurrency: usize,
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Let nobody pay for memory that a virtual machine's host has to find first
        #[arg(long)]
        memory_at_hand: bool,
        /// Multipart with parts of this size
        #[arg(long)]
        part_bytes: Option<usize>,
        /// A folder on the file system of the server's data
        #[arg(long)]
        raw_dir: PathBuf,
    },
    /// Answers everything on a broker with result 0: what a server is compared with
    NullEcho {
        /// HOST:PORT of a broker without accounts
        broker: String,
    },
}

#[derive(Args)]
struct Fly {
    /// Flights, one after another
    #[arg(long, default_value_t = 1)]
    flights: u32,
    /// Photos a flight
    #[arg(long, default_value_t = 12)]
    photos: usize,
    /// Seconds of video a flight; 0 for none
    #[arg(long, default_value_t = 5)]
    video_s: u32,
    /// What the videos carry
    #[arg(long, value_enum, default_value_t)]
    telemetry: Telemetry,
    /// No PPK set and RTCM data
    #[arg(long)]
    no_ppk: bool,
    #[command(flatten)]
    extras: Extras,
    /// Flown so many days ago; each call flies the same routes again
    #[arg(long, default_value_t = 0)]
    days_ago: u16,
    #[arg(long, default_value_t = 1280)]
    width: u16,
    #[arg(long, default_value_t = 960)]
    height: u16,
    /// Which dock; by default a fleet mixes all three
    #[arg(long, value_enum)]
    model: Option<Model>,
    /// Flies the files below this folder instead of made ones
    #[arg(long)]
    files: Option<PathBuf>,
    /// Deviations, by name, separated by commas (`eyrie-sim faults` lists them)
    #[arg(long = "fault", value_delimiter = ',')]
    faults: Vec<Fault>,
    /// Files above this many bytes are sent in parts of this size (at least 5 MiB)
    #[arg(long, default_value_t = 8 << 20, value_parser = clap::value_parser!(u64).range(5 << 20..))]
    part_bytes: u64,
    /// Files of a dock under way at once
    #[arg(long, default_value_t = 3)]
    concurrency: usize,
    /// Of the landscape
    #[arg(long, default_value_t = 7)]
    seed: u32,
    /// One JSON report on standard output, nothing else
    #[arg(long)]
    json: bool,
}

impl Fly {
    fn fleet(&self) -> Fleet {
        Fleet {
            model: self.model,
            flights: self.flights,
            photos: self.photos,
            video_s: self.video_s,
            telemetry: self.telemetry,
            ppk: !self.no_ppk,
            extras: self.extras,
            days_ago: self.days_ago,
            width: self.width,
            height: self.height,
            files: self.files.clone(),
            faults: self.faults.clone(),
            part_bytes: self.part_bytes as usize,
            concurrency: self.concurrency,
            seed: self.seed,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
    match run(Cli::parse().command).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("eyrie-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// True when everything was answered as it should be.
async fn run(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Dock { access: path, fly } | Command::Fleet { accesses: path, fly } => {
            let report = fly.fleet().fly(accesses(&path)?).await;
            if fly.json {
                println!("{}", serde_json::to_string(&report)?)
            } else {
                print(&report)
            }
            Ok(report.is_good())
        }
        Command::Pilot { crew } => {
            let report = crew.fly().await;
            if crew.json {
                println!("{}", serde_json::to_string(&report)?)
            } else {
                print_pilot(&report)
            }
            Ok(report.is_good())
        }
        Command::Bridge => {
            print!("{BRIDGE_JS}");
            Ok(true)
        }
        Command::Faults { pilot: false } => {
            Fault::ALL.iter().for_each(|fault| print_fault(fault.name(), fault.expected(), fault.help()));
            Ok(true)
        }
        Command::Faults { pilot: true } => {
            PilotFault::ALL.iter().for_each(|fault| print_fault(fault.name(), fault.expected(), fault.help()));
            Ok(true)
        }
        Command::Photo { folder, count, width, height, video_s, telemetry, extras } => {
            photos(&folder, count, (width, height), (video_s, telemetry), extras).map(|()| true)
        }
        Command::Bench { accesses: path, ask, count, in_flight, objects } => {
            let measured = Load { ask, count, in_flight, objects }.run(accesses(&path)?).await?;
            println!("{}", serde_json::to_string(&measured)?);
            Ok(measured.failed == 0)
        }
        Command::Puts { access, object_bytes, count, concurrency, rounds, memory_at_hand, part_bytes, raw_dir } => {
            let access = accesses(&access)?.swap_remove(0);
            let measured = Puts { object_bytes, count, concurrency, part_bytes, rounds, memory_at_hand, raw_dir }
                .run(access)
                .await?;
            println!("{}", serde_json::to_string(&measured)?);
            Ok(true)
        }
        Command::NullEcho { broker } => {
            let (host, port) = broker.rsplit_once(':').context("the broker is HOST:PORT")?;
            null_echo(host, port.parse().context("the port")?, None).await.map(|()| true)
        }
    }
}

fn accesses(path: &Path) -> anyhow::Result<Vec<Access>> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        text
    } else {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?
    };
    eyrie_sim::read_accesses(&text)
        .with_context(|| format!("{} is not what `eyrie dock add --json` prints", path.display()))
}

fn print(report: &FleetReport) {
    for dock in &report.docks {
        for flight in &dock.flights {
            let bytes: usize = flight.files.iter().map(|file| file.size_bytes).sum();
            let good = flight.files.iter().filter(|file| file.expected).count();
            println!(
                "{}  {}  {good} of {} files answered as they should be, {:.1} MB",
                dock.sn,
                flight.flight_id,
                flight.files.len(),
                bytes as f64 / 1e6
            );
            for file in flight.files.iter().filter(|file| !file.expected) {
                let why = file.error.clone().unwrap_or_else(|| format!("answered {:?}", file.result));
                println!("  {}: {why} after {} attempts", file.name, file.attempts);
            }
        }
        if let Some(error) = &dock.error {
            println!("{}  gave up: {error}", dock.sn);
        }
    }
    println!("{:.1} s", report.seconds);
}

fn print_fault(name: &str, expected: Expected, help: &str) {
    println!("{name:<22} {:<10} {help}", format!("{expected:?}").to_lowercase());
}

fn print_pilot(report: &PilotReport) {
    for file in &report.files {
        let outcome = format!("{:?}", file.outcome).to_lowercase();
        println!("{}  {}  {outcome}  {:.1} MB", report.sn, file.name, file.size_bytes as f64 / 1e6);
        if let Some(error) = &file.error {
            println!("  {error} after {} attempts", file.attempts);
        }
    }
    if let Some(error) = &report.error {
        println!("{}  gave up: {error}", report.sn);
    }
    println!("{:.1} s", report.seconds);
}

fn photos(
    folder: &Path,
    count: usize,
    (width, height): (u16, u16),
    video: (u32, Telemetry),
    extras: Extras,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let view = View {
        landscape: eyrie_sim::Landscape::new(7),
        origin: eyrie_sim::photo::Origin { lat: 47.3769, lng: 8.7417 },
        width,
        height,
    };
    let plan = Plan {
        photos: count,
        video_s: video.0,
        telemetry: video.1,
        ppk: false,
        extras,
        height_m: 55.0,
        camera_model: "M3TD".into(),
        aircraft_sn: "SIM0001AC".into(),
        home: eyrie_cloudapi::LatLng { lat: 47.3769, lng: 8.7417 },
        utc_offset_s: 7_200,
        number: 1,
        flight_id: uuid::Uuid::from_u128(1),
    };
    let flight = Flight::plan(&plan, view, jiff::Timestamp::now());
    for file in &flight.files {
        let path = folder.join(&file.name);
        std::fs::write(&path, flight.bytes(file)?)?;
        println!("{}", path.display());
    }
    Ok(())
}
