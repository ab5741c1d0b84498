//! A line as what stands between its tokens, and the tokens.
//!
//! Lines of one kind have the same *skeleton*: their delimiters, with [`TOKEN`] wherever a token stands. A word never
//! reaches beyond its token, because every delimiter separates words.

use std::ops::Range;

use unicode_normalization::IsNormalized;
use unicode_normalization::is_nfc_quick;

/// Stands in a skeleton for a token.
pub(super) const TOKEN: u8 = 0;

/// Says whether a byte separates tokens. What is left inside them: letters, digits, `.`, `-`, `_`, `+`, and all that is not ASCII.
pub(super) fn is_delimiter(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'-' | b'_' | b'+')
}

/// Breaks a line up; `false` for one that cannot be: it holds a zero byte, or marks that may join with a delimiter.
pub(super) fn split(line: &str, skeleton: &mut Vec<u8>, tokens: &mut Vec<Range<usize>>) -> bool {
    skeleton.clear();
    tokens.clear();
    let is_plain = line.is_ascii() || is_nfc_quick(line.chars()) == IsNormalized::Yes;
    if !is_plain || memchr::memchr(TOKEN, line.as_bytes()).is_some() {
        return false;
    }
    let mut start = None;
    for (at, byte) in line.bytes().enumerate() {
        match (is_delimiter(byte), start) {
            (true, begun) => {
                if let Some(begun) = begun {
                    tokens.push(begun..at);
                    skeleton.push(TOKEN);
                }
                start = None;
                skeleton.push(byte);
            }
            (false, None) => start = Some(at),
            (false, Some(_)) => {}
        }
    }
    if let Some(begun) = start {
        tokens.push(begun..line.len());
        skeleton.push(TOKEN);
    }
    true
}

/// Finds the piece of the skeleton that a range of the line is; `None` when it begins or ends within a token.
pub(super) fn place(skeleton: &[u8], tokens: &[Range<usize>], range: &Range<usize>) -> Option<Range<usize>> {
    let mut at = 0;
    let mut next = tokens.iter();
    let (mut start, mut end) = (None, None);
    for (index, byte) in skeleton.iter().enumerate() {
        if at == range.start {
            start.get_or_insert(index);
        }
        if at == range.end {
            end.get_or_insert(index);
        }
        at += if *byte == TOKEN { next.next()?.len() } else { 1 };
    }
    if at == range.end {
        end.get_or_insert(skeleton.len());
    }
    let place = start?..end?;
    (!place.is_empty()).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_its_skeleton_and_its_tokens() {
        let (mut skeleton, mut tokens) = (Vec::new(), Vec::new());
        let line = "a-1 [10.0.0.7] user=đạt";
        assert!(split(line, &mut skeleton, &mut tokens));
        assert_eq!(skeleton, b"\0 [\0] \0=\0");
        let texts: Vec<&str> = tokens.iter().map(|token| &line[token.clone()]).collect();
        assert_eq!(texts, ["a-1", "10.0.0.7", "user", "đạt"]);
        assert_eq!(place(&skeleton, &tokens, &(5..13)), Some(3..4));
        assert_eq!(place(&skeleton, &tokens, &(4..14)), Some(2..5));
        assert_eq!(place(&skeleton, &tokens, &(0..line.len())), Some(0..9));
        assert_eq!(place(&skeleton, &tokens, &(6..13)), None);
        assert!(!split("a\0b", &mut skeleton, &mut tokens));
        assert!(!split("a=\u{338}b", &mut skeleton, &mut tokens));
        assert!(split("", &mut skeleton, &mut tokens) && skeleton.is_empty());
    }
}
