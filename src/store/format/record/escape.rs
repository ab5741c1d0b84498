//! Texts as JSON lines have them: with a backslash before what would end them.

use std::borrow::Cow;

/// A text as it stands in a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Escaped {
    pub(super) text: String,
    /// Whether line breaks or tabs are among what is escaped: words of the line are not those of the text then.
    pub(super) has_breaks: bool,
}

/// Writes a text with escapes; `None` when there is nothing to escape.
pub(super) fn escaped(text: &str) -> Option<Escaped> {
    let is_special = |byte: u8| matches!(byte, b'\\' | b'"' | b'\n' | b'\r' | b'\t');
    if !text.bytes().any(is_special) {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut has_breaks = false;
    for letter in text.chars() {
        let second = match letter {
            '\\' | '"' => letter,
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            _ => {
                out.push(letter);
                continue;
            }
        };
        has_breaks |= second.is_ascii_alphabetic();
        out.extend(['\\', second]);
    }
    Some(Escaped { text: out, has_breaks })
}

/// Takes the escapes out again.
pub(in crate::store) fn unescaped(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        out.push(match letter {
            '\\' => match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other) => other,
                None => letter,
            },
            other => other,
        });
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn escapes_come_out_again(text in "[a-c\\\\\"\n\r\tđ]{0,12}") {
            match escaped(&text) {
                Some(escaped) => prop_assert_eq!(unescaped(&escaped.text), text),
                None => prop_assert_eq!(unescaped(&text), text.as_str()),
            }
        }

        #[test]
        fn anything_can_be_unescaped(text in ".{0,20}") {
            prop_assert!(unescaped(&text).len() <= text.len());
        }
    }
}
