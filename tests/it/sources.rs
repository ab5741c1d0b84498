//! The guide to the fifteen systems names only packs and rules that exist, and says the same in both languages.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A guide with the words that begin its lines of packs and of rules.
struct Guide {
    path: &'static str,
    packs: &'static str,
    rules: &'static str,
}

const ENGLISH: Guide = Guide { path: "docs/sources.md", packs: "**Packs:** ", rules: "**Rules:** " };
const VIETNAMESE: Guide = Guide { path: "docs/sources.vi.md", packs: "**Bộ đọc:** ", rules: "**Luật:** " };

/// What one section of a guide names.
#[derive(Debug, PartialEq, Eq)]
struct Section {
    packs: Vec<String>,
    rules: Vec<String>,
}

/// The words between backquotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The sections `## 1. …` to `## 15. …`, in their order.
fn sections(guide: &Guide) -> Vec<Section> {
    let text = fs::read_to_string(guide.path).expect("readable guide");
    let mut sections = Vec::new();
    for part in text.split("\n## ").skip(1) {
        let number = part.split('.').next().unwrap_or_default();
        if number.parse() != Ok(sections.len() + 1) {
            continue;
        }
        let line = |begin: &str| {
            let found = part.lines().find_map(|line| line.strip_prefix(begin));
            quoted(found.unwrap_or_else(|| panic!("{}: section {number} has no line `{begin}`", guide.path)))
        };
        sections.push(Section { packs: line(guide.packs), rules: line(guide.rules) });
    }
    sections
}

/// The ids of all rules, or of those that raise alerts by themselves.
fn rule_ids(folder: &Path, with_building_blocks: bool, ids: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("readable folder") {
        let path = entry.expect("readable entry").path();
        if path.is_dir() {
            rule_ids(&path, with_building_blocks, ids);
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            let text = fs::read_to_string(&path).expect("readable rule");
            let is_block = |rule: &str| rule.lines().any(|line| line == "level: informational");
            let rules = text.split("\n---\n").filter(|rule| with_building_blocks || !is_block(rule));
            let names = rules.flat_map(|rule| rule.lines().filter_map(|line| line.strip_prefix("id: ")));
            ids.extend(names.map(|id| id.trim().to_owned()));
        }
    }
}

#[test]
fn every_system_has_its_section_with_packs_and_rules_that_exist() {
    let mut ids = BTreeSet::new();
    rule_ids(Path::new("rules"), true, &mut ids);
    let mut findings = Vec::new();
    for guide in [ENGLISH, VIETNAMESE] {
        let sections = sections(&guide);
        assert_eq!(sections.len(), 15, "{}: sections `## 1. …` to `## 15. …`, in order", guide.path);
        for (number, section) in (1..).zip(&sections) {
            if section.packs.is_empty() || section.rules.is_empty() {
                findings.push(format!("{}: section {number} names no pack or no rule", guide.path));
            }
            for pack in section.packs.iter().filter(|pack| !Path::new(&format!("parsers/{pack}.toml")).is_file()) {
                findings.push(format!("{}: section {number}: no pack `{pack}`", guide.path));
            }
            for rule in section.rules.iter().filter(|rule| !ids.contains(*rule)) {
                findings.push(format!("{}: section {number}: no rule `{rule}`", guide.path));
            }
        }
    }
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn both_languages_name_the_same_packs_and_rules() {
    for (number, (english, vietnamese)) in (1..).zip(sections(&ENGLISH).into_iter().zip(sections(&VIETNAMESE))) {
        assert_eq!(english, vietnamese, "section {number}");
    }
}

#[test]
fn every_rule_that_raises_alerts_watches_one_of_the_systems() {
    let mut ids = BTreeSet::new();
    rule_ids(Path::new("rules"), false, &mut ids);
    let named: BTreeSet<_> = sections(&ENGLISH).into_iter().flat_map(|section| section.rules).collect();
    // The rules about Longan itself belong to no system of the province.
    let unnamed: Vec<_> = ids.iter().filter(|id| !named.contains(*id) && !id.starts_with("longan-")).collect();
    assert!(unnamed.is_empty(), "rules that no section of {} names: {unnamed:?}", ENGLISH.path);
    assert!(ids.len() >= 120, "{} rules that raise alerts", ids.len());
}
