//! What threat lists cost: bytes an indicator, and nanoseconds a look-up, for values on a list and for values on none.
//!
//! Worry above 40 bytes an indicator, or above 500 ns for a value that is on no list.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Instant;

use clap::Parser as _;
use longan::model::Event;
use longan::model::Timestamp;
use longan::model::ecs;
use longan::normalize::Config;
use longan::normalize::Normalizer;
use longan::normalize::enrich;
use longan::normalize::enrich::Enrichment;

/// Look values up in lists of made-up indicators
#[derive(Debug, clap::Parser)]
struct Args {
    /// Indicators: half addresses, a quarter domains, a quarter hashes
    #[arg(long, default_value_t = 2_000_000)]
    indicators: u32,
    /// Look-ups of each kind
    #[arg(long, default_value_t = 1_000_000)]
    lookups: u32,
}

/// A public address for a number, spread over the whole range.
fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x2000_0000 + (number.wrapping_mul(2_654_435_761) >> 2))
}

fn domain(number: u32) -> String {
    format!("host{number:x}.list{:x}.example", number.wrapping_mul(40_503) & 0xffff)
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let mut text = String::from("# name: made up\n# confidence: 70\n");
    for number in 0..args.indicators {
        match number % 4 {
            0 | 1 => writeln!(text, "{}", address(number))?,
            2 => writeln!(text, "{}", domain(number))?,
            _ => writeln!(text, "{:032x}{:032x}", u128::from(number) << 90, number)?,
        }
    }
    fs::write(folder.path().join("list.txt"), &text)?;
    let start = Instant::now();
    let (threats, _, problems) = enrich::load_threats(folder.path(), Timestamp(0));
    let seconds = start.elapsed().as_secs_f64();
    anyhow::ensure!(problems.is_empty(), "{}", problems[0]);
    let (count, bytes) = (threats.count(), threats.bytes());
    println!("{count} indicators read in {seconds:.2} s, {:.1} bytes each", bytes as f64 / count as f64);
    let normalizers = [
        ("no list", Normalizer::default()),
        (
            "lists",
            Normalizer::new(Config {
                enrichment: Enrichment { threats, ..Enrichment::default() },
                ..Config::default()
            }),
        ),
    ];
    for (name, normalizer) in &normalizers {
        for (what, offset) in [("on it", 0), ("on none", args.indicators)] {
            let (mut hits, start) = (0_u32, Instant::now());
            for number in 0..args.lookups {
                let number = (number.wrapping_mul(7_919) % args.indicators / 4 * 4).wrapping_add(offset);
                let mut event = Event::new("x", Timestamp(0));
                event.set(ecs::DESTINATION_IP, std::net::IpAddr::V4(address(number)));
                normalizer.normalize(&mut event, None);
                hits += u32::from(event.get(ecs::THREAT_FEED_NAME).is_some());
                black_box(&event);
            }
            let nanos = start.elapsed().as_secs_f64() * 1e9 / f64::from(args.lookups);
            println!("{name:8} an event whose address is {what:8} {nanos:6.0} ns, {hits} hits");
        }
        let domains: Vec<String> = (0..10_000).map(|n| domain(args.indicators + n * 4 + 2)).collect();
        let start = Instant::now();
        for number in 0..args.lookups as usize {
            let mut event = Event::new("x", Timestamp(0));
            event.set(ecs::DNS_QUESTION_NAME, domains[number % domains.len()].as_str());
            normalizer.normalize(&mut event, None);
            black_box(&event);
        }
        let nanos = start.elapsed().as_secs_f64() * 1e9 / f64::from(args.lookups);
        println!("{name:8} an event whose domain is on none    {nanos:6.0} ns");
    }
    Ok(())
}
