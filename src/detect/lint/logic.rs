//! Checks of what a rule means: searches, values, fields, cost, and whether it can hold at all.

use hashbrown::HashSet;

use super::Findings;
use crate::detect::engine::Predicates;
use crate::detect::engine::choose;
use crate::detect::mapping::Mapping;
use crate::detect::sigma::detection::Expr;
use crate::detect::sigma::rule::Rule;
use crate::detect::sigma::value::Part;
use crate::detect::sigma::value::Pattern;
use crate::detect::sigma::value::Predicate;
use crate::detect::sigma::value::Shape;
use crate::detect::sigma::value::Test;
use crate::diag::Position;
use crate::diag::closest;
use crate::model::Field;

/// Values of one list compared with each other.
const COMPARED_MAX: usize = 300;
/// Parts of a pattern that anyone can read.
const PARTS_MAX: usize = 12;

pub(super) fn about(rule: &Rule, mapping: &Mapping, findings: &mut Findings<'_>) {
    searches(rule, findings);
    fields(rule, mapping, findings);
    cost(rule, findings);
    logic(rule, findings);
}

fn searches(rule: &Rule, findings: &mut Findings<'_>) {
    for search in rule.searches.iter().filter(|search| !search.used && !search.name.starts_with('_')) {
        let text = format!("search identifier `{}` is not used by the condition", search.name);
        findings.add("unused-search", search.at, text);
    }
    for (index, search) in rule.searches.iter().enumerate() {
        if let Some(same) = rule.searches.iter().take(index).find(|other| other.expr == search.expr) {
            let text = format!("`{}` looks for the same as `{}`", search.name, same.name);
            findings.add("same-search", search.at, text);
        }
        values(&search.expr, search.at, findings);
        shadows(&search.expr, search.at, findings);
    }
}

fn values(expr: &Expr, at: Position, findings: &mut Findings<'_>) {
    expr.for_each_test(&mut |predicate| {
        let field = predicate.field.as_deref().unwrap_or("keyword");
        match &predicate.test {
            Test::Text { pattern, .. } => {
                if pattern.longest_literal().is_none() && !pattern.parts().is_empty() {
                    let text = format!("`{field}` is compared with wildcards only");
                    findings.hint("only-wildcards", at, text, "say `|exists: true` when that is meant");
                }
                if pattern.parts().len() > PARTS_MAX {
                    findings.add("many-wildcards", at, format!("`{pattern}` has more wildcards than anyone can read"));
                }
            }
            Test::Never => {
                let text = format!("`{field}` is compared with a placeholder that has no list");
                findings.hint("no-list", at, text, "put the entries into lists/NAME.txt, one a line");
            }
            _ => {}
        }
    });
}

/// A value another alternative of the same list already covers.
fn shadows(expr: &Expr, at: Position, findings: &mut Findings<'_>) {
    match expr {
        Expr::Any(parts) => {
            let folded = |part: &Expr| match part {
                Expr::Test(Predicate { field, test: Test::Text { pattern, cased: false } }) => {
                    Some((field.as_deref().unwrap_or_default().to_owned(), pattern.folded()))
                }
                _ => None,
            };
            let texts: Vec<(String, Pattern)> = parts.iter().filter_map(folded).take(COMPARED_MAX).collect();
            for (field, wide) in &texts {
                let Shape::Contains(wide_text) = wide.shape() else { continue };
                for (other, narrow) in &texts {
                    if field == other && wide != narrow && narrow.parts().iter().any(|part| contains(part, wide_text)) {
                        findings.add("shadowed-value", at, format!("`{narrow}` is already covered by `{wide}`"));
                    }
                }
            }
            parts.iter().for_each(|part| shadows(part, at, findings));
        }
        Expr::All(parts) => parts.iter().for_each(|part| shadows(part, at, findings)),
        Expr::Not(inner) => shadows(inner, at, findings),
        Expr::Test(_) => {}
    }
}

fn contains(part: &Part, text: &str) -> bool {
    matches!(part, Part::Literal(literal) if literal.contains(text))
}

