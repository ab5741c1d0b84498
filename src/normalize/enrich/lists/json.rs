//! Lists in JSON: STIX 2.1 bundles (indicators with patterns of comparisons joined by OR) and MISP events.

use serde_json::Value;

use crate::diag::Located;
use crate::normalize::enrich::lists::ListError;
use crate::normalize::enrich::lists::Reader;
use crate::normalize::enrich::threats::About;

/// The types of MISP attributes that are looked up; of those with `|` the part that is.
const MISP_TYPES: [(&str, usize); 16] = [
    ("ip-src", 0),
    ("ip-dst", 0),
    ("ip-src|port", 0),
    ("ip-dst|port", 0),
    ("domain", 0),
    ("hostname", 0),
    ("domain|ip", 0),
    ("url", 0),
    ("uri", 0),
    ("md5", 0),
    ("sha1", 0),
    ("sha256", 0),
    ("sha512", 0),
    ("filename|md5", 1),
    ("filename|sha1", 1),
    ("filename|sha256", 1),
];

pub(super) fn read(reader: &mut Reader<'_>) {
    let root: Value = match serde_json::from_str(reader.text) {
        Ok(root) => root,
        Err(err) => {
            let mut located = Located::at_start(reader.path, ListError::Json(err.to_string()));
            located.position.line = u32::try_from(err.line()).unwrap_or(1);
            located.position.column = u32::try_from(err.column()).unwrap_or(1);
            return reader.problems.push(located);
        }
    };
    if let Some(objects) = root.get("objects").and_then(Value::as_array) {
        stix(reader, objects);
    } else if !misp(reader, &root) {
        reader.problem(0, ListError::UnknownJson);
    }
}

/// Where an object stands: at the first mention of its id.
fn place(reader: &Reader<'_>, id: &str) -> usize {
    if id.is_empty() { 0 } else { reader.text.find(id).unwrap_or(0) }
}

fn text<'v>(object: &'v Value, key: &str) -> &'v str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn stix(reader: &mut Reader<'_>, objects: &[Value]) {
    for object in objects {
        match text(object, "type") {
            "indicator" if object.get("revoked").and_then(Value::as_bool) != Some(true) => indicator(reader, object),
            // The producer of the bundle is its name, where one is given.
            "identity" if !text(object, "name").is_empty() => reader.builder.name(text(object, "name")),
            _ => {}
        }
    }
}

fn indicator(reader: &mut Reader<'_>, object: &Value) {
    let offset = place(reader, text(object, "id"));
    let pattern = text(object, "pattern");
    let is_stix = matches!(text(object, "pattern_type"), "" | "stix");
    let Some(values) = is_stix.then(|| values_of(pattern)).flatten() else {
        return reader.problem(offset, ListError::Pattern(pattern.chars().take(80).collect()));
    };
    let until = text(object, "valid_until");
    let about = About {
        confidence: object.get("confidence").and_then(Value::as_u64).and_then(|number| u8::try_from(number).ok()),
        expires: if until.is_empty() { None } else { reader.date(offset, until) },
        note: text(object, "name").to_owned(),
    };
    for value in values {
        reader.add(offset, &value, &about);
    }
}

/// Takes the literals out of `[ipv4-addr:value = '…'] OR [file:hashes.'SHA-256' = '…']`; `None` for any other pattern.
fn values_of(pattern: &str) -> Option<Vec<String>> {
    /// Comparisons of one pattern.
    const VALUES_MAX: usize = 1_000;
    let mut values = Vec::new();
    let mut rest = pattern.trim();
    loop {
        rest = rest.trim_start_matches(['[', '(', ' ', '\n', '\t']);
        let (path, after) = comparison(rest)?;
        let (value, after) = literal(after)?;
        let is_known = ["ipv4-addr:value", "ipv6-addr:value", "domain-name:value", "url:value"].contains(&path)
            || path.starts_with("file:hashes.");
        if !is_known || values.len() >= VALUES_MAX {
            return None;
        }
        values.push(value);
        rest = after.trim_start_matches([']', ')', ' ', '\n', '\t']);
        if rest.is_empty() {
            return Some(values);
        }
        rest = rest.strip_prefix("OR")?;
    }
}

/// Reads `path =`, or `path ISSUBSET` for networks.
fn comparison(text: &str) -> Option<(&str, &str)> {
    let (path, after) = text.split_once(['=', ' '])?;
    // A hash's name may be quoted and hold no space.
    let after = after.trim_start_matches([' ', '=']);
    let after = after.strip_prefix("ISSUBSET").map_or(after, str::trim_start);
    Some((path.trim(), after))
}

/// Reads a quoted literal with its escapes.
fn literal(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('\'')?;
    let mut value = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next()?.1),
            '\'' => return Some((value, inner.get(at + 1..)?)),
            other => value.push(other),
        }
    }
    None
}

/// Goes through MISP events in each of the forms MISP exports; says whether there was one.
fn misp(reader: &mut Reader<'_>, root: &Value) -> bool {
    if let Some(event) = root.get("Event") {
        event_of(reader, event);
        return true;
    }
    if let Some(response) = root.get("response") {
        return misp(reader, response);
    }
    match root.as_array() {
        Some(events) => {
            let found = events.iter().filter(|event| event.get("Event").is_some() && misp(reader, event));
            found.count() > 0
        }
        None => attributes(reader, root, ""),
    }
}

fn event_of(reader: &mut Reader<'_>, event: &Value) {
    let info = text(event, "info");
    if let Some(name) = event.get("Orgc").map(|org| text(org, "name")).filter(|name| !name.is_empty()) {
        reader.builder.name(name);
    }
    attributes(reader, event, info);
    for object in event.get("Object").and_then(Value::as_array).into_iter().flatten() {
        attributes(reader, object, info);
    }
}

fn attributes(reader: &mut Reader<'_>, holder: &Value, info: &str) -> bool {
    let Some(attributes) = holder.get("Attribute").and_then(Value::as_array) else { return false };
    for attribute in attributes {
        let kind = text(attribute, "type");
        let Some((_, part)) = MISP_TYPES.iter().find(|(known, _)| *known == kind) else { continue };
        // MISP marks what is context only.
        if attribute.get("to_ids").and_then(Value::as_bool) == Some(false) {
            continue;
        }
        let offset = place(reader, text(attribute, "uuid"));
        let comment = text(attribute, "comment");
        let note = if comment.is_empty() { info } else { comment };
        let about = About { confidence: None, expires: None, note: note.to_owned() };
        let value = text(attribute, "value").split('|').nth(*part).unwrap_or_default();
        reader.add(offset, value, &about);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_comparisons_are_read_and_others_are_not() {
        let cases: [(&str, Option<&[&str]>); 8] = [
            ("[ipv4-addr:value = '203.0.113.7']", Some(&["203.0.113.7"])),
            ("[domain-name:value='a.example' OR domain-name:value = 'b.example']", Some(&["a.example", "b.example"])),
            (
                "[file:hashes.'SHA-256' = 'ab'] OR [url:value = 'http://x.example/\\'']",
                Some(&["ab", "http://x.example/'"]),
            ),
            ("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", Some(&["198.51.100.0/24"])),
            ("[ipv4-addr:value = '1.2.3.4' AND url:value = 'http://x']", None),
            ("[process:name = 'x']", None),
            ("[ipv4-addr:value = '1.2.3.4", None),
            ("", None),
        ];
        for (pattern, values) in cases {
            assert_eq!(
                values_of(pattern).as_deref(),
                values.map(|v| v.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()).as_deref(),
                "{pattern}"
            );
        }
    }
}
