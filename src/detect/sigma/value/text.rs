//! A Sigma string: literal text with wildcards, and how letter case is set aside.

use std::fmt;

/// One part of a Sigma string.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    Literal(String),
    /// `*`: any characters, or none.
    Any,
    /// `?`: exactly one character.
    One,
}

/// A string with wildcards; neighbouring literals are always joined, neighbouring `*` never repeat.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Pattern(Vec<Part>);

/// The shapes that have an index of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape<'p> {
    Exact(&'p str),
    Prefix(&'p str),
    Suffix(&'p str),
    Contains(&'p str),
    /// Anything else.
    Glob,
}

impl Pattern {
    /// Reads a value as Sigma writes it: `\*`, `\?` and `\\` are literal; another backslash is a backslash.
    pub fn parse(text: &str) -> Pattern {
        let mut pattern = Pattern::default();
        let mut literal = String::with_capacity(text.len());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' => literal.push(chars.next_if(|next| matches!(next, '*' | '?' | '\\')).unwrap_or('\\')),
                '*' | '?' => {
                    pattern.push(Part::Literal(std::mem::take(&mut literal)));
                    pattern.push(if c == '*' { Part::Any } else { Part::One });
                }
                other => literal.push(other),
            }
        }
        pattern.push(Part::Literal(literal));
        pattern
    }

    /// Takes a text as it stands, wildcards not interpreted.
    pub fn literal(text: impl Into<String>) -> Pattern {
        let mut pattern = Pattern::default();
        pattern.push(Part::Literal(text.into()));
        pattern
    }

    /// Adds a part at the end.
    pub fn push(&mut self, part: Part) {
        match (self.0.last_mut(), part) {
            (_, Part::Literal(text)) if text.is_empty() => {}
            (Some(Part::Literal(last)), Part::Literal(text)) => last.push_str(&text),
            (Some(Part::Any), Part::Any) => {}
            (_, part) => self.0.push(part),
        }
    }

    /// Puts `*` before the pattern.
    pub fn open_start(&mut self) {
        if self.0.first() != Some(&Part::Any) {
            self.0.insert(0, Part::Any);
        }
    }

    /// Puts `*` after the pattern.
    pub fn open_end(&mut self) {
        self.push(Part::Any);
    }

    /// Returns the parts in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Returns the text of a pattern without wildcards.
    pub fn as_literal(&self) -> Option<&str> {
        match self.shape() {
            Shape::Exact(text) => Some(text),
            _ => None,
        }
    }

    /// Applies a change to every literal part.
    #[must_use]
    pub fn map_literals(&self, change: impl Fn(&str) -> String) -> Pattern {
        let mut mapped = Pattern::default();
        for part in &self.0 {
            mapped.push(match part {
                Part::Literal(text) => Part::Literal(change(text)),
                other => other.clone(),
            });
        }
        mapped
    }

    /// Returns the pattern with letter case set aside.
    #[must_use]
    pub fn folded(&self) -> Pattern {
        self.map_literals(folded)
    }

    /// Returns which index the pattern belongs in.
    pub fn shape(&self) -> Shape<'_> {
        match self.0.as_slice() {
            [] => Shape::Exact(""),
            [Part::Literal(text)] => Shape::Exact(text),
            [Part::Literal(text), Part::Any] => Shape::Prefix(text),
            [Part::Any, Part::Literal(text)] => Shape::Suffix(text),
            [Part::Any, Part::Literal(text), Part::Any] => Shape::Contains(text),
            _ => Shape::Glob,
        }
    }

    /// Returns the longest literal, which every matching text contains.
    pub fn longest_literal(&self) -> Option<&str> {
        let literals = self.0.iter().filter_map(|part| match part {
            Part::Literal(text) => Some(text.as_str()),
            _ => None,
        });
        literals.max_by_key(|text| text.len())
    }

    /// Says whether the whole of `text` matches; letter case counts.
    pub fn matches(&self, text: &str) -> bool {
        match self.shape() {
            Shape::Exact(want) => text == want,
            Shape::Prefix(want) => text.starts_with(want),
            Shape::Suffix(want) => text.ends_with(want),
            Shape::Contains(want) => contains(text.as_bytes(), want.as_bytes()),
            Shape::Glob => glob(&self.0, text),
        }
    }
}

/// Texts up to this length are searched for one byte of the pattern: preparing a faster search costs more than it saves.
const SIMPLE_BYTES_MAX: usize = 512;

/// Says whether `part` stands anywhere in `text`.
fn contains(text: &[u8], part: &[u8]) -> bool {
    if text.len() > SIMPLE_BYTES_MAX {
        return memchr::memmem::find(text, part).is_some();
    }
    let Some(last) = text.len().checked_sub(part.len()) else { return false };
    let rarest = part.iter().enumerate().min_by_key(|(_, byte)| COMMONNESS[usize::from(**byte)]);
    let Some((offset, byte)) = rarest else { return true };
    let places = text.get(offset..=last + offset).unwrap_or_default();
    memchr::memchr_iter(*byte, places).any(|at| text.get(at..at + part.len()) == Some(part))
}

/// How common a byte is in logs; those not named least.
const COMMONNESS: [u8; 256] = {
    let common = b"vwgbu0123456789mpfdhlcr:nsota.-i\\/ e";
    let mut table = [0; 256];
    let mut at = 0;
    while at < common.len() {
        table[common[at] as usize] = at as u8 + 1;
        at += 1;
    }
    table
};

