//! JSON that is harmless on a terminal: the same values, with whatever could act or hide written as `\u…`.

use std::io;
use std::io::Write;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::CompactFormatter;
use serde_json::ser::Formatter;

use crate::model::safe_text::Signs;

/// Writes a value as one line of JSON. JSON itself escapes only the controls below U+0020; C1 controls, directions and
/// what is not seen are escaped here too, so that whoever parses it gets every character and no terminal gets one that acts.
///
/// # Errors
/// When the value cannot be JSON, or not be written.
pub fn write_safe_json<T: Serialize + ?Sized>(out: &mut impl Write, value: &T) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, SafeFormatter);
    Ok(value.serialize(&mut serializer)?)
}

/// JSON without blanks, its strings escaped further.
struct SafeFormatter;

impl Formatter for SafeFormatter {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return CompactFormatter.write_string_fragment(out, fragment);
        }
        let mut rest = fragment;
        let mut signs = Signs::default();
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| !signs.is_harmless(*c)) {
            let (before, from) = rest.split_at(at);
            CompactFormatter.write_string_fragment(out, before)?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = from.split_at(c.len_utf8()).1;
        }
        CompactFormatter.write_string_fragment(out, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_the_same_and_the_text_harmless() {
        let value = serde_json::json!({
            "tiếng Việt": "đ\u{9b}31m\u{7f}", "a\u{202e}b": ["\u{e0041}x", "\n\"\\", "\u{ad}", "\u{301}e\u{301}\u{301}\u{301}\u{301}\u{301}"], "n": 1.5, "z": null
        });
        let mut out = Vec::new();
        write_safe_json(&mut out, &value).unwrap();
        let text = String::from_utf8(out).unwrap();
        let mut signs = Signs::default();
        assert!(text.chars().all(|c| signs.is_harmless(c)), "{text}");
        assert!(text.contains("tiếng Việt") && text.contains("đ\\u009b31m\\u007f") && text.contains("\\udb40\\udc41x"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
