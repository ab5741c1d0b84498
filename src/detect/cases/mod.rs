//! Cases beside a rule: raw lines that must match it and raw lines that must not, run through the real way of an event.

mod file;

pub use file::Case;
pub use file::CaseFile;
pub use file::Line;

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use crate::detect::detector::Detection;
use crate::detect::detector::Detector;
use crate::detect::ruleset::RuleFile;
use crate::detect::ruleset::RuleSet;
use crate::detect::sigma::rule::RuleMeta;
use crate::model::Event;
use crate::model::EventId;
use crate::model::Timestamp;

/// When the first line of a case is taken to arrive: 2026-03-02T08:00:00Z, a Monday afternoon in Hà Nội.
pub const STARTS: Timestamp = Timestamp(1_772_438_400_000_000_000);

/// A raw line as it enters: the text, when it arrives, and the pack that must read it, if one is named.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    pub text: &'a str,
    pub received: Timestamp,
    pub parser: Option<&'a str>,
}

/// Turns a raw line into an event and hands it on; the program's own way of parsing and normalizing.
pub type ReadLine<'r> = &'r dyn Fn(Arrival<'_>, &mut dyn FnMut(Event<'_>));

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub passed: bool,
    /// How often the rule was set off.
    pub detections: usize,
    /// The parser that read the last line, to see why a rule was not reached.
    pub parser: Option<String>,
}

impl CaseFile {
    /// Returns the ids of the rules the cases are about: the one they name, or those of the file beside them that speak.
    pub fn rules(&self, set: &RuleSet) -> Vec<String> {
        let beside = self.rule_path();
        let is_meant = |meta: &&Arc<RuleMeta>| match &self.rule {
            Some(rule) => meta.id == *rule || meta.name.as_ref() == Some(rule),
            None => meta.path == beside && !meta.silent,
        };
        set.rules().filter(is_meant).map(|meta| meta.id.clone()).collect()
    }
}

/// Counts the cases of each rule that has any, by its id; files that cannot be read count nothing.
pub fn count(set: &RuleSet, files: &[RuleFile]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for file in files.iter().filter_map(|file| CaseFile::read(&file.path, &file.text).ok()) {
        for rule in file.rules(set) {
            *counts.entry(rule).or_default() += file.cases.len();
        }
    }
    counts
}

/// Runs one case against the rule that has the id (or name) named, with every other rule of the set in force.
pub fn run(set: &Arc<RuleSet>, rule: &str, case: &Case, read_line: ReadLine<'_>) -> Outcome {
    let mut detector = Detector::new(Arc::clone(set));
    let mut found: Vec<Detection> = Vec::new();
    let mut parser = None;
    let mut next = 0_u64;
    let mut received = STARTS;
    // Where one line is spaced, all happen when they arrive: times that are written do not go with times that are asked for.
    let is_spaced =
        case.lines.iter().any(|line| line.repeat > 1 || line.every > Duration::ZERO || line.pause > Duration::ZERO);
    for line in &case.lines {
        for repetition in 0..line.repeat {
            let text = line.numbered(repetition);
            let arrival = Arrival { text: &text, received, parser: line.parser.as_deref().or(case.parser.as_deref()) };
            read_line(arrival, &mut |mut event| {
                next += 1;
                event.id = EventId(next);
                if is_spaced {
                    event.timestamp = received;
                }
                parser = event.parser.map(str::to_owned);
                detector.process(&event, &mut found);
            });
            received = received.plus(line.every);
        }
        received = received.plus(line.pause);
    }
    let is_rule = |detection: &&Detection| detection.rule.id == rule || detection.rule.name.as_deref() == Some(rule);
    let detections = found.iter().filter(is_rule).count();
    let passed = match case.expected {
        Some(times) => detections == times,
        None => (detections > 0) == case.must_match,
    };
    Outcome { passed, detections, parser }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::path::PathBuf;

    use super::*;
    use crate::detect::ruleset::Options;
    use crate::detect::ruleset::RuleFile;
    use crate::model::ecs;

    const RULES: &str = "title: Failed\nid: failed\nlogsource: {}\ndetection: {k: ['failed for'], condition: k}\n---\ntitle: Many\nid: many\ncorrelation: {type: event_count, rules: [failed], timespan: 1m, condition: {gte: 3}}\n";

    fn read_line(arrival: Arrival<'_>, each: &mut dyn FnMut(Event<'_>)) {
        let mut event = Event::new(arrival.text, arrival.received);
        event.set(ecs::MESSAGE, arrival.text);
        each(event);
    }

    #[test]
    fn cases_are_run_at_the_pace_they_ask_for() {
        let file = RuleFile { path: PathBuf::from("x.yml"), text: RULES.to_owned() };
        let (set, problems) = RuleSet::compile(&[file], &Options::default());
        assert!(problems.is_empty());
        let set = Arc::new(set);
        for (case, passed, detections) in [
            ("[[match]]\nline = 'login failed for u{n}'\nrepeat = 3\nevery = \"10s\"\n", true, 1),
            ("[[match]]\nline = 'login failed for u{n}'\nrepeat = 3\nevery = \"40s\"\n", false, 0),
            ("[[no_match]]\nline = 'login failed for u{n}'\nrepeat = 2\n", true, 0),
            ("[[no_match]]\nline = 'login failed for u{n}'\nrepeat = 9\n", false, 1),
            (
                "[[match]]\ntimes = 2\nlines = [{ line = 'failed for x', repeat = 3, every = \"1s\", pause = \"5m\" }, { line = 'failed for x', repeat = 3 }]\n",
                true,
                2,
            ),
        ] {
            let read = CaseFile::read(Path::new("x.cases.toml"), case).expect("well-formed");
            let outcome = run(&set, "many", &read.cases[0], &read_line);
            assert_eq!((outcome.passed, outcome.detections), (passed, detections), "{case}");
        }
    }

    #[test]
    fn a_plain_line_behind_repeated_ones_happens_after_them_whatever_time_stands_in_it() {
        let text = format!(
            "{RULES}---\ntitle: In\nid: in\nlogsource: {{}}\ndetection: {{k: ['logged in'], condition: k}}\n---\n\
             title: Then\nid: then\ncorrelation: {{type: temporal_ordered, rules: [many, in], timespan: 5m}}\n"
        );
        let file = RuleFile { path: PathBuf::from("x.yml"), text };
        let (set, problems) = RuleSet::compile(&[file], &Options::default());
        assert!(problems.is_empty(), "{problems:?}");
        let case = "[[match]]\nlines = [{ line = 'failed for x', repeat = 3, every = \"5s\" }, 'logged in']\n";
        let read = CaseFile::read(Path::new("x.cases.toml"), case).expect("well-formed");
        let written_long_ago = |arrival: Arrival<'_>, each: &mut dyn FnMut(Event<'_>)| {
            read_line(arrival, &mut |mut event| {
                event.timestamp = Timestamp(0);
                each(event);
            });
        };
        assert!(run(&Arc::new(set), "then", &read.cases[0], &written_long_ago).passed);
    }
}
