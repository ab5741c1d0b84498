//! The asset file: TOML or CSV, checked whole, every problem with its place.
//!
//! ```toml
//! [[asset]]
//! match = ["10.20.0.0/16", "portal01"]
//! unit = "Sở Thông tin và Truyền thông"
//! system = "Cổng dịch vụ công"
//! criticality = "high"
//! ```
//! As CSV: a header `match,unit,system,criticality,owner` in any order, and `;` between several matches.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::diag::Located;
use crate::diag::closest;
use crate::normalize::assets::Asset;
use crate::normalize::assets::Assets;
use crate::parse::structure::csv;

/// Why an asset file, or a line of it, was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssetError {
    #[error("cannot read the asset file")]
    Unreadable(#[source] std::io::Error),
    #[error("{0}")]
    Syntax(String),
    #[error("an asset needs an address, a network or a name in `match`")]
    NothingToMatch,
    #[error("`{0}` is not a network")]
    NotANetwork(String),
    #[error("`{0}` is matched by an earlier asset already")]
    Twice(String),
    #[error("unknown criticality `{0}`")]
    UnknownCriticality(String),
    #[error("unknown column `{0}`")]
    UnknownColumn(String),
    #[error("there is no column `match`")]
    NoMatchColumn,
}

const CRITICALITIES: [&str; 4] = ["low", "medium", "high", "critical"];
const COLUMNS: [&str; 5] = ["match", "unit", "system", "criticality", "owner"];

/// What people write instead, with the word that is meant.
const MEANT: [(&str, &str); 24] = [
    ("thấp", "low"),
    ("trung bình", "medium"),
    ("cao", "high"),
    ("nghiêm trọng", "critical"),
    ("rất cao", "critical"),
    ("host", "match"),
    ("hostname", "match"),
    ("name", "match"),
    ("ip", "match"),
    ("address", "match"),
    ("network", "match"),
    ("tên", "match"),
    ("máy", "match"),
    ("địa chỉ", "match"),
    ("department", "unit"),
    ("organization", "unit"),
    ("đơn vị", "unit"),
    ("service", "system"),
    ("hệ thống", "system"),
    ("importance", "criticality"),
    ("priority", "criticality"),
    ("mức độ", "criticality"),
    ("contact", "owner"),
    ("phụ trách", "owner"),
];

/// Names the word that is meant, if one is near, and all there are.
fn known_words(written: &str, known: &[&'static str]) -> String {
    let lower = written.to_lowercase();
    let meant = MEANT.iter().find(|(word, meant)| *word == lower && known.contains(meant)).map(|(_, meant)| *meant);
    let all = known.join(", ");
    match meant.or_else(|| closest(&lower, known.iter().copied())) {
        Some(near) => format!("did you mean `{near}`? one of {all}"),
        None => format!("one of {all}"),
    }
}

/// Loads an asset file; what ends in `.csv` is CSV, everything else TOML.
///
/// # Errors
/// Every problem of the file.
pub fn load(path: &Path) -> Result<Assets, Vec<Located<AssetError>>> {
    let text = fs::read_to_string(path).map_err(|err| vec![Located::at_start(path, AssetError::Unreadable(err))])?;
    match path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
        true => read_csv(path, &text),
        false => read_toml(path, &text),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    asset: Vec<Spanned<RawAsset>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAsset {
    #[serde(rename = "match", default)]
    keys: Vec<Spanned<String>>,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    system: String,
    criticality: Option<Spanned<String>>,
    #[serde(default)]
    owner: String,
}

/// Collects assets and problems.
struct Collector<'t> {
    path: &'t Path,
    text: &'t str,
    assets: Assets,
    problems: Vec<Located<AssetError>>,
}

impl Collector<'_> {
    fn problem(&mut self, offset: usize, error: AssetError) {
        let hint = match &error {
            AssetError::NotANetwork(_) => Some("write it as 10.0.0.0/8 or 2001:db8::/32".to_owned()),
            AssetError::UnknownCriticality(word) => Some(known_words(word, &CRITICALITIES)),
            AssetError::UnknownColumn(word) => Some(known_words(word, &COLUMNS)),
            AssetError::NoMatchColumn => {
                Some("it holds the address, network or name; several with `;` between them".to_owned())
            }
            _ => None,
        };
        let problem = Located { hint, ..Located::at_offset(self.path, self.text, offset, error) };
        self.problems.push(problem);
    }

    fn add(&mut self, offset: usize, key: &str, asset: &Asset) {
        if key.contains('/') && super::Network::from_text(key).is_none() {
            self.problem(offset, AssetError::NotANetwork(key.to_owned()));
        } else if !self.assets.add(key, asset.clone()) {
            self.problem(offset, AssetError::Twice(key.to_owned()));
        }
    }

    fn check_criticality(&mut self, offset: usize, word: &str) {
        if !word.is_empty() && !CRITICALITIES.contains(&word) {
            self.problem(offset, AssetError::UnknownCriticality(word.to_owned()));
        }
    }

    fn finish(self) -> Result<Assets, Vec<Located<AssetError>>> {
        if self.problems.is_empty() { Ok(self.assets) } else { Err(self.problems) }
    }
}

