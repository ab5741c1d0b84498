//! The table of a query with pipes: a header, the columns as wide as their cells, bars for the first figure.

use ratatui::layout::Rect;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use crate::console::look::format;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::search::SearchFocus;
use crate::console::model::search::plain;
use crate::console::view::canvas::Canvas;
use crate::wire::search::SearchTable;
use crate::wire::search::TableShape;

const CELL_WIDTH_MAX: usize = 40;
const BAR_WIDTH: u16 = 20;

/// Draws the rows that fit, below one line of column names.
pub(super) fn draw(model: &Model, table: &SearchTable, area: Rect, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let search = &model.search;
    if table.rows.is_empty() {
        canvas.put(area.x, area.y, area.width, model.text(Text::NothingFound), theme.dim);
        return;
    }
    let height = usize::from(area.height.saturating_sub(1));
    // The header takes a line that the cursor does not know of.
    let top =
        if search.scroll.cursor >= search.scroll.top + height { search.scroll.top + 1 } else { search.scroll.top };
    let shown: Vec<Vec<String>> = table
        .rows
        .iter()
        .skip(top)
        .take(height)
        .map(|row| (0..table.columns.len()).map(|column| text_of(model, row.get(column))).collect())
        .collect();
    let widths: Vec<u16> = (0..table.columns.len())
        .map(|column| {
            let cells = shown.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
            let name = table.columns.get(column).map_or(0, |name| name.width());
            u16::try_from(cells.chain([name]).max().unwrap_or(0).min(CELL_WIDTH_MAX)).unwrap_or(0)
        })
        .collect();
    let header: Vec<_> =
        table.columns.iter().zip(&widths).map(|(name, width)| (name.as_str(), *width, theme.dim)).collect();
    canvas.put_cells(area.x + 1, area.y, area.width.saturating_sub(1), &header);
    let bar = bar_column(table);
    let most = bar.map_or(0.0, |column| table.rows.iter().map(|row| number(row, column)).fold(0.0, f64::max));
    let used: u16 = widths.iter().map(|width| width + 1).fold(1, u16::saturating_add);
    for (y, (index, cells)) in (area.top() + 1..area.bottom()).zip((top..).zip(&shown)) {
        let has_cursor = index == search.scroll.cursor;
        canvas.put(area.x, y, 1, if has_cursor { ">" } else { " " }, theme.focus);
        let cells: Vec<_> =
            cells.iter().zip(&widths).map(|(cell, width)| (cell.as_str(), *width, theme.text)).collect();
        canvas.put_cells(area.x + 1, y, area.width.saturating_sub(1), &cells);
        let share = bar.and_then(|column| Some(number(table.rows.get(index)?, column) / most)).filter(|_| most > 0.0);
        if let Some(share) = share.filter(|_| used < area.width) {
            let sign = if model.ascii { "#" } else { "█" };
            let length = (share * f64::from(BAR_WIDTH)).round().clamp(0.0, f64::from(BAR_WIDTH)) as usize;
            canvas.put(area.x + used, y, area.width - used, &sign.repeat(length), theme.focus);
        }
        if has_cursor {
            canvas.paint(Rect { y, height: 1, ..area }, theme.selected);
            if search.focus == SearchFocus::Rows {
                canvas.set_cursor(area.x, y);
            }
        }
    }
}

fn text_of(model: &Model, cell: Option<&Value>) -> String {
    match cell {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if text.ends_with('Z') && text.contains('T') => format::date(&model.zone, text),
        Some(cell) => plain(cell),
    }
}

fn number(row: &[Value], column: usize) -> f64 {
    row.get(column).and_then(Value::as_f64).unwrap_or(0.0)
}

/// The first column of nothing but numbers whose name is no field's.
fn bar_column(table: &SearchTable) -> Option<usize> {
    let is_figure = |column: &usize| {
        let is_number = |row: &Vec<Value>| row.get(*column).is_none_or(|cell| cell.is_number() || cell.is_null());
        let name = table.columns.get(*column).map(String::as_str).unwrap_or_default();
        (!name.contains('.') || name.contains('(')) && table.rows.iter().all(is_number)
    };
    (table.shape != TableShape::Events).then(|| (0..table.columns.len()).find(is_figure))?
}
