//! Exposures and photos, one to one: by number, then by time.
//!
//! The pictures of one trigger (wide, zoom, thermal) are one exposure. A clock that is wrong by a constant does no harm:
//! what counts is the difference from the median of all pairs. Where numbers and times contradict each other
//! for most pairs, the numbers are not of this flight and time alone decides, unless it joins next to nothing. A clock's error
//! is then known from the order, when there are as many exposures as events and they follow each other alike.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::mrk::Event;
use crate::photo::name_parts;

/// Photos tell whole seconds, and some cameras round up.
const SAME_TIME_S: f64 = 3.0;
/// Without numbers, the nearest exposure must be nearer than this.
const NEAREST_S: f64 = 1.5;
/// Names that are listed of what found no partner.
const MAX_LISTED: usize = 200;

/// A picture of the flight.
#[derive(Clone, Debug)]
pub struct Photo {
    pub id: String,
    pub name: String,
    pub captured_at: Option<Timestamp>,
    pub capture_uuid: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    Number,
    Time,
}

/// An exposure and its pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventMatch {
    /// Place of the event in the order of time, from 0.
    pub event: usize,
    pub sequence: u32,
    pub by: MatchedBy,
    /// The ids of its pictures.
    pub media_ids: Vec<String>,
    /// The pictures' time minus the event's, when they have one.
    pub difference_s: Option<f64>,
}

/// How events and photos fit together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Matching {
    /// Every exposure has its event and every event its exposure.
    pub one_to_one: bool,
    pub photo_count: u64,
    /// Triggers: the pictures of several lenses at once count once.
    pub exposure_count: u64,
    pub matched_by_number: u64,
    pub matched_by_time: u64,
    /// Median of the pictures' time minus the events': the clock's error.
    pub clock_offset_s: Option<f64>,
    pub events_without_photo_count: u64,
    /// Sequence numbers, the first of them.
    pub events_without_photo: Vec<u32>,
    pub photos_without_event_count: u64,
    pub photos_without_event: Vec<String>,
    /// Same number, but times that do not fit.
    pub mismatches: Vec<Mismatch>,
    pub matches: Vec<EventMatch>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mismatch {
    pub sequence: u32,
    pub photo: String,
    pub difference_s: f64,
}

struct Exposure<'a> {
    number: Option<u32>,
    at_s: Option<f64>,
    photos: Vec<&'a Photo>,
    taken: bool,
}

/// `events` in the order of time.
pub(super) fn join(events: &[Event], photos: &[Photo]) -> Matching {
    let mut exposures = exposures(photos);
    let mut found =
        Matching { photo_count: photos.len() as u64, exposure_count: exposures.len() as u64, ..Matching::default() };
    let times: Vec<f64> = events.iter().map(|event| seconds(event.time.utc())).collect();
    let mut by_number: HashMap<u32, Vec<usize>> = HashMap::new();
    for (index, exposure) in exposures.iter().enumerate() {
        if let Some(number) = exposure.number {
            by_number.entry(number).or_default().push(index);
        }
    }
    let offset = clock_offset(events, &times, &exposures, &by_number);
    let mut matches: Vec<Option<EventMatch>> = events.iter().map(|_| None).collect();
    let offset_s = match offset {
        Offset::Numbers(None) => {
            let offset_s = match_times_alone(events, &times, &mut exposures, &mut matches);
            // pictures that tell no time
            let tell = Numbers { by_number: &by_number, offset_s: offset_s.unwrap_or(0.0), within_s: SAME_TIME_S };
            found.mismatches = match_numbers(events, &times, &mut exposures, &tell, &mut matches);
            offset_s
        }
        Offset::Numbers(offset_s) => {
            let tell = Numbers { by_number: &by_number, offset_s: offset_s.unwrap_or(0.0), within_s: SAME_TIME_S };
            found.mismatches = match_numbers(events, &times, &mut exposures, &tell, &mut matches);
            match_times(events, &times, &mut exposures, offset_s.unwrap_or(0.0), &mut matches);
            offset_s
        }
        Offset::Contradicting { pairs } => {
            let offset_s = match_times_alone(events, &times, &mut exposures, &mut matches);
            // times that join little are the ones that are wrong
            if matches.iter().flatten().count() * 2 < pairs {
                undo(&mut exposures, &mut matches);
                let tell = Numbers { by_number: &by_number, offset_s: 0.0, within_s: f64::INFINITY };
                found.mismatches = match_numbers(events, &times, &mut exposures, &tell, &mut matches);
            }
            offset_s
        }
    };

    found.clock_offset_s = offset_s.map(round);
    let lonely = events.iter().zip(&matches).filter(|(_, found)| found.is_none());
    found.events_without_photo_count = lonely.clone().count() as u64;
    found.events_without_photo = lonely.map(|(event, _)| event.sequence).take(MAX_LISTED).collect();
    let left = exposures.iter().filter(|exposure| !exposure.taken).flat_map(|exposure| &exposure.photos);
    found.photos_without_event_count = left.clone().count() as u64;
    found.photos_without_event = left.map(|photo| photo.name.clone()).take(MAX_LISTED).collect();
    found.matches = matches.into_iter().flatten().collect();
    let count = |by: MatchedBy| found.matches.iter().filter(|found| found.by == by).count() as u64;
    (found.matched_by_number, found.matched_by_time) = (count(MatchedBy::Number), count(MatchedBy::Time));
    found.one_to_one =
        !events.is_empty() && found.matches.len() == events.len() && found.matches.len() == exposures.len();
    found
}

