//! Screen 3: the query, what it cost or what is wrong with it, the histogram, the events, one event's fields.
//!
//! ```text
//! ┌─ Events 1/200 ──────────────────────────────────────────┐
//! │Query> user.name:root                         Since: 24h │
//! │3/90 partitions, 4 ms                                    │
//! │▁▁▁▂▁▁▇█▁▁                                               │
//! │12/08 14:00 .. 12/08 15:00                               │
//! │>12/08 14:01:02.377 srv-1 Failed password for root …     │
//! └─────────────────────────────────────────────────────────┘
//! ```

mod table;

use ratatui::layout::Rect;

use crate::console::look::format;
use crate::console::look::format::fill;
use crate::console::look::layout::Layout;
use crate::console::look::layout::Shape;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::completion::Completion;
use crate::console::model::search::SearchFocus;
use crate::console::model::search::field;
use crate::console::model::search::plain;
use crate::console::msg::EventObject;
use crate::console::view::canvas::Canvas;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::piece;
use crate::console::view::short_input;

/// Columns of the field sidebar.
const SIDEBAR_WIDTH: u16 = 40;

/// Columns of the cursor's sign and the time.
const ROW_HEAD: u16 = 21;

/// Chosen columns take half of a row at most.
fn column_width(row: u16, columns: usize) -> u16 {
    let columns = u16::try_from(columns.max(1)).unwrap_or(u16::MAX);
    (row.saturating_sub(ROW_HEAD) / 2 / columns).clamp(6, 24)
}

/// Returns an event as one line: host or where it came in, then message or raw line.
pub(super) fn line_of(event: &EventObject) -> String {
    let named = ["host.name", "host.hostname", "observer.name"].iter().find_map(|name| field(event, name));
    let host = named.or_else(|| field(event, "longan.input").map(|input| short_input(&input).to_owned()));
    let text = field(event, "message").or_else(|| field(event, "event.original")).unwrap_or_default();
    format!("{} {text}", host.unwrap_or_default())
}

/// Draws the screen.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let search = &model.search;
    let mut body = layout.body;
    let with_sidebar = layout.shape == Shape::Wide && !search.events.is_empty();
    if with_sidebar {
        body.width -= SIDEBAR_WIDTH;
        draw_sidebar(model, Rect { x: body.right(), width: SIDEBAR_WIDTH, ..layout.body }, canvas);
    }
    let inside = canvas.frame(body, &title(model), search.focus != SearchFocus::Query);
    draw_query(model, inside, canvas);
    let rows = Rect { y: inside.y + 4, height: inside.height.saturating_sub(4), ..inside };
    match search.focus {
        SearchFocus::Event => draw_event(model, rows, canvas),
        SearchFocus::Query | SearchFocus::Rows => match &search.table {
            Some(table) => table::draw(model, table, rows, canvas),
            None => draw_rows(model, rows, canvas),
        },
    }
}

fn title(model: &Model) -> String {
    let search = &model.search;
    if search.focus == SearchFocus::Event {
        return format!("{} ({})", model.text(Text::EventFields), model.text(Text::EventFieldKeys));
    }
    if let Some(table) = &search.table {
        return format!(
            "{} {}/{}",
            model.text(Text::TableRows),
            (search.scroll.cursor + 1).min(table.rows.len()),
            table.rows.len()
        );
    }
    let more = if search.next.is_some() { "+" } else { "" };
    let place = (search.scroll.cursor + 1).min(search.events.len());
    let mut title = format!("{} {place}/{}{more}", model.text(Text::Events), search.events.len());
    if search.is_tailing {
        let follows = search.scroll.cursor + 1 >= search.events.len();
        let state = if follows { Text::TailOn } else { Text::TailPaused };
        title.push_str(&format!("  {}", model.text(state)));
        if search.missed > 0 {
            title.push_str(&format!("  {}", fill(model.text(Text::TailMissed), &[&search.missed.to_string()])));
        }
    } else if search.next.is_some() {
        title.push_str(&format!("  {}", model.text(Text::MoreBelow)));
    }
    title
}

