//! The header: labels in columns 61 to 80.

use super::{Equipment, ObservationTypes, Rinex, RinexType};
use crate::gnss::satellites::system_name;
use crate::gnss::{Ecef, warn};
use crate::lines::{Lines, columns, integer, number};

/// Merged files carry thousands of comments.
const MAX_HEADER_LINES: usize = 50_000;
const MAX_CODES: usize = 512;
const MAX_SYSTEMS: usize = 16;

/// What the body's readers need of the header.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) major: u32,
    /// Letter of the system that the first line names; blank there means GPS.
    pub(super) system: char,
    /// Observation types of version 2: how many values a satellite has.
    pub(super) v2_types: usize,
    /// An epoch line that stood where the header's end was missing.
    pub(super) first_body_line: Option<Vec<u8>>,
}

/// The first line of a RINEX file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FirstLine {
    pub(crate) version: f64,
    pub(crate) kind: RinexType,
    pub(crate) system: char,
    pub(crate) compact: bool,
}

/// What the first line says; `None` when it is not RINEX's.
pub(crate) fn first_line(line: &[u8]) -> Option<FirstLine> {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let label = label_of(line);
    let version = number(&columns(line, 0, 20)).filter(|version| (0.5..10.0).contains(version));
    if label.starts_with("CRINEX VERS") {
        return Some(FirstLine { version: version.unwrap_or(0.0), kind: RinexType::Other, system: ' ', compact: true });
    }
    if !label.starts_with("RINEX VERSION / TYPE") {
        return None;
    }
    let letter_at = |at: usize| line.get(at).map_or(' ', |byte| char::from(byte.to_ascii_uppercase()));
    let (kind, system) = match letter_at(20) {
        'O' => (RinexType::Observation, letter_at(40)),
        'N' => (RinexType::Navigation, letter_at(40)),
        // version 2 has a type for each system's navigation
        'G' => (RinexType::Navigation, 'R'),
        'H' => (RinexType::Navigation, 'S'),
        'L' | 'E' => (RinexType::Navigation, 'E'),
        'J' => (RinexType::Navigation, 'J'),
        'M' => (RinexType::Meteorology, ' '),
        'C' => (RinexType::Clock, letter_at(40)),
        _ => (RinexType::Other, ' '),
    };
    let system = if system == ' ' { 'G' } else { system };
    Some(FirstLine { version: version?, kind, system, compact: false })
}

/// The label, where it should be or where a careless writer put it.
fn label_of(line: &[u8]) -> String {
    let label = columns(line, 60, line.len());
    if !label.is_empty() && line.get(59).is_none_or(|byte| byte.is_ascii_whitespace() || byte.is_ascii_digit()) {
        return label.into_owned();
    }
    const MISPLACED: [&str; 4] = ["RINEX VERSION / TYPE", "CRINEX VERS", "END OF HEADER", "COMMENT"];
    let text = String::from_utf8_lossy(line);
    let found = MISPLACED.iter().find(|label| text.trim_end().ends_with(**label));
    found.map_or_else(|| label.into_owned(), |label| (*label).to_owned())
}

/// Reads to the end of the header, or to the first line that can only be an epoch.
pub(super) fn read(lines: &mut Lines<'_>, found: &mut Rinex) -> Header {
    let mut header = Header { system: 'G', ..Header::default() };
    let mut codes = Codes::default();
    let (mut any, mut ended, mut left) = (false, false, MAX_HEADER_LINES);
    while let Some(line) = lines.next_line() {
        if left == 0 {
            break;
        }
        left -= 1;
        if line.trim_ascii().is_empty() && !any {
            continue;
        }
        let label = label_of(line);
        if let Some(first) = first_line(line) {
            any = true;
            if first.compact {
                found.compact = true;
                continue;
            }
            (found.version, found.kind) = (first.version, first.kind);
            (header.major, header.system) = (first.version as u32, first.system);
            found.system = system_name(first.system).map(str::to_owned);
            continue;
        }
        if label.starts_with("END OF HEADER") {
            ended = true;
            break;
        }
        if header.major >= 3
            && (line.first() == Some(&b'>') || (found.kind == RinexType::Navigation && is_nav_record(line)))
        {
            header.first_body_line = Some(line.to_vec());
            break;
        }
        take(line, label.trim_end(), found, &mut codes);
    }
    if !any {
        warn(&mut found.warnings, "the file does not begin as RINEX does");
    } else if !ended {
        warn(&mut found.warnings, "the header has no end");
    }
    if any && !(2..=4).contains(&header.major) {
        warn(&mut found.warnings, format!("RINEX version {} is not known", found.version));
    }
    header.v2_types = codes.v2.codes.len().max(codes.v2_count);
    found.observation_types = codes.finish();
    header
}

