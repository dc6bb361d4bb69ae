//! Solves a flight's PPK set with RTKLIB: corrected trajectory, the cameras' places at the exposures, the photos' places.
//!
//! RTKLIB reads what docks sent, so it runs in a folder of its own with limits, never through a shell, and is killed with
//! the job. Nothing of the originals changes: corrected places are kept beside them.

mod inputs;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use eyrie_catalogue::PpkSolution;
use eyrie_media::gnss::GpsTime;
use eyrie_media::mrk::Event;
use eyrie_media::ppk::{self, PpkSet};
use eyrie_media::solution::{self, EventPosition, Solution};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

pub use inputs::{Input, Inputs, choose};

use super::{Failure, Run, ppk_set};
use crate::program::{self, Limits, ProgramError};

pub const KIND: &str = "ppk-solve";

/// For each program; a flight of an hour takes minutes.
const LIMITS: Limits =
    Limits { time: Duration::from_secs(1_800), memory_bytes: 6 << 30, file_bytes: MAX_OUTPUT_FILE_BYTES };
/// Converted observations of an hour at 5 Hz are about 150 MB.
const MAX_OUTPUT_FILE_BYTES: u64 = 4 << 30;
/// The trajectory is kept in the database.
const MAX_POS_BYTES: u64 = 64 << 20;
/// All inputs together.
const MAX_INPUT_BYTES: u64 = 8 << 30;
/// The lease is renewed this often while a program runs.
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// Steps that progress counts: fetch, convert, solve, write.
const STEPS: i64 = 4;

/// The job's payload.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PpkSolve {
    /// A file of the workspace with the base's observations; without it the flight's own corrections are taken.
    pub base_media_id: Option<Uuid>,
}

/// RTKLIB's programs.
pub struct Rtklib {
    rnx2rtkp: PathBuf,
    convbin: PathBuf,
}

impl Rtklib {
    /// The programs on the path.
    ///
    /// # Errors
    /// What to install, in words.
    pub fn find() -> Result<Self, String> {
        let [rnx2rtkp, convbin] = ["rnx2rtkp", "convbin"].map(|name| program::find(name).ok_or(name));
        match (rnx2rtkp, convbin) {
            (Ok(rnx2rtkp), Ok(convbin)) => Ok(Self { rnx2rtkp, convbin }),
            (Err(name), _) | (_, Err(name)) => Err(format!(
                "{name} of RTKLIB is not installed on the server: install the Debian package rtklib (apt install rtklib), \
                 or put rnx2rtkp and convbin on the path of the service"
            )),
        }
    }
}

pub async fn run(run: &Run) -> Result<Option<Value>, Failure> {
    let app = &run.app;
    let (Some(workspace_id), Some(flight_id)) = (run.job.workspace_id, run.job.flight_id.as_deref()) else {
        return Err(Failure::Final(anyhow::anyhow!("the job names no flight")));
    };
    let payload = PpkSolve::deserialize(&run.job.payload).map_err(|error| Failure::Final(error.into()))?;
    let rtklib = Rtklib::find().map_err(|why| Failure::Final(anyhow::anyhow!(why)))?;
    let gathered = ppk_set::gather(app, workspace_id, flight_id).await?;
    let base = match payload.base_media_id {
        Some(id) => app.catalogue.media(workspace_id, id).await?,
        None => None,
    };
    let files = gathered.set_files();
    let (set, events) = {
        let photos = gathered.set_photos();
        let files = files.clone();
        tokio::task::spawn_blocking(move || (ppk::build(&files, &photos), ppk::events(&files))).await?
    };
    let inputs = choose(&set, &gathered.files, base.as_ref(), payload.base_media_id.is_some());
    let inputs = inputs.map_err(|why| Failure::Final(anyhow::anyhow!(why)))?;
    if inputs.size_bytes() > MAX_INPUT_BYTES {
        let gb = MAX_INPUT_BYTES >> 30;
        return Err(Failure::Final(anyhow::anyhow!("the files are larger than {gb} GiB together")));
    }
    run.progress(0, Some(STEPS)).await?;

    let folder = tempfile::Builder::new().prefix("eyrie-ppk-").tempdir().context("no temporary folder can be made")?;
    let work = Work { run, rtklib: &rtklib, folder: folder.path(), day: day(&set, &events, &gathered.files) };
    let rover = work.observations(&inputs.rover, "rover").await?;
    let base = work.observations(&inputs.base, "base").await?;
    let mut ephemerides = Vec::new();
    for (n, nav) in inputs.navigation.iter().enumerate() {
        let name = format!("eph{n}.nav");
        work.fetch(nav, &name).await?;
        ephemerides.push(name);
    }
    // what the streams say of the satellites helps where the broadcast file has holes
    ephemerides.extend([&rover, &base].into_iter().filter_map(|log| log.navigation.clone()));
    if ephemerides.is_empty() {
        return Err(Failure::Final(anyhow::anyhow!("no ephemerides are at hand: a .nav file of the day is needed")));
    }
    run.progress(2, Some(STEPS)).await?;
    work.solve(&rover.name, &base.name, &ephemerides, inputs.base_ecef).await?;
    run.progress(3, Some(STEPS)).await?;

    let pos = work.result().await?;
    let solution = solution::read(&mut pos.as_slice());
    if solution.points.is_empty() {
        let why = "RTKLIB found no position: the observations of aircraft and base do not overlap in time, or the ephemerides are of another day";
        return Err(Failure::Final(anyhow::anyhow!(why)));
    }
    let positions = solution::at_events(&solution, &events);
    let report = report(&set, &inputs, &solution, &positions, run.job.id);
    let photos = photo_places(&set, &positions);
    let row = PpkSolution {
        workspace_id,
        flight_id: flight_id.to_owned(),
        report: report.clone(),
        positions: json!(positions),
        pos,
        solved_at: app.now(),
    };
    app.catalogue.save_ppk_solution(&row, &photos).await?;
    run.progress(STEPS, Some(STEPS)).await?;
    Ok(Some(report))
}

