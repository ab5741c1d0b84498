//! A text of many lines being typed, as robust against Vietnamese input methods as a line is, and with undo.
//!
//! What is typed without moving in between is one step of undo, so that the backspaces of an input method are none of
//! their own; a paste is one step whatever its length.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_width::UnicodeWidthChar as _;

use crate::console::keys::history::Edit;
use crate::console::keys::history::History;
use crate::console::keys::key::Key;
use crate::model::SafeText;

/// The longest text, in bytes: as long as a rule file may be.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;
/// Columns from one tab stop to the next; also what the Tab key indents by, in blanks, because YAML admits no tabs there.
const TAB_COLUMNS: usize = 4;

/// A place between two letters: line from 0, and bytes into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Place {
    pub line: usize,
    pub byte: usize,
}

/// A text with a cursor in it, and the part of it that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextArea {
    /// Never empty; without their line ends.
    lines: Vec<String>,
    /// Every line ended with CR LF.
    is_crlf: bool,
    bytes: usize,
    cursor: Place,
    /// The column that going up and down aims at, on lines that are long enough.
    aim: Option<usize>,
    history: History,
    revision: u64,
    /// The first line and column shown.
    pub top: usize,
    pub left: usize,
}

impl Default for TextArea {
    fn default() -> TextArea {
        TextArea::with("")
    }
}

/// Returns the terminal columns of a letter that begins at a column, drawn as the views draw it.
pub(crate) fn columns_of(c: char, at: usize) -> usize {
    match c {
        '\t' => TAB_COLUMNS - at % TAB_COLUMNS,
        ' '..='~' => 1,
        c => {
            let mut bytes = [0; 4];
            SafeText::new(c.encode_utf8(&mut bytes)).as_str().chars().map(|c| c.width().unwrap_or(0)).sum()
        }
    }
}

/// Returns the place where a text ends that begins at `at`.
pub(super) fn end_of(at: Place, text: &str) -> Place {
    match text.rfind('\n') {
        None => Place { line: at.line, byte: at.byte + text.len() },
        Some(last) => Place { line: at.line + text.matches('\n').count(), byte: text.len() - last - 1 },
    }
}

fn is_all_crlf(text: &str) -> bool {
    let ends = text.matches('\n').count();
    ends > 0 && text.matches("\r\n").count() == ends
}

impl TextArea {
    /// Starts with a text, the cursor at its beginning.
    pub(crate) fn with(text: &str) -> TextArea {
        let is_crlf = is_all_crlf(text);
        let end = if is_crlf { "\r\n" } else { "\n" };
        let lines: Vec<String> = text.split(end).map(str::to_owned).collect();
        let bytes = lines.iter().map(|line| line.len() + 1).sum();
        TextArea {
            lines,
            is_crlf,
            bytes,
            cursor: Place::default(),
            aim: None,
            history: History::default(),
            revision: 0,
            top: 0,
            left: 0,
        }
    }

    /// Returns the text, with the line ends it came with.
    pub(crate) fn text(&self) -> String {
        self.lines.join(if self.is_crlf { "\r\n" } else { "\n" })
    }

    /// Returns the lines; there is at least one.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Says whether its lines end with CR LF.
    pub(crate) fn is_crlf(&self) -> bool {
        self.is_crlf
    }

    /// Returns where the cursor is.
    pub(crate) fn cursor(&self) -> Place {
        self.cursor
    }

    /// Returns the column of the cursor, not counting what is scrolled away.
    pub(crate) fn cursor_column(&self) -> usize {
        self.column_at(self.cursor)
    }

