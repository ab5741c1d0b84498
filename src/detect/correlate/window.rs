//! The matches of one group within a span of event time, kept sorted, so that lateness does not change the outcome.

use std::collections::VecDeque;

use hashbrown::HashSet;
use serde::Deserialize;
use serde::Serialize;

use crate::detect::sigma::correlation::Bound;
use crate::detect::sigma::correlation::CorrelationKind;
use crate::detect::sigma::value::CompareOp;

/// Matches kept of one group; the oldest go first. A threshold beyond it raises the limit.
const ENTRIES_MAX: usize = 2_000;
/// Matches of one group from which on an older one of the same value goes, where only different values count.
const REPEATED_MAX: usize = 128;

/// One match.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Event time in nanoseconds.
    pub(super) time: i64,
    pub(super) event: u64,
    /// Which of the correlation's rules matched.
    pub(super) rule: u16,
    /// The hash of the value counted, or the bits of the number measured.
    pub(super) value: u64,
}

/// How a correlation measures, in nanoseconds.
#[derive(Debug, Clone)]
pub(super) struct Measure {
    pub(super) kind: CorrelationKind,
    pub(super) bounds: Vec<Bound>,
    pub(super) timespan: i64,
    /// How far behind the newest match of its group a match may come and still count.
    pub(super) lateness: i64,
    pub(super) rules: u16,
}

/// What a window that satisfied the condition held.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Crossing {
    pub(super) entries: Vec<Entry>,
    pub(super) measured: f64,
}

/// The state of one group.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Window {
    entries: VecDeque<Entry>,
    /// The end of the window that fired last.
    fired: Option<i64>,
}

impl Measure {
    /// Returns how many entries a window keeps.
    fn entries_max(&self) -> usize {
        let threshold = self.bounds.iter().map(|bound| bound.value).fold(0.0, f64::max);
        if threshold.is_finite() && threshold < 1_000_000.0 {
            ENTRIES_MAX.max(threshold as usize + 1)
        } else {
            ENTRIES_MAX
        }
    }

    fn holds(&self, measured: f64) -> bool {
        match self.kind {
            CorrelationKind::Temporal | CorrelationKind::TemporalOrdered if self.bounds.is_empty() => {
                measured >= f64::from(self.rules)
            }
            _ => self.bounds.iter().all(|bound| bound.op.holds(measured, bound.value)),
        }
    }

    /// The least number of entries that can satisfy the condition, so that most windows need no measuring.
    fn entries_min(&self) -> usize {
        match self.kind {
            CorrelationKind::EventCount | CorrelationKind::ValueCount => {
                let least = |bound: &Bound| match bound.op {
                    CompareOp::Equal | CompareOp::Greater | CompareOp::GreaterOrEqual => bound.value as usize,
                    CompareOp::Less | CompareOp::LessOrEqual => 0,
                };
                self.bounds.iter().map(least).max().unwrap_or(1).max(1)
            }
            CorrelationKind::Temporal | CorrelationKind::TemporalOrdered if self.bounds.is_empty() => {
                usize::from(self.rules)
            }
            _ => 1,
        }
    }

    fn of(&self, entries: &[Entry]) -> f64 {
        let numbers = || entries.iter().map(|entry| f64::from_bits(entry.value));
        match self.kind {
            CorrelationKind::EventCount => entries.len() as f64,
            CorrelationKind::ValueCount => distinct(entries.iter().map(|entry| entry.value)) as f64,
            CorrelationKind::ValueSum => numbers().sum(),
            CorrelationKind::ValueAvg => numbers().sum::<f64>() / entries.len().max(1) as f64,
            CorrelationKind::ValuePercentile(percentile) => {
                let mut sorted: Vec<f64> = numbers().collect();
                sorted.sort_unstable_by(f64::total_cmp);
                // Nearest rank: the smallest value with at least that share of values at or below it.
                let rank = (percentile / 100.0 * sorted.len() as f64).ceil().max(1.0) as usize;
                sorted.get(rank - 1).copied().unwrap_or(0.0)
            }
            CorrelationKind::Temporal => distinct(entries.iter().map(|entry| u64::from(entry.rule))) as f64,
            CorrelationKind::TemporalOrdered => {
                entries.iter().fold(0_u16, |next, entry| next + u16::from(entry.rule == next)).into()
            }
        }
    }
}

fn distinct(values: impl Iterator<Item = u64>) -> usize {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values.dedup();
    values.len()
}

/// What became of a match that was added.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Added {
    /// It came too late to count.
    Late,
    /// It counts, and nothing crossed the threshold.
    Quiet,
    /// A window ending here or later crossed it.
    Crossed(Crossing),
}

