//! Checks of what a rule says about itself: keys, titles, dates, tags, references, log source.

use hashbrown::HashSet;

use super::AttackTag;
use super::Findings;
use super::attack_tag;
use crate::detect::sigma::yaml::Kind;
use crate::detect::sigma::yaml::Node;
use crate::diag::Position;
use crate::diag::closest;

const TITLE_CHARS_MAX: usize = 110;
const TITLE_CHARS_MIN: usize = 8;
const DESCRIPTION_CHARS_MIN: usize = 16;
const NAMESPACES: [&str; 7] = ["attack", "car", "cve", "d3fend", "detection", "stp", "tlp"];
const KEYS: [&str; 24] = [
    "title",
    "id",
    "name",
    "related",
    "status",
    "description",
    "license",
    "author",
    "references",
    "date",
    "modified",
    "logsource",
    "detection",
    "fields",
    "falsepositives",
    "level",
    "tags",
    "scope",
    "taxonomy",
    "correlation",
    "filter",
    "longan",
    "action",
    "generate",
];

pub(super) fn about(node: &Node, findings: &mut Findings<'_>) {
    missing(node, findings);
    unknown_keys(node, findings);
    identity(node, findings);
    title_and_description(node, findings);
    dates(node, findings);
    lists(node, findings);
    tags(node, findings);
    translation(node, findings);
    if let Some(logsource) = node.get("logsource") {
        logsource_of(node, logsource, findings);
    }
}

fn text(node: &Node, key: &str) -> Option<(String, Position)> {
    let found = node.get(key)?;
    Some((found.scalar_text()?, found.at))
}

fn missing(node: &Node, findings: &mut Findings<'_>) {
    let is_filter = node.get("filter").is_some();
    for (code, key, why) in [
        ("no-id", "id", "alerts, exceptions and correlations refer to a rule by its id"),
        ("no-level", "level", "it counts as medium"),
        ("no-status", "status", "it counts as experimental"),
        ("no-description", "description", "the analyst is told nothing about it"),
        ("no-falsepositives", "falsepositives", "say what harmless things look the same, or `Unknown`"),
        ("no-tags", "tags", "it is missing from the ATT&CK matrix"),
        ("no-author", "author", "nobody can be asked about it"),
        ("no-date", "date", "nobody knows how old it is"),
    ] {
        let is_needed = !is_filter || matches!(key, "id" | "description" | "author");
        if is_needed && node.get(key).is_none() {
            findings.hint(code, node.at, format!("`{key}` is missing"), why);
        }
    }
}

fn unknown_keys(node: &Node, findings: &mut Findings<'_>) {
    for (key, _) in node.entries().iter().filter(|(key, _)| !KEYS.contains(&key.text.as_str())) {
        // Other keys are legal, as the authors' own; one letter away from a known one is a slip.
        if let Some(near) = closest(&key.text, KEYS) {
            findings.hint(
                "unknown-key",
                key.at,
                format!("Sigma has no key `{}`", key.text),
                format!("did you mean `{near}`?"),
            );
        }
    }
}

fn identity(node: &Node, findings: &mut Findings<'_>) {
    if let Some((id, at)) = text(node, "id") {
        let is_uuid = id.len() == 36 && id.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
        let is_word = id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
        if !is_uuid && !is_word {
            findings.add("odd-id", at, format!("id `{id}` is neither a UUID nor a lower-case word"));
        }
    }
    let status = text(node, "status");
    if let Some((status, at)) = &status
        && matches!(status.as_str(), "deprecated" | "unsupported")
    {
        findings.hint("retired", *at, format!("the rule is {status}"), "`longan rules state` retires it for good");
    }
    let is_untried = status.is_none_or(|(status, _)| status == "experimental");
    if let Some((level, at)) = text(node, "level")
        && level == "critical"
        && is_untried
    {
        findings.add("untried-critical", at, "critical, though nobody has tried it: begin as shadow");
    }
}