    /// Returns a number that changes with the text.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Applies a key, with so many lines to a page; `false` when it means nothing to a text or there is no room left.
    pub(crate) fn press(&mut self, key: Key, page: usize) -> bool {
        match key {
            Key::Char(c) if !c.is_control() => return self.type_letter(c),
            Key::Enter => return self.break_line(),
            Key::Tab => {
                let blanks = TAB_COLUMNS - self.cursor_column() % TAB_COLUMNS;
                return self.change(self.cursor, self.cursor, &" ".repeat(blanks), true);
            }
            Key::BackTab => self.indent_less(),
            Key::Backspace => self.remove(self.before(self.cursor), self.cursor, true),
            Key::Delete => self.remove(self.cursor, self.after(self.cursor), true),
            Key::Ctrl('u') => self.remove(Place { byte: 0, ..self.cursor }, self.cursor, false),
            Key::Ctrl('k') => self.remove(self.cursor, self.line_end(), false),
            Key::Ctrl('w') => self.remove(self.word_start(), self.cursor, false),
            Key::Ctrl('z') => return self.undo(),
            Key::Ctrl('y') => return self.redo(),
            Key::Up => self.go_by(-1),
            Key::Down => self.go_by(1),
            Key::PageUp => self.go_by(-isize::try_from(page.max(1)).unwrap_or(1)),
            Key::PageDown => self.go_by(isize::try_from(page.max(1)).unwrap_or(1)),
            Key::Left => self.go(self.before(self.cursor)),
            Key::Right => self.go(self.after(self.cursor)),
            Key::Home | Key::Ctrl('a') => self.go(Place { byte: 0, ..self.cursor }),
            Key::End | Key::Ctrl('e') => self.go(self.line_end()),
            _ => return false,
        }
        true
    }

    /// Inserts a paste as one step: any line end becomes one, other controls but tabs are left out, marks are composed.
    /// `false` when it is longer than there is room: nothing of it is taken then.
    pub(crate) fn paste(&mut self, text: &str) -> bool {
        // Terminals paste a line end as a carriage return.
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        let plain: String = lines.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
        let start = self.letter_to_join(plain.chars().next());
        let joined = self.between(start, self.cursor) + &plain;
        self.change(start, self.cursor, &joined.nfc().collect::<String>(), false)
    }

    /// Puts another text in place of the whole, as one step; `false` when it is too long.
    pub(crate) fn replace_all(&mut self, text: &str) -> bool {
        let new = TextArea::with(text);
        let end = Place { line: self.lines.len() - 1, byte: self.lines.last().map_or(0, String::len) };
        let cursor = self.cursor;
        let is_done = self.change(Place::default(), end, &new.lines.join("\n"), false);
        if is_done {
            self.is_crlf = if text.contains('\n') { new.is_crlf } else { self.is_crlf };
            self.go_to(cursor.line, 0);
            self.go(Place { byte: self.floor(self.cursor.line, cursor.byte), ..self.cursor });
        }
        is_done
    }

    /// Takes the last step back; `false` when there is none.
    pub(crate) fn undo(&mut self) -> bool {
        let Some(edit) = self.history.undo() else { return false };
        self.splice(edit.at, end_of(edit.at, &edit.inserted), &edit.removed);
        self.go(edit.cursor);
        true
    }

    /// Does again what was taken back last; `false` when there is nothing.
    pub(crate) fn redo(&mut self) -> bool {
        let Some(edit) = self.history.redo() else { return false };
        let end = self.splice(edit.at, end_of(edit.at, &edit.removed), &edit.inserted);
        self.go(end);
        true
    }

    /// Puts the cursor on a line and letter, both from 0, or as near as there is one.
    pub(crate) fn go_to(&mut self, line: usize, letter: usize) {
        let line = line.min(self.lines.len() - 1);
        let byte = self.lines[line].char_indices().nth(letter).map_or(self.lines[line].len(), |(byte, _)| byte);
        self.go(Place { line, byte });
    }

    /// Puts the cursor on a line and column of what is shown.
    pub(crate) fn go_to_shown(&mut self, row: usize, column: usize) {
        let line = self.top.saturating_add(row).min(self.lines.len() - 1);
        self.go(Place { line, byte: self.byte_at(line, self.left.saturating_add(column)) });
    }

    /// Moves up or down, aiming at the same column.
    pub(crate) fn go_by(&mut self, lines: isize) {
        let aim = self.aim.unwrap_or_else(|| self.cursor_column());
        let line = self.cursor.line.saturating_add_signed(lines).min(self.lines.len() - 1);
        self.go(Place { line, byte: self.byte_at(line, aim) });
        self.aim = Some(aim);
    }

