//! The console with a million alerts behind its list: what a frame costs, how long a key takes until it is painted, what
//! the server's answers cost; quiet, and while alerts change by the thousand.
//!
//! The real program twice (server and console), a real Unix socket, a real pseudo terminal, the costs read from outside. Worry when a
//! frame costs more than 4 ms, a key takes more than 16 ms, the console needs 50 MB, or the first paint comes after 100 ms.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use clap::Parser as _;
use longan::alert::AlertFilter;
use longan::alert::AlertReader;
use longan::alert::AlertWindow;
use longan::client::Endpoint;
use longan::client::blocking::BlockingClient;
use longan_benches::alerts;
use longan_benches::cpu;
use longan_benches::cpu::Times;
use longan_benches::lines;
use longan_benches::served::POLL;
use longan_benches::served::Served;
use longan_benches::table::Table;
use longan_benches::terminal::Terminal;
use longan_benches::terminal::Waited;

/// Measure the console with many alerts behind its list
#[derive(Debug, clap::Parser)]
struct Args {
    /// The program measured
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release/longan"))]
    longan: PathBuf,
    /// Open alerts behind the list
    #[arg(long, default_value_t = 1_000_000)]
    alerts: usize,
    /// Alerts that change in a second while keys are pressed
    #[arg(long, default_value_t = 5_000)]
    pushes: usize,
    /// Seconds of that
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Keep the alert store in this file and use it again
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Only these parts, by name: starts, frames, keys, calls, pushes
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Give up after so many seconds
    #[arg(long, default_value_t = 900)]
    patience: u64,
}

/// What is to be reached, as it is measured: name, asked, measured.
type Reached = Vec<[String; 3]>;

const SIZES: [(u16, u16); 2] = [(160, 50), (80, 24)];
/// Keys pressed on each screen, and whole repaints.
const MOVES: usize = 60;
const REPAINTS: usize = 20;
/// Consoles opened one after the other.
const STARTS: usize = 9;
/// Between two keys: somebody holds a key down.
const KEY_EVERY: Duration = Duration::from_millis(33);
/// Lines of everyday traffic, so that no screen is empty.
const EVERYDAY_LINES: usize = 3_000;
/// The first row of the list on the screen, and its column.
const FIRST_ROW: (u16, u16) = (4, 1);

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let patience = Instant::now() + Duration::from_secs(args.patience);
    let folder = tempfile::tempdir().context("a folder")?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    place_store(&args, &data.join("alerts.sqlite"))?;
    let config = configure(folder.path())?;
    let begun = Instant::now();
    let mut server =
        Served::start(&args.longan, &data, &["--config".to_owned(), config.display().to_string()], patience)?;
    let address = server.address()?;
    println!("Server up after {:.1} s; load {}.", begun.elapsed().as_secs_f64(), cpu::load()?);
    let traffic = lines::of_demo_syslog(EVERYDAY_LINES)?;
    send_all(&address, &traffic)?;
    wait_until_quiet(&server, patience)?;

    let mut reached = Reached::new();
    let wanted = |part: &str| args.only.is_empty() || args.only.iter().any(|name| name == part);
    if wanted("starts") {
        println!("\nStarts at {}x{}, load {}:\n", SIZES[0].0, SIZES[0].1, cpu::load()?);
        starts(&args, &server, &mut reached)?;
    }
    if wanted("frames") {
        println!(
            "\nFrames, quiet: ms of CPU of the drawing thread for reading a key, update, view, diff, writing; load {}\n",
            cpu::load()?
        );
        frames(&args, &server, &mut reached)?;
    }
    if wanted("keys") {
        println!("\nKeys, quiet, load {}:\n", cpu::load()?);
        let mut table = keys_table();
        let mut console = Terminal::open(&args.longan, &data, SIZES[0])?;
        on_first_row(&console)?;
        keys(&mut console, &server, "moving, quiet", Duration::from_secs(args.seconds / 2), &mut table)?;
        jumps(&mut console, &server, &mut table)?;
        table.print();
        console.quit()?;
    }
    if wanted("calls") {
        println!("\nCalls, over the socket, load {}:\n", cpu::load()?);
        calls(&server, args.alerts as u64)?;
    }
    if wanted("pushes") {
        println!("\nWhile alerts change, load {}:\n", cpu::load()?);
        let console = Terminal::open(&args.longan, &data, SIZES[0])?;
        on_first_row(&console)?;
        flood(&args, &server, &address, console, &mut reached)?;
    }
    println!("\nIn sum, load {}:\n", cpu::load()?);
    let mut table = Table::new(&["figure", "asked", "measured"]);
    reached.into_iter().for_each(|row| table.row(row));
    table.print();
    server.stop()
}

