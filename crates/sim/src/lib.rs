//! Simulated docks, aircraft, fleets, and crews with DJI Pilot 2.
//!
//! A [`Dock`] holds the whole conversation through an MQTT and an S3 client that others wrote (rumqttc, `object_store`), so that
//! a server's mistakes and its simulator's do not cancel out. A [`Flight`] is made: photos of one procedural landscape seen from
//! where the aircraft was, a video with telemetry, a PPK set; or it is a folder of real files. A [`Fault`] is a deviation that was
//! seen, documented or feared, with the answer it must get.

mod background;
pub mod bench;
mod deliver;
mod dock;
mod exif;
mod fault;
mod fleet;
mod flight;
mod gnss;
mod landscape;
mod link;
pub mod photo;
pub mod pilot;
mod upload;
mod video;

pub use deliver::{FileReport, FlightReport};
pub use dock::{Access, Dock, Model, Settings, read_accesses};
pub use fault::{Expected, Fault};
pub use fleet::{DockReport, Fleet, FleetReport};
pub use flight::{Extras, Flight, Plan, PlannedFile, View};
pub use landscape::{Ground, Landscape};
pub use upload::Storage;
pub use video::Telemetry;
