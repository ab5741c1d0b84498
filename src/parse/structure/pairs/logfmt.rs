//! logfmt as Go programs write it: `level=info msg="user logged in" took=3ms cached`.

use std::borrow::Cow;

use crate::model::Value;
use crate::parse::structure::FIELDS_MAX;
use crate::parse::structure::Fields;
use crate::parse::structure::NotThis;
use crate::parse::structure::Out;
use crate::parse::structure::hand_out;
use crate::parse::structure::pairs::leading_key;

/// Reads a body that is logfmt to its end. Values are text; a key without a value is `true`.
///
/// # Errors
/// [`NotThis`] when there are not two pairs, or something is no pair.
pub fn read<'a>(body: &'a str, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
    let mut fields = Fields::new();
    let mut pairs = 0;
    let mut left = body.trim();
    while !left.is_empty() && fields.len() < FIELDS_MAX {
        let rest = match leading_key(left) {
            Some(key) => {
                pairs += 1;
                let (value, rest) = value(left.get(key.len() + 1..).unwrap_or_default()).ok_or(NotThis)?;
                fields.push((Cow::Borrowed(key), Value::Text(value)));
                rest
            }
            None if pairs > 0 => {
                let (word, rest) = left.split_once(' ').unwrap_or((left, ""));
                if word.contains(['"', '=']) {
                    return Err(NotThis);
                }
                fields.push((Cow::Borrowed(word), Value::Bool(true)));
                rest
            }
            None => return Err(NotThis),
        };
        left = rest.trim_start();
    }
    // Free text with a pair at its start is more likely than so many flags.
    if pairs < 2 || fields.len() > 2 * pairs {
        return Err(NotThis);
    }
    hand_out(fields, out);
    Ok(())
}

fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t']).unwrap_or(text.len());
        let value = text.get(..end).filter(|value| !value.contains('"'))?;
        return Some((Cow::Borrowed(value), text.get(end..)?));
    };
    let mut escaped = false;
    let end = inner.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    let rest = inner.get(end + 1..)?;
    let value = inner.get(..end)?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| (unescape(value), rest))
}

fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match (character, (character == '\\').then(|| characters.next()).flatten()) {
            (_, Some('n')) => plain.push('\n'),
            (_, Some('t')) => plain.push('\t'),
            (_, Some('r')) => plain.push('\r'),
            (_, Some(same @ ('"' | '\\'))) => plain.push(same),
            (_, Some(other)) => plain.extend(['\\', other]),
            (other, None) => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(body: &str) -> Option<String> {
        let mut fields = Vec::new();
        read(body, &mut |key, value| {
            fields.push(format!("{key}={}", serde_json::to_string(&value).expect("serializes")));
        })
        .ok()?;
        Some(fields.join(" "))
    }

    #[test]
    fn logfmt_is_read() {
        for (body, expected) in [
            (r#"level=info msg="a \"b\"\nc" took=3ms"#, r#"level="info" msg="a \"b\"\nc" took="3ms""#),
            ("a=1 flag b=", r#"a="1" flag=true b="""#),
        ] {
            assert_eq!(flat(body).as_deref(), Some(expected), "{body}");
        }
        for body in ["a=1", "a=b c d e f", "x a=1 b=2", "a=\"1 b=2", "a=1 b=\"2\"x"] {
            assert_eq!(flat(body), None, "{body}");
        }
    }
}
