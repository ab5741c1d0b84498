//! Analysts who search while events arrive: what ingest loses by it, and what the searches take.
//!
//! Events arrive over TCP at a steady rate; spans without analysts and spans with eight of them take turns, so that both see
//! the same neighbours. Worry when the events taken in a second, or a CPU-second of the processing thread, fall by over 20 %.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use clap::Parser as _;
use longan::client::Endpoint;
use longan::client::blocking::BlockingClient;
use longan::wire::search::SearchRequest;
use longan_benches::cpu;
use longan_benches::lines;
use longan_benches::served::Served;
use longan_benches::served::send;
use longan_benches::table::Table;

/// Search with several analysts while events arrive
#[derive(Debug, clap::Parser)]
struct Args {
    /// The program measured
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release/longan"))]
    longan: PathBuf,
    /// Events a second
    #[arg(long, default_value_t = 20_000)]
    rate: usize,
    /// Analysts
    #[arg(long, default_value_t = 8)]
    analysts: usize,
    /// Seconds of each span
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Spans of each kind
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Further arguments of `longan start`
    #[arg(last = true)]
    start: Vec<String>,
}

/// The server is given up when it has not started, or ended, by then.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// What the analysts ask in turn, cheap and dear; `|` makes it a table.
const QUERIES: [&str; 10] = [
    "*",
    "failed password",
    "event.outcome:failure",
    "source.ip:203.0.113.0/24",
    "*ssw*",
    "/(?i)union\\s+select/",
    "user.name:/^a.*n$/",
    "* | stats count() as n, dc(user.name) by source.ip | sort -n | head 10",
    "* | timechart span=1m count() by host.name",
    "* | top 10 event.action",
];

/// One search.
struct Asked {
    seconds: f64,
    partial: Option<String>,
}

/// What a span gave.
struct Span {
    events: u64,
    seconds: f64,
    server: f64,
    processing: f64,
}

struct Watch {
    client: BlockingClient,
    pid: u32,
}

impl Watch {
    fn now(&self) -> anyhow::Result<(u64, Instant, f64, f64)> {
        let status = self.client.call(async |client| client.status().await)?;
        let (server, thread) = (cpu::seconds_of(self.pid)?, cpu::seconds_of_thread(self.pid, "processing")?);
        Ok((status.last_searchable, Instant::now(), server, thread))
    }

