//! Correlation rules: what several matches within a span of time come to (Sigma correlation specification 2.1).

use std::path::Path;
use std::time::Duration;

use crate::detect::sigma::error::Problems;
use crate::detect::sigma::error::RuleError;
use crate::detect::sigma::rule;
use crate::detect::sigma::rule::RuleMeta;
use crate::detect::sigma::value::CompareOp;
use crate::detect::sigma::yaml::Kind as NodeKind;
use crate::detect::sigma::yaml::Node;
use crate::diag::Position;
use crate::diag::closest;

/// The longest span a correlation may look over.
const TIMESPAN_MAX: Duration = Duration::from_secs(31 * 86_400);

/// What is measured over the matches within the span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CorrelationKind {
    EventCount,
    /// Distinct values of the field.
    ValueCount,
    ValueSum,
    ValueAvg,
    /// The percentile named; the median is the fiftieth.
    ValuePercentile(f64),
    /// Distinct rules that matched, in any order.
    Temporal,
    /// The rules matched one after the other in the order listed.
    TemporalOrdered,
}

const KINDS: [(&str, CorrelationKind); 8] = [
    ("event_count", CorrelationKind::EventCount),
    ("value_count", CorrelationKind::ValueCount),
    ("value_sum", CorrelationKind::ValueSum),
    ("value_avg", CorrelationKind::ValueAvg),
    ("value_percentile", CorrelationKind::ValuePercentile(50.0)),
    ("value_median", CorrelationKind::ValuePercentile(50.0)),
    ("temporal", CorrelationKind::Temporal),
    ("temporal_ordered", CorrelationKind::TemporalOrdered),
];

/// A bound on what is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    pub op: CompareOp,
    pub value: f64,
}

/// A group-by name that stands for a field of its own in each rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    pub name: String,
    /// Rule (id or name) and field.
    pub fields: Vec<(String, String)>,
}

/// A correlation rule read whole; its rules are still named, not found.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlation {
    pub meta: RuleMeta,
    pub kind: CorrelationKind,
    pub rules: Vec<(String, Position)>,
    pub group_by: Vec<String>,
    pub aliases: Vec<Alias>,
    pub timespan: Duration,
    /// All must hold; empty for temporal kinds, where all rules are wanted.
    pub bounds: Vec<Bound>,
    /// The fields measured, for the value kinds.
    pub fields: Vec<String>,
    /// The rules referred to raise alerts of their own, too.
    pub generate: bool,
}

/// Reads a correlation document.
pub fn read(node: &Node, path: &Path, problems: &mut Problems) -> Option<Correlation> {
    let meta = rule::read_meta(node, path, problems);
    let body = node.get("correlation")?;
    if !matches!(body.kind, NodeKind::Map(_)) {
        wrong_type(problems, body, "correlation", "a map");
        return None;
    }
    let kind = read_kind(body, problems);
    let rules: Vec<(String, Position)> = body
        .get("rules")
        .map_or(&[][..], Node::items)
        .iter()
        .filter_map(|item| item.scalar_text().map(|text| (text, item.at)))
        .collect();
    if rules.is_empty() {
        problems.add(body.at, RuleError::Correlation("`rules` names no rule".to_owned()));
    }
    let group_by = body.get("group-by").map_or(&[][..], Node::items).iter().filter_map(Node::scalar_text).collect();
    let timespan = match body.get("timespan") {
        None => {
            problems.add(body.at, RuleError::Correlation("`timespan` is missing".to_owned()));
            None
        }
        Some(value) => {
            let text = value.scalar_text().unwrap_or_default();
            let read = timespan(&text).filter(|span| !span.is_zero() && *span <= TIMESPAN_MAX);
            if read.is_none() {
                let error = RuleError::Correlation(format!("`timespan` cannot be `{text}`"));
                problems.add_with_hint(value.at, error, "a number and s, m, h or d, such as `5m`; 31 days at most");
            }
            read
        }
    };
    let generate = body.get("generate").or_else(|| node.get("generate"));
    let (bounds, fields, percentile) = read_condition(body, kind, problems);
    let kind = match (kind?, percentile) {
        (CorrelationKind::ValuePercentile(_), Some(percentile)) => CorrelationKind::ValuePercentile(percentile),
        (kind, _) => kind,
    };
    Some(Correlation {
        meta,
        kind,
        rules,
        group_by,
        aliases: read_aliases(body, problems),
        timespan: timespan?,
        bounds,
        fields,
        generate: generate.is_some_and(|node| node.kind == NodeKind::Bool(true)),
    })
}