    /// Scrolls just so far that the cursor is visible in so many columns and rows.
    pub(crate) fn follow(&mut self, width: usize, height: usize) {
        let (width, height) = (width.max(2), height.max(1));
        let line = self.cursor.line;
        self.top = self.top.clamp((line + 1).saturating_sub(height), line);
        // One column stays free for the sign of what is cut off.
        let column = self.cursor_column();
        let last = width - 1;
        self.left = if column < last { 0 } else { self.left.clamp((column + 1).saturating_sub(last), column) };
    }

    fn go(&mut self, place: Place) {
        self.cursor = place;
        self.aim = None;
        self.history.end_step();
    }

    /// Changes the text between two places and remembers how to take that back; `false` when it would be too long.
    fn change(&mut self, at: Place, end: Place, inserted: &str, is_typed: bool) -> bool {
        let removed = self.between(at, end);
        if self.bytes - removed.len() + inserted.len() > TEXT_BYTES_MAX && inserted.len() > removed.len() {
            return false;
        }
        if removed != inserted {
            let cursor = self.cursor;
            let after = self.splice(at, end, inserted);
            self.history.remember(Edit { at, removed, inserted: inserted.to_owned(), cursor }, is_typed);
            self.cursor = after;
            self.aim = None;
        }
        true
    }

    fn remove(&mut self, at: Place, end: Place, is_typed: bool) {
        self.change(at, end, "", is_typed);
    }

    /// Puts a text between two places and returns where it ends.
    fn splice(&mut self, at: Place, end: Place, text: &str) -> Place {
        let head = self.lines[at.line].get(..at.byte).unwrap_or_default();
        let tail = self.lines[end.line].get(end.byte..).unwrap_or_default();
        let old: usize = self.lines[at.line..=end.line].iter().map(|line| line.len() + 1).sum();
        let whole = format!("{head}{text}{tail}");
        self.bytes = self.bytes - old + whole.len() + 1;
        self.lines.splice(at.line..=end.line, whole.split('\n').map(str::to_owned));
        self.revision += 1;
        end_of(at, text)
    }

    fn between(&self, at: Place, end: Place) -> String {
        if at.line == end.line {
            return self.lines[at.line].get(at.byte..end.byte).unwrap_or_default().to_owned();
        }
        let mut text = self.lines[at.line].get(at.byte..).unwrap_or_default().to_owned();
        for line in &self.lines[at.line + 1..end.line] {
            text.push('\n');
            text.push_str(line);
        }
        text.push('\n');
        text.push_str(self.lines[end.line].get(..end.byte).unwrap_or_default());
        text
    }

    /// A mark is composed with the letter before it.
    fn type_letter(&mut self, c: char) -> bool {
        let start = self.letter_to_join(Some(c));
        let mut joined = self.between(start, self.cursor);
        joined.push(c);
        self.change(start, self.cursor, &joined.nfc().collect::<String>(), true)
    }

    /// Returns where the letter begins that a mark is to be composed with: the cursor itself for what is no mark.
    fn letter_to_join(&self, first: Option<char>) -> Place {
        let is_mark = first.is_some_and(is_combining_mark);
        if is_mark && self.cursor.byte > 0 { self.before(self.cursor) } else { self.cursor }
    }

    /// Breaks the line; the new one stands as far in as the old.
    fn break_line(&mut self) -> bool {
        let before = self.lines[self.cursor.line].get(..self.cursor.byte).unwrap_or_default();
        let indent: String = before.chars().take_while(|c| *c == ' ').collect();
        let is_done = self.change(self.cursor, self.cursor, &format!("\n{indent}"), false);
        self.history.end_step();
        is_done
    }

    fn indent_less(&mut self) {
        let line = &self.lines[self.cursor.line];
        let blanks = line.bytes().take_while(|byte| *byte == b' ').count();
        let taken = if blanks % TAB_COLUMNS > 0 { blanks % TAB_COLUMNS } else { blanks.min(TAB_COLUMNS) };
        let cursor = self.cursor;
        let start = Place { line: cursor.line, byte: 0 };
        self.remove(start, Place { byte: taken, ..start }, false);
        self.go(Place { byte: cursor.byte.saturating_sub(taken), ..cursor });
    }

    fn line_end(&self) -> Place {
        Place { byte: self.lines[self.cursor.line].len(), ..self.cursor }
    }

