//! JSON objects, flattened while they are read: `{"a": {"b": 1}}` is `a.b = 1`.
//!
//! A list of scalars is a list; a list of objects becomes a list for each path below it. Strings without escapes borrow.
//! Depth, fields and list items are bounded; what is beyond a bound is checked for being JSON and left out.

mod scan;

use std::borrow::Cow;

use crate::model::Value;
use crate::parse::structure::FIELDS_MAX;
use crate::parse::structure::NotThis;
use crate::parse::structure::Out;
use crate::parse::structure::json::scan::Scanner;

/// Objects and lists nested deeper than this are refused.
pub const DEPTH_MAX: usize = 16;
/// Items of one list beyond this are left out.
pub const ITEMS_MAX: usize = 256;

/// Makes the keys of nested objects.
pub(in crate::parse) trait Paths<'a> {
    /// A key with those of the objects around it, joined by dots.
    type Key: AsRef<str> + Clone;

    /// Returns the key of a member of an object, or of the body itself.
    fn key(&self, parent: Option<&Self::Key>, name: Cow<'a, str>) -> Self::Key;
}

/// Keys as plain text.
struct Plain;

impl<'a> Paths<'a> for Plain {
    type Key = Cow<'a, str>;

    fn key(&self, parent: Option<&Cow<'a, str>>, name: Cow<'a, str>) -> Cow<'a, str> {
        parent.map_or_else(|| name.clone(), |parent| Cow::Owned([parent, ".", &*name].concat()))
    }
}

/// Reads a body that is one JSON object.
///
/// # Errors
/// [`NotThis`] when the body is not one object, or is nested too deeply; nothing was handed out then.
pub fn read<'a>(body: &'a str, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
    let mut fields = Vec::new();
    read_keys(body, &Plain, &mut fields)?;
    for (key, value) in fields {
        out(key, value);
    }
    Ok(())
}

/// As [`read`], with keys of another kind, into an empty list.
///
/// # Errors
/// The same; the list is empty then.
pub(in crate::parse) fn read_keys<'a, P: Paths<'a>>(
    body: &'a str,
    paths: &P,
    fields: &mut Vec<(P::Key, Value<'a>)>,
) -> Result<(), NotThis> {
    let mut scanner = Scanner::new(body);
    scanner.spaces();
    let read = Flattener { paths, fields }.object(&mut scanner, None, 0);
    scanner.spaces();
    match read {
        Some(()) if scanner.rest().trim_ascii().is_empty() => Ok(()),
        _ => {
            fields.clear();
            Err(NotThis)
        }
    }
}

/// Collects the fields of an object.
struct Flattener<'f, 'a, P: Paths<'a>> {
    paths: &'f P,
    fields: &'f mut Vec<(P::Key, Value<'a>)>,
}

impl<'a, P: Paths<'a>> Flattener<'_, 'a, P> {
    fn object(&mut self, scanner: &mut Scanner<'a>, path: Option<&P::Key>, depth: usize) -> Option<()> {
        scanner.need(b'{')?;
        scanner.spaces();
        if scanner.eat(b'}') {
            return Some(());
        }
        loop {
            scanner.spaces();
            let name = scanner.string()?;
            scanner.spaces();
            scanner.need(b':')?;
            scanner.spaces();
            let key = self.paths.key(path, name);
            self.member(key, scanner, depth)?;
            scanner.spaces();
            if scanner.eat(b'}') {
                return Some(());
            }
            scanner.need(b',')?;
        }
    }

    fn member(&mut self, key: P::Key, scanner: &mut Scanner<'a>, depth: usize) -> Option<()> {
        if depth + 1 > DEPTH_MAX {
            return None;
        }
        match scanner.peek()? {
            b'{' => self.object(scanner, Some(&key), depth + 1),
            b'[' => self.list(scanner, &key, depth + 1),
            _ => {
                let value = scanner.scalar()?;
                self.push(key, value);
                Some(())
            }
        }
    }

    fn push(&mut self, key: P::Key, value: Value<'a>) {
        if self.fields.len() < FIELDS_MAX {
            self.fields.push((key, value));
        }
    }

