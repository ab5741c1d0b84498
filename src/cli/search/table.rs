//! The table of a query with pipes: aligned, with bars and sparklines for people, as objects or cells for programs.

use std::io;
use std::io::Write;

use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use crate::cli::search::csv_cell;
use crate::model::SafeText;
use crate::model::write_safe_json;
use crate::wire::search::SearchTable;
use crate::wire::search::TableShape;

/// A cell is cut here in a table for people.
const CELL_WIDTH_MAX: usize = 60;
const BAR_WIDTH: usize = 20;
/// Columns of a sparkline.
const SPARK_WIDTH: usize = 60;
/// Used when the output is no terminal, or does not tell.
const WIDTH: usize = 160;

/// Returns how many columns the terminal has.
pub(super) fn terminal_width() -> usize {
    crossterm::terminal::size().map_or(WIDTH, |(columns, _)| usize::from(columns)).max(40)
}

/// Writes one object a row, without the cells that are empty.
pub(super) fn write_json(out: &mut impl Write, table: &SearchTable) -> io::Result<()> {
    for row in &table.rows {
        let cells = table.columns.iter().cloned().zip(row.iter().cloned());
        let object: serde_json::Map<String, Value> = cells.filter(|(_, cell)| !cell.is_null()).collect();
        write_safe_json(&mut *out, &object)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Writes RFC 4180 with a header; nothing in a cell can become a formula.
pub(super) fn write_csv(out: &mut impl Write, table: &SearchTable) -> io::Result<()> {
    let header: Vec<String> = table.columns.iter().map(|name| csv_cell(name)).collect();
    writeln!(out, "{}", header.join(","))?;
    for row in &table.rows {
        let cell = |index: usize| row.get(index).map(text_of).unwrap_or_default();
        let cells: Vec<String> = (0..table.columns.len()).map(|index| csv_cell(&cell(index))).collect();
        writeln!(out, "{}", cells.join(","))?;
    }
    Ok(())
}

/// Writes a table for people.
pub(super) fn write(out: &mut impl Write, table: &SearchTable, width: usize) -> io::Result<()> {
    if table.shape == TableShape::Chart {
        write_sparklines(out, table)?;
    }
    let bar = bar_column(table);
    let most = bar.map_or(0.0, |column| figures(table, column).fold(0.0, f64::max));
    let mut grid = vec![table.columns.iter().map(|name| cell_text(name)).collect::<Vec<_>>()];
    for row in &table.rows {
        let cell = |index: usize| row.get(index).map(text_of).unwrap_or_default();
        grid.push((0..table.columns.len()).map(|index| cell_text(&cell(index))).collect());
    }
    let widths: Vec<usize> = (0..table.columns.len())
        .map(|column| grid.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0))
        .collect();
    let is_number: Vec<bool> = (0..table.columns.len()).map(|column| is_numeric(table, column)).collect();
    for (number, cells) in grid.iter().enumerate() {
        let mut line = String::new();
        for ((cell, width), is_number) in cells.iter().zip(&widths).zip(&is_number) {
            let padding = " ".repeat(width - cell.width());
            let parts = if *is_number { [padding.as_str(), cell] } else { [cell.as_str(), &padding] };
            line.extend(parts);
            line.push_str("  ");
        }
        let value = number.checked_sub(1).and_then(|row| table.rows.get(row)?.get(bar?)?.as_f64());
        if let Some(value) = value.filter(|_| most > 0.0) {
            line.push_str(&bar_of(value / most));
        }
        writeln!(out, "{}", cut(line.trim_end(), width))?;
    }
    Ok(())
}

/// A chart in one line a series: its shape over time, its sum and its largest figure.
fn write_sparklines(out: &mut impl Write, table: &SearchTable) -> io::Result<()> {
    let names: Vec<String> = table.columns.iter().skip(1).map(|name| cell_text(name)).collect();
    let name_width = names.iter().map(|name| name.width()).max().unwrap_or(0);
    for (column, name) in (1..).zip(&names) {
        let values: Vec<f64> = figures(table, column).collect();
        let (sum, most) = (values.iter().sum::<f64>(), values.iter().copied().fold(0.0, f64::max));
        let padding = " ".repeat(name_width - name.width());
        writeln!(out, "{name}{padding}  {}  sum={sum} max={most}", sparkline(&values))?;
    }
    if !names.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

/// Writes what a query is and what it cost.
pub(super) fn write_explain(out: &mut impl Write, table: &SearchTable) -> io::Result<()> {
    for (index, stage) in table.plan.iter().enumerate() {
        let what = if index == 0 { "filter" } else { "then  " };
        writeln!(out, "{what}      {}", SafeText::new(stage))?;
    }
    let explain = &table.explain;
    let pruned = explain.partitions_total.saturating_sub(explain.partitions_searched);
    writeln!(
        out,
        "partitions  {} of {} searched, {pruned} left out",
        explain.partitions_searched, explain.partitions_total
    )?;
    writeln!(
        out,
        "events      {} read, {} of them only to decide whether they match",
        explain.events_read, explain.events_verified
    )?;
    writeln!(out, "bytes       {} of records read", explain.bytes_read)?;
    writeln!(out, "time        {:.1} ms", explain.elapsed_us as f64 / 1e3)?;
    writeln!(out, "rows        {}", table.rows.len())?;
    for note in &table.notes {
        writeln!(out, "note        {}", SafeText::new(note))?;
    }
    if let Some(reason) = &explain.partial {
        writeln!(out, "partial     {}", SafeText::new(reason))?;
    }
    Ok(())
}

/// The column a bar is drawn for: the first figure of groups.
fn bar_column(table: &SearchTable) -> Option<usize> {
    let column = match table.shape {
        TableShape::Groups => {
            (0..table.columns.len()).find(|column| is_numeric(table, *column) && is_figure(table, *column))?
        }
        TableShape::Chart if table.columns.len() == 2 => 1,
        _ => return None,
    };
    let is_worth = table.rows.len() > 1 && figures(table, column).all(|value| value >= 0.0);
    is_worth.then_some(column)
}

/// A port is a number and no figure: figures come after what they are counted by, or are called like one.
fn is_figure(table: &SearchTable, column: usize) -> bool {
    let name = table.columns.get(column).map(String::as_str).unwrap_or_default();
    !name.contains('.') || name.contains('(')
}

fn is_numeric(table: &SearchTable, column: usize) -> bool {
    let mut cells = table.rows.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.is_null()).peekable();
    cells.peek().is_some() && cells.all(Value::is_number)
}

fn figures(table: &SearchTable, column: usize) -> impl Iterator<Item = f64> {
    table.rows.iter().map(move |row| row.get(column).and_then(Value::as_f64).unwrap_or(0.0))
}

fn bar_of(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * (BAR_WIDTH * 8) as f64).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS.get(eighths % 8).unwrap_or(&""))
}

