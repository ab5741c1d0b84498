//! Checks of a detection as written: searches, fields, modifiers, values, the condition's text.

use super::Findings;
use super::value;
use crate::detect::sigma::condition::selects;
use crate::detect::sigma::yaml::Kind;
use crate::detect::sigma::yaml::Node;
use crate::diag::Position;

/// Values of one list, past which a placeholder is easier to keep.
const VALUES_MAX: usize = 500;
/// Searches are nested no deeper in real rules.
const DEPTH_MAX: usize = 8;

pub(super) fn about(detection: &Node, findings: &mut Findings<'_>) {
    let is_search = |key: &str| !matches!(key, "condition" | "timeframe");
    for (key, value) in detection.entries() {
        match key.text.as_str() {
            "condition" => {}
            "timeframe" => {
                findings.hint("timeframe", key.at, "`timeframe` is not part of Sigma 2", "write a correlation");
            }
            // In a filter `rules` names the rules; in a rule a search of that name is dropped.
            "rules" if matches!(value.kind, Kind::Map(_)) => {
                findings.add("reserved-search", key.at, "a search called `rules` is ignored: give it another name");
            }
            _ => search(value, findings, 0),
        }
    }
    let names: Vec<&str> =
        detection.entries().iter().map(|(key, _)| key.text.as_str()).filter(|key| is_search(key)).collect();
    for item in detection.get("condition").map_or(&[][..], Node::items) {
        if let Some(text) = item.as_str() {
            condition(text, &names, item.at, findings);
        }
    }
}

fn search(node: &Node, findings: &mut Findings<'_>, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    match &node.kind {
        Kind::Map(entries) => {
            for (key, value) in entries {
                field(&key.text, key.at, value, findings);
            }
        }
        Kind::List(items) => items.iter().for_each(|item| search(item, findings, depth + 1)),
        Kind::Text(text) if text.chars().filter(|c| !matches!(c, '*' | '?')).count() < 3 => {
            findings.add("short-keyword", node.at, format!("keyword `{text}` occurs in nearly every line"));
        }
        _ => {}
    }
}

/// A field as written: its name, its modifiers, and what it is compared with.
#[derive(Clone, Copy)]
pub(super) struct Written<'w> {
    pub(super) field: &'w str,
    pub(super) modifiers: &'w [&'w str],
    pub(super) at: Position,
}

impl Written<'_> {
    pub(super) fn has(self, modifier: &str) -> bool {
        self.modifiers.contains(&modifier)
    }
}

fn field(key: &str, at: Position, node: &Node, findings: &mut Findings<'_>) {
    let mut words = key.split('|');
    let field = words.next().unwrap_or_default();
    let modifiers: Vec<&str> = words.collect();
    let written = Written { field, modifiers: &modifiers, at };
    if field.trim() != field || field.contains("  ") {
        findings.add("odd-field-name", at, format!("field `{field}` has blanks at an end or doubled"));
    }
    about_modifiers(written, node, findings);
    let items = node.items();
    if items.len() > VALUES_MAX {
        let text = format!("`{field}` has {} values", items.len());
        findings.hint("huge-list", at, text, "keep them in lists/NAME.txt and write `|expand`");
    }
    if items.len() > 1 && items.iter().any(|item| item.kind == Kind::Null) {
        findings.hint(
            "null-in-list",
            at,
            format!("`{field}`: `null` among other values"),
            "make it a search of its own",
        );
    }
    items.iter().for_each(|item| value::about(written, item, findings));
    value::about_list(written, items, findings);
}

fn about_modifiers(written: Written<'_>, node: &Node, findings: &mut Findings<'_>) {
    let Written { field, modifiers, at } = written;
    for (index, modifier) in modifiers.iter().enumerate() {
        if modifiers.get(..index).is_some_and(|before| before.contains(modifier)) {
            findings.add("modifier-repeated", at, format!("`{field}|{modifier}` twice"));
        }
    }
    let parts = ["contains", "startswith", "endswith"].into_iter().filter(|part| written.has(part)).count();
    if parts > 1 {
        findings.add(
            "modifier-contradiction",
            at,
            format!("`{field}` has more than one of contains, startswith, endswith"),
        );
    }
    if written.has("all") && node.items().len() < 2 {
        findings.add("all-one-value", at, format!("`{field}|all` has one value"));
    }
    let base64 = modifiers.iter().filter(|modifier| modifier.starts_with("base64")).count();
    if base64 > 1 {
        findings.add("double-base64", at, format!("`{field}` is encoded twice"));
    }
    if written.has("base64offset") && !written.has("contains") {
        let hint = "write `|base64offset|contains`";
        findings.hint("base64-whole", at, format!("`{field}|base64offset` is the whole value"), hint);
    }
    let wide = modifiers.iter().any(|modifier| modifier.starts_with("utf16") || *modifier == "wide");
    if wide && base64 == 0 {
        findings.hint(
            "wide-alone",
            at,
            format!("`{field}` in UTF-16: fields are text already"),
            "add `|base64offset|contains`",
        );
    }
}

fn condition(text: &str, names: &[&str], at: Position, findings: &mut Findings<'_>) {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    for pair in words.windows(2) {
        if let [first, second] = pair
            && first.eq_ignore_ascii_case("not")
            && second.eq_ignore_ascii_case("not")
        {
            findings.add("double-not", at, "`not not` says nothing");
        }
    }
    for triple in words.windows(3) {
        let [quantifier, of, pattern] = triple else { continue };
        if !of.eq_ignore_ascii_case("of") {
            continue;
        }
        let meant = names.iter().filter(|name| selects(pattern, name)).count();
        if meant == 1 {
            findings.add("one-of-one", at, format!("`{quantifier} of {pattern}` means one search"));
        }
        if *pattern == "them" && names.iter().any(|name| name.starts_with("filter")) {
            findings.hint(
                "them-with-filter",
                at,
                "`of them` means the filter, too",
                "name the searches, such as `1 of selection*`",
            );
        }
    }
    if has_mixed_operators(&words) {
        findings.hint(
            "mixed-operators",
            at,
            "`and` and `or` side by side",
            "`and` binds first: parentheses would say so",
        );
    }
}

fn has_mixed_operators(words: &[&str]) -> bool {
    let mut seen = vec![(false, false)];
    for word in words {
        match word.to_lowercase().as_str() {
            "(" => seen.push((false, false)),
            ")" => drop(seen.pop()),
            "and" => seen.iter_mut().next_back().into_iter().for_each(|last| last.0 = true),
            "or" => seen.iter_mut().next_back().into_iter().for_each(|last| last.1 = true),
            _ => {}
        }
        if seen.last() == Some(&(true, true)) {
            return true;
        }
    }
    false
}