impl Window {
    /// Returns the time of the newest match.
    pub(super) fn newest(&self) -> i64 {
        self.entries.back().map_or(i64::MIN, |entry| entry.time)
    }

    /// Returns how many matches are kept.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds a match and says whether a window now satisfies the condition.
    ///
    /// A group that fired stays quiet for one timespan: what follows belongs to the same burst. If the condition still
    /// holds after that, it fires again.
    pub(super) fn add(&mut self, entry: Entry, measure: &Measure) -> Added {
        let newest = self.newest();
        if newest != i64::MIN && entry.time < newest.saturating_sub(measure.timespan + measure.lateness) {
            return Added::Late;
        }
        self.forget_repeated(entry, measure.kind);
        // Equal times keep the order of arrival.
        let place = self.entries.partition_point(|have| have.time <= entry.time);
        self.entries.insert(place, entry);
        let horizon = self.newest().saturating_sub(measure.timespan + measure.lateness);
        while self.entries.front().is_some_and(|oldest| oldest.time < horizon)
            || self.entries.len() > measure.entries_max()
        {
            self.entries.pop_front();
        }
        self.entries.make_contiguous();
        self.crossing(entry, measure).map_or(Added::Quiet, Added::Crossed)
    }

    /// Looks at every window that ends at the new match or, where it came late, at a match that follows within the span.
    fn crossing(&mut self, entry: Entry, measure: &Measure) -> Option<Crossing> {
        let (entries, _) = self.entries.as_slices();
        let first_end = entries.partition_point(|have| have.time < entry.time);
        for end in first_end..entries.len() {
            let end_time = entries[end].time;
            if end_time > entry.time.saturating_add(measure.timespan) {
                break;
            }
            // Of several matches at one time only the last is an end: windows are sets of times, not of arrivals.
            if entries.get(end + 1).is_some_and(|next| next.time == end_time) {
                continue;
            }
            let is_quiet = self.fired.is_some_and(|fired| fired.abs_diff(end_time) < measure.timespan.unsigned_abs());
            if is_quiet {
                continue;
            }
            let start = entries.partition_point(|have| have.time < end_time.saturating_sub(measure.timespan));
            let inside = &entries[start..=end];
            if inside.len() < measure.entries_min() {
                continue;
            }
            let measured = measure.of(inside);
            if measure.holds(measured) {
                let crossing = Crossing { entries: named(inside, measure.kind), measured };
                self.fired = Some(end_time);
                return Some(crossing);
            }
        }
        None
    }

    /// Where only distinct values count, an older match of the same value adds nothing to windows that end from now on, only to
    /// those a late match may still complete: dropping it keeps a busy group small.
    fn forget_repeated(&mut self, entry: Entry, kind: CorrelationKind) {
        if self.entries.len() < REPEATED_MAX {
            return;
        }
        let is_repeated = |have: &Entry| counts_as(kind, have) == counts_as(kind, &entry) && have.time <= entry.time;
        if counts_as(kind, &entry).is_some()
            && let Some(place) = self.entries.iter().position(is_repeated)
        {
            self.entries.remove(place);
        }
    }
}

/// What a match is told from others by, where only distinct ones count.
fn counts_as(kind: CorrelationKind, entry: &Entry) -> Option<u64> {
    match kind {
        CorrelationKind::ValueCount => Some(entry.value),
        CorrelationKind::Temporal => Some(u64::from(entry.rule)),
        _ => None,
    }
}

