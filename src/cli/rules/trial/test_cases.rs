//! `longan rules test`: the cases beside the rules, run through the real way of an event.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::Exit;
use crate::cli::configured::Configured;
use crate::cli::output::counted;
use crate::cli::rules::Format;
use crate::cli::rules::source::Source;
use crate::detect::RuleSet;
use crate::detect::cases;
use crate::detect::cases::Case;
use crate::detect::cases::CaseFile;
use crate::detect::cases::Outcome;
use crate::diag::Position;
use crate::model::SafeText;
use crate::model::write_safe_json;
use crate::pipeline::trial::LineReader;
use crate::pipeline::trial::ZONE_OFFSET_SECONDS;

/// Run the cases of rules: lines that must and must not match
#[derive(Debug, clap::Args)]
pub(in crate::cli::rules) struct Args {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    configured: Configured,
    /// Lay the packs of this folder over the built-in ones [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    parsers: Option<PathBuf>,
    /// Run only the cases whose file, rule or name contains this
    #[arg(value_name = "TEXT")]
    only: Option<String>,
    /// How to print the outcome
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
struct Row<'a> {
    path: String,
    line: u32,
    rule: &'a str,
    case: &'a str,
    must_match: bool,
    passed: bool,
    detections: usize,
    parser: Option<&'a str>,
}

pub(in crate::cli::rules) fn run(args: &Args) -> anyhow::Result<Exit> {
    let settings = args.configured.settings(None)?;
    let (content, unread) = args.source.read(settings.rules.folder.as_deref())?;
    // The parts of times in cases are those of the customer's own clock.
    let (set, refused) = content.compile(ZONE_OFFSET_SECONDS);
    let set = Arc::new(set);
    unread.iter().chain(&refused).for_each(|problem| eprintln!("{problem}"));
    let parsers = args.parsers.as_deref().or(settings.parsers.folder.as_deref());
    let (reader, unreadable) = LineReader::load(parsers);
    unreadable.iter().for_each(|problem| eprintln!("{problem}"));
    let mut broken = unread.len() + refused.len() + unreadable.len();
    let (mut passed, mut failed) = (0, 0);
    let mut no_parser = 0;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for file in &content.cases {
        let file = match CaseFile::read(&file.path, &file.text) {
            Ok(file) => file,
            Err(problems) => {
                problems.iter().for_each(|problem| eprintln!("{problem}"));
                broken += problems.len();
                continue;
            }
        };
        let rules = file.rules(&set);
        if rules.is_empty() {
            eprintln!("{}: no rule stands for these cases", SafeText::new(&file.path.display().to_string()));
            broken += 1;
        }
        for case in file.cases.iter().filter(|case| wanted(args, &file, &rules, case)) {
            let (rule, outcome) = best(&set, &reader, &rules, case);
            if outcome.passed {
                passed += 1;
            } else {
                failed += 1;
                no_parser += usize::from(outcome.parser.is_none());
            }
            print(&mut out, args.format, &file, &rule, case, &outcome)?;
        }
    }
    out.flush()?;
    let untested = untested(&set, &content.cases);
    eprintln!(
        "{} passed, {failed} failed, {}; {} without cases",
        counted(passed, "case"),
        counted(broken, "problem"),
        counted(untested, "rule")
    );
    if no_parser > 0 && parsers.is_none() {
        eprintln!("  hint: lines of failed cases are read by no parser: `--parsers DIR` lays your own packs over ours");
    }
    if let (0, 0, Some(text)) = (passed, failed, &args.only) {
        eprintln!("longan: no case of which the file, the rule or the name contains `{}`", SafeText::new(text));
        return Ok(Exit::BadInput);
    }
    Ok(match (broken, failed) {
        (0, 0) => Exit::Fine,
        (0, _) => Exit::Findings,
        _ => Exit::BadInput,
    })
}

fn wanted(args: &Args, file: &CaseFile, rules: &[String], case: &Case) -> bool {
    args.only.as_ref().is_none_or(|text| {
        file.path.display().to_string().contains(text)
            || case.name.contains(text)
            || rules.iter().any(|rule| rule.contains(text))
    })
}

/// Of several rules in a file one must match, and none may.
fn best(set: &Arc<RuleSet>, reader: &LineReader, rules: &[String], case: &Case) -> (String, Outcome) {
    let run = |rule: &String| (rule.clone(), cases::run(set, rule, case, &|arrival, each| reader.read(arrival, each)));
    let mut outcomes = rules.iter().map(run).collect::<Vec<_>>();
    let chosen = outcomes.iter().position(|(_, outcome)| outcome.passed == case.must_match).unwrap_or(0);
    if outcomes.is_empty() {
        return (String::new(), Outcome { passed: false, detections: 0, parser: None });
    }
    outcomes.swap_remove(chosen)
}

fn print(
    out: &mut impl std::io::Write,
    format: Format,
    file: &CaseFile,
    rule: &str,
    case: &Case,
    outcome: &Outcome,
) -> anyhow::Result<()> {
    let path = file.path.display().to_string();
    let Position { line, .. } = case.at;
    if format == Format::Json {
        let row = Row {
            path,
            line,
            rule,
            case: &case.name,
            must_match: case.must_match,
            passed: outcome.passed,
            detections: outcome.detections,
            parser: outcome.parser.as_deref(),
        };
        write_safe_json(&mut *out, &row)?;
        out.write_all(b"\n")?;
    } else if !outcome.passed {
        let wanted = match (case.expected, case.must_match) {
            (Some(times), _) => format!("must match {times} times"),
            (None, true) => "must match".to_owned(),
            (None, false) => "must not match".to_owned(),
        };
        let parser = outcome.parser.as_deref().unwrap_or("no parser");
        writeln!(
            out,
            "{}:{line}: FAILED {}: {wanted}, matched {} times (read by {})",
            SafeText::new(&path),
            SafeText::new(&case.name),
            outcome.detections,
            SafeText::new(parser),
        )?;
    }
    Ok(())
}

fn untested(set: &RuleSet, files: &[crate::detect::RuleFile]) -> usize {
    let tested = cases::count(set, files);
    set.rules().filter(|meta| !meta.silent && !tested.contains_key(&meta.id)).count()
}

#[cfg(test)]
mod tests;
