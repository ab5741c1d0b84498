//! Structured formats: JSON, pairs, tables, CEF, LEEF, access logs, Windows event XML, container logs.
//!
//! Every grammar is a `read(body, out)` that calls `out` with a dotted key path and a value. It refuses from the first
//! bytes what is not of its kind, and hands nothing out before it is sure. Text borrows from the body where it stands
//! there unchanged.

pub mod cef;
pub mod clf;
pub mod container;
pub mod json;
pub mod leef;
mod pairs;
mod table;
pub mod xml;

pub use pairs::kv;
pub use pairs::labels;
pub use pairs::logfmt;
pub use pairs::tagged;
pub use table::csv;
pub use table::w3c;

use std::borrow::Cow;

use crate::model::Value;

/// What a grammar answers to a text that is not of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is not of this kind")]
pub struct NotThis;

/// Takes the fields a grammar reads: the dotted key path and the value.
pub type Out<'o, 'a> = dyn FnMut(Cow<'a, str>, Value<'a>) + 'o;

/// A grammar stops handing out fields after this many of one line.
pub const FIELDS_MAX: usize = 1024;

/// What a grammar reads before it is sure, in order.
type Fields<'a> = smallvec::SmallVec<[(Cow<'a, str>, Value<'a>); 24]>;

fn hand_out<'a>(fields: Fields<'a>, out: &mut Out<'_, 'a>) {
    for (key, value) in fields {
        out(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Grammar = for<'a> fn(&'a str, &mut Out<'_, 'a>) -> Result<(), NotThis>;

    const GRAMMARS: [(&str, Grammar); 10] = [
        ("json", |body, out| json::read(body, out)),
        ("kv", |body, out| kv::read(body, out)),
        ("logfmt", |body, out| logfmt::read(body, out)),
        ("cef", |body, out| cef::read(body, out)),
        ("leef", |body, out| leef::read(body, out)),
        ("clf", |body, out| clf::read(body, out)),
        ("xml", |body, out| xml::read(body, out)),
        ("w3c", |body, out| w3c::read(body, out)),
        ("cri", |body, out| container::cri(body, out)),
        ("docker", |body, out| container::docker(body, out)),
    ];

    fn count(grammar: Grammar, body: &str) -> (usize, bool) {
        let mut fields = 0;
        let result = grammar(body, &mut |_, _| fields += 1);
        (fields, result.is_ok())
    }

    #[test]
    fn free_text_is_of_no_kind() {
        for body in
            ["", " ", "Accepted password for an from 10.0.0.1 port 22 ssh2", "{", "[x]", "a = b", "CEF", "<Event"]
        {
            for (name, grammar) in GRAMMARS {
                assert_eq!(count(grammar, body), (0, false), "{name} took {body:?}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics_and_a_refusal_hands_nothing_out(
            start in "(\\{\"|CEF:0\\||LEEF:2.0\\||<Event>|a=|1.2.3.4 - - \\[|2026-03-14 |)",
            middle in "[a-z{}\\[\\]\"'\\\\=|:,.<>/& \t0-9^é\u{1}-]{0,60}",
        ) {
            let body = format!("{start}{middle}");
            for (name, grammar) in GRAMMARS {
                let (fields, ok) = count(grammar, &body);
                proptest::prop_assert!(ok || fields == 0, "{} handed out {} fields", name, fields);
            }
        }
    }
}
