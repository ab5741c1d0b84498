//! The tokens of JSON (RFC 8259), read from a position in a text.
//!
//! One leniency: control characters inside strings are taken as they are, since devices send them.

use std::borrow::Cow;

use crate::model::Value;

/// A position in a JSON text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0 }
    }

    /// Returns what was not read yet.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let eaten = self.peek() == Some(byte);
        self.at += usize::from(eaten);
        eaten
    }

    pub(super) fn need(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    pub(super) fn spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Reads a string, borrowing it when it has no escapes.
    pub(super) fn string(&mut self) -> Option<Cow<'a, str>> {
        self.need(b'"')?;
        let start = self.at;
        self.at = start + plain_length(self.text.as_bytes().get(start..)?)?;
        let plain = self.text.get(start..self.at)?;
        if self.eat(b'"') {
            return Some(Cow::Borrowed(plain));
        }
        let mut unescaped = String::from(plain);
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(Cow::Owned(unescaped));
                }
                b'\\' => {
                    self.at += 1;
                    unescaped.push(self.escape()?);
                }
                _ => {
                    let start = self.at;
                    self.at += memchr::memchr2(b'"', b'\\', self.text.as_bytes().get(start..)?)?;
                    unescaped.push_str(self.text.get(start..self.at)?);
                }
            }
        }
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return None,
        })
    }

    /// Reads four hexadecimal digits, and another four after a high surrogate.
    fn unicode(&mut self) -> Option<char> {
        let first = self.four_hex()?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first);
        }
        self.need(b'\\')?;
        self.need(b'u')?;
        let second = self.four_hex().filter(|second| (0xDC00..0xE000).contains(second))?;
        char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    }

    fn four_hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    /// Reads a string, number, `true`, `false` or `null`.
    pub(super) fn scalar(&mut self) -> Option<Value<'a>> {
        match self.peek()? {
            b'"' => self.string().map(Value::Text),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Option<Value<'a>> {
        self.rest().starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    fn number(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        self.eat(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits();
        if digits == 0 || (leading_zero && digits > 1) {
            return None;
        }
        let mut whole = true;
        if self.eat(b'.') {
            whole = false;
            if self.digits() == 0 {
                return None;
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            if self.digits() == 0 {
                return None;
            }
        }
        let text = self.text.get(start..self.at)?;
        match text.parse::<i64>() {
            Ok(number) if whole => Some(Value::Int(number)),
            _ => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float),
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }
}

/// Returns how far it is to the first quotation mark or backslash.
///
/// Most strings are short: eight bytes at a time beat preparing a search, up to some dozens of them.
fn plain_length(bytes: &[u8]) -> Option<usize> {
    const STEPS: usize = 4;
    let (words, _) = bytes.as_chunks::<8>();
    for (step, word) in words.iter().take(STEPS).enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = has_byte(word, b'"') | has_byte(word, b'\\');
        if found != 0 {
            return Some(step * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let from = words.len().min(STEPS) * 8;
    Some(from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?)
}

/// Sets the highest bit of the first byte that is the wanted one; of bytes after it maybe wrongly.
fn has_byte(word: u64, wanted: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let differing = word ^ (ONES * u64::from(wanted));
    differing.wrapping_sub(ONES) & !differing & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_end_of_a_string_is_found_where_it_is(text in "[a-c\"\\\\!#\\]\\[é\u{80}]{0,80}") {
            let expected = text.bytes().position(|byte| matches!(byte, b'"' | b'\\'));
            proptest::prop_assert_eq!(plain_length(text.as_bytes()), expected);
        }
    }
}
