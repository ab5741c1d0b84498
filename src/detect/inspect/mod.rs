//! Why a rule does, or does not, match one event: its condition as a tree, each node true or false and why.
//!
//! Slow and plain on purpose: it reads the rule as written, and tests hold that it says what the compiled engine says.

mod test;
mod tree;

use std::path::Path;

use serde::Serialize;

use crate::detect::mapping::Mapping;
use crate::detect::ruleset::Content;
use crate::detect::ruleset::RuleFile;
use crate::detect::sigma::correlation::Correlation;
use crate::detect::sigma::correlation::CorrelationKind;
use crate::detect::sigma::detection::Expr;
use crate::detect::sigma::document;
use crate::detect::sigma::document::Document;
use crate::detect::sigma::error::Problems;
use crate::detect::sigma::error::RuleError;
use crate::detect::sigma::filter::Filter;
use crate::detect::sigma::rule::Rule;
use crate::detect::sigma::rule::RuleLogSource;
use crate::detect::sigma::rule::RuleMeta;
use crate::diag::Located;
use crate::diag::closest;
use crate::model::Event;
use crate::model::LogSource;

pub use test::Seen;
pub use test::TestReport;
pub use tree::Join;
pub use tree::Node;

/// Correlations of correlations are followed this deep.
const DEPTH_MAX: usize = 8;

/// Every rule that can be read, as written: what [`Inspector::explain`] looks in.
#[derive(Debug)]
pub struct Inspector {
    rules: Vec<Rule>,
    correlations: Vec<Correlation>,
    filters: Vec<Filter>,
    mapping: Mapping,
    utc_offset_seconds: i32,
}

/// What one rule says of one event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    pub id: String,
    pub title: String,
    pub path: String,
    pub line: u32,
    /// The rule matches; for a correlation: one of its rules does.
    pub matches: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logsource: Option<SourceReport>,
    /// The condition, and a filter's with it; `None` for a correlation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Node>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation: Option<CorrelationReport>,
}

/// The log source a rule wants, and the one the event has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceReport {
    pub admits: bool,
    /// Nothing is known of the event's log source: it is taken to fit.
    pub assumed: bool,
    pub wants: RuleLogSource,
    pub has: LogSource,
    /// What differs, in words.
    pub mismatches: Vec<String>,
}

/// What a correlation is made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CorrelationReport {
    pub kind: String,
    pub timespan_seconds: u64,
    /// What must hold over the span, in words.
    pub bounds: String,
    pub group_by: Vec<GroupReport>,
    /// The rules it counts.
    pub rules: Vec<Explanation>,
    /// Names that no rule has.
    pub unknown: Vec<String>,
}

/// A group-by field and what the event has there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupReport {
    pub field: String,
    /// `None`: an event without it is not counted.
    pub value: Option<String>,
}

/// An event to be explained.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'e> {
    pub event: &'e Event<'e>,
    /// Whether its log source is known; one that is not fits every rule.
    pub logsource_known: bool,
}

impl Inspector {
    /// Reads all rules of some content; what is broken is left out, and reported when it is compiled.
    pub fn new(content: &Content, utc_offset_seconds: i32) -> Inspector {
        let lists = content.read_lists();
        let lists = |name: &str| lists.get(name).cloned();
        let mapping = Mapping::new(content.read_pipelines().0);
        let mut inspector =
            Inspector { rules: Vec::new(), correlations: Vec::new(), filters: Vec::new(), mapping, utc_offset_seconds };
        for file in &content.rules {
            for document in document::read(&file.path, &file.text, &lists, &mut Problems::default()) {
                match document {
                    Document::Rule(rule) => inspector.rules.push(*rule),
                    Document::Correlation(correlation) => inspector.correlations.push(*correlation),
                    Document::Filter(filter) => inspector.filters.push(*filter),
                }
            }
        }
        inspector
    }

    /// Goes through what every rule and correlation says about itself.
    pub fn metas(&self) -> impl Iterator<Item = &RuleMeta> {
        self.rules.iter().map(|rule| &rule.meta).chain(self.correlations.iter().map(|correlation| &correlation.meta))
    }

    /// Returns the ids of the rules meant by an id, a name, or a file.
    pub fn named(&self, name: &str) -> Vec<String> {
        let found: Vec<String> =
            self.metas().filter(|meta| is_called(meta, name)).map(|meta| meta.id.clone()).take(1).collect();
        if !found.is_empty() {
            return found;
        }
        let path = Path::new(name);
        self.metas().filter(|meta| meta.path == path).map(|meta| meta.id.clone()).collect()
    }

