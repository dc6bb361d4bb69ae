//! Which satellites were seen, by system.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Debug, Default)]
pub struct Satellites {
    systems: BTreeMap<char, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    numbers: u128,
    observations: u64,
    epochs: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemCount {
    /// gps, glonass, galileo, beidou, qzss, sbas, navic.
    pub system: String,
    /// Different satellites in the whole file.
    pub satellites: u32,
    /// Mean of the epochs in which the system was seen at all.
    pub mean_per_epoch: f64,
}

impl Satellites {
    /// Satellites `numbers` (a bit each) of the system with RINEX's `letter` in one epoch. Unknown letters are left out.
    pub fn seen(&mut self, letter: char, numbers: u128) {
        if numbers == 0 || system_name(letter).is_none() {
            return;
        }
        let seen = self.systems.entry(letter).or_default();
        seen.numbers |= numbers;
        seen.observations += u64::from(numbers.count_ones());
        seen.epochs += 1;
    }

    pub fn finish(&self) -> Vec<SystemCount> {
        const ORDER: &str = "GRECJSI";
        let mut systems: Vec<_> = self.systems.iter().collect();
        systems.sort_by_key(|(letter, _)| ORDER.find(**letter));
        let count = |(letter, seen): (&char, &Seen)| SystemCount {
            system: system_name(*letter).unwrap_or("unknown").to_owned(),
            satellites: seen.numbers.count_ones(),
            mean_per_epoch: (seen.observations as f64 / seen.epochs as f64 * 100.0).round() / 100.0,
        };
        systems.into_iter().map(count).collect()
    }
}

/// RINEX's letter of a system in words.
pub fn system_name(letter: char) -> Option<&'static str> {
    Some(match letter {
        'G' => "gps",
        'R' => "glonass",
        'E' => "galileo",
        'C' => "beidou",
        'J' => "qzss",
        'S' => "sbas",
        'I' => "navic",
        'M' => "mixed",
        _ => return None,
    })
}
