//! The text of a rule being edited, line numbers before it, what the check says below.
//!
//! ```text
//! ┌─ Being edited: linux/ssh.yml  unsaved ───────────────────────────────────────┐
//! │  1 title: SSH password guessing                                              │
//! │! 2 detecton:                                                                 │
//! │ 2:1  LF  1 to look at: F8                                                    │
//! │>2:1  error: unknown key `detecton`                                           │
//! ```

use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::style::Style;

use crate::console::keys::text_area::columns_of;
use crate::console::look::format::fill;
use crate::console::look::text::Text;
use crate::console::look::theme::Theme;
use crate::console::look::words;
use crate::console::model::Link;
use crate::console::model::Model;
use crate::console::model::draft::Draft;
use crate::console::view::canvas::Canvas;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::piece;
use crate::console::view::canvas::wrap;
use crate::wire::rule::RuleProblem;

/// Returns what stands in the frame.
pub(super) fn title(model: &Model) -> String {
    let Some(draft) = &model.rules.draft else { return String::new() };
    let title = fill(model.text(Text::DraftTitle), &[&draft.source.path]);
    if draft.is_changed() { format!("{title}  {}", model.text(Text::DraftChanged)) } else { title }
}

/// Draws the panel.
pub(super) fn draw(model: &Model, inside: Rect, canvas: &mut Canvas<'_>) {
    let Some(draft) = &model.rules.draft else { return };
    let panes = draft.panes(inside);
    let theme = canvas.theme;
    let shown = draft.area.lines().iter().enumerate().skip(draft.area.top);
    for (y, (index, line)) in (panes.text.top()..panes.text.bottom()).zip(shown) {
        let problem = draft.problem_of(index);
        draw_number(index, problem, Rect { y, height: 1, ..panes.numbers }, canvas);
        let mark = problem.map(|problem| mark_of(problem, line, &theme));
        let width = usize::from(panes.text.width);
        let line = shown_part(line, draft.area.left, width, mark, model.ascii, &theme);
        canvas.put_line(panes.text.x, y, panes.text.width, &line);
    }
    draw_state(model, draft, panes.state, canvas);
    draw_problems(model, draft, panes.problems, canvas);
    let (row, column) = (draft.area.cursor().line.checked_sub(draft.area.top), draft.area.cursor_column());
    if let (Some(row), Some(column)) = (row, column.checked_sub(draft.area.left)) {
        let at = |start: u16, offset: usize| start.saturating_add(u16::try_from(offset).unwrap_or(u16::MAX));
        if row < usize::from(panes.text.height) && column < usize::from(panes.text.width) {
            canvas.set_cursor(at(panes.text.x, column), at(panes.text.y, row));
        }
    }
}

fn style_of(problem: &RuleProblem, theme: &Theme) -> Style {
    match problem.severity.as_str() {
        "error" => theme.danger,
        "warning" => theme.warning,
        _ => theme.dim,
    }
}

/// A line's number, before it a sign of what is wrong with it: `!` an error, `~` a warning, `i` a note.
fn draw_number(index: usize, problem: Option<&RuleProblem>, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let digits = usize::from(area.width.saturating_sub(2));
    let (sign, style) = match problem {
        None => (' ', theme.dim),
        Some(problem) => {
            let sign = match problem.severity.as_str() {
                "error" => '!',
                "warning" => '~',
                _ => 'i',
            };
            (sign, style_of(problem, &theme))
        }
    };
    let text = if digits > 0 { format!("{sign}{:>digits$} ", index + 1) } else { sign.to_string() };
    canvas.put(area.x, area.y, area.width, &text, style);
}

/// What of a line is wrong: the bytes from the problem's column to the end of the word, and their style.
fn mark_of(problem: &RuleProblem, line: &str, theme: &Theme) -> (std::ops::Range<usize>, Style) {
    let letter = usize::try_from(problem.column.saturating_sub(1)).unwrap_or(usize::MAX);
    let start = line.char_indices().nth(letter).map_or(line.len(), |(byte, _)| byte);
    let rest = line.get(start..).unwrap_or_default();
    let end = rest.find([' ', ':', ',']).filter(|length| *length > 0).map_or(line.len(), |length| start + length);
    (start..end, style_of(problem, theme).add_modifier(Modifier::UNDERLINED))
}

