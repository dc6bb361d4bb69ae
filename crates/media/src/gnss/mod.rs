//! What the readers of satellite files share: GPS time, the earth's shape, how regular epochs are, which satellites were seen.

pub mod cadence;
pub mod geodesy;
pub(crate) mod reading;
pub mod satellites;
pub mod time;

pub use cadence::{Cadence, Gap, Regularity};
pub use geodesy::{Ecef, Geodetic};
pub use satellites::{Satellites, SystemCount};
pub use time::GpsTime;

/// Warnings that one reader keeps.
pub(crate) const MAX_WARNINGS: usize = 20;

/// Adds a warning unless there are enough.
pub(crate) fn warn(warnings: &mut Vec<String>, text: impl Into<String>) {
    if warnings.len() < MAX_WARNINGS {
        warnings.push(text.into());
    }
}
