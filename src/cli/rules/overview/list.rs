//! `longan rules list`: the rules a server runs with how they fare, or those of a folder.

use std::cmp::Reverse;
use std::io::Write;

use super::facts::Facts;
use super::facts::Origin;
use crate::cli::Exit;
use crate::cli::output::Language;
use crate::cli::output::Table;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::cli::place::Place;
use crate::cli::place::exit_of;
use crate::cli::rules::source::Source;
use crate::model::csv::csv_cell;
use crate::wire::status::RuleRow;

/// List the rules
#[derive(Debug, clap::Args)]
pub(in crate::cli::rules) struct Args {
    /// Only those whose id, title, tag or file contains this
    #[arg(value_name = "TEXT")]
    text: Option<String>,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    place: Place,
    /// Only those in this state: draft, shadow, live, retired; may be given several times
    #[arg(long, value_name = "STATE", value_parser = ["draft", "shadow", "live", "retired"])]
    state: Vec<String>,
    /// Only those of this level; may be given several times
    #[arg(long, value_name = "LEVEL", value_parser = ["informational", "low", "medium", "high", "critical"])]
    level: Vec<String>,
    /// Only those without cases
    #[arg(long)]
    untested: bool,
    /// Only those of whose log source nothing came within 30 days (of a running server)
    #[arg(long)]
    no_logs: bool,
    /// The order
    #[arg(long, value_enum, default_value_t = Sort::Id)]
    sort: Sort,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Sort {
    Id,
    /// The loudest first
    Noise,
    /// Those most often found wrong first
    Precision,
}

/// How the list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One object a line
    Json,
    /// One row a rule
    Csv,
}

pub(in crate::cli::rules) fn run(args: &Args) -> anyhow::Result<Exit> {
    show(args).or_else(exit_of)
}

fn show(args: &Args) -> anyhow::Result<Exit> {
    let language = Language::of_environment();
    let facts = Facts::gather(&args.source, &args.place)?;
    let mut rows: Vec<&RuleRow> = facts.rules.iter().filter(|row| is_wanted(args, row)).collect();
    match args.sort {
        Sort::Id => rows.sort_by(|a, b| a.id.cmp(&b.id)),
        Sort::Noise => rows.sort_by_key(|row| Reverse(row.noise)),
        Sort::Precision => {
            rows.sort_by_key(|row| Reverse((row.verdicts.false_positive + row.verdicts.benign_positive, row.noise)));
        }
    }
    to_stdout(|out| match args.format {
        Format::Json => rows.iter().try_for_each(|row| Ok(write_json(out, row)?)),
        Format::Csv => Ok(write_csv(out, &rows)?),
        Format::Text => Ok(table(&rows, facts.origin, language).write(out)?),
    })?;
    Ok(match (facts.refused, rows.is_empty()) {
        (0, false) => Exit::Fine,
        _ => Exit::Findings,
    })
}

fn is_wanted(args: &Args, row: &RuleRow) -> bool {
    let is_among = |wanted: &[String], value: &str| wanted.is_empty() || wanted.iter().any(|one| one == value);
    let says = |text: &String| {
        let text = text.to_lowercase();
        [&row.id, &row.title, &row.path]
            .into_iter()
            .chain(&row.tags)
            .chain(&row.title_vi)
            .any(|part| part.to_lowercase().contains(&text))
    };
    is_among(&args.state, &row.state)
        && is_among(&args.level, &row.level)
        && (!args.untested || row.cases == 0 && !row.is_silent)
        && (!args.no_logs || row.arrives == Some(false))
        && args.text.as_ref().is_none_or(says)
}

fn precision(row: &RuleRow) -> String {
    row.verdicts.precision().map_or_else(|| "-".to_owned(), |percent| format!("{percent}%"))
}

/// Says whether the logs of a rule arrive; `?` when a server runs and cannot say, either.
fn arrives(row: &RuleRow, origin: Origin, language: Language) -> &'static str {
    match row.arrives {
        Some(true) => language.pick("có", "yes"),
        Some(false) => language.pick("không", "no"),
        None if origin == Origin::Folder => "-",
        None => "?",
    }
}

