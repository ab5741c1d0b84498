//! How many events a CPU-second matches, with few rules and with many, beside `rsigma-eval` in the same run.
//!
//! Only matching is timed: rules are compiled and events are read beforehand, for each engine into the form it takes. Events are
//! copied a few at a time just before they are matched, untimed, because in life they come straight from a parser and not out of
//! a quarter of a gigabyte of memory that no cache holds. The engines take turns round by round, so that what disturbs the
//! machine disturbs both. Worry when ours falls below ten times the peer's rate, or when all rules take more than a few
//! times as long as 40.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser as _;
use longan::detect::Engine;
use longan::detect::Options;
use longan::detect::RuleFile;
use longan::detect::RuleSet;
use longan::detect::read_folder;
use longan_benches::cpu::Stopwatch;
use longan_benches::cpu::Times;
use longan_benches::events;
use longan_benches::events::Batch;
use longan_benches::events::Sample;
use longan_benches::events::Shared;
use longan_benches::generate;
use longan_benches::memory::ask_again;
use longan_benches::memory::resident;
use longan_benches::table::Table;
use longan_benches::table::rate;
use rsigma_eval::JsonEvent;

/// Match events against rules, ours and the peer's turn by turn
#[derive(Debug, clap::Parser)]
struct Args {
    /// Folder of Sigma rules; without it, rules are generated
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Events, one `{"logsource": …, "event": …}` a line; without it, events are generated
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// How many rules, one row of the table each; more than there are means all
    #[arg(long, value_delimiter = ',', default_value = "40,400,4000")]
    counts: Vec<usize>,
    /// Rounds of each engine
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Events to generate
    #[arg(long, default_value_t = 50_000)]
    generate: usize,
    /// Leave the peer out
    #[arg(long)]
    alone: bool,
    /// Leave out rules of no product or of another than this, as the events have
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// Print what one engine's memory grows by, loading and then matching, and nothing else
    #[arg(long, hide = true, value_name = "ENGINE")]
    memory: Option<Contestant>,
    /// How many rules that engine loads
    #[arg(long, hide = true, value_name = "COUNT", default_value_t = usize::MAX)]
    memory_rules: usize,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Contestant {
    Ours,
    Peer,
}

/// Events copied and then matched at a time: few enough to stay in the cache, enough for the clock's own cost not to count.
const BATCH: usize = 64;

struct Row {
    rules: usize,
    ours: Times,
    peer: Times,
    matches: usize,
    loading: f64,
    peer_loading: f64,
    /// Bytes after loading, and after matching every event once; ours, then the peer's.
    memory: [[u64; 2]; 2],
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(contestant) = args.memory {
        return weigh(&args, contestant);
    }
    let samples = samples(&args)?;
    let mut table = Table::new(&[
        "rules",
        "matches",
        "ours",
        "CPU-s",
        "median",
        "rsigma-eval",
        "CPU-s",
        "median",
        "times the peer",
        "time against fewest",
        "load s",
        "peer's load s",
        "MB",
        "peer's MB",
    ]);
    let mut fewest = None;
    for count in &args.counts {
        let row = measure(&args, &choose(&args, *count), &samples)?;
        let ours = row.ours.best();
        let fewest = *fewest.get_or_insert(ours);
        table.row([
            row.rules.to_string(),
            row.matches.to_string(),
            rate(samples.len(), ours),
            format!("{ours:.4}"),
            format!("{:.4}", row.ours.median()),
            rate(samples.len(), row.peer.best()),
            format!("{:.3}", row.peer.best()),
            format!("{:.3}", row.peer.median()),
            format!("{:.1}", row.peer.best() / ours),
            format!("{:.2}", ours / fewest),
            format!("{:.2}", row.loading),
            format!("{:.2}", row.peer_loading),
            megabytes(row.memory[0]),
            megabytes(row.memory[1]),
        ]);
    }
    println!("{} events, best of {} rounds\n", samples.len(), args.rounds);
    table.print();
    Ok(())
}

fn samples(args: &Args) -> anyhow::Result<Vec<Sample>> {
    if let Some(path) = &args.events {
        return events::read(path);
    }
    let mut shared = Shared::default();
    generate::events(args.generate).into_iter().map(|event| events::sample(event, &mut shared)).collect()
}

fn megabytes([loaded, matched]: [u64; 2]) -> String {
    let of = |bytes: u64| bytes as f64 / 1e6;
    format!("{:.1}, {:.1}", of(loaded), of(matched))
}

/// Prints the bytes one engine takes: a process of its own, so that neither pays for what the other left.
fn weigh(args: &Args, contestant: Contestant) -> anyhow::Result<()> {
    let files = choose(args, args.memory_rules);
    let before = resident()?;
    let (mut ours, mut theirs) = (None, None);
    match contestant {
        Contestant::Ours => ours = Some(Engine::new(Arc::new(RuleSet::compile(&files, &Options::default()).0))),
        Contestant::Peer => theirs = Some(peer(&files)),
    }
    let loaded = resident()?.saturating_sub(before);
    let samples = samples(args)?;
    let mut fresh = Batch::default();
    drop(fresh.events(samples.get(..BATCH).unwrap_or(&samples)));
    let before = resident()?;
    for batch in samples.chunks(BATCH) {
        if let Some(engine) = &mut ours {
            fresh.events(batch).iter().for_each(|event| {
                std::hint::black_box(engine.matches(event).len());
            });
        }
        if let Some(peer) = &theirs {
            batch.iter().for_each(|sample| {
                std::hint::black_box(ask(peer, &sample.json, sample.peer_sources.first()));
            });
        }
    }
    println!("{loaded} {}", loaded + resident()?.saturating_sub(before));
    Ok(())
}

/// Takes so many rules, always the same ones: drawn from the whole folder, so that few are a fair sample of many.
fn choose(args: &Args, count: usize) -> Vec<RuleFile> {
    let Some(folder) = &args.rules else { return generate::rules(count) };
    let (mut files, unread) = read_folder(folder);
    unread.iter().for_each(|problem| eprintln!("{problem}"));
    if let Some(product) = &args.product {
        let wanted = format!("product: {product}");
        files.retain(|file| file.text.lines().any(|line| line.trim() == wanted));
    }
    fastrand::Rng::with_seed(7).shuffle(&mut files);
    files.truncate(count);
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

fn measure(args: &Args, files: &[RuleFile], samples: &[Sample]) -> anyhow::Result<Row> {
    let watch = Stopwatch::start();
    let (set, refused) = RuleSet::compile(files, &Options::default());
    refused.iter().for_each(|problem| eprintln!("{problem}"));
    let rules = set.len();
    let mut engine = Engine::new(Arc::new(set));
    samples.iter().for_each(|sample| engine.warm(sample.logsource));
    let loading = watch.seconds();
    let watch = Stopwatch::start();
    let peer = if args.alone { None } else { Some(peer(files)) };
    let peer_loading = watch.seconds();
    let memory = [memory_of("ours", files.len())?, if args.alone { [0; 2] } else { memory_of("peer", files.len())? }];
    let (ours, theirs) = (Times::default(), Times::default());
    let mut row = Row { rules, ours, peer: theirs, matches: 0, loading, peer_loading, memory };
    let mut fresh = Batch::default();
    for _ in 0..args.rounds {
        let (mut seconds, mut matches) = (0.0, 0);
        for batch in samples.chunks(BATCH) {
            let hot = fresh.events(batch);
            let watch = Stopwatch::start();
            matches += hot.iter().map(|event| engine.matches(event).len()).sum::<usize>();
            seconds += watch.seconds();
        }
        row.matches = matches;
        row.ours.add(seconds);
        let Some(peer) = &peer else { continue };
        let mut seconds = 0.0;
        for batch in samples.chunks(BATCH) {
            let hot: Vec<_> = batch.iter().map(|sample| (sample.json.clone(), sample.peer_sources.first())).collect();
            let watch = Stopwatch::start();
            let found: usize = hot.iter().map(|(json, source)| ask(peer, json, *source)).sum();
            seconds += watch.seconds();
            std::hint::black_box(found);
        }
        row.peer.add(seconds);
    }
    if let Some(peer) = &peer {
        compare(&mut engine, peer, samples);
    }
    Ok(row)
}

fn memory_of(contestant: &str, rules: usize) -> anyhow::Result<[u64; 2]> {
    let numbers = ask_again(&["--memory", contestant, "--memory-rules", &rules.to_string()])?;
    <[u64; 2]>::try_from(numbers).map_err(|_| anyhow::anyhow!("two numbers of bytes were expected"))
}

fn peer(files: &[RuleFile]) -> rsigma_eval::Engine {
    let mut rules = Vec::new();
    for file in files {
        match rsigma_parser::parse_sigma_yaml(&file.text) {
            Ok(collection) => rules.extend(collection.rules),
            Err(err) => eprintln!("rsigma refuses {}: {err}", file.path.display()),
        }
    }
    let mut engine = rsigma_eval::Engine::new();
    // All at once: it rebuilds its indexes with every call.
    for (_, err) in engine.add_rules(&rules) {
        eprintln!("rsigma refuses a rule: {err}");
    }
    engine
}

/// The peer's answer for the first of the event's categories: one question an event, the cheapest it can be asked.
fn ask(peer: &rsigma_eval::Engine, json: &serde_json::Value, source: Option<&rsigma_parser::LogSource>) -> usize {
    source.map_or(0, |source| peer.evaluate_with_logsource(&JsonEvent::borrow(json), source).len())
}

/// Says where the two do not agree, untimed and with every category asked: a fast answer must first be right.
fn compare(engine: &mut Engine, peer: &rsigma_eval::Engine, samples: &[Sample]) {
    let mut differences: HashMap<String, [usize; 2]> = HashMap::new();
    let mut fresh = Batch::default();
    for sample in samples {
        let mut ours: Vec<String> = Vec::new();
        let events = fresh.events(std::slice::from_ref(sample));
        for event in &events {
            let matches = engine.matches(event).to_vec();
            let names = matches.iter().filter_map(|matched| engine.ruleset().rule(matched.rule));
            ours.extend(names.map(|meta| meta.id.clone()));
        }
        let event = JsonEvent::borrow(&sample.json);
        let answers = sample.peer_sources.iter().flat_map(|source| peer.evaluate_with_logsource(&event, source));
        let mut theirs: Vec<String> = answers.filter_map(|result| result.header.rule_id.clone()).collect();
        theirs.sort_unstable();
        theirs.dedup();
        for id in ours.iter().filter(|id| !theirs.contains(id)) {
            differences.entry(id.clone()).or_default()[0] += 1;
        }
        for id in theirs.iter().filter(|id| !ours.contains(id)) {
            differences.entry(id.clone()).or_default()[1] += 1;
        }
    }
    let mut differences: Vec<_> = differences.into_iter().collect();
    differences.sort();
    for (id, [ours, theirs]) in &differences {
        eprintln!("rule {id}: {ours} events matched only by us, {theirs} only by rsigma-eval");
    }
}
