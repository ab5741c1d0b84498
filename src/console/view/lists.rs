//! Screen 4: the rules that run.

use ratatui::layout::Rect;

use crate::console::look::format;
use crate::console::look::layout::Layout;
use crate::console::look::text::Text;
use crate::console::look::words;
use crate::console::model::Model;
use crate::console::view::canvas::Canvas;
use crate::console::view::level_sign;

/// Draws screen 4.
pub(super) fn draw_rules(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let rules = &model.rules;
    let place = (rules.scroll.cursor + 1).min(rules.shown.len());
    let title = format!("{} {place}/{}", model.text(Text::RulesTitle), rules.shown.len());
    let body = Rect { height: layout.body.height.saturating_sub(1), ..layout.body };
    let inside = canvas.frame(body, &title, true);
    canvas.put(1, body.bottom(), layout.body.width.saturating_sub(1), model.text(Text::RulesNote), theme.dim);
    let room = inside.width.saturating_sub(3 + 8 + 13 + 4);
    let title_width = room * 3 / 5;
    let head = [
        (" !", 3, theme.dim),
        (model.text(Text::ColumnDetections), 8, theme.dim),
        (model.text(Text::ColumnStatus), 13, theme.dim),
        (model.text(Text::ColumnTitle), title_width, theme.dim),
        ("ATT&CK", room - title_width, theme.dim),
    ];
    canvas.put_cells(inside.x, inside.y, inside.width, &head);
    if !rules.is_loaded {
        canvas.put(inside.x, inside.y + 1, inside.width, model.text(Text::Loading), theme.dim);
    }
    let shown = rules.shown.iter().enumerate().skip(rules.scroll.top);
    for (y, (index, place)) in (inside.top() + 1..inside.bottom()).zip(shown) {
        let Some(rule) = rules.rows.get(*place) else { continue };
        let has_cursor = index == rules.scroll.cursor;
        let (letter, style) = level_sign(&canvas.theme, &rule.level);
        let sign = format!("{}{letter}", if has_cursor { '>' } else { ' ' });
        let (detections, tags) = (format::count(rule.detections), words::attack(&rule.tags));
        let cells = [
            (sign.as_str(), 3, style),
            (detections.as_str(), 8, theme.text),
            (rule.status.as_str(), 13, theme.dim),
            (model.lang.choose(&rule.title, rule.title_vi.as_deref()), title_width, theme.text),
            (tags.as_str(), room - title_width, theme.dim),
        ];
        canvas.put_cells(inside.x, y, inside.width, &cells);
        if has_cursor {
            canvas.paint(Rect { y, height: 1, ..inside }, theme.selected);
            canvas.set_cursor(inside.x, y);
        }
    }
}