fn wrong_type(problems: &mut Problems, node: &Node, key: &str, expected: &'static str) {
    problems.add(node.at, RuleError::WrongType { key: key.to_owned(), expected, found: node.kind_name() });
}

fn read_kind(body: &Node, problems: &mut Problems) -> Option<CorrelationKind> {
    let Some(node) = body.get("type") else {
        problems.add(body.at, RuleError::Correlation("`type` is missing".to_owned()));
        return None;
    };
    let text = node.scalar_text().unwrap_or_default();
    let found = KINDS.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind);
    if found.is_none() {
        let names = KINDS.map(|(name, _)| name);
        let hint = closest(&text, names).map_or_else(|| names.join(", "), |near| format!("did you mean `{near}`?"));
        problems.add_with_hint(node.at, RuleError::Correlation(format!("unknown type `{text}`")), hint);
    }
    found
}

type Condition = (Vec<Bound>, Vec<String>, Option<f64>);

fn read_condition(body: &Node, kind: Option<CorrelationKind>, problems: &mut Problems) -> Condition {
    let temporal = matches!(kind, Some(CorrelationKind::Temporal | CorrelationKind::TemporalOrdered));
    let (mut bounds, mut fields, mut percentile) = (Vec::new(), Vec::new(), None);
    let Some(condition) = body.get("condition") else {
        if !temporal {
            problems.add(body.at, RuleError::Correlation("`condition` is missing".to_owned()));
        }
        return (bounds, fields, percentile);
    };
    for (key, value) in condition.entries() {
        let op = match key.text.as_str() {
            "eq" => CompareOp::Equal,
            "lt" => CompareOp::Less,
            "lte" => CompareOp::LessOrEqual,
            "gt" => CompareOp::Greater,
            "gte" => CompareOp::GreaterOrEqual,
            "field" => {
                fields = value.items().iter().filter_map(Node::scalar_text).collect();
                continue;
            }
            "percentile" => {
                percentile = number(value).filter(|number| (0.0..=100.0).contains(number));
                if percentile.is_none() {
                    wrong_type(problems, value, "percentile", "a number from 0 to 100");
                }
                continue;
            }
            other => {
                let error = RuleError::Correlation(format!("unknown key `{other}` in `condition`"));
                problems.add_with_hint(key.at, error, "known are eq, lt, lte, gt, gte, field and percentile");
                continue;
            }
        };
        match number(value) {
            Some(value) => bounds.push(Bound { op, value }),
            None => wrong_type(problems, value, &key.text, "a number"),
        }
    }
    if bounds.is_empty() && !temporal {
        problems.add(condition.at, RuleError::Correlation("`condition` sets no bound".to_owned()));
    }
    let counts_only = matches!(kind, Some(CorrelationKind::EventCount)) || temporal || kind.is_none();
    if fields.is_empty() && !counts_only {
        problems.add(condition.at, RuleError::Correlation("`condition` names no `field` to measure".to_owned()));
    }
    let reachable = bounds.iter().any(|bound| !matches!(bound.op, CompareOp::Less | CompareOp::LessOrEqual));
    if !bounds.is_empty() && !reachable && counts_only {
        let error = RuleError::Correlation("only an upper bound: nothing arriving cannot set a rule off".to_owned());
        problems.add_with_hint(condition.at, error, "add `gte: 1`");
    }
    (bounds, fields, percentile)
}