    /// Returns the id that was probably meant.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        closest(name, self.metas().flat_map(|meta| meta.name.as_deref().into_iter().chain([meta.id.as_str()])))
    }

    /// Returns the ids and names a rule needs to stand: those of the rules it correlates, and of theirs.
    pub fn needs(&self, name: &str) -> Vec<&RuleMeta> {
        let mut needed: Vec<&RuleMeta> = Vec::new();
        let mut open = vec![name];
        while let Some(name) = open.pop() {
            let Some(meta) = self.metas().find(|meta| is_called(meta, name)) else { continue };
            if needed.iter().any(|have| have.id == meta.id) {
                continue;
            }
            needed.push(meta);
            let correlation = self.correlations.iter().find(|correlation| correlation.meta.id == meta.id);
            open.extend(correlation.iter().flat_map(|have| have.rules.iter().map(|(rule, _)| rule.as_str())));
        }
        needed
    }

    /// Returns the detection rules a rule comes to: itself, or those at the bottom of its correlations, filters applied.
    pub(in crate::detect) fn leaves(&self, name: &str) -> Vec<(&RuleMeta, Expr)> {
        let needed = self.needs(name);
        let of = |meta: &&RuleMeta| self.rules.iter().find(|rule| rule.meta.id == meta.id);
        let leaves = needed.iter().filter_map(of);
        leaves.map(|rule| (&rule.meta, self.mapping.apply(&rule.meta.logsource, &self.narrowed(rule)))).collect()
    }

    /// Returns the files a rule needs to stand, with the filters on it, and without correlations of others.
    ///
    /// A rule that somebody counts raises nothing by itself; here it is to speak.
    pub fn alone(&self, content: &Content, name: &str) -> Vec<RuleFile> {
        let needed = self.needs(name);
        let leaves: Vec<&Rule> =
            self.rules.iter().filter(|rule| needed.iter().any(|meta| meta.id == rule.meta.id)).collect();
        let filters = self.filters.iter().filter(|filter| leaves.iter().any(|rule| filter.applies_to(rule)));
        let mut paths: Vec<&Path> = needed.iter().map(|meta| meta.path.as_path()).collect();
        paths.extend(filters.map(|filter| filter.meta.path.as_path()));
        let is_wanted = |chunk: &str| {
            let is_correlation = chunk.lines().any(|line| line.starts_with("correlation:"));
            !is_correlation || needed.iter().any(|meta| chunk.lines().any(|line| says_id(line, &meta.id)))
        };
        let files = content.rules.iter().filter(|file| paths.contains(&file.path.as_path()));
        files
            .map(|file| {
                let chunks: Vec<&str> = file.text.split("\n---").filter(|chunk| is_wanted(chunk)).collect();
                RuleFile { path: file.path.clone(), text: chunks.join("\n---") }
            })
            .collect()
    }

    fn narrowed(&self, rule: &Rule) -> Expr {
        let filters = self.filters.iter().filter(|filter| filter.applies_to(rule));
        let mut parts = vec![rule.expr.clone()];
        parts.extend(filters.map(|filter| filter.expr.clone()));
        Expr::all(parts)
    }

    /// Says what the rule of that id (or name) makes of the event; `None` when there is no such rule.
    pub fn explain(&self, rule: &str, subject: Subject<'_>) -> Option<Explanation> {
        self.explain_within(rule, subject, 0)
    }

    fn explain_within(&self, name: &str, subject: Subject<'_>, depth: usize) -> Option<Explanation> {
        if let Some(rule) = self.rules.iter().find(|rule| is_called(&rule.meta, name)) {
            return Some(self.of_rule(rule, subject));
        }
        let correlation = self.correlations.iter().find(|correlation| is_called(&correlation.meta, name))?;
        let mut report = CorrelationReport {
            kind: kind_name(correlation.kind).to_owned(),
            timespan_seconds: correlation.timespan.as_secs(),
            bounds: bounds_text(correlation),
            group_by: Vec::new(),
            rules: Vec::new(),
            unknown: Vec::new(),
        };
        for (rule, _) in &correlation.rules {
            match self.explain_within(rule, subject, depth + 1).filter(|_| depth < DEPTH_MAX) {
                Some(explanation) => report.rules.push(explanation),
                None => report.unknown.push(rule.clone()),
            }
        }
        report.group_by = self.groups(correlation, &report.rules, subject.event);
        let matches = report.rules.iter().any(|rule| rule.matches);
        Some(Explanation { correlation: Some(report), ..self.head(&correlation.meta, matches) })
    }

    fn head(&self, meta: &RuleMeta, matches: bool) -> Explanation {
        Explanation {
            id: meta.id.clone(),
            title: meta.title.clone(),
            path: meta.path.display().to_string(),
            line: meta.position.line,
            matches,
            logsource: None,
            condition: None,
            correlation: None,
        }
    }

    fn of_rule(&self, rule: &Rule, subject: Subject<'_>) -> Explanation {
        let logsource = source_report(&rule.meta.logsource, subject);
        let ctx = tree::Ctx {
            event: subject.event,
            mapping: &self.mapping,
            logsource: &rule.meta.logsource,
            utc_offset_seconds: self.utc_offset_seconds,
        };
        let own = tree::of_condition(ctx, &rule.expr, &rule.searches);
        let filters: Vec<Node> = self
            .filters
            .iter()
            .filter(|filter| filter.applies_to(rule))
            .map(|filter| tree::of_condition(ctx, &filter.expr, &[]).called(&format!("filter {}", filter.meta.id)))
            .collect();
        let condition = if filters.is_empty() { own } else { Node::all(std::iter::once(own).chain(filters).collect()) };
        let matches = logsource.admits && condition.holds;
        Explanation { logsource: Some(logsource), condition: Some(condition), ..self.head(&rule.meta, matches) }
    }

    /// What the event has in the fields a correlation groups by: under the names of the first rule that matches.
    fn groups(&self, correlation: &Correlation, rules: &[Explanation], event: &Event<'_>) -> Vec<GroupReport> {
        let speaker = rules.iter().find(|rule| rule.matches).or(rules.first());
        let meta = speaker.and_then(|speaker| self.rules.iter().find(|rule| rule.meta.id == speaker.id));
        let field_of = |name: &String| {
            let alias = correlation.aliases.iter().find(|alias| alias.name == *name);
            let is_meant = |rule: &str| meta.is_some_and(|have| is_called(&have.meta, rule));
            let field = alias.and_then(|alias| alias.fields.iter().find(|(rule, _)| is_meant(rule)));
            let field = field.map_or(name, |(_, field)| field);
            let logsource = meta.map(|rule| rule.meta.logsource.clone()).unwrap_or_default();
            self.mapping.targets(&logsource, field).into_iter().next().unwrap_or_else(|| field.clone())
        };
        let report = |name: &String| {
            let field = field_of(name);
            let value = test::values(event, Some(&field)).into_iter().next().map(|value| value.to_text().into_owned());
            GroupReport { field, value }
        };
        correlation.group_by.iter().map(report).collect()
    }
}

