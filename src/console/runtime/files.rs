//! Writing what the console was asked to write. A file that is there already is never touched.

use std::collections::BTreeSet;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use crate::client::Client;
use crate::client::ClientError;
use crate::console::msg::FileWish;
use crate::model::csv::csv_cell;
use crate::wire::alert::AlertFilter;
use crate::wire::alert::AlertRow;
use crate::wire::export::ExportRequest;

/// Rows asked for at once, and in one file.
const PAGE_ROWS: u32 = 1_000;
const ROWS_MAX: usize = 100_000;
/// How often the list is gone through again for what moved to a page that was already read.
const PASSES_MAX: u32 = 5;
/// The columns of a table of alerts.
const COLUMNS: &str = "id,level,risk,status,title,entity,host,count,first,last,raised,owner,disposition,rule";

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("cannot write `{path}`")]
    Write { path: String, source: io::Error },
}

/// A file in the making, readable by its owner only; it goes away again unless it was written whole.
struct NewFile {
    path: PathBuf,
    out: BufWriter<File>,
    is_whole: bool,
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_whole {
            // Half a file is worse than none, and it was ours alone; that it stays behind is no more than untidy.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

impl NewFile {
    /// Makes it before anything is asked for: who cannot keep an answer need not have it made.
    fn create(path: &str) -> Result<NewFile, FileError> {
        let path = absolute(path);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => Ok(NewFile { path, out: BufWriter::new(file), is_whole: false }),
            Err(source) => Err(FileError::Write { path: path.display().to_string(), source }),
        }
    }

    fn is_json(&self) -> bool {
        self.path.extension().is_some_and(|ending| ending == "json" || ending == "ndjson")
    }

    fn put(&mut self, bytes: &[u8]) -> Result<u64, FileError> {
        self.out.write_all(bytes).map_err(|source| self.failed(source))?;
        Ok(bytes.len() as u64)
    }

    /// Makes it durable; returns its whole path.
    fn finish(mut self) -> Result<String, FileError> {
        self.out.flush().and_then(|()| self.out.get_ref().sync_all()).map_err(|source| self.failed(source))?;
        self.is_whole = true;
        Ok(self.path.display().to_string())
    }

    fn failed(&self, source: io::Error) -> FileError {
        FileError::Write { path: self.path.display().to_string(), source }
    }
}

/// Reads a path as a shell would read its beginning.
fn absolute(path: &str) -> PathBuf {
    let home = path.strip_prefix("~/").zip(std::env::var_os("HOME"));
    let path = home.map_or_else(|| PathBuf::from(path), |(rest, home)| Path::new(&home).join(rest));
    std::path::absolute(&path).unwrap_or(path)
}

/// Writes a file; returns its whole path and how many rows or bytes are in it.
pub(super) async fn write(client: &Client, path: &str, wish: &FileWish) -> Result<(String, u64), FileError> {
    let mut file = NewFile::create(path)?;
    let count = match wish {
        FileWish::Report(id, wanted) => file.put(client.incident_report(*id, wanted).await?.as_bytes())?,
        FileWish::Evidence(id, place) => file.put(&client.incident_evidence(*id, *place).await?)?,
        FileWish::Alerts { filter, marked } => {
            List { filter, marked: marked.iter().copied().collect(), is_json: file.is_json() }
                .write(client, &mut file)
                .await?
        }
    };
    Ok((file.finish()?, count))
}

/// Has a bundle made and writes it; returns its whole path and its bytes.
pub(super) async fn export(client: &Client, path: &str, request: &ExportRequest) -> Result<(String, u64), FileError> {
    let mut file = NewFile::create(path)?;
    let bytes = file.put(&client.export(request).await?)?;
    Ok((file.finish()?, bytes))
}

/// A list on its way into a file.
struct List<'a> {
    filter: &'a AlertFilter,
    /// Only these, unless there are none.
    marked: BTreeSet<u64>,
    is_json: bool,
}

