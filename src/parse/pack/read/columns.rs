//! Values separated by a character, named by the columns of the pattern that captured them.

use std::borrow::Cow;

use crate::parse::pack::Packs;
use crate::parse::pack::pattern::Convert;
use crate::parse::pack::read::convert;
use crate::parse::pack::read::draft::Draft;
use crate::parse::pack::read::structured;
use crate::parse::pack::set::compiled::Leaf;
use crate::parse::pack::set::compiled::Pack;
use crate::parse::pack::tree::Scalar;

/// What the columns of one text are named by, and the character between them.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub(super) packs: &'a Packs,
    pub(super) pack: &'a Pack,
    pub(super) leaf: &'a Leaf,
    pub(super) separator: char,
}

impl<'a> Columns<'a> {
    /// Puts the separated values of a text where the pattern's columns say.
    pub(super) fn put(self, draft: &mut Draft<'a>, text: Cow<'a, str>) {
        match text {
            Cow::Borrowed(text) => self.put_each(draft, text, |value| value),
            // Text that was unescaped lives only here, so its values are copied.
            Cow::Owned(text) => self.put_each(draft, &text, |value| Cow::Owned(value.into_owned())),
        }
    }

    fn put_each<'t>(self, draft: &mut Draft<'a>, text: &'t str, keep: impl Fn(Cow<'t, str>) -> Cow<'a, str>) {
        let mut rest = Some(text);
        for column in &self.leaf.columns {
            let Some(here) = rest else { return };
            let (value, after) = first_value(here, self.separator);
            rest = after;
            let Some(target) = column else { continue };
            match &target.convert {
                Convert::Pairs | Convert::Labels | Convert::Tags | Convert::Json => {
                    structured::nested(draft, self.packs, self.pack, target, keep(value), 0);
                }
                _ => convert::put_text(draft, self.pack, target, keep(value), Scalar::None),
            }
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
