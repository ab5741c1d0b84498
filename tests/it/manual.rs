//! The manual says what is there: every key and default of the configuration, every rule that raises alerts, and none that is not.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use longan::config::Flags;
use longan::config::load;

/// The sections that are alike and documented once.
const LISTENERS: [&str; 9] =
    ["syslog_udp", "syslog_tcp", "syslog_tls", "relp", "relp_tls", "beats", "beats_tls", "gelf_udp", "gelf_tcp"];

/// The members of each `Raw…` struct: name and type, as the source spells them.
fn raw_structs() -> BTreeMap<String, Vec<(String, String)>> {
    let source = fs::read_to_string("src/config/raw.rs").expect("readable source");
    let mut structs: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut current = String::new();
    for line in source.lines() {
        if let Some(rest) = line.strip_prefix("pub(super) struct ") {
            current = rest.trim_end_matches(" {").to_owned();
        } else if let Some((name, kind)) =
            line.trim().strip_prefix("pub(super) ").and_then(|rest| rest.split_once(": "))
        {
            let member = (name.to_owned(), kind.trim_end_matches(',').to_owned());
            structs.entry(current.clone()).or_default().push(member);
        }
    }
    structs
}

fn collect(structs: &BTreeMap<String, Vec<(String, String)>>, of: &str, prefix: &str, keys: &mut BTreeSet<String>) {
    for (name, kind) in structs.get(of).unwrap_or_else(|| panic!("no struct {of}")) {
        let key = format!("{prefix}{name}");
        let inner = kind.trim_start_matches("Vec<").trim_end_matches('>');
        if structs.contains_key(inner) {
            collect(structs, inner, &format!("{key}."), keys);
        } else if kind.starts_with("BTreeMap") {
            keys.insert(format!("{key}.NAME"));
        } else {
            keys.insert(key);
        }
    }
}

/// Writes a key as the manual does.
fn documented_as(key: &str) -> String {
    let listener = LISTENERS.iter().find_map(|name| key.strip_prefix(&format!("input.{name}.")));
    listener.map_or_else(|| key.to_owned(), |member| format!("input.LISTENER.{member}"))
}

/// The rows of the manual's tables by key: what stands in the column of defaults.
fn manual() -> BTreeMap<String, String> {
    let text = fs::read_to_string("docs/configuration.md").expect("readable manual");
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let key = cells.next()?.trim_end_matches('`').to_owned();
        Some((key, cells.next()?.to_owned()))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn every_key_stands_in_the_manual_and_no_other() {
    let mut keys = BTreeSet::new();
    collect(&raw_structs(), "Raw", "", &mut keys);
    let expected: BTreeSet<String> = keys.iter().map(|key| documented_as(key)).collect();
    let documented: BTreeSet<String> = manual().into_keys().collect();
    assert!(expected.len() > 30, "the source was not understood: {expected:?}");
    assert_eq!(expected.difference(&documented).collect::<Vec<_>>(), Vec::<&String>::new(), "not in the manual");
    assert_eq!(documented.difference(&expected).collect::<Vec<_>>(), Vec::<&String>::new(), "no such key");
}

#[test]
fn the_manual_names_the_defaults() {
    let manual = manual();
    let settings = load(None, [], &Flags::default()).expect("the defaults are right");
    for setting in &settings.explained {
        let default = manual.get(&documented_as(&setting.key)).unwrap_or_else(|| panic!("no row `{}`", setting.key));
        assert!(default.contains(&format!("`{}`", setting.value)), "`{}` is {}", setting.key, setting.value);
    }
}

#[test]
fn the_example_configuration_is_right() {
    let settings = load(Some(Path::new("deploy/longan.toml")), [], &Flags::default());
    let settings = settings.unwrap_or_else(|err| panic!("{err}"));
    assert!(settings.tls.is_some_and(|tls| tls.requires_client_certificate), "senders show a certificate");
    assert!(settings.http.is_some_and(|http| http.is_tls && http.token_file.is_some()));
}

/// The techniques of each rule in the table of the manual, as `T1110.001`.
fn documented_rules(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let table = text.split_once("| area | rules |").expect("the table of rules").1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = rows.flat_map(|row| row.split("), ").map(str::to_owned).collect::<Vec<_>>());
    let rule = |cell: String| {
        let (before, techniques) = cell.rsplit_once("` (")?;
        let (_, id) = before.rsplit_once('`')?;
        let techniques = techniques.trim_end_matches([' ', '|', ')']).split(", ").map(str::to_owned);
        // A dash: what the rule tells of is no attack.
        Some((id.to_owned(), techniques.filter(|technique| technique != "-").collect()))
    };
    cells.filter_map(rule).collect()
}

#[test]
fn every_rule_that_raises_alerts_stands_in_the_manual_with_its_techniques() {
    let text = fs::read_to_string("docs/rules.md").expect("readable manual");
    let listed = Command::new(env!("CARGO_BIN_EXE_longan")).args(["rules", "list", "--format", "json"]).output();
    let listed = String::from_utf8(listed.expect("the program runs").stdout).expect("UTF-8");
    let rules = listed.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a rule is JSON"));
    let technique = |tag: &serde_json::Value| {
        let tag = tag.as_str()?.strip_prefix("attack.")?.to_uppercase();
        tag.strip_prefix('T')?.starts_with(|c: char| c.is_ascii_digit()).then_some(tag)
    };
    let expected: BTreeMap<String, BTreeSet<String>> = rules
        .filter(|rule| rule["is_silent"] == false)
        .map(|rule| {
            let tags = rule["tags"].as_array().expect("tags");
            (rule["id"].as_str().expect("an id").to_owned(), tags.iter().filter_map(technique).collect())
        })
        .collect();
    assert_eq!(documented_rules(&text), expected);
    assert!(
        text.contains(&format!("\n{} rules raise alerts", expected.len())),
        "{} rules raise alerts",
        expected.len()
    );
}