fn place_store(args: &Args, place: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    if let Some(kept) = args.store.as_ref().filter(|kept| kept.is_file()) {
        fs::copy(kept, place).context("copying the alert store")?;
        println!("{} alerts taken from `{}`.", args.alerts, kept.display());
        return Ok(());
    }
    let before = cpu::process_seconds()?;
    alerts::fill(place, args.alerts)?;
    let bytes = fs::metadata(place)?.len();
    println!(
        "{} alerts put into a store in {:.0} s ({:.0} CPU-s), {:.0} MB.",
        args.alerts,
        begun.elapsed().as_secs_f64(),
        cpu::process_seconds()? - before,
        bytes as f64 / 1e6
    );
    if let Some(kept) = &args.store {
        fs::copy(place, kept).context("keeping the alert store")?;
    }
    Ok(())
}

fn configure(folder: &Path) -> anyhow::Result<PathBuf> {
    let rules = folder.join("rules");
    fs::create_dir(&rules)?;
    fs::write(rules.join("pushed.yml"), alerts::rules())?;
    let config = folder.join("longan.toml");
    fs::write(&config, format!("[rules]\nfolder = {rules:?}\n"))?;
    Ok(config)
}

fn send_all(address: &str, lines: &[String]) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
    for line in lines {
        write!(stream, "{} {line}", line.len())?;
    }
    stream.flush().context("sending")
}

/// Waits until the server has nothing left to do: what it did before is not the console's cost.
fn wait_until_quiet(server: &Served, patience: Instant) -> anyhow::Result<()> {
    let mut before = f64::NEG_INFINITY;
    loop {
        let now = cpu::exact_seconds_of(server.pid())?;
        if now - before < 0.02 {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < patience, "the server does not come to rest");
        before = now;
        thread::sleep(POLL * 10);
    }
}

fn on_first_row(console: &Terminal) -> anyhow::Result<Instant> {
    console.wait("the list", |screen| screen.cursor_position() == FIRST_ROW && screen.contents().contains(" 1/"))
}

fn starts(args: &Args, server: &Served, reached: &mut Reached) -> anyhow::Result<()> {
    let (mut painted, mut listed, mut used, mut memory) = (vec![], vec![], vec![], 0);
    for _ in 0..STARTS {
        let console = Terminal::open(&args.longan, server.data(), SIZES[0])?;
        painted.push(console.first_paint()?.as_secs_f64());
        let at = on_first_row(&console)?;
        listed.push(console.since_start(at).as_secs_f64());
        used.push(cpu::exact_seconds_of(console.pid())?);
        memory = memory.max(cpu::peak_memory(console.pid())?);
        console.quit()?;
    }
    let mut table = Table::new(&["start", "best", "p50", "longest"]);
    for (name, times) in
        [("to the first paint, wall ms", painted), ("to the list, wall ms", listed), ("client CPU ms until then", used)]
    {
        let times: Times = times.into_iter().collect();
        if name.contains("first paint") {
            let measured = format!("{} best, {} median", ms(times.best()), ms(times.median()));
            reached.push(["start to first paint, wall ms".to_owned(), "100".to_owned(), measured]);
        }
        table.row([name.to_owned(), ms(times.best()), ms(times.median()), ms(times.longest())]);
    }
    table.print();
    println!("\nClient memory until then: {} MB at most.", mb(memory));
    Ok(())
}

