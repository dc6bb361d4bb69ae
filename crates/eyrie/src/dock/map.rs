//! `flight_areas_get` and `offline_map_get`: answered with nothing to fetch, because silence delays each take-off by 40 s.

use eyrie_cloudapi::{flight_areas_reply, offline_map_reply};

use super::Answer;

pub(super) fn flight_areas() -> Answer {
    Answer::done(flight_areas_reply())
}

pub(super) fn offline_map() -> Answer {
    Answer::done(offline_map_reply())
}
