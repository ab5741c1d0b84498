//! What is usual for one source: events an hour, for each hour of a working day and of a day off.
//!
//! 48 hours instead of the 168 of a week: a night or a weekend is known after one of its kind, not after a week, and
//! what differs between two Tuesdays is noise. Each hour is a mean and a mean deviation that forget exponentially, so
//! that a source that grows becomes its new self within two weeks.

use serde::Deserialize;
use serde::Serialize;

/// The hours of a working day and of a day off.
const SLOTS: usize = 48;
/// A new day counts for at least this much.
const WEIGHT_MIN: f32 = 0.15;
/// Only after so many days of a kind a rate is called unusual.
const DAYS_FOR_RATE: u8 = 3;
/// A first day off is expected to bring this share of a working day.
const DAY_OFF_SHARE: f64 = 0.1;
const NANOS_PER_HOUR: i64 = 3_600_000_000_000;

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Hour {
    mean: f32,
    deviation: f32,
    days: u8,
}

/// The usual rates of one source; empty until its first whole hour.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Baseline {
    hours: Vec<Hour>,
}

/// The lowest and highest rate that several neighbouring hours lead one to expect, per hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usual {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) deviation: f64,
}

/// Returns the number of the local hour a time lies in.
pub(super) fn hour_of(nanos: i64, zone_offset_seconds: i32) -> i64 {
    nanos.saturating_add(i64::from(zone_offset_seconds) * 1_000_000_000).div_euclid(NANOS_PER_HOUR)
}

/// Returns when a local hour begins.
pub(super) fn start_of(hour: i64, zone_offset_seconds: i32) -> i64 {
    hour.saturating_mul(NANOS_PER_HOUR).saturating_sub(i64::from(zone_offset_seconds) * 1_000_000_000)
}

/// 1 January 1970 was a Thursday.
fn is_day_off(hour: i64) -> bool {
    matches!((hour.div_euclid(24) + 4).rem_euclid(7), 0 | 6)
}

fn slot_of(hour: i64) -> usize {
    let of_day = usize::try_from(hour.rem_euclid(24)).unwrap_or(0);
    if is_day_off(hour) { of_day + SLOTS / 2 } else { of_day }
}

impl Baseline {
    /// Takes in what a whole hour brought.
    pub(super) fn learn(&mut self, hour: i64, count: u32) {
        if self.hours.len() != SLOTS {
            self.hours = vec![Hour::default(); SLOTS];
        }
        let Some(known) = self.hours.get_mut(slot_of(hour)) else { return };
        let count = count as f32;
        let weight = (1.0 / (f32::from(known.days) + 1.0)).max(WEIGHT_MIN);
        let away = if known.days == 0 { 0.0 } else { (count - known.mean).abs() };
        known.mean += weight * (count - known.mean);
        known.deviation += weight * (away - known.deviation);
        known.days = known.days.saturating_add(1);
    }

    fn known(&self, hour: i64) -> Option<&Hour> {
        self.hours.get(slot_of(hour)).filter(|known| known.days > 0)
    }

    /// Returns the events expected in an hour; for an hour not seen yet, what the other kind of day leads one to expect.
    pub(super) fn expected(&self, hour: i64) -> Option<f64> {
        if let Some(known) = self.known(hour) {
            return Some(f64::from(known.mean));
        }
        let other = self.hours.get((slot_of(hour) + SLOTS / 2) % SLOTS).filter(|known| known.days > 0)?;
        let share = if is_day_off(hour) { DAY_OFF_SHARE } else { 1.0 };
        Some(f64::from(other.mean) * share)
    }

    /// Returns what is usual about a time, from the hours 15 minutes around it, once enough days are known.
    pub(super) fn usual(&self, hours: [i64; 3]) -> Option<Usual> {
        let mut usual = Usual { low: f64::MAX, high: 0.0, deviation: 0.0 };
        for hour in hours {
            let known = self.known(hour).filter(|known| known.days >= DAYS_FOR_RATE)?;
            usual.low = usual.low.min(f64::from(known.mean));
            usual.high = usual.high.max(f64::from(known.mean));
            usual.deviation = usual.deviation.max(f64::from(known.deviation));
        }
        Some(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5 January 1970, a Monday, in hours.
    const MONDAY: i64 = 4 * 24;

    #[test]
    fn nights_and_days_off_have_their_own_rate() {
        let mut baseline = Baseline::default();
        for day in 0..28 {
            for hour in 0..24 {
                let is_busy = day % 7 < 5 && (8..17).contains(&hour);
                baseline.learn(MONDAY + day * 24 + hour, if is_busy { 600 } else { 12 });
            }
        }
        let at = |day: i64, hour: i64| baseline.expected(MONDAY + day * 24 + hour).map(f64::round);
        assert_eq!((at(1, 10), at(1, 3), at(5, 10), at(6, 10)), (Some(600.0), Some(12.0), Some(12.0), Some(12.0)));
        let usual = baseline.usual([MONDAY + 7, MONDAY + 8, MONDAY + 8]).expect("known");
        assert_eq!((usual.low.round(), usual.high.round()), (12.0, 600.0));
    }

    #[test]
    fn an_hour_not_seen_is_guessed_from_the_other_kind_of_day() {
        let mut baseline = Baseline::default();
        assert_eq!(baseline.expected(MONDAY), None);
        baseline.learn(MONDAY + 10, 600);
        assert_eq!(baseline.expected(MONDAY + 24 + 10), Some(600.0));
        assert!((baseline.expected(MONDAY + 5 * 24 + 10).expect("guessed") - 60.0).abs() < 0.1);
        assert_eq!(baseline.expected(MONDAY + 11), None);
        assert_eq!(baseline.usual([MONDAY + 10; 3]), None, "one day is not enough to call a rate unusual");
    }

    #[test]
    fn a_source_that_grows_becomes_its_new_self() {
        let mut baseline = Baseline::default();
        (0..10).for_each(|week| baseline.learn(MONDAY + week * 168, 100));
        (10..40).for_each(|week| baseline.learn(MONDAY + week * 168, 1_000));
        assert!(baseline.expected(MONDAY).expect("known") > 950.0);
    }
}
