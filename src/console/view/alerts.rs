//! Screen 1: the list of alert groups, beside or above the detail, the events around below.
//!
//! ```text
//! ┌─ Alerts (groups) 1/128 ─────────────┐┌─ Detail ALR-20813 ──┐
//! │ !  Risk Age  x    Rule       Entity ││WHY …                │
//! │>C  96   02m  41   SSH …      10.0.… ││                     │
//! └─────────────────────────────────────┘└─────────────────────┘
//! ┌─ Events around the alert ±5m host.name:"srv-1" ────────────┐
//! │▁▁▁▁▂▁▁▇█▇▅▁▁                                               │
//! │14:01:02.377 srv-1 Failed password for root …               │
//! └────────────────────────────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use crate::console::look::format;
use crate::console::look::layout::Layout;
use crate::console::look::layout::Pane;
use crate::console::look::layout::Shape;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::presence::Shown;
use crate::console::model::search::field;
use crate::console::view::alert_detail;
use crate::console::view::canvas::Canvas;
use crate::console::view::level_sign;
use crate::wire::alert::AlertRow;
use crate::wire::alert::AlertStatus;

/// Draws the screen.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let panes = layout.panes(model.alerts.focus);
    if !panes.list.is_empty() {
        draw_list(model, panes.list, canvas);
    }
    if !panes.detail.is_empty() {
        let is_whole = layout.shape != Shape::Stacked || model.alerts.focus == Pane::Detail;
        alert_detail::draw(model, panes.detail, is_whole, canvas);
    }
    if !panes.around.is_empty() {
        draw_around(model, panes.around, canvas);
    }
}

fn draw_list(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let alerts = &model.alerts;
    let theme = canvas.theme;
    let place = alerts.offset + alerts.scroll.cursor as u64 + 1;
    let title = format!("{} {}/{}", model.text(Text::AlertGroups), place.min(alerts.total), alerts.total);
    let inside = canvas.frame(area, &title, alerts.focus == Pane::List);
    let (left, rule, entity, host) = widths(inside.width);
    let head = [
        (" !", 4),
        (model.text(Text::ColumnRisk), 6),
        (model.text(Text::ColumnAge), 4),
        (model.text(Text::ColumnSla), left),
        (model.text(Text::ColumnCount), 5),
        (model.text(Text::ColumnRule), rule),
        (model.text(Text::ColumnEntity), entity),
        (model.text(Text::ColumnHost), host),
        (model.text(Text::ColumnOwner), 6),
    ];
    let head: Vec<_> = head.iter().filter(|cell| cell.1 > 0).map(|cell| (cell.0, cell.1, theme.dim)).collect();
    canvas.put_cells(inside.x, inside.y, inside.width, &head);
    if alerts.rows.is_empty() {
        let text = if alerts.is_loaded { Text::NoAlerts } else { Text::Loading };
        canvas.put(inside.x + 1, inside.y + 1, inside.width.saturating_sub(1), model.text(text), theme.dim);
        return;
    }
    let shown = alerts.rows.iter().enumerate().skip(alerts.scroll.top);
    for (y, (index, row)) in (inside.top() + 1..inside.bottom()).zip(shown) {
        draw_row(model, row, index == alerts.scroll.cursor, Rect { y, height: 1, ..inside }, canvas);
    }
}

/// Returns the widths of the time left, rule, entity and host; when there is no room the host goes first, then the time left.
fn widths(width: u16) -> (u16, u16, u16, u16) {
    let left = if width < 70 { 0 } else { 4 };
    let room = width.saturating_sub(4 + 6 + 4 + left + 5 + 6 + 7 + left.min(1));
    match room {
        ..56 => (left, room.saturating_sub(room * 2 / 5), room * 2 / 5, 0),
        56..70 => (left, room - 30, 16, 13),
        _ => (left, room - 34, 18, 15),
    }
}

