//! Values separated by a character, named by the columns of the pattern that captured them.

use std::borrow::Cow;

use crate::parse::pack::read::convert;
use crate::parse::pack::read::draft::Draft;
use crate::parse::pack::set::compiled::Leaf;
use crate::parse::pack::set::compiled::Pack;
use crate::parse::pack::tree::Scalar;

/// Names the columns of separated values as the pattern says.
pub(super) fn put<'a>(draft: &mut Draft<'a>, pack: &'a Pack, leaf: &'a Leaf, text: Cow<'a, str>, separator: char) {
    match text {
        Cow::Borrowed(text) => put_each(draft, pack, leaf, text, separator, |value| value),
        // Text that was unescaped lives only here, so its values are copied.
        Cow::Owned(text) => put_each(draft, pack, leaf, &text, separator, |value| Cow::Owned(value.into_owned())),
    }
}

fn put_each<'a, 't>(
    draft: &mut Draft<'a>,
    pack: &'a Pack,
    leaf: &'a Leaf,
    text: &'t str,
    separator: char,
    keep: impl Fn(Cow<'t, str>) -> Cow<'a, str>,
) {
    let mut rest = Some(text);
    for column in &leaf.columns {
        let Some(here) = rest else { return };
        let (value, after) = first_value(here, separator);
        rest = after;
        if let Some(target) = column {
            convert::put_text(draft, pack, target, keep(value), Scalar::None);
        }
    }
}

/// Takes the first of separated values, quoted as RFC 4180 says unless tabs separate them; `None` after the last.
fn first_value(text: &str, separator: char) -> (Cow<'_, str>, Option<&str>) {
    let Some(inner) = text.strip_prefix('"').filter(|_| separator != '\t') else {
        return match text.split_once(separator) {
            Some((value, rest)) => (Cow::Borrowed(value.trim_ascii()), Some(rest)),
            None => (Cow::Borrowed(text.trim_ascii()), None),
        };
    };
    let mut at = 0;
    let mut has_doubled = false;
    let end = loop {
        let Some(found) = inner.get(at..).and_then(|rest| rest.find('"')) else { break inner.len() };
        at += found;
        if inner.as_bytes().get(at + 1) != Some(&b'"') {
            break at;
        }
        has_doubled = true;
        at += 2;
    };
    let value = inner.get(..end).unwrap_or_default();
    let value = if has_doubled { Cow::Owned(value.replace("\"\"", "\"")) } else { Cow::Borrowed(value) };
    let rest = inner.get(end + 1..).and_then(|rest| rest.split_once(separator).map(|(_, after)| after));
    (value, rest)
}
