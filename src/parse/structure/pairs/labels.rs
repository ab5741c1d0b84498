//! `Name: value, Other name: value` as some security products write it: labels of several words, commas between the pairs.
//!
//! A comma inside a value is part of it unless a label follows.

use std::borrow::Cow;

use crate::model::Value;
use crate::parse::structure::FIELDS_MAX;
use crate::parse::structure::Fields;
use crate::parse::structure::NotThis;
use crate::parse::structure::Out;
use crate::parse::structure::hand_out;

/// Labels are no longer than this.
const LABEL_BYTES_MAX: usize = 48;

/// Reads a text that begins with a label. Every value is text without the blanks and quotes around it.
///
/// # Errors
/// [`NotThis`] when the text does not begin with a label.
pub fn read<'a>(text: &'a str, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
    let mut fields = Fields::new();
    let mut left = text.trim();
    while let Some((label, after)) = label(left) {
        let end = value_end(after);
        let (value, rest) = after.split_at_checked(end).unwrap_or((after, ""));
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value);
        fields.push((Cow::Borrowed(label), Value::Text(Cow::Borrowed(value))));
        if fields.len() >= FIELDS_MAX {
            break;
        }
        left = rest.trim_start_matches([',', ';', ' ']);
    }
    if fields.is_empty() {
        return Err(NotThis);
    }
    hand_out(fields, out);
    Ok(())
}

/// Returns the label a text begins with and what follows its colon.
fn label(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().take(LABEL_BYTES_MAX).position(|byte| {
        !(byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'_' | b'-' | b'/' | b'.' | b'(' | b')' | b'#'))
    })?;
    let (label, rest) = text.split_at_checked(end)?;
    let after = rest.strip_prefix(':')?;
    let starts_well = label.bytes().next()?.is_ascii_alphabetic();
    let ends_well = after.is_empty() || after.starts_with([' ', ',', '"']);
    (starts_well && ends_well).then_some((label, after))
}

/// Finds where a value ends: at its closing quotation mark, at the comma or semicolon before the next label, or at the
/// end of the text.
fn value_end(text: &str) -> usize {
    if let Some(end) = closing_quote(text) {
        return end;
    }
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| memchr::memchr2(b',', b';', rest.as_bytes())) {
        let comma = from + found;
        let next = text.get(comma + 1..).unwrap_or_default();
        if label(next.trim_start_matches(' ')).is_some() {
            return comma;
        }
        from = comma + 1;
    }
    text.len()
}

/// Finds the end of a value in quotation marks: what looks like a label inside them is part of it.
fn closing_quote(text: &str) -> Option<usize> {
    let mut from = text.len() - text.trim_start_matches(' ').strip_prefix('"')?.len();
    loop {
        let at = from + memchr::memchr(b'"', text.as_bytes().get(from..)?)?;
        let is_escaped = text.as_bytes().get(at - 1) == Some(&b'\\');
        let after = text.get(at + 1..)?.trim_start();
        let next = after.trim_start_matches([',', ';', ' ']);
        if !is_escaped && (next.is_empty() || (next.len() < after.len() && label(next).is_some())) {
            return Some(at + 1);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(text: &str) -> Option<String> {
        let mut fields = Vec::new();
        read(text, &mut |key, value| fields.push(format!("{key}={}", value.to_text()))).ok()?;
        Some(fields.join("|"))
    }

    #[test]
    fn labels_and_values_are_told_apart() {
        for (text, expected) in [
            ("SrcIP: 10.0.0.1, User: an, URL: https://a.vn/x", "SrcIP=10.0.0.1|User=an|URL=https://a.vn/x"),
            (
                "Local Host IP: 10.0.0.1,Begin: 2026-03-14 09:26:53,Rule: a, b,c",
                "Local Host IP=10.0.0.1|Begin=2026-03-14 09:26:53|Rule=a, b,c",
            ),
            ("Name: ,Other: \"x\"; Third:", "Name=|Other=x|Third="),
            (r#"reason:"src: 10.0.0.1; action: Accept"; act:"Drop""#, "reason=src: 10.0.0.1; action: Accept|act=Drop"),
            (r#"a:"x\"; b: y"; c:"z"#, r#"a=x\"; b: y|c="z"#),
        ] {
            assert_eq!(flat(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "no label", "10: x", "a:b", ": x"] {
            assert_eq!(flat(text), None, "{text}");
        }
    }

    #[test]
    fn no_text_panics() {
        for text in ["é: ü, à: x", "A: \u{1f512},B: ", ",,,:", "A:,B:,"] {
            drop(flat(text));
        }
    }
}
