//! Reading threat lists: each file whole, every broken line told with its place, the rest in force.

mod json;
mod plain;

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::diag::Located;
use crate::model::time::days_from_civil;
use crate::normalize::enrich::indicator;
use crate::normalize::enrich::indicator::NoIndicator;
use crate::normalize::enrich::threats::About;
use crate::normalize::enrich::threats::Builder;

/// Files larger than this are not read.
const FILE_BYTES_MAX: u64 = 2 << 30;
/// Broken lines told of one file; the rest are counted.
const PROBLEMS_MAX: usize = 20;
/// Files of the folder, and how deep it is walked.
const FILES_MAX: usize = 1_000;
const DEPTH_MAX: usize = 4;

/// Why a list, or a line of it, is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    #[error("cannot read the list")]
    Unreadable(#[source] std::io::Error),
    #[error("the list is larger than {} MiB", FILE_BYTES_MAX >> 20)]
    TooLarge,
    #[error("no JSON: {0}")]
    Json(String),
    #[error("neither a STIX bundle nor MISP events")]
    UnknownJson,
    #[error(transparent)]
    Indicator(#[from] NoIndicator),
    #[error("the pattern `{0}` is not looked up")]
    Pattern(String),
    #[error("`{0}` is no date")]
    Date(String),
    #[error("`{0}` is no confidence from 0 to 100")]
    Confidence(String),
    #[error("there is no room for more indicators")]
    Full,
    #[error("{0} more problems in this list")]
    More(usize),
}

/// What one file gave.
#[derive(Debug)]
pub struct Summary {
    pub path: PathBuf,
    pub name: String,
    pub indicators: usize,
    /// Of these, how many are over.
    pub expired: usize,
    pub problems: usize,
}

/// Collects what one file gives.
struct Reader<'b> {
    path: &'b Path,
    text: &'b str,
    builder: &'b mut Builder,
    problems: Vec<Located<ListError>>,
    left_out: usize,
    now_seconds: i64,
    expired: usize,
}

impl Reader<'_> {
    fn problem(&mut self, offset: usize, error: ListError) {
        if self.problems.len() >= PROBLEMS_MAX {
            self.left_out += 1;
            return;
        }
        let hint = match &error {
            ListError::Indicator(NoIndicator::Unknown(_)) => Some("one address, network, domain, URL or hash a line"),
            ListError::Pattern(_) => Some("comparisons joined by OR are; AND, NOT and FOLLOWEDBY are not"),
            ListError::Date(_) => Some("write it as 2026-12-31 or 2026-12-31T00:00:00Z"),
            _ => None,
        };
        let located = Located::at_offset(self.path, self.text, offset, error);
        self.problems.push(match hint {
            Some(hint) => located.with_hint(hint),
            None => located,
        });
    }

    fn add(&mut self, offset: usize, value: &str, about: &About) {
        let key = match indicator::read(value) {
            Ok(key) => key,
            Err(err) => return self.problem(offset, err.into()),
        };
        if about.expires.is_some_and(|expires| expires <= self.now_seconds) {
            self.expired += 1;
        }
        if !self.builder.add(key, about) {
            self.problem(offset, ListError::Full);
        }
    }

    fn date(&mut self, offset: usize, text: &str) -> Option<i64> {
        let found = seconds_of(text);
        if found.is_none() {
            self.problem(offset, ListError::Date(text.chars().take(40).collect()));
        }
        found
    }

    fn confidence(&mut self, offset: usize, text: &str) -> Option<u8> {
        let found = match text.to_ascii_lowercase().as_str() {
            "high" => Some(85),
            "medium" => Some(50),
            "low" => Some(15),
            number => number.parse().ok().filter(|number| *number <= 100),
        };
        if found.is_none() {
            self.problem(offset, ListError::Confidence(text.chars().take(40).collect()));
        }
        found
    }
}

/// Reads `2026-12-31`, a time of RFC 3339 or seconds since 1970.
fn seconds_of(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_second());
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        return first_second(date);
    }
    text.parse::<i64>().ok().filter(|seconds| *seconds > 1_000_000_000)
}

fn first_second(date: jiff::civil::Date) -> Option<i64> {
    let (month, day) = (u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?);
    Some(days_from_civil(i32::from(date.year()), month, day) * 86_400)
}

/// Returns the list files of a folder, in order.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
            if is_hidden {
                continue;
            }
            if path.is_dir() && depth < DEPTH_MAX {
                waiting.push((path, depth + 1));
            } else if path.is_file() && files.len() < FILES_MAX {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Reads one list into the builder.
pub(super) fn read(path: &Path, builder: &mut Builder, now_seconds: i64) -> (Summary, Vec<Located<ListError>>) {
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let mut summary = Summary { path: path.to_owned(), name: name.clone(), indicators: 0, expired: 0, problems: 1 };
    let length = fs::metadata(path).map_or(0, |data| data.len());
    if length > FILE_BYTES_MAX {
        return (summary, vec![Located::at_start(path, ListError::TooLarge)]);
    }
    let text = match fs::read(path) {
        Ok(bytes) => {
            String::from_utf8(bytes).unwrap_or_else(|err| String::from_utf8_lossy(err.as_bytes()).into_owned())
        }
        Err(err) => return (summary, vec![Located::at_start(path, ListError::Unreadable(err))]),
    };
    let before = builder.count();
    builder.begin(&name);
    let mut reader = Reader { path, text: &text, builder, problems: Vec::new(), left_out: 0, now_seconds, expired: 0 };
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if is_json {
        json::read(&mut reader);
    } else {
        plain::read(&mut reader);
    }
    let Reader { mut problems, left_out, expired, .. } = reader;
    summary.problems = problems.len() + left_out;
    if left_out > 0 {
        problems.push(Located::at_start(path, ListError::More(left_out)));
    }
    (summary.indicators, summary.expired) = (builder.count() - before, expired);
    (summary, problems)
}
