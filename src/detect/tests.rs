//! The language and the engine together: each modifier, and the compiled engine against a plain reading of the rules.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::model::Event;
use crate::model::EventId;
use crate::model::LogSource;
use crate::model::Name;
use crate::model::Timestamp;
use crate::model::Value;

fn set_of(texts: &[&str]) -> (Arc<RuleSet>, Vec<String>) {
    let files: Vec<RuleFile> = (0..)
        .zip(texts)
        .map(|(number, text)| RuleFile { path: PathBuf::from(format!("{number}.yml")), text: (*text).to_owned() })
        .collect();
    let lists = [("admins".to_owned(), vec!["root".to_owned(), "an*".to_owned()])].into_iter().collect();
    let (set, problems) = RuleSet::compile(&files, &Options { lists, ..Options::default() });
    (Arc::new(set), problems.iter().map(ToString::to_string).collect())
}

fn rule(detection: &str) -> String {
    format!("title: T\nid: t\nlogsource: {{product: x}}\ndetection:\n{detection}")
}

fn event(json: &str) -> Event<'static> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).expect("a JSON object");
    let mut event = Event::new("", Timestamp(0));
    event.logsource = Cow::Owned(LogSource { product: Some("x".to_owned()), ..LogSource::default() });
    for (name, value) in object {
        event.push(Name::new(name), scalar(value));
    }
    event
}

fn scalar(value: serde_json::Value) -> Value<'static> {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(truth),
        serde_json::Value::Number(number) => number.as_i64().map_or(Value::Float(number.as_f64().unwrap()), Value::Int),
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(scalar).collect()),
        serde_json::Value::Object(_) => panic!("flat events only"),
    }
}

fn matches(detection: &str, json: &str) -> bool {
    let text = rule(detection);
    let (set, problems) = set_of(&[&text]);
    assert_eq!(problems, Vec::<String>::new(), "{detection}");
    !Engine::new(set).matches(&event(json)).is_empty()
}

