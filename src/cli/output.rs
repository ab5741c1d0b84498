//! Writing lists for people (aligned, safe for a terminal, Vietnamese or English) and for scripts (NDJSON).

use std::io;
use std::io::IsTerminal as _;
use std::io::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::model::SafeText;
use crate::model::write_safe_json;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// One object a line
    Json,
}

/// What is written for whom.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct OutputArgs {
    /// How to write: for people on a terminal, NDJSON when piped, unless said
    #[arg(long, value_enum, global = true)]
    format: Option<Format>,
}

impl OutputArgs {
    /// Returns the format asked for, or the one that fits where the output goes.
    pub(super) fn format(&self) -> Format {
        let fitting = if io::stdout().is_terminal() { Format::Table } else { Format::Json };
        self.format.unwrap_or(fitting)
    }
}

/// Which language a text for people is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Vietnamese,
    English,
}

impl Language {
    /// Reads the language from the environment, as POSIX orders its variables.
    pub(super) fn of_environment() -> Language {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"));
        if locale.is_some_and(|locale| locale.starts_with("vi")) { Language::Vietnamese } else { Language::English }
    }

    /// Returns the text of the language.
    pub(super) fn pick<T>(self, vietnamese: T, english: T) -> T {
        match self {
            Language::Vietnamese => vietnamese,
            Language::English => english,
        }
    }
}

/// A table: rows of cells, as received; they are made safe when written.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

/// A cell is cut here; the JSON form has the whole.
const CELL_WIDTH_MAX: usize = 60;

impl Table {
    /// Starts a table with its head.
    pub(super) fn new<const N: usize>(head: [&str; N]) -> Table {
        Table { rows: vec![head.map(str::to_owned).to_vec()] }
    }

    /// Adds a row.
    pub(super) fn push<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| shortened(SafeText::new(&cell).as_str())).to_vec());
    }

    /// Says whether it has nothing but its head.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.len() <= 1
    }

    /// Writes the table, columns aligned by what a terminal shows.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        for row in &self.rows {
            let mut line = String::new();
            for (width, cell) in widths.iter().zip(row) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn shortened(text: &str) -> String {
    if text.width() <= CELL_WIDTH_MAX {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        if short.width() + 2 > CELL_WIDTH_MAX {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

/// Writes a time of the API (RFC 3339) as the clock on the wall has it, with its offset; what is no time stays as it is.
pub(super) fn local(time: &str) -> String {
    let Ok(at) = time.parse::<Timestamp>() else { return time.to_owned() };
    at.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string()
}

/// Says how many of something there are, such as `1 rule`, `2 rules`: for words whose plural is an `s`.
pub(super) fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// Writes a number of seconds as a person says it: `42s`, `7m 12s`, `3h 05m`, `2d 4h`.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// Writes a number of bytes with the unit that leaves few digits.
pub(super) fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", units.get(unit).copied().unwrap_or_default())
}

/// Writes a value as one line of JSON.
pub(super) fn write_json<T: Serialize>(out: &mut impl Write, value: &T) -> io::Result<()> {
    write_safe_json(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Runs what writes to standard output; a reader that has seen enough is no failure.
pub(super) fn to_stdout(
    write: impl FnOnce(&mut io::BufWriter<io::StdoutLock<'static>>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = write(&mut out).and_then(|()| Ok(out.flush()?));
    match written {
        Err(err) if err.downcast_ref::<io::Error>().is_some_and(|err| err.kind() == io::ErrorKind::BrokenPipe) => {
            Ok(())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_spans_are_short() {
        assert_eq!(local("no time"), "no time");
        assert_eq!(local("2026-01-31T07:00:00.123456789Z").len(), "2026-01-31 07:00:00+00:00".len());
        for (seconds, text) in [(0, "0s"), (61, "1m 01s"), (3_900, "1h 05m"), (90_000, "1d 1h")] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn a_table_is_aligned_and_harmless() {
        let mut table = Table::new(["ID", "Thực thể", "x"]);
        table.push(["1".to_owned(), "Đà\x1b[2J".to_owned(), "a\nb".to_owned()]);
        table.push(["22".to_owned(), "日本".to_owned(), "y".repeat(100)]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "ID  Thực thể  x");
        assert_eq!(lines[1], "1   Đà␛[2J    a␊b");
        assert!(lines[2].starts_with("22  日本      yyy") && lines[2].ends_with('…'), "{}", lines[2]);
        assert_eq!(lines.len(), 3);
    }
}