fn exposures(photos: &[Photo]) -> Vec<Exposure<'_>> {
    let mut exposures: Vec<Exposure<'_>> = Vec::new();
    let mut by_uuid: HashMap<&str, usize> = HashMap::new();
    let mut by_number: HashMap<u32, Vec<usize>> = HashMap::new();
    for photo in photos {
        let number = number_of(&photo.name);
        let at_s = photo.captured_at.map(seconds);
        let with_uuid = photo.capture_uuid.as_deref().and_then(|uuid| by_uuid.get(uuid).copied());
        let same_number = || {
            let candidates = by_number.get(&number?)?;
            candidates.iter().copied().find(|index| {
                let other = exposures.get(*index).and_then(|exposure| exposure.at_s);
                other.zip(at_s).is_none_or(|(other, at_s)| (other - at_s).abs() <= SAME_TIME_S)
            })
        };
        let index = match with_uuid.or_else(same_number) {
            Some(index) => index,
            None => {
                exposures.push(Exposure { number, at_s, photos: Vec::new(), taken: false });
                let index = exposures.len() - 1;
                if let Some(number) = number {
                    by_number.entry(number).or_default().push(index);
                }
                index
            }
        };
        if let Some(uuid) = photo.capture_uuid.as_deref() {
            by_uuid.insert(uuid, index);
        }
        if let Some(exposure) = exposures.get_mut(index) {
            exposure.photos.push(photo);
            exposure.at_s = exposure.at_s.or(at_s);
        }
    }
    exposures
}

/// NNNN of DJI's names: behind the time, or the last four digits that stand alone (`100_0004_0012.JPG`).
fn number_of(name: &str) -> Option<u32> {
    name_parts(name).number.or_else(|| {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let word = stem.rsplit('_').find(|word| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit()))?;
        word.parse().ok()
    })
}

enum Offset {
    /// Numbers fit; the clock's error when times are known.
    Numbers(Option<f64>),
    /// Most of the pairs that numbers make disagree in time.
    Contradicting { pairs: usize },
}

/// How to join by number.
struct Numbers<'a> {
    by_number: &'a HashMap<u32, Vec<usize>>,
    offset_s: f64,
    /// Pairs further apart in time are refused; all that are further than [`SAME_TIME_S`] are told.
    within_s: f64,
}