fn draw_query(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let search = &model.search;
    let theme = canvas.theme;
    let since = search.since.as_deref().unwrap_or(model.text(Text::Everything));
    let since = format::date(&model.zone, since);
    let until = search.until.as_deref().map(|until| format!(" .. {}", format::date(&model.zone, until)));
    let until = until.unwrap_or_default();
    let span = format!("{}: {since}{until}", model.text(Text::Since));
    let span_width = u16::try_from(span.chars().count()).unwrap_or(0).min(area.width / 2);
    let has_focus = search.focus == SearchFocus::Query;
    let prompt = format!("{}> ", model.text(Text::Query));
    let used = canvas.put(area.x, area.y, area.width, &prompt, if has_focus { theme.focus } else { theme.dim });
    let room = area.width.saturating_sub(used + span_width + 1);
    let column = u16::try_from(search.query.cursor_column()).unwrap_or(u16::MAX);
    // A long query is shown from where its cursor is still visible.
    let skipped = usize::from(column.saturating_sub(room.saturating_sub(1)));
    let shown: String = search.query.text().chars().skip(skipped).collect();
    canvas.put(area.x + used, area.y, room, &shown, theme.text);
    canvas.put(area.right().saturating_sub(span_width), area.y, span_width, &span, theme.dim);
    if has_focus {
        canvas.set_cursor(area.x + used + column.min(room.saturating_sub(1)), area.y);
    }
    draw_outcome(model, Rect { y: area.y + 1, ..area }, used, skipped, canvas);
    if let Some(histogram) = &search.histogram {
        let bars = format::sparkline(&histogram.counts, usize::from(area.width), model.ascii);
        canvas.put(area.x, area.y + 2, area.width, &bars, theme.focus);
        let most = histogram.counts.iter().max().copied().unwrap_or(0);
        let total = histogram.counts.iter().fold(0u64, |sum, count| sum.saturating_add(*count));
        let (since, until) = (format::date(&model.zone, &histogram.since), format::date(&model.zone, &histogram.until));
        let legend = format!("{since} .. {until}   n={total}  max={most}");
        canvas.put(area.x, area.y + 3, area.width, &legend, theme.dim);
    }
}

/// The line below the query: the error with a caret under its place, or what the search cost.
fn draw_outcome(model: &Model, area: Rect, prompt: u16, skipped: usize, canvas: &mut Canvas<'_>) {
    let search = &model.search;
    let theme = canvas.theme;
    if let Some(failure) = &search.failure {
        let mut x = area.x;
        if let Some(column) = failure.column {
            let column = usize::try_from(column).unwrap_or(0).saturating_sub(1).saturating_sub(skipped);
            x = area.x.saturating_add(prompt).saturating_add(u16::try_from(column).unwrap_or(0));
            x = x.min(area.right().saturating_sub(12));
            canvas.put(x, area.y, 1, "^", theme.danger);
            x += 2;
        }
        let hint = failure.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        let text = format!("{}{hint}", failure.text);
        canvas.put(x, area.y, area.right().saturating_sub(x), &text, theme.danger);
        return;
    }
    if let Some(completion) = search.completion.as_ref().filter(|_| search.focus == SearchFocus::Query) {
        let line = completion_line(model, completion);
        canvas.put_line(area.x, area.y, area.width, &line);
        return;
    }
    let text = match &search.explain {
        _ if search.is_loading => {
            let since = search.asked_at.map_or(0, |at| model.now.duration_since(at).as_secs());
            fill(model.text(Text::SearchRunning), &[&since.to_string()])
        }
        None if search.has_searched => String::new(),
        None => model.text(Text::PressEnter).to_owned(),
        Some(explain) => {
            let values = [explain.partitions_searched, explain.partitions_total, explain.elapsed_us / 1000];
            let [searched, total, elapsed] = values.map(|value| value.to_string());
            let mut text = fill(model.text(Text::Searched), &[&searched, &total, &elapsed]);
            if let Some(note) = search.table.as_ref().and_then(|table| table.notes.first()) {
                text = format!("{text}   {note}");
            }
            if let Some(reason) = &explain.partial {
                text = format!("! {}   {text}", fill(model.text(Text::Partial), &[reason]));
            }
            text
        }
    };
    canvas.put(area.x, area.y, area.width, &text, theme.dim);
}

