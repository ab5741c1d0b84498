//! What one rule may cost and raise, so that one mistake in a rule never becomes everybody's: a rule that raises too much is
//! counted instead of raised, a rule that takes too long is not asked for every event. Both are told by name and number.

use std::time::Duration;
use std::time::Instant;

use hashbrown::HashMap;

use crate::model::Timestamp;

/// How much one rule may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Detections of one rule within a minute of arrival; more are counted only.
    pub detections_a_minute: u32,
    /// The time one rule may take for an event, on average over all events.
    pub time_an_event: Duration,
}

impl Limits {
    /// What a running server grants: an analyst reads no five thousand detections a minute, and twenty microseconds of one rule
    /// are more than all others take together.
    pub const STANDARD: Limits = Limits { detections_a_minute: 5_000, time_an_event: Duration::from_micros(20) };
}

/// A rule that met a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strain {
    pub rule: String,
    /// Detections that were counted only, since the start.
    pub suppressed: u64,
    /// Events for which the rule was not asked though it might have matched, since the start.
    pub skipped: u64,
    /// It raises too much at this time.
    pub is_noisy: bool,
    /// It takes too long at this time: of so many events it is asked for one.
    pub one_in: u32,
}

/// Counts detections by rule and minute.
#[derive(Debug)]
pub(super) struct Storms {
    limit: u32,
    minute: i64,
    /// By place of the rule, or of the correlation.
    counts: HashMap<(bool, usize), u32>,
}

impl Storms {
    pub(super) fn new(limit: u32) -> Storms {
        Storms { limit, minute: i64::MIN, counts: HashMap::new() }
    }

    /// Says whether a detection of the rule may be raised. The minute is that of arrival, so that a replay counts alike.
    pub(super) fn admit(&mut self, is_correlation: bool, place: usize, arrived: Timestamp) -> bool {
        let minute = arrived.0.div_euclid(60_000_000_000);
        if minute != self.minute {
            self.minute = minute;
            self.counts.clear();
        }
        let count = self.counts.entry((is_correlation, place)).or_default();
        *count = count.saturating_add(1);
        *count <= self.limit
    }

    /// Says whether the rule is over its limit in this minute.
    pub(super) fn is_over(&self, is_correlation: bool, place: usize) -> bool {
        self.counts.get(&(is_correlation, place)).is_some_and(|count| *count > self.limit)
    }

    /// Forgets the counts: places mean other rules from now on.
    pub(super) fn restart(&mut self) {
        self.counts.clear();
    }
}

/// Events over which costs are added up before they are judged.
const WINDOW: u32 = 16_384;
/// Every so manieth evaluation of a rule is timed.
const TIMED: u32 = 8;
/// Timings needed for a judgement; the longest is left out, since the thread may have been interrupted just then.
const TIMINGS_MIN: u32 = 4;
/// A rule is asked for one of so many events at least.
const ONE_IN_MAX: u64 = 1_000;

/// What one rule cost in the window.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    asked: u32,
    timed: u32,
    nanos: u64,
    longest: u64,
    /// Of so many events the rule is asked for one; 0 is every event.
    one_in: u32,
    skipped: u64,
}

/// Where the time comes from; a test brings its own.
type Now = fn() -> u64;

/// Adds up what each rule costs, sampled, and slows down those that cost too much.
#[derive(Debug)]
pub(super) struct Meter {
    limit: u64,
    now: Now,
    events: u32,
    costs: Vec<Cost>,
    /// The rules asked in this window, and those that are slowed down.
    touched: Vec<usize>,
}

/// What to do with a rule that was set off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Skip,
    Ask,
    /// Ask, and say how long it took: it began at this time.
    Time(u64),
}

