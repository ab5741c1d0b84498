//! `key=value` as firewalls and auditd write it: quoted values, values with spaces and no quotes, `|` or `,` between pairs.
//!
//! An unquoted value ends where the next key begins, so `msg=login failed user=an` is two pairs.

use std::borrow::Cow;

use crate::model::Value;
use crate::parse::structure::FIELDS_MAX;
use crate::parse::structure::Fields;
use crate::parse::structure::NotThis;
use crate::parse::structure::Out;
use crate::parse::structure::hand_out;
use crate::parse::structure::pairs::is_key_byte;
use crate::parse::structure::pairs::leading_key;

/// Reads a body that is pairs from its first byte on. Every value is text, without its quotes.
///
/// # Errors
/// [`NotThis`] when the body does not begin with a pair, or has a single one with more text after it.
pub fn read<'a>(body: &'a str, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
    let mut fields = Fields::new();
    let mut left = body.trim_start();
    let mut separator = None;
    let mut one_word = true;
    while let Some(key) = leading_key(left) {
        let Some(value_start) = left.get(key.len() + 1..) else { break };
        let (value, rest) = value(value_start, &mut separator);
        one_word &= !value.contains(' ');
        push(&mut fields, key, value);
        if fields.len() >= FIELDS_MAX {
            break;
        }
        left = skip_separators(rest);
    }
    match fields.len() {
        0 => return Err(NotThis),
        1 if !one_word => return Err(NotThis),
        _ => hand_out(fields, out),
    }
    Ok(())
}

/// Adds a pair; the pairs inside auditd's `msg='…'` are added in its place.
fn push<'a>(fields: &mut Fields<'a>, key: &'a str, value: Cow<'a, str>) {
    if key == "msg"
        && let Cow::Borrowed(inner) = value
        && leading_key(inner).is_some()
    {
        let mut pairs = Fields::new();
        if read_flat(inner, &mut pairs) {
            fields.extend(pairs);
            return;
        }
    }
    fields.push((Cow::Borrowed(key), Value::Text(value)));
}

/// Reads pairs that hold no further pairs; true when there were two or more.
fn read_flat<'a>(text: &'a str, pairs: &mut Fields<'a>) -> bool {
    let mut left = text;
    let mut separator = Some(b' ');
    while let Some(key) = leading_key(left) {
        let Some(value_start) = left.get(key.len() + 1..) else { break };
        let (value, rest) = value(value_start, &mut separator);
        pairs.push((Cow::Borrowed(key), Value::Text(value)));
        left = skip_separators(rest);
        if pairs.len() >= FIELDS_MAX {
            break;
        }
    }
    pairs.len() >= 2
}

fn skip_separators(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', ',', ';', '|', '\r', '\n', '^'])
}

/// Reads one value; `separator` is learnt from what stands before the second key.
fn value<'a>(text: &'a str, separator: &mut Option<u8>) -> (Cow<'a, str>, &'a str) {
    let quoted = match text.as_bytes().first() {
        Some(quote @ (b'"' | b'\'')) => quoted(text, *quote),
        Some(0xE2) => curly(text),
        _ => None,
    };
    quoted.unwrap_or_else(|| {
        let (value, rest) = unquoted(text, separator);
        (Cow::Borrowed(value), rest)
    })
}

/// Reads up to the quote after which the value can end. `\"` is a quote inside the value unless the value ends there,
/// as `"C:\temp\"` does.
fn quoted(text: &str, quote: u8) -> Option<(Cow<'_, str>, &str)> {
    let bytes = text.as_bytes();
    let mut escaped = false;
    let mut from = 1;
    loop {
        let at = from + memchr::memchr(quote, bytes.get(from..)?)?;
        let rest = text.get(at + 1..)?;
        let ends =
            matches!(bytes.get(at + 1), None | Some(b' ' | b'\t' | b',' | b';' | b'|' | b'\r' | b'\n' | b')' | b'\''));
        let is_escaped = bytes.get(at - 1) == Some(&b'\\') && at > 1;
        let closes = match is_escaped {
            true => rest.is_empty() || leading_key(skip_separators(rest)).is_some() && ends,
            // An empty value, or one that more text follows without a space, closes as well.
            false => {
                ends || leading_key(rest).is_some() || memchr::memchr(quote, rest.as_bytes()).is_none() || quote == b'"'
            }
        };
        if closes {
            let value = text.get(1..at)?;
            let value = if escaped { Cow::Owned(value.replace("\\\"", "\"")) } else { Cow::Borrowed(value) };
            return Some((value, rest));
        }
        escaped |= is_escaped;
        from = at + 1;
    }
}