/// The offers, from the chosen one on.
fn completion_line(model: &Model, completion: &Completion) -> Line {
    let theme = model.theme;
    if completion.candidates.is_empty() {
        let text = if completion.is_waiting { Text::CompletionWaiting } else { Text::CompletionNone };
        return vec![piece(model.text(text), theme.dim)];
    }
    let chosen = completion.chosen.unwrap_or(0);
    let offered = completion.candidates.iter().enumerate().skip(chosen);
    offered
        .map(|(index, text)| {
            let is_chosen = completion.chosen == Some(index);
            piece(format!("{text}  "), if is_chosen { theme.focus } else { theme.dim })
        })
        .collect()
}

fn draw_rows(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let search = &model.search;
    let theme = canvas.theme;
    if search.events.is_empty() && search.has_searched && !search.is_loading && search.failure.is_none() {
        let text = if search.is_tailing { Text::TailWaiting } else { Text::NothingFound };
        canvas.put(area.x, area.y, area.width, model.text(text), theme.dim);
    }
    let shown = search.events.iter().enumerate().skip(search.scroll.top);
    let columns = search.columns.as_slice();
    let width = column_width(area.width, columns.len());
    let mut top = area.top();
    if !columns.is_empty() {
        let cells: Vec<_> = columns.iter().map(|name| (name.as_str(), width, theme.dim)).collect();
        canvas.put_cells(area.x + ROW_HEAD, area.y, area.width.saturating_sub(ROW_HEAD), &cells);
        top += 1;
    }
    for (y, (index, event)) in (top..area.bottom()).zip(shown) {
        let has_cursor = index == search.scroll.cursor;
        let timestamp = field(event, "@timestamp").unwrap_or_default();
        let day = format::date(&model.zone, &timestamp);
        let time = format!("{} {}", day.get(..5).unwrap_or_default(), format::moment(&model.zone, &timestamp));
        canvas.put(area.x, y, 1, if has_cursor { ">" } else { " " }, theme.focus);
        canvas.put(area.x + 1, y, 19, &time, theme.dim);
        let values: Vec<String> = columns.iter().map(|name| field(event, name).unwrap_or_default()).collect();
        let mut cells: Vec<_> = values.iter().map(|value| (value.as_str(), width, theme.focus)).collect();
        let line = line_of(event);
        let used = u16::try_from(columns.len()).unwrap_or(u16::MAX).saturating_mul(width + 1);
        cells.push((line.as_str(), area.width.saturating_sub(ROW_HEAD + used), theme.text));
        canvas.put_cells(area.x + ROW_HEAD, y, area.width.saturating_sub(ROW_HEAD), &cells);
        if has_cursor {
            canvas.paint(Rect { y, height: 1, ..area }, theme.selected);
            if search.focus == SearchFocus::Rows {
                canvas.set_cursor(area.x, y);
            }
        }
    }
}

fn draw_event(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let search = &model.search;
    let theme = canvas.theme;
    let Some(event) = search.focused() else { return };
    let shown = event.iter().enumerate().skip(search.event_scroll.top);
    for (y, (index, (name, value))) in (area.top()..area.bottom()).zip(shown) {
        let has_cursor = index == search.event_scroll.cursor;
        canvas.put(area.x, y, 1, if has_cursor { ">" } else { " " }, theme.focus);
        canvas.put(area.x + 1, y, 30.min(area.width / 2), name, theme.dim);
        let x = area.x + 2 + 30.min(area.width / 2);
        canvas.put(x, y, area.right().saturating_sub(x), &plain(value), theme.text);
        if has_cursor {
            canvas.paint(Rect { y, height: 1, ..area }, theme.selected);
            canvas.set_cursor(area.x, y);
        }
    }
}

fn draw_sidebar(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let title = fill(model.text(Text::FieldsOfPage), &[&model.search.events.len().to_string()]);
    let inside = canvas.frame(area, &title, false);
    let mut y = inside.top();
    for field in &model.search.summary {
        if y >= inside.bottom() {
            break;
        }
        let count = field.count.to_string();
        let cells = [(field.name.as_str(), inside.width.saturating_sub(7), theme.text), (&count, 6, theme.dim)];
        canvas.put_cells(inside.x, y, inside.width, &cells);
        y += 1;
        for (value, times) in field.top.iter().take(usize::from(inside.bottom().saturating_sub(y))) {
            let (value, times) = (format!("  {value}"), times.to_string());
            let cells = [(value.as_str(), inside.width.saturating_sub(7), theme.focus), (times.as_str(), 6, theme.dim)];
            canvas.put_cells(inside.x, y, inside.width, &cells);
            y += 1;
        }
    }
}
