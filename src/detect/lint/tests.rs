//! Each check with a rule it must find, and one as like it as possible that it must not.

use std::path::PathBuf;

use super::*;
use crate::detect::ruleset::Content;

const HEAD: &str = "title: A title of some words\nid: a-b\nstatus: test\ndescription: 'What it is about, in words'\nauthor: a\ndate: 2026-01-02\nlevel: low\nfalsepositives: [Unknown]\ntags: [attack.t1110]\nlogsource: {product: linux}\n";
const DETECTION: &str = "detection:\n  a: {user.name: root}\n  condition: a\n";

fn file(name: &str, text: &str) -> RuleFile {
    RuleFile { path: PathBuf::from(name), text: text.to_owned() }
}

fn codes(text: &str) -> Vec<&'static str> {
    let content = Content { rules: vec![file("x.yml", text)], ..Content::default() };
    lint_all(&content).into_iter().map(|finding| finding.error.code).collect()
}

/// The head with one piece of text replaced.
fn head(from: &str, to: &str) -> String {
    assert!(HEAD.contains(from), "{from}");
    format!("{}{DETECTION}", HEAD.replace(from, to))
}

fn with(line: &str) -> String {
    format!("{HEAD}{line}\n{DETECTION}")
}

fn search(search: &str) -> String {
    format!("{HEAD}detection:\n  a: {search}\n  condition: a\n")
}

fn detection(detection: &str) -> String {
    format!("{HEAD}detection:\n  {detection}\n")
}

fn correlation(body: &str) -> String {
    format!("{}correlation: {{{body}}}\n", HEAD.replace("logsource: {product: linux}\n", ""))
}

