//! Checks of correlations and filters.

use std::time::Duration;

use super::Findings;
use crate::detect::mapping::Mapping;
use crate::detect::sigma::correlation::Correlation;
use crate::detect::sigma::correlation::CorrelationKind;
use crate::detect::sigma::filter::Filter;
use crate::detect::sigma::rule::RuleLogSource;
use crate::detect::sigma::value::CompareOp;
use crate::diag::closest;
use crate::model::Field;

/// A span past this keeps much state.
const TIMESPAN_LONG: Duration = Duration::from_secs(2 * 86_400);

pub(super) fn about(correlation: &Correlation, mapping: &Mapping, findings: &mut Findings<'_>) {
    let at = correlation.meta.position;
    if correlation.group_by.is_empty() {
        findings.add("no-group-by", at, "the correlation has no `group-by`: everything is counted together");
    }
    for name in &correlation.group_by {
        let is_alias = correlation.aliases.iter().any(|alias| alias.name == *name);
        let is_mapped = mapping.targets(&RuleLogSource::default(), name).iter().any(|target| target != name);
        if is_alias || is_mapped || Field::from_name(name).is_some() {
            continue;
        }
        let text = format!("`group-by`: `{name}` is neither an ECS field nor an alias");
        match closest(name, Field::all().map(Field::name)) {
            Some(near) => findings.hint("group-by-unknown", at, text, format!("did you mean `{near}`?")),
            // A dotted name may be a vendor's own field; a bare one of Sigma's is mapped by its rule's log source.
            None if name.contains('.') => {}
            None => findings.hint("group-by-unknown", at, text, "events without the field are not counted"),
        }
    }
    for alias in correlation.aliases.iter().filter(|alias| !correlation.group_by.contains(&alias.name)) {
        findings.add("unused-alias", at, format!("`group-by` does not name the alias `{}`", alias.name));
    }
    if correlation.timespan > TIMESPAN_LONG {
        findings.add("long-timespan", at, format!("a span of {} hours", correlation.timespan.as_secs() / 3_600));
    }
    for (index, (rule, position)) in correlation.rules.iter().enumerate() {
        if correlation.rules.iter().take(index).any(|(before, _)| before == rule) {
            findings.add("repeated-rule", *position, format!("rule `{rule}` is named twice"));
        }
    }
    kind(correlation, findings);
}

fn kind(correlation: &Correlation, findings: &mut Findings<'_>) {
    let at = correlation.meta.position;
    let reaches_one = |op: CompareOp, value: f64| match op {
        CompareOp::GreaterOrEqual | CompareOp::Equal => value <= 1.0,
        CompareOp::Greater => value < 1.0,
        _ => false,
    };
    match correlation.kind {
        CorrelationKind::EventCount | CorrelationKind::ValueCount
            if correlation.bounds.iter().any(|bound| reaches_one(bound.op, bound.value)) =>
        {
            findings.add("threshold-one", at, "one match is enough: the rule alone would do");
        }
        CorrelationKind::Temporal | CorrelationKind::TemporalOrdered if correlation.rules.len() < 2 => {
            findings.add("temporal-one-rule", at, "only one rule: nothing to come together");
        }
        _ => {}
    }
    let measures_group = correlation.fields.iter().any(|field| correlation.group_by.contains(field));
    if correlation.kind == CorrelationKind::ValueCount && measures_group {
        findings.add("counts-its-group", at, "the field counted is one it groups by: always 1");
    }
}

pub(super) fn about_filter(filter: &Filter, findings: &mut Findings<'_>) {
    if filter.rules.is_empty() && filter.meta.logsource == RuleLogSource::default() {
        let hint = "name the rules, or a log source";
        findings.hint("wide-filter", filter.meta.position, "the filter narrows every rule there is", hint);
    }
}
