//! `longan rules coverage`: which techniques of ATT&CK the rules look for, with what is tested and whose logs arrive.

use std::io;
use std::io::Write;

use serde::Serialize;

use super::facts::Facts;
use super::facts::Origin;
use super::facts::covered;
use super::matrix;
use super::navigator;
use crate::cli::Exit;
use crate::cli::output::Language;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::cli::place::Place;
use crate::cli::place::exit_of;
use crate::cli::rules::source::Source;
use crate::detect::attack::Coverage;
use crate::detect::attack::TACTICS;
use crate::detect::attack::technique;
use crate::model::csv::csv_cell;
use crate::wire::status::RuleRow;

/// Show which techniques of ATT&CK the rules look for
#[derive(Debug, clap::Args)]
pub(in crate::cli::rules) struct Args {
    /// Show the rules of this technique or sub-technique alone, such as T1110
    technique: Option<String>,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    place: Place,
    /// Also name the techniques that no rule looks for
    #[arg(long)]
    gaps: bool,
    /// Also count rules in shadow, which raise no alerts
    #[arg(long)]
    with_shadow: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How the coverage is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// The matrix, for people
    Text,
    /// One object a technique, one a line
    Json,
    /// One row a technique
    Csv,
    /// A layer for the ATT&CK Navigator
    Navigator,
}

/// A technique or sub-technique.
#[derive(Serialize)]
struct Row<'a> {
    id: String,
    name: &'a str,
    tactics: Vec<&'static str>,
    rules: usize,
    tested: usize,
    arriving: Option<usize>,
    working: Option<usize>,
    rule_ids: Vec<&'a str>,
}

pub(in crate::cli::rules) fn run(args: &Args) -> anyhow::Result<Exit> {
    show(args).or_else(exit_of)
}

fn show(args: &Args) -> anyhow::Result<Exit> {
    let language = Language::of_environment();
    let facts = Facts::gather(&args.source, &args.place)?;
    let counts = |row: &&RuleRow| {
        !row.is_silent && (row.state == "live" || row.state.is_empty() || args.with_shadow && row.state == "shadow")
    };
    let rules: Vec<&RuleRow> = facts.rules.iter().filter(counts).collect();
    let coverage = Coverage::of(rules.iter().map(|row| covered(row)));
    if let Some(asked) = &args.technique {
        return one(asked, &coverage, &rules, language);
    }
    to_stdout(|out| match args.format {
        Format::Text => Ok(matrix::write(out, &coverage, args.gaps, facts.origin, language)?),
        Format::Json => rows(&coverage).try_for_each(|row| Ok(write_json(out, &row)?)),
        Format::Csv => Ok(write_csv(out, &coverage)?),
        Format::Navigator => Ok(write_json(out, &navigator::layer(&coverage, facts.origin))?),
    })?;
    if facts.origin == Origin::Folder && args.format != Format::Text {
        eprintln!("longan: {}", no_server(language));
    }
    Ok(if facts.refused == 0 { Exit::Fine } else { Exit::Findings })
}

/// Says that nobody knows which logs arrive.
pub(super) fn no_server(language: Language) -> &'static str {
    language.pick(
        "không có máy chủ đang chạy, nên không biết log của luật nào thực sự đến",
        "no server runs, so nobody can say of which rules the logs arrive",
    )
}

fn rows(coverage: &Coverage) -> impl Iterator<Item = Row<'_>> {
    coverage.cells().filter_map(|(id, cell)| {
        let (number, _) = id.split_once('.').unwrap_or((id, ""));
        let technique = technique(number)?;
        let figures = cell.figures;
        Some(Row {
            id: format!("T{id}"),
            name: technique.name,
            tactics: TACTICS.iter().filter(|tactic| technique.serves(tactic)).map(|tactic| tactic.slug).collect(),
            rules: figures.rules,
            tested: figures.tested,
            arriving: figures.arriving,
            working: figures.working,
            rule_ids: cell.rules.iter().map(String::as_str).collect(),
        })
    })
}

fn write_csv(out: &mut impl Write, coverage: &Coverage) -> io::Result<()> {
    writeln!(out, "id,name,tactics,rules,tested,arriving,working,rule_ids")?;
    for row in rows(coverage) {
        let number = |count: Option<usize>| count.map(|count| count.to_string()).unwrap_or_default();
        let cells = [
            row.id,
            row.name.to_owned(),
            row.tactics.join(" "),
            row.rules.to_string(),
            row.tested.to_string(),
            number(row.arriving),
            number(row.working),
            row.rule_ids.join(" "),
        ];
        writeln!(out, "{}", cells.map(|cell| csv_cell(&cell)).join(","))?;
    }
    Ok(())
}

/// Shows one technique with its rules.
fn one(asked: &str, coverage: &Coverage, rules: &[&RuleRow], language: Language) -> anyhow::Result<Exit> {
    let id = asked.trim().trim_start_matches(['T', 't']);
    let (number, _) = id.split_once('.').unwrap_or((id, ""));
    let Some(technique) = technique(number) else {
        let hint = crate::detect::attack::successor(id).map(|place| format!("T{place}"));
        eprintln!("longan: {} `{asked}`", language.pick("ATT&CK không có kỹ thuật", "ATT&CK has no technique"));
        if let Some(hint) = hint {
            eprintln!("  hint: {} {hint}", language.pick("nay là", "it is now"));
        }
        return Ok(Exit::BadInput);
    };
    let Some(cell) = coverage.cell(id) else {
        eprintln!("T{id} {}: {}", technique.name, language.pick("không có luật nào", "no rule"));
        return Ok(Exit::Findings);
    };
    to_stdout(|out| Ok(matrix::write_one(out, id, technique, cell, rules, language)?))?;
    Ok(Exit::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_name_rules_and_tactics() {
        let tags = ["attack.t1110.001", "attack.t1078"].map(str::to_owned);
        let rule = crate::detect::attack::CoveredRule { id: "=r,1", tags: &tags, tested: true, arrives: Some(false) };
        let coverage = Coverage::of([rule]);
        let mut out = Vec::new();
        write_csv(&mut out, &coverage).expect("written");
        let text = String::from_utf8(out).expect("UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(
            lines[1],
            "T1078,Valid Accounts,initial-access persistence privilege-escalation stealth,1,1,0,0,\"'=r,1\""
        );
        assert!(lines[3].starts_with("T1110.001,Brute Force,credential-access,1,1,0,0,"), "{text}");
    }
}
