//! Checks of single values, and of the values of one field together.

use std::net::IpAddr;

use hashbrown::HashMap;

use super::Findings;
use super::detection::Written;
use crate::detect::sigma::yaml::Kind;
use crate::detect::sigma::yaml::Node;
use crate::model::Field;
use crate::model::ecs;

/// Repetitions written out past this make an expression slow to build and to run.
const REPEAT_MAX: usize = 200;
/// `.*` in one expression.
const RUNS_MAX: usize = 4;

pub(super) fn about(written: Written<'_>, node: &Node, findings: &mut Findings<'_>) {
    let Kind::Text(text) = &node.kind else { return };
    let field = written.field;
    if written.has("re") {
        return regex(text, node, findings);
    }
    wildcards(written, text, node, findings);
    if text.trim() != text && !text.trim().is_empty() && !written.has("contains") && !text.contains('*') {
        findings.add("blank-value", node.at, format!("`{text}` has blanks at an end"));
    }
    let compares = ["gt", "gte", "lt", "lte"].iter().any(|modifier| written.has(modifier));
    if compares && text.parse::<f64>().is_ok() {
        findings.add("number-as-text", node.at, format!("`'{text}'` is compared by size: write it without quotes"));
    }
    if written.has("windash") && !text.contains(['-', '/', '–', '—', '―']) {
        findings.add("windash-no-dash", node.at, format!("`{text}` has no dash"));
    }
    if written.modifiers.iter().any(|modifier| modifier.starts_with("base64")) && looks_encoded(text) {
        findings.add("double-base64", node.at, format!("`{text}` looks encoded already"));
    }
    if written.has("cased") && !text.chars().any(char::is_alphabetic) {
        findings.add("cased-useless", node.at, format!("`{text}` has no letters"));
    }
    if written.has("cidr") {
        networks(text, node, findings);
    }
    types(written, text, node, findings);
    let is_address = Field::from_name(field).is_some_and(|field| field.kind() == ecs::Kind::Ip);
    let is_prefix = written.has("startswith") || (text.ends_with('*') && written.modifiers.is_empty());
    if is_address && is_prefix {
        let hint = "write `|cidr` and the network";
        findings.hint(
            "ip-prefix",
            node.at,
            format!("`{field}` is an address, `{text}` the beginning of its text"),
            hint,
        );
    }
}

fn wildcards(written: Written<'_>, text: &str, node: &Node, findings: &mut Findings<'_>) {
    let starts = text.starts_with('*') && text.len() > 1;
    let ends = text.ends_with('*') && !text.ends_with("\\*") && text.len() > 1;
    let redundant = (written.has("contains") && (starts || ends))
        || (written.has("endswith") && starts)
        || (written.has("startswith") && ends);
    if redundant {
        findings.add("redundant-wildcard", node.at, format!("`{text}`: the modifier has the `*` already"));
    }
    // C:\Users\*: in Sigma this looks for a star.
    let has_folder = text.split('\\').skip(1).any(|part| part.starts_with(|c: char| c.is_alphanumeric()));
    let has_path = text.contains(":\\") || has_folder;
    let is_escaped = |mark: &str| text.contains(mark) && !text.contains(&format!("\\{mark}"));
    if has_path && (is_escaped("\\*") || is_escaped("\\?")) {
        let hint = "write `\\\\*` for a backslash and anything behind it";
        findings.hint("escaped-wildcard", node.at, format!("in `{text}` the star is a star, not a wildcard"), hint);
    }
}

fn types(written: Written<'_>, text: &str, node: &Node, findings: &mut Findings<'_>) {
    let Some(known) = Field::from_name(written.field) else { return };
    let is_whole = written.modifiers.iter().all(|modifier| *modifier == "all" || *modifier == "cased");
    if !is_whole || text.contains(['*', '?']) || text.is_empty() {
        return;
    }
    let fits = match known.kind() {
        ecs::Kind::Ip => text.parse::<IpAddr>().is_ok(),
        ecs::Kind::Long => text.parse::<i64>().is_ok(),
        ecs::Kind::Float => text.parse::<f64>().is_ok(),
        ecs::Kind::Boolean => matches!(text, "true" | "false"),
        ecs::Kind::Keyword | ecs::Kind::Text | ecs::Kind::Date => true,
    };
    if !fits {
        findings.add("bad-type", node.at, format!("`{}` never has the value `{text}`", written.field));
    }
}

