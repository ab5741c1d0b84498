//! The only way onto the screen: every text passes `SafeText`, every width is counted in columns, nothing leaves its area.

use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthChar as _;

use crate::console::look::theme::Theme;
use crate::model::SafeText;

/// Marks on one letter that are drawn; Vietnamese needs two, and hundreds would climb over the rows above.
const MARKS_MAX: usize = 4;

/// How much of one piece is broken into lines; a value of megabytes must not cost a frame.
const PIECE_CHARS_MAX: usize = 8000;

/// A piece of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) style: Style,
}

/// A line of pieces.
pub(super) type Line = Vec<Piece>;

/// Makes a piece.
pub(super) fn piece(text: impl Into<String>, style: Style) -> Piece {
    Piece { text: text.into(), style }
}

/// Draws onto a buffer.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    pub(super) theme: Theme,
    ascii: bool,
    /// Where the terminal's cursor goes.
    pub(super) cursor: Option<Position>,
}

impl Canvas<'_> {
    pub(super) fn new(buffer: &mut Buffer, theme: Theme, ascii: bool) -> Canvas<'_> {
        Canvas { buffer, theme, ascii, cursor: None }
    }

    /// Writes a text, cut with `~` when it is wider than `width`; returns the columns it took.
    pub(super) fn put(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let area = self.buffer.area;
        if x < area.left() || x >= area.right() || y < area.top() || y >= area.bottom() {
            return 0;
        }
        let width = width.min(area.right() - x);
        // Nobody sees more than the screen's width; a line of megabytes is not walked to its end.
        let seen = text.chars().take(usize::from(width) * (MARKS_MAX + 1) + 1).map(char::len_utf8).sum();
        let safe = SafeText::new(text.get(..seen).unwrap_or(text));
        let fitted = fit(safe.as_str(), usize::from(width));
        self.set_letters(x, y, &fitted, style)
    }

    /// Gives every letter a cell of its own, its marks beside it in the cell; returns the columns taken. The library's own
    /// way puts what belongs together in writing (flags, syllables) into one cell; a terminal that does not, keeps parts of
    /// it on the screen when the cell is painted over.
    fn set_letters(&mut self, x: u16, y: u16, fitted: &str, style: Style) -> u16 {
        let mut used = 0;
        let mut letter = String::new();
        let mut letters = fitted.chars().peekable();
        while let Some(c) = letters.next() {
            letter.clear();
            letter.push(c);
            while let Some(mark) = letters.next_if(|next| next.width() == Some(0)) {
                letter.push(mark);
            }
            let columns = u16::try_from(c.width().unwrap_or(0)).unwrap_or(0);
            for column in 0..columns {
                let Some(cell) = self.buffer.cell_mut((x + used + column, y)) else { continue };
                if column == 0 {
                    cell.set_symbol(&letter).set_style(style);
                } else {
                    // Covered by a wide letter.
                    cell.reset();
                }
            }
            used += columns;
        }
        used
    }

    /// Writes pieces one after the other.
    pub(super) fn put_line(&mut self, x: u16, y: u16, width: u16, line: &[Piece]) {
        let mut used = 0;
        for part in line {
            if used >= width {
                break;
            }
            used += self.put(x + used, y, width - used, &part.text, part.style);
        }
    }

    /// Writes columns of fixed width, one blank between them.
    pub(super) fn put_cells(&mut self, x: u16, y: u16, width: u16, cells: &[(&str, u16, Style)]) {
        let mut used = 0;
        for (text, cell_width, style) in cells {
            if used >= width {
                break;
            }
            self.put(x + used, y, (*cell_width).min(width - used), text, *style);
            used += cell_width + 1;
        }
    }

    /// Gives a style to a whole area.
    pub(super) fn paint(&mut self, area: Rect, style: Style) {
        let area = area.intersection(self.buffer.area);
        self.buffer.set_style(area, style);
    }

    /// Blanks an area.
    pub(super) fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for position in area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
            }
        }
    }

    /// Draws a border with a title and returns what is inside.
    pub(super) fn frame(&mut self, area: Rect, title: &str, has_focus: bool) -> Rect {
        if area.width < 2 || area.height < 2 {
            return Rect::new(area.x, area.y, 0, 0);
        }
        let style = if has_focus { self.theme.focus } else { self.theme.border };
        let [horizontal, vertical, corners] =
            if self.ascii { ["-", "|", "++++"] } else { ["─", "│", "┌┐└┘"] };
        let corners: Vec<String> = corners.chars().map(String::from).collect();
        let row = horizontal.repeat(usize::from(area.width - 2));
        for (y, left, right) in [(area.top(), 0, 1), (area.bottom() - 1, 2, 3)] {
            self.put(area.left(), y, 1, &corners[left], style);
            self.put(area.left() + 1, y, area.width - 2, &row, style);
            self.put(area.right() - 1, y, 1, &corners[right], style);
        }
        for y in area.top() + 1..area.bottom() - 1 {
            self.put(area.left(), y, 1, vertical, style);
            self.put(area.right() - 1, y, 1, vertical, style);
        }
        if area.width > 6 {
            self.put(area.left() + 2, area.top(), area.width - 4, &format!(" {title} "), style);
        }
        Rect::new(area.left() + 1, area.top() + 1, area.width - 2, area.height - 2)
    }

    /// Writes lines from `top` on, stopping at the end of either.
    pub(super) fn put_lines(&mut self, area: Rect, lines: &[Line], top: usize) {
        let last_top = lines.len().saturating_sub(usize::from(area.height));
        for (y, line) in (area.top()..area.bottom()).zip(lines.iter().skip(top.min(last_top))) {
            self.put_line(area.left(), y, area.width, line);
        }
    }

    /// Puts the terminal's cursor there.
    pub(super) fn set_cursor(&mut self, x: u16, y: u16) {
        if self.buffer.area.contains(Position::new(x, y)) {
            self.cursor = Some(Position::new(x, y));
        }
    }
}