/// Observations as RTKLIB's solver reads them.
struct Ready {
    name: String,
    /// Ephemerides that were in the same stream.
    navigation: Option<String>,
}

struct Work<'a> {
    run: &'a Run,
    rtklib: &'a Rtklib,
    folder: &'a Path,
    day: Option<GpsTime>,
}

impl Work<'_> {
    /// RINEX as it is; RTCM 3 through `convbin`, which must be told the day.
    async fn observations(&self, input: &Input, stem: &str) -> Result<Ready, Failure> {
        let name = format!("{stem}.obs");
        if !input.is_rtcm {
            self.fetch(input, &name).await?;
            return Ok(Ready { name, navigation: None });
        }
        let raw = format!("{stem}.rtcm3");
        self.fetch(input, &raw).await?;
        let why = "the day of the RTCM 3 stream is not known: no exposure, observation or capture time tells it";
        let day = self.day.ok_or_else(|| Failure::Final(anyhow::anyhow!(why)))?;
        let (year, month, date, hour, minute, second) = day.civil();
        let navigation = format!("{stem}-stream.nav");
        let date = format!("{year:04}/{month:02}/{date:02}");
        let time = format!("{hour:02}:{minute:02}:{:02}", second as i64);
        let args =
            ["-r", "rtcm3", "-v", "3.04", "-od", "-os", "-tr", &date, &time, "-o", &name, "-n", &navigation, &raw];
        self.program(&self.rtklib.convbin, &args).await?;
        let has = |name: &str| self.folder.join(name).metadata().is_ok_and(|file| file.len() > 0);
        if !has(&name) {
            return Err(Failure::Final(anyhow::anyhow!("convbin found no observation in {}", input.name)));
        }
        Ok(Ready { navigation: has(&navigation).then_some(navigation), name })
    }

    /// Kinematic, two frequencies, all systems, ambiguities carried on from epoch to epoch, 15 degrees of elevation.
    async fn solve(&self, rover: &str, base: &str, nav: &[String], base_ecef: Option<[f64; 3]>) -> Result<(), Failure> {
        let words = ["-p", "2", "-f", "2", "-m", "15", "-sys", "G,R,E,J,C", "-t", "-o", "out.pos"];
        let mut args: Vec<String> = words.map(str::to_owned).to_vec();
        if let Some(ecef) = base_ecef {
            args.push("-r".into());
            args.extend(ecef.map(|metres| format!("{metres:.4}")));
        }
        args.extend([rover.to_owned(), base.to_owned()]);
        args.extend(nav.iter().cloned());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.program(&self.rtklib.rnx2rtkp, &args).await
    }

    async fn program(&self, program: &Path, args: &[&str]) -> Result<(), Failure> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let running = program::run(program, &args, self.folder, LIMITS);
        tokio::pin!(running);
        loop {
            tokio::select! {
                ended = &mut running => {
                    return match ended {
                        Ok(_) => Ok(()),
                        Err(error @ ProgramError::Start { .. }) => Err(Failure::Retry(error.into())),
                        Err(error) => Err(Failure::Final(error.into())),
                    };
                }
                () = tokio::time::sleep(RENEW_EVERY) => self.run.progress(1, Some(STEPS)).await?,
            }
        }
    }

    async fn fetch(&self, input: &Input, name: &str) -> anyhow::Result<()> {
        use futures::TryStreamExt as _;
        use tokio::io::AsyncWriteExt as _;
        let (_, mut chunks) = self.run.app.store.read(&input.bucket, &input.object_key, None).await?;
        let mut file = tokio::fs::File::create(self.folder.join(name)).await?;
        while let Some(chunk) = chunks.try_next().await? {
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        Ok(())
    }

    async fn result(&self) -> Result<Vec<u8>, Failure> {
        let path = self.folder.join("out.pos");
        let size_bytes = match tokio::fs::metadata(&path).await {
            Ok(found) => found.len(),
            Err(_) => return Err(Failure::Final(anyhow::anyhow!("rnx2rtkp wrote no solution"))),
        };
        if size_bytes > MAX_POS_BYTES {
            let mb = MAX_POS_BYTES >> 20;
            return Err(Failure::Final(anyhow::anyhow!("the solution is larger than {mb} MiB")));
        }
        let pos = tokio::fs::read(&path).await?;
        // the comment names the inputs by their folder, which is nobody's business
        let folder = self.folder.to_string_lossy();
        let text = String::from_utf8_lossy(&pos).replace(&format!("{folder}/"), "");
        Ok(text.into_bytes())
    }
}

