//! `longan rules check`: every problem of every rule at once, then what the linter thinks.

use std::io::Write as _;

use serde::Serialize;

use super::Format;
use super::source::Source;
use crate::cli::Exit;
use crate::detect::Mapping;
use crate::detect::cases::CaseFile;
use crate::detect::lint;
use crate::diag::Located;

/// Check rules: every problem with its place and a hint
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    /// Report errors alone, without the linter's findings
    #[arg(long)]
    errors_only: bool,
    /// Findings not to report, by code; may be given several times
    #[arg(long, value_name = "CODE")]
    allow: Vec<String>,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
struct Row<'a> {
    severity: &'a str,
    code: Option<&'a str>,
    #[serde(flatten)]
    problem: &'a Located<String>,
}

/// A problem ready to be printed.
struct Printed {
    code: Option<&'static str>,
    problem: Located<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let (content, unread) = args.source.read()?;
    let (set, refused) = content.compile(0);
    let error = |problem: &Located<_>| Printed { code: None, problem: Located::to_plain(problem) };
    let mut printed: Vec<Printed> = unread.iter().chain(&refused).map(error).collect();
    for file in &content.cases {
        printed.extend(CaseFile::read(&file.path, &file.text).err().iter().flatten().map(error));
    }
    let errors = printed.len();
    if !args.errors_only {
        let mapping = Mapping::new(content.read_pipelines().0);
        let lists = content.read_lists();
        for file in &content.rules {
            for finding in lint(file, &mapping, &|name| lists.get(name).cloned()) {
                if !args.allow.iter().any(|code| code == finding.error.code) {
                    printed.push(Printed { code: Some(finding.error.code), problem: finding.to_plain() });
                }
            }
        }
    }
    printed.sort_by(|left, right| {
        (&left.problem.path, left.problem.position).cmp(&(&right.problem.path, right.problem.position))
    });
    print(&printed, args.format)?;
    eprintln!(
        "{} rules and {} correlations stand, {} distinct tests, {} rules without a trigger; {errors} errors, {} findings",
        set.len(),
        set.correlation_count(),
        set.predicate_count(),
        set.untriggered().count(),
        printed.len() - errors,
    );
    Ok(match (errors, printed.len()) {
        (0, 0) => Exit::Fine,
        (0, _) => Exit::Findings,
        _ => Exit::BadInput,
    })
}

fn print(printed: &[Printed], format: Format) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for Printed { code, problem } in printed {
        let severity = if code.is_some() { "warning" } else { "error" };
        match format {
            Format::Text => writeln!(out, "{severity}: {problem}")?,
            Format::Json => {
                serde_json::to_writer(&mut out, &Row { severity, code: *code, problem })?;
                out.write_all(b"\n")?;
            }
        }
    }
    out.flush()?;
    Ok(())
}
