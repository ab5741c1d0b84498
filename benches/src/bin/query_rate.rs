//! What the archive keeps of each byte received, and what searches cost in each tier, beside `rg` over the same lines.
//!
//! Worry when the archive takes more than 0.305 of the raw lines, the newest fifty take a millisecond of CPU, or a class
//! takes longer than `rg`.

use std::io::BufWriter;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context as _;
use clap::Parser as _;
use longan::model::EventId;
use longan::model::Timestamp;
use longan::normalize::Config;
use longan::normalize::Normalizer;
use longan::parse::Hint;
use longan::parse::Packs;
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
use longan_benches::traffic::Traffic;

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
    folder: Option<PathBuf>,
    /// Keep the stores in this folder, and use those that are there already
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Only classes whose name holds this
    #[arg(long)]
    only: Option<String>,
    /// Only this tier: `sealed` or `archived`
    #[arg(long)]
    tier: Option<String>,
    /// Rounds, of which the best counts
    #[arg(long, default_value_t = ROUNDS)]
    rounds: usize,
}

/// A class of searches: its name, the query, and what `rg` is asked for the same lines, if it can be.
const CLASSES: [(&str, &str, Option<&str>); 15] = [
    ("newest 50 of everything", "*", None),
    ("word, frequent", "password", Some("(?i)\\bpassword\\b")),
    ("word, rare", "kzxqv", Some("(?i)\\bkzxqv\\b")),
    ("field equals", "user.name:root", None),
    ("two fields", "event.outcome:failure AND host.name:srv-01", None),
    ("phrase", "\"password for invalid user\"", Some("(?i)\\bpassword for invalid user\\b")),
    ("wildcard", "authentic*", Some("(?i)\\bauthentic")),
    ("substring across words", "/sword for inv/", Some("sword for inv")),
    ("regex across words", "/from [0-9.]+ port 4[0-9]+/", Some("from [0-9.]+ port 4[0-9]+")),
    ("network", "source.ip:198.18.32.0/20", None),
    ("range of numbers", "http.response.status_code:>=500", Some("HTTP/[0-9.]+\" 5[0-9][0-9] ")),
    ("not", "event.outcome:failure -user.name:root -source.ip:198.18.0.0/17", None),
    ("stats count by field", "* | stats count() by event.module", None),
    ("timechart by field", "* | timechart span=10m count() by event.outcome", None),
    ("top and dc", "* | stats count() as n, dc(user.name) as users by source.ip | sort -n | head 10", None),
];

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let folder = match &args.folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    }
    .context("a folder for the store")?;
    let folder = args.keep.clone().unwrap_or_else(|| folder.path().to_owned());
    std::fs::create_dir_all(&folder)?;
    let raw_path = folder.join("lines.log");
    let made = prepare(&folder, &raw_path, args.events)?;
    let raw = std::fs::metadata(&raw_path)?.len() - args.events as u64;
    let wants = |tier: &str| args.tier.as_ref().is_none_or(|only| only == tier);
    let open = |tier: &str| Store::open_read_only(&folder.join(tier), store::Config::default());
    let (sealed, archived) = (open("sealed")?.0, open("archived")?.0);
    if let Some(made) = &made {
        print_sizes(&raw_path, raw, kept(&sealed), kept(&archived), made, args.events)?;
    }
    let mut table = Table::new(&["class", "found", "sealed, ms CPU", "archived, ms CPU", "rg, ms CPU"]);
    for (name, text, pattern) in CLASSES {
        if args.only.as_ref().is_some_and(|only| !name.contains(only)) {
            continue;
        }
        let in_sealed = wants("sealed").then(|| cost(&sealed.searcher(), text, args.rounds)).transpose()?;
        let in_archive = wants("archived").then(|| cost(&archived.searcher(), text, args.rounds)).transpose()?;
        if let (Some(sealed), Some(archived)) = (&in_sealed, &in_archive) {
            anyhow::ensure!(sealed.answer == archived.answer, "{name}: sealed and archived answer differently");
        }
        let rg = pattern.map_or_else(|| Ok(None), |pattern| ripgrep(pattern, &raw_path, args.rounds))?;
        let found = in_sealed.as_ref().or(in_archive.as_ref()).map_or(0, |cost| cost.found);
        let shown =
            |cost: &Option<Cost>| cost.as_ref().map_or_else(String::new, |cost| format!("{:.2}", cost.seconds * 1e3));
        let rg = rg.map_or_else(String::new, |seconds| format!("{:.0}", seconds * 1e3));
        table.row([name.to_owned(), found.to_string(), shown(&in_sealed), shown(&in_archive), rg]);
    }
    table.print();
    Ok(())
}

/// What making the stores took, in CPU-seconds.
struct Made {
    indexing: f64,
    archiving: f64,
}

