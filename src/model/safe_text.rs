//! Foreign text made harmless: the only form in which anything from a log line may reach a terminal, title, clipboard or CSV.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;
use std::ops::Range;

use unicode_width::UnicodeWidthChar as _;

/// Marks that one letter may bear; Vietnamese needs two, and hundreds would climb over the rows above.
const MARKS_MAX: usize = 4;

/// Text in which every control, bidirectional and zero-width character has become a visible sign, and every mark that has no
/// letter to sit on or would be the fifth on one.
///
/// Line breaks and tabs are controls too: a `SafeText` is always one line. Most text is safe already and stays borrowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SafeText<'a> {
    text: Cow<'a, str>,
    /// Where the safe text and the original part: (original offset, safe offset) after each replaced character; empty when borrowed.
    shifts: Vec<(usize, usize)>,
}

impl<'a> SafeText<'a> {
    /// Makes text safe; does not allocate when it already is.
    pub fn new(text: &'a str) -> SafeText<'a> {
        if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return SafeText { text: Cow::Borrowed(text), shifts: Vec::new() };
        }
        let mut signs = Signs::default();
        let Some(first) = text.find(|c| signs.of(c).is_some()) else {
            return SafeText { text: Cow::Borrowed(text), shifts: Vec::new() };
        };
        // The first one is looked at again below, with as many marks before it.
        let mut signs = Signs::default();
        for c in text[..first].chars() {
            signs.is_harmless(c);
        }
        let mut safe = String::with_capacity(text.len() + 16);
        safe.push_str(&text[..first]);
        let mut shifts = Vec::new();
        for (offset, c) in text[first..].char_indices() {
            match signs.of(c) {
                None => safe.push(c),
                Some(sign) => {
                    sign.write_to(&mut safe);
                    shifts.push((first + offset + c.len_utf8(), safe.len()));
                }
            }
        }
        SafeText { text: Cow::Owned(safe), shifts }
    }

    /// Returns the safe text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Takes the safe text out.
    pub fn into_string(self) -> String {
        self.text.into_owned()
    }

    /// Maps a byte offset of the original text to the same place in the safe text.
    ///
    /// An offset inside a replaced character maps to a character boundary of its sign; one past the end maps to the end.
    pub fn offset(&self, original: usize) -> usize {
        let after = self.shifts.partition_point(|(from, _)| *from <= original);
        let mapped = match after.checked_sub(1).map(|index| self.shifts[index]) {
            None => original,
            Some((from, to)) => to + (original - from),
        };
        let mapped = match self.shifts.get(after) {
            // Between here and the next replaced character nothing is longer than in the original.
            Some((_, next_end)) => mapped.min(*next_end),
            None => mapped,
        };
        let mut mapped = mapped.min(self.text.len());
        while !self.text.is_char_boundary(mapped) {
            mapped += 1;
        }
        mapped
    }

    /// Maps a byte range of the original text.
    pub fn range(&self, original: Range<usize>) -> Range<usize> {
        let start = self.offset(original.start);
        start..self.offset(original.end).max(start)
    }
}

impl fmt::Display for SafeText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Looks at the characters of a text one after the other: what is harmless depends on what stands before.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    /// Marks that the last letter may still bear.
    marks_left: usize,
}

impl Signs {
    /// Says whether the next character may reach a terminal as it is.
    pub(crate) fn is_harmless(&mut self, c: char) -> bool {
        self.of(c).is_none()
    }

    /// Returns the sign for the next character, or `None` when it is harmless.
    fn of(&mut self, c: char) -> Option<Sign> {
        let sign = sign_of(c);
        // Below U+0300 nothing sits on another letter.
        if sign.is_some() || u32::from(c) < 0x300 || c.width() != Some(0) {
            self.marks_left = MARKS_MAX;
            return sign;
        }
        let left = self.marks_left.checked_sub(1);
        self.marks_left = left.unwrap_or(0);
        left.is_none().then(|| Sign::Code(u32::from(c)))
    }
}

