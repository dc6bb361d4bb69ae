//! Many docks at once.

use std::path::PathBuf;

use eyrie_cloudapi::LatLng;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use crate::deliver::FlightReport;
use crate::dock::{Access, Dock, Model, Settings};
use crate::fault::Fault;
use crate::flight::{Extras, Flight, Plan, View};
use crate::landscape::Landscape;
use crate::photo::Origin;
use crate::video::Telemetry;

/// Where made flights happen: fields east of Zürich.
const ORIGIN: Origin = Origin { lat: 47.3769, lng: 8.7417 };
/// Docks stand this far apart, metres, so that their flights overlap at the edges.
const DOCK_SPACING_M: f64 = 180.0;

/// What a fleet flies.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub model: Option<Model>,
    pub flights: u32,
    pub photos: usize,
    pub video_s: u32,
    pub telemetry: Telemetry,
    pub ppk: bool,
    pub extras: Extras,
    /// The same routes are flown again with each call: on which day.
    pub days_ago: u16,
    pub width: u16,
    pub height: u16,
    /// Fly these files instead of made ones, once a dock and flight.
    pub files: Option<PathBuf>,
    pub faults: Vec<Fault>,
    pub part_bytes: usize,
    pub concurrency: usize,
    pub seed: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct DockReport {
    pub sn: String,
    pub flights: Vec<FlightReport>,
    /// Why the dock gave up, when it did.
    pub error: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct FleetReport {
    pub docks: Vec<DockReport>,
    pub seconds: f64,
}

impl FleetReport {
    /// True when every dock flew, and every file was answered as it should be.
    pub fn is_good(&self) -> bool {
        self.docks.iter().all(|dock| dock.error.is_none() && dock.flights.iter().all(FlightReport::is_good))
    }

    pub fn files(&self) -> impl Iterator<Item = &crate::FileReport> {
        self.docks.iter().flat_map(|dock| &dock.flights).flat_map(|flight| &flight.files)
    }
}

impl Fleet {
    /// Flies all docks at once.
    pub async fn fly(&self, docks: Vec<Access>) -> FleetReport {
        let started = std::time::Instant::now();
        let flights = docks.into_iter().enumerate().map(|(index, access)| self.fly_dock(index, access));
        let docks = futures::future::join_all(flights).await;
        FleetReport { docks, seconds: started.elapsed().as_secs_f64() }
    }

    async fn fly_dock(&self, index: usize, access: Access) -> DockReport {
        let mut report = DockReport { sn: access.sn.clone(), flights: Vec::new(), error: None };
        if let Err(error) = self.fly_flights(index, access, &mut report.flights).await {
            report.error = Some(format!("{error:#}"));
        }
        report
    }

    async fn fly_flights(&self, index: usize, access: Access, reports: &mut Vec<FlightReport>) -> anyhow::Result<()> {
        let model = self.model.unwrap_or([Model::Dock2, Model::Dock3, Model::Dock1][index % 3]);
        let (lat, lng) = ORIGIN.degrees(index as f64 * DOCK_SPACING_M, 0.0);
        let settings = Settings {
            model,
            aircraft_sn: format!("{}AC", access.sn),
            callsign: format!("Simulated {}", access.sn),
            home: LatLng { lat, lng },
            faults: self.faults.clone(),
            part_bytes: self.part_bytes,
            concurrency: self.concurrency,
        };
        let aircraft_sn = settings.aircraft_sn.clone();
        let mut dock = Dock::connect(access, settings).await?;
        dock.come_online().await?;
        let view =
            View { landscape: Landscape::new(self.seed), origin: ORIGIN, width: self.width, height: self.height };
        for number in 0..self.flights {
            let before =
                i64::from(self.flights - number) * 3_600 + index as i64 * 240 + i64::from(self.days_ago) * 86_400;
            let started_at = Timestamp::now() - SignedDuration::from_secs(before);
            let flight_id = Uuid::new_v4();
            let flight = match &self.files {
                Some(folder) => Flight::of_folder(folder, flight_id, started_at, view)?,
                None => {
                    let plan = Plan {
                        photos: self.photos,
                        video_s: self.video_s,
                        telemetry: self.telemetry,
                        ppk: self.ppk,
                        extras: self.extras,
                        height_m: 55.0,
                        camera_model: model.camera_model().into(),
                        aircraft_sn: aircraft_sn.clone(),
                        home: LatLng { lat, lng },
                        utc_offset_s: crate::flight::utc_offset_s(started_at),
                        number: number + 1,
                        flight_id,
                    };
                    Flight::plan(&plan, view, started_at)
                }
            };
            reports.push(dock.fly(&flight).await?);
        }
        Ok(())
    }
}