fn frames(args: &Args, server: &Served, reached: &mut Reached) -> anyhow::Result<()> {
    let mut table =
        Table::new(&["screen", "frames", "p50", "p99", "longest", "whole repaint p50", "longest", "kB of it"]);
    for size in SIZES {
        let mut all = Times::default();
        let mut console = Terminal::open(&args.longan, server.data(), size)?;
        on_first_row(&console)?;
        for (key, name) in [
            ("1", "alerts"),
            ("\r", "alert detail"),
            ("r", "events around"),
            ("2", "incidents"),
            ("3", "search"),
            ("4", "rules"),
            ("5", "sources"),
            ("6", "audit"),
            ("7", "reports"),
        ] {
            console.cost(key)?;
            if key == "3" {
                // The search begins in its query: all of today, then its rows.
                console.cost("\r")?;
            }
            thread::sleep(POLL);
            let moves = costs(&mut console, &["j", "k"], MOVES)?;
            let repaints = costs(&mut console, &["\x0c"], REPAINTS)?;
            moves.each.iter().chain(repaints.each.iter()).for_each(|seconds| all.add(seconds));
            table.row([
                format!("{}x{} {name}", size.0, size.1),
                moves.frames.to_string(),
                ms(moves.each.median()),
                ms(moves.each.percentile(99)),
                ms(moves.each.longest()),
                ms(repaints.each.median()),
                ms(repaints.each.longest()),
                format!("{:.1}", repaints.bytes as f64 / repaints.frames as f64 / 1e3),
            ]);
            if name.contains("around") || name.contains("detail") {
                console.cost("\x1b")?;
            }
            if name == "search" {
                console.cost("\x1b")?;
                console.cost("\t")?;
            }
        }
        console.quit()?;
        let name = format!("frame at {}x{}, quiet, p99 of {} on all screens, CPU ms", size.0, size.1, all.count());
        reached.push([name, "4".to_owned(), ms(all.percentile(99))]);
    }
    table.print();
    Ok(())
}

struct Costs {
    each: Times,
    frames: u64,
    bytes: u64,
}

/// Presses keys in turn and waits after each until all is painted; a key that took two frames counts as two of half.
fn costs(console: &mut Terminal, keys: &[&str], count: usize) -> anyhow::Result<Costs> {
    let mut all = Vec::new();
    for key in keys.iter().cycle().take(count) {
        all.push(console.cost(key)?);
    }
    Ok(Costs {
        each: all.iter().map(|cost| cost.seconds / cost.frames as f64).collect(),
        frames: all.iter().map(|cost| cost.frames).sum(),
        bytes: all.iter().map(|cost| cost.bytes).sum(),
    })
}

fn keys_table() -> Table {
    Table::new(&[
        "keys",
        "pressed",
        "p50 wall ms",
        "p90",
        "p99",
        "longest",
        "p99 less the queue",
        "client CPU ms a key",
        "server CPU ms a key",
    ])
}