/// Draws values as one line; more values than columns are summed up.
fn sparkline(values: &[f64]) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let each = values.len().div_ceil(SPARK_WIDTH).max(1);
    let sums: Vec<f64> = values.chunks(each).map(|chunk| chunk.iter().sum()).collect();
    let most = sums.iter().copied().fold(0.0, f64::max);
    let level = |value: f64| match most > 0.0 && value > 0.0 {
        true => LEVELS.get(((value / most) * 7.0).round() as usize).copied().unwrap_or('█'),
        false => ' ',
    };
    sums.into_iter().map(level).collect()
}

fn text_of(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn cell_text(text: &str) -> String {
    cut(SafeText::new(text).as_str(), CELL_WIDTH_MAX)
}

/// Cuts a text to a width of the terminal.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 0;
    for letter in text.chars() {
        let letter_width = letter.encode_utf8(&mut [0; 4]).width();
        if used + letter_width + 1 > width {
            break;
        }
        used += letter_width;
        short.push(letter);
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn groups() -> SearchTable {
        SearchTable {
            shape: TableShape::Groups,
            columns: ["source.ip", "count", "values(user.name)"].map(str::to_owned).to_vec(),
            rows: vec![
                vec![json!("10.0.0.1"), json!(40), json!(["an", "=cmd|x"])],
                vec![json!("\u{1b}[2J"), json!(5), Value::Null],
            ],
            ..SearchTable::default()
        }
    }

    fn text(write: impl Fn(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).expect("memory takes everything");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_table_is_aligned_with_bars_and_harmless() {
        let shown = text(|out| write(out, &groups(), 100));
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "source.ip  count  values(user.name)");
        assert_eq!(lines[1], "10.0.0.1      40  an, =cmd|x         ████████████████████");
        assert_eq!(lines[2], "␛[2J           5                     ██▌");
        assert!(text(|out| write(out, &groups(), 20)).lines().all(|line| line.width() <= 20));
    }

    #[test]
    fn programs_get_objects_or_cells() {
        let json = text(|out| write_json(out, &groups()));
        assert_eq!(json.lines().nth(1), Some("{\"source.ip\":\"\\u001b[2J\",\"count\":5}"));
        let mut table = groups();
        table.rows.push(vec![json!("=1+1"), json!(-3)]);
        let csv = text(|out| write_csv(out, &table));
        assert_eq!(csv.lines().nth(3), Some("'=1+1,-3,"));
    }

    #[test]
    fn a_chart_has_a_sparkline_a_series() {
        let table = SearchTable {
            shape: TableShape::Chart,
            columns: ["@timestamp", "web", "db"].map(str::to_owned).to_vec(),
            rows: (0..4).map(|hour| vec![json!(format!("T{hour}")), json!(hour), json!(0)]).collect(),
            ..SearchTable::default()
        };
        let shown = text(|out| write(out, &table, 100));
        assert!(shown.starts_with("web   ▃▆█  sum=6 max=3\ndb       "), "{shown}");
    }
}
