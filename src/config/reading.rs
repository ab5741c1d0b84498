//! Reading one layer: every key that cannot be taken is told, none hides the next.

use serde::Deserialize as _;
use toml::de::DeTable;
use toml::de::DeValue;
use toml::de::Deserializer;

use crate::config::raw::Raw;

/// Whoever has more mistakes in a file learns of the rest when these are mended.
const MISTAKES_MAX: usize = 100;

/// A key, value or sign that cannot be taken.
#[derive(Debug)]
pub(super) struct Mistake {
    /// Where it stands, in bytes.
    pub(super) offset: usize,
    pub(super) message: String,
}

impl From<toml::de::Error> for Mistake {
    fn from(err: toml::de::Error) -> Mistake {
        Mistake { offset: err.span().map_or(0, |span| span.start), message: err.message().to_owned() }
    }
}

/// Reads a text. What could be taken of it is good to be checked further, beside the mistakes.
///
/// # Errors
/// When the text is no TOML: nothing in it can be relied on then.
pub(super) fn read(text: &str) -> Result<(Raw, Vec<Mistake>), Mistake> {
    let mut table = DeTable::parse(text)?;
    let mut mistakes: Vec<Mistake> = Vec::new();
    let mut taken = None;
    while taken.is_none() && mistakes.len() < MISTAKES_MAX {
        // serde stops at the first mistake: it is taken out, and the rest is read again.
        match Raw::deserialize(Deserializer::from(table.clone())) {
            Ok(raw) => taken = Some(raw),
            Err(err) => {
                let mistake = Mistake::from(err);
                let is_out = take_out(table.get_mut(), mistake.offset);
                mistakes.push(mistake);
                if !is_out {
                    break;
                }
            }
        }
    }
    mistakes.sort_by_key(|mistake| mistake.offset);
    Ok((taken.unwrap_or_default(), mistakes))
}

/// Removes the innermost entry that has its key or value at an offset; says whether there was one.
fn take_out(table: &mut DeTable<'_>, offset: usize) -> bool {
    if table.iter_mut().any(|(_, value)| take_out_below(value.get_mut(), offset)) {
        return true;
    }
    let is_there = |span: std::ops::Range<usize>| span.contains(&offset);
    let found = table.iter().find(|(key, value)| is_there(key.span()) || is_there(value.span()));
    match found.map(|(key, _)| key.clone()) {
        Some(key) => table.remove(&key).is_some(),
        None => false,
    }
}

fn take_out_below(value: &mut DeValue<'_>, offset: usize) -> bool {
    match value {
        DeValue::Table(table) => take_out(table, offset),
        DeValue::Array(items) => items.iter_mut().any(|item| take_out_below(item.get_mut(), offset)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<Mistake> {
        read(text).expect("it is TOML").1
    }

    #[test]
    fn no_mistake_hides_the_next() {
        let text = "data = 5\nzon = \"Z\"\n[input.sylog_tcp]\naddress = \"x\"\n\
                    [store]\nretention_days = \"a\"\nreserve_bytes = 7\n\
                    [[input.file]]\npth = \"a\"\n[[input.file]]\npath = 3\n";
        let (raw, mistakes) = read(text).expect("it is TOML");
        let places: Vec<&str> = mistakes.iter().map(|mistake| &text[mistake.offset..]).collect();
        let starts = ["5", "zon", "sylog_tcp", "\"a\"\nreserve_bytes", "pth", "3"];
        assert_eq!(places.len(), starts.len(), "{mistakes:#?}");
        for (place, start) in places.iter().zip(starts) {
            assert!(place.starts_with(start), "{place} instead of {start}");
        }
        assert_eq!(raw.store.reserve_bytes.map(toml::Spanned::into_inner), Some(7), "the rest is kept");
    }

    #[test]
    fn a_right_text_has_no_mistakes() {
        for text in ["", "zone = \"Z\"", "[[input.file]]\npath = \"/a\"\n", "input.relp.address = \"off\"\n"] {
            assert!(mistakes(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn more_mistakes_than_anybody_reads_are_no_trouble() {
        let text: String = (0..MISTAKES_MAX + 20).map(|number| format!("key{number} = 1\n")).collect();
        assert_eq!(mistakes(&text).len(), MISTAKES_MAX);
    }

    #[test]
    fn what_is_no_toml_is_one_mistake() {
        let mistake = read("zone = \"Z\"\ndata = \"x\n").expect_err("the quote is not closed");
        assert!(mistake.offset > 11, "{mistake:?}");
    }
}