#[test]
fn every_modifier_matches_what_it_must_and_nothing_else() {
    // What stands after the field name, the value, events that must match, events that must not.
    let table: &[(&str, &str, &[&str], &[&str])] = &[
        ("", "Abc", &[r#""abc""#, r#""ABC""#], &[r#""abcd""#, "null", r#""""#]),
        ("", "[a, b]", &[r#""B""#, r#"["x", "a"]"#], &[r#""c""#, "[]"]),
        ("", "4104", &["4104", r#""4104""#], &["41040", r#""04104""#]),
        ("", "true", &["true", r#""True""#], &["false"]),
        ("", "null", &["null"], &[r#""x""#, "0", r#""""#]),
        ("", "''", &[r#""""#], &[r#"" ""#, "null"]),
        ("", "'a*c?'", &[r#""abbcd""#, r#""ACX""#], &[r#""abc""#, r#""xacd""#]),
        ("", r"'a\*c'", &[r#""a*c""#], &[r#""abc""#]),
        ("", "'*'", &[r#""x""#, r#""""#, "5"], &["null"]),
        ("", "Nguyễn Đình", &[r#""nguyễn đình""#, r#""NGUYỄN ĐÌNH""#], &[r#""nguyen dinh""#]),
        ("|contains", "bC", &[r#""aBcd""#, r#"["x", "abc"]"#], &[r#""acb""#]),
        ("|contains", "[foo, bar]", &[r#""xbarx""#], &[r#""fo ba""#]),
        ("|contains|all", "[foo, bar]", &[r#""bar and foo""#, r#"["foo", "bar"]"#], &[r#""foo""#]),
        ("|startswith", "ab", &[r#""ABc""#], &[r#""cab""#]),
        ("|endswith", "'\\cmd.exe'", &[r#""C:\\Windows\\CMD.EXE""#], &[r#""cmd.exe""#]),
        ("|startswith", "'a*c'", &[r#""abcd""#], &[r#""xabc""#]),
        ("|cased", "Abc", &[r#""Abc""#], &[r#""abc""#]),
        ("|contains|cased", "bC", &[r#""abCd""#], &[r#""abcd""#]),
        ("|cased", "''", &[r#""""#], &[r#""x""#]),
        ("|re", "'^a.c$'", &[r#""abc""#], &[r#""ABC""#, r#""xabc""#]),
        ("|re", "'b+'", &[r#""abbc""#], &[r#""ac""#]),
        ("|re|i", "'HELLO\\s+world'", &[r#""say hello  World""#], &[r#""helloworld""#]),
        ("|re|m", "'^b'", &[r#""a\nb""#], &[r#""ab""#]),
        ("|re", "'^b'", &[r#""b""#], &[r#""a\nb""#]),
        ("|re|s", "'a.b'", &[r#""a\nb""#], &[r#""ab""#]),
        ("|cidr", "10.0.0.0/8", &[r#""10.1.2.3""#], &[r#""11.0.0.1""#, r#""10.1.2""#]),
        ("|cidr", "'2001:db8::/32'", &[r#""2001:DB8::7""#], &[r#""2001:db9::7""#]),
        ("|gt", "5", &["6", r#""7""#, "5.5"], &["5", r#""x""#]),
        ("|gte", "5", &["5"], &["4"]),
        ("|lt", "5", &["4"], &["5"]),
        ("|lte", "5", &["5"], &["6"]),
        ("|neq", "5", &["6", r#""x""#], &["5"]),
        ("|exists", "true", &[r#""x""#, r#""""#, "null"], &[]),
        ("|exists", "false", &[], &[r#""x""#]),
        ("|base64", "'foobar'", &[r#""Zm9vYmFy""#], &[r#""foobar""#]),
        ("|base64offset|contains", "'foobar'", &[r#""eFZvb2JhcnkK""#, r#""xxZm9vYmFyxx""#], &[r#""foobar""#]),
        ("|wide|base64offset|contains", "'cmd'", &[r#""YwBtAGQA""#], &[r#""Y21k""#]),
        ("|windash|contains", "' -enc '", &[r#""x /enc y""#, r#""x –ENC y""#], &[r#""x enc y""#]),
        ("|expand", "'%admins%'", &[r#""ROOT""#, r#""an.nguyen""#], &[r#""guest""#, r#""%admins%""#]),
        ("|expand", "'%unknown%'", &[], &[r#""%unknown%""#, r#""""#]),
        ("|hour", "3", &[r#""2026-01-01T03:30:00Z""#], &[r#""2026-01-01T04:30:00Z""#]),
        ("|gte|hour", "22", &[r#""2026-01-01T23:30:00Z""#], &[r#""2026-01-01T04:30:00Z""#]),
        ("|year", "2026", &[r#""2026-01-01T03:30:00Z""#], &[r#""2025-01-01T03:30:00Z""#]),
    ];
    for (modifiers, value, must, must_not) in table {
        let detection = format!("  a:\n    F{modifiers}: {value}\n  condition: a\n");
        for json in *must {
            assert!(matches(&detection, &format!("{{\"F\": {json}}}")), "F{modifiers}: {value} must match {json}");
        }
        for json in *must_not {
            assert!(!matches(&detection, &format!("{{\"F\": {json}}}")), "F{modifiers}: {value} must not match {json}");
        }
    }
}

#[test]
fn absent_fields_are_null_and_do_not_exist() {
    assert!(matches("  a: {F: null}\n  condition: a\n", "{}"));
    assert!(matches("  a: {F|exists: false}\n  condition: a\n", "{}"));
    assert!(!matches("  a: {F|exists: true}\n  condition: a\n", "{}"));
    assert!(!matches("  a: {F: x}\n  condition: a\n", "{}"));
    assert!(matches("  a: {F: x}\n  condition: not a\n", "{}"));
}

#[test]
fn fields_are_compared_with_one_another() {
    for (modifiers, json, want) in [
        ("fieldref", r#"{"F": "An", "G": "an"}"#, true),
        ("fieldref", r#"{"F": "an", "G": "ha"}"#, false),
        ("fieldref", r#"{"F": "an"}"#, false),
        ("fieldref|endswith", r#"{"F": "c:\\x\\y.exe", "G": "Y.EXE"}"#, true),
        ("fieldref|startswith", r#"{"F": "y.exe -a", "G": "y.exe"}"#, true),
        ("fieldref|contains", r#"{"F": "a y b", "G": "y"}"#, true),
        ("cased|fieldref", r#"{"F": "An", "G": "an"}"#, false),
    ] {
        assert_eq!(matches(&format!("  a: {{F|{modifiers}: G}}\n  condition: a\n"), json), want, "{modifiers} {json}");
    }
}

#[test]
fn keywords_are_looked_for_everywhere() {
    let any = "  k: [foo, 'b*r']\n  condition: k\n";
    assert!(matches(any, r#"{"x": 1, "y": "a FOO b"}"#));
    assert!(matches(any, r#"{"y": "a bxxr b"}"#));
    assert!(!matches(any, r#"{"foo": "x"}"#));
    let all = "  k:\n    '|all': [foo, bar]\n  condition: k\n";
    assert!(matches(all, r#"{"x": "foo", "y": "bar"}"#));
    assert!(!matches(all, r#"{"x": "foo"}"#));
    let mut with_raw = event(r#"{"x": "foo"}"#);
    with_raw.raw = "nothing of the kind";
    let (set, _) = set_of(&[&rule(any)]);
    assert!(Engine::new(set).matches(&with_raw).is_empty(), "the raw line decides when there is one");
}

#[test]
fn conditions_combine_searches() {
    let searches = "  sel_a: {F: a}\n  sel_b:\n    - F: b\n      G: b\n    - G: c\n  _hidden: {F: z}\n  condition: ";
    for (condition, json, want) in [
        ("sel_a", r#"{"F": "a"}"#, true),
        ("sel_b", r#"{"F": "b"}"#, false),
        ("sel_b", r#"{"F": "b", "G": "b"}"#, true),
        ("sel_b", r#"{"G": "c"}"#, true),
        ("1 of sel_*", r#"{"G": "c"}"#, true),
        ("all of sel_*", r#"{"F": "a", "G": "c"}"#, true),
        ("all of them", r#"{"F": "a", "G": "c"}"#, true),
        ("1 of them", r#"{"F": "z"}"#, false),
        ("1 of _*", r#"{"F": "z"}"#, true),
        ("sel_a and not sel_b", r#"{"F": "a", "G": "c"}"#, false),
        ("not (sel_a or sel_b)", r#"{"F": "x"}"#, true),
        ("[sel_a, sel_b]", r#"{"G": "c"}"#, true),
    ] {
        assert_eq!(matches(&format!("{searches}{condition}\n"), json), want, "{condition} {json}");
    }
}

#[test]
fn global_and_repeated_documents_become_whole_rules() {
    let text = "action: global\ntitle: G\nlogsource: {product: x}\ndetection: {condition: a}\n---\nid: one\ndetection: {a: {F: 1}}\n---\naction: repeat\nid: two\ndetection: {a: {F: 2}}\n---\naction: reset\n---\ntitle: T\nid: three\nlogsource: {product: y}\ndetection: {b: {F: 3}, condition: b}\n";
    let (set, problems) = set_of(&[text]);
    assert_eq!(problems, Vec::<String>::new());
    let ids: Vec<&str> = set.rules().map(|meta| meta.id.as_str()).collect();
    assert_eq!(ids, ["one", "two", "three"]);
    let mut engine = Engine::new(Arc::clone(&set));
    assert_eq!(engine.matches(&event(r#"{"F": 2}"#)), [Match { rule: 1 }]);
    assert_eq!(engine.matches(&event(r#"{"F": 3}"#)), [], "another log source");
    assert_eq!(engine.matches_any_source(&event(r#"{"F": 3}"#)), [Match { rule: 2 }]);
}

#[test]
fn what_is_broken_is_reported_and_the_rest_runs() {
    let broken = "title: B\nid: b\nlogsource: {product: x}\nlevel: heigh\ndetection:\n  a:\n    F|containz: x\n    G|re: '('\n    H|cidr: 10.0.0.1/8\n  condition: a and b\n";
    let (set, problems) = set_of(&[broken, &rule("  a: {F: 1}\n  condition: a\n")]);
    assert_eq!(set.len(), 1);
    let all = problems.join("\n");
    for want in [
        "0.yml:4:8: unknown level `heigh`\n  hint: did you mean `high`?",
        "0.yml:7:7: unknown field modifier `containz`\n  hint: did you mean `contains`?",
        "0.yml:8:11: regular expression `(`: ",
        "0.yml:9:13: `10.0.0.1/8` is not a network",
    ] {
        assert!(all.contains(want), "{want}\n---\n{all}");
    }
    let undefined = rule("  alpha: {F: 1}\n  condition: alpa\n");
    assert!(set_of(&[&undefined]).1[0].contains("did you mean `alpha`?"));
}

#[test]
fn filters_narrow_the_rules_they_name() {
    let filter =
        "title: F\nid: f\nlogsource: {product: x}\nfilter:\n  rules: [t]\n  ours: {G: ours}\n  condition: not ours\n";
    let (set, problems) = set_of(&[&rule("  a: {F: 1}\n  condition: a\n"), filter]);
    assert_eq!(problems, Vec::<String>::new());
    let mut engine = Engine::new(set);
    assert_eq!(engine.matches(&event(r#"{"F": 1}"#)).len(), 1);
    assert_eq!(engine.matches(&event(r#"{"F": 1, "G": "ours"}"#)).len(), 0);
}

#[test]
fn a_match_says_what_and_where() {
    let raw = String::from("<13>x: SELECT 1 UNION  SELECT 2 from 10.1.2.3");
    let (set, _) = set_of(&[&rule(
        "  a:\n    message|contains: ['union', 'nothing']\n    source.ip|cidr: 10.0.0.0/8\n  b: {user.name: root}\n  condition: a and not b\n",
    )]);
    let mut event = Event::new(&raw, Timestamp(0));
    event.logsource = Cow::Owned(LogSource { product: Some("x".to_owned()), ..LogSource::default() });
    event.push(Name::new("message"), &raw[7..]);
    event.push(Name::new("source.ip"), &raw[37..]);
    let mut engine = Engine::new(Arc::clone(&set));
    assert_eq!(engine.matches(&event).len(), 1);
    let parts = set.explain(0, &event);
    let shown: Vec<(&str, &str, Option<&str>)> = parts
        .iter()
        .map(|part| {
            (part.field.as_str(), part.predicate.as_str(), part.raw_span.clone().and_then(|span| raw.get(span)))
        })
        .collect();
    assert_eq!(
        shown,
        [("message", "contains 'union'", Some("UNION")), ("source.ip", "is in 10.0.0.0/8", Some("10.1.2.3"))]
    );
}

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

#[test]
fn the_rules_we_ship_all_compile() {
    let (_, problems) = RuleSet::load(None, 7 * 3600);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, Vec::<String>::new());
}

/// The compiled engine against an interpreter that reads each rule plainly, on random rules and events.
mod against_plain_interpreter {
    use proptest::prelude::*;

    use super::*;
    use crate::detect::sigma::detection::Expr;
    use crate::detect::sigma::document::Document;
    use crate::detect::sigma::error::Problems;
    use crate::detect::sigma::value::Part;
    use crate::detect::sigma::value::Pattern;
    use crate::detect::sigma::value::Predicate;
    use crate::detect::sigma::value::Test;

    fn holds(expr: &Expr, event: &Event<'_>) -> bool {
        match expr {
            Expr::All(parts) => parts.iter().all(|part| holds(part, event)),
            Expr::Any(parts) => parts.iter().any(|part| holds(part, event)),
            Expr::Not(inner) => !holds(inner, event),
            Expr::Test(predicate) => test_holds(predicate, event),
        }
    }

    fn values<'e>(event: &'e Event<'_>, field: Option<&str>) -> Vec<&'e Value<'e>> {
        let chosen = event.fields.iter().filter(|(name, _)| field.is_none_or(|field| name.as_str() == field));
        chosen
            .flat_map(|(_, value)| match value {
                Value::List(items) => items.iter().collect(),
                scalar => vec![scalar],
            })
            .collect()
    }

    fn test_holds(predicate: &Predicate, event: &Event<'_>) -> bool {
        let values = values(event, predicate.field.as_deref());
        let is_there = event.fields.iter().any(|(name, _)| Some(name.as_str()) == predicate.field.as_deref());
        match &predicate.test {
            Test::Exists => is_there,
            Test::Null => !is_there || values.iter().any(|value| **value == Value::Null),
            test => values.into_iter().filter(|value| **value != Value::Null).any(|value| value_passes(test, value)),
        }
    }

    fn value_passes(test: &Test, value: &Value<'_>) -> bool {
        let text = value.to_string();
        match test {
            Test::Text { pattern, cased: true } => like(pattern.parts(), &text),
            Test::Text { pattern, cased: false } => {
                let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
                let parts: Vec<Part> = pattern
                    .parts()
                    .iter()
                    .map(|part| match part {
                        Part::Literal(text) => Part::Literal(lower(text)),
                        other => other.clone(),
                    })
                    .collect();
                like(&parts, &lower(&text))
            }
            Test::Regex(spec) => spec.compile().expect("checked when read").is_match(&text),
            Test::Cidr(network) => text.parse().is_ok_and(|address| network.contains(address)),
            Test::Compare { op, number } => text.parse().is_ok_and(|have: f64| op.holds(have, number.get())),
            _ => false,
        }
    }

    /// The meaning of wildcards, said as plainly as can be; exponential, so only for short texts.
    fn like(parts: &[Part], text: &str) -> bool {
        match parts.split_first() {
            None => text.is_empty(),
            Some((Part::Literal(literal), rest)) => {
                text.strip_prefix(literal.as_str()).is_some_and(|text| like(rest, text))
            }
            Some((Part::One, rest)) => {
                let mut chars = text.chars();
                chars.next().is_some() && like(rest, chars.as_str())
            }
            Some((Part::Any, rest)) => {
                text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| like(rest, &text[at..]))
            }
        }
    }

    fn word() -> impl Strategy<Value = String> {
        proptest::collection::vec(proptest::sample::select(vec!["a", "b", "A", "ab", "Đ", "đ", "1", ".", "\\\\"]), 0..4)
            .prop_map(|parts| parts.concat())
    }

    fn written() -> impl Strategy<Value = String> {
        (word(), proptest::sample::select(vec!["", "", "*", "?"]), word())
            .prop_map(|(a, wild, b)| format!("{a}{wild}{b}"))
    }

    fn field_line() -> impl Strategy<Value = String> {
        let name = proptest::sample::select(vec!["F", "G", "user.name"]);
        let texts = (
            name.clone(),
            proptest::sample::select(vec![
                "",
                "|contains",
                "|startswith",
                "|endswith",
                "|cased",
                "|contains|cased",
                "|contains|all",
                "|endswith|neq",
            ]),
            proptest::collection::vec(written(), 1..4),
        )
            .prop_map(|(name, modifiers, values)| {
                let values: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
                format!("'{name}{modifiers}': [{}]", values.join(", "))
            });
        let fixed = (
            name,
            proptest::sample::select(vec![
                "|re': 'a+b'",
                "|re|i': 'ab.?1'",
                "|re': '[ab]{2}'",
                "|gt': 0",
                "|lte': 1",
                "|exists': true",
                "|exists': false",
                "': null",
                "|cidr': '1.0.0.0/8'",
                "': 1",
                "': ''",
            ]),
        )
            .prop_map(|(name, rest)| format!("'{name}{rest}"));
        prop_oneof![3 => texts, 2 => fixed]
    }

    fn search() -> impl Strategy<Value = String> {
        prop_oneof![
            5 => proptest::collection::btree_map("[FGu]", field_line(), 1..3).prop_map(|lines| {
                // Keys must differ within a map: one line a field name.
                let mut seen = Vec::new();
                let kept: Vec<String> = lines.into_values().filter(|line| {
                    let key = line.split(':').next().unwrap_or_default().to_owned();
                    let new = !seen.contains(&key);
                    seen.push(key);
                    new
                }).collect();
                format!("{{{}}}", kept.join(", "))
            }),
            1 => proptest::collection::vec(written().prop_filter("not empty", |word| !word.is_empty()), 1..3)
                .prop_map(|words| format!("[{}]", words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", "))),
        ]
    }

    fn condition() -> impl Strategy<Value = String> {
        let leaf = proptest::sample::select(vec!["s0", "s1", "s2", "1 of s*", "all of them"]).prop_map(str::to_owned);
        leaf.prop_recursive(3, 8, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|a| format!("not ({a})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
                (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) or ({b})")),
            ]
        })
    }

    fn random_rule() -> impl Strategy<Value = String> {
        (search(), search(), search(), condition()).prop_map(|(s0, s1, s2, condition)| {
            format!(
                "logsource: {{product: x}}\ndetection:\n  s0: {s0}\n  s1: {s1}\n  s2: {s2}\n  condition: {condition}\n"
            )
        })
    }

    fn random_value() -> impl Strategy<Value = Value<'static>> {
        let text = proptest::collection::vec(
            proptest::sample::select(vec!["a", "b", "A", "B", "ab", "Đ", "đ", "1", "\\", ".", "x"]),
            0..6,
        )
        .prop_map(|parts| Value::from(parts.concat()));
        let scalar = prop_oneof![
            8 => text,
            1 => Just(Value::Null),
            1 => (-1_i64..3).prop_map(Value::Int),
            1 => Just(Value::from("1.2.3.4")),
            1 => Just(Value::Bool(true)),
        ];
        prop_oneof![5 => scalar.clone(), 1 => proptest::collection::vec(scalar, 0..3).prop_map(Value::List)]
    }

    fn random_event() -> impl Strategy<Value = Event<'static>> {
        proptest::collection::btree_map(
            proptest::sample::select(vec!["F", "G", "user.name", "H"]),
            random_value(),
            0..4,
        )
        .prop_map(|fields| {
            let mut event = event("{}");
            fields.into_iter().for_each(|(name, value)| event.push(Name::new(name), value));
            event
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]
        #[test]
        fn both_agree(rules in proptest::collection::vec(random_rule(), 1..5), events in proptest::collection::vec(random_event(), 1..6)) {
            let files: Vec<RuleFile> = rules.iter().enumerate().map(|(number, text)| RuleFile {
                path: PathBuf::from(format!("{number}.yml")),
                text: format!("title: T{number}\nid: r{number}\n{text}"),
            }).collect();
            let mut plain = Vec::new();
            for file in &files {
                let mut problems = Problems::default();
                for document in sigma::document::read(&file.path, &file.text, &|_| None, &mut problems) {
                    let Document::Rule(rule) = document else { continue };
                    plain.push(rule);
                }
                prop_assert_eq!(&problems.0, &Vec::new(), "{}", &file.text);
            }
            let (set, _) = RuleSet::compile(&files, &Options::default());
            let set = Arc::new(set);
            let mut engine = Engine::new(Arc::clone(&set));
            for event in &events {
                let got: Vec<usize> = engine.matches(event).iter().map(|matched| matched.rule).collect();
                let want: Vec<usize> = plain.iter().enumerate().filter(|(_, rule)| holds(&rule.expr, event)).map(|(index, _)| index).collect();
                prop_assert_eq!(got, want, "{:?}\n{}", &event.fields, rules.join("\n---\n"));
            }
        }

        #[test]
        fn patterns_mean_what_they_say(pattern in "[aĐ*?]{0,6}", text in "[ađĐ]{0,6}") {
            let pattern = Pattern::parse(&pattern);
            prop_assert_eq!(pattern.matches(&text), like(pattern.parts(), &text));
        }

        #[test]
        fn reading_never_panics(text in "[ -~\n]{0,200}") {
            let file = RuleFile { path: PathBuf::from("x.yml"), text };
            drop(RuleSet::compile(&[file], &Options::default()));
        }
    }
}