fn fields(rule: &Rule, mapping: &Mapping, findings: &mut Findings<'_>) {
    let mut seen = HashSet::new();
    for search in &rule.searches {
        search.expr.for_each_test(&mut |predicate| {
            let Some(field) = predicate.field.as_deref() else { return };
            if !seen.insert(field.to_owned()) {
                return;
            }
            let targets = mapping.targets(&rule.meta.logsource, field);
            let is_known = targets.iter().any(|target| Field::from_name(target).is_some());
            let is_mapped = targets.len() != 1 || targets.iter().any(|target| target != field);
            if is_known || is_mapped {
                return;
            }
            // A name with a dot means ECS: there a slip is likely; others may be the device's own.
            if let (true, Some(near)) = (field.contains('.'), closest(field, Field::all().map(Field::name))) {
                let hint = format!("did you mean `{near}`?");
                findings.hint("unknown-field", search.at, format!("`{field}` is no ECS field"), hint);
            } else if !field.contains('.') {
                let text = format!("`{field}` has no mapping for this log source");
                findings.hint("unmapped-field", search.at, text, "use an ECS name, or add it to pipelines/");
            }
        });
    }
}

fn cost(rule: &Rule, findings: &mut Findings<'_>) {
    let mut predicates = Predicates::default();
    let tree = predicates.intern(&rule.expr);
    match choose(&tree, &predicates) {
        None => {
            let text = "the condition can hold with nothing met, so the rule is evaluated for every event";
            let hint = "add a search that must be met, not only ones that must not";
            findings.hint("no-trigger", rule.meta.position, text, hint);
        }
        Some(triggers) if triggers.cost >= 1.0 => {
            let text = "nothing the rule looks for is rare: it is evaluated for most events of its log source";
            findings.add("weak-trigger", rule.meta.position, text);
        }
        Some(_) => {}
    }
}

fn logic(rule: &Rule, findings: &mut Findings<'_>) {
    if let Some(test) = contradiction(&rule.expr) {
        let text = format!("the condition can never hold: it wants and forbids `{test}`");
        findings.add("never-matches", rule.meta.position, text);
    }
    if let Some((field, first, second)) = two_values(&rule.expr) {
        let text = format!("`{field}` cannot both be `{first}` and `{second}` unless the event has a list");
        findings.add("two-values", rule.meta.position, text);
    }
}

/// The parts of nested conjunctions, side by side.
fn conjunction<'e>(expr: &'e Expr, parts: &mut Vec<&'e Expr>) {
    match expr {
        Expr::All(inner) => inner.iter().for_each(|part| conjunction(part, parts)),
        other => parts.push(other),
    }
}

/// Finds a part that a conjunction both wants and forbids.
fn contradiction(expr: &Expr) -> Option<String> {
    let mut parts = Vec::new();
    conjunction(expr, &mut parts);
    for part in &parts {
        let Expr::Not(forbidden) = part else { continue };
        // What is forbidden is forbidden when any of its alternatives is wanted.
        let alternatives = match &**forbidden {
            Expr::Any(alternatives) => alternatives.iter().collect(),
            whole => vec![whole],
        };
        let is_wanted = |alternative: &&Expr| {
            let mut needed = Vec::new();
            conjunction(alternative, &mut needed);
            needed.iter().all(|part| parts.contains(part))
        };
        if let Some(met) = alternatives.into_iter().find(is_wanted) {
            let mut shown = None;
            met.for_each_test(&mut |predicate| shown = shown.take().or(Some(predicate.test.to_string())));
            return shown;
        }
    }
    None
}

/// Finds a field that a conjunction wants to be equal to two different texts.
fn two_values(expr: &Expr) -> Option<(String, String, String)> {
    let mut parts = Vec::new();
    conjunction(expr, &mut parts);
    let exact = |part: &&Expr| match part {
        Expr::Test(Predicate { field: Some(field), test: Test::Text { pattern, .. } }) => {
            Some((field.to_string(), pattern.as_literal()?.to_lowercase()))
        }
        _ => None,
    };
    let texts: Vec<(String, String)> = parts.iter().filter_map(exact).collect();
    for (index, (field, first)) in texts.iter().enumerate() {
        for (other, second) in texts.iter().skip(index + 1) {
            if field == other && first != second {
                return Some((field.clone(), first.clone(), second.clone()));
            }
        }
    }
    None
}