fn draw_row(model: &Model, row: &AlertRow, has_cursor: bool, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let (letter, level_style) = level_sign(&canvas.theme, &row.level);
    let is_marked = model.alerts.all_marked || model.alerts.marked.contains(&row.id);
    // One more column than a mark needs: others look at what is marked as well.
    let is_looked_at = model.presence.at(Shown::Alert(row.id)).next().is_some();
    let sign = format!(
        "{}{letter}{}{}",
        if has_cursor { '>' } else { ' ' },
        if is_marked { '*' } else { ' ' },
        if is_looked_at { '@' } else { ' ' }
    );
    let style = if row.status == AlertStatus::Closed { theme.dim } else { theme.text };
    let (left_width, rule, entity, host) = widths(area.width);
    let owner = match row.status {
        AlertStatus::Closed => model.text(Text::ShortClosed),
        AlertStatus::Escalated => model.text(Text::ShortEscalated),
        AlertStatus::New | AlertStatus::Taken => row.owner.as_deref().unwrap_or("-"),
    };
    // Only what nobody has taken has a time that runs out.
    let left = row.due.as_deref().and_then(|due| format::left(model.now, due));
    let (left, left_style) = match left {
        Some((left, true)) => (left, theme.danger),
        Some((left, false)) => (left, style),
        None => ("-".to_owned(), theme.dim),
    };
    let (risk, age, count) = (row.risk.to_string(), format::age(model.now, &row.raised), format::count(row.count));
    let cells = [
        (sign.as_str(), 4, level_style),
        (risk.as_str(), 6, style),
        (age.as_str(), 4, style),
        (left.as_str(), left_width, left_style),
        (count.as_str(), 5, style),
        (model.lang.choose(&row.title, row.title_vi.as_deref()), rule, style),
        (row.entity.as_str(), entity, style),
        (row.host.as_deref().unwrap_or("-"), host, style),
        (owner, 6, style),
    ];
    let cells: Vec<_> = cells.into_iter().filter(|cell| cell.1 > 0).collect();
    canvas.put_cells(area.x, area.y, area.width, &cells);
    if has_cursor {
        canvas.paint(area, theme.selected);
        if model.alerts.focus == Pane::List {
            canvas.set_cursor(area.x, area.y);
        }
    }
}

fn draw_around(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let around = &model.alerts.around;
    let theme = canvas.theme;
    let chosen = around.conditions.get(around.chosen);
    let condition = chosen.map(|(name, value)| format!("{name}={value}")).unwrap_or_default();
    let title =
        format!("{}  +-{}m  {condition}  ({})", model.text(Text::Around), around.minutes, model.text(Text::AroundKeys));
    let has_focus = model.alerts.focus == Pane::Around;
    let inside = canvas.frame(area, &title, has_focus);
    if let Some(histogram) = &around.histogram {
        let width = usize::from(inside.width.saturating_sub(32)).min(100);
        let bars = format::sparkline(&histogram.counts, width, model.ascii);
        let used = canvas.put(inside.x, inside.y, inside.width, &bars, theme.focus);
        let span = format!(
            "  {} .. {}",
            format::date(&model.zone, &histogram.since),
            format::date(&model.zone, &histogram.until)
        );
        canvas.put(inside.x + used, inside.y, inside.width.saturating_sub(used), &span, theme.dim);
    }
    if around.events.is_empty() {
        let text = match &around.problem {
            Some(problem) => problem.as_str(),
            None if around.is_loading => model.text(Text::Loading),
            None => model.text(Text::NoEvents),
        };
        canvas.put(inside.x, inside.y + 1, inside.width, text, theme.dim);
        return;
    }
    let ids = model.alerts.focused().map(|row| row.events.as_slice()).unwrap_or_default();
    let shown = around.events.iter().enumerate().skip(around.scroll.top);
    for (y, (index, event)) in (inside.top() + 1..inside.bottom()).zip(shown) {
        let id = event.get("longan.id").and_then(serde_json::Value::as_u64);
        let is_own = id.is_some_and(|id| ids.contains(&id));
        let time = format::moment(&model.zone, &field(event, "@timestamp").unwrap_or_default());
        let style = if is_own { theme.matched } else { theme.text };
        canvas.put(inside.x, y, 1, if is_own { "!" } else { " " }, style);
        let used = 1 + canvas.put(inside.x + 1, y, 14, &time, theme.dim);
        let line = super::search::line_of(event);
        canvas.put(inside.x + used + 1, y, inside.width.saturating_sub(used + 1), &line, style);
        if has_focus && index == around.scroll.cursor {
            canvas.paint(Rect { y, height: 1, ..inside }, theme.selected);
            canvas.set_cursor(inside.x, y);
        }
    }
}
