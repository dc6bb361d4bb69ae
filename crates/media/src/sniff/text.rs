//! Text files: RINEX, exposure events, subtitles, solutions.

use super::Format;
use crate::rinex::RinexType;
use crate::{mrk, rinex};

/// Enough for the first lines of all of them.
const LOOKED_AT_BYTES: usize = 4_096;
/// Lines that may come before the first of the format: blank ones, damaged ones.
const LOOKED_AT_LINES: usize = 8;

pub(super) fn format_of(head: &[u8]) -> Option<(Format, &'static str)> {
    let head = head.get(..LOOKED_AT_BYTES).unwrap_or(head);
    let text = crate::lines::text_of(head);
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(LOOKED_AT_LINES);
    let first = lines.next()?;
    if let Some(line) = rinex::first_line(first.as_bytes()) {
        let format = match line.kind {
            RinexType::Observation => Format::RinexObservation,
            RinexType::Navigation => Format::RinexNavigation,
            _ => Format::RinexOther,
        };
        return Some((format, "text/plain"));
    }
    if is_subtitle(first, text) {
        return Some((Format::Subtitle, "application/x-subrip"));
    }
    if std::iter::once(first).chain(lines).any(is_event) {
        return Some((Format::Mrk, "text/plain"));
    }
    let is_solution = first.starts_with('%')
        && (text.contains("latitude(deg)")
            || text.contains("latitude(d'\")")
            || text.contains("% program   : RTK")
            || text.contains("rnx2rtkp"));
    is_solution.then_some((Format::Solution, "text/plain"))
}

/// A place or a quality beside number and time: a line that is cut is no proof.
fn is_event(line: &str) -> bool {
    // a table of mere numbers is none
    let lower = line.to_ascii_lowercase();
    let marked = line.contains('[') || lower.contains("lat") || lower.contains(",q");
    // a log that failed has zeros beside its labels
    if [",n", ",e", ",v", ",ellh"].iter().all(|label| lower.contains(label)) {
        return true;
    }
    let found = mrk::event_of(line).filter(|_| marked);
    found.is_some_and(|event| event.status.is_some() || event.lever_arm.is_some() || event.position.is_some())
}

/// With cue numbers, without them, or with neither number nor time as the Mavic 2 writes.
fn is_subtitle(first: &str, text: &str) -> bool {
    let is_timing = |line: &str| line.split_once("-->").is_some_and(|(from, _)| from.contains(':'));
    let is_cue_number = !first.is_empty() && first.trim().bytes().all(|byte| byte.is_ascii_digit());
    let is_counter = |line: &str| {
        // an optional <font> tag comes first
        let line = line.trim_start();
        let line = line.strip_prefix("<font").and_then(|tag| tag.split_once('>')).map_or(line, |(_, line)| line);
        line.trim_start().starts_with("FrameCnt") || line.trim_start().starts_with("SrtCnt")
    };
    let is_record = |line: &str| line.starts_with("[latitude") || line.starts_with("[iso") || line.starts_with("GPS(");
    let later = || text.lines().skip(1).map(str::trim_start);
    is_timing(first)
        || is_counter(first)
        || (is_cue_number && later().any(|line| is_timing(line) || is_counter(line) || is_record(line)))
}