/// Cuts a safe text to a width, with `~` for what is left out, and to a bearable number of marks on a letter.
fn fit(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len().min(width * 4));
    let mut used = 0;
    let mut marks = 0;
    // Where to cut, should it turn out too long: the last place that leaves one column free.
    let mut cut = 0;
    for c in text.chars() {
        let columns = c.width().unwrap_or(0);
        if columns == 0 {
            marks += 1;
            // A mark needs a letter to sit on, or the terminal puts it on the border.
            if marks <= MARKS_MAX && !out.is_empty() {
                out.push(c);
            }
            if used < width {
                cut = out.len();
            }
            continue;
        }
        marks = 0;
        if used + columns > width {
            out.truncate(cut);
            if width > 0 {
                out.push('~');
            }
            return out;
        }
        out.push(c);
        used += columns;
        if used < width {
            cut = out.len();
        }
    }
    out
}

/// Breaks a line into lines no wider than `width`, between words where that is near; the lines after the first stand as
/// far in as the first.
pub(super) fn wrap(line: &[Piece], width: u16) -> Vec<Line> {
    let width = usize::from(width.max(2));
    let letters = letters_of(line);
    let indent = letters.iter().take_while(|letter| letter.0 == ' ').count().min(width / 4);
    let mut lines = Vec::new();
    let mut start = 0;
    // Where the line may end: after its last blank.
    let mut word = 0;
    let mut used = 0;
    let mut at = 0;
    while let Some((c, _)) = letters.get(at) {
        let columns = c.width().unwrap_or(0);
        if used + columns > width && at > start {
            // A word of more than a third of the line is broken rather than leaving so much empty.
            let end = if *c == ' ' || at - word > width / 3 || word <= start { at } else { word };
            lines.push(pieces_of(letters.get(start..end).unwrap_or_default(), if start > 0 { indent } else { 0 }));
            start = if *c == ' ' && end == at { at + 1 } else { end };
            at = start;
            word = start;
            used = indent;
            continue;
        }
        used += columns;
        at += 1;
        if *c == ' ' {
            word = at;
        }
    }
    lines.push(pieces_of(letters.get(start..).unwrap_or_default(), if start > 0 { indent } else { 0 }));
    lines
}

/// Returns the letters of a line, safe, with their styles.
fn letters_of(line: &[Piece]) -> Vec<(char, Style)> {
    let mut letters = Vec::new();
    for part in line {
        let safe = SafeText::new(&part.text);
        letters.extend(safe.as_str().chars().take(PIECE_CHARS_MAX).map(|c| (c, part.style)));
    }
    letters
}

