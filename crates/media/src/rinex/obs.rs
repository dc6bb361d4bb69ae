//! The epochs of an observation file.

use super::header::{Header, v2_types_of};
use super::{PerEpoch, Rinex, epoch_time};
use crate::gnss::{Cadence, GpsTime, Satellites, warn};
use crate::lines::{Lines, columns, integer};

/// More satellites in one epoch are a damaged line.
const MAX_SATELLITES: usize = 999;
const MAX_SYSTEMS: usize = 16;
const V2_SATELLITES_PER_LINE: usize = 12;
const V2_VALUES_PER_LINE: usize = 5;

pub(super) fn read(lines: &mut Lines<'_>, header: &Header, found: &mut Rinex) {
    let mut epochs = Epochs::new(header, found);
    if header.major == 2 {
        version_2(lines, header, &mut epochs);
    } else {
        version_3(lines, header, &mut epochs);
    }
    epochs.finish(found);
}

/// Satellites by system letter, a bit for each number.
type Seen = Vec<(char, u128)>;

struct Epochs {
    utc: bool,
    scale_offset_s: f64,
    cadence: Cadence,
    satellites: Satellites,
    first: Option<GpsTime>,
    last: Option<GpsTime>,
    with_satellites: u64,
    total: u64,
    least: Option<u32>,
    most: Option<u32>,
    events: u64,
    power_failures: u64,
    bad_times: u64,
    short: u64,
    stray: u64,
}

impl Epochs {
    fn new(header: &Header, found: &Rinex) -> Self {
        // the header's word, or the scale of the one system that is in the file
        let scale = found.time_system.as_deref().unwrap_or(match header.system {
            'R' => "GLO",
            'C' => "BDT",
            _ => "GPS",
        });
        Self {
            utc: matches!(scale, "GLO" | "UTC"),
            scale_offset_s: if matches!(scale, "BDT" | "BDS") { 14.0 } else { 0.0 },
            cadence: Cadence::default(),
            satellites: Satellites::default(),
            first: None,
            last: None,
            with_satellites: 0,
            total: 0,
            least: None,
            most: None,
            events: 0,
            power_failures: 0,
            bad_times: 0,
            short: 0,
            stray: 0,
        }
    }

    fn time(&self, line: &[u8], starts: [usize; 7]) -> Option<GpsTime> {
        let fields: [_; 6] = std::array::from_fn(|n| match (starts.get(n), starts.get(n + 1)) {
            (Some(from), Some(to)) => columns(line, *from, *to),
            _ => "".into(),
        });
        epoch_time(std::array::from_fn(|n| fields.get(n).map_or("", AsRef::as_ref)), self.utc, self.scale_offset_s)
    }

    fn epoch(&mut self, time: Option<GpsTime>, flag: i64, told: usize, seen: &Seen) {
        let Some(time) = time else {
            self.bad_times += 1;
            return;
        };
        self.power_failures += u64::from(flag == 1);
        self.cadence.push(time.nanoseconds());
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
        let mut count = 0;
        for (letter, numbers) in seen {
            self.satellites.seen(*letter, *numbers);
            count += numbers.count_ones();
        }
        self.short += u64::from((count as usize) < told);
        self.with_satellites += 1;
        self.total += u64::from(count);
        self.least = Some(self.least.map_or(count, |least| least.min(count)));
        self.most = Some(self.most.map_or(count, |most| most.max(count)));
    }

    fn finish(self, found: &mut Rinex) {
        found.first_epoch = self.first;
        found.last_epoch = self.last;
        found.epochs = self.cadence.finish();
        found.satellites = self.satellites.finish();
        found.event_records = self.events;
        found.power_failures = self.power_failures;
        if let (Some(min), Some(max)) = (self.least, self.most) {
            let mean = (self.total as f64 / self.with_satellites as f64 * 100.0).round() / 100.0;
            found.satellites_per_epoch = Some(PerEpoch { min, mean, max });
        }
        if found.epochs.epochs == 0 {
            warn(&mut found.warnings, "the file has no epoch");
        }
        let oddities = [
            (self.bad_times, "epochs have no readable time"),
            (self.short, "epochs have fewer satellites than they say"),
            (self.stray, "lines belong to no epoch"),
            (found.epochs.out_of_order, "epochs are out of order"),
        ];
        for (count, what) in oddities.into_iter().filter(|(count, _)| *count > 0) {
            warn(&mut found.warnings, format!("{count} {what}"));
        }
        if let (Some(told), Some(measured)) = (found.header_interval_s, found.epochs.interval_s)
            && (told - measured).abs() > 0.001
        {
            warn(&mut found.warnings, format!("the header says an interval of {told} s, the epochs have {measured} s"));
        }
    }
}

