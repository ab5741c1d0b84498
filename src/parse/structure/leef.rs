//! IBM LEEF 1 and 2: `LEEF:2.0|vendor|product|version|event id|delimiter|key=value…`; tab separates unless version 2 names another.
//!
//! The header becomes `leef.version`, `leef.vendor`, `leef.product`, `leef.product_version` and `leef.event_id`.

use std::borrow::Cow;

use crate::model::Value;
use crate::parse::structure::FIELDS_MAX;
use crate::parse::structure::Fields;
use crate::parse::structure::NotThis;
use crate::parse::structure::Out;
use crate::parse::structure::hand_out;

const HEADER: [&str; 4] = ["leef.vendor", "leef.product", "leef.product_version", "leef.event_id"];

/// Reads a body that begins with `LEEF:`.
///
/// # Errors
/// [`NotThis`] when the header is not complete.
pub fn read<'a>(body: &'a str, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
    let left = body.strip_prefix("LEEF:").ok_or(NotThis)?.trim_start_matches(' ');
    let (version, mut left) = left.split_once('|').ok_or(NotThis)?;
    if !(version.starts_with('1') || version.starts_with('2')) || version.len() > 4 {
        return Err(NotThis);
    }
    let mut fields = Fields::new();
    fields.push((Cow::Borrowed("leef.version"), Value::from(version)));
    for name in HEADER {
        let (field, rest) = left.split_once('|').ok_or(NotThis)?;
        fields.push((Cow::Borrowed(name), Value::from(field)));
        left = rest;
    }
    let (delimiter, attributes) = delimiter(version, left);
    for pair in attributes.split(delimiter) {
        let Some((key, value)) = pair.split_once('=') else { continue };
        if fields.len() >= FIELDS_MAX {
            break;
        }
        fields.push((Cow::Borrowed(key.trim()), Value::from(value.trim_end())));
    }
    hand_out(fields, out);
    Ok(())
}

/// Reads the delimiter of version 2 (a character, or its code as `x5E` or `0x5E`); guesses for those who do not keep to it.
fn delimiter<'a>(version: &str, attributes: &'a str) -> (char, &'a str) {
    if version.starts_with('2')
        && let Some((field, rest)) = attributes.split_once('|')
        && !field.contains('=')
    {
        let code =
            field.trim_start_matches('0').strip_prefix(['x', 'X']).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let named = code.and_then(char::from_u32).or_else(|| field.chars().next()).unwrap_or('\t');
        return (named, rest);
    }
    let guessed = ['\t', '^', '|'].into_iter().find(|delimiter| attributes.contains(*delimiter));
    (guessed.unwrap_or('\t'), attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(body: &str) -> Option<String> {
        let mut fields = Vec::new();
        read(body, &mut |key, value| fields.push(format!("{key}={}", value.to_text()))).ok()?;
        Some(fields[5..].join("; "))
    }

    #[test]
    fn every_delimiter_is_understood() {
        for (body, expected) in [
            ("LEEF:1.0|V|P|1|E|src=10.0.0.1\tusrName=Vũ An\tx=", "src=10.0.0.1; usrName=Vũ An; x="),
            ("LEEF:2.0|V|P|1|E|^|src=10.0.0.1^url=/?a=b", "src=10.0.0.1; url=/?a=b"),
            ("LEEF:2.0|V|P|1|E|0x5E|a=1^b=2", "a=1; b=2"),
            ("LEEF:2.0|V|P|1|E|x09|a=1\tb=2", "a=1; b=2"),
            ("LEEF:2.0|V|P|1|E||a=1\tb=2", "a=1; b=2"),
            ("LEEF:1.0|V|P|1|E|a=1|b=2", "a=1; b=2"),
        ] {
            assert_eq!(flat(body).as_deref(), Some(expected), "{body}");
        }
        for body in ["", "LEEF:3.0|V|P|1|E|a=1", "LEEF:1.0|V|P|1"] {
            assert_eq!(flat(body), None, "{body}");
        }
    }
}