impl List<'_> {
    /// Writes every alert once, however the list moves meanwhile.
    async fn write(&self, client: &Client, file: &mut NewFile) -> Result<u64, FileError> {
        if !self.is_json {
            file.put(format!("{COLUMNS}\n").as_bytes())?;
        }
        let (mut seen, mut written) = (BTreeSet::new(), 0);
        let mut filter = AlertFilter { limit: Some(PAGE_ROWS), events: Some(0), ..self.filter.clone() };
        for _ in 0..PASSES_MAX {
            filter.offset = 0;
            let total = loop {
                let window = client.alerts(&filter).await?;
                filter.offset += window.rows.len() as u64;
                let is_last = window.rows.is_empty() || filter.offset >= window.total;
                for row in window.rows {
                    if seen.len() < ROWS_MAX && seen.insert(row.id) && self.wants(row.id) {
                        write_row(&mut file.out, &row, self.is_json).map_err(|source| file.failed(source))?;
                        written += 1;
                    }
                }
                if is_last || seen.len() >= ROWS_MAX {
                    break window.total;
                }
            };
            // While pages are read the list moves: once more for what was missed.
            if seen.len() as u64 >= total || seen.len() >= ROWS_MAX {
                break;
            }
        }
        Ok(written)
    }

    fn wants(&self, id: u64) -> bool {
        self.marked.is_empty() || self.marked.contains(&id)
    }
}

/// Writes one alert: as it is for a program, harmless for a spreadsheet.
fn write_row(out: &mut impl Write, row: &AlertRow, is_json: bool) -> io::Result<()> {
    if is_json {
        serde_json::to_writer(&mut *out, row)?;
        return writeln!(out);
    }
    let cells = [
        row.id.to_string(),
        row.level.clone(),
        row.risk.to_string(),
        word(&row.status),
        row.title.clone(),
        row.entity.clone(),
        row.host.clone().unwrap_or_default(),
        row.count.to_string(),
        row.first.clone(),
        row.last.clone(),
        row.raised.clone(),
        row.owner.clone().unwrap_or_default(),
        row.disposition.as_ref().map(word).unwrap_or_default(),
        row.rule.clone(),
    ];
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    writeln!(out, "{}", cells.join(","))
}

/// Returns the API's word for a value that is one.
fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_cannot_act_in_a_spreadsheet_or_a_terminal() {
        let row: AlertRow = serde_json::from_value(serde_json::json!({
            "id": 7, "rule": "r", "title": "=cmd|' /C calc'!A0", "title_vi": null, "level": "high", "risk": 71,
            "status": "closed", "entity": "a\u{1b}[2J,\"b\"", "entity_field": "host.name", "host": null, "count": 2,
            "first": "f", "last": "l", "raised": "r", "owner": "@an", "disposition": "false_positive", "revision": 1,
            "tags": [], "events": []
        }))
        .expect("a row");
        let mut out = Vec::new();
        write_row(&mut out, &row, false).expect("written");
        let text = String::from_utf8(out).expect("text");
        assert_eq!(
            text.trim_end(),
            "7,high,71,closed,'=cmd|' /C calc'!A0,\"a␛[2J,\"\"b\"\"\",,2,f,l,r,'@an,false_positive,r"
        );
        let mut out = Vec::new();
        write_row(&mut out, &row, true).expect("written");
        assert!(!out.contains(&0x1b) && out.ends_with(b"}\n"));
    }

    #[test]
    fn what_is_there_already_is_not_touched() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("x.csv");
        let path = path.to_str().expect("a path");
        std::fs::write(path, "mine").expect("written");
        assert!(NewFile::create(path).is_err());
        assert_eq!(std::fs::read_to_string(path).expect("read"), "mine");
    }

    #[test]
    fn only_what_was_written_whole_stays() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("x.ndjson");
        let name = path.to_str().expect("a path");
        let mut file = NewFile::create(name).expect("made");
        file.put(b"half").expect("written");
        drop(file);
        assert!(std::fs::metadata(&path).is_err());
        let mut file = NewFile::create(name).expect("made");
        assert!(file.is_json());
        file.put(b"whole").expect("written");
        assert_eq!(file.finish().expect("durable"), name);
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "whole");
    }
}
