//! Screens 4 to 7: rules, sources, and what audit and reports can truthfully say today.
//!
//! ```text
//! ┌─ Inputs 3 ───────────────────────────────────────────────┐
//! │Input   Place           Received Stored Rejected Dropped  │
//! └──────────────────────────────────────────────────────────┘
//! ┌─ Log sources 1/212 ──────────────────────────────────────┐
//! │! Source  Input  Events  Unparsed  Last  ▁▁▂▁▁▇▁          │
//! └──────────────────────────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use crate::console::look::format;
use crate::console::look::format::fill;
use crate::console::look::layout::Layout;
use crate::console::look::layout::Pane;
use crate::console::look::layout::Shape;
use crate::console::look::text::Text;
use crate::console::look::words;
use crate::console::model::Model;
use crate::console::view::canvas::Canvas;
use crate::console::view::canvas::piece;
use crate::console::view::canvas::wrap;
use crate::console::view::level_sign;
use crate::console::view::short_input;
use crate::wire::source::SourceRow;

/// Columns of an input's name.
const INPUT_WIDTH: u16 = 20;

/// Draws screen 5.
pub(super) fn draw_sources(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let body = layout.body;
    let rows = (body.height.saturating_sub(3) / 3).max(1);
    let upper = (rows + 3).min(body.height);
    let (inputs, sources) = match (layout.shape, model.sources.focus) {
        (Shape::OnePane, Pane::List) => (Rect::default(), body),
        (Shape::OnePane, _) => (body, Rect::default()),
        _ => (Rect { height: upper, ..body }, Rect { y: body.y + upper, height: body.height - upper, ..body }),
    };
    if !inputs.is_empty() {
        draw_inputs(model, inputs, canvas);
    }
    if !sources.is_empty() {
        draw_source_list(model, sources, canvas);
    }
}

fn draw_inputs(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let sources = &model.sources;
    let has_focus = sources.focus != Pane::List;
    let title = format!("{} {}", model.text(Text::Inputs), sources.inputs.len());
    let inside = canvas.frame(area, &title, has_focus);
    let place = inside.width.saturating_sub(INPUT_WIDTH + 8 * 4 + 6 + 6);
    let head = [
        (model.text(Text::ColumnInput), INPUT_WIDTH, theme.dim),
        (model.text(Text::ColumnReceived), 8, theme.dim),
        (model.text(Text::ColumnStored), 8, theme.dim),
        (model.text(Text::ColumnRejected), 8, theme.dim),
        (model.text(Text::ColumnDropped), 8, theme.dim),
        (model.text(Text::ColumnConnections), 6, theme.dim),
        (model.text(Text::ColumnPlace), place, theme.dim),
    ];
    canvas.put_cells(inside.x, inside.y, inside.width, &head);
    let shown = sources.inputs.iter().enumerate().skip(sources.inputs_scroll.top);
    for (y, (index, row)) in (inside.top() + 1..inside.bottom()).zip(shown) {
        let numbers = [row.received, row.stored, row.rejected, row.dropped, row.connections].map(format::count);
        let lost = if row.dropped > 0 { theme.danger } else { theme.text };
        let refused = if row.rejected > 0 { theme.warning } else { theme.text };
        let acknowledges = if row.acknowledges {
            format!("{} ({})", row.place, model.text(Text::Acknowledges))
        } else {
            row.place.clone()
        };
        let cells = [
            (short_input(&row.name), INPUT_WIDTH, theme.text),
            (numbers[0].as_str(), 8, theme.text),
            (numbers[1].as_str(), 8, theme.text),
            (numbers[2].as_str(), 8, refused),
            (numbers[3].as_str(), 8, lost),
            (numbers[4].as_str(), 6, theme.text),
            (acknowledges.as_str(), place, theme.dim),
        ];
        canvas.put_cells(inside.x, y, inside.width, &cells);
        if has_focus && index == sources.inputs_scroll.cursor {
            canvas.paint(Rect { y, height: 1, ..inside }, theme.selected);
            canvas.set_cursor(inside.x, y);
        }
    }
}

/// The widths of a source's columns that depend on the room there is.
#[derive(Debug, Clone, Copy)]
struct SourceColumns {
    name: u16,
    input: u16,
    rest: u16,
}

impl SourceColumns {
    fn of(width: u16) -> SourceColumns {
        let (name, input) = if width < 120 { (19, 10) } else { (30, 20) };
        SourceColumns { name, input, rest: width.saturating_sub(name + input + 7 + 6 + 4 + 7 + 6) }
    }
}

