//! What a thousand more patterns cost each line: the built-in packs against the same with a hundred packs of ten patterns beside them.
//!
//! Half of the packs know their source by its program, half by nothing but their patterns, so that those are tried on every
//! line that says nothing of its source. Worry when the second row is more than 1.10 times the first.

use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::ensure;
use clap::Parser as _;
use longan::model::Timestamp;
use longan::parse::Hint;
use longan::parse::Packs;
use longan_benches::cpu::Stopwatch;
use longan_benches::cpu::Times;
use longan_benches::lines;
use longan_benches::table::Table;
use longan_benches::table::rate;

/// Read log lines with and without more packs, turn by turn
#[derive(Debug, clap::Parser)]
struct Args {
    /// File of lines; without it, the demo's traffic
    #[arg(long, value_name = "FILE")]
    lines: Option<PathBuf>,
    /// Packs to add, of ten patterns each
    #[arg(long, default_value_t = 100)]
    packs: usize,
    /// Rounds of each contestant
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Lines to generate
    #[arg(long, default_value_t = 50_000)]
    generate: usize,
}

/// 2026-11-24 00:00 UTC: when the lines are said to have arrived.
const RECEIVED: i64 = 1_795_478_400;
const VERBS: [&str; 8] = ["opened", "refused", "granted", "expired", "renewed", "mounted", "synchronised", "dropped"];
/// Ten shapes of a message; `VERB` and `NOUN` differ from pattern to pattern.
const SHAPES: [&str; 10] = [
    "NOUN VERB for {user.name:word} from {source:endpoint}",
    "{source.ip} {user.name:word} VERB NOUN in {event.duration:int} ms",
    "for {user.name:word} VERB NOUN{?: {event.reason}}",
    "[{process.thread.id:int}] NOUN VERB by {user.name:word}",
    "NOUN {event.outcome:(ok|failed)} VERB {file.path:word} size {file.size:int}",
    "{host.ip}:{source.port} -> {destination:endpoint} VERB NOUN",
    "level={log.level:word} NOUN VERB {:kv}",
    "GET {url.original} VERB NOUN {http.response.status_code} {http.response.bytes:int}",
    "VERB NOUN \"{user.name}\" at {source.ip}",
    "\"{user.name}\" NOUN VERB, code {event.code:int}",
];

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let lines = match &args.lines {
        Some(path) => lines::read(path)?,
        None => lines::of_demo(args.generate)?,
    };
    let folder = tempfile::tempdir()?;
    write_packs(folder.path(), args.packs)?;
    let (more, problems) = Packs::load(Some(folder.path()));
    ensure!(problems.is_empty(), "{} problems in the generated packs, the first: {}", problems.len(), problems[0]);
    let builtin = Packs::builtin();
    let hint = Hint { received: Timestamp::from_seconds(RECEIVED, 0), format: None, zone_offset_seconds: 0 };
    let contestants = [(&builtin, "built-in packs"), (&more, "the same and more")];
    let differing =
        lines.iter().filter(|line| builtin.parse(line, &hint).fields != more.parse(line, &hint).fields).count();
    let mut times = vec![Times::default(); contestants.len()];
    for _ in 0..args.rounds {
        for ((packs, _), times) in contestants.iter().zip(&mut times) {
            let watch = Stopwatch::start();
            let fields: usize = lines.iter().map(|line| packs.parse(line, &hint).fields.len()).sum();
            times.add(watch.seconds());
            std::hint::black_box(fields);
        }
    }
    let mut table = Table::new(&["packs", "lines", "CPU-s", "median", "times the first"]);
    for ((_, name), time) in contestants.iter().zip(&times) {
        table.row([
            (*name).to_owned(),
            rate(lines.len(), time.best()),
            format!("{:.4}", time.best()),
            format!("{:.4}", time.median()),
            format!("{:.3}", time.best() / times[0].best()),
        ]);
    }
    println!(
        "{} lines, {} patterns more, {differing} lines read differently\n",
        lines.len(),
        args.packs * SHAPES.len()
    );
    table.print();
    Ok(())
}

fn write_packs(folder: &Path, packs: usize) -> anyhow::Result<()> {
    for number in 0..packs {
        let recognise = match number % 2 {
            0 => format!("app_name = \"daemon-{number}\""),
            _ => "by_pattern = true".to_owned(),
        };
        let mut text = format!(
            "name = \"more-{number}\"\ntitle = \"Generated {number}\"\nlogsource = {{ product = \"more-{number}\" }}\n\n[[recognise]]\n{recognise}\n"
        );
        for (index, shape) in SHAPES.iter().enumerate() {
            let verb = VERBS[(number + index) % VERBS.len()];
            let shape = shape.replace("VERB", verb).replace("NOUN", &format!("unit{number}x{index}"));
            write!(text, "\n[[pattern]]\ntext = '{shape}'\n")?;
        }
        std::fs::write(folder.join(format!("more-{number}.toml")), text)?;
    }
    Ok(())
}
