//! `longan rules check`: every problem of every rule at once, then what the linter thinks.

use std::io::Write as _;

use serde::Serialize;

use super::Format;
use super::source::Source;
use crate::cli::Exit;
use crate::cli::configured::Configured;
use crate::cli::output::counted;
use crate::detect::Finding;
use crate::detect::cases::CaseFile;
use crate::detect::lint::CHECKS;
use crate::detect::lint::Severity;
use crate::detect::lint_all;
use crate::diag::Located;
use crate::model::write_safe_json;

/// Check rules: every problem with its place and a hint
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    configured: Configured,
    /// Report errors alone, without the linter's findings
    #[arg(long)]
    errors_only: bool,
    /// Findings not to report, by code; may be given several times
    #[arg(long, value_name = "CODE")]
    allow: Vec<String>,
    /// List every check and do nothing else
    #[arg(long)]
    list: bool,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
struct Row<'a> {
    severity: Severity,
    code: Option<&'a str>,
    #[serde(flatten)]
    problem: &'a Located<String>,
}

/// A problem ready to be printed.
struct Printed {
    code: Option<&'static str>,
    severity: Severity,
    problem: Located<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.list {
        return list();
    }
    let own = args.configured.settings(None)?.rules.folder;
    let (content, unread) = args.source.read(own.as_deref())?;
    let (set, refused) = content.compile(0);
    let error =
        |problem: &Located<_>| Printed { code: None, severity: Severity::Error, problem: Located::to_plain(problem) };
    let mut printed: Vec<Printed> = unread.iter().chain(&refused).map(error).collect();
    for file in content.rules.iter().filter(|file| is_blank(&file.text)) {
        let problem = Located::at_start(&file.path, "there is no rule in it".to_owned());
        printed.push(Printed { code: None, severity: Severity::Error, problem });
    }
    for file in &content.cases {
        printed.extend(CaseFile::read(&file.path, &file.text).err().iter().flatten().map(error));
    }
    if !args.errors_only {
        let wanted = |finding: &Located<Finding>| !args.allow.iter().any(|code| code == finding.error.code);
        for finding in lint_all(&content).iter().filter(|finding| wanted(finding)) {
            let Finding { code, severity, .. } = finding.error;
            printed.push(Printed { code: Some(code), severity, problem: finding.to_plain() });
        }
    }
    printed.sort_by(|left, right| {
        (&left.problem.path, left.problem.position).cmp(&(&right.problem.path, right.problem.position))
    });
    print(&printed, args.format)?;
    let count = |severity| printed.iter().filter(|printed| printed.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    eprintln!(
        "{} and {} stand, {}, {} without a trigger; {}, {}, {}",
        counted(set.len(), "rule"),
        counted(set.correlation_count(), "correlation"),
        counted(set.predicate_count(), "distinct test"),
        counted(set.untriggered().count(), "rule"),
        counted(errors, "error"),
        counted(warnings, "warning"),
        counted(count(Severity::Info), "note"),
    );
    Ok(match (errors, warnings) {
        (0, 0) => Exit::Fine,
        (0, _) => Exit::Findings,
        _ => Exit::BadInput,
    })
}

/// Says whether a rule file has nothing but comments and blanks.
fn is_blank(text: &str) -> bool {
    let says = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#') && line.trim() != "---";
    !text.trim_start_matches('\u{feff}').lines().any(says)
}

fn list() -> anyhow::Result<Exit> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for check in CHECKS {
        writeln!(out, "{:<22} {:<8} {}", check.code, check.severity.to_string(), check.finds)?;
    }
    out.flush()?;
    Ok(Exit::Fine)
}

fn print(printed: &[Printed], format: Format) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for Printed { code, severity, problem } in printed {
        match format {
            Format::Text => writeln!(out, "{severity}: {problem}")?,
            Format::Json => {
                write_safe_json(&mut out, &Row { severity: *severity, code: *code, problem })?;
                out.write_all(b"\n")?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_blank;

    #[test]
    fn a_file_of_comments_has_no_rule() {
        for text in ["", "\n", "# later\n---\n", "\u{feff}# x\n"] {
            assert!(is_blank(text), "{text:?}");
        }
        assert!(!is_blank("# a rule\ntitle: x\n"));
    }
}
