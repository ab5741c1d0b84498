//! Correlation on event time: groups of matches, each with a sorted window; bounded, deterministic, restorable.
//!
//! The outcome depends on the matches and their event times alone. A device clock that runs ahead is held to a few minutes
//! past arrival, so that one wrong clock cannot push everything else out of its window.

mod snapshot;
mod window;

pub use snapshot::RestoreError;

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use self::window::Added;
use self::window::Crossing;
use self::window::Entry;
use self::window::Measure;
use self::window::Window;
use crate::detect::engine::first_text;
use crate::detect::ruleset::CompiledCorrelation;
use crate::detect::ruleset::RuleSet;
use crate::detect::sigma::correlation::CorrelationKind;
use crate::detect::sigma::stable_hash;
use crate::model::Event;
use crate::model::EventId;
use crate::model::Timestamp;

/// Groups one rule may keep; past it those quiet for longest go.
const GROUPS_MAX: usize = 50_000;
/// Matches one rule may keep over all its groups (16 MB); past it groups go as if there were too many.
const ENTRIES_MAX: usize = 500_000;
/// How far behind its group's newest match a match may arrive.
const LATENESS: Duration = Duration::from_secs(300);
/// How far ahead of our clock a device's clock is believed.
const AHEAD_MAX: Duration = Duration::from_secs(300);
/// Events named by a fire; the newest are kept.
const FIRE_EVENTS_MAX: usize = 100;
/// Bytes of a group value that are kept.
const VALUE_BYTES_MAX: usize = 512;
/// Correlations of correlations are followed this deep.
const CHAIN_MAX: usize = 8;

/// A correlation's condition was met.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::detect) struct Fire {
    /// The place of the correlation in its rule set's list of correlations.
    pub correlation: usize,
    /// The group-by fields with their values.
    pub group: Vec<(String, String)>,
    pub events: Vec<EventId>,
    /// Matches in the window, also those whose events are not named.
    pub count: u64,
    /// What was measured: a count, a sum, a percentile.
    pub measured: f64,
    pub first: Timestamp,
    pub last: Timestamp,
}

/// What the correlator counted beside its fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Matches that came too late to count.
    pub late: u64,
    /// Matches without a group-by field, or without the value measured.
    pub ungrouped: u64,
    /// Groups given up because there were too many.
    pub evicted: u64,
}

/// The groups of one correlation.
#[derive(Debug, Default)]
struct Groups {
    windows: HashMap<Vec<String>, Window>,
    /// Matches kept in all of them.
    entries: usize,
}

/// The state of all correlations of a rule set.
#[derive(Debug)]
pub(in crate::detect) struct Correlator {
    measures: Vec<Measure>,
    groups: Vec<Groups>,
    counts: Counts,
}

/// What a correlation looks at: an event that a rule matched, or the fire of another correlation.
enum Subject<'s> {
    Event(&'s Event<'s>),
    Fire(&'s Fire),
}

impl Subject<'_> {
    fn text(&self, field: &str) -> Option<String> {
        match self {
            Subject::Event(event) => first_text(event, field).map(cut),
            Subject::Fire(fire) => fire.group.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone()),
        }
    }

    fn time(&self) -> i64 {
        match self {
            Subject::Event(event) => event.timestamp.min(event.ingested.plus(AHEAD_MAX)).0,
            Subject::Fire(fire) => fire.last.0,
        }
    }

    fn event(&self) -> u64 {
        match self {
            Subject::Event(event) => event.id.0,
            Subject::Fire(fire) => fire.events.last().map_or(0, |event| event.0),
        }
    }
}

