//! What is not wrong with a rule but will be regretted: findings of `rules check`, each with a code to look up.

use hashbrown::HashSet;

use crate::detect::engine::Predicates;
use crate::detect::engine::choose;
use crate::detect::mapping::Mapping;
use crate::detect::ruleset::RuleFile;
use crate::detect::sigma::detection::Expr;
use crate::detect::sigma::detection::Lists;
use crate::detect::sigma::document;
use crate::detect::sigma::document::Document;
use crate::detect::sigma::error::Problems;
use crate::detect::sigma::rule::Rule;
use crate::detect::sigma::rule::RuleMeta;
use crate::detect::sigma::rule::RuleStatus;
use crate::detect::sigma::value::Pattern;
use crate::detect::sigma::value::Predicate;
use crate::detect::sigma::value::Shape;
use crate::detect::sigma::value::Test;
use crate::diag::Located;
use crate::diag::Position;
use crate::diag::closest;
use crate::model::Field;

/// One finding: what it is called, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text} [{code}]")]
pub struct Finding {
    pub code: &'static str,
    pub text: String,
}

/// Looks through the rules of a file. Files that do not read have no findings; their errors are reported elsewhere.
pub fn lint(file: &RuleFile, mapping: &Mapping, lists: Lists<'_>) -> Vec<Located<Finding>> {
    let mut findings = Findings { file, found: Vec::new() };
    for document in document::read(&file.path, &file.text, lists, &mut Problems::default()) {
        match document {
            Document::Rule(rule) => {
                about_meta(&rule.meta, &mut findings);
                about_logsource(&rule, &mut findings);
                about_searches(&rule, &mut findings);
                about_fields(&rule, mapping, &mut findings);
                about_cost(&rule, &mut findings);
                about_logic(&rule, &mut findings);
            }
            Document::Correlation(correlation) => {
                about_meta(&correlation.meta, &mut findings);
                if correlation.group_by.is_empty() {
                    let text = "the correlation has no `group-by`: everything is counted together".to_owned();
                    findings.add("no-group-by", correlation.meta.position, text, None);
                }
            }
            Document::Filter(_) => {}
        }
    }
    findings.found
}

struct Findings<'f> {
    file: &'f RuleFile,
    found: Vec<Located<Finding>>,
}

impl Findings<'_> {
    fn add(&mut self, code: &'static str, position: Position, text: String, hint: Option<String>) {
        let finding = Located { path: self.file.path.clone(), position, error: Finding { code, text }, hint };
        if !self.found.contains(&finding) {
            self.found.push(finding);
        }
    }
}

fn about_meta(meta: &RuleMeta, findings: &mut Findings<'_>) {
    let has = |key: &str| meta.keys.iter().any(|have| have == key);
    for (code, key, why) in [
        ("no-id", "id", "alerts, exceptions and correlations refer to a rule by its id"),
        ("no-level", "level", "it counts as medium"),
        ("no-status", "status", "it counts as experimental"),
        ("no-description", "description", "the analyst is told nothing about it"),
        ("no-falsepositives", "falsepositives", "say what harmless things look the same, or `Unknown`"),
        ("no-tags", "tags", "it is missing from the ATT&CK matrix"),
        ("no-author", "author", "nobody can be asked about it"),
    ] {
        if !has(key) {
            findings.add(code, meta.position, format!("`{key}` is missing"), Some(why.to_owned()));
        }
    }
    let is_uuid = meta.id.len() == 36 && meta.id.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    let is_word = meta.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
    if has("id") && !is_uuid && !is_word {
        let text = format!("id `{}` is neither a UUID nor a lower-case word", meta.id);
        findings.add("odd-id", meta.position, text, None);
    }
    let title_chars = meta.title.chars().count();
    if title_chars > 110 {
        let text = format!("the title has {title_chars} characters; 110 fit a list");
        findings.add("long-title", meta.position, text, None);
    }
    if meta.title.ends_with('.') {
        findings.add("title-full-stop", meta.position, "the title ends with a full stop".to_owned(), None);
    }
    if matches!(meta.status, RuleStatus::Deprecated | RuleStatus::Unsupported) {
        let text = format!("the rule is {}, yet it runs", meta.status.as_str());
        findings.add("retired", meta.position, text, None);
    }
    about_tags(meta, findings);
    if meta.title_vi.is_some() != meta.description_vi.is_some() {
        let text = "one of `title_vi` and `description_vi` is there without the other".to_owned();
        findings.add("half-translated", meta.position, text, None);
    }
    if !meta.response.is_empty() && meta.response_vi.is_empty() && meta.title_vi.is_some() {
        findings.add("half-translated", meta.position, "`response` is there without `response_vi`".to_owned(), None);
    }
}

