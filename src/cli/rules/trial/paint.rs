//! An explanation as a tree of lines: what holds, what does not, and why.

use std::io;
use std::io::Write;

use crate::detect::inspect::CorrelationReport;
use crate::detect::inspect::Explanation;
use crate::detect::inspect::Join;
use crate::detect::inspect::Node;
use crate::detect::inspect::SourceReport;
use crate::detect::inspect::TestReport;
use crate::model::SafeText;

/// Alternatives shown that do not hold, before the rest is counted.
const ALTERNATIVES_MAX: usize = 3;

/// How much is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Painter {
    /// Every alternative, also those that do not matter.
    pub(super) all: bool,
}

impl Painter {
    pub(super) fn print(self, explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
        self.rule(explanation, "", out)?;
        writeln!(out)
    }

    fn rule(self, explanation: &Explanation, indent: &str, out: &mut dyn Write) -> io::Result<()> {
        let verdict = match (explanation.matches, &explanation.correlation) {
            (true, None) => "MATCHES",
            (false, None) => "does not match",
            (true, Some(_)) => "this event counts",
            (false, Some(_)) => "this event does not count",
        };
        writeln!(
            out,
            "{indent}{verdict}: {} [{}] {}:{}",
            SafeText::new(&explanation.title),
            SafeText::new(&explanation.id),
            SafeText::new(&explanation.path),
            explanation.line
        )?;
        if let Some(source) = &explanation.logsource {
            self.source(source, indent, out)?;
        }
        if let Some(condition) = &explanation.condition {
            self.node(condition, &format!("{indent}  "), "condition", out)?;
        }
        if let Some(correlation) = &explanation.correlation {
            self.correlation(correlation, indent, out)?;
        }
        Ok(())
    }

    fn source(self, source: &SourceReport, indent: &str, out: &mut dyn Write) -> io::Result<()> {
        if source.assumed {
            return writeln!(out, "{indent}  [?] log source: not known of this event, taken to fit");
        }
        if source.mismatches.is_empty() {
            return writeln!(out, "{indent}  [+] log source");
        }
        for mismatch in &source.mismatches {
            writeln!(out, "{indent}  [-] log source: {}", SafeText::new(mismatch))?;
        }
        Ok(())
    }

    fn correlation(self, report: &CorrelationReport, indent: &str, out: &mut dyn Write) -> io::Result<()> {
        let CorrelationReport { kind, timespan_seconds, bounds, .. } = report;
        writeln!(out, "{indent}  {kind} within {timespan_seconds} s: {}", SafeText::new(bounds))?;
        for group in &report.group_by {
            let field = SafeText::new(&group.field);
            match &group.value {
                Some(value) => writeln!(out, "{indent}  [+] grouped by {field}: {}", SafeText::new(value))?,
                None => writeln!(out, "{indent}  [-] grouped by {field}: the event has none, so it is not counted")?,
            }
        }
        for name in &report.unknown {
            writeln!(out, "{indent}  [-] no rule `{}`", SafeText::new(name))?;
        }
        report.rules.iter().try_for_each(|rule| self.rule(rule, &format!("{indent}  "), out))
    }

    fn node(self, node: &Node, indent: &str, role: &str, out: &mut dyn Write) -> io::Result<()> {
        let mark = if node.holds { "[+]" } else { "[-]" };
        let name = node.name.as_deref().unwrap_or(role);
        let name = if name.is_empty() { String::new() } else { format!("{}: ", SafeText::new(name)) };
        let inner = format!("{indent}    ");
        match node.join {
            Join::Test => {
                let test = node.test.as_ref().map(sentence).unwrap_or_default();
                writeln!(out, "{indent}{mark} {name}{}", SafeText::new(&test))
            }
            Join::All => {
                writeln!(out, "{indent}{mark} {name}all of")?;
                node.parts.iter().try_for_each(|part| self.node(part, &inner, "", out))
            }
            Join::Not => {
                writeln!(out, "{indent}{mark} {name}not")?;
                node.parts.iter().try_for_each(|part| self.node(part, &inner, "", out))
            }
            Join::Any => {
                writeln!(out, "{indent}{mark} {name}one of {}", node.parts.len())?;
                self.alternatives(node, &inner, out)
            }
        }
    }

    /// What holds, or else a few of what does not; whole searches are always shown.
    fn alternatives(self, node: &Node, indent: &str, out: &mut dyn Write) -> io::Result<()> {
        let mut left = 0_usize;
        let mut shown = 0_usize;
        for part in &node.parts {
            let matters = self.all
                || part.holds
                || part.name.is_some()
                || part.join != Join::Test
                || (!node.holds && shown < ALTERNATIVES_MAX);
            if matters {
                shown += usize::from(!part.holds);
                self.node(part, indent, "", out)?;
            } else {
                left += 1;
            }
        }
        if left > 0 {
            writeln!(out, "{indent}    and {left} more that do not hold (`--all` shows them)")?;
        }
        Ok(())
    }
}

/// Says a test and what came of it in one line.
fn sentence(test: &TestReport) -> String {
    let mut text = test.field.clone().unwrap_or_else(|| "the line".to_owned());
    if !test.mapped_to.is_empty() {
        text.push_str(&format!(" ({})", test.mapped_to.join(", ")));
    }
    text.push_str(&format!(" {}", test.wants));
    let shown: Vec<String> =
        test.seen.iter().take(if test.holds { 1 } else { 3 }).map(|seen| value(&seen.value, test)).collect();
    if !shown.is_empty() {
        text.push_str(&format!(" <- {}", shown.join(", ")));
    }
    if let Some(place) = test.seen.first().filter(|_| test.holds).and_then(|seen| seen.raw_span.clone()) {
        text.push_str(&format!(" (bytes {}-{} of the line)", place.start, place.end));
    }
    if let Some(why) = &test.why {
        text.push_str(&format!(": {why}"));
    }
    text
}

fn value(text: &str, test: &TestReport) -> String {
    if test.field.is_some() { format!("'{text}'") } else { format!("…{text}…") }
}
