//! How text is broken into words, for the index and for matching alike.
//!
//! A word is a run of letters and digits, in NFC and lower case; everything else separates. A word with marks is given a
//! second time without them at the same position, so that text without accents finds text with them. An IP address
//! written in the text is given whole, in its canonical form, at the position of its first word. Phrases are runs of
//! words at successive positions, so `an.nguyen` is found in `an.nguyen@lucbinh.gov.vn`, and so is `gov.vn`.

use std::borrow::Cow;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use unicode_normalization::IsNormalized;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::is_nfc_quick;

/// A longer word is cut off here, when indexed and when asked for.
pub const WORD_BYTES_MAX: usize = 255;

/// The longest text of an IPv6 address, `0000:0000:0000:0000:0000:ffff:255.255.255.255`.
const ADDRESS_BYTES_MAX: usize = 45;

/// What [`Words::next_into`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word as written, in NFC and lower case.
    Word,
    /// The word before once more, without its marks.
    Folded,
    /// An IP address, canonical; the words it is made of follow.
    Address,
}

enum Queued {
    Nothing,
    /// The word at this place of the text, after the address that begins with it.
    Word {
        start: usize,
        end: usize,
    },
    Folded(String),
}

/// Goes through the words of a text.
pub struct Words<'t> {
    text: Cow<'t, str>,
    cursor: usize,
    position: u32,
    /// Up to here no address begins: the text was looked at.
    no_address_before: usize,
    queued: Queued,
}

impl<'t> Words<'t> {
    /// Starts at the beginning of a text.
    pub fn new(text: &'t str) -> Words<'t> {
        Words { text: to_nfc(text), cursor: 0, position: 0, no_address_before: 0, queued: Queued::Nothing }
    }

    /// Writes the next word over `word` and returns its position, or `None` at the end.
    pub fn next_into(&mut self, word: &mut String) -> Option<(u32, Kind)> {
        match std::mem::replace(&mut self.queued, Queued::Nothing) {
            Queued::Folded(folded) => {
                *word = folded;
                return Some((self.position - 1, Kind::Folded));
            }
            Queued::Word { start, end } => return Some(self.emit_word(start, end, word)),
            Queued::Nothing => {}
        }
        let (start, end) = next_word(&self.text, self.cursor)?;
        self.cursor = end;
        if start >= self.no_address_before
            && let Some(address) = self.address_at(start)
        {
            word.clear();
            push_display(word, &address);
            self.queued = Queued::Word { start, end };
            return Some((self.position, Kind::Address));
        }
        Some(self.emit_word(start, end, word))
    }

    fn emit_word(&mut self, start: usize, end: usize, word: &mut String) -> (u32, Kind) {
        let written = self.text.get(start..end).unwrap_or_default();
        word.clear();
        if written.is_ascii() {
            word.push_str(cut(written));
            word.make_ascii_lowercase();
        } else {
            // Lower-casing `İ` leaves a mark behind that would split the word when it is read again.
            word.extend(written.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).nfc());
            let kept = cut(word).len();
            word.truncate(kept);
            if let Some(folded) = fold(word) {
                self.queued = Queued::Folded(folded);
            }
        }
        self.position += 1;
        (self.position - 1, Kind::Word)
    }

    /// Reads an address that begins with the word at `start`, and notes how far the text has been looked at.
    fn address_at(&mut self, start: usize) -> Option<IpAddr> {
        let bytes = self.text.as_bytes();
        if !bytes.get(start)?.is_ascii_hexdigit() {
            return None;
        }
        let in_address = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
        let length = bytes.get(start..)?.iter().take_while(|byte| in_address(byte)).count();
        self.no_address_before = start + length;
        // `::1`: the colons before the first digit belong to the address.
        let begin = if start >= 2 && bytes.get(start - 2..start) == Some(b"::") { start - 2 } else { start };
        let end = start + length;
        let after = self.text.get(end..)?.chars().next();
        if after.is_some_and(char::is_alphanumeric) {
            return None;
        }
        let run = self.text.get(begin..end)?.trim_end_matches(['.', ':']);
        // A trailing `::` is part of an address: `2001:db8::`.
        let with_colons = self.text.get(begin..end)?.trim_end_matches('.');
        parse_run(with_colons).or_else(|| parse_run(run))
    }
}

/// Finds the first address of a run of hexadecimal digits, dots and colons; a port after it or a word before it may
/// stand in the same run.
fn parse_run(run: &str) -> Option<IpAddr> {
    let colons = run.bytes().filter(|byte| *byte == b':').count();
    let dots = run.bytes().filter(|byte| *byte == b'.').count();
    if run.len() > 2 * ADDRESS_BYTES_MAX || (dots < 3 && colons < 2) {
        return None;
    }
    match colons {
        0 => run.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        1 => {
            let (left, right) = run.split_once(':')?;
            left.parse::<Ipv4Addr>().or_else(|_| right.parse()).ok().map(IpAddr::V4)
        }
        _ => run.parse::<Ipv6Addr>().ok().map(|address| IpAddr::V6(address).to_canonical()),
    }
}