    /// Returns where the letter before a place begins, its marks with it, or the end of the line above.
    fn before(&self, place: Place) -> Place {
        if place.byte == 0 {
            let Some(line) = place.line.checked_sub(1) else { return place };
            return Place { line, byte: self.lines[line].len() };
        }
        let before = self.lines[place.line].get(..place.byte).unwrap_or_default();
        let letter = before.char_indices().rev().find(|(_, c)| !is_combining_mark(*c));
        Place { byte: letter.map_or(0, |(byte, _)| byte), ..place }
    }

    /// Returns where the letter after a place ends, its marks with it, or the beginning of the line below.
    fn after(&self, place: Place) -> Place {
        let line = &self.lines[place.line];
        if place.byte >= line.len() {
            let is_last = place.line + 1 == self.lines.len();
            return if is_last { place } else { Place { line: place.line + 1, byte: 0 } };
        }
        let mut letters = line.get(place.byte..).unwrap_or_default().char_indices().skip(1);
        let next = letters.find(|(_, c)| !is_combining_mark(*c));
        Place { byte: next.map_or(line.len(), |(byte, _)| place.byte + byte), ..place }
    }

    fn word_start(&self) -> Place {
        let before = self.lines[self.cursor.line].get(..self.cursor.byte).unwrap_or_default();
        let kept = before.trim_end();
        let start = kept.char_indices().rev().find(|(_, c)| c.is_whitespace());
        Place { byte: start.map_or(0, |(byte, c)| byte + c.len_utf8()), ..self.cursor }
    }

    fn column_at(&self, place: Place) -> usize {
        let before = self.lines[place.line].get(..place.byte).unwrap_or_default();
        before.chars().fold(0, |at, c| at + columns_of(c, at))
    }

    /// Returns where the letter begins that covers a column, or the line's end.
    fn byte_at(&self, line: usize, column: usize) -> usize {
        let mut at = 0;
        for (byte, c) in self.lines[line].char_indices() {
            let columns = columns_of(c, at);
            if columns > 0 && at + columns > column {
                return byte;
            }
            at += columns;
        }
        self.lines[line].len()
    }