/// Typographic quotes, as some mail gateways send them.
fn curly(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let inner = text.strip_prefix(['\u{201c}', '\u{201d}'])?;
    let (value, rest) = inner.split_once(['\u{201d}', '\u{201c}'])?;
    Some((Cow::Borrowed(value), rest))
}

/// Reads up to the separator before the next key, or to the end.
fn unquoted<'a>(text: &'a str, separator: &mut Option<u8>) -> (&'a str, &'a str) {
    let bytes = text.as_bytes();
    let mut from = 0;
    // The common case first: a value without a space, a space, a key.
    if let Some(space) = memchr::memchr(b' ', bytes)
        && matches!(separator, Some(b' '))
        && text.get(space + 1..).is_some_and(|rest| leading_key(rest).is_some())
    {
        return (text.get(..space).unwrap_or(text).trim_end_matches([',', ';']), text.get(space..).unwrap_or_default());
    }
    while let Some(found) = bytes.get(from..).and_then(|rest| memchr::memchr(b'=', rest)) {
        let equals = from + found;
        from = equals + 1;
        let key_bytes =
            bytes.get(..equals).unwrap_or_default().iter().rev().take_while(|byte| is_key_byte(**byte)).count();
        let key_start = equals - key_bytes;
        let Some(before) = key_start.checked_sub(1).and_then(|at| bytes.get(at)).copied() else { continue };
        let separates = match separator {
            Some(known) => *known == before || (*known == b' ' && matches!(before, b'\t' | b'\n')),
            None => matches!(before, b' ' | b'\t' | b'|' | b',' | b';' | b'\n' | b'^'),
        };
        if !separates || text.get(key_start..).and_then(leading_key).is_none() {
            continue;
        }
        separator.get_or_insert(before);
        let value = text.get(..key_start - 1).unwrap_or(text);
        return (value.trim_end_matches([' ', '\t', ',', ';']), text.get(key_start..).unwrap_or_default());
    }
    (text.trim_end(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(body: &str) -> Option<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        read(body, &mut |key, value| pairs.push((key.into_owned(), value.to_text().into_owned()))).ok()?;
        Some(pairs)
    }

    #[test]
    fn pairs_are_read_in_all_their_forms() {
        for (body, expected) in [
            (
                "date=2026-03-14 time=09:26:53 devname=\"fw 1\"",
                vec![("date", "2026-03-14"), ("time", "09:26:53"), ("devname", "fw 1")],
            ),
            ("id=fw msg=web site hit note=a b", vec![("id", "fw"), ("msg", "web site hit"), ("note", "a b")]),
            ("url=http://x/?a=b&c=d act=ok", vec![("url", "http://x/?a=b&c=d"), ("act", "ok")]),
            ("a= b=2", vec![("a", ""), ("b", "2")]),
            ("a=\"\" b=\"x\\\"y\"", vec![("a", ""), ("b", "x\"y")]),
            ("dir=\"C:\\tmp\\\" user=an", vec![("dir", "C:\\tmp\\"), ("user", "an")]),
            (
                "time=1|host=gw 1|product=FW, x|o=a\\=b",
                vec![("time", "1"), ("host", "gw 1"), ("product", "FW, x"), ("o", "a\\=b")],
            ),
            ("a=1, b=2, c=x y", vec![("a", "1"), ("b", "2"), ("c", "x y")]),
            ("a=1,b=2", vec![("a", "1"), ("b", "2")]),
            ("a=1\tb=x y\tc=", vec![("a", "1"), ("b", "x y"), ("c", "")]),
            ("name=\u{201d}Vũ An\u{201d} x=1", vec![("name", "Vũ An"), ("x", "1")]),
            ("one=word", vec![("one", "word")]),
        ] {
            let expected: Vec<_> =
                expected.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            assert_eq!(pairs(body), Some(expected), "{body}");
        }
    }

    #[test]
    fn the_message_of_an_audit_record_is_flattened() {
        let body = "type=USER_LOGIN msg=audit(1773480413.589:77): pid=9 uid=0 msg='op=login acct=\"an\" exe=\"/usr/sbin/sshd\" res=failed'";
        let read = pairs(body).expect("pairs");
        let get = |key: &str| read.iter().rfind(|(have, _)| have == key).map(|(_, value)| value.as_str());
        assert_eq!((get("type"), get("pid")), (Some("USER_LOGIN"), Some("9")));
        assert_eq!((get("msg"), get("acct")), (Some("audit(1773480413.589:77):"), Some("an")));
        assert_eq!((get("exe"), get("res")), (Some("/usr/sbin/sshd"), Some("failed")));
    }

    #[test]
    fn text_with_an_equals_sign_in_it_is_no_pairs() {
        for body in ["", "x", "=1", "a =1", "1=2", "user an logged in id=7", "a=one thing only"] {
            assert_eq!(pairs(body), None, "{body}");
        }
    }
}
