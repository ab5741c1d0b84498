//! The whole way: events over TCP into a running server with its rules on, until a search finds every one of them.
//!
//! Worry below 15,000 events a CPU-second of the server, or above 600 MB of memory.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use clap::Parser as _;
use longan_benches::cpu;
use longan_benches::lines;
use longan_benches::served::POLL;
use longan_benches::served::Served;
use longan_benches::served::send;
use longan_benches::table::Table;
use longan_benches::table::rate;

/// Send events to a server of our own and wait until all are found
#[derive(Debug, clap::Parser)]
struct Args {
    /// The program measured
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release/longan"))]
    longan: PathBuf,
    /// Events to send
    #[arg(long, default_value_t = 300_000)]
    events: usize,
    /// Send no more than so many a second; 0 sends as fast as the server reads
    #[arg(long, default_value_t = 0)]
    rate: usize,
    /// Give up after so many seconds
    #[arg(long, default_value_t = 300)]
    patience: u64,
    /// Further arguments of `longan start`, such as --config FILE
    #[arg(last = true)]
    start: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let lines = lines::of_demo_syslog(args.events)?;
    let folder = tempfile::tempdir().context("a data folder")?;
    let patience = Instant::now() + Duration::from_secs(args.patience);
    let mut server = Served::start(&args.longan, folder.path(), &args.start, patience)?;
    let address = server.address()?;
    let idle_bytes = cpu::peak_memory(server.pid())?;
    let before = cpu::seconds_of(server.pid())?;
    let started = Instant::now();
    send(&address, &lines, args.rate)?;
    let sent = started.elapsed();
    let found = wait_until_found(&args, &server, patience)?;
    let elapsed = started.elapsed();
    let used = cpu::seconds_of(server.pid())? - before;
    let peak_bytes = cpu::peak_memory(server.pid())?;
    anyhow::ensure!(found == args.events, "{} events sent, {found} found", args.events);
    let stopping = cpu::seconds_of(server.pid())?;
    server.stop()?;
    let mut table = Table::new(&["events", "sent in s", "found in s", "CPU-s", "events a CPU-s", "idle MB", "peak MB"]);
    table.row([
        args.events.to_string(),
        format!("{:.1}", sent.as_secs_f64()),
        format!("{:.1}", elapsed.as_secs_f64()),
        format!("{used:.2}"),
        rate(args.events, used),
        format!("{:.0}", idle_bytes as f64 / 1e6),
        format!("{:.0}", peak_bytes as f64 / 1e6),
    ]);
    table.print();
    println!("\nOf the CPU-seconds {before:.2} before were the start; {stopping:.2} is all until the stop.");
    Ok(())
}

/// Counts by search until all are there; returns how many were found in the end.
fn wait_until_found(args: &Args, server: &Served, patience: Instant) -> anyhow::Result<usize> {
    loop {
        let found = count(&args.longan, server.data())?;
        if found >= args.events || Instant::now() >= patience {
            return Ok(found);
        }
        thread::sleep(POLL);
    }
}

fn count(longan: &Path, data: &Path) -> anyhow::Result<usize> {
    let output = Command::new(longan).args(["search", "*", "--count", "--data"]).arg(data).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| {
        format!(
            "`longan search --count` said `{}` and `{}`",
            text.trim(),
            String::from_utf8_lossy(&output.stderr).trim()
        )
    })
}