/// Returns the part of a line that is seen: tabs as arrows up to the next stop, and a blank where a wide letter is cut.
/// It goes one column beyond the width when the line does, so that it is drawn as cut off.
fn shown_part(
    line: &str,
    left: usize,
    width: usize,
    mark: Option<(std::ops::Range<usize>, Style)>,
    is_ascii: bool,
    theme: &Theme,
) -> Line {
    let mut parts = Line::new();
    let mut at = 0;
    for (byte, c) in line.char_indices() {
        let columns = columns_of(c, at);
        let (start, end) = (at, at + columns);
        at = end;
        if end <= left {
            continue;
        }
        if start > left.saturating_add(width) {
            break;
        }
        let marked = mark.as_ref().filter(|(range, _)| range.contains(&byte)).map(|(_, style)| *style);
        let (text, style) = match c {
            '\t' => {
                let arrow = if is_ascii { ">" } else { "→" };
                let whole = format!("{arrow}{}", " ".repeat(columns - 1));
                let cut = left.saturating_sub(start);
                (whole.chars().skip(cut).collect(), marked.unwrap_or(theme.warning))
            }
            // Begins left of what is seen.
            _ if start < left => (" ".repeat(end - left), theme.text),
            c => (c.to_string(), marked.unwrap_or(theme.text)),
        };
        match parts.last_mut().filter(|last| last.style == style) {
            Some(last) => last.text.push_str(&text),
            None => parts.push(piece(text, style)),
        }
    }
    parts
}

/// Where the cursor is, how lines end, and how the check stands.
fn draw_state(model: &Model, draft: &Draft, area: Rect, canvas: &mut Canvas<'_>) {
    if area.height == 0 {
        return;
    }
    let theme = canvas.theme;
    let cursor = draft.area.cursor();
    let before = draft.area.lines().get(cursor.line).and_then(|line| line.get(..cursor.byte)).unwrap_or_default();
    let end = if draft.area.is_crlf() { "CRLF" } else { "LF" };
    let place = format!(" {}:{}  {end}  ", cursor.line + 1, before.chars().count() + 1);
    let (text, style) = match draft.present_report() {
        Some(report) if report.problems.is_empty() => (model.text(Text::DraftFine).to_owned(), theme.good),
        Some(report) => {
            let count = report.problems.len().to_string();
            let style = if report.is_right { theme.warning } else { theme.danger };
            (fill(model.text(Text::DraftProblems), &[&count]), style)
        }
        None if matches!(model.link, Link::Away { .. }) => (model.text(Text::DraftUnchecked).to_owned(), theme.warning),
        None => (model.text(Text::DraftChecking).to_owned(), theme.dim),
    };
    canvas.put_line(area.x, area.y, area.width, &[piece(place, theme.dim), piece(text, style)]);
}

/// The problems, the one jumped to last in view; of a text that was changed since they are only what was said before.
fn draw_problems(model: &Model, draft: &Draft, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let is_present = draft.present_report().is_some();
    let mut lines: Vec<Line> = Vec::new();
    let mut top = 0;
    for (index, problem) in draft.problems().iter().enumerate() {
        let is_chosen = index == draft.problem;
        let text = if is_present { theme.text } else { theme.dim };
        let code = problem.code.as_ref().map(|code| format!(" [{code}]")).unwrap_or_default();
        let severity = words::word(model.lang, &problem.severity);
        let sign = if is_chosen { '>' } else { ' ' };
        let place = format!("{sign}{}:{}  {severity}: ", problem.line, problem.column);
        let hint = problem.hint.as_ref().map(|hint| format!("  ({hint})")).unwrap_or_default();
        let parts = [
            piece(place, if is_present { style_of(problem, &theme) } else { theme.dim }),
            piece(format!("{}{code}", problem.text), text),
            piece(hint, theme.dim),
        ];
        if is_chosen {
            top = lines.len();
        }
        lines.extend(wrap(&parts, area.width));
    }
    canvas.put_lines(area, &lines, top);
}