/// Moves up and down in the list as fast as a key held down would, and waits for each to be painted.
fn keys(
    console: &mut Terminal,
    server: &Served,
    name: &str,
    time: Duration,
    table: &mut Table,
) -> anyhow::Result<Vec<Waited>> {
    let until = Instant::now() + time;
    let (client_before, server_before) = (cpu::exact_seconds_of(console.pid())?, cpu::exact_seconds_of(server.pid())?);
    let mut waits = Vec::new();
    console.key("g", |screen| screen.cursor_position() == FIRST_ROW)?;
    let mut row = FIRST_ROW.0;
    while Instant::now() < until {
        let next = Instant::now() + KEY_EVERY;
        let is_down = waits.len() / 20 % 2 == 0;
        row = if is_down { row + 1 } else { row - 1 };
        let waited = console.key(if is_down { "j" } else { "k" }, |screen| screen.cursor_position().0 == row)?;
        waits.push(waited);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    let client = cpu::exact_seconds_of(console.pid())? - client_before;
    let server = cpu::exact_seconds_of(server.pid())? - server_before;
    key_row(table, name, &waits, client, server);
    Ok(waits)
}

/// Keys that ask the server for something: each is timed until what it asked for is painted.
fn jumps(console: &mut Terminal, server: &Served, table: &mut Table) -> anyhow::Result<()> {
    let has = |text: &'static str| move |screen: &vt100::Screen| screen.contents().contains(text);
    type Painted = Box<dyn Fn(&vt100::Screen) -> bool>;
    let on_row =
        |is_first: bool| -> Painted { Box::new(move |screen| (screen.cursor_position() == FIRST_ROW) == is_first) };
    let rounds: [(&str, [(&str, Painted); 2]); 3] = [
        ("to the last of all and back, read anew", [("G", on_row(false)), ("g", on_row(true))]),
        ("to another screen and back", [("4", Box::new(has(">4"))), ("1", Box::new(has(">1")))]),
        (
            "help and back",
            [("?", Box::new(|screen| screen.cursor_position().0 != FIRST_ROW.0)), ("\x1b", on_row(true))],
        ),
    ];
    console.key("g", |screen| screen.cursor_position() == FIRST_ROW)?;
    for (name, keys) in rounds {
        let (client_before, server_before) =
            (cpu::exact_seconds_of(console.pid())?, cpu::exact_seconds_of(server.pid())?);
        let mut waits = Vec::new();
        for _ in 0..25 {
            for (key, is_painted) in &keys {
                waits.push(console.key(key, is_painted)?);
                thread::sleep(KEY_EVERY * 3);
            }
        }
        let client = cpu::exact_seconds_of(console.pid())? - client_before;
        let server = cpu::exact_seconds_of(server.pid())? - server_before;
        key_row(table, name, &waits, client, server);
    }
    Ok(())
}

fn key_row(table: &mut Table, name: &str, waits: &[Waited], client: f64, server: f64) {
    let count = waits.len() as f64;
    let own: Times = waits.iter().map(|waited| waited.wall - waited.queued).collect();
    let waits: Times = waits.iter().map(|waited| waited.wall).collect();
    table.row([
        name.to_owned(),
        count.to_string(),
        ms(waits.median()),
        ms(waits.percentile(90)),
        ms(waits.percentile(99)),
        ms(waits.longest()),
        ms(own.percentile(99)),
        ms(client / count),
        ms(server / count),
    ]);
}

/// What the list asks the server for, each call several times.
fn calls(server: &Served, count: u64) -> anyhow::Result<()> {
    type Filter = longan::wire::alert::AlertFilter;
    let window = |offset: u64| Filter { offset, limit: Some(500), ..Filter::default() };
    let text = |text: &str| Filter { text: Some(text.to_owned()), ..window(0) };
    let filters = [
        ("the first 500 of all", window(0)),
        ("500 from the middle", window(count / 2)),
        ("the last 500", window(count - 500)),
        ("500 of high and above", Filter { level_min: Some("high".to_owned()), ..window(0) }),
        ("500 of one rule", Filter { rule: Some(alerts::pushed_rule(2)), ..window(0) }),
        ("one entity", Filter { entity: Some(alerts::address(4_242)), ..window(0) }),
        ("a text that is in two of five", text("dang nhap")),
        ("a text that is in one", text(&alerts::address(73_421))),
        ("a text of two letters", text("9 ")),
        ("closed ones, of which there are none", Filter { status: Some("closed".to_owned()), ..window(0) }),
    ];
    let client = BlockingClient::new(Endpoint::in_data_folder(server.data())?)?;
    let mut table = Table::new(&["call", "found", "server CPU ms, best", "median", "wall ms, best", "median"]);
    for (name, filter) in filters {
        let (mut used, mut waited, mut found) = (vec![], vec![], 0);
        for _ in 0..7 {
            let (begun, before) = (Instant::now(), cpu::exact_seconds_of(server.pid())?);
            found = client.call(async |client| client.alerts(&filter).await).with_context(|| name.to_owned())?.total;
            waited.push(begun.elapsed().as_secs_f64());
            used.push(cpu::exact_seconds_of(server.pid())? - before);
        }
        let (used, waited): (Times, Times) = (used.into_iter().collect(), waited.into_iter().collect());
        let figures = [used.best(), used.median(), waited.best(), waited.median()].map(ms);
        table.row([name.to_owned(), found.to_string()].into_iter().chain(figures));
    }
    table.print();
    Ok(())
}

/// Changes alerts by the thousand while keys are pressed.
fn flood(
    args: &Args,
    server: &Served,
    address: &str,
    mut console: Terminal,
    reached: &mut Reached,
) -> anyhow::Result<()> {
    let mut table = keys_table();
    let before = totals(server)?;
    console.key("\x1b[15~", |screen| screen.contents().contains(&format!("/{} ", before.total)))?;
    let stop = Arc::new(AtomicBool::new(false));
    let pushing = push(address, args.pushes, args.alerts, &stop)?;
    thread::sleep(POLL * 20);
    let (begun, told, client) = (Instant::now(), totals(server)?.revision, cpu::exact_seconds_of(console.pid())?);
    let on_server = cpu::exact_seconds_of(server.pid())?;
    console.sample();
    let waits = keys(&mut console, server, "moving, alerts changing", Duration::from_secs(args.seconds), &mut table)?;
    let frames: Times = console.sampled().into_iter().collect();
    let elapsed = begun.elapsed().as_secs_f64();
    let changes = (totals(server)?.revision - told) as f64 / elapsed;
    let client = (cpu::exact_seconds_of(console.pid())? - client) / elapsed;
    let on_server = (cpu::exact_seconds_of(server.pid())? - on_server) / elapsed;
    stop.store(true, Ordering::Relaxed);
    pushing.join().map_err(|_| anyhow::anyhow!("the pusher panicked"))??;
    table.print();
    println!(
        "\n{changes:.0} changes a second; {:.0} frames a second, {} ms of CPU each at p50, {} at p99, {} at most; client {:.2} \
         CPU-s a second, server {on_server:.2}; load {}.",
        frames.count() as f64 / elapsed,
        ms(frames.median()),
        ms(frames.percentile(99)),
        ms(frames.longest()),
        client,
        cpu::load()?
    );
    anyhow::ensure!(changes > args.pushes as f64 * 0.8, "{changes:.0} changes a second is not what was to be measured");
    let (wall, own): (Times, Times) = waits.iter().map(|waited| (waited.wall, waited.wall - waited.queued)).unzip();
    let key = "key to paint at 160x50, alerts changing, p99, wall ms";
    reached.extend([
        ["frame at 160x50, alerts changing, p99, CPU ms".to_owned(), "4".to_owned(), ms(frames.percentile(99))],
        [key.to_owned(), "16".to_owned(), ms(wall.percentile(99))],
        [format!("{key}, less waiting for a processor"), "16".to_owned(), ms(own.percentile(99))],
        ["alerts changed a second".to_owned(), args.pushes.to_string(), format!("{changes:.0}")],
    ]);
    // Every new alert must have arrived, none twice.
    wait_until_quiet(server, Instant::now() + Duration::from_secs(args.patience))?;
    let new = totals(server)?.total - before.total;
    let waiting = format!("+{new} ");
    console.wait(&format!("{waiting}new alerts"), |screen| screen.contents().contains(&waiting))?;
    println!(
        "All {new} alerts raised meanwhile wait behind the list. Client memory {} MB at most, server {} MB.",
        mb(cpu::peak_memory(console.pid())?),
        mb(cpu::peak_memory(server.pid())?)
    );
    let memory = mb(cpu::peak_memory(console.pid())?);
    reached.push(["client memory at its highest, MB".to_owned(), "50".to_owned(), memory]);
    console.quit()
}

/// Sends sign-ins until told to stop, every second one about an alert there is.
fn push(
    address: &str,
    a_second: usize,
    known: usize,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
    let stop = Arc::clone(stop);
    Ok(thread::spawn(move || {
        let begun = Instant::now();
        let (mut sent, mut new) = (0, 0);
        while !stop.load(Ordering::Relaxed) {
            let mut piece = String::new();
            let now = longan::model::time::Clock::now(&longan::model::time::SystemClock);
            for _ in 0..(a_second / 100).max(1) {
                let of_known = sent % 2 == 0 && known > 4;
                // Every fourth alert in the store is of these rules; new ones are beyond its end.
                let number = if of_known { sent / 2 % (known / 4) * 4 + 2 } else { known + new * 4 };
                new += usize::from(!of_known);
                sent += 1;
                let (visitor, address) = (alerts::visitor(number), alerts::address(number));
                let line = format!(
                    "<86>1 {now} srv-gate sshd 411 - - Accepted password for visitor{visitor} from {address} port 4711 ssh2"
                );
                piece.push_str(&format!("{} {line}", line.len()));
            }
            stream.write_all(piece.as_bytes()).context("sending")?;
            let due = Duration::from_secs_f64(sent as f64 / a_second as f64);
            thread::sleep(due.saturating_sub(begun.elapsed()));
        }
        Ok(())
    }))
}

/// Returns how many alerts are open and at which revision, as the store itself says.
fn totals(server: &Served) -> anyhow::Result<AlertWindow> {
    let mut reader = AlertReader::open(&server.data().join("alerts.sqlite"))?;
    Ok(reader.window(&AlertFilter { limit: 0, ..AlertFilter::default() })?)
}

fn ms(seconds: f64) -> String {
    format!("{:.2}", seconds * 1e3)
}

fn mb(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / 1e6)
}
