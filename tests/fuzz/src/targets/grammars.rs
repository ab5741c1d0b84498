//! The structured formats: nothing is handed out of a text refused, values are pieces of the text, and where a printed
//! form exists it is read back.

use std::borrow::Cow;

use longan::model::Value;
use longan::parse::structure;
use longan::parse::structure::FIELDS_MAX;
use longan::parse::structure::NotThis;
use longan::parse::structure::Out;
use longan::parse::structure::json::DEPTH_MAX;
use longan::parse::structure::json::ITEMS_MAX;
use longan::parse::structure::w3c::Layout;
use serde_json::Value as Json;

use super::as_text;
use super::choice;
use super::lies_in;

type Pairs<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// Reads a text by a grammar and checks what every grammar promises.
pub(super) fn collect<'a>(
    text: &'a str,
    read: impl FnOnce(&'a str, &mut Out<'_, 'a>) -> Result<(), NotThis>,
) -> Option<Pairs<'a>> {
    let mut pairs = Pairs::new();
    let result = read(text, &mut |key, value| pairs.push((key, value)));
    assert!(result.is_ok() || pairs.is_empty(), "a refusal hands nothing out");
    assert!(pairs.len() <= FIELDS_MAX * 2, "{} fields", pairs.len());
    for (_, value) in &pairs {
        if let Value::Text(Cow::Borrowed(piece)) = value {
            assert!(piece.is_empty() || lies_in(piece, text), "{piece:?} is not of the text");
        }
    }
    result.is_ok().then_some(pairs)
}

/// JSON: what a strict reader accepts is accepted and means the same.
pub(super) fn json(data: &[u8]) {
    let text = as_text(data);
    let ours = collect(&text, structure::json::read);
    let Ok(Json::Object(object)) = serde_json::from_str::<Json>(&text) else { return };
    if has_duplicates(&text, &object) {
        return;
    }
    let mut theirs = Vec::new();
    let mut bounds = Bounds::default();
    object.iter().for_each(|(key, value)| flatten(key.clone(), value, 1, &mut bounds, &mut theirs));
    if bounds.depth > DEPTH_MAX {
        return;
    }
    let ours = ours.unwrap_or_else(|| panic!("refused, but it is JSON: {text}"));
    if bounds.lists || theirs.len() > FIELDS_MAX {
        return;
    }
    let printed: Vec<(String, String)> =
        ours.iter().map(|(key, value)| (key.to_string(), serde_json::to_string(value).expect("it is JSON"))).collect();
    // `-0` is the whole number 0 to us and a floating one to the other.
    let zeros = |pairs: Vec<(String, String)>| -> Vec<_> {
        pairs.into_iter().map(|(key, text)| (key, text.replace("-0.0", "0"))).collect()
    };
    assert_eq!(zeros(printed), zeros(theirs));
}

#[derive(Default)]
struct Bounds {
    depth: usize,
    /// A list of objects or lists, or a long one: those are merged, which the tests of the module hold.
    lists: bool,
}

fn flatten(path: String, value: &Json, depth: usize, bounds: &mut Bounds, out: &mut Vec<(String, String)>) {
    bounds.depth = bounds.depth.max(depth);
    match value {
        Json::Object(object) => {
            object.iter().for_each(|(key, value)| flatten(format!("{path}.{key}"), value, depth + 1, bounds, out));
        }
        Json::Array(items) => {
            bounds.depth = bounds.depth.max(depth + 1);
            let nested = items.iter().any(|item| item.is_object() || item.is_array());
            bounds.lists |= nested || items.len() > ITEMS_MAX;
            items.iter().filter(|item| item.is_object() || item.is_array()).for_each(|item| {
                flatten(path.clone(), item, depth + 2, bounds, out);
            });
            let items: Vec<String> = items.iter().map(scalar).collect();
            out.push((path, format!("[{}]", items.join(","))));
        }
        other => out.push((path, scalar(other))),
    }
}

/// Prints a scalar as the event would: a whole number beyond 64 bits with sign is a floating one.
fn scalar(value: &Json) -> String {
    let big = value.as_u64().filter(|number| i64::try_from(*number).is_err());
    let ours = match (big, value) {
        (Some(number), _) => Json::from(number as f64),
        (None, Json::Number(number)) if number.is_f64() => {
            Json::from(number.to_string().parse::<f64>().unwrap_or_default())
        }
        (None, other) => other.clone(),
    };
    ours.to_string()
}

