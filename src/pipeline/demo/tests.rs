//! What the demo plays goes the whole way of a line: every attack sets its rules off, everyday traffic none.

use std::sync::Arc;

use crate::detect::Detection;
use crate::detect::Detector;
use crate::detect::RuleSet;
use crate::model::EventId;
use crate::model::Timestamp;
use crate::normalize::Config;
use crate::normalize::Normalizer;
use crate::parse::Hint;
use crate::parse::Packs;
use crate::pipeline::demo::Everyday;
use crate::pipeline::demo::scenes;
use crate::pipeline::demo::template::Part;

const ZONE_OFFSET_SECONDS: i32 = 7 * 3600;
const MILLIS: i64 = 1_000_000;
/// 2026-03-02 in Hà Nội: a Monday at 15:00, and the night before at 02:00.
const AFTERNOON: Timestamp = Timestamp(1_772_438_400_000_000_000);
const NIGHT: Timestamp = Timestamp(1_772_391_600_000_000_000);
/// Ten minutes at half the demo's own rate: as long as the correlations look back.
const EVERYDAY_LINES: i64 = 12_000;
const EVERYDAY_GAP_MS: i64 = 50;

/// The way of a line from its text to what it sets off.
struct Way {
    packs: Packs,
    normalizer: Normalizer,
    rules: Arc<RuleSet>,
}

impl Way {
    fn new() -> Way {
        let config = Config { zone_offset_seconds: ZONE_OFFSET_SECONDS, ..Config::default() };
        Way {
            packs: Packs::builtin(),
            normalizer: Normalizer::new(config),
            rules: Arc::new(RuleSet::builtin(ZONE_OFFSET_SECONDS)),
        }
    }

    /// Plays lines in their order into a fresh detector.
    fn play(&self, lines: impl Iterator<Item = (Timestamp, String)>) -> Vec<Detection> {
        let mut detector = Detector::new(Arc::clone(&self.rules));
        let mut found = Vec::new();
        for (number, (received, line)) in (1..).zip(lines) {
            let hint = Hint { received, format: None, zone_offset_seconds: ZONE_OFFSET_SECONDS };
            let mut event = self.packs.parse(&line, &hint);
            self.normalizer.normalize(&mut event, None);
            event.id = EventId(number);
            detector.process(&event, &mut found);
        }
        found
    }
}

#[test]
fn every_attack_sets_off_the_rules_it_names() {
    let way = Way::new();
    let (_, attacks) = scenes::read().expect("well-formed");
    for (attack, seed) in attacks.iter().flat_map(|attack| (0..5).map(move |seed| (attack, seed))) {
        let mut random = fastrand::Rng::with_seed(seed);
        let part = Part::invent(&mut random);
        let mut lines = Vec::new();
        let mut now = AFTERNOON;
        for count in 1..=attack.repeat {
            let last = if count == attack.repeat { attack.last.as_slice() } else { &[] };
            for template in attack.lines.iter().chain(last) {
                lines.push((now, template.fill(now, &part, count, &mut random)));
            }
            now = Timestamp(now.0 + attack.gap_ms as i64 * MILLIS);
        }
        let found = way.play(lines.into_iter());
        assert!(!attack.raises.is_empty(), "`{}` names no rule", attack.name);
        for rule in &attack.raises {
            let ids: Vec<&str> = found.iter().map(|detection| detection.rule.id.as_str()).collect();
            assert!(ids.contains(&rule.as_str()), "`{}` does not set off `{rule}`, only {ids:?}", attack.name);
        }
    }
}

#[test]
fn everyday_traffic_sets_off_nothing_by_day_or_night() {
    let way = Way::new();
    for (seed, start) in [(7, AFTERNOON), (8, NIGHT)] {
        let mut everyday = Everyday::new(seed).expect("well-formed");
        let lines = (0..EVERYDAY_LINES).map(|number| {
            let now = Timestamp(start.0 + number * EVERYDAY_GAP_MS * MILLIS);
            (now, everyday.line(now))
        });
        let found = way.play(lines);
        let raised: Vec<String> =
            found.iter().map(|detection| format!("{} {:?}", detection.rule.id, detection.entity)).collect();
        assert!(raised.is_empty(), "{raised:#?}");
    }
}