    fn span(&self, length: Duration) -> anyhow::Result<Span> {
        let before = self.now()?;
        thread::sleep(length);
        let after = self.now()?;
        Ok(Span {
            events: after.0 - before.0,
            seconds: after.1.duration_since(before.1).as_secs_f64(),
            server: after.2 - before.2,
            processing: after.3 - before.3,
        })
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir().context("a data folder")?;
    let mut server = Served::start(&args.longan, folder.path(), &args.start, Instant::now() + PATIENCE)?;
    let address = server.address()?;
    let is_over = Arc::new(AtomicBool::new(false));
    let sending = {
        let (rate, is_over) = (args.rate, Arc::clone(&is_over));
        let lines = lines::of_demo_syslog(rate * 5)?;
        thread::spawn(move || while !is_over.load(Ordering::Acquire) && send(&address, &lines, rate).is_ok() {})
    };
    let endpoint = Endpoint::in_data_folder(folder.path())?;
    let watch = Watch { client: BlockingClient::new(endpoint)?, pid: server.pid() };
    let length = Duration::from_secs(args.seconds);
    // Something to search in, and caches that are warm.
    watch.span(length)?;
    let (mut quiet, mut busy, asked) = (Vec::new(), Vec::new(), Arc::new(Mutex::new(Vec::new())));
    for _ in 0..args.rounds {
        quiet.push(watch.span(length)?);
        let is_done = Arc::new(AtomicBool::new(false));
        let analysts: Vec<_> =
            (0..args.analysts).map(|number| analyst(folder.path().to_owned(), number, &is_done, &asked)).collect();
        busy.push(watch.span(length)?);
        is_done.store(true, Ordering::Release);
        for analyst in analysts {
            analyst.join().map_err(|_| anyhow::anyhow!("an analyst panicked"))??;
        }
    }
    let peak = cpu::peak_memory(server.pid())?;
    is_over.store(true, Ordering::Release);
    print_spans(&quiet, &busy);
    print_searches(&asked.lock().unwrap_or_else(PoisonError::into_inner));
    println!("\nPeak memory of the server: {:.0} MB.", peak as f64 / 1e6);
    server.stop()?;
    sending.join().map_err(|_| anyhow::anyhow!("the sender panicked"))
}

type Searches = Arc<Mutex<Vec<(usize, Asked)>>>;

fn analyst(
    data: PathBuf,
    number: usize,
    is_done: &Arc<AtomicBool>,
    asked: &Searches,
) -> thread::JoinHandle<anyhow::Result<()>> {
    let (is_done, asked) = (Arc::clone(is_done), Arc::clone(asked));
    thread::spawn(move || {
        let client = BlockingClient::new(Endpoint::in_data_folder(&data)?)?;
        let mut turn = number;
        while !is_done.load(Ordering::Acquire) {
            let which = turn % QUERIES.len();
            turn += 1;
            let q = QUERIES[which].to_owned();
            let (is_table, request) =
                (q.contains('|'), SearchRequest { q, limit: Some(50), ..SearchRequest::default() });
            let started = Instant::now();
            let explain = if is_table {
                client.call(async |client| client.table(&request).await)?.explain
            } else {
                client.call(async |client| client.search(&request).await)?.explain
            };
            let seconds = started.elapsed().as_secs_f64();
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.push((which, Asked { seconds, partial: explain.partial }));
        }
        Ok(())
    })
}

fn print_spans(quiet: &[Span], busy: &[Span]) {
    let sum = |spans: &[Span], of: fn(&Span) -> f64| spans.iter().map(of).sum::<f64>();
    let mut table = Table::new(&["", "events a s", "events a CPU-s of processing", "CPU-s of the server a s"]);
    let figures = |spans: &[Span]| {
        let (events, seconds) = (sum(spans, |span| span.events as f64), sum(spans, |span| span.seconds));
        [events / seconds, events / sum(spans, |span| span.processing), sum(spans, |span| span.server) / seconds]
    };
    let row = |name: &str, [rate, thread, server]: [f64; 3]| {
        [name.to_owned(), format!("{rate:.0}"), format!("{thread:.0}"), format!("{server:.2}")]
    };
    let (without, with) = (figures(quiet), figures(busy));
    table.row(row("nobody searches", without));
    table.row(row("analysts search", with));
    let [rate, thread, _] = [with[0] / without[0], with[1] / without[1], 0.0];
    table.row(["with / without".to_owned(), format!("{rate:.2}"), format!("{thread:.2}"), String::new()]);
    table.print();
}

fn print_searches(asked: &[(usize, Asked)]) {
    println!();
    let mut table = Table::new(&["query", "asked", "median ms", "longest ms", "cut short"]);
    for (which, query) in QUERIES.iter().enumerate() {
        let own = || asked.iter().filter(|(number, _)| *number == which).map(|(_, asked)| asked);
        let mut times: Vec<f64> = own().map(|asked| asked.seconds * 1e3).collect();
        times.sort_by(f64::total_cmp);
        let partial = own().filter(|asked| asked.partial.is_some()).count();
        table.row([
            format!("`{}`", query.replace('|', "\\|")),
            times.len().to_string(),
            format!("{:.0}", times.get(times.len() / 2).copied().unwrap_or(0.0)),
            format!("{:.0}", times.last().copied().unwrap_or(0.0)),
            partial.to_string(),
        ]);
    }
    table.print();
}