/// Adds a satellite as RINEX names it: `G05`, `G 5`, and ` 5` for the file's own system in version 2.
fn add(seen: &mut Seen, name: &[u8], default: char) -> bool {
    let [letter, tens, ones, ..] = *name else { return false };
    let digit = |byte: u8| match byte {
        b' ' => Some(0),
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        _ => None,
    };
    let (Some(tens), Some(ones)) = (digit(tens), digit(ones)) else { return false };
    let letter = match letter {
        b' ' => default,
        letter if letter.is_ascii_alphabetic() => char::from(letter.to_ascii_uppercase()),
        _ => return false,
    };
    let bit = 1_u128 << (tens * 10 + ones);
    if let Some((_, numbers)) = seen.iter_mut().find(|(known, _)| *known == letter) {
        *numbers |= bit;
    } else if seen.len() < MAX_SYSTEMS {
        seen.push((letter, bit));
    }
    true
}

fn version_3(lines: &mut Lines<'_>, header: &Header, epochs: &mut Epochs) {
    // > 2024 06 24 08 20 00.0000000  0 35
    const TIME: [usize; 7] = [2, 6, 9, 12, 15, 18, 29];
    let mut open: Option<(Option<GpsTime>, i64, usize)> = None;
    let mut seen = Seen::new();
    let mut special = 0;
    let mut first = header.first_body_line.clone();
    loop {
        let line = match &first {
            Some(line) => line.as_slice(),
            None => match lines.next_line() {
                Some(line) => line,
                None => break,
            },
        };
        if line.first() == Some(&b'>') {
            if let Some((time, flag, told)) = open.take() {
                epochs.epoch(time, flag, told, &seen);
            }
            seen.clear();
            let flag = integer(&columns(line, 29, 32)).unwrap_or(0);
            let told = integer(&columns(line, 32, 35)).and_then(|told| usize::try_from(told).ok()).unwrap_or(0);
            if (2..=5).contains(&flag) {
                epochs.events += 1;
                special = told;
            } else {
                special = 0;
                // 6 repeats satellites whose cycle slips were mended
                open = (flag != 6).then(|| (epochs.time(line, TIME), flag, told.min(MAX_SATELLITES)));
                if flag == 6 {
                    special = told;
                }
            }
        } else if special > 0 {
            special -= 1;
        } else if !line.trim_ascii().is_empty() {
            let belongs = open.is_some() && add(&mut seen, line, ' ');
            epochs.stray += u64::from(!belongs);
        }
        first = None;
    }
    if let Some((time, flag, told)) = open {
        epochs.epoch(time, flag, told, &seen);
    }
}

fn version_2(lines: &mut Lines<'_>, header: &Header, epochs: &mut Epochs) {
    //  24  6 24  8 20  0.0000000  0 15G05G06
    const TIME: [usize; 7] = [0, 3, 6, 9, 12, 15, 26];
    let default = if matches!(header.system, 'M' | ' ') { 'G' } else { header.system };
    let mut types = header.v2_types;
    let mut seen = Seen::new();
    while let Some(line) = lines.next_line() {
        let flag = integer(&columns(line, 26, 29));
        let told = integer(&columns(line, 29, 32)).and_then(|told| usize::try_from(told).ok());
        let (Some(flag @ 0..=6), Some(told)) = (flag, told.filter(|told| *told <= MAX_SATELLITES)) else {
            epochs.stray += u64::from(!line.trim_ascii().is_empty());
            continue;
        };
        if (2..=5).contains(&flag) {
            epochs.events += 1;
            for _ in 0..told {
                let Some(line) = lines.next_line() else { return };
                types = v2_types_of(line).unwrap_or(types);
            }
            continue;
        }
        let time = epochs.time(line, TIME);
        if time.is_none() {
            epochs.stray += 1;
            continue;
        }
        seen.clear();
        let mut left = told;
        let mut names = line.get(32..).unwrap_or_default().to_vec();
        loop {
            let here = left.min(V2_SATELLITES_PER_LINE);
            names.truncate(here * 3);
            // a cut blank at the end of ` 5` cannot be: numbers stand to the right
            for name in names.chunks_exact(3) {
                add(&mut seen, name, default);
            }
            left -= here;
            if left == 0 {
                break;
            }
            let Some(line) = lines.next_line() else { break };
            names = line.get(32..).unwrap_or_default().to_vec();
        }
        for _ in 0..told * types.div_ceil(V2_VALUES_PER_LINE) {
            if lines.next_line().is_none() {
                break;
            }
        }
        if flag != 6 {
            epochs.epoch(time, flag, told, &seen);
        }
    }
}