/// Returns the matches a fire names: all of the window, or the newest of each where only distinct ones count.
fn named(inside: &[Entry], kind: CorrelationKind) -> Vec<Entry> {
    let mut seen = HashSet::new();
    let mut named: Vec<Entry> = inside
        .iter()
        .rev()
        .filter(|entry| counts_as(kind, entry).is_none_or(|value| seen.insert(value)))
        .copied()
        .collect();
    named.reverse();
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn measure(kind: CorrelationKind, threshold: f64) -> Measure {
        let bounds = vec![Bound { op: CompareOp::GreaterOrEqual, value: threshold }];
        Measure { kind, bounds, timespan: 60 * SECOND, lateness: 30 * SECOND, rules: 2 }
    }

    fn entry(second: i64, rule: u16, value: u64) -> Entry {
        Entry { time: second * SECOND, event: second.unsigned_abs(), rule, value }
    }

    /// Adds matches and returns the seconds of those at which a window crossed.
    fn crossings(measure: &Measure, entries: &[Entry]) -> Vec<i64> {
        let mut window = Window::default();
        let crossed = |entry: &&Entry| matches!(window.add(**entry, measure), Added::Crossed(_));
        entries.iter().filter(crossed).map(|entry| entry.time / SECOND).collect()
    }

    #[test]
    fn events_are_counted_within_the_span() {
        let three = measure(CorrelationKind::EventCount, 3.0);
        let at = |seconds: &[i64]| seconds.iter().map(|second| entry(*second, 0, 0)).collect::<Vec<_>>();
        assert_eq!(crossings(&three, &at(&[0, 30, 60])), [60], "both ends count");
        assert_eq!(crossings(&three, &at(&[0, 30, 61])), Vec::<i64>::new());
        assert_eq!(crossings(&three, &at(&[0, 1, 2, 3, 4, 5])), [2], "a burst fires once");
        assert_eq!(crossings(&three, &at(&[0, 1, 2, 30, 59, 62, 63])), [2, 62], "what goes on fires again");
    }

    #[test]
    fn late_matches_count_where_they_belong() {
        let three = measure(CorrelationKind::EventCount, 3.0);
        let at = |seconds: &[i64]| seconds.iter().map(|second| entry(*second, 0, 0)).collect::<Vec<_>>();
        assert_eq!(crossings(&three, &at(&[10, 70, 30])), [30], "the late one completes the window ending at 70");
        assert_eq!(crossings(&three, &at(&[20, 30, 100, 75])), [75], "a window that ended before");
        let mut window = Window::default();
        window.add(entry(200, 0, 0), &three);
        assert_eq!(window.add(entry(100, 0, 0), &three), Added::Late);
        assert_eq!(window.add(entry(110, 0, 0), &three), Added::Quiet);
    }

    #[test]
    fn distinct_values_and_rules_are_counted() {
        let two = measure(CorrelationKind::ValueCount, 2.0);
        assert_eq!(crossings(&two, &[entry(0, 0, 7), entry(1, 0, 7), entry(2, 0, 8)]), [2]);
        assert_eq!(crossings(&two, &[entry(0, 0, 7), entry(1, 0, 7)]), Vec::<i64>::new());
        let late = [entry(10, 0, 7), entry(75, 0, 7), entry(20, 0, 8)];
        assert_eq!(crossings(&two, &late), [20], "a late one meets the older of two");
        let all = Measure { bounds: Vec::new(), ..measure(CorrelationKind::Temporal, 0.0) };
        assert_eq!(crossings(&all, &[entry(0, 1, 0), entry(5, 1, 0), entry(9, 0, 0)]), [9]);
        let ordered = Measure { bounds: Vec::new(), ..measure(CorrelationKind::TemporalOrdered, 0.0) };
        assert_eq!(crossings(&ordered, &[entry(0, 1, 0), entry(5, 0, 0)]), Vec::<i64>::new());
        assert_eq!(crossings(&ordered, &[entry(0, 0, 0), entry(5, 1, 0)]), [5]);
    }

    #[test]
    fn numbers_are_summed_averaged_and_ranked() {
        let numbers = [entry(0, 0, 10_f64.to_bits()), entry(1, 0, 20_f64.to_bits()), entry(2, 0, 60_f64.to_bits())];
        for (kind, threshold, want) in [
            (CorrelationKind::ValueSum, 90.0, vec![2]),
            (CorrelationKind::ValueSum, 91.0, vec![]),
            (CorrelationKind::ValueAvg, 15.0, vec![1]),
            (CorrelationKind::ValuePercentile(50.0), 20.0, vec![2]),
            (CorrelationKind::ValuePercentile(99.0), 60.0, vec![2]),
        ] {
            assert_eq!(crossings(&measure(kind, threshold), &numbers), want, "{kind:?} {threshold}");
        }
    }

    #[test]
    fn a_busy_group_keeps_one_match_of_each_value() {
        let three = measure(CorrelationKind::ValueCount, 3.0);
        let mut window = Window::default();
        for number in 0..2_000_u64 {
            assert_eq!(window.add(entry(1, 0, number % 2), &three), Added::Quiet);
        }
        assert!(window.len() <= REPEATED_MAX);
        let Added::Crossed(crossing) = window.add(entry(2, 0, 2), &three) else { panic!("three values") };
        assert_eq!((crossing.entries.len(), crossing.measured), (3, 3.0), "each value is named once");
    }

    #[test]
    fn a_group_keeps_a_bounded_number() {
        let high = measure(CorrelationKind::EventCount, 5_000.0);
        let mut window = Window::default();
        let crossed = (0..20_000).filter(|_| matches!(window.add(entry(1, 0, 0), &high), Added::Crossed(_))).count();
        assert_eq!((crossed, window.entries.len()), (1, 5_001));
    }
}