fn about_tags(meta: &RuleMeta, findings: &mut Findings<'_>) {
    const NAMESPACES: [&str; 7] = ["attack", "car", "cve", "d3fend", "detection", "stp", "tlp"];
    let mut seen = HashSet::new();
    for tag in &meta.tags {
        let Some((namespace, name)) = tag.split_once('.') else {
            findings.add("odd-tag", meta.position, format!("tag `{tag}` has no namespace"), None);
            continue;
        };
        if !NAMESPACES.contains(&namespace) {
            let hint = closest(namespace, NAMESPACES).map(|near| format!("did you mean `{near}`?"));
            findings.add("odd-tag", meta.position, format!("tag `{tag}` has an unknown namespace"), hint);
        }
        let technique = name.strip_prefix('t').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let well_formed = |rest: &str| {
            let (number, sub) = rest.split_once('.').unwrap_or((rest, "001"));
            number.len() == 4 && sub.len() == 3 && number.chars().chain(sub.chars()).all(|c| c.is_ascii_digit())
        };
        if namespace == "attack" && technique.is_some_and(|rest| !well_formed(rest)) {
            let hint = Some("such as `attack.t1110` or `attack.t1110.003`".to_owned());
            findings.add("odd-tag", meta.position, format!("`{tag}` is no ATT&CK technique"), hint);
        }
        if !seen.insert(tag) {
            findings.add("repeated-tag", meta.position, format!("tag `{tag}` occurs twice"), None);
        }
    }
}

fn about_logsource(rule: &Rule, findings: &mut Findings<'_>) {
    let logsource = &rule.meta.logsource;
    let is_open = logsource.product.is_none() && logsource.service.is_none() && logsource.category.is_none();
    if is_open && rule.meta.logsource_definition.is_none() {
        let text = "the log source names nothing: the rule runs on every event".to_owned();
        let hint = "name one, or say in `definition` which sources are meant".to_owned();
        findings.add("open-logsource", rule.meta.position, text, Some(hint));
    }
    let parts = [&logsource.product, &logsource.service, &logsource.category];
    for part in parts.into_iter().flatten().filter(|part| part.chars().any(char::is_uppercase)) {
        findings.add("logsource-case", rule.meta.position, format!("log source `{part}` has capitals"), None);
    }
}

fn about_searches(rule: &Rule, findings: &mut Findings<'_>) {
    for search in rule.searches.iter().filter(|search| !search.used && !search.name.starts_with('_')) {
        let text = format!("search identifier `{}` is not used by the condition", search.name);
        findings.add("unused-search", search.at, text, None);
    }
    for search in &rule.searches {
        let mut seen: HashSet<&Predicate> = HashSet::new();
        let mut repeated = Vec::new();
        search.expr.for_each_test(&mut |predicate| {
            if !seen.insert(predicate) {
                repeated.push(predicate.test.to_string());
            }
        });
        for test in repeated {
            findings.add("repeated-value", search.at, format!("`{test}` occurs twice in `{}`", search.name), None);
        }
        about_values(&search.expr, search.at, findings);
    }
}

fn about_values(expr: &Expr, at: Position, findings: &mut Findings<'_>) {
    expr.for_each_test(&mut |predicate| {
        let field = predicate.field.as_deref().unwrap_or("keyword");
        match &predicate.test {
            Test::Text { pattern, .. } => {
                if pattern.longest_literal().is_none() && !pattern.parts().is_empty() {
                    let hint = Some("say `|exists: true` when that is meant".to_owned());
                    findings.add("only-wildcards", at, format!("`{field}` is compared with wildcards only"), hint);
                }
                let short = matches!(pattern.shape(), Shape::Contains(text) if text.chars().count() < 3);
                if short && predicate.field.is_none() {
                    findings.add("short-keyword", at, format!("keyword `{pattern}` occurs in nearly every line"), None);
                }
                if pattern.parts().len() > 12 {
                    let text = format!("`{pattern}` has more wildcards than anyone can read");
                    findings.add("many-wildcards", at, text, None);
                }
            }
            Test::Regex(spec) => about_regex(field, &spec.pattern, at, findings),
            Test::Cidr(network) if network.prefix_bits() == 0 => {
                findings.add("whole-internet", at, format!("`{network}` is every address"), None);
            }
            Test::Never => {
                let text = format!("`{field}` is compared with a placeholder that has no list");
                let hint = Some("put the entries into lists/NAME.txt, one a line".to_owned());
                findings.add("no-list", at, text, hint);
            }
            _ => {}
        }
    });
    about_shadows(expr, at, findings);
}