/// Each check with a rule that must have the finding, and one as like it as possible that must not.
fn samples() -> Vec<(&'static str, String, String)> {
    let long = "x".repeat(111);
    let fits = "x".repeat(110);
    let many = |count: usize| {
        let values: Vec<String> = (0..count).map(|number| format!("v{number}")).collect();
        search(&format!("{{user.name: [{}]}}", values.join(", ")))
    };
    let group = "group-by: [source.ip], timespan: 5m, condition: {gte: 3}";
    vec![
        ("no-id", head("id: a-b\n", ""), head("a-b", "c")),
        ("odd-id", head("a-b", "A b"), head("a-b", "0f4c1b2e-1111-4222-8333-123456789abc")),
        ("no-level", head("level: low\n", ""), head("low", "high")),
        ("no-status", head("status: test\n", ""), head("status: test", "status: stable")),
        ("retired", head("status: test", "status: deprecated"), head("status: test", "status: stable")),
        ("untried-critical", head("status: test", "status: experimental").replace("low", "critical"), head("low", "critical")),
        ("no-description", head("description: 'What it is about, in words'\n", ""), with("fields: [x]")),
        ("short-description", head("What it is about, in words", "short"), head("What it is about, in words", "sixteen letters!")),
        ("description-is-title", head("What it is about, in words", "a title of some words."), with("fields: [x]")),
        ("no-falsepositives", head("falsepositives: [Unknown]\n", ""), with("fields: [x]")),
        ("empty-falsepositives", head("[Unknown]", "[None]"), head("[Unknown]", "[Nightly backups]")),
        ("no-tags", head("tags: [attack.t1110]\n", ""), head("attack.t1110", "attack.t1110.001")),
        ("odd-tag", head("attack.t1110", "attack.t11"), head("attack.t1110", "cve.2024-1")),
        ("tag-case", head("attack.t1110", "attack.T1110"), head("attack.t1110", "attack.t1111")),
        ("unknown-tactic", head("attack.t1110", "attack.t1110, attack.credentials"), head("attack.t1110", "attack.t1110, attack.credential-access")),
        ("unknown-technique", head("attack.t1110", "attack.t9999"), head("attack.t1110", "attack.t1003.001")),
        ("outdated-attack", head("attack.t1110", "attack.t1562.001"), head("attack.t1110", "attack.t1685")),
        ("outdated-attack", head("attack.t1110", "attack.t1110, attack.defense-evasion"), head("attack.t1110", "attack.t1110, attack.stealth")),
        ("no-technique", head("attack.t1110", "attack.impact"), head("attack.t1110", "attack.impact, attack.t1486")),
        ("repeated-tag", head("attack.t1110", "attack.t1110, attack.t1110"), head("attack.t1110", "attack.t1110, attack.t1110.001")),
        ("no-author", head("author: a\n", ""), head("author: a", "author: b")),
        ("no-date", head("date: 2026-01-02\n", ""), head("2026-01-02", "2025-12-31")),
        ("bad-date", head("2026-01-02", "2026/01/02"), head("2026-01-02", "2026-12-31")),
        ("modified-before-date", with("modified: 2026-01-01"), with("modified: 2026-01-02")),
        ("bad-reference", with("references: [internal wiki]"), with("references: ['https://example.org/x']")),
        ("repeated-reference", with("references: ['https://e.org/x', 'https://e.org/x']"), with("references: ['https://e.org/x', 'https://e.org/y']")),
        ("not-a-list", head("[Unknown]", "Unknown"), head("[Unknown]", "[Backups]")),
        ("unknown-key", with("falsepositive: [x]"), with("fields: [x]")),
        ("long-title", head("A title of some words", &long), head("A title of some words", &fits)),
        ("short-title", head("A title of some words", "SSH"), head("A title of some words", "SSH used")),
        ("title-full-stop", head("some words", "some words."), head("some words", "some words!")),
        ("title-blanks", head("some words", "some  words"), head("some words", "some more words")),
        ("half-translated", with("longan: {title_vi: x}"), with("longan: {title_vi: x, description_vi: y}")),
        ("no-response", with("longan: {entity: user.name}").replace("low", "high"), with("longan: {response: [x]}").replace("low", "high")),
        ("open-logsource", head("{product: linux}", "{}"), head("{product: linux}", "{definition: lines of cron}")),
        ("logsource-case", head("product: linux", "product: Linux"), head("product: linux", "product: windows")),
        ("unknown-logsource-key", head("product: linux", "product: linux, prodct: x"), head("product: linux", "product: linux, definition: x")),
        ("empty-logsource", head("product: linux", "product: linux, service:"), head("product: linux", "product: linux, service: sshd")),
        ("unused-search", detection("a: {user.name: root}\n  b: {user.name: x}\n  condition: a"), detection("a: {user.name: root}\n  b: {user.name: x}\n  condition: a or b")),
        ("same-search", detection("a: {user.name: root}\n  b: {user.name: root}\n  condition: a or b"), detection("a: {user.name: root}\n  b: {user.name: x}\n  condition: a or b")),
        ("reserved-search", detection("a: {user.name: root}\n  rules: {user.name: x}\n  condition: a"), detection("a: {user.name: root}\n  condition: a")),
        ("timeframe", detection("a: {user.name: root}\n  timeframe: 5m\n  condition: a"), detection("time: {user.name: root}\n  condition: time")),
        ("repeated-value", search("{user.name: [root, root]}"), search("{user.name: [root, rooot]}")),
        ("case-duplicate", search("{user.name: [root, Root]}"), search("{'user.name|cased': [root, Root]}")),
        ("shadowed-value", search("{'user.name|contains': [roo, root]}"), search("{'user.name|startswith': [roo, root]}")),
        ("only-wildcards", search("{user.name: '*', process.name: x}"), search("{user.name: 'a*', process.name: x}")),
        ("many-wildcards", search("{user.name: 'a*b*c*d*e*f*g*h*'}"), search("{user.name: 'a*b*c*'}")),
        ("redundant-wildcard", search("{'user.name|contains': '*root'}"), search("{'user.name|contains': 'ro*ot'}")),
        ("escaped-wildcard", search(r"{file.path: 'C:\Users\*'}"), search(r"{file.path: 'C:\Users\\*'}")),
        ("blank-value", search("{user.name: 'root '}"), search("{'user.name|contains': 'root '}")),
        ("null-in-list", search("{user.name: [root, null]}"), search("{user.name: null, process.name: x}")),
        ("huge-list", many(501), many(500)),
        ("number-as-text", search("{'source.port|gt': '1024', user.name: x}"), search("{'source.port|gt': 1024, user.name: x}")),
        ("short-keyword", search("['ab']"), search("['abcd']")),
        ("all-one-value", search("{'user.name|contains|all': [root]}"), search("{'user.name|contains|all': [ro, ot]}")),
        ("modifier-repeated", search("{'user.name|contains|contains': root}"), search("{'user.name|contains|cased': root}")),
        ("modifier-contradiction", search("{'user.name|startswith|endswith': root}"), search("{'user.name|endswith': root}")),
        ("cased-useless", search("{'user.name|cased': '1234'}"), search("{'user.name|cased': 'a234'}")),
        ("double-base64", search("{'user.name|base64offset|contains': 'cGluZyAxMjM='}"), search("{'user.name|base64offset|contains': 'ping 123'}")),
        ("base64-whole", search("{'user.name|base64offset': 'ping 12'}"), search("{'user.name|base64offset|contains': 'ping 12'}")),
        ("wide-alone", search("{'user.name|wide': 'ping'}"), search("{'user.name|wide|base64offset|contains': 'ping'}")),
        ("windash-no-dash", search("{'user.name|windash|contains': 'ping'}"), search("{'user.name|windash|contains': ' -ping'}")),
        ("ip-prefix", search("{'source.ip|startswith': '10.'}"), search("{'source.ip|cidr': '10.0.0.0/8'}")),
        ("single-address", search("{'source.ip|cidr': '10.0.0.1/32'}"), search("{'source.ip|cidr': '10.0.0.0/31'}")),
        ("whole-internet", search("{'source.ip|cidr': '0.0.0.0/0'}"), search("{'source.ip|cidr': '10.0.0.0/8'}")),
        ("no-list", search("{'user.name|expand': '%x%', process.name: x}"), search("{user.name: '%x%'}")),
        ("odd-field-name", search("{'Some  Field': root}"), search("{'Some Field': root}")),
        ("unknown-field", search("{user.nam: root}"), search("{user.name: root}")),
        ("unmapped-field", search("{Usr: root}"), search("{user.name: root}")),
        ("bad-type", search("{source.ip: intranet}"), search("{source.ip: 10.0.0.1}")),
        ("loose-regex", search("{'user.name|re': '.*roott+y'}"), search("{'user.name|re': 'roott+y'}")),
        ("plain-regex", search("{'user.name|re': 'root'}"), search("{'user.name|re': 'roo+t'}")),
        ("costly-regex", search("{'user.name|re': 'root(.*)*y'}"), search("{'user.name|re': '(root)+y'}")),
        ("regex-no-literal", search("{'user.name|re': '[a-z]+[0-9]'}"), search("{'user.name|re': 'adm[0-9]'}")),
        ("no-trigger", detection("a: {user.name: root}\n  condition: not a"), detection("a: {user.name: root}\n  condition: a")),
        ("weak-trigger", search("{'user.name|exists': true}"), search("{'user.name|exists': true, process.name: cron}")),
        ("never-matches", detection("a: {user.name: root}\n  b: {host.name: h}\n  condition: a and b and not a"), detection("a: {user.name: root}\n  b: {host.name: h}\n  condition: a and not b")),
        ("two-values", detection("a: {user.name: x}\n  b: {user.name: y}\n  condition: a and b"), detection("a: {user.name: x}\n  b: {user.name: y}\n  condition: a or b")),
        ("one-of-one", detection("sel_a: {user.name: x}\n  condition: 1 of sel_*"), detection("sel_a: {user.name: x}\n  sel_b: {user.name: y}\n  condition: 1 of sel_*")),
        ("them-with-filter", detection("a: {user.name: x}\n  filter: {host.name: y}\n  condition: 1 of them"), detection("a: {user.name: x}\n  filter: {host.name: y}\n  condition: a and not 1 of filter")),
        ("double-not", detection("a: {user.name: x}\n  condition: not not a"), detection("a: {user.name: x}\n  b: {host.name: y}\n  condition: a and not b")),
        ("mixed-operators", detection("a: {user.name: x}\n  b: {host.name: y}\n  c: {host.name: z}\n  condition: a and b or c"), detection("a: {user.name: x}\n  b: {host.name: y}\n  c: {host.name: z}\n  condition: (a and b) or c")),
        ("no-group-by", correlation("type: event_count, rules: [r], timespan: 5m, condition: {gte: 3}"), correlation(&format!("type: event_count, rules: [r], {group}"))),
        ("group-by-unknown", correlation(&format!("type: event_count, rules: [r], {}", group.replace("source.ip", "source.ipp"))), correlation(&format!("type: event_count, rules: [r], {group}"))),
        ("long-timespan", correlation(&format!("type: event_count, rules: [r], {}", group.replace("5m", "3d"))), correlation(&format!("type: event_count, rules: [r], {}", group.replace("5m", "2d")))),
        ("threshold-one", correlation(&format!("type: event_count, rules: [r], {}", group.replace("gte: 3", "gte: 1"))), correlation(&format!("type: event_count, rules: [r], {}", group.replace("gte: 3", "gt: 1")))),
        ("temporal-one-rule", correlation("type: temporal, rules: [r], group-by: [source.ip], timespan: 5m"), correlation("type: temporal, rules: [r, s], group-by: [source.ip], timespan: 5m")),
        ("counts-its-group", correlation("type: value_count, rules: [r], group-by: [source.ip], timespan: 5m, condition: {field: source.ip, gte: 3}"), correlation("type: value_count, rules: [r], group-by: [source.ip], timespan: 5m, condition: {field: user.name, gte: 3}")),
        ("repeated-rule", correlation(&format!("type: event_count, rules: [r, r], {group}")), correlation(&format!("type: event_count, rules: [r, s], {group}"))),
        ("unused-alias", correlation(&format!("type: event_count, rules: [r], aliases: {{x: {{r: user.name}}}}, {group}")), correlation(&format!("type: event_count, rules: [r], aliases: {{x: {{r: user.name}}}}, {}", group.replace("source.ip", "x")))),
        ("wide-filter", "title: A filter of some words\nid: f\ndescription: What it is about in words\nauthor: a\nfilter: {rules: any, a: {user.name: x}, condition: not a}\n".to_owned(), "title: A filter of some words\nid: f\ndescription: What it is about in words\nauthor: a\nfilter: {rules: [r], a: {user.name: x}, condition: not a}\n".to_owned()),
        ("duplicate-title", format!("{HEAD}{DETECTION}---\n{}{}", HEAD.replace("a-b", "c"), DETECTION.replace("root", "x")), format!("{HEAD}{DETECTION}---\n{}{}", HEAD.replace("a-b", "c").replace("A title", "Other"), DETECTION.replace("root", "x"))),
        ("duplicate-detection", format!("{HEAD}{DETECTION}---\n{}{DETECTION}", HEAD.replace("A title", "Other")), format!("{HEAD}{DETECTION}---\n{}{DETECTION}", HEAD.replace("A title", "Other").replace("linux", "windows"))),
        ("ignore", with("# longan-ignore: no-level because"), with("# longan-ignore: no-technique is said elsewhere").replace("attack.t1110", "attack.impact")),
    ]
}