/// Makes the two stores and the file of lines, unless they are there.
fn prepare(folder: &Path, raw_path: &Path, events: usize) -> anyhow::Result<Option<Made>> {
    let (sealed, archived) = (folder.join("sealed"), folder.join("archived"));
    if archived.join("done").is_file() {
        return Ok(None);
    }
    let (store, _) = Store::open(&sealed, store::Config::default())?;
    let before = cpu::process_seconds()?;
    let parsing = fill(&store, events, raw_path)?;
    let indexing = cpu::process_seconds()? - before - parsing;
    drop(store);
    copy_folder(&sealed, &archived)?;
    let (store, _) = Store::open(&archived, store::Config::default())?;
    let before = cpu::process_seconds()?;
    store.archive(Timestamp(i64::MAX), &mut |_| true)?;
    let archiving = cpu::process_seconds()? - before;
    std::fs::write(archived.join("done"), "")?;
    Ok(Some(Made { indexing, archiving }))
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Indexes lines and writes them to a file; returns the CPU-seconds of inventing and parsing them.
fn fill(store: &Store, events: usize, path: &Path) -> anyhow::Result<f64> {
    let mut traffic = Traffic::new(SEED)?;
    let (packs, normalizer) = (Packs::builtin(), Normalizer::new(Config::default()));
    let mut writer = store.writer()?;
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    let mut parsing = 0.0;
    for number in 0..events {
        let watch = Stopwatch::start();
        let received = lines::time(number);
        let line = traffic.line(received).replace('\n', " ");
        writeln!(out, "{line}")?;
        let mut event = packs.parse(&line, &Hint { received, format: None, zone_offset_seconds: 7 * 3600 });
        normalizer.normalize(&mut event, None);
        event.id = EventId(number as u64 + 1);
        event.ingested = received;
        parsing += watch.seconds();
        writer.add(&event);
        if number % 5_000 == 4_999 {
            writer.cut()?;
        }
    }
    writer.seal_and_wait()?;
    out.flush()?;
    Ok(parsing)
}

fn kept(store: &Store) -> u64 {
    store.partitions().iter().map(|partition| partition.bytes).sum()
}

/// What a search cost and found.
struct Cost {
    found: u64,
    /// Everything it answered, so that two tiers can be compared.
    answer: String,
    seconds: f64,
}

/// Searches a few rounds; the best one counts.
fn cost(searcher: &Searcher, text: &str, rounds: usize) -> anyhow::Result<Cost> {
    let mut best = Cost { found: 0, answer: String::new(), seconds: f64::INFINITY };
    for _ in 0..rounds {
        let watch = Stopwatch::start();
        let answer = search(searcher, text)?;
        best.seconds = best.seconds.min(watch.seconds());
        (best.found, best.answer) = answer.told();
    }
    Ok(best)
}

enum Answer {
    Page(Vec<u64>),
    Count(u64),
    Table(longan::query::pipes::run::Table),
}

impl Answer {
    fn told(&self) -> (u64, String) {
        match self {
            Answer::Page(ids) => (ids.len() as u64, format!("{ids:?}")),
            Answer::Count(count) => (*count, count.to_string()),
            Answer::Table(table) => (table.rows.len() as u64, format!("{table:?}")),
        }
    }
}

fn search(searcher: &Searcher, text: &str) -> anyhow::Result<Answer> {
    let now = lines::time(0);
    let search = query::parse_search(text, now)?;
    if search.stages.is_empty() {
        if text == "*" {
            let options = Options { limit: 50, ..Options::default() };
            let hits = searcher.search(&search.filter, &options)?.hits;
            return Ok(Answer::Page(hits.iter().map(|hit| hit.id.0).collect()));
        }
        return Ok(Answer::Count(searcher.count(&search.filter, &Options::default())?.count));
    }
    let (since, until) = searcher.time_span().unwrap_or((now, now));
    let limits = Limits { bytes_max: 128 << 20, rows_max: 10_000, now, since, until };
    let mut runner = EventRunner::new(&search.stages, &limits);
    searcher.run(&search.filter, &Options::default(), &mut runner)?;
    Ok(Answer::Table(runner.finish()))
}

/// The CPU-seconds of `rg` counting lines, best of a few rounds; `None` when it is not installed.
fn ripgrep(pattern: &str, path: &Path, rounds: usize) -> anyhow::Result<Option<f64>> {
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
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

fn print_sizes(path: &Path, raw: u64, sealed: u64, archived: u64, made: &Made, events: usize) -> anyhow::Result<()> {
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
    ];
    for (what, bytes) in rows {
        table.row([what.to_owned(), format!("{:.1}", bytes as f64 / 1e6), format!("{:.3}", bytes as f64 / raw as f64)]);
    }
    table.print();
    let each = |seconds: f64| seconds / events as f64 * 1e6;
    println!(
        "\nCPU-s a million events: indexing and sealing {:.1}, archiving {:.1}\n",
        each(made.indexing),
        each(made.archiving)
    );
    Ok(())
}