fn title_and_description(node: &Node, findings: &mut Findings<'_>) {
    let title = text(node, "title");
    if let Some((title, at)) = &title {
        let chars = title.chars().count();
        if chars > TITLE_CHARS_MAX {
            findings.add("long-title", *at, format!("the title has {chars} characters; {TITLE_CHARS_MAX} fit a list"));
        }
        if chars < TITLE_CHARS_MIN {
            findings.add("short-title", *at, format!("the title has {chars} characters: what is the alert about?"));
        }
        if title.ends_with('.') {
            findings.add("title-full-stop", *at, "the title ends with a full stop");
        }
        if title.trim() != title || title.contains("  ") {
            findings.add("title-blanks", *at, "the title has blanks at an end or doubled");
        }
    }
    if let Some((description, at)) = text(node, "description") {
        let chars = description.trim().chars().count();
        if chars < DESCRIPTION_CHARS_MIN {
            findings.add("short-description", at, format!("the description has {chars} characters"));
        }
        let bare = |text: &str| text.trim().trim_end_matches('.').to_lowercase();
        if title.is_some_and(|(title, _)| bare(&title) == bare(&description)) {
            findings.add("description-is-title", at, "the description only repeats the title");
        }
    }
}

fn dates(node: &Node, findings: &mut Findings<'_>) {
    let mut read = |key: &str| {
        let (written, at) = text(node, key)?;
        let date = date_of(&written);
        if date.is_none() {
            findings.hint("bad-date", at, format!("`{key}` is `{written}`"), "write it as 2026-01-31");
        }
        Some((date?, at))
    };
    if let (Some((date, _)), Some((modified, at))) = (read("date"), read("modified"))
        && modified < date
    {
        findings.add("modified-before-date", at, "modified before it was written");
    }
}

fn date_of(text: &str) -> Option<(u16, u8, u8)> {
    let mut parts = text.split('-');
    let mut next =
        |length: usize| parts.next().filter(|part| part.len() == length && part.bytes().all(|b| b.is_ascii_digit()));
    let (year, month, day) = (next(4)?, next(2)?, next(2)?);
    let date = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    (text.len() == 10 && (1..=12).contains(&date.1) && (1..=31).contains(&date.2)).then_some(date)
}

fn lists(node: &Node, findings: &mut Findings<'_>) {
    for key in ["tags", "references", "falsepositives"] {
        if let Some(value) = node.get(key)
            && !matches!(value.kind, Kind::List(_) | Kind::Null)
        {
            findings.hint("not-a-list", value.at, format!("`{key}` is {}", value.kind_name()), "write it as a list");
        }
    }
    if let Some(value) = node.get("falsepositives") {
        let empty = |item: &Node| {
            item.scalar_text()
                .is_none_or(|text| matches!(text.trim().to_lowercase().as_str(), "" | "none" | "no" | "n/a"))
        };
        let items = value.items();
        if items.iter().all(empty) {
            findings.hint(
                "empty-falsepositives",
                value.at,
                "`falsepositives` says nothing",
                "name one, or write `Unknown`",
            );
        }
    }
    let mut seen = HashSet::new();
    for item in node.get("references").map_or(&[][..], Node::items) {
        let Some(reference) = item.scalar_text().filter(|text| !text.is_empty()) else { continue };
        let is_url = ["https://", "http://"].iter().any(|scheme| {
            reference.strip_prefix(scheme).is_some_and(|rest| rest.contains('.') && !rest.contains(char::is_whitespace))
        });
        if !is_url {
            findings.add("bad-reference", item.at, format!("`{reference}` is no URL"));
        }
        if !seen.insert(reference.clone()) {
            findings.add("repeated-reference", item.at, format!("`{reference}` occurs twice"));
        }
    }
}

