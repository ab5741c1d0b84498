//! A place in a text from which numbers, names and separators of a time are read one after the other.

/// A place in a text. Every reading moves it forward by what was read, or leaves it where it was and says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The abbreviated English month names, January first, lower-case.
const MONTHS: [&[u8; 3]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
/// The abbreviated English week days, lower-case.
const WEEKDAYS: [&[u8; 3]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];

impl<'a> Cursor<'a> {
    /// Starts at the beginning of a text.
    pub(crate) fn new(text: &'a str) -> Cursor<'a> {
        Cursor { bytes: text.as_bytes(), at: 0 }
    }

    /// Returns how many bytes were read; always a character boundary, as only ASCII is ever read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Returns what was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Returns the next byte without reading it.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Returns the byte `ahead` of the next one.
    pub(crate) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// Reads one given byte.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let eaten = self.peek() == Some(byte);
        self.at += usize::from(eaten);
        eaten
    }

    /// Reads one given byte, for use with `?`.
    pub(crate) fn need(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    /// Moves forward over ASCII bytes already looked at.
    pub(crate) fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.bytes.len());
    }

    /// Reads any number of spaces and tabs, and says how many there were.
    pub(crate) fn spaces(&mut self) -> usize {
        let count = self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.at += count;
        count
    }

    /// Returns how many digits come next, looking at no more than 20.
    pub(crate) fn digits_ahead(&self) -> usize {
        self.rest().iter().take(20).take_while(|byte| byte.is_ascii_digit()).count()
    }

    /// Reads a number of at least `min` and at most `max` digits (9 at most); further digits are left unread.
    pub(crate) fn number(&mut self, min: usize, max: usize) -> Option<u32> {
        let count = self.digits_ahead().min(max).min(9);
        if count < min || count == 0 {
            return None;
        }
        let number = self.rest().iter().take(count).fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
        self.at += count;
        Some(number)
    }

    /// Reads a number of one or two digits, possibly after padding spaces, as in `Mar  4`.
    pub(crate) fn two(&mut self) -> Option<u8> {
        self.number(1, 2).and_then(|number| u8::try_from(number).ok())
    }

    /// Reads exactly two digits.
    pub(crate) fn exactly_two(&mut self) -> Option<u8> {
        self.number(2, 2).and_then(|number| u8::try_from(number).ok())
    }

    /// Reads exactly four digits that are not part of a longer number.
    pub(crate) fn year(&mut self) -> Option<i32> {
        if self.digits_ahead() != 4 {
            return None;
        }
        self.number(4, 4).and_then(|year| i32::try_from(year).ok())
    }

    /// Reads the digits of a fraction of a second as nanoseconds; digits beyond the ninth are read and dropped.
    pub(crate) fn nanos(&mut self) -> Option<u32> {
        let count = self.digits_ahead();
        let kept = count.min(9);
        let number = self.number(1, 9)?;
        self.at += count - kept;
        let scale = 10u32.pow(u32::try_from(9 - kept).unwrap_or(0));
        number.checked_mul(scale)
    }

    /// Reads an English month name, abbreviated or whole, and returns its number.
    pub(crate) fn month_name(&mut self) -> Option<u8> {
        let index = self.name_of(&MONTHS)?;
        u8::try_from(index + 1).ok()
    }

    /// Reads an English week day, abbreviated or whole.
    pub(crate) fn weekday(&mut self) -> Option<()> {
        self.name_of(&WEEKDAYS).map(|_| ())
    }

    /// Reads a word whose first three letters are one of `names` and returns which; the rest of the word is read too.
    fn name_of(&mut self, names: &[&[u8; 3]]) -> Option<usize> {
        let letters = self.letters_ahead();
        let word = self.rest().get(..letters)?;
        let start = [word.first()? | 32, word.get(1)? | 32, word.get(2)? | 32];
        let index = names.iter().position(|name| **name == start).filter(|_| letters <= 9)?;
        self.at += letters;
        Some(index)
    }

    /// Returns how many ASCII letters come next, looking at no more than 16.
    pub(crate) fn letters_ahead(&self) -> usize {
        self.rest().iter().take(16).take_while(|byte| byte.is_ascii_alphabetic()).count()
    }

    /// Tries a reading; when it fails the cursor stays where it was.
    pub(crate) fn attempt<T>(&mut self, read: impl FnOnce(&mut Cursor<'a>) -> Option<T>) -> Option<T> {
        let before = *self;
        let result = read(self);
        if result.is_none() {
            *self = before;
        }
        result
    }
}