fn clock_offset(
    events: &[Event],
    times: &[f64],
    exposures: &[Exposure<'_>],
    by_number: &HashMap<u32, Vec<usize>>,
) -> Offset {
    let mut differences: Vec<f64> = Vec::new();
    for (event, time) in events.iter().zip(times) {
        if let Some([index]) = by_number.get(&event.sequence).map(Vec::as_slice)
            && let Some(at_s) = exposures.get(*index).and_then(|exposure| exposure.at_s)
        {
            differences.push(at_s - time);
        }
    }
    differences.sort_by(f64::total_cmp);
    let Some(median) = differences.get(differences.len() / 2).copied() else { return Offset::Numbers(None) };
    let near = differences.iter().filter(|difference| (*difference - median).abs() <= SAME_TIME_S).count();
    if near * 2 > differences.len() {
        Offset::Numbers(Some(median))
    } else {
        Offset::Contradicting { pairs: differences.len() }
    }
}

fn match_numbers(
    events: &[Event],
    times: &[f64],
    exposures: &mut [Exposure<'_>],
    tell: &Numbers<'_>,
    matches: &mut [Option<EventMatch>],
) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    for (index, ((event, time), slot)) in events.iter().zip(times).zip(matches).enumerate() {
        let Some(candidates) = tell.by_number.get(&event.sequence) else { continue };
        let apart = |exposure: &Exposure<'_>| exposure.at_s.map_or(0.0, |at_s| (at_s - time - tell.offset_s).abs());
        let free =
            candidates.iter().filter_map(|at| Some((*at, exposures.get(*at).filter(|exposure| !exposure.taken)?)));
        let nearest = free.map(|(at, exposure)| (at, apart(exposure))).min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((at, apart_s)) = nearest else { continue };
        let Some(exposure) = exposures.get_mut(at) else { continue };
        let difference_s = exposure.at_s.map(|at_s| round(at_s - time));
        if apart_s > SAME_TIME_S && mismatches.len() < MAX_LISTED {
            let photo = exposure.photos.first().map(|photo| photo.name.clone()).unwrap_or_default();
            let difference_s = difference_s.unwrap_or_default();
            mismatches.push(Mismatch { sequence: event.sequence, photo, difference_s });
        }
        if apart_s <= tell.within_s {
            exposure.taken = true;
            *slot = Some(pair(index, event, exposure, MatchedBy::Number, difference_s));
        }
    }
    mismatches
}

/// With the clock as it is or, when that leaves an event alone, with the error that the order tells: exposures follow each
/// other so regularly that a wrong clock joins most of them, each with the wrong one.
fn match_times_alone(
    events: &[Event],
    times: &[f64],
    exposures: &mut [Exposure<'_>],
    matches: &mut [Option<EventMatch>],
) -> Option<f64> {
    match_times(events, times, exposures, 0.0, matches);
    if matches.iter().all(Option::is_some) {
        return None;
    }
    let offset_s = offset_by_order(times, exposures)?;
    undo(exposures, matches);
    match_times(events, times, exposures, offset_s, matches);
    Some(offset_s)
}

/// The median difference of events and exposures one by one, when nine of ten agree with it.
fn offset_by_order(times: &[f64], exposures: &[Exposure<'_>]) -> Option<f64> {
    let mut taken: Vec<f64> = exposures.iter().filter_map(|exposure| exposure.at_s).collect();
    if taken.len() != times.len() {
        return None;
    }
    taken.sort_by(f64::total_cmp);
    let mut differences: Vec<f64> = taken.iter().zip(times).map(|(at_s, time)| at_s - time).collect();
    differences.sort_by(f64::total_cmp);
    let median = differences.get(differences.len() / 2).copied()?;
    let near = differences.iter().filter(|difference| (*difference - median).abs() <= NEAREST_S).count();
    (near * 10 >= differences.len() * 9).then_some(median)
}

fn undo(exposures: &mut [Exposure<'_>], matches: &mut [Option<EventMatch>]) {
    matches.iter_mut().for_each(|found| *found = None);
    exposures.iter_mut().for_each(|exposure| exposure.taken = false);
}

/// What is left, each event with the nearest exposure, in the order of time.
fn match_times(
    events: &[Event],
    times: &[f64],
    exposures: &mut [Exposure<'_>],
    offset_s: f64,
    matches: &mut [Option<EventMatch>],
) {
    let mut free: Vec<(f64, usize)> = exposures
        .iter()
        .enumerate()
        .filter(|(_, exposure)| !exposure.taken)
        .filter_map(|(index, exposure)| Some((exposure.at_s? - offset_s, index)))
        .collect();
    free.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut next = 0;
    for (index, ((event, time), slot)) in events.iter().zip(times).zip(matches).enumerate() {
        if slot.is_some() {
            continue;
        }
        while free.get(next).is_some_and(|(at_s, _)| time - at_s > NEAREST_S) {
            next += 1;
        }
        // the next one may be nearer still
        while let (Some((here, _)), Some((after, _))) = (free.get(next), free.get(next + 1)) {
            if (after - time).abs() >= (here - time).abs() {
                break;
            }
            next += 1;
        }
        let Some((at_s, at)) = free.get(next).copied().filter(|(at_s, _)| (at_s - time).abs() <= NEAREST_S) else {
            continue;
        };
        if let Some(exposure) = exposures.get_mut(at) {
            exposure.taken = true;
            *slot = Some(pair(index, event, exposure, MatchedBy::Time, Some(round(at_s + offset_s - time))));
        }
        next += 1;
    }
}

fn pair(index: usize, event: &Event, exposure: &Exposure<'_>, by: MatchedBy, difference_s: Option<f64>) -> EventMatch {
    let media_ids = exposure.photos.iter().map(|photo| photo.id.clone()).collect();
    EventMatch { event: index, sequence: event.sequence, by, media_ids, difference_s }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_microsecond() as f64 / 1e6
}

fn round(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