/// A value another alternative of the same list already covers.
fn about_shadows(expr: &Expr, at: Position, findings: &mut Findings<'_>) {
    match expr {
        Expr::Any(parts) => {
            let texts: Vec<(&str, Pattern)> = parts
                .iter()
                .filter_map(|part| match part {
                    Expr::Test(Predicate { field, test: Test::Text { pattern, cased: false } }) => {
                        Some((field.as_deref().unwrap_or_default(), pattern.folded()))
                    }
                    _ => None,
                })
                .take(300)
                .collect();
            for (field, wide) in &texts {
                let Shape::Contains(wide_text) = wide.shape() else { continue };
                for (other, narrow) in &texts {
                    if field == other && wide != narrow && narrow.parts().iter().any(|part| contains(part, wide_text)) {
                        let text = format!("`{narrow}` is already covered by `{wide}`");
                        findings.add("shadowed-value", at, text, None);
                    }
                }
            }
            parts.iter().for_each(|part| about_shadows(part, at, findings));
        }
        Expr::All(parts) => parts.iter().for_each(|part| about_shadows(part, at, findings)),
        Expr::Not(inner) => about_shadows(inner, at, findings),
        Expr::Test(_) => {}
    }
}

fn contains(part: &crate::detect::sigma::value::Part, text: &str) -> bool {
    matches!(part, crate::detect::sigma::value::Part::Literal(literal) if literal.contains(text))
}

fn about_regex(field: &str, pattern: &str, at: Position, findings: &mut Findings<'_>) {
    if pattern.starts_with(".*") || (pattern.ends_with(".*") && !pattern.ends_with("\\.*")) {
        let text = format!("`.*` at the end of /{pattern}/ changes nothing: an expression is searched for anywhere");
        findings.add("loose-regex", at, text, None);
    }
    let is_plain = !pattern.is_empty() && !pattern.contains(['\\', '[', '(', '.', '*', '+', '?', '|', '{', '^', '$']);
    if is_plain {
        let hint = Some(format!("write `{field}|contains`; regular expressions count letter case"));
        findings.add("plain-regex", at, format!("/{pattern}/ is plain text"), hint);
    }
}

fn about_fields(rule: &Rule, mapping: &Mapping, findings: &mut Findings<'_>) {
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
                let text = format!("`{field}` is no ECS field");
                findings.add("unknown-field", search.at, text, Some(format!("did you mean `{near}`?")));
            } else if !field.contains('.') {
                let text = format!("`{field}` has no mapping for this log source");
                findings.add(
                    "unmapped-field",
                    search.at,
                    text,
                    Some("use an ECS name, or add it to pipelines/".to_owned()),
                );
            }
        });
    }
}

fn about_cost(rule: &Rule, findings: &mut Findings<'_>) {
    let mut predicates = Predicates::default();
    let tree = predicates.intern(&rule.expr);
    match choose(&tree, &predicates) {
        None => {
            let text = "the condition can hold with nothing met, so the rule is evaluated for every event".to_owned();
            let hint = Some("add a search that must be met, not only ones that must not".to_owned());
            findings.add("no-trigger", rule.meta.position, text, hint);
        }
        Some(triggers) if triggers.cost >= 1.0 => {
            let text =
                "nothing the rule looks for is rare: it is evaluated for most events of its log source".to_owned();
            findings.add("weak-trigger", rule.meta.position, text, None);
        }
        Some(_) => {}
    }
}

