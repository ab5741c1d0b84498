//! One record of CSV (RFC 4180) or any other one-character separator: fields in order, quotes taken away.

use std::borrow::Cow;

/// Goes through the fields of one record; a quoted field borrows unless quotes are doubled inside it.
pub fn fields(record: &str, separator: char) -> Fields<'_> {
    Fields { left: Some(record), separator }
}

/// The fields of a record, one after the other.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    left: Option<&'a str>,
    separator: char,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Cow<'a, str>> {
        let left = self.left?;
        if let Some(inner) = left.strip_prefix('"')
            && let Some((field, rest)) = quoted(inner, self.separator)
        {
            self.left = rest;
            return Some(field);
        }
        // A quote inside an unquoted field is part of it.
        match left.split_once(self.separator) {
            Some((field, rest)) => {
                self.left = Some(rest);
                Some(Cow::Borrowed(field))
            }
            None => {
                self.left = None;
                Some(Cow::Borrowed(left))
            }
        }
    }
}

/// Reads up to the closing quote; `None` when there is none before a separator or the end.
fn quoted(inner: &str, separator: char) -> Option<(Cow<'_, str>, Option<&str>)> {
    let bytes = inner.as_bytes();
    let mut doubled = false;
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(b'"', bytes.get(from..)?)?;
        let rest = inner.get(at + 1..)?;
        if rest.starts_with('"') {
            doubled = true;
            from = at + 2;
            continue;
        }
        let rest = match rest.strip_prefix(separator) {
            Some(rest) => Some(rest),
            None if rest.trim_ascii().is_empty() => None,
            None => return None,
        };
        let field = inner.get(..at)?;
        let field = if doubled { Cow::Owned(field.replace("\"\"", "\"")) } else { Cow::Borrowed(field) };
        return Some((field, rest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_split() {
        for (record, separator, expected) in [
            ("a,b,c", ',', vec!["a", "b", "c"]),
            ("", ',', vec![""]),
            ("a,,", ',', vec!["a", "", ""]),
            (r#""a,b","c ""d""",e"#, ',', vec!["a,b", "c \"d\"", "e"]),
            (r#""open,b"#, ',', vec!["\"open", "b"]),
            (r#"a "b" c,d"#, ',', vec!["a \"b\" c", "d"]),
            (r#""a"b,c"#, ',', vec!["\"a\"b", "c"]),
            ("a\tb c\t\"x\ty\"", '\t', vec!["a", "b c", "x\ty"]),
        ] {
            assert_eq!(fields(record, separator).collect::<Vec<_>>(), expected, "{record}");
        }
    }
}
