//! How regularly epochs follow each other, of a stream of any length in bounded memory.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use serde::{Deserialize, Serialize};

const NS: f64 = 1e9;
const NS_PER_MS: i64 = 1_000_000;
/// Different distances between epochs that are counted apart.
const MAX_DISTANCES: usize = 4_096;
/// The longest gaps, which are the ones that are told.
const MAX_GAPS: usize = 100;
/// A distance is a gap when it is longer than this many intervals.
const GAP_INTERVALS: f64 = 1.5;

/// Epochs as they come, nanoseconds on any scale.
#[derive(Debug, Default)]
pub struct Cadence {
    first: Option<i64>,
    last: Option<i64>,
    epochs: u64,
    backwards: u64,
    distances_ms: BTreeMap<i64, u64>,
    longest: BinaryHeap<Reverse<(i64, i64)>>,
}

/// What a [`Cadence`] found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Regularity {
    pub epochs: u64,
    /// From the first epoch to the last.
    pub span_s: f64,
    /// The most frequent distance between epochs.
    pub interval_s: Option<f64>,
    /// Distances of more than one and a half intervals.
    pub gap_count: u64,
    /// Epochs that would have filled the gaps.
    pub missing_epochs: u64,
    /// The longest gaps in the order of time.
    pub gaps: Vec<Gap>,
    /// Epochs earlier than the one before them.
    pub out_of_order: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The epoch before the gap, seconds after the first epoch.
    pub after_s: f64,
    pub duration_s: f64,
}

impl Cadence {
    /// Counts an epoch; the same one again counts once.
    pub fn push(&mut self, at_ns: i64) {
        let Some(last) = self.last else {
            (self.first, self.last, self.epochs) = (Some(at_ns), Some(at_ns), 1);
            return;
        };
        let distance = at_ns.saturating_sub(last);
        if distance == 0 {
            return;
        }
        self.epochs += 1;
        if distance < 0 {
            self.backwards += 1;
            self.first = self.first.map(|first| first.min(at_ns));
            return;
        }
        self.last = Some(at_ns);
        let ms = distance.saturating_add(NS_PER_MS / 2) / NS_PER_MS;
        if self.distances_ms.len() < MAX_DISTANCES || self.distances_ms.contains_key(&ms) {
            *self.distances_ms.entry(ms).or_default() += 1;
        }
        if self.longest.len() < MAX_GAPS || self.longest.peek().is_some_and(|Reverse((least, _))| distance > *least) {
            self.longest.push(Reverse((distance, last)));
            if self.longest.len() > MAX_GAPS {
                self.longest.pop();
            }
        }
    }

    pub fn first(&self) -> Option<i64> {
        self.first
    }

    pub fn last(&self) -> Option<i64> {
        self.last
    }

    pub fn epochs(&self) -> u64 {
        self.epochs
    }

    pub fn finish(self) -> Regularity {
        let (first, last) = (self.first.unwrap_or(0), self.last.unwrap_or(0));
        // the most frequent; the shortest of equals
        let interval_ms = self.distances_ms.iter().rev().max_by_key(|(_, count)| **count).map(|(ms, _)| *ms);
        let mut found = Regularity {
            epochs: self.epochs,
            span_s: last.saturating_sub(first) as f64 / NS,
            interval_s: interval_ms.filter(|ms| *ms > 0).map(|ms| ms as f64 / 1e3),
            out_of_order: self.backwards,
            ..Regularity::default()
        };
        let Some(interval_s) = found.interval_s else { return found };
        for (ms, count) in &self.distances_ms {
            let distance_s = *ms as f64 / 1e3;
            if distance_s > interval_s * GAP_INTERVALS {
                found.gap_count += count;
                let missing = (distance_s / interval_s).round() as u64;
                found.missing_epochs =
                    found.missing_epochs.saturating_add(missing.saturating_sub(1).saturating_mul(*count));
            }
        }
        let gaps = self.longest.into_iter().map(|Reverse((distance, after))| Gap {
            after_s: after.saturating_sub(first) as f64 / NS,
            duration_s: distance as f64 / NS,
        });
        // as they are counted above: by whole milliseconds
        found.gaps = gaps.filter(|gap| (gap.duration_s * 1e3).round() / 1e3 > interval_s * GAP_INTERVALS).collect();
        found.gaps.sort_by(|a, b| a.after_s.total_cmp(&b.after_s));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_the_interval_are_found() {
        let mut cadence = Cadence::default();
        for n in (0..100).chain(105..200) {
            // a receiver's clock is not exact
            cadence.push(n * 200_000_000 + (n % 3) * 40);
            cadence.push(n * 200_000_000 + (n % 3) * 40);
        }
        let found = cadence.finish();
        assert_eq!((found.epochs, found.interval_s, found.gap_count, found.missing_epochs), (195, Some(0.2), 1, 5));
        assert_eq!(found.gaps.len(), 1);
        assert!((found.gaps[0].after_s - 19.8).abs() < 1e-6 && (found.gaps[0].duration_s - 1.2).abs() < 1e-6);
        assert!((found.span_s - 39.8).abs() < 1e-6);
    }

    #[test]
    fn hostile_times_are_counted() {
        let mut cadence = Cadence::default();
        for at in [i64::MIN, i64::MAX, 0, i64::MIN, 5, i64::MAX] {
            cadence.push(at);
        }
        assert_eq!(cadence.finish().out_of_order, 3);
        assert_eq!(Cadence::default().finish(), Regularity::default());
    }
}
