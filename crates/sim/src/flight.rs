//! What a flight leaves behind: photos along a wayline, a video, a PPK set, the correction stream. Or real files of a folder.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use eyrie_cloudapi::LatLng;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::gnss;
use crate::landscape::Landscape;
use crate::photo::{self, Camera, Origin, Shot};
use crate::video::{self, Telemetry};

/// A file before it is uploaded. Made files are made when they are needed, so that a fleet fits into memory.
#[derive(Clone, Debug)]
pub struct PlannedFile {
    pub name: String,
    pub shot: Option<Shot>,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Photo,
    /// Twice as wide as high.
    Sphere,
    Made(Vec<u8>),
    OnDisk(PathBuf),
}

/// One flight's files, in the order in which the dock uploads them.
#[derive(Clone, Debug)]
pub struct Flight {
    pub flight_id: String,
    /// DJI's folder name, `DJI_yyyyMMddHHmm_NNN_route`.
    pub folder: String,
    pub started_at: Timestamp,
    pub files: Vec<PlannedFile>,
    pub view: View,
}

/// What photos are taken of, and how large.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub landscape: Landscape,
    pub origin: Origin,
    pub width: u16,
    pub height: u16,
}

/// What a flight has besides photos of one camera.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Extras {
    /// Each trigger takes two pictures, wide and thermal, with one capture id
    #[arg(long)]
    pub thermal: bool,
    /// One spherical panorama a flight
    #[arg(long)]
    pub panorama: bool,
}

/// How a made flight looks.
#[derive(Clone, Debug)]
pub struct Plan {
    pub photos: usize,
    pub video_s: u32,
    pub telemetry: Telemetry,
    pub ppk: bool,
    pub extras: Extras,
    pub height_m: f64,
    pub camera_model: String,
    pub aircraft_sn: String,
    pub home: LatLng,
    pub utc_offset_s: i32,
    /// Tells flights from one another: route, number, ids.
    pub number: u32,
    pub flight_id: Uuid,
}

/// What the aircraft's clock is ahead of UTC where made flights happen, seconds.
pub(crate) fn utc_offset_s(at: Timestamp) -> i32 {
    TimeZone::get("Europe/Zurich").map_or(0, |zone| zone.to_offset(at).seconds())
}

impl Flight {
    /// Flies a serpentine around home: lines 30 m apart, a photo every 20 m, so that neighbours overlap by two thirds.
    pub fn plan(plan: &Plan, view: View, started_at: Timestamp) -> Self {
        const LINE: usize = 7;
        let local = started_at + SignedDuration::from_secs(i64::from(plan.utc_offset_s));
        let folder = format!("DJI_{}_{:03}_Route{}", local.strftime("%Y%m%d%H%M"), plan.number % 1_000, plan.number);
        let mut shots = Vec::new();
        for index in 0..plan.photos {
            let (line, along) = (index / LINE, index % LINE);
            let along = if line % 2 == 0 { along } else { LINE - 1 - along };
            let (east, north) = view.origin.metres(plan.home.lat, plan.home.lng);
            let east = east - 60.0 + along as f64 * 20.0 + f64::from(plan.number % 5) * 15.0;
            let north = north - 40.0 + line as f64 * 30.0;
            let (lat, lng) = view.origin.degrees(east, north);
            shots.push(Shot {
                at: started_at + SignedDuration::from_millis(30_000 + index as i64 * 2_417),
                utc_offset_s: plan.utc_offset_s,
                lat,
                lng,
                absolute_altitude_m: 430.0 + plan.height_m,
                relative_altitude_m: plan.height_m,
                yaw_deg: if line % 2 == 0 { 90.0 } else { -90.0 },
                pitch_deg: if index % 5 == 4 { -45.0 } else { -90.0 },
                iso: 100,
                shutter_denominator: 1_000,
                camera_model: plan.camera_model.clone(),
                aircraft_sn: plan.aircraft_sn.clone(),
                capture_uuid: capture_uuid(plan.flight_id, index),
                camera: Camera::Wide,
            });
        }
        let stamp = |at: Timestamp| {
            (at + SignedDuration::from_secs(i64::from(plan.utc_offset_s))).strftime("%Y%m%d%H%M%S").to_string()
        };
        let mut files = Vec::new();
        for (index, shot) in shots.iter().enumerate() {
            let mut photo = |letter: char, camera: Camera| {
                files.push(PlannedFile {
                    name: format!("DJI_{}_{:04}_{letter}.JPG", stamp(shot.at), index + 1),
                    shot: Some(Shot { camera, ..shot.clone() }),
                    content: Content::Photo,
                });
            };
            if plan.extras.thermal {
                photo('T', Camera::Thermal);
                photo('W', Camera::Wide);
            } else {
                photo('V', Camera::Wide);
            }
        }
        if let Some(last) = shots.last().filter(|_| plan.extras.panorama) {
            let at = last.at + SignedDuration::from_secs(20);
            let capture_uuid = capture_uuid(plan.flight_id, plan.photos + 2);
            files.push(PlannedFile {
                name: format!("DJI_{}_{:04}_D.JPG", stamp(at), plan.photos + 2),
                shot: Some(Shot { at, camera: Camera::Sphere, capture_uuid, pitch_deg: 0.0, ..last.clone() }),
                content: Content::Sphere,
            });
        }
        let made = |name: String, bytes: Vec<u8>, shot: Option<Shot>| PlannedFile {
            name,
            shot,
            content: Content::Made(bytes),
        };
        if plan.video_s > 0 && !shots.is_empty() {
            let name = format!("DJI_{}_{:04}_V.MP4", stamp(shots[0].at), plan.photos + 1);
            files.push(made(name, video::video(&shots, plan.video_s, plan.telemetry), shots.first().cloned()));
        }
        if plan.ppk {
            let seconds = (plan.photos as u32 * 3).max(10);
            files.push(made(format!("{folder}_PPKOBS.obs"), gnss::observations(started_at, seconds), None));
            files.push(made(format!("{folder}_PPKNAV.nav"), gnss::navigation(started_at), None));
            files.push(made(format!("{folder}_PPKRAW.rtk"), gnss::rtcm(started_at, seconds), None));
            files.push(made(format!("{folder}_Timestamp.MRK"), gnss::mrk(&shots), None));
            files.push(made(format!("{folder}_RTCM.dat"), gnss::rtcm(started_at, seconds), None));
        }
        Self { flight_id: plan.flight_id.to_string(), folder, started_at, files, view }
    }

