//! Screen 5: inputs, and the sources behind them with what is unlike themselves.
//!
//! ```text
//! ┌─ Inputs 3 (or the source under the cursor) ──────────────┐
//! │Input   Place           Received Stored Rejected Dropped  │
//! └──────────────────────────────────────────────────────────┘
//! ┌─ Log sources 1/212  by state ────────────────────────────┐
//! │S Source  Input  Events  Parsed  State  Last  ▁▁▂▁▁▇▁     │
//! └──────────────────────────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::look::format;
use crate::console::look::format::fill;
use crate::console::look::layout::Layout;
use crate::console::look::layout::Pane;
use crate::console::look::layout::Shape;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::lists::last_hour;
use crate::console::view::canvas::Canvas;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::piece;
use crate::console::view::canvas::wrap;
use crate::console::view::short_input;
use crate::wire::source::SourceRow;

/// Columns of an input's name.
const INPUT_WIDTH: u16 = 20;

/// Draws screen 5.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let body = layout.body;
    let rows = upper_rows(model, body.height);
    let upper = (rows + 3).min(body.height);
    let (inputs, sources) = match (layout.shape, model.sources.focus) {
        (Shape::OnePane, Pane::List) => (Rect::default(), body),
        (Shape::OnePane, _) => (body, Rect::default()),
        _ => (Rect { height: upper, ..body }, Rect { y: body.y + upper, height: body.height - upper, ..body }),
    };
    match model.sources.focused().filter(|_| model.sources.is_open) {
        _ if inputs.is_empty() => {}
        Some(source) => draw_detail(model, source, inputs, canvas),
        None => draw_inputs(model, inputs, canvas),
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
    /// Last hour and usual hour; nothing where there is no room.
    usual: u16,
    rest: u16,
}

/// Columns of the sign and of the word for a source's state.
const SIGN: u16 = 1;
const STATE: u16 = 8;

impl SourceColumns {
    fn of(width: u16) -> SourceColumns {
        let (name, input) = if width < 120 { (17, 10) } else { (30, 20) };
        let usual = if width < 120 { 0 } else { 13 };
        let rest = width.saturating_sub(SIGN + name + input + 7 + 6 + 4 + STATE + usual + 8);
        SourceColumns { name, input, usual, rest }
    }
}

