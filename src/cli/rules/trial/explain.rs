//! `longan rules explain`: what a rule makes of one event, as a tree in which each node is true or false, and why.

use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;

use super::paint::Painter;
use crate::cli::Exit;
use crate::cli::configured::Configured;
use crate::cli::rules::Format;
use crate::cli::rules::source::Source;
use crate::detect::Content;
use crate::detect::cases::Arrival;
use crate::detect::inspect::Explanation;
use crate::detect::inspect::Inspector;
use crate::detect::inspect::Subject;
use crate::detect::inspect::lay_over;
use crate::model::time::Clock as _;
use crate::model::time::SystemClock;
use crate::model::write_safe_json;
use crate::pipeline::trial::LineReader;
use crate::pipeline::trial::ZONE_OFFSET_SECONDS;
use crate::pipeline::trial::flat_event;

/// Bytes read from standard input; the longest frame an input takes is shorter.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// Show why a rule matches a line or does not
#[derive(Debug, clap::Args)]
pub(in crate::cli::rules) struct Args {
    /// The rule: its id, its name, or a file
    rule: String,
    /// The raw line, or an event as `longan search --format json` prints it; without it, the first line of standard input
    line: Option<String>,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    configured: Configured,
    /// Lay the packs of this folder over the built-in ones [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    parsers: Option<PathBuf>,
    /// Read the line as this format (the name of a pack) instead of finding out
    #[arg(long = "as", value_name = "FORMAT")]
    format_name: Option<String>,
    /// Show every alternative, also those that do not matter
    #[arg(long)]
    all: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(in crate::cli::rules) fn run(args: &Args) -> anyhow::Result<Exit> {
    let settings = args.configured.settings(None)?;
    let (mut content, unread) = args.source.read(settings.rules.folder.as_deref())?;
    unread.iter().for_each(|problem| eprintln!("{problem}"));
    let broken = with_file(&mut content, Path::new(&args.rule))?;
    let inspector = Inspector::new(&content, ZONE_OFFSET_SECONDS);
    let rules = inspector.named(&args.rule);
    if rules.is_empty() {
        if broken {
            return Ok(Exit::BadInput);
        }
        let hint = inspector.nearest(&args.rule).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        bail!("no rule `{}`{hint}", args.rule);
    }
    let line = match &args.line {
        Some(line) => line.clone(),
        None => first_line()?,
    };
    let mut explained: Vec<Explanation> = Vec::new();
    let parsers = args.parsers.as_deref().or(settings.parsers.folder.as_deref());
    read_event(args, parsers, &line, &mut |subject| {
        explained.extend(rules.iter().filter_map(|rule| inspector.explain(rule, subject)));
        print_event(args, subject);
    })?;
    let mut out = std::io::stdout().lock();
    for explanation in &explained {
        match args.format {
            Format::Json => {
                write_safe_json(&mut out, explanation)?;
                out.write_all(b"\n")?;
            }
            Format::Text => Painter { all: args.all }.print(explanation, &mut out)?,
        }
    }
    Ok(if explained.iter().any(|explanation| explanation.matches) { Exit::Fine } else { Exit::Findings })
}

/// Takes a rule file into the content, in place of rules of the same place; reports what is wrong with it.
pub(super) fn with_file(content: &mut Content, path: &Path) -> anyhow::Result<bool> {
    let is_rule = path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml");
    if !is_rule || !path.is_file() {
        return Ok(false);
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let problems = lay_over(content, path, &text);
    problems.iter().for_each(|problem| eprintln!("error: {problem}"));
    Ok(!problems.is_empty())
}

fn first_line() -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(LINE_BYTES_MAX).read_to_end(&mut bytes).context("reading the line")?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Reads a raw line the way it would be when received; an event that was printed by this program as it stands.
fn read_event(
    args: &Args,
    parsers: Option<&Path>,
    line: &str,
    each: &mut dyn FnMut(Subject<'_>),
) -> anyhow::Result<()> {
    let (reader, unreadable) = LineReader::load(parsers);
    unreadable.iter().for_each(|problem| eprintln!("{problem}"));
    let mut line = line.to_owned();
    if let Ok(serde_json::Value::Object(object)) = serde_json::from_str(&line)
        && object.contains_key("longan.parser")
    {
        // The line it was made from says most: its log source is found again that way.
        if let Some(original) = object.get("event.original").and_then(serde_json::Value::as_str) {
            original.clone_into(&mut line);
        } else {
            let flat = flat_event::read(&line)?;
            each(Subject { event: &flat.event, logsource_known: flat.logsource_known });
            return Ok(());
        }
    }
    let arrival = Arrival { text: &line, received: SystemClock.now(), parser: args.format_name.as_deref() };
    reader.read(arrival, &mut |event| each(Subject { event: &event, logsource_known: true }));
    Ok(())
}

/// Says what the line was read as, so that a missing field is understood.
fn print_event(args: &Args, subject: Subject<'_>) {
    if args.format == Format::Text {
        let event = subject.event;
        let parser = event.parser.unwrap_or("no parser; the whole line is the message");
        eprintln!(
            "read by {}, {} fields (`longan parse` shows them)\n",
            crate::model::SafeText::new(parser),
            event.fields.len()
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::detect::Engine;
    use crate::detect::cases::CaseFile;
    use crate::detect::cases::STARTS;

    /// The tree is not the engine; here it must say of every line of every case what the engine says.
    #[test]
    fn the_tree_agrees_with_the_engine_on_every_case() {
        let content = Content::builtin();
        let (set, _) = content.compile(ZONE_OFFSET_SECONDS);
        let set = Arc::new(set);
        let inspector = Inspector::new(&content, ZONE_OFFSET_SECONDS);
        let mut engine = Engine::new(Arc::clone(&set));
        let (reader, _) = LineReader::load(None);
        let (mut compared, mut matched) = (0, 0);
        for file in &content.cases {
            let Ok(file) = CaseFile::read(&file.path, &file.text) else { continue };
            let beside = file.rule_path();
            let rules: Vec<usize> =
                (0..set.len()).filter(|rule| set.rule(*rule).is_some_and(|meta| meta.path == beside)).collect();
            for line in file.cases.iter().flat_map(|case| case.lines.iter().take(2)) {
                let text = line.numbered(0);
                let arrival = Arrival { text: &text, received: STARTS, parser: line.parser.as_deref() };
                reader.read(arrival, &mut |event| {
                    let matches: Vec<usize> = engine.matches(&event).iter().map(|found| found.rule).collect();
                    for rule in &rules {
                        let id = set.rule(*rule).map(|meta| meta.id.clone()).unwrap_or_default();
                        let subject = Subject { event: &event, logsource_known: true };
                        let explained = inspector.explain(&id, subject).expect("the rule is known");
                        assert_eq!(explained.matches, matches.contains(rule), "{id}: {text}");
                        compared += 1;
                        matched += usize::from(explained.matches);
                    }
                });
            }
        }
        assert!(compared > 200 && matched > 50, "{matched} of {compared}");
    }
}