/// Cuts a value to what is kept of it, at a character boundary.
fn cut(mut text: String) -> String {
    let mut end = text.len().min(VALUE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// Says whether a device's clock runs so far ahead that the event counts as later than it says.
pub fn is_ahead(event: &Event<'_>) -> bool {
    event.timestamp > event.ingested.plus(AHEAD_MAX)
}

/// Returns how far back what came before still decides what the correlations of a rule set do: zero without any.
pub fn reach(set: &RuleSet) -> Duration {
    // Twice: what fired keeps its group quiet for another span.
    let spans = set.correlations().iter().map(|compiled| compiled.source.timespan * 2 + LATENESS);
    spans.fold(Duration::ZERO, Duration::saturating_add)
}

impl Correlator {
    /// Starts without any matches.
    pub(in crate::detect) fn new(ruleset: &RuleSet) -> Correlator {
        let measures: Vec<Measure> = ruleset.correlations().iter().map(measure_of).collect();
        let groups = measures.iter().map(|_| Groups::default()).collect();
        Correlator { measures, groups, counts: Counts::default() }
    }

    /// Returns what was counted since the start.
    pub(in crate::detect) fn counts(&self) -> Counts {
        self.counts
    }

    /// Returns how many groups are kept.
    pub(in crate::detect) fn group_count(&self) -> usize {
        self.groups.iter().map(|groups| groups.windows.len()).sum()
    }

    /// Takes the match of a rule and adds what it sets off to `fires`.
    pub(in crate::detect) fn observe(&mut self, set: &RuleSet, rule: usize, event: &Event<'_>, fires: &mut Vec<Fire>) {
        let first = fires.len();
        for (correlation, position) in set.correlations_of_rule(rule) {
            fires.extend(self.add(set, *correlation, *position, &Subject::Event(event)));
        }
        self.follow(set, first, fires);
    }

    /// Hands fires on to the correlations of correlations.
    fn follow(&mut self, set: &RuleSet, first: usize, fires: &mut Vec<Fire>) {
        let mut from = first;
        for _ in 0..CHAIN_MAX {
            let to = fires.len();
            if from == to {
                return;
            }
            for place in from..to {
                let Some(fire) = fires.get(place).cloned() else { continue };
                for (correlation, position) in set.correlations_of_correlation(fire.correlation) {
                    fires.extend(self.add(set, *correlation, *position, &Subject::Fire(&fire)));
                }
            }
            from = to;
        }
    }

    fn add(&mut self, set: &RuleSet, index: usize, position: u16, subject: &Subject<'_>) -> Option<Fire> {
        let compiled = set.correlations().get(index)?;
        let measure = self.measures.get(index)?;
        let groups = self.groups.get_mut(index)?;
        let key: Option<Vec<String>> =
            compiled.group_fields.iter().map(|fields| subject.text(fields.get(usize::from(position))?)).collect();
        let value = value_of(compiled, measure.kind, position, subject);
        let (Some(key), Some(value)) = (key, value) else {
            self.counts.ungrouped += 1;
            return None;
        };
        let is_full = groups.windows.len() >= GROUPS_MAX && !groups.windows.contains_key(&key);
        if is_full || groups.entries >= ENTRIES_MAX {
            self.counts.evicted += groups.evict(measure);
        }
        let entry = Entry { time: subject.time(), event: subject.event(), rule: position, value };
        let window = groups.windows.entry_ref(&key).or_default();
        let before = window.len();
        let added = window.add(entry, measure);
        groups.entries = (groups.entries + window.len()).saturating_sub(before);
        match added {
            Added::Quiet => None,
            Added::Late => {
                self.counts.late += 1;
                None
            }
            Added::Crossed(crossing) => {
                let names = compiled.source.group_by.iter().cloned();
                Some(fire(index, names.zip(key).collect(), &crossing))
            }
        }
    }
}

fn measure_of(compiled: &Arc<CompiledCorrelation>) -> Measure {
    let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX / 4);
    Measure {
        kind: compiled.source.kind,
        bounds: compiled.source.bounds.clone(),
        timespan: nanos(compiled.source.timespan),
        lateness: nanos(LATENESS),
        rules: u16::try_from(compiled.source.rules.len()).unwrap_or(u16::MAX),
    }
}

/// Returns what the correlation measures of a match; `None` when the match does not have it.
fn value_of(
    compiled: &CompiledCorrelation,
    kind: CorrelationKind,
    position: u16,
    subject: &Subject<'_>,
) -> Option<u64> {
    let mut values = compiled
        .value_fields
        .iter()
        .map(|fields| fields.get(usize::from(position)).and_then(|field| subject.text(field)));
    match kind {
        CorrelationKind::EventCount | CorrelationKind::Temporal | CorrelationKind::TemporalOrdered => Some(0),
        CorrelationKind::ValueCount => {
            let values: Option<Vec<String>> = values.collect();
            Some(stable_hash(values?.join("\u{1f}").as_bytes()))
        }
        CorrelationKind::ValueSum | CorrelationKind::ValueAvg | CorrelationKind::ValuePercentile(_) => {
            let number: f64 = values.next()??.trim().parse().ok()?;
            number.is_finite().then(|| number.to_bits())
        }
    }
}

impl Groups {
    fn new(windows: HashMap<Vec<String>, Window>) -> Groups {
        let entries = windows.values().map(Window::len).sum();
        Groups { windows, entries }
    }

    /// Makes room: groups whose span is over go; if that is not a tenth, those quiet for longest go with them.
    /// Returns how many went before their time.
    fn evict(&mut self, measure: &Measure) -> u64 {
        let before = self.windows.len();
        let newest = self.windows.values().map(Window::newest).max().unwrap_or(i64::MIN);
        let horizon = newest.saturating_sub(measure.timespan + measure.lateness);
        self.windows.retain(|_, window| window.newest() >= horizon);
        let expired = before - self.windows.len();
        let wanted = (before / 10).max(1);
        let mut early = 0;
        if expired < wanted {
            let mut order: Vec<(i64, Vec<String>)> =
                self.windows.iter().map(|(key, window)| (window.newest(), key.clone())).collect();
            order.sort_unstable();
            for (_, key) in order.iter().take(wanted - expired) {
                self.windows.remove(key);
                early += 1;
            }
        }
        self.entries = self.windows.values().map(Window::len).sum();
        early
    }
}

fn fire(correlation: usize, group: Vec<(String, String)>, crossing: &Crossing) -> Fire {
    let entries = &crossing.entries;
    let skipped = entries.len().saturating_sub(FIRE_EVENTS_MAX);
    let time = |entry: Option<&Entry>| Timestamp(entry.map_or(0, |entry| entry.time));
    Fire {
        correlation,
        group,
        events: entries.iter().skip(skipped).map(|entry| EventId(entry.event)).collect(),
        count: entries.len() as u64,
        measured: crossing.measured,
        first: time(entries.first()),
        last: time(entries.last()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::sigma::correlation::Bound;
    use crate::detect::sigma::value::CompareOp;

    #[test]
    fn when_full_the_groups_quiet_for_longest_go() {
        let measure = Measure {
            kind: CorrelationKind::EventCount,
            bounds: vec![Bound { op: CompareOp::GreaterOrEqual, value: 9.0 }],
            timespan: 100,
            lateness: 0,
            rules: 1,
        };
        let mut groups = Groups::default();
        for number in 0..50_i64 {
            let entry = Entry { time: number, event: 0, rule: 0, value: 0 };
            let added = groups.windows.entry(vec![number.to_string()]).or_default().add(entry, &measure);
            assert_eq!(added, Added::Quiet);
        }
        assert_eq!(groups.evict(&measure), 5);
        assert_eq!((groups.windows.len(), groups.entries), (45, 45));
        assert!(!groups.windows.contains_key(&vec!["4".to_owned()]));
        assert!(groups.windows.contains_key(&vec!["5".to_owned()]));
        let entry = Entry { time: 140, event: 0, rule: 0, value: 0 };
        assert_eq!(groups.windows.entry(vec!["5".to_owned()]).or_default().add(entry, &measure), Added::Quiet);
        assert_eq!(groups.evict(&measure), 0, "those whose span is over make room enough");
        assert_eq!(groups.windows.len(), 11);
    }
}
