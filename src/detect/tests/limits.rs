//! The detector in hard times: a rule that raises too much, and rules that are replaced while events flow.

use std::time::Duration;

use super::*;

const LOUD: &str =
    "title: Loud\nid: loud\nlogsource: {product: x}\ndetection: {a: {F|startswith: noise}, condition: a}\n";
const RARE: &str = "title: Rare\nid: rare\nlogsource: {product: x}\ndetection: {a: {F|endswith: '7'}, condition: a}\n";
const MANY: &str = "title: Many\nid: many\ncorrelation:\n  type: event_count\n  rules: [rare]\n  generate: true\n  group-by: [G]\n  timespan: 60s\n  condition: {gte: 3}\n";

/// An event a second, arriving when it happens.
fn arriving(id: u64) -> Event<'static> {
    let mut event = event(&format!(r#"{{"F": "noise {id}", "G": "g{}"}}"#, id % 2));
    let at = Timestamp::from_seconds(i64::try_from(id).expect("small"), 0);
    (event.id, event.timestamp, event.ingested) = (EventId(id), at, at);
    event
}

fn run(detector: &mut Detector, ids: std::ops::Range<u64>) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    ids.for_each(|id| detector.process(&arriving(id), &mut found));
    found.into_iter().map(|detection| (detection.rule.id.clone(), detection.event_id.0)).collect()
}

fn count(found: &[(String, u64)], rule: &str) -> usize {
    found.iter().filter(|(id, _)| id == rule).count()
}

#[test]
fn a_loud_rule_is_counted_and_the_others_raise_as_ever() {
    let (set, problems) = set_of(&[LOUD, RARE, MANY]);
    assert_eq!(problems, Vec::<String>::new());
    let free = run(&mut Detector::new(Arc::clone(&set)), 0..120);
    let limits = Limits { detections_a_minute: 10, time_an_event: Duration::from_secs(1) };
    let mut detector = Detector::limited(Arc::clone(&set), limits);
    let mut found = run(&mut detector, 0..60);
    assert!(detector.strains()[0].is_noisy);
    found.extend(run(&mut detector, 60..120));
    assert_eq!((count(&free, "loud"), count(&found, "loud")), (120, 20));
    for rule in ["rare", "many"] {
        assert_eq!(count(&free, rule), count(&found, rule), "{rule}");
    }
    assert!(count(&found, "many") > 0);
    let strain = |is_noisy| Strain { rule: "loud".to_owned(), suppressed: 100, skipped: 0, is_noisy, one_in: 1 };
    assert_eq!(detector.strains(), [strain(true)]);
    detector.swap(set);
    assert_eq!(detector.strains(), [strain(false)], "what was left out stays told");
}

#[test]
fn no_event_is_missed_or_counted_twice_while_rules_are_replaced() {
    let other = "title: Other\nid: other\nlogsource: {product: x}\ndetection: {a: {F: none}, condition: a}\n";
    let (set, _) = set_of(&[LOUD, RARE, MANY]);
    // The same rules at other places, beside one that comes and goes.
    let (moved, _) = set_of(&[other, MANY, RARE, LOUD]);
    let mut still = run(&mut Detector::new(Arc::clone(&set)), 0..3_000);
    let mut detector = Detector::limited(Arc::clone(&set), Limits::STANDARD);
    let mut found = Vec::new();
    for (turn, from) in (0..3_000).step_by(37).enumerate() {
        found.extend(run(&mut detector, from..(from + 37).min(3_000)));
        detector.swap(if turn % 2 == 0 { Arc::clone(&moved) } else { Arc::clone(&set) });
    }
    still.sort();
    found.sort();
    assert_eq!(found, still);
    assert_eq!(count(&found, "loud"), 3_000);
}
