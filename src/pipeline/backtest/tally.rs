//! What the matches of a backtest come to: days, entities, examples; bounded whatever the rule.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::detect::Detection;
use crate::model::Event;
use crate::model::Timestamp;
use crate::model::time::civil_from_days;
use crate::wire::rule::BacktestDay;
use crate::wire::rule::BacktestEntity;
use crate::wire::rule::BacktestExample;
use crate::wire::rule::BacktestReport;
use crate::wire::rule::Verdicts;

/// Entities told apart; a rule that is about more is too noisy to be told of by name.
const ENTITIES_MAX: usize = 50_000;
/// Entities told of.
const ENTITIES_TOLD: usize = 20;
/// Entities whose past is looked up.
const PAST_MAX: usize = 1_000;
const EXAMPLES: usize = 10;
const LINE_CHARS: usize = 400;
/// Days of a histogram without gaps.
const DAYS_MAX: i64 = 1_000;

pub(super) struct Tally {
    zone_offset_seconds: i32,
    matches: u64,
    days: BTreeMap<i64, u64>,
    entities: HashMap<(String, String), u64>,
    examples: VecDeque<BacktestExample>,
}

impl Tally {
    pub(super) fn new(zone_offset_seconds: i32) -> Tally {
        Tally {
            zone_offset_seconds,
            matches: 0,
            days: BTreeMap::new(),
            entities: HashMap::new(),
            examples: VecDeque::new(),
        }
    }

    pub(super) fn add(&mut self, detection: &Detection, event: &Event<'_>) {
        self.matches += 1;
        *self.days.entry(self.day_of(detection.timestamp)).or_default() += 1;
        let (field, value) =
            detection.entity.as_ref().map(|entity| (entity.field.clone(), entity.value.clone())).unwrap_or_default();
        let shown = value.clone();
        if self.entities.len() < ENTITIES_MAX || self.entities.contains_key(&(field.clone(), value.clone())) {
            *self.entities.entry((field, value)).or_default() += 1;
        }
        if self.examples.len() == EXAMPLES {
            self.examples.pop_front();
        }
        self.examples.push_back(BacktestExample {
            event: detection.event_id.0,
            events: detection.events.iter().map(|id| id.0).collect(),
            timestamp: detection.timestamp.to_string(),
            entity: shown,
            line: event.raw.chars().take(LINE_CHARS).collect(),
        });
    }

    fn day_of(&self, time: Timestamp) -> i64 {
        (time.seconds() + i64::from(self.zone_offset_seconds)).div_euclid(86_400)
    }

    /// Makes the report; `past` says how the alerts about an entity were closed.
    pub(super) fn finish(self, past: &mut dyn FnMut(&str, &str) -> Verdicts) -> BacktestReport {
        let mut entities: Vec<((String, String), u64)> = self.entities.into_iter().collect();
        entities.sort_by(|(left, less), (right, more)| more.cmp(less).then_with(|| left.cmp(right)));
        let alerts = entities.len() as u64;
        let mut told = Vec::new();
        for (place, ((field, value), matches)) in entities.into_iter().take(PAST_MAX).enumerate() {
            let past = past(&field, &value);
            if place < ENTITIES_TOLD {
                told.push(BacktestEntity { field, value, matches, past });
            }
        }
        BacktestReport {
            matches: self.matches,
            alerts,
            days: without_gaps(&self.days),
            entities: told,
            examples: self.examples.into_iter().rev().collect(),
            ..BacktestReport::default()
        }
    }
}

/// Days without a match are told as well, so that a histogram is true to time.
fn without_gaps(days: &BTreeMap<i64, u64>) -> Vec<BacktestDay> {
    let day = |day: i64, matches: u64| {
        let (year, month, day) = civil_from_days(day);
        BacktestDay { day: format!("{year:04}-{month:02}-{day:02}"), matches }
    };
    match (days.first_key_value(), days.last_key_value()) {
        (Some((first, _)), Some((last, _))) if last - first < DAYS_MAX => {
            (*first..=*last).map(|number| day(number, days.get(&number).copied().unwrap_or(0))).collect()
        }
        _ => days.iter().map(|(number, matches)| day(*number, *matches)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_no_gaps_unless_there_are_too_many() {
        let days = BTreeMap::from([(20_000, 3), (20_002, 1)]);
        let told = without_gaps(&days);
        assert_eq!(told.iter().map(|day| day.matches).collect::<Vec<_>>(), [3, 0, 1]);
        assert_eq!(told[0].day, "2024-10-04");
        assert_eq!(without_gaps(&BTreeMap::from([(0, 1), (20_000, 1)])).len(), 2);
    }
}
