//! The rules the program ships with: they load, please the linter, speak both languages and pass their cases.

use super::*;
use crate::detect::Content;
use crate::detect::Mapping;
use crate::detect::lint;
use crate::detect::lint::Severity;

/// Cases a rule needs on each side.
const CASES_MIN: usize = 3;

#[test]
fn the_rules_we_ship_load_and_the_linter_finds_nothing() {
    let content = Content::builtin();
    let (set, problems) = content.compile(ZONE_OFFSET_SECONDS);
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(set.len() > 60, "{} rules", set.len());
    assert_eq!(set.untriggered().count(), 0);
    let mapping = Mapping::new(content.read_pipelines().0);
    let lists = content.read_lists();
    for file in &content.rules {
        let findings = lint(file, &mapping, &|name| lists.get(name).cloned());
        let finding = findings.iter().find(|finding| finding.error.severity > Severity::Info);
        assert!(finding.is_none(), "{}", finding.map(ToString::to_string).unwrap_or_default());
    }
    for rule in set.rules().filter(|rule| !rule.silent) {
        let is_whole = rule.title_vi.is_some() && !rule.response.is_empty() && !rule.response_vi.is_empty();
        assert!(is_whole && rule.entity.is_some(), "`{}` lacks words or an entity", rule.id);
    }
}

#[test]
fn the_rules_we_ship_pass_their_cases() {
    let content = Content::builtin();
    let set = Arc::new(content.compile(ZONE_OFFSET_SECONDS).0);
    let (reader, problems) = LineReader::load(None);
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!(untested(&set, &content.cases), 0);
    for file in &content.cases {
        let file = CaseFile::read(&file.path, &file.text).expect("well-formed");
        let rules = file.rules(&set);
        assert!(!rules.is_empty(), "{}: no rule stands for these cases", file.path.display());
        let matching = file.cases.iter().filter(|case| case.must_match).count();
        let others = file.cases.len() - matching;
        assert!(matching >= CASES_MIN && others >= CASES_MIN, "{}: too few cases", file.path.display());
        for case in &file.cases {
            let (_, outcome) = best(&set, &reader, &rules, case);
            assert!(outcome.passed, "{}: {}: {outcome:?}", file.path.display(), case.name);
        }
    }
}