/// How an unsafe character is shown.
enum Sign {
    Picture(char),
    Named(&'static str),
    Code(u32),
}

impl Sign {
    fn write_to(&self, out: &mut String) {
        match self {
            Sign::Picture(picture) => out.push(*picture),
            Sign::Named(name) => {
                out.push('⟨');
                out.push_str(name);
                out.push('⟩');
            }
            Sign::Code(code) => {
                let written = write!(out, "⟨U+{code:04X}⟩");
                debug_assert!(written.is_ok(), "writing to a String cannot fail");
            }
        }
    }
}

/// Returns the sign for a character that may not reach a terminal, or `None` for a harmless one.
fn sign_of(c: char) -> Option<Sign> {
    let code = u32::from(c);
    Some(match code {
        // Unicode's own control pictures, U+2400 to U+241F and U+2421.
        0x00..=0x1f => Sign::Picture(char::from_u32(0x2400 + code)?),
        0x7f => Sign::Picture('\u{2421}'),
        // C1 controls: 8-bit CSI, OSC and friends.
        0x80..=0x9f => Sign::Code(code),
        0x00ad => Sign::Named("SHY"),
        0x034f => Sign::Named("CGJ"),
        0x061c => Sign::Named("ALM"),
        0x200b => Sign::Named("ZWSP"),
        0x200c => Sign::Named("ZWNJ"),
        0x200d => Sign::Named("ZWJ"),
        0x200e => Sign::Named("LRM"),
        0x200f => Sign::Named("RLM"),
        0x2028 => Sign::Named("LS"),
        0x2029 => Sign::Named("PS"),
        0x202a => Sign::Named("LRE"),
        0x202b => Sign::Named("RLE"),
        0x202c => Sign::Named("PDF"),
        0x202d => Sign::Named("LRO"),
        0x202e => Sign::Named("RLO"),
        0x2060 => Sign::Named("WJ"),
        0x2066 => Sign::Named("LRI"),
        0x2067 => Sign::Named("RLI"),
        0x2068 => Sign::Named("FSI"),
        0x2069 => Sign::Named("PDI"),
        0xfeff => Sign::Named("BOM"),
        // Other format characters and invisible operators, interlinear annotation, variation selectors, tags.
        0x115f
        | 0x1160
        | 0x17b4
        | 0x17b5
        | 0x180b..=0x180f
        | 0x2061..=0x2065
        | 0x206a..=0x206f
        | 0x3164
        | 0xfe00..=0xfe0f
        | 0xffa0
        | 0xfff0..=0xfffb
        | 0x13430..=0x1343f
        | 0x1bca0..=0x1bca3
        | 0x1d173..=0x1d17a
        | 0xe0000..=0xe0fff => Sign::Code(code),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_act_becomes_visible() {
        for (raw, safe) in [
            ("plain", "plain"),
            ("tiếng Việt", "tiếng Việt"),
            ("\x1b[2J\x07", "␛[2J␇"),
            ("a\r\nb\tc", "a␍␊b␉c"),
            ("gov\u{202e}nv.exe", "gov⟨RLO⟩nv.exe"),
            ("\u{9b}31m", "⟨U+009B⟩31m"),
            ("pass\u{200b}word", "pass⟨ZWSP⟩word"),
            ("\u{0}", "␀"),
            ("a\u{34f}b\u{17b4}", "a⟨CGJ⟩b⟨U+17B4⟩"),
            ("vie\u{323}\u{302}t", "vie\u{323}\u{302}t"),
            ("\u{301}e\u{301}", "⟨U+0301⟩e\u{301}"),
            ("e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}x", "e\u{301}\u{302}\u{303}\u{304}⟨U+0305⟩⟨U+0306⟩x"),
            ("\u{7}\u{301}", "␇\u{301}"),
        ] {
            assert_eq!(SafeText::new(raw).as_str(), safe);
        }
    }

    #[test]
    fn offsets_follow_the_text() {
        let raw = "ab\x1bcd\u{202e}ef";
        let safe = SafeText::new(raw);
        assert_eq!(safe.as_str(), "ab␛cd⟨RLO⟩ef");
        let cd = safe.range(3..5);
        assert_eq!(&safe.as_str()[cd], "cd");
        let ef = safe.range(8..10);
        assert_eq!(&safe.as_str()[ef], "ef");
        let escape = safe.range(2..3);
        assert_eq!(&safe.as_str()[escape], "␛");
        assert_eq!(safe.range(100..200), safe.as_str().len()..safe.as_str().len());
    }

    #[test]
    fn every_offset_maps_to_a_boundary() {
        let raw = "é\u{7f}€\u{2066}x\u{10ffff}\u{1}";
        let safe = SafeText::new(raw);
        for offset in 0..=raw.len() + 3 {
            assert!(safe.as_str().is_char_boundary(safe.offset(offset)), "offset {offset}");
        }
    }
}