fn draw_source_list(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let sources = &model.sources;
    let has_focus = sources.focus == Pane::List;
    let silent = sources.sources.iter().filter(|source| source.is_silent).count();
    let place = (sources.scroll.cursor + 1).min(sources.shown.len());
    let silent = fill(model.text(Text::SilentCount), &[&silent.to_string()]);
    let title = format!("{} {place}/{}  {silent}", model.text(Text::SourcesTitle), sources.shown.len());
    let inside = canvas.frame(area, &title, has_focus);
    let columns = SourceColumns::of(inside.width);
    let head = [
        (model.text(Text::ColumnSource), columns.name, theme.dim),
        (model.text(Text::ColumnInput), columns.input, theme.dim),
        (model.text(Text::ColumnEvents), 7, theme.dim),
        (model.text(Text::ColumnParsed), 6, theme.dim),
        (model.text(Text::ColumnLast), 4, theme.dim),
        ("", 7, theme.dim),
        (model.text(Text::ColumnHour), columns.rest, theme.dim),
    ];
    canvas.put_cells(inside.x, inside.y, inside.width, &head);
    if !sources.is_loaded {
        canvas.put(inside.x, inside.y + 1, inside.width, model.text(Text::Loading), theme.dim);
    }
    let shown = sources.shown.iter().enumerate().skip(sources.scroll.top);
    for (y, (index, place)) in (inside.top() + 1..inside.bottom()).zip(shown) {
        let Some(row) = sources.sources.get(*place) else { continue };
        draw_source(model, row, Rect { y, height: 1, ..inside }, columns, canvas);
        if has_focus && index == sources.scroll.cursor {
            canvas.paint(Rect { y, height: 1, ..inside }, theme.selected);
            canvas.set_cursor(inside.x, y);
        }
    }
}

fn draw_source(model: &Model, row: &SourceRow, area: Rect, columns: SourceColumns, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let counts: Vec<u64> = row.per_minute.iter().map(|count| u64::from(*count)).collect();
    let bars = format::sparkline(&counts, usize::from(columns.rest.min(60)), model.ascii);
    let mut tail = format!("{bars} {}", row.parsers.join(","));
    if let Some(skew) = row.clock_skew_ms.filter(|skew| skew.unsigned_abs() >= 2000) {
        tail.push_str(&format!("  {}", fill(model.text(Text::Skew), &[&(skew / 1000).to_string()])));
    }
    // One line not read in a thousand must not look like none.
    let share = row.events.saturating_sub(row.unparsed).saturating_mul(100).checked_div(row.events).unwrap_or(100);
    let (events, share) = (format::count(row.events), format!("{share}%"));
    let last = format::span(i64::try_from(row.silent_seconds).unwrap_or(i64::MAX));
    let cells = [
        (short_input(&row.name), columns.name, theme.text),
        (short_input(&row.input), columns.input, theme.dim),
        (events.as_str(), 7, theme.text),
        (share.as_str(), 6, if row.unparsed > 0 { theme.warning } else { theme.text }),
        (last.as_str(), 4, theme.text),
        (if row.is_silent { model.text(Text::Silent) } else { "" }, 7, theme.danger),
        (tail.as_str(), columns.rest, theme.focus),
    ];
    canvas.put_cells(area.x, area.y, area.width, &cells);
}

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

/// Draws screen 6.
pub(super) fn draw_audit(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let inside = canvas.frame(layout.body, model.text(Text::ScreenAudit), true);
    let lines = wrap(&[piece(model.text(Text::AuditNote), canvas.theme.text)], inside.width);
    canvas.put_lines(inside, &lines, 0);
}

/// Draws screen 7.
pub(super) fn draw_reports(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let inside = canvas.frame(layout.body, model.text(Text::ScreenReports), true);
    let mut lines = wrap(&[piece(model.text(Text::ReportsNote), theme.text)], inside.width);
    lines.push(Vec::new());
    let Some(status) = &model.status else {
        lines.push(vec![piece(model.text(Text::Loading), theme.dim)]);
        return canvas.put_lines(inside, &lines, 0);
    };
    let levels: Vec<String> = status
        .alerts_by_level
        .iter()
        .map(|(level, count)| format!("{} {count}", words::word(model.lang, level)))
        .collect();
    let mebibytes = |bytes: u64| format!("{} MiB", bytes / (1024 * 1024));
    let figures = [
        (Text::FigureVersion, status.version.clone()),
        (Text::FigureStarted, format::date(&model.zone, &status.started)),
        (Text::FigureStored, status.events_stored.to_string()),
        (Text::FigureOpen, format!("{}  {}", status.open_alerts, levels.join("  "))),
        (Text::FigureRules, status.rules_loaded.to_string()),
        (Text::FigurePacks, status.packs_loaded.to_string()),
        (Text::FigureDisk, format!("{} / {}", mebibytes(status.disk_used_bytes), mebibytes(status.disk_free_bytes))),
        (Text::FigureMemory, mebibytes(status.memory_bytes)),
        (Text::FigureProblems, status.problems.len().to_string()),
    ];
    for (name, value) in figures {
        lines.push(vec![piece(format!("  {:<24}", model.text(name)), theme.dim), piece(value, theme.text)]);
    }
    lines.extend(status.problems.iter().map(|problem| vec![piece(format!("    {problem}"), theme.warning)]));
    canvas.put_lines(inside, &lines, 0);
}