    /// The files below `folder`, recursively, in the order of their paths.
    ///
    /// # Errors
    /// The folder cannot be read, or holds no file.
    pub fn of_folder(folder: &Path, flight_id: Uuid, started_at: Timestamp, view: View) -> anyhow::Result<Self> {
        let mut paths = Vec::new();
        collect(folder, &mut paths).with_context(|| format!("cannot read {}", folder.display()))?;
        paths.sort();
        anyhow::ensure!(!paths.is_empty(), "there is no file below {}", folder.display());
        let files = paths.into_iter().map(|path| PlannedFile {
            name: path
                .strip_prefix(folder)
                .unwrap_or(&path)
                .components()
                .map(|part| part.as_os_str().to_string_lossy())
                .collect::<Vec<_>>()
                .join("_"),
            shot: None,
            content: Content::OnDisk(path),
        });
        Ok(Self {
            flight_id: flight_id.to_string(),
            folder: "DJI_real_files".into(),
            started_at,
            files: files.collect(),
            view,
        })
    }

    /// The bytes of one file of this flight: rendered, made, or read.
    ///
    /// # Errors
    /// A real file cannot be read.
    pub fn bytes(&self, file: &PlannedFile) -> anyhow::Result<Vec<u8>> {
        file.bytes(&self.view)
    }
}

impl PlannedFile {
    pub(crate) fn bytes(&self, view: &View) -> anyhow::Result<Vec<u8>> {
        match &self.content {
            Content::Photo => {
                let shot = self.shot.as_ref().expect("a photo has its shot");
                Ok(photo::take(&view.landscape, view.origin, shot, view.width, view.height))
            }
            Content::Sphere => {
                let shot = self.shot.as_ref().expect("a panorama has its shot");
                Ok(photo::take(&view.landscape, view.origin, shot, view.width, (view.width / 2).max(1)))
            }
            Content::Made(bytes) => Ok(bytes.clone()),
            Content::OnDisk(path) => std::fs::read(path).with_context(|| format!("cannot read {}", path.display())),
        }
    }
}

/// A version 4 UUID, the same again for the same shot.
fn capture_uuid(flight_id: Uuid, index: usize) -> Uuid {
    const SPREAD: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;
    let mixed = flight_id.as_u128().wrapping_add(SPREAD.wrapping_mul(index as u128 + 1));
    uuid::Builder::from_random_bytes(mixed.to_be_bytes()).into_uuid()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), paths)?;
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(())
}
