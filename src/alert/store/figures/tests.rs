//! The figures of a period, on a real file.

use std::sync::Arc;

use super::*;
use crate::alert::Action;
use crate::alert::Actor;
use crate::alert::NewDetection;
use crate::alert::Policy;
use crate::alert::store::FILE_NAME;
use crate::model::AlertId;
use crate::model::EventId;
use crate::model::time::Clock as _;
use crate::model::time::ManualClock;

const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

fn detection(rule: &str, level: RuleLevel, event: u64) -> NewDetection {
    NewDetection {
        rule_id: rule.to_owned(),
        title: format!("Title of {rule}"),
        level,
        entity: format!("10.0.0.{event}"),
        event_ids: vec![EventId(event)],
        ..NewDetection::default()
    }
}

#[test]
fn a_period_is_told_by_level_day_rule_and_analyst() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let store = AlertStore::open(&folder.path().join(FILE_NAME), Policy::DEFAULT, clock.clone()).unwrap();
    let minutes = |count: u64| Duration::from_secs(count * 60);
    let wait = |span| clock.set(clock.now().plus(span));
    let raise = |rule, level, event| {
        store.commit(&[detection(rule, level, event)], EventId(event), None).unwrap();
    };
    let close = |id, disposition| {
        let action = Action::Close { disposition, note: Some("xong".to_owned()) };
        store.act(AlertId(id), &action, &Actor::analyst("an"), None).unwrap();
    };
    raise("brute", RuleLevel::High, 1);
    wait(minutes(4));
    store.act(AlertId(1), &Action::Take, &Actor::analyst("ha"), None).unwrap();
    raise("brute", RuleLevel::High, 2);
    wait(minutes(6));
    store.act(AlertId(1), &Action::Release, &Actor::analyst("ha"), None).unwrap();
    close(1, Disposition::TruePositive);
    close(2, Disposition::FalsePositive);
    let night = clock.now();
    wait(minutes(24 * 60));
    raise("scan", RuleLevel::Low, 3);
    wait(minutes(1));

    let figures = store.figures(START, clock.now()).unwrap();
    let high = figures.levels[RuleLevel::High as usize];
    assert_eq!((high.raised, high.closed, high.untouched), (2, 2, 0));
    let acknowledged = high.to_acknowledge.unwrap();
    assert_eq!((acknowledged.mean, acknowledged.median), (minutes(5), minutes(4)));
    assert_eq!(high.to_resolve.unwrap().mean, minutes(8));
    let low = figures.levels[RuleLevel::Low as usize];
    assert_eq!((low.raised, low.untouched, low.to_acknowledge, low.to_resolve), (1, 1, None, None));
    assert_eq!(figures.days.iter().map(|(day, _)| *day).collect::<Vec<_>>(), [19_675, 19_676]);
    assert_eq!(figures.dispositions.iter().sum::<u64>(), 2);
    let rules: Vec<(&str, u64, u64, u64)> = figures
        .rules
        .iter()
        .map(|rule| (rule.rule_id.as_str(), rule.raised, rule.true_positives, rule.false_positives))
        .collect();
    assert_eq!(rules, [("brute", 2, 1, 1), ("scan", 1, 0, 0)]);
    let analysts: Vec<(&str, u64, u64)> =
        figures.analysts.iter().map(|analyst| (analyst.name.as_str(), analyst.taken, analyst.closed)).collect();
    assert_eq!(analysts, [("an", 0, 2), ("ha", 1, 0)]);

    let later = store.figures(night, clock.now()).unwrap();
    assert_eq!(later.levels[RuleLevel::High as usize].raised, 0, "what came up earlier is not counted again");
}

#[test]
fn an_empty_period_has_no_averages() {
    assert_eq!(spread(Vec::new()), None);
    let one = spread(vec![Duration::from_secs(7)]).unwrap();
    assert_eq!(
        (one.mean, one.median, one.p90),
        (Duration::from_secs(7), Duration::from_secs(7), Duration::from_secs(7))
    );
}