/// Finds the next run of letters and digits at or after `from`.
fn next_word(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut start = from;
    loop {
        let byte = *bytes.get(start)?;
        if byte.is_ascii_alphanumeric() {
            break;
        }
        if byte.is_ascii() {
            start += 1;
            continue;
        }
        let letter = text.get(start..)?.chars().next()?;
        if letter.is_alphanumeric() {
            break;
        }
        start += letter.len_utf8();
    }
    let mut end = start;
    while let Some(byte) = bytes.get(end) {
        if byte.is_ascii_alphanumeric() {
            end += 1;
        } else if byte.is_ascii() {
            break;
        } else {
            match text.get(end..).and_then(|rest| rest.chars().next()) {
                Some(letter) if letter.is_alphanumeric() => end += letter.len_utf8(),
                _ => break,
            }
        }
    }
    Some((start, end))
}

fn cut(word: &str) -> &str {
    let mut end = word.len().min(WORD_BYTES_MAX);
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    word.get(..end).unwrap_or_default()
}

/// Returns a text in NFC, borrowed when it is so already: combining marks would split words otherwise.
pub fn to_nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Returns lower-case text without tone and vowel marks and with `d` for `đ`; `None` when it has none.
pub fn fold(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let folded: String =
        text.nfd().filter(|letter| !is_combining_mark(*letter)).map(|c| if c == 'đ' { 'd' } else { c }).collect();
    (folded != text).then_some(folded)
}

/// Reads a text that is an IP address and nothing else, in its canonical form.
pub fn whole_address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn push_display(out: &mut String, address: &IpAddr) {
    use std::fmt::Write as _;
    let written = write!(out, "{address}");
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(text: &str) -> Vec<String> {
        let mut words = Words::new(text);
        let mut word = String::new();
        let mut all = Vec::new();
        while let Some((position, kind)) = words.next_into(&mut word) {
            let mark = match kind {
                Kind::Word => "",
                Kind::Folded => "~",
                Kind::Address => "@",
            };
            all.push(format!("{position}{mark}{word}"));
        }
        all
    }

    #[test]
    fn text_breaks_into_lower_case_words() {
        let table: [(&str, &[&str]); 9] = [
            ("Failed password", &["0failed", "1password"]),
            ("an.nguyen@gov.vn", &["0an", "1nguyen", "2gov", "3vn"]),
            ("", &[]),
            (" -- ", &[]),
            ("Hòa Đạt", &["0hòa", "0~hoa", "1đạt", "1~dat"]),
            ("ho\u{300}a", &["0hòa", "0~hoa"]),
            ("a 10.0.0.1:443", &["0a", "1@10.0.0.1", "110", "20", "30", "41", "5443"]),
            ("12:34:56", &["012", "134", "256"]),
            ("1.2.3.4x 1.2.3.400", &["01", "12", "23", "34x", "41", "52", "63", "7400"]),
        ];
        for (text, expected) in table {
            assert_eq!(words_of(text), expected, "{text}");
        }
    }

    #[test]
    fn addresses_are_seen_in_their_surroundings() {
        let table = [
            ("src=2001:DB8:0:0::1,", Some("2001:db8::1")),
            ("from ::1 port", Some("::1")),
            ("[fe80::1]:22", Some("fe80::1")),
            ("net 2001:db8::/32", Some("2001:db8::")),
            ("::ffff:10.1.2.3 x", Some("10.1.2.3")),
            ("dead:10.1.2.3", Some("10.1.2.3")),
            ("end 10.1.2.3.", Some("10.1.2.3")),
            ("00:1a:2b:3c:4d:5e", None),
            ("1.2.3.4.5", None),
            ("v1.2.3.4", None),
        ];
        for (text, expected) in table {
            let mut words = Words::new(text);
            let mut word = String::new();
            let mut found = None;
            while let Some((_, kind)) = words.next_into(&mut word) {
                if kind == Kind::Address {
                    found = Some(word.clone());
                }
            }
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn long_words_are_cut() {
        let long = "ă".repeat(300);
        let mut words = Words::new(&long);
        let mut word = String::new();
        assert_eq!(words.next_into(&mut word), Some((0, Kind::Word)));
        assert_eq!(word.len(), 254);
        assert_eq!(words.next_into(&mut word), Some((0, Kind::Folded)));
        assert_eq!(words.next_into(&mut word), None);
    }
}