/// Matches with one point of return: on a mismatch only the last `*` takes more, which is enough and takes at most
/// the product of both lengths.
fn glob(parts: &[Part], text: &str) -> bool {
    let (mut part, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let rest = &text[at..];
        let step = match parts.get(part) {
            None if rest.is_empty() => return true,
            None => None,
            Some(Part::Any) if part + 1 == parts.len() => return true,
            Some(Part::Any) => {
                retry = Some((part, at));
                part += 1;
                continue;
            }
            Some(Part::One) => rest.chars().next().map(char::len_utf8),
            Some(Part::Literal(want)) => rest.starts_with(want.as_str()).then_some(want.len()),
        };
        match (step, retry) {
            (Some(length), _) => {
                part += 1;
                at += length;
            }
            (None, Some((any, from))) => {
                let Some(skipped) = text[from..].chars().next() else { return false };
                retry = Some((any, from + skipped.len_utf8()));
                part = any + 1;
                at = from + skipped.len_utf8();
            }
            (None, None) => return false,
        }
    }
}

/// Writes the pattern as Sigma would.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Literal(text) => f.write_str(text)?,
                Part::Any => f.write_str("*")?,
                Part::One => f.write_str("?")?,
            }
        }
        Ok(())
    }
}

/// Appends a text with letter case set aside: every character in its lower-case form, as Sigma's default comparison wants.
pub fn fold_into(text: &str, out: &mut String) {
    // Names of products bring a single sign beyond ASCII: what stands around it goes as fast as without.
    let mut rest = text;
    loop {
        let plain = ascii_length(rest.as_bytes());
        let (ascii, other) = rest.split_at(plain);
        let start = out.len();
        out.push_str(ascii);
        if let Some(added) = out.get_mut(start..) {
            added.make_ascii_lowercase();
        }
        let mut chars = other.chars();
        let Some(first) = chars.next() else { return };
        out.extend(fold_char(first));
        rest = chars.as_str();
    }
}

/// Returns how many bytes come before the first one beyond ASCII; blocks at a time, which processors do at once.
fn ascii_length(bytes: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let blocks = bytes.chunks(BLOCK).take_while(|block| block.is_ascii()).count() * BLOCK;
    let rest = bytes.get(blocks..).unwrap_or_default();
    bytes.len().min(blocks + rest.iter().take_while(|byte| byte.is_ascii()).count())
}

/// Returns the form in which a character is compared when letter case does not count.
///
/// The long s has no lower-case form of its own, yet regular expressions without case hold it to be an s, and so do we.
pub fn fold_char(c: char) -> impl Iterator<Item = char> {
    let c = if c == '\u{17f}' { 's' } else { c };
    c.to_lowercase()
}

/// Returns a text with letter case set aside.
pub fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_escapes() {
        for (pattern, must, must_not) in [
            ("abc", &["abc"][..], &["abcd", "xabc", "ABC", ""][..]),
            ("", &[""], &["a"]),
            ("*", &["", "anything"], &[]),
            ("a*", &["a", "abc"], &["ba"]),
            ("*c", &["c", "abc"], &["cb"]),
            ("*b*", &["b", "abc"], &["ac"]),
            ("a*c*e", &["ace", "abcde", "accee"], &["acd", "bace"]),
            ("a?c", &["abc", "aốc"], &["ac", "abbc"]),
            ("?", &["x", "đ"], &["", "xy"]),
            (r"C:\Windows\*", &[r"C:\Windows*"], &[r"C:\Windows\x"]),
            (r"C:\Windows\\*", &[r"C:\Windows\x", r"C:\Windows\"], &[r"C:\Windows"]),
            (r"a\?", &["a?"], &["ab"]),
            (r"\\server", &[r"\server"], &[r"\\server"]),
            (r"\\\\server", &[r"\\server"], &[r"\server"]),
            (r"a\b\", &[r"a\b\"], &["ab"]),
            ("*a*b", &["ab", "aab", "abab"], &["aba"]),
        ] {
            let read = Pattern::parse(pattern);
            must.iter().for_each(|text| assert!(read.matches(text), "`{pattern}` must match `{text}`"));
            must_not.iter().for_each(|text| assert!(!read.matches(text), "`{pattern}` must not match `{text}`"));
        }
    }

    #[test]
    fn case_is_set_aside_beyond_ascii() {
        assert_eq!(folded("Nguyễn ĐÌNH"), "nguyễn đình");
        assert_eq!(Pattern::parse("*Tài XỈU*").folded().shape(), Shape::Contains("tài xỉu"));
    }

    #[test]
    fn parts_are_found_at_every_place() {
        for text in ["", "a", "abc", "aabab", "c:\\a\\b.exe -x"] {
            for from in 0..=text.len() {
                for to in from..=text.len() {
                    assert!(contains(text.as_bytes(), &text.as_bytes()[from..to]), "{text} {from} {to}");
                }
            }
            for part in ["b\\a", "zz", "c:\\a\\b.exe -xy", "bb"] {
                assert!(!contains(text.as_bytes(), part.as_bytes()), "{text} {part}");
            }
        }
        assert!(contains(&[b"x".repeat(600).as_slice(), b"end"].concat(), b"xend"));
    }

    #[test]
    fn shapes_are_recognised() {
        let mut pattern = Pattern::parse("abc");
        assert_eq!(pattern.shape(), Shape::Exact("abc"));
        pattern.open_end();
        assert_eq!(pattern.shape(), Shape::Prefix("abc"));
        pattern.open_start();
        pattern.open_start();
        assert_eq!(pattern.shape(), Shape::Contains("abc"));
        assert_eq!(Pattern::parse("a?b").shape(), Shape::Glob);
        assert_eq!(Pattern::parse("a?bcd*e").longest_literal(), Some("bcd"));
    }
}