/// Takes a rule file into the content, in place of rules with the same ids; returns what is wrong with it.
///
/// References to rules of other files are no mistake of this one.
pub fn lay_over(content: &mut Content, path: &Path, text: &str) -> Vec<Located<RuleError>> {
    let file = RuleFile { path: path.to_owned(), text: text.to_owned() };
    let of_file = |file: &RuleFile| -> Vec<String> {
        let one = Content { rules: vec![file.clone()], ..Content::default() };
        Inspector::new(&one, 0).metas().map(|meta| meta.id.clone()).collect()
    };
    let ids = of_file(&file);
    let alone = Content { rules: vec![file.clone()], lists: content.lists.clone(), ..Content::default() };
    let (_, mut problems) = alone.compile(0);
    problems.retain(|problem| !matches!(problem.error, RuleError::UnknownRule(_)));
    content.rules.retain(|have| have.path != path && !of_file(have).iter().any(|id| ids.contains(id)));
    content.rules.push(file);
    problems
}

fn says_id(line: &str, id: &str) -> bool {
    let Some((key, value)) = line.split_once(':') else { return false };
    ["id", "name", "title"].contains(&key) && value.trim().trim_matches(['\'', '"']) == id
}

fn is_called(meta: &RuleMeta, name: &str) -> bool {
    meta.id == name || meta.name.as_deref() == Some(name)
}

fn source_report(wants: &RuleLogSource, subject: Subject<'_>) -> SourceReport {
    let has = subject.event.logsource.clone().into_owned();
    let mut mismatches = Vec::new();
    if subject.logsource_known {
        let service = has.service.join(" or ");
        let category = has.category.join(" or ");
        let product = has.product.clone().unwrap_or_default();
        let only = |part: &'static str, want: &Option<String>| {
            let want = want.as_deref();
            let pick = |wanted: &str| want.filter(|_| part == wanted);
            has.admits(pick("product"), pick("service"), pick("category"))
        };
        for (part, want, have) in [
            ("product", &wants.product, product),
            ("service", &wants.service, service),
            ("category", &wants.category, category),
        ] {
            if let Some(wanted) = want
                && !only(part, want)
            {
                let have = if have.is_empty() { "none".to_owned() } else { format!("`{have}`") };
                mismatches.push(format!("{part}: the rule wants `{wanted}`, the event has {have}"));
            }
        }
    }
    SourceReport {
        admits: mismatches.is_empty(),
        assumed: !subject.logsource_known,
        wants: wants.clone(),
        has,
        mismatches,
    }
}

fn kind_name(kind: CorrelationKind) -> &'static str {
    match kind {
        CorrelationKind::EventCount => "event_count",
        CorrelationKind::ValueCount => "value_count",
        CorrelationKind::ValueSum => "value_sum",
        CorrelationKind::ValueAvg => "value_avg",
        CorrelationKind::ValuePercentile(_) => "value_percentile",
        CorrelationKind::Temporal => "temporal",
        CorrelationKind::TemporalOrdered => "temporal_ordered",
    }
}

fn bounds_text(correlation: &Correlation) -> String {
    let what = match correlation.kind {
        CorrelationKind::Temporal => return "every rule, in any order".to_owned(),
        CorrelationKind::TemporalOrdered => return "every rule, in this order".to_owned(),
        CorrelationKind::EventCount => "matches".to_owned(),
        _ => format!("{} of {}", kind_name(correlation.kind), correlation.fields.join(", ")),
    };
    let bounds: Vec<String> =
        correlation.bounds.iter().map(|bound| format!("{} {}", tree::sign(bound.op), bound.value)).collect();
    format!("{what} {}", bounds.join(" and "))
}

#[cfg(test)]
mod tests;
