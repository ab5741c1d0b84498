//! ArcSight CEF: `CEF:0|vendor|product|version|class|name|severity|key=value …`, whose values have spaces and no quotes.
//!
//! The header becomes `cef.version`, `cef.device_vendor`, `cef.device_product`, `cef.device_version`, `cef.event_class_id`,
//! `cef.name` and `cef.severity`; extension keys stay as the device wrote them.

use std::borrow::Cow;

use crate::model::Value;
use crate::parse::structure::FIELDS_MAX;
use crate::parse::structure::Fields;
use crate::parse::structure::NotThis;
use crate::parse::structure::Out;
use crate::parse::structure::hand_out;

const HEADER: [&str; 6] =
    ["cef.device_vendor", "cef.device_product", "cef.device_version", "cef.event_class_id", "cef.name", "cef.severity"];

/// Reads a body that begins with `CEF:`, or, as syslog servers that take it for a tag leave it, with what follows.
///
/// # Errors
/// [`NotThis`] when the header is not complete.
pub fn read<'a>(body: &'a str, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
    let left = body.strip_prefix("CEF:").unwrap_or(body).trim_start_matches(' ');
    let (version, mut left) = left.split_once('|').ok_or(NotThis)?;
    if version.is_empty() || version.len() > 4 || !version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(NotThis);
    }
    let mut fields = Fields::new();
    fields.push((Cow::Borrowed("cef.version"), Value::from(version)));
    for (index, name) in HEADER.into_iter().enumerate() {
        let (field, rest) = match header_field(left) {
            Some(split) => split,
            // Some devices end after the severity without the last bar.
            None if index == HEADER.len() - 1 => (left, ""),
            None => return Err(NotThis),
        };
        fields.push((Cow::Borrowed(name), Value::Text(unescape_header(field.trim()))));
        left = rest;
    }
    extension(left, &mut fields);
    hand_out(fields, out);
    Ok(())
}

/// Splits at the next bar that no backslash escapes.
fn header_field(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'|' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

fn unescape_header(field: &str) -> Cow<'_, str> {
    if !field.contains('\\') {
        return Cow::Borrowed(field);
    }
    Cow::Owned(field.replace("\\|", "|").replace("\\\\", "\\"))
}

/// A key ends at an equals sign that no backslash escapes; a value ends before the space in front of the next key.
fn extension<'a>(text: &'a str, fields: &mut Fields<'a>) {
    let text = text.trim();
    let mut keys = keys(text).peekable();
    while let Some((start, equals)) = keys.next() {
        let end = keys.peek().map_or(text.len(), |(next, _)| *next);
        let (Some(key), Some(value)) = (text.get(start..equals), text.get(equals + 1..end)) else { continue };
        if fields.len() >= FIELDS_MAX {
            return;
        }
        fields.push((Cow::Borrowed(key), Value::Text(unescape_value(value.trim()))));
    }
}

/// Finds the keys: words that begin the text or follow a space, with an unescaped equals sign after them.
fn keys(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'=', bytes).filter_map(move |equals| {
        let is_key_byte =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'?' | b':');
        let length = bytes.get(..equals)?.iter().rev().take_while(|byte| is_key_byte(byte)).count();
        let start = equals - length;
        let follows_space = start == 0 || matches!(bytes.get(start - 1), Some(b' ' | b'\t' | b'|' | b'\n'));
        let starts_well = bytes.get(start).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        (length > 0 && follows_space && starts_well).then_some((start, equals))
    })
}

/// Takes away the escapes of extension values: `\=`, `\\`, `\n`, `\r`.
fn unescape_value(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = match (character, characters.peek()) {
            ('\\', Some(same @ ('=' | '\\' | '|'))) => Some(*same),
            ('\\', Some('n')) => Some('\n'),
            ('\\', Some('r')) => Some('\r'),
            _ => None,
        };
        plain.push(escaped.unwrap_or(character));
        if escaped.is_some() {
            characters.next();
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(body: &str) -> Option<String> {
        let mut fields = Vec::new();
        read(body, &mut |key, value| fields.push(format!("{key}={}", value.to_text()))).ok()?;
        Some(fields.join("; "))
    }

    #[test]
    fn header_and_extension_are_read() {
        let body = r"CEF:0|Acme \| Co|WAF|1.2|77|Bad \\ request|8|src=10.0.0.1 msg=two words\nand a\=b request=/x?y=1 cs1Label=Rule Name cs1=";
        let expected = "cef.version=0; cef.device_vendor=Acme | Co; cef.device_product=WAF; cef.device_version=1.2; \
                        cef.event_class_id=77; cef.name=Bad \\ request; cef.severity=8; src=10.0.0.1; msg=two words\nand a=b; \
                        request=/x?y=1; cs1Label=Rule Name; cs1=";
        assert_eq!(flat(body).as_deref(), Some(expected));
        assert!(flat("CEF: 0|a|b|c|d|e|Low").is_some());
    }

    #[test]
    fn half_a_header_is_refused() {
        for body in ["", "CEF:", "CEF:0|a|b|c|d|e", "CEF:x|a|b|c|d|e|f|", "xCEF:0|a|b|c|d|e|f|"] {
            assert_eq!(flat(body), None, "{body}");
        }
    }
}
