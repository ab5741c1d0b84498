//! The language and the engine together: each modifier, and the compiled engine against a plain reading of the rules.

mod correlation_model;
mod correlations;
mod interpreter;
mod limits;
mod settled;

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
fn a_search_may_be_called_rules_or_filter() {
    let detection = "  rules:\n    F: a\n  filter:\n    G: b\n  condition: rules and not filter\n";
    assert!(matches(detection, r#"{"F": "a"}"#));
    assert!(!matches(detection, r#"{"F": "a", "G": "b"}"#));
    assert!(!matches(detection, r#"{"F": "x"}"#));
    assert!(matches("  rules:\n    F: a\n  other:\n    G: b\n  condition: 1 of them\n", r#"{"F": "a"}"#));
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

#[test]
fn the_rules_we_ship_all_compile() {
    let (_, problems) = RuleSet::load(None, 7 * 3600);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, Vec::<String>::new());
}
