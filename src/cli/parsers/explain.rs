//! `longan parsers explain`: how one line is read, step by step, and what becomes of it.

use std::io;
use std::io::BufRead;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::configured::Configured;
use crate::cli::parse::normalize;
use crate::cli::parse::parse_zone;
use crate::cli::parsers::Format;
use crate::model::Event;
use crate::model::SafeText;
use crate::model::Value;
use crate::model::time::Clock;
use crate::model::time::SystemClock;
use crate::model::write_safe_json;
use crate::parse::Hint;
use crate::parse::Packs;
use crate::parse::Step;
use crate::parse::header::HeaderFormat;

/// The arguments of `longan parsers explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The line; without it, the first line of standard input
    line: Option<String>,
    /// Read the line as this format (the name of a pack) instead of finding out
    #[arg(long = "as", value_name = "FORMAT")]
    format_name: Option<String>,
    /// Lay the packs of this folder over the built-in ones [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    parsers: Option<PathBuf>,
    #[command(flatten)]
    configured: Configured,
    /// Read times without a zone as of this one, such as +07:00
    #[arg(long, value_name = "±HH:MM", default_value = "+00:00", value_parser = parse_zone, allow_hyphen_values = true)]
    zone: i32,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Explained<'e> {
    steps: &'e [Step],
    event: &'e Event<'e>,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> anyhow::Result<Exit> {
    let own = match &args.parsers {
        Some(folder) => Some(folder.clone()),
        None => args.configured.settings(None)?.parsers.folder,
    };
    let (packs, problems) = Packs::load(own.as_deref());
    for problem in &problems {
        eprintln!("{problem}");
    }
    if let Some(name) = args.format_name.as_deref().filter(|name| !packs.contains(name)) {
        anyhow::bail!("no pack `{name}` (`longan parsers list` names them)");
    }
    let line = match &args.line {
        Some(line) => line.clone(),
        None => first_line(&mut io::stdin().lock()).context("reading the line")?,
    };
    let hint =
        Hint { received: SystemClock.now(), format: args.format_name.as_deref(), zone_offset_seconds: args.zone };
    let (mut event, steps) = packs.explain(&line, &hint);
    normalize(&mut event);
    match args.format {
        Format::Json => {
            write_safe_json(&mut *out, &Explained { steps: &steps, event: &event })?;
            writeln!(out)?;
        }
        Format::Text => print(&steps, &event, out)?,
    }
    Ok(if event.failure.is_some() { Exit::Findings } else { Exit::Fine })
}

fn first_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
}

fn print(steps: &[Step], event: &Event<'_>, out: &mut impl Write) -> io::Result<()> {
    for (index, step) in steps.iter().enumerate() {
        writeln!(out, "{:>3}  {}", index + 1, SafeText::new(&sentence(step)))?;
    }
    writeln!(out)?;
    writeln!(out, "     @timestamp = {}", Value::Time(event.timestamp))?;
    for (name, value) in &event.fields {
        writeln!(out, "     {} = {}", SafeText::new(name.as_str()), SafeText::new(&value.to_text()))?;
    }
    let source = &event.logsource;
    let product = source.product.as_deref().unwrap_or("-");
    writeln!(
        out,
        "\n     for Sigma rules of product {product}, service {}, category {}",
        joined(&source.service),
        joined(&source.category)
    )
}

fn joined(words: &[String]) -> String {
    if words.is_empty() { "-".to_owned() } else { words.join(" or ") }
}

/// Says a step in words.
fn sentence(step: &Step) -> String {
    let or_none = |text: &Option<String>| text.clone().map_or_else(|| "none".to_owned(), |text| format!("`{text}`"));
    match step {
        Step::Header { format, app_name, hostname, has_time, body } => format!(
            "{}: program {}, host {}, {}; what follows is `{body}`",
            kind(*format),
            or_none(app_name),
            or_none(hostname),
            if *has_time { "a time" } else { "no time" }
        ),
        Step::Candidates { by, packs } => format!("by its {by} the line may be of: {}", packs.join(", ")),
        Step::Pattern { pack, path, line, text } => format!("pack `{pack}`, pattern at {path}:{line} fits: {text}"),
        Step::FieldPattern { field, path, line, text, .. } => {
            format!("in `{field}`, pattern at {path}:{line} fits: {text}")
        }
        Step::Grammar { grammar, pack, pairs } => format!("read as {grammar}, {pairs} keys, by pack `{pack}`"),
        Step::When { pack, number } => format!("`[[when]]` number {number} of `{pack}` holds"),
        Step::Uncovered { pack } => format!("pack `{pack}` knows the source, but none of its patterns fits"),
        Step::Within { text } => format!("a line within: `{text}`"),
        Step::Unrecognised => "nothing recognises the line; the whole of it is the message".to_owned(),
    }
}

/// Names the kind of header: a sender that deviates from its standard is told apart from one that keeps it.
fn kind(format: HeaderFormat) -> &'static str {
    match format {
        HeaderFormat::Rfc5424 => "header of RFC 5424",
        HeaderFormat::Rfc3164 => "header as of RFC 3164",
        HeaderFormat::Bare => "no header but a priority",
        HeaderFormat::None => "no header",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(line: &str) -> String {
        let args = Args {
            line: Some(line.to_owned()),
            format_name: None,
            parsers: None,
            configured: Configured::default(),
            zone: 0,
            format: Format::Text,
        };
        let mut out = Vec::new();
        run(&args, &mut out).expect("explains");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn every_step_of_a_line_is_told() {
        let text = explained("<38>Mar 14 09:26:53 b-1 sshd[7]: Failed password for an from 203.0.113.9 port 22 ssh2");
        for expected in [
            "header as of RFC 3164: program `sshd`, host `b-1`, a time",
            "by its program the line may be of: sshd",
            "pack `sshd`, pattern at parsers/sshd.toml:",
            "source.ip = 203.0.113.9",
            "product linux, service sshd or auth",
        ] {
            assert!(text.contains(expected), "{expected} is missing in\n{text}");
        }
    }

    #[test]
    fn a_header_that_breaks_its_standard_is_told_from_one_that_keeps_it() {
        for (line, kind) in [
            ("<34>1 2026-03-14T09:26:53Z h a 7 - - text", "header of RFC 5424:"),
            ("<192>1 2026-03-14T09:26:53Z h a 7 - - text", "no header:"),
            ("<13>text", "no header but a priority:"),
        ] {
            assert!(explained(line).contains(kind), "{kind} is missing in\n{}", explained(line));
        }
    }

    #[test]
    fn what_containers_wrap_is_followed() {
        let text = explained(
            r#"{"log":"203.0.113.9 - - [14/Mar/2026:09:26:53 +0700] \"GET /a HTTP/1.1\" 404 5\n","stream":"stdout","time":"2026-03-14T02:26:53Z"}"#,
        );
        for expected in ["read as json", "a line within: `203.0.113.9", "read as clf", "url.path = /a"] {
            assert!(text.contains(expected), "{expected} is missing in\n{text}");
        }
    }

    #[test]
    fn a_line_nobody_knows_says_so() {
        assert!(explained("xyzzy").contains("nothing recognises the line"));
    }

    #[test]
    fn nothing_in_a_line_reaches_the_terminal_as_it_is() {
        assert!(!explained("<13>Mar 14 09:26:53 h \u{1b}[31mx: \u{1b}]0;t\u{7}").contains('\u{1b}'));
    }
}
