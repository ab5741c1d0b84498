//! A line of text being typed, robust against Vietnamese input methods.
//!
//! An input method that works by key sequences sends what was typed first, then backspaces, then the composed letter: `dd`
//! arrives as `d`, Backspace, `đ`; `tooi` as `t o`, Backspace, `ô i`. A field that takes every key in order and deletes
//! whole letters composes them rightly; one that sends combining marks is composed to NFC on arrival.

use unicode_normalization::UnicodeNormalization as _;
use unicode_width::UnicodeWidthStr as _;

use crate::console::keys::key::Key;

/// The longest line kept, in bytes; longer pastes are cut.
const BYTES_MAX: usize = 4096;

/// Text with a cursor in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Input {
    text: String,
    /// Byte offset, always on a character boundary.
    cursor: usize,
}

impl Input {
    /// Starts with a text, the cursor behind it.
    pub(crate) fn with(text: &str) -> Input {
        let mut input = Input::default();
        input.insert(text);
        input
    }

    /// Returns the text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the text before the cursor.
    pub(crate) fn before_cursor(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    /// Puts a text in place of what stands between `start` and the cursor, the cursor behind it.
    pub(crate) fn replace_before(&mut self, start: usize, text: &str) {
        if self.before_cursor().is_char_boundary(start) && start <= self.cursor {
            self.text.replace_range(start..self.cursor, "");
            self.cursor = start;
            self.insert(text);
        }
    }

    /// Returns the terminal columns before the cursor.
    pub(crate) fn cursor_column(&self) -> usize {
        self.text.get(..self.cursor).map_or(0, |before| before.width())
    }

    /// Applies a key; `false` when it means nothing to a line of text.
    pub(crate) fn press(&mut self, key: Key) -> bool {
        match key {
            Key::Char(c) => {
                let mut bytes = [0; 4];
                self.insert(c.encode_utf8(&mut bytes));
            }
            Key::Backspace => {
                let before = self.previous();
                self.text.replace_range(before..self.cursor, "");
                self.cursor = before;
            }
            Key::Delete => {
                let after = self.next();
                self.text.replace_range(self.cursor..after, "");
            }
            Key::Left => self.cursor = self.previous(),
            Key::Right => self.cursor = self.next(),
            Key::Home | Key::Ctrl('a') => self.cursor = 0,
            Key::End | Key::Ctrl('e') => self.cursor = self.text.len(),
            Key::Ctrl('u') => {
                self.text.replace_range(..self.cursor, "");
                self.cursor = 0;
            }
            Key::Ctrl('w') => {
                let kept = self.text[..self.cursor].trim_end();
                let start = kept.rfind(char::is_whitespace).map_or(0, |space| space + 1);
                self.text.replace_range(start..self.cursor, "");
                self.cursor = start;
            }
            _ => return false,
        }
        true
    }

    /// Inserts text at the cursor: line ends become spaces, other controls are left out, marks are composed.
    pub(crate) fn insert(&mut self, text: &str) {
        let room = BYTES_MAX.saturating_sub(self.text.len());
        let mut before: String = self.text[..self.cursor].to_owned();
        let after = self.text.split_off(self.cursor);
        let mut taken = 0;
        // Terminals paste a line end as a carriage return.
        let text = text.replace("\r\n", "\n");
        for c in text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }) {
            taken += c.len_utf8();
            if taken > room {
                break;
            }
            if !c.is_control() {
                before.push(c);
            }
        }
        self.text = before.nfc().collect();
        self.cursor = self.text.len();
        self.text.push_str(&after);
    }

    fn previous(&self) -> usize {
        self.text[..self.cursor].char_indices().next_back().map_or(0, |(offset, _)| offset)
    }

    fn next(&self) -> usize {
        self.text[self.cursor..].chars().next().map_or(self.cursor, |c| self.cursor + c.len_utf8())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &str) -> Input {
        let mut input = Input::default();
        for c in keys.chars() {
            input.press(match c {
                '<' => Key::Backspace,
                '{' => Key::Left,
                c => Key::Char(c),
            });
        }
        input
    }

    #[test]
    fn what_input_methods_send_becomes_the_word() {
        // Telex, VNI and Unikey rewrites, `<` being Backspace; then combining marks as some terminals send them.
        for (sent, word) in [
            ("d<đ", "đ"),
            ("to<ôi", "tôi"),
            ("truong<<<<ường", "trường"),
            ("d<đuo<<ươ<<ươ<ờng", "đường"),
            ("vie<ê<ệt", "việt"),
            ("viê\u{323}t", "việt"),
            ("a\u{306}\u{301}n", "ắn"),
            ("o\u{31b}\u{300}", "ờ"),
            ("dd<<đ", "đ"),
        ] {
            assert_eq!(typed(sent).text(), word, "{sent}");
        }
    }

    #[test]
    fn editing_keeps_whole_letters() {
        let mut input = typed("đội ửng{{{");
        assert_eq!(input.cursor_column(), 4);
        input.press(Key::Backspace);
        input.press(Key::Delete);
        assert_eq!(input.text(), "độing");
        input.press(Key::Ctrl('w'));
        assert_eq!(input.text(), "ng");
        assert!(!input.press(Key::Enter));
        for key in [Key::Backspace, Key::Left, Key::End, Key::Right, Key::Delete, Key::Home, Key::Ctrl('u')] {
            assert!(input.press(key));
        }
        assert_eq!(input.text(), "ng");
    }

    #[test]
    fn a_paste_is_one_line_and_bounded() {
        assert_eq!(Input::with("a\nb\u{1b}[2J\tc\0").text(), "a b[2J c");
        assert_eq!(Input::with("a\r\nb\rc").text(), "a b c");
        assert!(Input::with(&"ộ".repeat(10_000)).text().len() <= BYTES_MAX);
    }
}
