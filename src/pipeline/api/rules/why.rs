//! Why a rule matched an event, for the API: the explanation of `rules explain`, within bounds, and its places in the raw line.

use std::ops::Range;

use crate::detect::inspect::CorrelationReport;
use crate::detect::inspect::Explanation;
use crate::detect::inspect::Join;
use crate::detect::inspect::Node;
use crate::detect::inspect::TestReport;
use crate::wire::why::RuleWhy;
use crate::wire::why::WhyCorrelation;
use crate::wire::why::WhyGroup;
use crate::wire::why::WhyNode;
use crate::wire::why::WhyTest;

/// Nodes told of one event, and how deep.
const NODES_MAX: usize = 500;
const DEPTH_MAX: usize = 40;
/// Alternatives told that do not hold, where none does.
const ALTERNATIVES_MAX: usize = 3;
/// Values shorter than this are not looked for in the raw line: they would be found anywhere.
const VALUE_BYTES_MIN: usize = 3;

/// Turns explanations into what the API tells.
pub(super) struct Teller<'r> {
    raw: &'r str,
    nodes_left: usize,
}

impl Teller<'_> {
    /// Tells of an event with that raw line.
    pub(super) fn of(raw: &str) -> Teller<'_> {
        Teller { raw, nodes_left: NODES_MAX }
    }

    pub(super) fn rule(&mut self, explanation: Explanation) -> RuleWhy {
        RuleWhy {
            id: explanation.id,
            title: explanation.title,
            matches: explanation.matches,
            mismatches: explanation.logsource.map(|source| source.mismatches).unwrap_or_default(),
            condition: explanation.condition.and_then(|node| self.node(node, 0)),
            correlation: explanation.correlation.map(|report| self.correlation(report)),
        }
    }

    fn correlation(&mut self, report: CorrelationReport) -> WhyCorrelation {
        let group = |group: crate::detect::inspect::GroupReport| WhyGroup { field: group.field, value: group.value };
        WhyCorrelation {
            kind: report.kind,
            timespan_seconds: report.timespan_seconds,
            bounds: report.bounds,
            group_by: report.group_by.into_iter().map(group).collect(),
            rules: report.rules.into_iter().map(|rule| self.rule(rule)).collect(),
            unknown: report.unknown,
        }
    }

    /// `None` when enough was told.
    fn node(&mut self, node: Node, depth: usize) -> Option<WhyNode> {
        if depth >= DEPTH_MAX {
            return None;
        }
        self.nodes_left = self.nodes_left.checked_sub(1)?;
        let join = match node.join {
            Join::All => "all",
            Join::Any => "any",
            Join::Not => "not",
            Join::Test => "test",
        };
        let mut told = WhyNode {
            name: node.name,
            join: join.to_owned(),
            holds: node.holds,
            test: node.test.map(|test| self.test(test)),
            parts: Vec::new(),
            more: 0,
        };
        let mut failed = 0;
        for part in node.parts {
            let matters = node.join != Join::Any
                || part.holds
                || part.name.is_some()
                || part.join != Join::Test
                || (!node.holds && failed < ALTERNATIVES_MAX);
            failed += usize::from(!part.holds);
            match matters.then(|| self.node(part, depth + 1)).flatten() {
                Some(part) => told.parts.push(part),
                None => told.more += 1,
            }
        }
        Some(told)
    }

    fn test(&self, test: TestReport) -> WhyTest {
        let first = test.seen.into_iter().next();
        let span = first
            .as_ref()
            .filter(|_| test.holds)
            .and_then(|seen| seen.raw_span.clone().or_else(|| self.found(&seen.value, seen.span.clone())));
        let narrow = |span: Range<usize>| Some((u32::try_from(span.start).ok()?, u32::try_from(span.end).ok()?));
        WhyTest {
            field: test.field,
            wants: test.wants,
            value: first.map(|seen| seen.value),
            raw_span: span.and_then(narrow),
            why: test.why,
        }
    }

    /// Finds a value in the raw line, for what is kept apart from it.
    fn found(&self, value: &str, span: Option<Range<usize>>) -> Option<Range<usize>> {
        let whole = value.strip_suffix('…').unwrap_or(value);
        if whole.len() < VALUE_BYTES_MIN {
            return None;
        }
        let at = self.raw.find(whole)?;
        let span = span.filter(|span| span.end <= whole.len()).unwrap_or(0..whole.len());
        Some(at + span.start..at + span.end)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::detect::Content;
    use crate::detect::inspect::Inspector;
    use crate::detect::inspect::Subject;
    use crate::detect::inspect::lay_over;
    use crate::model::Event;
    use crate::model::Name;
    use crate::model::Timestamp;

    const RAW: &str = "sudo: an : COMMAND=/usr/bin/curl http://198.51.100.9/x";

    fn told(detection: &str) -> RuleWhy {
        let mut content = Content::default();
        let text = format!("title: T\nid: t\nlogsource: {{product: linux}}\ndetection:\n{detection}");
        assert!(lay_over(&mut content, Path::new("t.yml"), &text).is_empty(), "{text}");
        let mut event = Event::new(RAW, Timestamp(0));
        // As it comes from the store: apart from the raw line.
        event.push(Name::new("process.command_line".to_owned()), "/usr/bin/curl http://198.51.100.9/x".to_owned());
        event.push(Name::new("user.name".to_owned()), "an".to_owned());
        let subject = Subject { event: &event, logsource_known: false };
        let explanation = Inspector::new(&content, 0).explain("t", subject).expect("the rule is there");
        Teller::of(RAW).rule(explanation)
    }

    #[test]
    fn what_matched_is_found_in_the_raw_line() {
        let why = told(
            "    a:\n        process.command_line|contains: '198.51.100.9'\n        user.name: an\n    condition: a\n",
        );
        assert!(why.matches);
        let spans = why.raw_spans();
        let texts: Vec<&str> = spans.iter().map(|(start, end)| &RAW[*start as usize..*end as usize]).collect();
        assert_eq!(texts, ["198.51.100.9"], "a value of two letters is not looked for");
        let node = why.condition.expect("a condition");
        assert_eq!((node.name.as_deref(), node.join.as_str(), node.parts.len()), (Some("a"), "all", 2));
    }

    #[test]
    fn what_does_not_matter_is_counted() {
        let values: String = (0..2000).map(|number| format!("            - 'no{number}'\n")).collect();
        let one =
            format!("    a:\n        process.command_line|contains:\n{values}            - 'curl'\n    condition: a\n");
        let node = told(&one).condition.expect("a condition");
        assert_eq!((node.holds, node.parts.len(), node.more), (true, 1, 2000));
        let none = format!("    a:\n        process.command_line|contains:\n{values}    condition: a and not a\n");
        let why = told(&none);
        assert!(!why.matches && why.raw_spans().is_empty());
        fn count(node: &WhyNode) -> usize {
            1 + node.parts.iter().map(count).sum::<usize>()
        }
        assert!(why.condition.as_ref().is_some_and(|node| count(node) <= NODES_MAX));
    }
}
