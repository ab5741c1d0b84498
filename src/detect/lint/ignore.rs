//! Findings a rule's author ignores, each with a reason: `# longan-ignore: CODE reason`, in the rule it is about.

use std::ops::Range;

use super::Findings;
use super::table;
use crate::detect::ruleset::RuleFile;
use crate::diag::Position;

const MARK: &str = "longan-ignore:";

struct Ignore {
    at: Position,
    code: String,
    reason: String,
    /// The lines of the document it stands in.
    lines: Range<u32>,
    used: bool,
}

/// Findings that only show between files: what is ignored but not found in one file may be found there.
const BETWEEN_FILES: [&str; 2] = ["duplicate-title", "duplicate-detection"];

/// Leaves out what is ignored, and reports what is ignored in vain.
pub(super) fn apply(file: &RuleFile, findings: &mut Findings<'_>) {
    let mut ignores = read(&file.text);
    leave_out(&mut ignores, findings);
    report(&ignores, findings);
}

/// Leaves out what is ignored.
pub(super) fn apply_quietly(file: &RuleFile, findings: &mut Findings<'_>) {
    leave_out(&mut read(&file.text), findings);
}

fn leave_out(ignores: &mut [Ignore], findings: &mut Findings<'_>) {
    findings.found.retain(|finding| {
        let fits =
            |ignore: &&mut Ignore| ignore.code == finding.error.code && ignore.lines.contains(&finding.position.line);
        match ignores.iter_mut().find(fits) {
            Some(ignore) => {
                ignore.used = true;
                false
            }
            None => true,
        }
    });
}

fn report(ignores: &[Ignore], findings: &mut Findings<'_>) {
    for ignore in ignores {
        if table::find(&ignore.code).is_none() {
            findings.add("ignore", ignore.at, format!("no check is called `{}`", ignore.code));
        } else if ignore.reason.is_empty() {
            findings.hint(
                "ignore",
                ignore.at,
                format!("`{}` is ignored without a reason", ignore.code),
                "write it behind the code",
            );
        } else if !ignore.used && !BETWEEN_FILES.contains(&ignore.code.as_str()) {
            findings.add("ignore", ignore.at, format!("`{}` is ignored, but there is no such finding", ignore.code));
        }
    }
}

fn read(text: &str) -> Vec<Ignore> {
    let mut ignores: Vec<Ignore> = Vec::new();
    let mut first_of_document = 1;
    let mut open = 0;
    let mut last = 0;
    for (number, line) in (1_u32..).zip(text.lines()) {
        last = number;
        if line.trim_end() == "---" {
            ignores.iter_mut().skip(open).for_each(|ignore| ignore.lines.end = number);
            (open, first_of_document) = (ignores.len(), number);
        }
        let Some((before, said)) = line.split_once(MARK).filter(|(before, _)| before.trim_end().ends_with('#')) else {
            continue;
        };
        let said = said.trim();
        let (code, reason) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
        let column = u32::try_from(before.chars().count() + 1).unwrap_or(1);
        ignores.push(Ignore {
            at: Position { line: number, column },
            code: code.to_owned(),
            reason: reason.trim().to_owned(),
            lines: first_of_document..u32::MAX,
            used: false,
        });
    }
    ignores.iter_mut().skip(open).for_each(|ignore| ignore.lines.end = last + 1);
    ignores
}
