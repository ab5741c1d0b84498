//! What `rules explain` tells, on rules and events of its own.

use std::path::PathBuf;

use super::*;
use crate::detect::ruleset::RuleFile;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;

fn inspector(text: &str) -> Inspector {
    let file = RuleFile { path: PathBuf::from("rules/x.yml"), text: text.to_owned() };
    Inspector::new(&Content { rules: vec![file], ..Content::default() }, 0)
}

fn event() -> Event<'static> {
    let mut event = Event::new("sshd: Failed password for Root from 10.1.2.3", Timestamp(0));
    event.set(ecs::USER_NAME, "Root");
    event.set(ecs::SOURCE_IP, Value::Ip([10, 1, 2, 3].into()));
    event.set(ecs::PROCESS_NAME, "sshd");
    event
}

fn explain(rule: &str) -> Explanation {
    let event = event();
    inspector(rule).explain("r", Subject { event: &event, logsource_known: true }).expect("there is such a rule")
}

fn rule(detection: &str) -> String {
    format!("title: R\nid: r\nlogsource: {{}}\ndetection:\n  {detection}\n")
}

#[test]
fn each_kind_of_test_says_why_it_fails() {
    for (search, why) in [
        ("user.name: admin", Some("the value is another")),
        ("user.name|cased: root", Some("only the letter case differs")),
        ("user.name: root", None),
        ("process.name: ssh", Some("the value has it within: `|contains` would match")),
        ("user.nam: root", Some("the event has no `user.nam`; it has `user.name`")),
        ("user.name|re: 'ro+t'", Some("only the letter case differs: `|re|i` would match")),
        ("user.name|re: 'xy+z'", Some("not found in the value")),
        ("source.ip|cidr: 10.0.0.0/8", None),
        ("source.ip|cidr: 192.0.2.0/24", Some("the address is outside")),
        ("user.name|cidr: 192.0.2.0/24", Some("no address")),
        ("user.name|gt: 5", Some("no number")),
        ("user.name: null", Some("the field is there")),
        ("host.name: null", None),
        ("user.name|fieldref: host.name", Some("the event has no `host.name`")),
        ("user.name|expand: '%none%'", Some("the placeholder has no list")),
    ] {
        let explained = explain(&rule(&format!(
            "s: {{'{}': {}}}\n  condition: s",
            search.split_once(": ").expect("a field").0,
            search.split_once(": ").expect("a value").1
        )));
        let node = explained.condition.expect("a rule has a condition");
        assert_eq!(node.name.as_deref(), Some("s"));
        let test = node.test.or_else(|| node.parts.into_iter().find_map(|part| part.test)).expect("a test");
        assert_eq!(test.why.as_deref(), why, "{search}");
        assert_eq!(test.holds, why.is_none(), "{search}");
    }
}

#[test]
fn the_tree_has_the_shape_of_the_condition() {
    let explained = explain(&rule(
        "a: {user.name: root}\n  b: {process.name: [cron, sshd]}\n  c: ['failed password']\n  condition: (a or b) and c and not (b and a)",
    ));
    let node = explained.condition.expect("a condition");
    assert!(!node.holds && !explained.matches);
    let shown: Vec<(Option<&str>, Join, bool)> =
        node.parts.iter().map(|part| (part.name.as_deref(), part.join, part.holds)).collect();
    assert_eq!(shown, [(None, Join::Any, true), (Some("c"), Join::Test, true), (None, Join::Not, false)]);
    let keyword = node.parts[1].test.as_ref().expect("a keyword");
    assert_eq!(keyword.seen[0].raw_span, Some(6..21));
}

#[test]
fn a_log_source_that_does_not_fit_is_told() {
    let explained = explain(
        "title: R\nid: r\nlogsource: {product: windows, service: sysmon}\ndetection: {s: {user.name: root}, condition: s}\n",
    );
    assert!(explained.condition.expect("a condition").holds && !explained.matches);
    let report = explained.logsource.expect("a report");
    assert_eq!(report.mismatches.len(), 2);
    assert_eq!(report.mismatches[0], "product: the rule wants `windows`, the event has none");
}

#[test]
fn a_correlation_shows_its_rules_and_groups() {
    let text = "title: F\nid: f\nname: failed\nlogsource: {}\ndetection: {s: {user.name: root}, condition: s}\n---\ntitle: R\nid: r\ncorrelation: {type: event_count, rules: [failed, gone], group-by: [source.ip, host.name], timespan: 5m, condition: {gte: 3}}\n";
    let explained = explain(text);
    assert!(explained.matches);
    let report = explained.correlation.expect("a correlation");
    assert_eq!((report.bounds.as_str(), report.timespan_seconds), ("matches >= 3", 300));
    assert_eq!(report.unknown, ["gone"]);
    assert_eq!(report.group_by[0].value.as_deref(), Some("10.1.2.3"));
    assert_eq!(report.group_by[1].value, None);
}

#[test]
fn rules_are_found_by_id_name_and_file() {
    let inspector = inspector(&rule("s: {user.name: root}\n  condition: s"));
    assert_eq!(inspector.named("r"), ["r"]);
    assert_eq!(inspector.named("rules/x.yml"), ["r"]);
    assert!(inspector.named("q").is_empty());
}