/// Joins letters of one style, behind `indent` blanks.
fn pieces_of(letters: &[(char, Style)], indent: usize) -> Line {
    let mut pieces = Line::new();
    if indent > 0 {
        pieces.push(piece(" ".repeat(indent), Style::new()));
    }
    for (c, style) in letters {
        match pieces.last_mut().filter(|last| last.style == *style) {
            Some(last) => last.text.push(*c),
            None => pieces.push(piece(*c, *style)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use ratatui::Frame;
    use ratatui::Terminal;
    use ratatui::TerminalOptions;
    use ratatui::Viewport;
    use ratatui::backend::CrosstermBackend;

    use super::*;
    use crate::console::look::theme::ThemeName;

    #[test]
    fn texts_are_cut_by_columns_not_by_letters() {
        for (text, width, fitted) in [
            ("cảnh báo", 8, "cảnh báo"),
            ("ca\u{309}nh báo", 5, "ca\u{309}nh~"),
            ("漢字漢字", 5, "漢字~"),
            ("漢字", 3, "漢~"),
            ("abc", 0, ""),
            ("\u{301}a", 3, "a"),
        ] {
            assert_eq!(fit(text, width), fitted, "{text} in {width}");
        }
        assert_eq!(fit(&format!("a{}", "\u{301}".repeat(1000)), 3).chars().count(), 1 + MARKS_MAX);
    }

    /// Paints texts one after the other into a terminal of 40x1 and returns what it shows in the end.
    fn shown_after(texts: &[&str]) -> String {
        let area = Rect::new(0, 0, 40, 1);
        let mut out = Vec::new();
        let options = TerminalOptions { viewport: Viewport::Fixed(area) };
        let mut terminal = Terminal::with_options(CrosstermBackend::new(&mut out), options).expect("a terminal");
        for text in texts {
            let paint = |frame: &mut Frame<'_>| {
                let theme = Theme::new(ThemeName::Mono);
                Canvas::new(frame.buffer_mut(), theme, false).put(0, 0, 40, text, Style::new());
            };
            terminal.draw(paint).expect("painted");
        }
        drop(terminal);
        let (rows, columns) = (NonZeroU16::MIN, NonZeroU16::new(40).expect("not zero"));
        let mut parser = vt100::Parser::new(rows, columns, 0);
        parser.process(&out);
        // A blank that was painted and a cell that never was look the same.
        parser.screen().contents().trim_end().to_owned()
    }

    #[test]
    fn what_is_painted_over_is_gone() {
        let over = "x y z x y z x y z x y z x y z x y z x y";
        for hostile in [
            "👩👧🇻🇳🇻🇳 log",
            "क\u{94d}षि ำ \u{fdfd} 𒐫x",
            "กำ漢ำ\u{1100}\u{1161}\u{11a8}x",
            "لا لا 👍🏽👍🏽 ឆ្នាំ",
            "漢字漢字🙂🙂e\u{301}\u{302}",
        ] {
            assert_eq!(shown_after(&[hostile, over]), over, "{hostile}");
            assert_eq!(shown_after(&[hostile, "", over]), over, "{hostile}, blank between");
            assert_eq!(shown_after(&[over, hostile]), shown_after(&[hostile]), "{hostile} over something");
        }
    }

    #[test]
    fn wrapping_loses_nothing() {
        let style = Style::new();
        let lines = wrap(&[piece("abc", style), piece("\u{1b}defg", style)], 3);
        let texts: Vec<String> = lines.iter().map(|line| line.iter().map(|p| p.text.as_str()).collect()).collect();
        assert_eq!(texts, ["abc", "␛de", "fg"]);
        let text = |line: &Line| line.iter().map(|part| part.text.as_str()).collect::<String>();
        for (whole, width, broken) in [
            ("one two three", 8, &["one two ", "three"][..]),
            ("  in front of it", 10, &["  in front", "  of it"]),
            ("a longwordthatgoeson", 8, &["a longwo", "rdthatgo", "eson"]),
            ("", 8, &[""]),
            ("        ", 3, &["   ", "   ", ""]),
        ] {
            let lines: Vec<String> = wrap(&[piece(whole, style)], width).iter().map(text).collect();
            assert_eq!(lines, broken, "{whole:?}");
        }
    }
}
