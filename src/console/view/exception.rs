//! The dialog of exceptions.
//!
//! ```text
//! ┌─ Except from: SSH password guessing from one address ─────────────────┐
//! │>[x] source.ip = 203.0.113.7                                            │
//! │ [ ] user.name = root                                                   │
//! │Lasts: 7d (PgUp/PgDn)                                                   │
//! │would hide 41 of 50 matches in 30 days, 0 true positives                │
//! │Why: _                                                                  │
//! │Tab choose  Shift-Tab widen  Enter except  Esc cancel                   │
//! └────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use crate::console::look::format::fill;
use crate::console::look::layout::Layout;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::exception::ExceptionForm;
use crate::console::model::exception::Radius;
use crate::console::model::exception::SPANS;
use crate::console::view::canvas::Canvas;
use crate::console::view::overlays::open_box;
use crate::console::view::overlays::put_input;
use crate::wire::rule::ExceptionCondition;

/// Writes a condition as people read it.
pub(super) fn condition(condition: &ExceptionCondition) -> String {
    let sign = match condition.comparison.as_str() {
        "is" => "=",
        "cidr" => "@",
        other => other,
    };
    format!("{} {sign} {}", condition.field, condition.value)
}

/// Draws the dialog.
pub(super) fn draw(model: &Model, form: &ExceptionForm, layout: &Layout, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let rows = u16::try_from(form.scope.len()).unwrap_or(u16::MAX);
    let title = fill(model.text(Text::ExceptTitle), &[&form.title]);
    let inside = open_box(layout, canvas, 76, rows.saturating_add(5), &title);
    for (y, (index, scope)) in (inside.top()..inside.bottom()).zip(form.scope.iter().enumerate()) {
        let has_cursor = index == form.cursor;
        let mark = if scope.is_chosen { "[x]" } else { "[ ]" };
        let text = format!("{}{mark} {}", if has_cursor { '>' } else { ' ' }, condition(&scope.condition()));
        let style = if scope.is_chosen { theme.text } else { theme.dim };
        canvas.put(inside.x, y, inside.width, &text, style);
        if has_cursor {
            canvas.paint(Rect { y, height: 1, ..inside }, theme.selected);
        }
    }
    let mut y = inside.y.saturating_add(rows);
    let mut put = |canvas: &mut Canvas<'_>, text: &str, style| {
        if y < inside.bottom() {
            canvas.put(inside.x, y, inside.width, text, style);
        }
        y = y.saturating_add(1);
    };
    let span = SPANS.get(form.span).copied().unwrap_or_default();
    put(canvas, &fill(model.text(Text::ExceptLasts), &[span]), theme.text);
    let (told, style) = match &form.radius {
        Radius::Nothing => (model.text(Text::ExceptScope).to_owned(), theme.danger),
        Radius::Asked => (model.text(Text::ExceptAsked).to_owned(), theme.dim),
        Radius::Unknown(reason) => (fill(model.text(Text::ExceptUnknown), &[reason]), theme.danger),
        Radius::Known(preview) => {
            let figures = [preview.hidden, preview.matches, preview.days, preview.alerts.true_positive];
            let figures = figures.map(|figure| figure.to_string());
            let text = fill(model.text(Text::ExceptRadius), &figures.each_ref().map(String::as_str));
            (text, if preview.alerts.true_positive > 0 { theme.danger } else { theme.focus })
        }
    };
    put(canvas, &told, style);
    if inside.height > rows + 2 {
        put_input(canvas, inside, rows + 2, model.text(Text::ExceptWhy), &form.reason);
    }
    if let Some(problem) = &form.problem
        && inside.height > rows + 3
    {
        canvas.put(inside.x, inside.y + rows + 3, inside.width, &format!("! {problem}"), theme.danger);
    }
    if inside.height > rows + 4 {
        canvas.put(inside.x, inside.bottom() - 1, inside.width, model.text(Text::ExceptKeys), theme.dim);
    }
}