/// Reads a TOML asset file.
///
/// # Errors
/// Every problem of the file.
pub fn read_toml(path: &Path, text: &str) -> Result<Assets, Vec<Located<AssetError>>> {
    let raw: RawFile = toml::from_str(text).map_err(|err| {
        let offset = err.span().map_or(0, |span| span.start);
        vec![Located::at_offset(path, text, offset, AssetError::Syntax(err.message().to_owned()))]
    })?;
    let mut collector = Collector { path, text, assets: Assets::default(), problems: Vec::new() };
    for entry in raw.asset {
        let offset = entry.span().start;
        let entry = entry.into_inner();
        if let Some(word) = &entry.criticality {
            collector.check_criticality(word.span().start, word.get_ref());
        }
        let asset = Asset {
            unit: entry.unit,
            system: entry.system,
            criticality: entry.criticality.map_or_else(String::new, Spanned::into_inner),
            owner: entry.owner,
        };
        if entry.keys.is_empty() {
            collector.problem(offset, AssetError::NothingToMatch);
        }
        for key in &entry.keys {
            collector.add(key.span().start, key.get_ref().trim(), &asset);
        }
    }
    collector.finish()
}

/// Reads a CSV asset file.
///
/// # Errors
/// Every problem of the file.
pub fn read_csv(path: &Path, text: &str) -> Result<Assets, Vec<Located<AssetError>>> {
    let mut collector = Collector { path, text, assets: Assets::default(), problems: Vec::new() };
    let mut columns: Option<Vec<String>> = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let line = line.trim_end_matches(['\n', '\r']).trim_start_matches('\u{feff}');
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let cells = csv::fields(line, ',').map(|cell| cell.trim().to_owned());
        match &columns {
            None => columns = Some(header(&mut collector, start, cells)),
            Some(columns) => row(&mut collector, start, columns, cells),
        }
    }
    collector.finish()
}

fn header(collector: &mut Collector<'_>, start: usize, cells: impl Iterator<Item = String>) -> Vec<String> {
    let columns: Vec<String> = cells.map(|cell| cell.to_lowercase()).collect();
    let mut from = start;
    for column in &columns {
        // In the order of the line, whatever letters and blanks it is written with.
        let rest = collector.text[from..].lines().next().unwrap_or_default().to_lowercase();
        let at = rest.find(column.as_str()).map_or(from, |at| from + at);
        let at = if collector.text.is_char_boundary(at) { at } else { from };
        if !COLUMNS.contains(&column.as_str()) {
            collector.problem(at, AssetError::UnknownColumn(column.clone()));
        }
        from = at;
    }
    if !columns.iter().any(|column| column == "match") {
        collector.problem(start, AssetError::NoMatchColumn);
    }
    columns
}