fn tags(node: &Node, findings: &mut Findings<'_>) {
    let Some(tags) = node.get("tags") else { return };
    let mut seen = HashSet::new();
    let (mut tactics, mut techniques) = (0, 0);
    for item in tags.items() {
        let Some(tag) = item.scalar_text().filter(|text| !text.is_empty()) else { continue };
        let lower = tag.to_lowercase();
        if lower != tag {
            findings.hint("tag-case", item.at, format!("tag `{tag}` has capitals"), format!("write `{lower}`"));
        }
        if !seen.insert(lower.clone()) {
            findings.add("repeated-tag", item.at, format!("tag `{tag}` occurs twice"));
        }
        let Some((namespace, name)) = lower.split_once('.') else {
            findings.add("odd-tag", item.at, format!("tag `{tag}` has no namespace"));
            continue;
        };
        if !NAMESPACES.contains(&namespace) {
            let text = format!("tag `{tag}` has an unknown namespace");
            match closest(namespace, NAMESPACES) {
                Some(near) => findings.hint("odd-tag", item.at, text, format!("did you mean `{near}`?")),
                None => findings.add("odd-tag", item.at, text),
            }
        }
        if namespace != "attack" {
            continue;
        }
        match attack_tag(name) {
            AttackTag::Tactic => tactics += 1,
            AttackTag::Technique => techniques += 1,
            AttackTag::Other => {}
            AttackTag::Revoked(place) => {
                let text = format!("ATT&CK has replaced `{}`", name.to_uppercase());
                findings.hint("outdated-attack", item.at, text, format!("write `attack.t{place}`"));
                techniques += 1;
            }
            AttackTag::SplitTactic => {
                let hint =
                    "write `attack.stealth` for what hides, `attack.defense-impairment` for what breaks defences";
                findings.hint("outdated-attack", item.at, format!("ATT&CK has split the tactic `{name}`"), hint);
                tactics += 1;
            }
            AttackTag::IllFormed => {
                let hint = "such as `attack.t1110` or `attack.t1110.003`";
                findings.hint("odd-tag", item.at, format!("`{tag}` is no ATT&CK technique"), hint);
            }
            AttackTag::UnknownTechnique => {
                findings.add(
                    "unknown-technique",
                    item.at,
                    format!("ATT&CK has no technique `{}`", name.to_uppercase()),
                );
                techniques += 1;
            }
            AttackTag::UnknownTactic => {
                let text = format!("ATT&CK has no tactic `{name}`");
                match closest(name, crate::detect::attack::TACTICS.iter().map(|tactic| tactic.slug)) {
                    Some(near) => findings.hint("unknown-tactic", item.at, text, format!("did you mean `{near}`?")),
                    None => findings.add("unknown-tactic", item.at, text),
                }
            }
        }
    }
    if tactics > 0 && techniques == 0 {
        findings.add("no-technique", tags.at, "a tactic is named, but no technique");
    }
}

fn translation(node: &Node, findings: &mut Findings<'_>) {
    let Some(ours) = node.get("longan") else { return };
    let has = |key: &str| ours.get(key).is_some_and(|value| value.kind != Kind::Null);
    if has("title_vi") != has("description_vi") {
        findings.add("half-translated", ours.at, "one of `title_vi` and `description_vi` is there without the other");
    }
    if has("response") != has("response_vi") && has("title_vi") {
        findings.add("half-translated", ours.at, "`response` and `response_vi` belong together");
    }
    let level = text(node, "level").map(|(level, _)| level);
    if matches!(level.as_deref(), Some("high" | "critical")) && !has("response") {
        findings.add("no-response", ours.at, "no `response`: what is the analyst to do?");
    }
}

fn logsource_of(node: &Node, logsource: &Node, findings: &mut Findings<'_>) {
    let keys = ["product", "service", "category"];
    let is_open = keys.iter().all(|key| logsource.get(key).is_none());
    if is_open && logsource.get("definition").is_none() && node.get("filter").is_none() {
        let hint = "name one, or say in `definition` which sources are meant";
        findings.hint(
            "open-logsource",
            logsource.at,
            "the log source names nothing: the rule runs on every event",
            hint,
        );
    }
    for (key, value) in logsource.entries() {
        if !keys.contains(&key.text.as_str()) {
            if key.text != "definition" {
                findings.hint(
                    "unknown-logsource-key",
                    key.at,
                    format!("`{}` means nothing in a log source", key.text),
                    "Sigma has product, service and category",
                );
            }
            continue;
        }
        let text = value.scalar_text().unwrap_or_default();
        if text.is_empty() {
            findings.add("empty-logsource", key.at, format!("`{}` has no value", key.text));
        }
        if text.chars().any(char::is_uppercase) {
            findings.add("logsource-case", value.at, format!("log source `{text}` has capitals"));
        }
    }
}
