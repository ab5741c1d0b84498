//! Detections and correlations through the detector: groups, lateness, restarts, reloads, chains.

use super::*;

const FAILURES: &str =
    "title: Failed\nid: failed\nlogsource: {product: x}\ndetection: {a: {event.outcome: failure}, condition: a}\n";
const BRUTE: &str = "title: Many\nid: many\nlevel: high\ncorrelation:\n  type: event_count\n  rules: [failed]\n  group-by: [source.ip]\n  timespan: 60s\n  condition: {gte: 3}\n";

fn failure(id: u64, second: i64, ip: &str) -> Event<'static> {
    let mut event = event(&format!(r#"{{"event.outcome": "failure", "source.ip": "{ip}", "user.name": "u{id}"}}"#));
    event.id = EventId(id);
    event.timestamp = Timestamp::from_seconds(second, 0);
    event.ingested = Timestamp::from_seconds(10_000, 0);
    event
}

fn run(detector: &mut Detector, events: &[Event<'_>]) -> Vec<Detection> {
    let mut found = Vec::new();
    events.iter().for_each(|event| detector.process(event, &mut found));
    found
}

#[test]
fn a_correlation_names_its_group_and_events_and_its_rules_stay_silent() {
    let (set, problems) = set_of(&[FAILURES, BRUTE]);
    assert_eq!(problems, Vec::<String>::new());
    let events: Vec<Event<'_>> =
        [(1, 0, "10.0.0.1"), (2, 5, "10.0.0.2"), (3, 10, "10.0.0.1"), (4, 20, "10.0.0.1"), (5, 21, "10.0.0.1")]
            .map(|(id, second, ip)| failure(id, second, ip))
            .into();
    let found = run(&mut Detector::new(set), &events);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].rule.id.as_str(), found[0].event_id), ("many", EventId(4)));
    assert_eq!(found[0].entity, Some(Entity { field: "source.ip".to_owned(), value: "10.0.0.1".to_owned() }));
    assert_eq!(found[0].events, [EventId(1), EventId(3), EventId(4)]);
    assert_eq!((found[0].count, found[0].first.seconds(), found[0].last.seconds()), (3, 0, 20));
    assert_eq!(found[0].parts[0].predicate, "is 'failure'");
}

#[test]
fn generate_lets_the_rules_speak_too() {
    let loud = BRUTE.replace("  timespan", "  generate: true\n  timespan");
    let (set, _) = set_of(&[FAILURES, &loud]);
    let events: Vec<Event<'_>> = (1..=3).map(|id| failure(id, 0, "10.0.0.1")).collect();
    assert_eq!(run(&mut Detector::new(set), &events).len(), 4);
}

#[test]
fn a_restart_neither_forgets_nor_repeats() {
    let (set, _) = set_of(&[FAILURES, BRUTE]);
    let events: Vec<Event<'_>> = (0..40)
        .map(|id| failure(id, i64::try_from(id * 7 % 90).unwrap(), if id % 3 == 0 { "10.0.0.1" } else { "::1" }))
        .collect();
    let whole = run(&mut Detector::new(Arc::clone(&set)), &events);
    assert!(!whole.is_empty());
    for cut in 0..events.len() {
        let mut before = Detector::new(Arc::clone(&set));
        let mut found = run(&mut before, &events[..cut]);
        let bytes = before.snapshot();
        let mut after = Detector::new(Arc::clone(&set));
        after.restore(&bytes).expect("a snapshot just taken");
        assert_eq!(after.snapshot(), bytes);
        found.extend(run(&mut after, &events[cut..]));
        assert_eq!(found, whole, "cut at {cut}");
    }
    let mut detector = Detector::new(set);
    assert!(detector.restore(b"{\"version\":99,\"correlations\":[]}").is_err());
    assert!(detector.restore(b"nonsense").is_err());
}

#[test]
fn a_changed_rule_starts_afresh_and_others_go_on() {
    let (set, _) = set_of(&[FAILURES, BRUTE]);
    let mut detector = Detector::new(set);
    let first: Vec<Event<'_>> = (1..=2).map(|id| failure(id, 0, "10.0.0.1")).collect();
    assert!(run(&mut detector, &first).is_empty());
    let (same, _) = set_of(&[
        "title: Other\nid: other\nlogsource: {product: y}\ndetection: {a: {F: 1}, condition: a}\n",
        FAILURES,
        BRUTE,
    ]);
    detector.swap(same);
    assert_eq!(run(&mut detector, &[failure(3, 1, "10.0.0.1")]).len(), 1, "state was kept across the swap");
    let changed = FAILURES.replace("failure", "denied");
    let (changed, _) = set_of(&[&changed, BRUTE]);
    detector.swap(changed);
    assert_eq!(detector.group_count(), 0);
}

#[test]
fn order_of_arrival_within_the_lateness_changes_nothing() {
    let (set, _) = set_of(&[FAILURES, BRUTE]);
    let events: Vec<Event<'_>> = (0..6).map(|id| failure(id, i64::try_from(id).unwrap() * 50, "10.0.0.1")).collect();
    let close: Vec<Event<'_>> = [(2, 100), (1, 50), (3, 55)].map(|(id, second)| failure(id, second, "10.0.0.1")).into();
    assert!(run(&mut Detector::new(Arc::clone(&set)), &events).is_empty());
    let found = run(&mut Detector::new(set), &close);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].events, [EventId(1), EventId(3), EventId(2)], "in the order they happened");
}

#[test]
fn aliases_and_chains_reach_across_rules() {
    let success = "title: In\nid: in\nname: in\nlogsource: {product: x}\ndetection: {a: {event.outcome: success}, condition: a}\n";
    let chain = "title: Then\nid: then\ncorrelation:\n  type: temporal_ordered\n  rules: [many, in]\n  group-by: [who]\n  aliases:\n    who: {many: source.ip, in: client.ip}\n  timespan: 5m\n";
    // Of a correlation only its group-by names are there, so the alias names one of them.
    let many = BRUTE.replace("group-by: [source.ip]", "group-by: [who]\n  aliases: {who: {failed: source.ip}}");
    let (set, problems) = set_of(&[FAILURES, &many, success, chain]);
    assert_eq!(problems, Vec::<String>::new());
    let mut events: Vec<Event<'_>> = (1..=3).map(|id| failure(id, 0, "10.0.0.1")).collect();
    let mut login = event(r#"{"event.outcome": "success", "client.ip": "10.0.0.1"}"#);
    (login.id, login.timestamp) = (EventId(9), Timestamp::from_seconds(30, 0));
    login.ingested = Timestamp::from_seconds(10_000, 0);
    events.push(login);
    let found = run(&mut Detector::new(set), &events);
    assert_eq!(found.iter().map(|detection| detection.rule.id.as_str()).collect::<Vec<_>>(), ["then"]);
}

#[test]
fn correlations_that_refer_to_nothing_or_to_themselves_are_refused() {
    let circle = "title: C\nid: c\ncorrelation: {type: temporal, rules: [d], timespan: 1m}\n---\ntitle: D\nid: d\ncorrelation: {type: temporal, rules: [c], timespan: 1m}\n";
    let (set, problems) = set_of(&[circle]);
    assert_eq!((set.correlation_count(), problems.len()), (0, 2));
    let (_, problems) = set_of(&[&BRUTE.replace("failed", "faild"), FAILURES]);
    assert!(problems[0].contains("no rule has the id or name `faild`\n  hint: did you mean `failed`?"), "{problems:?}");
}