fn draw_source_list(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let sources = &model.sources;
    let has_focus = sources.focus == Pane::List;
    let silent = sources.sources.iter().filter(|source| source.is_silent && source.muted.is_none()).count();
    let place = (sources.scroll.cursor + 1).min(sources.shown.len());
    let silent = fill(model.text(Text::SilentCount), &[&silent.to_string()]);
    let order = fill(model.text(Text::SortedBy), &[model.text(sources.sort.name())]);
    let title = format!("{} {place}/{}  {silent}  {order}", model.text(Text::SourcesTitle), sources.shown.len());
    let inside = canvas.frame(area, &title, has_focus);
    let columns = SourceColumns::of(inside.width);
    let head = [
        ("", SIGN, theme.dim),
        (model.text(Text::ColumnSource), columns.name, theme.dim),
        (model.text(Text::ColumnInput), columns.input, theme.dim),
        (model.text(Text::ColumnEvents), 7, theme.dim),
        (model.text(Text::ColumnParsed), 6, theme.dim),
        (model.text(Text::ColumnLast), 4, theme.dim),
        (model.text(Text::ColumnState), STATE, theme.dim),
        (model.text(Text::ColumnUsual), columns.usual, theme.dim),
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
    let (sign, state, style) = state_of(model, row);
    let usual = match row.usual_per_hour {
        Some(usual) => format!("{}/{}", format::count(last_hour(row)), format::count(usual)),
        None => format!("{}/?", format::count(last_hour(row))),
    };
    let cells = [
        (sign, SIGN, style),
        (short_input(&row.name), columns.name, theme.text),
        (short_input(&row.input), columns.input, theme.dim),
        (events.as_str(), 7, theme.text),
        (share.as_str(), 6, if row.unparsed > 0 { theme.warning } else { theme.text }),
        (last.as_str(), 4, theme.text),
        (state, STATE, style),
        (usual.as_str(), columns.usual, theme.text),
        (tail.as_str(), columns.rest, theme.focus),
    ];
    canvas.put_cells(area.x, area.y, area.width, &cells);
}

/// The detail takes half of the screen, the inputs a third.
fn upper_rows(model: &Model, height: u16) -> u16 {
    let part = if model.sources.is_open { 2 } else { 3 };
    (height.saturating_sub(3) / part).max(1)
}

/// The sign, word and style of what is worst about a source.
fn state_of(model: &Model, row: &SourceRow) -> (&'static str, &'static str, Style) {
    let theme = model.theme;
    if row.muted.is_some() {
        return ("M", model.text(Text::Muted), theme.dim);
    }
    let worst = row.conditions.first().map_or(if row.is_silent { "silent" } else { "" }, String::as_str);
    match worst {
        "silent" => ("S", model.text(Text::Silent), theme.danger),
        "gaps" => ("G", model.text(Text::ConditionGaps), theme.danger),
        "clock" => ("C", model.text(Text::ConditionClock), theme.warning),
        "unparsed" => ("U", model.text(Text::ConditionUnparsed), theme.warning),
        "drop" => ("D", model.text(Text::ConditionDrop), theme.warning),
        "surge" => ("R", model.text(Text::ConditionSurge), theme.warning),
        _ if row.is_learning => ("~", "", theme.dim),
        _ => (" ", "", theme.text),
    }
}

/// Says in words what is wrong with a source.
fn states(model: &Model, row: &SourceRow) -> String {
    let word = |condition: &String| match condition.as_str() {
        "silent" => model.text(Text::Silent).to_owned(),
        "gaps" => model.text(Text::ConditionGaps).to_owned(),
        "clock" => model.text(Text::ConditionClock).to_owned(),
        "unparsed" => model.text(Text::ConditionUnparsed).to_owned(),
        "drop" => model.text(Text::ConditionDrop).to_owned(),
        "surge" => model.text(Text::ConditionSurge).to_owned(),
        other => other.to_owned(),
    };
    let mut words: Vec<String> = row.conditions.iter().map(word).collect();
    if words.is_empty() {
        words.push(model.text(if row.is_learning { Text::Learning } else { Text::AllWell }).to_owned());
    }
    words.join(", ")
}

fn draw_detail(model: &Model, row: &SourceRow, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let from = row.peer.as_deref().filter(|peer| *peer != row.name).map(|peer| format!(" ({peer})"));
    let title = format!("{}{}  {}", row.name, from.unwrap_or_default(), row.input);
    let inside = canvas.frame(area, &title, model.sources.focus != Pane::List);
    let mut lines: Vec<Line> = Vec::new();
    for (name, value) in figures(model, row) {
        let line = [piece(format!("{:<15}", model.text(name)), theme.dim), piece(value, theme.text)];
        lines.extend(wrap(&line, inside.width));
    }
    if !row.shapes.is_empty() {
        lines.push(vec![piece(model.text(Text::UnreadShapes), theme.dim)]);
    }
    for shape in &row.shapes {
        lines.push(vec![
            piece(format!("{:>3}% ", shape.percent), theme.warning),
            piece(shape.text.as_str(), theme.text),
        ]);
    }
    lines.push(vec![piece(model.text(Text::LastLines), theme.dim)]);
    for event in &model.sources.lines {
        let text = |name: &str| event.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let unread = if text("longan.parse.error").is_empty() { theme.text } else { theme.warning };
        let time = format::moment(&model.zone, text("@timestamp"));
        lines.push(vec![piece(format!("{time} "), theme.dim), piece(text("event.original"), unread)]);
    }
    canvas.put_lines(inside, &lines, 0);
}

/// The figures of a source's detail, each with its name.
fn figures(model: &Model, row: &SourceRow) -> Vec<(Text, String)> {
    let hour = last_hour(row).to_string();
    let rate = match row.usual_per_hour {
        Some(usual) => fill(model.text(Text::SourceUsual), &[&hour, &usual.to_string()]),
        None => fill(model.text(Text::SourceUsualUnknown), &[&hour]),
    };
    let mut figures = vec![(Text::SourceState, states(model, row)), (Text::SourceRate, rate)];
    if let Some(mute) = &row.muted {
        let until = format::date(&model.zone, &mute.until);
        figures.push((Text::SourceMuted, format!("{until}, {}: {}", mute.by, mute.reason)));
    }
    if let Some(seconds) = row.silent_after_seconds {
        let span = |seconds| format::span(i64::try_from(seconds).unwrap_or(i64::MAX));
        figures.push((Text::SourceSilentAfter, format!("{} ({})", span(seconds), span(row.silent_seconds))));
    }
    if let Some(percent) = row.unparsed_percent {
        figures.push((Text::SourceUnparsed, format!("{percent}%  ({}/{})", row.unparsed, row.events)));
    }
    if let Some(skew) = row.clock_skew_ms {
        let seconds = (skew / 1000).to_string();
        let text = if row.clock_looks_like_zone {
            fill(model.text(Text::SourceZone), &[&seconds])
        } else {
            format!("{seconds} s")
        };
        figures.push((Text::SourceClock, text));
    }
    if row.missing > 0 {
        figures.push((Text::SourceMissing, row.missing.to_string()));
    }
    figures.push((Text::SourcePacks, row.parsers.join(", ")));
    figures
}