fn monotonic() -> u64 {
    use std::sync::OnceLock;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

impl Meter {
    pub(super) fn new(limit: Duration) -> Meter {
        Meter { limit: limit.as_nanos() as u64, now: monotonic, events: 0, costs: Vec::new(), touched: Vec::new() }
    }

    /// Begins with other rules.
    pub(super) fn restart(&mut self) {
        self.costs.clear();
        self.touched.clear();
        self.events = 0;
    }

    /// Notes that an event was judged; says whether a window is full.
    #[inline]
    pub(super) fn event(&mut self) {
        self.events += 1;
        if self.events >= WINDOW {
            self.judge();
        }
    }

    /// Decides about a rule that was set off.
    #[inline]
    pub(super) fn turn(&mut self, rule: usize) -> Turn {
        if self.costs.len() <= rule {
            self.costs.resize(rule + 1, Cost::default());
        }
        let Some(cost) = self.costs.get_mut(rule) else { return Turn::Ask };
        cost.asked += 1;
        if cost.asked == 1 && cost.one_in == 0 {
            self.touched.push(rule);
        }
        if cost.one_in > 1 && cost.asked % cost.one_in != 0 {
            cost.skipped += 1;
            return Turn::Skip;
        }
        if cost.one_in > 1 || cost.asked % TIMED == 0 { Turn::Time((self.now)()) } else { Turn::Ask }
    }

    /// Notes how long an evaluation took that began at `began`.
    pub(super) fn took(&mut self, rule: usize, began: u64) {
        let nanos = (self.now)().saturating_sub(began);
        if let Some(cost) = self.costs.get_mut(rule) {
            cost.timed += 1;
            cost.nanos += nanos;
            cost.longest = cost.longest.max(nanos);
        }
    }

    #[cold]
    fn judge(&mut self) {
        let allowed = self.limit.saturating_mul(u64::from(self.events));
        let costs = &mut self.costs;
        self.touched.retain(|rule| {
            let Some(cost) = costs.get_mut(*rule) else { return false };
            let usual = (cost.nanos - cost.longest) / u64::from(cost.timed.saturating_sub(1).max(1));
            let all = usual.saturating_mul(u64::from(cost.asked));
            let one_in = if all > allowed { all.div_ceil(allowed.max(1)).min(ONE_IN_MAX) as u32 } else { 0 };
            if cost.timed >= TIMINGS_MIN || cost.asked < TIMED * TIMINGS_MIN {
                cost.one_in = one_in;
            }
            *cost = Cost { one_in: cost.one_in, skipped: cost.skipped, ..Cost::default() };
            cost.one_in > 0
        });
        self.events = 0;
    }

    /// Goes through the rules that are slowed down or were: place, events skipped, and of how many it is asked for one.
    pub(super) fn slowed(&self) -> impl Iterator<Item = (usize, u64, u32)> {
        let slowed = |cost: &Cost| cost.one_in > 1 || cost.skipped > 0;
        self.costs
            .iter()
            .enumerate()
            .filter(move |(_, cost)| slowed(cost))
            .map(|(rule, cost)| (rule, cost.skipped, cost.one_in))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_rule_raises_so_many_a_minute_and_others_are_not_touched() {
        let mut storms = Storms::new(3);
        let at = |seconds: i64| Timestamp::from_seconds(seconds, 0);
        let admitted = (0..10).filter(|_| storms.admit(false, 7, at(59))).count();
        assert_eq!(admitted, 3);
        assert!(storms.is_over(false, 7));
        assert!(storms.admit(false, 8, at(59)) && storms.admit(true, 7, at(59)));
        assert!(storms.admit(false, 7, at(60)), "the next minute begins anew");
        assert!(!storms.is_over(false, 7));
    }

    thread_local! {
        static TIME: Cell<u64> = const { Cell::new(0) };
    }

    /// Runs a window of events, each of which sets a rule off that takes so long; returns how often it was asked.
    fn window(meter: &mut Meter, rule: usize, nanos: u64) -> u32 {
        let mut asked = 0;
        for _ in 0..WINDOW {
            match meter.turn(rule) {
                Turn::Skip => {}
                turn => {
                    asked += 1;
                    TIME.set(TIME.get() + nanos);
                    if let Turn::Time(began) = turn {
                        meter.took(rule, began);
                    }
                }
            }
            meter.event();
        }
        asked
    }

    #[test]
    fn a_costly_rule_is_asked_less_often_until_it_costs_less() {
        let mut meter = Meter::new(Duration::from_micros(20));
        meter.now = || TIME.get();
        assert_eq!(window(&mut meter, 3, 90_000), WINDOW, "nothing is known yet");
        assert_eq!(meter.slowed().collect::<Vec<_>>(), [(3, 0, 5)]);
        assert_eq!(window(&mut meter, 3, 90_000), WINDOW / 5);
        assert_eq!(window(&mut meter, 4, 1_000), WINDOW, "another rule is asked always");
        assert_eq!(meter.slowed().collect::<Vec<_>>(), [(3, u64::from(WINDOW - WINDOW / 5), 0)], "its events are over");
        assert_eq!(window(&mut meter, 3, 1_000), WINDOW);
        assert_eq!(meter.slowed().map(|(_, _, one_in)| one_in).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn one_interruption_is_no_costly_rule() {
        let mut meter = Meter::new(Duration::from_micros(20));
        meter.now = || TIME.get();
        for number in 0..WINDOW {
            if let Turn::Time(began) = meter.turn(0) {
                TIME.set(TIME.get() + if number == TIMED * 9 - 1 { 5_000_000_000 } else { 100 });
                meter.took(0, began);
            }
            meter.event();
        }
        assert_eq!(meter.slowed().count(), 0);
    }
}