    /// Returns a boundary between letters at or before so many bytes into a line.
    fn floor(&self, line: usize, byte: usize) -> usize {
        let line = &self.lines[line];
        (0..=byte.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(area: &mut TextArea, keys: &str) {
        for c in keys.chars() {
            let key = match c {
                '<' => Key::Backspace,
                '\n' => Key::Enter,
                '←' => Key::Left,
                '→' => Key::Right,
                '↑' => Key::Up,
                '↓' => Key::Down,
                '⇤' => Key::Home,
                '⇥' => Key::End,
                '⌦' => Key::Delete,
                '↶' => Key::Ctrl('z'),
                '↷' => Key::Ctrl('y'),
                c => Key::Char(c),
            };
            area.press(key, 10);
        }
    }

    fn typed(keys: &str) -> TextArea {
        let mut area = TextArea::default();
        press(&mut area, keys);
        area
    }

    #[test]
    fn what_input_methods_send_becomes_the_word_and_one_step_of_undo() {
        for (sent, word) in [
            ("d<đ", "đ"),
            ("truong<<<<ường", "trường"),
            ("d<đuo<<ươ<<ươ<ờng", "đường"),
            ("viê\u{323}t", "việt"),
            ("a\u{306}\u{301}n", "ắn"),
            ("o\u{31b}\u{300}", "ờ"),
        ] {
            let mut area = typed(sent);
            assert_eq!(area.text(), word, "{sent}");
            assert!(area.undo(), "{sent}");
            assert_eq!(area.text(), "", "{sent}");
            assert!(area.redo());
            assert_eq!(area.text(), word, "{sent}");
        }
    }

    #[test]
    fn keys_do_what_an_editor_does() {
        for (keys, text) in [
            ("ab\ncd↑⇤x", "xab\ncd"),
            ("ab\ncd⇤<", "abcd"),
            ("ab\ncd↑⇥⌦", "abcd"),
            ("  a\nb", "  a\n  b"),
            ("abc←←⌦", "ac"),
            ("long line\nx\nlong line↑↑!", "long line!\nx\nlong line"),
            ("a→→→b←←←←c", "cab"),
            ("↑↑↓↓⌦<", ""),
            ("e\u{302}\u{301}x←<", "x"),
        ] {
            assert_eq!(typed(keys).text(), text, "{keys}");
        }
        let mut area = TextArea::with("detection:\n    a: b");
        area.go_to(1, 99);
        for (key, text) in [
            (Key::Tab, "detection:\n    a: b    "),
            (Key::Ctrl('w'), "detection:\n    a: "),
            (Key::BackTab, "detection:\na: "),
            (Key::Ctrl('u'), "detection:\n"),
            (Key::Ctrl('z'), "detection:\na: "),
            (Key::Home, "detection:\na: "),
            (Key::Ctrl('k'), "detection:\n"),
        ] {
            assert!(area.press(key, 10));
            assert_eq!(area.text(), text, "{key}");
        }
        assert!(!area.press(Key::Function(2), 10) && !area.press(Key::Char('\u{1b}'), 10));
    }

    #[test]
    fn undo_goes_by_words_and_redo_is_lost_by_a_new_change() {
        let mut area = typed("one two\nthree");
        for text in ["one two\n", "one two", "one", ""] {
            assert!(area.undo());
            assert_eq!(area.text(), text);
        }
        assert!(!area.undo());
        press(&mut area, "↷↷x");
        assert_eq!(area.text(), "one twox");
        assert!(!area.redo());
        // What is typed elsewhere is a step of its own.
        press(&mut area, "⇤y");
        assert!(area.undo());
        assert_eq!(area.text(), "one twox");
    }

    #[test]
    fn a_paste_is_one_step_without_controls() {
        let mut area = typed("x ");
        assert!(area.paste("ma\u{301}y\r\nq\rz\u{1b}[2J\t\0"));
        assert_eq!(area.text(), "x máy\nq\nz[2J\t");
        assert_eq!(area.cursor(), Place { line: 2, byte: 5 });
        assert!(area.undo());
        assert_eq!(area.text(), "x ");
        let long = "ộ".repeat(TEXT_BYTES_MAX);
        assert!(!area.paste(&long) && area.text() == "x ", "what is too long is not taken at all");
    }

    #[test]
    fn line_ends_stay_as_they_were() {
        for (text, lines) in [("a\r\nb\r\n", 3), ("a\nb", 2), ("a\r\nb\n", 3), ("", 1), ("\r\n", 2), ("a\rb", 1)] {
            let area = TextArea::with(text);
            assert_eq!((area.text().as_str(), area.lines().len()), (text, lines), "{text:?}");
        }
        let mut area = TextArea::with("a\r\nb\r\n");
        area.go_to(0, 1);
        press(&mut area, "\nc");
        assert_eq!(area.text(), "a\r\nc\r\nb\r\n");
        assert!(area.replace_all("z\n") && !area.is_crlf());
        assert!(area.undo());
        assert_eq!(area.lines(), ["a", "c", "b", ""]);
    }

    #[test]
    fn the_cursor_stays_in_view() {
        let mut area = TextArea::with(&format!("{}\n\tx漢\u{202e}y", "a".repeat(100)));
        area.go_to(0, 60);
        area.follow(20, 5);
        assert_eq!((area.cursor_column(), area.left), (60, 42));
        area.go_by(1);
        area.follow(20, 5);
        assert_eq!((area.cursor_column(), area.left), (13, 0));
        // A tab to the next stop, a wide letter, and a sign for what turns the direction of writing.
        assert_eq!("\tx漢\u{202e}y".chars().fold(0, |at, c| at + columns_of(c, at)), 13);
        area.go_to_shown(1, 6);
        assert_eq!(area.cursor(), Place { line: 1, byte: 2 });
        area.follow(0, 0);
        area.go_to_shown(99, 99);
        area.follow(5, 1);
        assert_eq!((area.top, area.cursor().line), (1, 1));
    }

    #[test]
    fn a_long_rule_is_edited_like_a_short_one() {
        let mut area = TextArea::with(&"    field|contains: 'một giá trị dài'\n".repeat(5000));
        assert!(area.text().len() > 200_000);
        area.go_to(2500, 3);
        press(&mut area, &"đội\n".repeat(100));
        for _ in 0..200 {
            area.undo();
        }
        assert_eq!(area.lines().len(), 5001);
    }
}
