//! How many lines a CPU-second reads: headers alone beside `syslog_loose`, and our whole way from line to ECS event.
//!
//! Worry when our header reader falls behind the peer's, or the whole way below 0.4 M lines a second on the demo's traffic.

use std::path::PathBuf;

use chrono::FixedOffset;
use clap::Parser as _;
use longan::model::Timestamp;
use longan::normalize::Config;
use longan::normalize::Normalizer;
use longan::parse::Hint;
use longan::parse::Packs;
use longan::parse::header;
use longan_benches::cpu::Stopwatch;
use longan_benches::cpu::Times;
use longan_benches::lines;
use longan_benches::table::Table;
use longan_benches::table::rate;

/// Read log lines, ours and the peer's turn by turn
#[derive(Debug, clap::Parser)]
struct Args {
    /// File of lines; without it, the demo's syslog traffic
    #[arg(long, value_name = "FILE")]
    lines: Option<PathBuf>,
    /// Rounds of each contestant
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Lines to generate
    #[arg(long, default_value_t = 100_000)]
    generate: usize,
}

/// The hours the device is ahead of UTC, in seconds.
const ZONE_SECONDS: i32 = 7 * 3600;
/// 2026-11-24 00:00 UTC: when the lines are said to have arrived, so that years are inferred alike each time.
const RECEIVED: i64 = 1_795_478_400;

/// Reads a line and returns something that depends on it.
type Read<'r> = &'r dyn Fn(&str) -> usize;

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let lines = match &args.lines {
        Some(path) => lines::read(path)?,
        None => lines::of_demo_syslog(args.generate)?,
    };
    let received = Timestamp::from_seconds(RECEIVED, 0);
    let packs = Packs::builtin();
    let normalizer = Normalizer::new(Config { zone_offset_seconds: ZONE_SECONDS, ..Config::default() });
    let hint = Hint { received, format: None, zone_offset_seconds: ZONE_SECONDS };
    let zone = FixedOffset::east_opt(ZONE_SECONDS);
    let peer = |line: &str| {
        let year = |_: syslog_loose::IncompleteDate| 2026;
        let message = syslog_loose::parse_message_with_year_tz(line, year, zone, syslog_loose::Variant::Either);
        usize::from(message.hostname.is_some())
    };
    let ours = |line: &str| usize::from(header::read(line, received, ZONE_SECONDS).hostname.is_some());
    let parsed = |line: &str| packs.parse(line, &hint).fields.len();
    let whole = |line: &str| {
        let mut event = packs.parse(line, &hint);
        normalizer.normalize(&mut event, None);
        event.fields.len()
    };
    let contestants: [(&str, Read<'_>); 4] = [
        ("syslog_loose, header", &peer),
        ("ours, header", &ours),
        ("ours, header and pack", &parsed),
        ("ours, whole: ECS event", &whole),
    ];
    let mut times = vec![Times::default(); contestants.len()];
    for _ in 0..args.rounds {
        for ((_, read), times) in contestants.iter().zip(&mut times) {
            let watch = Stopwatch::start();
            let found: usize = lines.iter().map(|line| read(line)).sum();
            times.add(watch.seconds());
            std::hint::black_box(found);
        }
    }
    let mut table = Table::new(&["what is read", "lines", "CPU-s", "median", "time against the peer"]);
    let reference = times.first().map_or(f64::NAN, Times::best);
    for ((name, _), times) in contestants.iter().zip(&times) {
        table.row([
            (*name).to_owned(),
            rate(lines.len(), times.best()),
            format!("{:.4}", times.best()),
            format!("{:.4}", times.median()),
            format!("{:.2}", times.best() / reference),
        ]);
    }
    println!("{} lines, best of {} rounds\n", lines.len(), args.rounds);
    table.print();
    Ok(())
}
