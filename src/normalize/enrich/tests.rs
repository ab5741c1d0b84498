//! Lists as files, and what becomes of events.

use std::fs;
use std::net::IpAddr;

use super::*;
use crate::model::Event;
use crate::normalize::Config;
use crate::normalize::Normalizer;

const NOW: Timestamp = Timestamp(1_790_000_000_000_000_000);

fn load(files: &[(&str, &str)]) -> (Threats, Vec<Summary>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("written");
    }
    let (threats, summaries, problems) = load_threats(folder.path(), NOW);
    let prefix = format!("{}/", folder.path().display());
    let problems = problems.iter().map(|problem| problem.to_string().replace(&prefix, "").replace("\n  ", " "));
    (threats, summaries, problems.collect())
}

#[test]
fn every_form_of_list_is_read() {
    let stix = r#"{"type": "bundle", "id": "bundle--1", "objects": [
        {"type": "identity", "id": "identity--1", "name": "A sharing centre"},
        {"type": "indicator", "id": "indicator--1", "pattern_type": "stix", "name": "Loader", "confidence": 90,
         "pattern": "[domain-name:value = 'stix.example'] OR [ipv4-addr:value = '198.51.100.9']", "valid_until": "2030-01-01T00:00:00Z"},
        {"type": "indicator", "id": "indicator--2", "pattern": "[url:value = 'http://gone.example/x']", "revoked": true},
        {"type": "indicator", "id": "indicator--3", "pattern": "[process:name = 'x']"}]}"#;
    let misp = r#"{"response": [{"Event": {"info": "Phishing wave", "Orgc": {"name": "CERT"}, "Attribute": [
        {"type": "domain", "uuid": "1", "value": "misp.example", "to_ids": true},
        {"type": "domain", "uuid": "2", "value": "context.example", "to_ids": false},
        {"type": "comment", "uuid": "3", "value": "nothing"}],
        "Object": [{"Attribute": [{"type": "filename|sha256", "uuid": "4", "to_ids": true,
          "value": "a.exe|e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}]}}]}"#;
    let plain = "# name: Botnet\n# confidence: 80\n203.0.113.7 # a node\n0.0.0.0 hosts.example\nnonsense\n10.0.0.1\n";
    let csv = "ioc,confidence,valid_until,malware\nhttp://csv.example/a,low,2020-01-01,Old\n\"203.0.113.8:443\",x,,\n";
    let (threats, summaries, problems) =
        load(&[("a.json", stix), ("b.json", misp), ("c.txt", plain), ("d.csv", csv), (".hidden", "x")]);
    let seen: Vec<_> =
        summaries.iter().map(|one| (one.name.as_str(), one.indicators, one.expired, one.problems)).collect();
    assert_eq!(seen, [("a", 2, 0, 1), ("b", 2, 0, 0), ("c", 2, 0, 2), ("d", 2, 1, 1)]);
    assert_eq!(
        problems,
        [
            "a.json:6:38: the pattern `[process:name = 'x']` is not looked up hint: comparisons joined by OR are; AND, NOT and FOLLOWEDBY are not",
            "c.txt:5:1: `nonsense` is no address, network, domain, URL or hash hint: one address, network, domain, URL or hash a line",
            "c.txt:6:1: `10.0.0.1` is not public: every event of our own network would be a hit",
            "d.csv:3:1: `x` is no confidence from 0 to 100",
        ]
    );
    let first = |value: &str| threats.look_up(value).first().map(|hit| (hit.list, hit.note, hit.confidence));
    assert_eq!(first("stix.example"), Some(("A sharing centre", "Loader", Some(90))));
    assert_eq!(first("198.51.100.9"), Some(("A sharing centre", "Loader", Some(90))));
    assert_eq!(first("www.misp.example"), Some(("CERT", "Phishing wave", None)));
    assert_eq!(
        first("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"),
        Some(("CERT", "Phishing wave", None))
    );
    assert_eq!(first("203.0.113.7"), Some(("Botnet", "a node", Some(80))));
    assert_eq!(first("hosts.example"), Some(("Botnet", "", Some(80))));
    assert_eq!(first("https://csv.example/a"), Some(("d", "Old", Some(15))));
    assert_eq!(first("context.example"), None);
}

#[test]
fn a_broken_file_is_told_with_its_place() {
    let (threats, _, problems) =
        load(&[("a.json", "{\"objects\": [\n  {]\n"), ("b.json", "{}"), ("c.txt", "203.0.113.7\n")]);
    assert!(problems[0].starts_with("a.json:2:"), "{problems:?}");
    assert_eq!(problems[1], "b.json:1:1: neither a STIX bundle nor MISP events");
    assert_eq!(threats.count(), 1);
    let many: String = (0..100).map(|n| format!("bad{n}\n")).collect();
    let (_, _, problems) = load(&[("a.txt", &many)]);
    assert_eq!(
        (problems.len(), problems.last().map(String::as_str)),
        (21, Some("a.txt:1:1: 80 more problems in this list"))
    );
}

fn normalizer() -> Normalizer {
    let plain = "# name: Botnet\n# confidence: 80\n203.0.113.0/24\nevil.example\n";
    let (threats, _, problems) =
        load(&[("a.txt", plain), ("b.txt", "203.0.113.7\n# expires: 2020-01-01\nover.example\n")]);
    assert!(problems.is_empty(), "{problems:?}");
    let enrichment = Enrichment { threats, ..Enrichment::default() };
    Normalizer::new(Config { enrichment, ..Config::default() })
}

#[test]
fn a_hit_is_told_in_the_words_of_ecs() {
    let normalizer = normalizer();
    let mut event = Event::new("x", NOW);
    event.set(ecs::SOURCE_IP, "10.0.0.5".parse::<IpAddr>().expect("an address"));
    event.set(ecs::DESTINATION_IP, "203.0.113.7".parse::<IpAddr>().expect("an address"));
    normalizer.normalize(&mut event, None);
    let text = |name: &str| event.get_by_name(name).map(|value| value.to_text().into_owned());
    for (name, value) in [
        ("threat.indicator.type", "ipv4-addr"),
        ("threat.indicator.ip", "203.0.113.7"),
        ("threat.indicator.confidence", "High"),
        ("threat.feed.name", "Botnet"),
        ("longan.threat.field", "destination.ip"),
        ("longan.threat.lists", "b Botnet"),
        ("longan.threat.confidence", "80"),
    ] {
        assert_eq!(text(name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn no_hit_no_fields_and_what_is_over_is_no_hit() {
    let normalizer = normalizer();
    for (field, value) in [
        (ecs::DNS_QUESTION_NAME, "good.example"),
        (ecs::DNS_QUESTION_NAME, "over.example"),
        (ecs::USER_NAME, "evil.example"),
    ] {
        let mut event = Event::new("x", NOW);
        event.set(field, value);
        normalizer.normalize(&mut event, None);
        assert!(event.get(ecs::THREAT_FEED_NAME).is_none(), "{value}");
    }
    let mut event = Event::new("x", NOW);
    event.set(ecs::DNS_QUESTION_NAME, "a.evil.example");
    normalizer.normalize(&mut event, None);
    assert_eq!(event.get(ecs::THREAT_INDICATOR_URL_DOMAIN), Some(&Value::from("a.evil.example")));
}
