//! Lists of one indicator a line: plain text, CSV with a header, and the form of a hosts file.
//!
//! ```text
//! # name: Botnet C2          what comments say holds for the lines below
//! # confidence: 80
//! # expires: 2026-12-31
//! 203.0.113.7                # a botnet
//! ```

use crate::normalize::enrich::lists::Reader;
use crate::normalize::enrich::threats::About;
use crate::parse::structure::csv;

/// Names of the columns of a CSV list, as lists of the world write them.
const VALUE_COLUMNS: [&str; 12] = [
    "indicator",
    "value",
    "ioc",
    "ip",
    "ip_address",
    "dst_ip",
    "domain",
    "url",
    "hash",
    "sha256_hash",
    "sha256",
    "md5",
];
const CONFIDENCE_COLUMNS: [&str; 2] = ["confidence", "confidence_level"];
const EXPIRY_COLUMNS: [&str; 4] = ["expires", "valid_until", "expiration", "expiry"];
const NOTE_COLUMNS: [&str; 6] = ["description", "note", "malware", "malware_printable", "threat", "comment"];

struct Columns {
    value: usize,
    confidence: Option<usize>,
    expires: Option<usize>,
    note: Option<usize>,
}

impl Columns {
    /// Reads a header; `None` when the line is none.
    fn of(line: &str) -> Option<Columns> {
        let names: Vec<String> =
            csv::fields(line, ',').map(|name| name.trim().trim_matches('"').to_lowercase()).collect();
        let find = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.as_str()));
        Some(Columns {
            value: find(&VALUE_COLUMNS)?,
            confidence: find(&CONFIDENCE_COLUMNS),
            expires: find(&EXPIRY_COLUMNS),
            note: find(&NOTE_COLUMNS),
        })
    }
}

pub(super) fn read(reader: &mut Reader<'_>) {
    let text = reader.text;
    let mut about = About::default();
    let mut columns = None;
    let (mut offset, mut is_first) = (0, true);
    for whole in text.split_inclusive('\n') {
        let start = offset;
        offset += whole.len();
        let line = whole.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix(['#', ';']).or_else(|| line.strip_prefix("//")) {
            // Some lists have their header in a comment.
            columns = columns.or_else(|| Columns::of(comment).filter(|_| comment.contains(',')));
            directive(reader, start, comment.trim(), &mut about);
            continue;
        }
        if is_first {
            is_first = false;
            if let Some(header) = Columns::of(line) {
                columns = Some(header);
                continue;
            }
        }
        match &columns {
            Some(columns) if line.contains(',') => row(reader, start, line, columns, &about),
            _ => single(reader, start, line, &about),
        }
    }
}

/// `key: value` in a comment.
fn directive(reader: &mut Reader<'_>, offset: usize, comment: &str, about: &mut About) {
    let Some((key, value)) = comment.split_once(':') else { return };
    let value = value.trim();
    match key.trim() {
        "name" => reader.builder.name(value),
        "confidence" => about.confidence = reader.confidence(offset, value),
        "expires" => about.expires = reader.date(offset, value),
        _ => {}
    }
}

fn single(reader: &mut Reader<'_>, start: usize, line: &str, about: &About) {
    let (line, note) = line.split_once(" #").map_or((line, ""), |(line, note)| (line, note.trim()));
    let mut words = line.split([' ', '\t', ',', ';']).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    // The form of a hosts file: the address is where to, the name is what is listed.
    let value =
        if matches!(first, "0.0.0.0" | "127.0.0.1" | "::" | "::1") { words.next().unwrap_or(first) } else { first };
    if value == "localhost" {
        return;
    }
    let about = if note.is_empty() { about.clone() } else { About { note: note.to_owned(), ..about.clone() } };
    reader.add(start, value.trim_matches('"'), &about);
}

fn row(reader: &mut Reader<'_>, start: usize, line: &str, columns: &Columns, about: &About) {
    let cells: Vec<String> = csv::fields(line, ',').map(|cell| cell.trim().trim_matches('"').to_owned()).collect();
    let cell = |place: Option<usize>| place.and_then(|place| cells.get(place)).filter(|cell| !cell.is_empty());
    let mut about = about.clone();
    if let Some(text) = cell(columns.confidence) {
        about.confidence = reader.confidence(start, text);
    }
    if let Some(text) = cell(columns.expires) {
        about.expires = reader.date(start, text);
    }
    if let Some(text) = cell(columns.note) {
        about.note.clone_from(text);
    }
    let value = cells.get(columns.value).map_or("", String::as_str);
    // Some lists write the port behind the address.
    let value = value
        .rsplit_once(':')
        .filter(|(host, port)| port.parse::<u16>().is_ok() && !host.contains(':'))
        .map_or(value, |(host, _)| host);
    reader.add(start, value, &about);
}
