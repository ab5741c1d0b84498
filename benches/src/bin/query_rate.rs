//! What the archive keeps of each byte received, and what searches cost in each tier, beside `rg` over the same lines.
//!
//! Worry when the archive takes more than 0.305 of the raw lines, the newest fifty take a millisecond of CPU, or a class
//! takes longer than `rg`.

use std::io::BufWriter;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use longan::model::EventId;
use longan::model::Timestamp;
use longan::normalize::Config;
use longan::normalize::Normalizer;
use longan::parse::Hint;
use longan::parse::Packs;
use longan::pipeline::demo::Everyday;
use longan::query;
use longan::query::pipes::run::EventRunner;
use longan::query::pipes::run::Limits;
use longan::store;
use longan::store::Options;
use longan::store::Searcher;
use longan::store::Store;
use longan_benches::cpu;
use longan_benches::cpu::Stopwatch;
use longan_benches::lines;
use longan_benches::table::Table;

/// The same every time.
const SEED: u64 = 20_261_124;
const ROUNDS: usize = 3;

/// Search events of the demo's traffic, sealed and archived
#[derive(Debug, clap::Parser)]
struct Args {
    /// Events to search
    #[arg(long, default_value_t = 1_000_000)]
    events: usize,
    /// Where the store and the lines are put; the system's folder for temporary files when absent
    #[arg(long)]
    folder: Option<std::path::PathBuf>,
}

/// A class of searches: its name, the query, and what `rg` is asked for the same lines, if it can be.
const CLASSES: [(&str, &str, Option<&str>); 15] = [
    ("newest 50 of everything", "*", None),
    ("newest 50 of a frequent word", "accepted", None),
    ("one word, frequent", "password", Some("(?i)\\bpassword\\b")),
    ("one word, rare", "kzxqv", Some("(?i)\\bkzxqv\\b")),
    ("two words, both needed", "failed root", None),
    ("phrase", "\"failed password\"", Some("(?i)failed password")),
    ("an address, whole", "192.0.2.86", Some("\\b192\\.0\\.2\\.86\\b")),
    ("substring", "/onnec/", Some("onnec")),
    ("regex across words", "/from [0-9.]+ port 4[0-9]+/", Some("from [0-9.]+ port 4[0-9]+")),
    ("field equals", "user.name:root", None),
    ("network", "source.ip:203.0.113.0/24", None),
    ("range and not", "destination.port:>=1024 -event.outcome:success", None),
    ("stats by one field", "* | stats count() by event.module", None),
    (
        "stats of a filter by two",
        "event.outcome:failure | stats count() as n, dc(user.name) by source.ip, host.name | sort -n | head 10",
        None,
    ),
    ("timechart by field", "* | timechart span=10m count() by host.name", None),
];

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let folder = match &args.folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    }
    .context("a folder for the store")?;
    let raw_path = folder.path().join("lines.log");
    let (store, _) = Store::open(&folder.path().join("store"), store::Config::default())?;
    let raw = fill(&store, args.events, &raw_path)?;
    let sealed = kept(&store);
    let sealed_costs = costs(&store.searcher())?;
    let watch = cpu::process_seconds()?;
    store.archive(Timestamp(i64::MAX), &mut |_| true)?;
    let archiving = cpu::process_seconds()? - watch;
    let archived = kept(&store);
    let archived_costs = costs(&store.searcher())?;
    print_sizes(&raw_path, raw, sealed, archived, archiving, args.events)?;
    let mut table = Table::new(&["class", "found", "sealed, ms CPU", "archived, ms CPU", "rg, ms CPU"]);
    for (((name, _, pattern), sealed), archived) in CLASSES.iter().zip(&sealed_costs).zip(&archived_costs) {
        anyhow::ensure!(sealed.0 == archived.0, "{name}: {} sealed and {} archived", sealed.0, archived.0);
        let rg = pattern.map_or_else(|| Ok(None), |pattern| ripgrep(pattern, &raw_path))?;
        table.row([
            (*name).to_owned(),
            sealed.0.to_string(),
            format!("{:.2}", sealed.1 * 1e3),
            format!("{:.2}", archived.1 * 1e3),
            rg.map_or_else(String::new, |seconds| format!("{:.0}", seconds * 1e3)),
        ]);
    }
    table.print();
    Ok(())
}

