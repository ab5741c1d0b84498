//! `longan rules match`: events of a file against the rules of a folder.

use std::fs::File;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::bail;
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::rules::source::require;
use crate::detect::Content;
use crate::detect::Engine;
use crate::detect::Mapping;
use crate::detect::Options;
use crate::detect::RuleSet;
use crate::detect::read_folder;
use crate::model::write_safe_json;
use crate::pipeline::trial::flat_event;
use crate::pipeline::trial::flat_event::FlatEvent;

/// Match events from a file against rules
#[derive(Debug, clap::Args)]
pub(in crate::cli::rules) struct Args {
    /// Folder (or file) of rules; only these are matched
    #[arg(long, value_name = "DIR")]
    rules: PathBuf,
    /// Field mapping to apply to the rules; may be given several times
    #[arg(long, value_name = "NAME")]
    pipeline: Vec<String>,
    /// File of events, one JSON object a line: flat ECS, or `{"logsource": …, "event": …}`
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Report every rule that could not be loaded
    #[arg(long)]
    show_refused: bool,
}

/// Lines read before they are matched together, so that matching is timed apart from reading JSON.
const BATCH_LINES: usize = 256;

#[derive(Serialize)]
struct Row<'a> {
    event: usize,
    rule: &'a str,
    title: &'a str,
}

#[derive(Default)]
struct Tally {
    events: usize,
    matches: usize,
    bad_lines: usize,
    compiling: Duration,
    matching: Duration,
}

pub(in crate::cli::rules) fn run(args: &Args) -> anyhow::Result<Exit> {
    require(&args.rules)?;
    let started = Instant::now();
    let (files, mut refused) = read_folder(&args.rules);
    let options = Options { mapping: mapping(&args.pipeline)?, ..Options::default() };
    let (ruleset, problems) = RuleSet::compile(&files, &options);
    refused.extend(problems);
    let loading = started.elapsed();
    if args.show_refused {
        refused.iter().for_each(|problem| eprintln!("{problem}"));
    }
    let file = File::open(&args.events).with_context(|| format!("no such events file `{}`", args.events.display()))?;
    let ruleset = Arc::new(ruleset);
    let mut engine = Engine::new(Arc::clone(&ruleset));
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut tally = Tally::default();
    let mut batch = Vec::with_capacity(BATCH_LINES);
    for line in BufReader::new(file).lines() {
        batch.push(line.context("cannot read the events file")?);
        if batch.len() == BATCH_LINES {
            match_batch(&mut engine, &mut batch, &mut tally, &mut out)?;
        }
    }
    match_batch(&mut engine, &mut batch, &mut tally, &mut out)?;
    out.flush()?;
    let per_second = tally.events as f64 / tally.matching.as_secs_f64().max(1e-9);
    eprintln!(
        "{} rules loaded, {} refused in {} ms; {} events ({} unreadable), {} matches; \
         log sources compiled in {} ms, {per_second:.0} events/s matching",
        ruleset.len(),
        refused.len(),
        loading.as_millis(),
        tally.events,
        tally.bad_lines,
        tally.matches,
        tally.compiling.as_millis(),
    );
    Ok(Exit::Fine)
}

/// Finds the mappings asked for among our own; without any, rules are matched as they stand.
fn mapping(names: &[String]) -> anyhow::Result<Mapping> {
    let (pipelines, _) = Content::builtin().read_pipelines();
    let known: Vec<String> = pipelines.iter().map(|pipeline| pipeline.name.clone()).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        bail!("no such pipeline `{unknown}`; there are {}", known.join(", "));
    }
    Ok(Mapping::new(pipelines.into_iter().filter(|pipeline| names.contains(&pipeline.name)).collect()))
}

fn match_batch(
    engine: &mut Engine,
    lines: &mut Vec<String>,
    tally: &mut Tally,
    out: &mut impl std::io::Write,
) -> anyhow::Result<()> {
    let events: Vec<Option<FlatEvent>> = lines.drain(..).map(|line| flat_event::read(&line).ok()).collect();
    let mut found: Vec<(usize, usize)> = Vec::new();
    let started = Instant::now();
    for FlatEvent { event, logsource_known } in events.iter().flatten() {
        if *logsource_known {
            engine.warm(&event.logsource);
        }
    }
    tally.compiling += started.elapsed();
    let started = Instant::now();
    for (place, flat) in events.iter().enumerate() {
        let Some(FlatEvent { event, logsource_known }) = flat else { continue };
        let matches = if *logsource_known { engine.matches(event) } else { engine.matches_any_source(event) };
        found.extend(matches.iter().map(|matched| (place, matched.rule)));
    }
    tally.matching += started.elapsed();
    for (place, rule) in &found {
        let Some(meta) = engine.ruleset().rule(*rule) else { continue };
        write_safe_json(&mut *out, &Row { event: tally.events + place, rule: &meta.id, title: &meta.title })?;
        out.write_all(b"\n")?;
    }
    tally.bad_lines += events.iter().filter(|flat| flat.is_none()).count();
    tally.matches += found.len();
    tally.events += events.len();
    Ok(())
}