#[test]
fn every_check_has_a_rule_it_finds_and_one_it_does_not() {
    let samples = samples();
    for check in CHECKS {
        assert!(samples.iter().any(|(code, _, _)| *code == check.code), "no sample for {}", check.code);
    }
    let mut wrong = Vec::new();
    for (code, must, must_not) in &samples {
        if !codes(must).contains(code) {
            wrong.push(format!("{code} is not found in:\n{must}\nfound: {:?}", codes(must)));
        }
        if codes(must_not).contains(code) {
            wrong.push(format!("{code} is found in:\n{must_not}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(codes(&format!("{HEAD}{DETECTION}")), [] as [&str; 0]);
}

#[test]
fn a_rule_that_is_refused_shows_all_its_other_problems() {
    let text = search("{'user.name|containz': '*x*', process.name: [a, a]}").replace("attack.t1110", "attack.t11");
    let found = codes(&text);
    for code in ["odd-tag", "repeated-value"] {
        assert!(found.contains(&code), "{code}: {found:?}");
    }
}

#[test]
fn findings_stand_where_the_mistake_is() {
    let content = Content {
        rules: vec![file(
            "x.yml",
            &format!("{HEAD}detection:\n  a:\n    user.name:\n      - root\n      - Root\n  condition: a\n"),
        )],
        ..Content::default()
    };
    let found = lint_all(&content);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].position, found[0].error.severity), (Position { line: 15, column: 9 }, Severity::Warning));
}

#[test]
fn an_ignored_finding_needs_a_reason() {
    let rule = |comment: &str| {
        let text = with(comment).replace("level: low\n", "");
        codes(&text)
    };
    assert_eq!(rule("# longan-ignore: no-level it is a building block"), [] as [&str; 0]);
    assert_eq!(rule("# longan-ignore: no-level"), ["ignore"]);
    assert_eq!(rule("# longan-ignore: no-such-thing x"), ["no-level", "ignore"]);
    // Another rule of the file is not meant.
    let two = format!(
        "{}---\n{}",
        with("# longan-ignore: no-level x").replace("level: low\n", ""),
        head("level: low\n", "").replace("A title", "Other").replace("root", "x")
    );
    assert_eq!(codes(&two), ["no-level"]);
}

#[test]
fn the_manual_has_every_check() {
    let manual = std::fs::read_to_string("docs/rules.md").expect("readable");
    for check in CHECKS {
        let row = format!("| `{}` | {} | {} |", check.code, check.severity, check.finds);
        assert!(manual.contains(&row), "docs/rules.md lacks:\n{row}");
    }
}
