//! How many events a CPU-second the store takes, sealing and merging included, and how many bytes it keeps of each byte received.
//!
//! Worry below 50,000 events a CPU-second, or when sealed partitions take more than 0.70 of the raw lines.

use anyhow::Context as _;
use clap::Parser as _;
use longan::model::Event;
use longan::model::EventId;
use longan::normalize::Config;
use longan::normalize::Normalizer;
use longan::parse::Hint;
use longan::parse::Packs;
use longan::store;
use longan::store::Store;
use longan_benches::cpu;
use longan_benches::cpu::Stopwatch;
use longan_benches::lines;
use longan_benches::table::Table;
use longan_benches::table::rate;

/// Index events of the demo's traffic, as the pipeline does
#[derive(Debug, clap::Parser)]
struct Args {
    /// Events to index
    #[arg(long, default_value_t = 300_000)]
    events: usize,
    /// Events made searchable at once
    #[arg(long, default_value_t = 5_000)]
    cut: usize,
    /// Events sealed at once; a small number shows merged partitions sooner
    #[arg(long, default_value_t = 200_000)]
    seal: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let lines = lines::of_demo(args.events)?;
    let raw: usize = lines.iter().map(String::len).sum();
    let packs = Packs::builtin();
    let normalizer = Normalizer::new(Config::default());
    let folder = tempfile::tempdir().context("a folder for the store")?;
    let config = store::Config { hot_events_max: args.seal, ..store::Config::default() };
    let (store, _) = Store::open(folder.path(), config)?;
    let mut writer = store.writer()?;
    // The sealing thread works while this one parses: the store's part is all that is not parsing.
    let all = cpu::process_seconds()?;
    let mut reading = 0.0;
    for (part, chunk) in lines.chunks(args.cut.max(1)).enumerate() {
        let watch = Stopwatch::start();
        let events: Vec<Event<'_>> = chunk
            .iter()
            .enumerate()
            .map(|(index, line)| event(&packs, &normalizer, line, part * args.cut.max(1) + index))
            .collect();
        reading += watch.seconds();
        events.iter().for_each(|event| writer.add(event));
        writer.cut()?;
        let watch = Stopwatch::start();
        drop(events);
        reading += watch.seconds();
    }
    writer.seal_and_wait()?;
    let indexing = cpu::process_seconds()? - all - reading;
    let kept: u64 = store.partitions().iter().map(|partition| partition.bytes).sum();
    anyhow::ensure!(store.searcher().event_count() == args.events as u64, "events are missing");
    let mut table = Table::new(&["events", "bytes a line", "partitions", "CPU-s", "events a CPU-s", "kept / raw"]);
    table.row([
        args.events.to_string(),
        format!("{:.0}", raw as f64 / args.events as f64),
        store.partitions().len().to_string(),
        format!("{indexing:.2}"),
        rate(args.events, indexing),
        format!("{:.3}", kept as f64 / raw as f64),
    ]);
    table.print();
    Ok(())
}

fn event<'a>(packs: &'a Packs, normalizer: &'a Normalizer, line: &'a str, number: usize) -> Event<'a> {
    let received = lines::time(number);
    let mut event = packs.parse(line, &Hint { received, format: None, zone_offset_seconds: 7 * 3600 });
    normalizer.normalize(&mut event, None);
    event.id = EventId(number as u64 + 1);
    event.ingested = received;
    event
}