/// Near enough for `convbin`: within half a week.
fn day(set: &PpkSet, events: &[Event], files: &[eyrie_catalogue::Media]) -> Option<GpsTime> {
    let of_events = events.first().map(|event| event.time);
    let of_log = || set.rover.as_ref().and_then(|rover| rover.first_epoch);
    let of_file = || files.iter().find_map(|media| media.captured_at).and_then(GpsTime::from_utc);
    of_events.or_else(of_log).or_else(of_file)
}

/// What the job and the API say of a solution.
fn report(set: &PpkSet, inputs: &Inputs, solution: &Solution, positions: &[EventPosition], job_id: Uuid) -> Value {
    let solved = positions.iter().filter(|at| at.position.is_some()).count();
    let fixed = positions.iter().filter(|at| at.solved == Some(solution::Solved::Fixed)).count();
    json!({
        "trajectory": solution.summary,
        "event_count": positions.len(),
        "events_solved": solved,
        "events_fixed": fixed,
        "photo_count": set.photos.matches.iter().map(|found| found.media_ids.len()).sum::<usize>(),
        "rover": inputs.rover.name,
        "base": inputs.base.name,
        "base_media_id": inputs.base.media_id,
        "base_ecef_m": inputs.base_ecef,
        "navigation": inputs.navigation.iter().map(|nav| nav.name.as_str()).collect::<Vec<_>>(),
        "warnings": inputs.warnings.iter().chain(&solution.warnings).collect::<Vec<_>>(),
        "job_id": job_id,
    })
}

/// Each photo's place: that of its exposure.
fn photo_places(set: &PpkSet, positions: &[EventPosition]) -> Vec<(Uuid, Value)> {
    let mut places = Vec::new();
    for found in &set.photos.matches {
        let Some(at) = positions.get(found.event) else { continue };
        let Some(place) = at.position else { continue };
        let value = json!({
            "lat": place.lat,
            "lng": place.lng,
            "ellipsoid_height_m": place.ellipsoid_height_m,
            "quality": at.solved,
            "std_m": at.std_m,
            "lever_arm_applied": at.lever_arm_applied,
            "moved_m": at.moved_m,
            "sequence": at.sequence,
            "exposed_at": at.time.utc(),
        });
        let ids = found.media_ids.iter().filter_map(|id| Uuid::try_parse(id).ok());
        places.extend(ids.map(|id| (id, value.clone())));
    }
    places
}
