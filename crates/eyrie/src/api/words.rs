//! The closed word lists of the API. They mirror the catalogue's, which may change without changing a promise.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! mirror {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident),+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($variant),+ }

        impl From<eyrie_catalogue::$name> for $name {
            fn from(word: eyrie_catalogue::$name) -> Self {
                match word { $(eyrie_catalogue::$name::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for eyrie_catalogue::$name {
            fn from(word: $name) -> Self {
                match word { $($name::$variant => Self::$variant),+ }
            }
        }
    )+};
}

mirror! {
    MediaKind { Photo, Video, Panorama, Thermal, Subtitle, Ppk, Rtcm, Other }
    /// How a file came in.
    MediaSource { Dock, Pilot, Import }
    /// `missing`: the row is there, its object is not. `quarantined`: reported under a key that its dock was never given.
    MediaStatus { Stored, Missing, Quarantined }
    /// Whether follow-up work on the file is over.
    Processing { Pending, Done, Failed }
    /// `stalled`: files are missing and nothing was heard of the flight for a while.
    FlightState { Uploading, Complete, Stalled }
    /// `failed` is tried again by itself; `dead` only when a person asks.
    JobState { Queued, Running, Done, Failed, Dead }
    /// Why a file is not deleted: a legal hold, an open share link, a job that is not over, a download that can be resumed; or
    /// its object is another one by now, or cannot be read.
    Kept { Hold, Share, Job, Download, Changed, Damaged }
    /// Each includes the one before.
    Role { Viewer, Operator, Admin }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_reads_the_same_here_and_in_the_catalogue() {
        for kind in eyrie_catalogue::MediaKind::ALL {
            assert_eq!(serde_json::to_value(MediaKind::from(*kind)).unwrap(), kind.as_str());
        }
        for state in eyrie_catalogue::JobState::ALL {
            assert_eq!(serde_json::to_value(JobState::from(*state)).unwrap(), state.as_str());
        }
    }
}