/// Indexes the demo's lines and writes them to a file; returns their bytes.
fn fill(store: &Store, events: usize, path: &Path) -> anyhow::Result<u64> {
    let mut everyday = Everyday::new(SEED)?;
    let (packs, normalizer) = (Packs::builtin(), Normalizer::new(Config::default()));
    let mut writer = store.writer()?;
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    let mut raw = 0;
    for number in 0..events {
        let received = lines::time(number);
        let line = everyday.line(received);
        writeln!(out, "{}", line.replace('\n', " "))?;
        raw += line.len() as u64;
        let mut event = packs.parse(&line, &Hint { received, format: None, zone_offset_seconds: 7 * 3600 });
        normalizer.normalize(&mut event, None);
        event.id = EventId(number as u64 + 1);
        event.ingested = received;
        writer.add(&event);
        if number % 5_000 == 4_999 {
            writer.cut()?;
        }
    }
    writer.seal_and_wait()?;
    out.flush()?;
    Ok(raw)
}

fn kept(store: &Store) -> u64 {
    store.partitions().iter().map(|partition| partition.bytes).sum()
}

/// What each class finds, and the CPU-seconds of its best round.
fn costs(searcher: &Searcher) -> anyhow::Result<Vec<(u64, f64)>> {
    let run = |(_, text, _): &(&str, &str, Option<&str>)| {
        let mut best = f64::INFINITY;
        let mut found = 0;
        for _ in 0..ROUNDS {
            let watch = Stopwatch::start();
            found = search(searcher, text)?;
            best = best.min(watch.seconds());
        }
        Ok((found, best))
    };
    CLASSES.iter().map(run).collect()
}

fn search(searcher: &Searcher, text: &str) -> anyhow::Result<u64> {
    let now = lines::time(0);
    let search = query::parse_search(text, now)?;
    if search.stages.is_empty() {
        let is_page = matches!(text, "*" | "accepted");
        if is_page {
            let options = Options { limit: 50, ..Options::default() };
            return Ok(searcher.search(&search.filter, &options)?.hits.len() as u64);
        }
        return Ok(searcher.count(&search.filter, &Options::default())?.count);
    }
    let (since, until) = searcher.time_span().unwrap_or((now, now));
    let limits = Limits { bytes_max: 128 << 20, rows_max: 10_000, now, since, until };
    let mut runner = EventRunner::new(&search.stages, &limits);
    let is_ordered = runner.needs_order();
    searcher.for_each_event(&search.filter, &Options::default(), is_ordered, &mut |event| runner.push(event))?;
    Ok(runner.finish().rows.len() as u64)
}

/// The CPU-seconds of `rg` counting lines, best of a few rounds; `None` when it is not installed.
fn ripgrep(pattern: &str, path: &Path) -> anyhow::Result<Option<f64>> {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let before = children_seconds()?;
        let run = Command::new("rg")
            .args(["--count", "--threads", "1", "-e", pattern])
            .arg(path)
            .stdout(Stdio::null())
            .status();
        match run {
            Ok(_) => best = best.min(children_seconds()? - before),
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(err.into()),
        }
    }
    Ok(Some(best))
}

/// The CPU-seconds of all processes that this one has started and that have ended.
fn children_seconds() -> anyhow::Result<f64> {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn print_sizes(path: &Path, raw: u64, sealed: u64, archived: u64, archiving: f64, events: usize) -> anyhow::Result<()> {
    let packed = |level: &str| -> anyhow::Result<u64> {
        let out = Command::new("zstd").args([level, "-q", "-c"]).arg(path).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = out else { return Ok(0) };
        let bytes = std::io::copy(child.stdout.as_mut().context("its output")?, &mut std::io::sink())?;
        child.wait()?;
        Ok(bytes)
    };
    let mut table = Table::new(&["what", "MB", "of raw"]);
    let rows = [
        ("raw lines", raw),
        ("sealed", sealed),
        ("archived", archived),
        ("zstd -9 of the lines, nothing else", packed("-9")?),
        ("zstd -19 of the lines, nothing else", packed("-19")?),
    ];
    for (what, bytes) in rows {
        table.row([what.to_owned(), format!("{:.1}", bytes as f64 / 1e6), format!("{:.3}", bytes as f64 / raw as f64)]);
    }
    table.print();
    let each = Duration::from_secs_f64(archiving / events as f64 * 1e6);
    println!("\narchiving took {archiving:.1} CPU-s, {:.1} s for a million events\n", each.as_secs_f64());
    Ok(())
}