fn table(rows: &[&RuleRow], origin: Origin, language: Language) -> Table {
    let title = |row: &RuleRow| language.pick(row.title_vi.as_ref().unwrap_or(&row.title), &row.title).clone();
    if origin != Origin::Server {
        let mut table = Table::new(
            language.pick(["Luật", "Mức", "Ca thử", "Log", "Tiêu đề"], ["Rule", "Level", "Cases", "Logs", "Title"]),
        );
        for row in rows {
            let logs = arrives(row, origin, language).to_owned();
            table.push([row.id.clone(), row.level.clone(), row.cases.to_string(), logs, title(row)]);
        }
        return table;
    }
    let mut table = Table::new(language.pick(
        ["Luật", "Mức", "Vòng đời", "30 ngày", "Đúng", "Miễn trừ", "Ca thử", "Log", "Tiêu đề"],
        ["Rule", "Level", "State", "30 days", "True", "Exceptions", "Cases", "Logs", "Title"],
    ));
    for row in rows {
        let numbers = [row.noise, row.exceptions, row.cases].map(|number| number.to_string());
        let [noise, exceptions, cases] = numbers;
        let logs = arrives(row, origin, language).to_owned();
        let (id, level, state) = (row.id.clone(), row.level.clone(), row.state.clone());
        table.push([id, level, state, noise, precision(row), exceptions, cases, logs, title(row)]);
    }
    table
}

fn write_csv(out: &mut impl Write, rows: &[&RuleRow]) -> std::io::Result<()> {
    writeln!(out, "id,title,level,status,state,matches_30d,true_percent,exceptions,cases,arrives,tags,path")?;
    for row in rows {
        let precision = row.verdicts.precision().map(|percent| percent.to_string()).unwrap_or_default();
        let arrives = row.arrives.map(|arrives| arrives.to_string()).unwrap_or_default();
        let cells = [
            row.id.clone(),
            row.title.clone(),
            row.level.clone(),
            row.status.clone(),
            row.state.clone(),
            row.noise.to_string(),
            precision,
            row.exceptions.to_string(),
            row.cases.to_string(),
            arrives,
            row.tags.join(" "),
            row.path.clone(),
        ];
        writeln!(out, "{}", cells.map(|cell| csv_cell(&cell)).join(","))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Whole {
        #[command(flatten)]
        args: Args,
    }

    fn row(id: &str, state: &str, cases: u64) -> RuleRow {
        serde_json::from_value(serde_json::json!({
            "id": id, "title": "=Title", "title_vi": null, "level": "high", "status": "test", "path": "a.yml",
            "tags": ["attack.t1110"], "detections": 0, "state": state, "cases": cases, "arrives": false,
            "verdicts": {"true_positive": 1, "false_positive": 3}
        }))
        .expect("well-formed")
    }

    #[test]
    fn filters_narrow_and_nothing_becomes_a_formula() {
        let rows = [row("a", "live", 3), row("b", "shadow", 0)];
        for (given, wanted) in [
            (&[][..], &["a", "b"][..]),
            (&["--state", "shadow"], &["b"]),
            (&["--state", "shadow", "--state", "live"], &["a", "b"]),
            (&["--level", "low"], &[]),
            (&["--untested"], &["b"]),
            (&["--no-logs"], &["a", "b"]),
            (&["T1110"], &["a", "b"]),
            (&["nothing like it"], &[]),
        ] {
            let args = Whole::parse_from(["x"].iter().chain(given)).args;
            let found: Vec<&str> = rows.iter().filter(|row| is_wanted(&args, row)).map(|row| row.id.as_str()).collect();
            assert_eq!(found, wanted, "{given:?}");
        }
        let mut out = Vec::new();
        write_csv(&mut out, &[&rows[0]]).expect("written");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(text.ends_with("a,'=Title,high,test,live,0,25,0,3,false,attack.t1110,a.yml\n"), "{text}");
    }
}
