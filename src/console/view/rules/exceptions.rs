//! The exceptions of all rules: what is in force first.

use ratatui::layout::Rect;

use crate::console::look::format;
use crate::console::look::format::fill;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::view::canvas::Canvas;
use crate::console::view::exception::condition;

/// Draws the list.
pub(super) fn draw(model: &Model, inside: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let rules = &model.rules;
    if rules.exceptions.is_empty() {
        canvas.put(inside.x, inside.y, inside.width, model.text(Text::NoExceptions), theme.dim);
        return;
    }
    let shown = rules.exceptions.iter().enumerate().skip(rules.exceptions_scroll.top);
    for (y, (index, exception)) in (inside.top()..inside.bottom().saturating_sub(1)).zip(shown) {
        let has_cursor = index == rules.exceptions_scroll.cursor;
        let sign = format!("{}EXC-{}", if has_cursor { '>' } else { ' ' }, exception.id);
        let until = match (exception.is_in_force, &exception.revoked) {
            (true, _) => fill(model.text(Text::ExceptionUntil), &[&format::date(&model.zone, &exception.expires)]),
            (false, Some(_)) => model.text(Text::ExceptionRevoked).to_owned(),
            (false, None) => model.text(Text::ExceptionOver).to_owned(),
        };
        let hidden = fill(model.text(Text::ExceptionHidden), &[&exception.hidden.to_string()]);
        let scope = exception.conditions.iter().map(condition).collect::<Vec<_>>().join(", ");
        let what = format!("{}: {scope}  {} ({})", exception.rule, exception.reason, exception.author);
        let style = if exception.is_in_force { theme.text } else { theme.dim };
        let cells = [
            (sign.as_str(), 9, style),
            (until.as_str(), 16, style),
            (hidden.as_str(), 12, style),
            (what.as_str(), inside.width.saturating_sub(40), style),
        ];
        canvas.put_cells(inside.x, y, inside.width, &cells);
        if has_cursor {
            canvas.paint(Rect { y, height: 1, ..inside }, theme.selected);
            canvas.set_cursor(inside.x, y);
        }
    }
    // The one under the cursor whole: a reason is worth nothing when it is cut.
    if let Some(exception) = rules.focused_exception() {
        let whole = format!("{}: {} ({})", exception.rule, exception.reason, exception.author);
        canvas.put(inside.x, inside.bottom().saturating_sub(1), inside.width, &whole, theme.dim);
    }
}