fn number(node: &Node) -> Option<f64> {
    match node.kind {
        NodeKind::Int(number) => Some(number as f64),
        NodeKind::Float(number) => Some(number),
        _ => None,
    }
}

fn read_aliases(body: &Node, problems: &mut Problems) -> Vec<Alias> {
    let Some(aliases) = body.get("aliases") else { return Vec::new() };
    let mut read = Vec::new();
    for (key, value) in aliases.entries() {
        if !matches!(value.kind, NodeKind::Map(_)) {
            wrong_type(problems, value, &key.text, "a map from rule to field");
            continue;
        }
        let field = |(rule, field): &(super::yaml::Key, Node)| Some((rule.text.clone(), field.scalar_text()?));
        read.push(Alias { name: key.text.clone(), fields: value.entries().iter().filter_map(field).collect() });
    }
    read
}

/// Reads `90s`, `5m`, `2h`, `1d`, `1w`; months count 30 days and years 365.
fn timespan(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        'M' => 30 * 86_400,
        'y' => 365 * 86_400,
        _ => return None,
    };
    let count: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    count.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::sigma::yaml;

    fn parse(body: &str) -> Result<Correlation, Vec<String>> {
        let mut problems = Problems::default();
        let nodes = yaml::documents(&format!("title: x\ncorrelation:\n{body}"), &mut problems);
        let read = read(&nodes[0], Path::new("x.yml"), &mut problems);
        match (read, problems.0.as_slice()) {
            (Some(read), []) => Ok(read),
            (_, problems) => Err(problems.iter().map(|problem| problem.error.to_string()).collect()),
        }
    }

    #[test]
    fn a_correlation_is_read_whole() {
        let read = parse(
            "  type: value_count\n  rules: [a, b]\n  group-by: source.ip\n  timespan: 5m\n  condition: {gte: 10, field: user.name}\n  aliases:\n    who: {a: x, b: y}\n  generate: true\n",
        )
        .expect("well-formed");
        assert_eq!((read.kind, read.timespan), (CorrelationKind::ValueCount, Duration::from_secs(300)));
        assert_eq!((read.group_by, read.fields), (vec!["source.ip".to_owned()], vec!["user.name".to_owned()]));
        assert_eq!(read.bounds, [Bound { op: CompareOp::GreaterOrEqual, value: 10.0 }]);
        assert_eq!(read.aliases[0].fields.len(), 2);
        assert!(read.generate);
    }

    #[test]
    fn mistakes_are_told() {
        for (body, want) in [
            ("  type: event_coun\n  rules: a\n  timespan: 5m\n  condition: {gte: 1}\n", "unknown type `event_coun`"),
            ("  type: event_count\n  timespan: 5m\n  condition: {gte: 1}\n", "names no rule"),
            ("  type: event_count\n  rules: a\n  condition: {gte: 1}\n", "`timespan` is missing"),
            ("  type: event_count\n  rules: a\n  timespan: 5x\n  condition: {gte: 1}\n", "`timespan` cannot be `5x`"),
            ("  type: event_count\n  rules: a\n  timespan: 5m\n", "`condition` is missing"),
            ("  type: value_count\n  rules: a\n  timespan: 5m\n  condition: {gte: 2}\n", "no `field`"),
            ("  type: event_count\n  rules: a\n  timespan: 5m\n  condition: {lt: 2}\n", "only an upper bound"),
            ("  type: event_count\n  rules: a\n  timespan: 5m\n  condition: {over: 2}\n", "unknown key `over`"),
        ] {
            let problems = parse(body).expect_err("refused");
            assert!(problems.iter().any(|problem| problem.contains(want)), "{want}: {problems:?}");
        }
    }
}