fn networks(text: &str, node: &Node, findings: &mut Findings<'_>) {
    match text.split_once('/').map(|(_, prefix)| prefix) {
        Some("0") => findings.add("whole-internet", node.at, format!("`{text}` is every address")),
        Some("32") if !text.contains(':') => {
            findings.add("single-address", node.at, format!("`{text}` is one address: `|cidr` is not needed"));
        }
        Some("128") => {
            findings.add("single-address", node.at, format!("`{text}` is one address: `|cidr` is not needed"));
        }
        _ => {}
    }
}

/// Long, of the alphabet of Base64 and ending as it does.
fn looks_encoded(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len() >= 8
        && text.len().is_multiple_of(4)
        && body.len() + 2 >= text.len()
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        && (text.ends_with('=')
            || (body.bytes().any(|b| b.is_ascii_digit()) && body.bytes().any(|b| b.is_ascii_uppercase())))
}

fn regex(pattern: &str, node: &Node, findings: &mut Findings<'_>) {
    if pattern.starts_with(".*") || (pattern.ends_with(".*") && !pattern.ends_with("\\.*")) {
        let text = format!("`.*` at an end of /{pattern}/ changes nothing: an expression is searched for anywhere");
        findings.add("loose-regex", node.at, text);
    }
    let is_plain = !pattern.is_empty() && !pattern.contains(['\\', '[', '(', '.', '*', '+', '?', '|', '{', '^', '$']);
    if is_plain {
        let hint = "write `|contains`; regular expressions count letter case";
        findings.hint("plain-regex", node.at, format!("/{pattern}/ is plain text"), hint);
    }
    // Matching is linear in any case; what costs is many ways through the same text, and copies of what is repeated.
    let nested = [".*.*", ".+.+", ".*)*", ".+)+", ".*)+", ".+)*"];
    let runs_of = |alternative: &str| alternative.matches(".*").count() + alternative.matches(".+").count();
    let runs = pattern.split('|').map(runs_of).max().unwrap_or(0);
    let repeats = pattern.split('{').skip(1).any(|rest| {
        let numbers = rest.split(|c: char| !c.is_ascii_digit()).take(2);
        numbers.filter_map(|number| number.parse::<usize>().ok()).any(|number| number > REPEAT_MAX)
    });
    if nested.iter().any(|part| pattern.contains(part)) || runs > RUNS_MAX || repeats {
        findings.add("costly-regex", node.at, format!("/{pattern}/ repeats within repetitions, or very often"));
    }
    if !is_plain && !has_literal(pattern) {
        findings.add(
            "regex-no-literal",
            node.at,
            format!("/{pattern}/ has no three letters in a row to look for first"),
        );
    }
}

/// Three characters that stand for themselves, one behind the other.
fn has_literal(pattern: &str) -> bool {
    let mut run = 0;
    let mut in_class = false;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let literal = match c {
            '\\' => chars.next().is_some_and(|next| !next.is_alphanumeric()),
            '[' => {
                in_class = true;
                false
            }
            ']' => {
                in_class = false;
                false
            }
            other => !in_class && !"(){}.*+?|^$".contains(other),
        };
        let is_optional = matches!(chars.peek(), Some('?' | '*' | '{'));
        run = if literal && !in_class && !is_optional { run + 1 } else { 0 };
        if run >= 3 {
            return true;
        }
    }
    false
}

/// Values that differ only in letter case.
pub(super) fn about_list(written: Written<'_>, items: &[Node], findings: &mut Findings<'_>) {
    if written.has("cased") || written.has("re") {
        return;
    }
    let mut seen: HashMap<String, &str> = HashMap::new();
    for item in items {
        let Kind::Text(text) = &item.kind else { continue };
        match seen.get(&text.to_lowercase()) {
            Some(before) if before == text => {
                findings.add("repeated-value", item.at, format!("`{text}` occurs twice in `{}`", written.field));
            }
            Some(before) => {
                findings.add("case-duplicate", item.at, format!("`{text}` is `{before}`: letter case does not count"));
            }
            None => drop(seen.insert(text.to_lowercase(), text)),
        }
    }
}