fn about_logic(rule: &Rule, findings: &mut Findings<'_>) {
    if let Some(test) = contradiction(&rule.expr) {
        let text = format!("the condition can never hold: it wants and forbids `{test}`");
        findings.add("never-matches", rule.meta.position, text, None);
    }
    if let Some((field, first, second)) = two_values(&rule.expr) {
        let text = format!("`{field}` cannot both be `{first}` and `{second}` unless the event has a list");
        findings.add("two-values", rule.meta.position, text, None);
    }
}

/// Finds a part that a conjunction both wants and forbids.
fn contradiction(expr: &Expr) -> Option<String> {
    let Expr::All(parts) = expr else { return None };
    for part in parts {
        let Expr::Not(forbidden) = part else { continue };
        if parts.iter().any(|wanted| *wanted == **forbidden) {
            let mut shown = None;
            forbidden.for_each_test(&mut |predicate| shown = shown.take().or(Some(predicate.test.to_string())));
            return shown;
        }
    }
    parts.iter().find_map(contradiction)
}

/// Finds a field that a conjunction wants to be equal to two different texts.
fn two_values(expr: &Expr) -> Option<(String, String, String)> {
    let Expr::All(parts) = expr else { return None };
    let exact = |part: &Expr| match part {
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
    parts.iter().find_map(two_values)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const HEAD: &str = "title: T\nid: a-b\nstatus: test\ndescription: d\nauthor: a\nlevel: low\nfalsepositives: [Unknown]\ntags: [attack.t1110]\nlogsource: {product: linux}\n";

    fn codes(text: &str) -> Vec<&'static str> {
        let file = RuleFile { path: PathBuf::from("x.yml"), text: text.to_owned() };
        lint(&file, &Mapping::default(), &|_| None).into_iter().map(|finding| finding.error.code).collect()
    }

    #[test]
    fn each_finding_has_a_rule_that_has_it() {
        for (detection, want) in [
            ("a: {user.name: root}\n  condition: a", &[][..]),
            ("a: {user.name: root}\n  b: {user.name: x}\n  condition: a", &["unused-search"]),
            ("a: {user.name: [root, root]}\n  condition: a", &["repeated-value"]),
            ("a: {user.nam: root}\n  condition: a", &["unknown-field"]),
            ("a: {Usr: root}\n  condition: a", &["unmapped-field"]),
            ("a: {user.name: root}\n  condition: not a", &["no-trigger"]),
            ("a: {user.name: '*'}\n  condition: a", &["only-wildcards", "weak-trigger"]),
            ("a: {'user.name|re': 'root'}\n  condition: a", &["plain-regex"]),
            ("a: {'user.name|re': '.*roott+y'}\n  condition: a", &["loose-regex"]),
            ("a: {'user.name|contains': [roo, root]}\n  condition: a", &["shadowed-value"]),
            ("a: {'user.name|expand': '%x%'}\n  condition: a", &["no-list"]),
            ("a: {user.name: root}\n  condition: a and not a", &["never-matches"]),
            ("a: ['ab']\n  condition: a", &["short-keyword"]),
            ("a: {'source.ip|cidr': '0.0.0.0/0'}\n  condition: a", &["whole-internet"]),
            ("a: {user.name: x}\n  b: {user.name: y}\n  condition: a and b", &["two-values"]),
        ] {
            assert_eq!(codes(&format!("{HEAD}detection:\n  {detection}\n")), want, "{detection}");
        }
    }

    #[test]
    fn an_open_log_source_is_fine_when_it_says_what_is_meant() {
        let rule = |logsource: &str| {
            let head = HEAD.replace("{product: linux}", logsource);
            codes(&format!("{head}detection: {{a: {{process.name: crond}}, condition: a}}\n"))
        };
        assert_eq!(rule("{}"), ["open-logsource"]);
        assert!(rule("{definition: lines of cron}").is_empty());
    }

    #[test]
    fn a_bare_rule_is_told_what_it_lacks() {
        let found = codes("title: T.\nlogsource: {}\ndetection: {a: {user.name: x}, condition: a}\n");
        for code in ["no-id", "no-level", "no-status", "no-description", "no-tags", "title-full-stop", "open-logsource"]
        {
            assert!(found.contains(&code), "{code}: {found:?}");
        }
        assert!(
            codes(&format!("{HEAD}detection: {{a: {{user.name: x}}, condition: a}}\n").replace("t1110", "t11"))
                .contains(&"odd-tag")
        );
    }
}
