//! How far a source's clock is off ours: the median of its last lines, told only where they agree.
//!
//! A line that waited somewhere is late, and a file of old lines is late by something else with every line: only when
//! most samples, taken at least a second apart, say the same it is the clock.

use serde::Deserialize;
use serde::Serialize;

use crate::model::Timestamp;

/// Samples kept of one source.
const SAMPLES_MAX: usize = 31;
/// How far apart the samples are taken, in nanoseconds.
const APART: i64 = 1_000_000_000;
/// Samples may differ by so much and still agree.
const AGREE_MS: i64 = 60_000;
/// What a wrong time zone is a multiple of.
const ZONE_STEP_MS: i64 = 1_800_000;
/// So near a multiple it looks like a zone.
const ZONE_NEAR_MS: i64 = 90_000;

/// The last differences of one source, in milliseconds: the device's time minus ours.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Skew {
    samples: Vec<i64>,
    next: usize,
    last: i64,
}

impl Skew {
    /// Takes a line's two times, now and then.
    pub(super) fn note(&mut self, device: Timestamp, received: Timestamp) {
        if received.0.saturating_sub(self.last) < APART {
            return;
        }
        self.last = received.0;
        let difference = device.millis().saturating_sub(received.millis());
        if let Some(place) = self.samples.get_mut(self.next) {
            *place = difference;
        } else {
            self.samples.push(difference);
        }
        self.next = (self.next + 1) % SAMPLES_MAX;
    }

    /// Returns the median of what was seen, however little that is.
    pub(super) fn median_ms(&self) -> Option<i64> {
        let sorted = self.sorted();
        sorted.get(sorted.len() / 2).copied()
    }

    /// Returns the median when there are enough samples and most of them agree.
    pub(super) fn steady_ms(&self) -> Option<i64> {
        let sorted = self.sorted();
        if sorted.len() < SAMPLES_MAX {
            return None;
        }
        let (tenth, median) = (sorted.len() / 10, *sorted.get(sorted.len() / 2)?);
        let spread = sorted.get(sorted.len() - 1 - tenth)?.saturating_sub(*sorted.get(tenth)?);
        (spread <= AGREE_MS).then_some(median)
    }

    fn sorted(&self) -> Vec<i64> {
        let mut sorted = self.samples.clone();
        sorted.sort_unstable();
        sorted
    }
}

/// Says whether an offset looks like a wrong time zone rather than a clock that runs wild.
pub(super) fn looks_like_zone(offset_ms: i64) -> bool {
    let away = offset_ms.rem_euclid(ZONE_STEP_MS);
    offset_ms.saturating_abs() > ZONE_STEP_MS / 2 && away.min(ZONE_STEP_MS - away) < ZONE_NEAR_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skew(lines: impl Iterator<Item = (i64, i64)>) -> Skew {
        let mut skew = Skew::default();
        lines.for_each(|(device, received)| {
            skew.note(Timestamp::from_millis(device), Timestamp::from_millis(received));
        });
        skew
    }

    #[test]
    fn one_late_line_moves_nothing() {
        let skew = skew((1..=60).map(|n| (n * 2_000 - if n % 9 == 0 { 900_000 } else { 150_000 }, n * 2_000)));
        assert_eq!(skew.steady_ms(), Some(-150_000));
    }

    #[test]
    fn old_lines_and_bursts_say_nothing_of_the_clock() {
        let old = skew((1..=60).map(|n| (n * 300_000, 90_000_000 + n * 2_000)));
        assert_eq!(old.steady_ms(), None);
        let burst = skew((1..=600).map(|n| (n, 90_000_000 + n)));
        assert_eq!((burst.steady_ms(), burst.median_ms()), (None, Some(-90_000_000)));
        assert_eq!(Skew::default().median_ms(), None);
    }

    #[test]
    fn whole_half_hours_look_like_a_zone() {
        for (offset, is_zone) in
            [(-25_200_000, true), (25_190_000, true), (5_400_000, true), (1_000_000, false), (5_000, false), (0, false)]
        {
            assert_eq!(looks_like_zone(offset), is_zone, "{offset}");
        }
    }
}