fn row(collector: &mut Collector<'_>, start: usize, columns: &[String], cells: impl Iterator<Item = String>) {
    let mut asset = Asset::default();
    let mut keys = String::new();
    for (column, cell) in columns.iter().zip(cells) {
        match column.as_str() {
            "match" => keys = cell,
            "unit" => asset.unit = cell,
            "system" => asset.system = cell,
            "criticality" => asset.criticality = cell,
            "owner" => asset.owner = cell,
            _ => {}
        }
    }
    collector.check_criticality(start, &asset.criticality);
    let keys: Vec<&str> = keys.split(';').map(str::trim).filter(|key| !key.is_empty()).collect();
    if keys.is_empty() {
        collector.problem(start, AssetError::NothingToMatch);
    }
    for key in keys {
        collector.add(start, key, &asset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "assets.toml";

    fn problems(result: Result<Assets, Vec<Located<AssetError>>>) -> Vec<String> {
        result.expect_err("has problems").iter().map(|problem| problem.to_string().replace("\n  ", " ")).collect()
    }

    #[test]
    fn both_forms_say_the_same() {
        let toml = "[[asset]]\nmatch = [\"10.0.0.0/8\", \"web01\"]\nunit = \"Sở Y tế\"\ncriticality = \"high\"\n";
        let csv = "match,criticality,unit\n10.0.0.0/8;web01,high,Sở Y tế\n";
        for assets in [read_toml(Path::new(PATH), toml), read_csv(Path::new("assets.csv"), csv)] {
            let assets = assets.expect("no problems");
            assert_eq!(assets.by_name("web01").map(|asset| asset.unit.as_str()), Some("Sở Y tế"));
            let by_address = assets.by_address("10.1.1.1".parse().expect("an address"));
            assert_eq!(by_address.map(|asset| asset.criticality.as_str()), Some("high"));
            assert_eq!(assets.count(), 2);
        }
    }

    #[test]
    fn all_problems_come_with_their_place() {
        let toml =
            "[[asset]]\nunit = \"x\"\n[[asset]]\nmatch = [\"10.0.0.0/99\", \"a\", \"A\"]\ncriticality = \"hi\"\n";
        assert_eq!(
            problems(read_toml(Path::new(PATH), toml)),
            [
                "assets.toml:1:1: an asset needs an address, a network or a name in `match`",
                "assets.toml:5:15: unknown criticality `hi` hint: one of low, medium, high, critical",
                "assets.toml:4:10: `10.0.0.0/99` is not a network hint: write it as 10.0.0.0/8 or 2001:db8::/32",
                "assets.toml:4:30: `A` is matched by an earlier asset already",
            ]
        );
        assert_eq!(
            problems(read_csv(Path::new("a.csv"), "name,unit\nx,y\n")),
            [
                "a.csv:1:1: unknown column `name` hint: did you mean `match`? one of match, unit, system, criticality, owner",
                "a.csv:1:1: there is no column `match` hint: it holds the address, network or name; several with `;` between them",
                "a.csv:2:1: an asset needs an address, a network or a name in `match`",
            ]
        );
        assert_eq!(
            problems(read_csv(Path::new("a.csv"), "match,unit,critical\nx,y,cao\n")),
            ["a.csv:1:12: unknown column `critical` hint: one of match, unit, system, criticality, owner"]
        );
        assert_eq!(
            problems(read_csv(Path::new("a.csv"), "match,criticality\nx,Cao\n")),
            ["a.csv:2:1: unknown criticality `Cao` hint: did you mean `high`? one of low, medium, high, critical"]
        );
        assert_eq!(problems(read_toml(Path::new(PATH), "[[asset]\n")).len(), 1);
        assert!(matches!(load(Path::new("/nowhere/a.csv")).expect_err("fails")[0].error, AssetError::Unreadable(_)));
    }
}