fn is_nav_record(line: &[u8]) -> bool {
    matches!(line, [letter, _, digit, b' ', ..] if letter.is_ascii_uppercase() && digit.is_ascii_digit())
}

fn take(line: &[u8], label: &str, found: &mut Rinex, codes: &mut Codes) {
    let text = |from: usize, to: usize| Some(columns(line, from, to).into_owned()).filter(|text| !text.is_empty());
    let three = || {
        let values = [number(&columns(line, 0, 14)), number(&columns(line, 14, 28)), number(&columns(line, 28, 42))];
        match values {
            [Some(a), Some(b), Some(c)] => Some([a, b, c]),
            _ => None,
        }
    };
    match label {
        "PGM / RUN BY / DATE" => {
            (found.program, found.run_by, found.created) = (text(0, 20), text(20, 40), text(40, 60));
        }
        "MARKER NAME" => found.marker = text(0, 60),
        "REC # / TYPE / VERS" => {
            found.receiver = Some(Equipment { serial: text(0, 20), model: text(20, 40), version: text(40, 60) });
        }
        "ANT # / TYPE" => found.antenna = Some(Equipment { serial: text(0, 20), model: text(20, 40), version: None }),
        "APPROX POSITION XYZ" => {
            let ecef = three().map(|[x_m, y_m, z_m]| Ecef { x_m, y_m, z_m });
            found.approx_position = ecef.and_then(Ecef::geodetic);
            found.approx_ecef = ecef.filter(|_| found.approx_position.is_some());
        }
        "ANTENNA: DELTA H/E/N" => found.antenna_delta_m = three(),
        "INTERVAL" => found.header_interval_s = number(&columns(line, 0, 10)).filter(|interval_s| *interval_s > 0.0),
        "LEAP SECONDS" => found.leap_s = integer(&columns(line, 0, 6)),
        "TIME OF FIRST OBS" => found.time_system = text(48, 51),
        "SYS / # / OBS TYPES" => codes.version_3(line),
        "# / TYPES OF OBSERV" => codes.version_2(line),
        _ => {}
    }
}

/// Observation codes as their lines come; long lists go on in the next line.
#[derive(Default)]
struct Codes {
    v2: OfSystem,
    v2_count: usize,
    systems: Vec<OfSystem>,
}

#[derive(Default)]
struct OfSystem {
    letter: char,
    codes: Vec<String>,
}

impl OfSystem {
    fn add(&mut self, text: &str) {
        for code in text.split_ascii_whitespace() {
            if self.codes.len() < MAX_CODES && code.len() <= 3 && code.is_ascii() {
                self.codes.push(code.to_owned());
            }
        }
    }
}

impl Codes {
    fn version_3(&mut self, line: &[u8]) {
        let letter = line.first().map_or(' ', |byte| char::from(*byte));
        if letter != ' ' && self.systems.len() < MAX_SYSTEMS {
            self.systems.push(OfSystem { letter, codes: Vec::new() });
        }
        if let Some(system) = self.systems.last_mut() {
            system.add(&columns(line, 6, 58));
        }
    }

    fn version_2(&mut self, line: &[u8]) {
        if let Some(count) = integer(&columns(line, 0, 6)) {
            self.v2_count = usize::try_from(count).unwrap_or(0).min(MAX_CODES);
            self.v2.codes.clear();
        }
        self.v2.add(&columns(line, 6, 60));
    }

    fn finish(self) -> Vec<ObservationTypes> {
        let of_system = |system: OfSystem| ObservationTypes {
            system: system_name(system.letter).unwrap_or("all").to_owned(),
            codes: system.codes,
        };
        let all = self.systems.into_iter().chain([self.v2]);
        all.filter(|system| !system.codes.is_empty()).map(of_system).collect()
    }
}

/// The types that a header line inside version 2's observations gives, when it gives a new count.
pub(super) fn v2_types_of(line: &[u8]) -> Option<usize> {
    if label_of(line).trim_end() != "# / TYPES OF OBSERV" {
        return None;
    }
    usize::try_from(integer(&columns(line, 0, 6))?).ok().map(|count| count.min(MAX_CODES))
}