/// A key that occurs twice is kept twice by us, and once by the other; so is a name whose dots collide or an empty path.
fn has_duplicates(text: &str, object: &serde_json::Map<String, Json>) -> bool {
    fn keys(value: &Json) -> usize {
        match value {
            Json::Object(object) => object.len() + object.values().map(keys).sum::<usize>(),
            Json::Array(items) => items.iter().map(keys).sum(),
            _ => 0,
        }
    }
    let colons = text.matches(':').count();
    let is_empty = |object: &serde_json::Map<String, Json>| object.keys().any(String::is_empty);
    colons != keys(&Json::Object(object.clone())) || is_empty(object)
}

/// Key=value in all its forms.
pub(super) fn pairs(data: &[u8]) {
    let text = as_text(data);
    collect(&text, structure::kv::read);
    collect(&text, structure::logfmt::read);
    collect(&text, structure::tagged::read);
    collect(&text, structure::labels::read);
    if let Some(read) = collect(&text, structure::logfmt::read) {
        // Printed the strict way it is read the same again.
        let value = |value: &Value<'_>| format!("{:?}", value.to_text());
        let plain = |text: &str| text.chars().all(|c| c == ' ' || c.is_ascii_alphanumeric());
        let simple = read.iter().all(|(_, value)| value.as_str().is_some_and(plain));
        if simple && !read.is_empty() {
            let line: Vec<String> = read.iter().map(|(key, text)| format!("{key}={}", value(text))).collect();
            let line = line.join(" ");
            let again = collect(&line, structure::logfmt::read).unwrap_or_default();
            let texts = |pairs: &Pairs<'_>| -> Vec<(String, String)> {
                pairs.iter().map(|(key, value)| (key.to_string(), value.to_text().into_owned())).collect()
            };
            assert_eq!(texts(&read), texts(&again), "printed as {line}");
        }
    }
}

pub(super) fn cef(data: &[u8]) {
    let text = as_text(data);
    collect(&text, structure::cef::read);
    let line = format!("CEF:0|{text}");
    collect(&line, structure::cef::read);
    let line = format!("CEF:0|Acme|Wall|1|7|name|5|{text}");
    collect(&line, structure::cef::read);
}

pub(super) fn leef(data: &[u8]) {
    let text = as_text(data);
    collect(&text, structure::leef::read);
    let line = format!("LEEF:2.0|Acme|Wall|1|7|{text}");
    collect(&line, structure::leef::read);
}

/// CSV: the fields of any record, quoted and written anew, are the same fields.
pub(super) fn csv(data: &[u8]) {
    let text = as_text(data);
    for separator in [',', ';', '\t', '|'] {
        let fields: Vec<Cow<'_, str>> = structure::csv::fields(&text, separator).collect();
        assert!(fields.len() <= text.len() + 1);
        let quoted: Vec<String> = fields.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
        let line = quoted.join(&separator.to_string());
        let again: Vec<Cow<'_, str>> = structure::csv::fields(&line, separator).collect();
        assert_eq!(fields, again, "printed as {line}");
    }
}

pub(super) fn clf(data: &[u8]) {
    let text = as_text(data);
    collect(&text, structure::clf::read);
}

/// W3C: a layout of the input's own, and a line by it.
pub(super) fn w3c(data: &[u8]) {
    let text = as_text(data);
    collect(&text, structure::w3c::read);
    let (first, rest) = text.split_once('\n').unwrap_or(("", &text));
    let directive = format!("#Fields:{first}");
    let Some(layout) = Layout::from_directive(&directive) else { return };
    collect(rest, |rest, out| layout.read(rest, out));
}

/// XML of Windows events: bounded depth and size, whatever is in it.
pub(super) fn xml(data: &[u8]) {
    let Some((wrap, rest)) = choice(data) else { return };
    let text = as_text(rest);
    let text = match wrap % 3 {
        0 => text.into_owned(),
        1 => format!("<Event><System>{text}</System></Event>"),
        _ => format!("<Event><EventData><Data Name='a'>{text}</Data></EventData></Event>"),
    };
    collect(&text, structure::xml::read);
}
