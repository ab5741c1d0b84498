//! Text with pairs in brackets among it, as ModSecurity and its kin write: `Warning. [id "942100"] [msg "SQL injection"]`.
//!
//! A key ends at a blank, a colon or an equals sign; what follows, in quotation marks or not, is its value. Brackets that hold no
//! such pair are text. Of a key that stands several times (`tag`) all values are handed out as one list.

use std::borrow::Cow;

use crate::model::Value;
use crate::parse::structure::FIELDS_MAX;
use crate::parse::structure::Fields;
use crate::parse::structure::NotThis;
use crate::parse::structure::Out;
use crate::parse::structure::hand_out;

/// Keys longer than this are text in brackets.
const KEY_BYTES_MAX: usize = 40;

/// Reads the pairs in brackets of a text.
///
/// # Errors
/// [`NotThis`] when there is none.
pub fn read<'a>(body: &'a str, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
    let mut fields = Fields::new();
    let mut left = body;
    while let Some(at) = memchr::memchr(b'[', left.as_bytes()) {
        left = left.get(at + 1..).unwrap_or_default();
        let Some((key, value, rest)) = pair(left) else { continue };
        left = rest;
        put(&mut fields, key, value);
        if fields.len() >= FIELDS_MAX {
            break;
        }
    }
    if fields.is_empty() {
        return Err(NotThis);
    }
    hand_out(fields, out);
    Ok(())
}

/// Reads `key "value"]`, `key value]`, `key: value]` or `key:value]`, and what comes after it.
fn pair(text: &str) -> Option<(&str, &str, &str)> {
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let length = text.bytes().take(KEY_BYTES_MAX).take_while(is_key).count();
    let (key, rest) = text.split_at_checked(length).filter(|(key, _)| !key.is_empty())?;
    let value = rest.strip_prefix([' ', ':', '='])?.trim_ascii_start();
    match value.strip_prefix('"') {
        Some(inner) => {
            let end = closing_quote(inner)?;
            Some((key, inner.get(..end)?, inner.get(end + 2..)?))
        }
        None => value.split_once(']').map(|(value, rest)| (key, value, rest)),
    }
}

/// Finds the quotation mark that a bracket follows; others are part of the value.
fn closing_quote(text: &str) -> Option<usize> {
    memchr::memmem::find(text.as_bytes(), b"\"]")
}

fn put<'a>(fields: &mut Fields<'a>, key: &'a str, value: &'a str) {
    let Some((_, have)) = fields.iter_mut().find(|(have, _)| have == key) else {
        return fields.push((Cow::Borrowed(key), Value::from(value)));
    };
    match have {
        Value::List(items) => items.push(Value::from(value)),
        one => *one = Value::List(vec![one.clone(), Value::from(value)]),
    }
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
    fn pairs_in_brackets_are_read_and_the_text_around_them_is_not() {
        for (body, expected) in [
            (
                r#"Warning. Pattern "[a-z]" at ARGS. [id "942100"] [msg "SQL "or" 1"] [tag "a"] [tag "b"]"#,
                "id=942100; msg=SQL \"or\" 1; tag=a b",
            ),
            ("do_login() [robot lists.example.vn] [client 10.0.0.9] done", "robot=lists.example.vn; client=10.0.0.9"),
            ("[origin:dvc.example.vn] [client: 10.0.0.9] GET /", "origin=dvc.example.vn; client=10.0.0.9"),
        ] {
            assert_eq!(flat(body).as_deref(), Some(expected), "{body}");
        }
    }

    #[test]
    fn text_without_pairs_is_refused() {
        for body in ["", "[", "[]", "[x]", "[ x y]", "[id \"1\"", "plain"] {
            assert_eq!(flat(body), None, "{body}");
        }
    }
}