    fn list(&mut self, scanner: &mut Scanner<'a>, path: &P::Key, depth: usize) -> Option<()> {
        if depth + 1 > DEPTH_MAX {
            return None;
        }
        scanner.need(b'[')?;
        let mut items = Vec::new();
        let first_field = self.fields.len();
        let mut count = 0;
        scanner.spaces();
        if !scanner.eat(b']') {
            loop {
                scanner.spaces();
                match scanner.peek()? {
                    b'{' => self.object(scanner, Some(path), depth + 1)?,
                    b'[' => self.list(scanner, path, depth + 1)?,
                    _ => append(&mut items, scanner.scalar()?),
                }
                count += 1;
                scanner.spaces();
                if scanner.eat(b']') {
                    break;
                }
                scanner.need(b',')?;
            }
        }
        self.merge_from(first_field);
        if !items.is_empty() || (count == 0 && first_field == self.fields.len()) {
            self.push(path.clone(), Value::List(items));
        }
        Some(())
    }

    /// Makes one list of the values that the objects of a list have under the same path.
    ///
    /// By sorting, since a hostile list has a thousand paths; the paths keep the order of their first occurrence.
    fn merge_from(&mut self, first_field: usize) {
        if self.fields.len() <= first_field + 1 {
            return;
        }
        let mut sorted: Vec<(usize, (P::Key, Value<'a>))> = self.fields.drain(first_field..).enumerate().collect();
        sorted.sort_by(|(_, (one, _)), (_, (other, _))| one.as_ref().cmp(other.as_ref()));
        let mut merged: Vec<(usize, (P::Key, Value<'a>))> = Vec::with_capacity(sorted.len());
        for (place, (key, value)) in sorted {
            match merged.last_mut().filter(|(_, (have, _))| have.as_ref() == key.as_ref()) {
                None => merged.push((place, (key, value))),
                Some((_, (_, Value::List(items)))) => append(items, value),
                Some((_, (_, single))) => {
                    let mut items = vec![std::mem::replace(single, Value::Null)];
                    append(&mut items, value);
                    *single = Value::List(items);
                }
            }
        }
        merged.sort_by_key(|(place, _)| *place);
        self.fields.extend(merged.into_iter().map(|(_, field)| field));
    }
}

fn append<'a>(items: &mut Vec<Value<'a>>, value: Value<'a>) {
    let room = ITEMS_MAX.saturating_sub(items.len());
    match value {
        Value::List(more) => items.extend(more.into_iter().take(room)),
        single if room > 0 => items.push(single),
        _ => {}
    }
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
    fn objects_are_flattened() {
        for (body, expected) in [
            (r#"{}"#, ""),
            (r#" {"a": 1, "b": -2.5e1, "c": "x", "d": true, "e": null} "#, r#"a=1 b=-25.0 c="x" d=true e=null"#),
            (r#"{"a":{"b":{"c":"x"}},"d":1}"#, r#"a.b.c="x" d=1"#),
            (r#"{"a":["x",2,null],"e":[]}"#, r#"a=["x",2,null] e=[]"#),
            (r#"{"a":[{"b":1,"c":"x"},{"b":2}]}"#, r#"a.b=[1,2] a.c="x""#),
            (r#"{"a":[[1,2],[3]]}"#, r#"a=[1,2,3]"#),
            (r#"{"k\n":"\u0110\ud83d\ude00\"\\\/"}"#, "k\n=\"Đ😀\\\"\\\\/\""),
            (r#"{"n":123456789012345678901}"#, r#"n=1.2345678901234568e+20"#),
            (r#"{"n":9223372036854775807}"#, r#"n=9223372036854775807"#),
        ] {
            assert_eq!(flat(body).as_deref(), Some(expected), "{body}");
        }
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for body in [
            "",
            "1",
            "[1]",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a":1} x"#,
            r#"{"a":01}"#,
            r#"{"a":"x}"#,
            r#"{"a":tru}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\ud800"}"#,
            "{\"a\":\"\n\"}x",
            r#"{"a":-}"#,
            r#"{"a":1.}"#,
        ] {
            assert_eq!(flat(body), None, "{body}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        assert!(flat(&nested(DEPTH_MAX)).is_some());
        assert!(flat(&nested(DEPTH_MAX + 1)).is_none());
        assert!(flat(&format!("{{\"a\":{}", "[".repeat(100_000))).is_none());
    }

    #[test]
    fn strings_without_escapes_borrow() {
        let body = r#"{"a":"xyz"}"#;
        let mut borrowed = false;
        read(body, &mut |key, value| {
            borrowed = matches!((key, value), (Cow::Borrowed("a"), Value::Text(Cow::Borrowed("xyz"))));
        })
        .expect("is JSON");
        assert!(borrowed);
    }
}
