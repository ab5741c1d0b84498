//! Field mappings: from the names Sigma rules use to the names events have, by log source, applied when rules are compiled.

mod file;

use crate::detect::sigma::detection::Expr;
use crate::detect::sigma::rule::RuleLogSource;
use crate::detect::sigma::value::Predicate;
use crate::detect::sigma::value::Test;
use crate::model::Field;

/// One file of mappings; `--pipeline NAME` names it by its file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    pub name: String,
    pub title: String,
    sections: Vec<Section>,
}

/// The mappings for one log source.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Section {
    logsource: RuleLogSource,
    /// Put before the name of a field that has no entry.
    prefix: Option<String>,
    fields: Vec<(String, Vec<String>)>,
}

impl Section {
    fn applies_to(&self, rule: &RuleLogSource) -> bool {
        let same = |want: &Option<String>, have: &Option<String>| want.is_none() || want == have;
        same(&self.logsource.product, &rule.product)
            && same(&self.logsource.service, &rule.service)
            && same(&self.logsource.category, &rule.category)
    }

    fn specificity(&self) -> usize {
        let parts = [&self.logsource.product, &self.logsource.service, &self.logsource.category];
        parts.into_iter().filter(|part| part.is_some()).count()
    }
}

/// The pipelines in force, asked for one rule's log source at a time.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    pipelines: Vec<Pipeline>,
}

impl Mapping {
    /// Puts pipelines in force; where two map the same field for equally specific log sources, the earlier one counts.
    pub fn new(pipelines: Vec<Pipeline>) -> Mapping {
        Mapping { pipelines }
    }

    /// Returns the fields a rule's field stands for; the name itself where nothing maps it.
    ///
    /// A name of the ECS table is never mapped: a rule that uses it means it.
    pub fn targets(&self, logsource: &RuleLogSource, field: &str) -> Vec<String> {
        let unmapped = || vec![field.to_owned()];
        if self.pipelines.is_empty() || Field::from_name(field).is_some() {
            return unmapped();
        }
        let mut sections: Vec<&Section> = self
            .pipelines
            .iter()
            .flat_map(|pipeline| &pipeline.sections)
            .filter(|section| section.applies_to(logsource))
            .collect();
        sections.sort_by_key(|section| std::cmp::Reverse(section.specificity()));
        let entry = sections.iter().find_map(|section| {
            section.fields.iter().find(|(name, _)| name == field).map(|(_, targets)| targets.clone())
        });
        let with_prefix = || {
            let prefix = sections.iter().find_map(|section| section.prefix.as_deref())?;
            (!field.contains('.')).then(|| vec![format!("{prefix}{field}")])
        };
        entry.or_else(with_prefix).unwrap_or_else(unmapped)
    }

    /// Rewrites an expression. A field that stands for several is looked for in each of them.
    #[must_use]
    pub fn apply(&self, logsource: &RuleLogSource, expr: &Expr) -> Expr {
        if self.pipelines.is_empty() {
            return expr.clone();
        }
        match expr {
            Expr::Test(predicate) => self.apply_to_test(logsource, predicate),
            Expr::All(parts) => Expr::All(parts.iter().map(|part| self.apply(logsource, part)).collect()),
            Expr::Any(parts) => Expr::Any(parts.iter().map(|part| self.apply(logsource, part)).collect()),
            Expr::Not(inner) => self.apply(logsource, inner).negated(),
        }
    }

    fn apply_to_test(&self, logsource: &RuleLogSource, predicate: &Predicate) -> Expr {
        let Some(field) = predicate.field.as_deref() else { return Expr::Test(predicate.clone()) };
        let mut test = predicate.test.clone();
        if let Test::Field { other, .. } = &mut test
            && let Some(target) = self.targets(logsource, other).into_iter().next()
        {
            *other = target.into();
        }
        let is_null = test == Test::Null;
        let tests: Vec<Expr> = self
            .targets(logsource, field)
            .into_iter()
            .map(|target| Expr::Test(Predicate { field: Some(target.into()), test: test.clone() }))
            .collect();
        // Absent means absent under every name.
        if is_null { Expr::all(tests) } else { Expr::any(tests) }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const TEXT: &str = r#"
title = "Test"

[[mapping]]
product = "windows"
prefix = "winlog.event_data."
[mapping.fields]
EventID = "event.code"
User = ["user.name", "winlog.user.name"]

[[mapping]]
product = "windows"
category = "process_creation"
[mapping.fields]
User = "process.user.name"
"#;

    fn mapping() -> Mapping {
        Mapping::new(vec![Pipeline::read(Path::new("p/test.toml"), TEXT).expect("well-formed")])
    }

    fn source(product: &str, category: Option<&str>) -> RuleLogSource {
        RuleLogSource { product: Some(product.to_owned()), service: None, category: category.map(str::to_owned) }
    }

    #[test]
    fn the_most_specific_section_counts() {
        let mapping = mapping();
        let windows = source("windows", None);
        let creation = source("windows", Some("process_creation"));
        for (logsource, field, want) in [
            (&windows, "EventID", &["event.code"][..]),
            (&windows, "User", &["user.name", "winlog.user.name"]),
            (&creation, "User", &["process.user.name"]),
            (&creation, "EventID", &["event.code"]),
            (&windows, "Anything", &["winlog.event_data.Anything"]),
            (&windows, "user.name", &["user.name"]),
            (&source("linux", None), "User", &["User"]),
        ] {
            assert_eq!(mapping.targets(logsource, field), want, "{field}");
        }
    }

    #[test]
    fn absence_means_absence_everywhere() {
        let null = Expr::Test(Predicate { field: Some("User".into()), test: Test::Null });
        let mapped = mapping().apply(&source("windows", None), &null);
        assert!(matches!(mapped, Expr::All(parts) if parts.len() == 2));
    }

    #[test]
    fn mistakes_are_placed() {
        let err =
            Pipeline::read(Path::new("x.toml"), "title = \"x\"\n[[mapping]]\nprodukt = \"w\"\n").expect_err("refused");
        assert_eq!(err.position.line, 3);
    }
}
