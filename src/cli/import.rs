//! `longan import`: history from files, through the same pipeline and with the same alerts as what arrives live.
//!
//! Without a server the pipeline runs here until the files are worked through. With one, the lines go to its HTTP input,
//! so that there is one writer; each request is answered only after the sync. What was imported before is known by its
//! content and passed over.

mod content;
mod ledger;
mod pace;
mod send;

use std::io;
use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context as _;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;

use crate::cli::Exit;
use crate::cli::alerts::count_on;
use crate::cli::import::content::Content;
use crate::cli::import::content::Group;
use crate::cli::import::ledger::Journal;
use crate::cli::import::ledger::Ledger;
use crate::cli::import::pace::Pace;
use crate::cli::import::send::Door;
use crate::cli::import::send::Server;
use crate::cli::place::Place;
use crate::config::FileInput;
use crate::config::Flags;
use crate::config::Settings;
use crate::config::load;
use crate::ingest::file::HistoryOptions;
use crate::ingest::file::Joining;
use crate::ingest::file::Multiline;
use crate::ingest::intake::Frame;
use crate::ingest::intake::Place as FilePlace;
use crate::ingest::syslog::FRAME_BYTES_MAX;
use crate::model::SafeText;
use crate::model::time::Clock;
use crate::model::time::SystemClock;
use crate::parse::Packs;
use crate::pipeline;
use crate::pipeline::FeedDoor;
use crate::pipeline::StartError;
use crate::telemetry::logging;
use crate::telemetry::logging::Target;

/// Lines of one event at most, where lines are joined.
const JOINED_LINES: NonZeroUsize = NonZeroUsize::new(500).expect("not zero");

/// The arguments of `longan import`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read these files, one event a line; .gz and .zst are decompressed, .evtx is read record by record
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Read every line as this format (the name of a pack) instead of finding out
    #[arg(long = "as", value_name = "FORMAT")]
    format: Option<String>,
    /// Decode the lines from this character set: utf-8, windows-1258, tcvn3, viscii, vni
    #[arg(long, value_name = "CHARSET", default_value = "utf-8")]
    charset: String,
    /// Import what was imported before once more
    #[arg(long)]
    again: bool,
    /// Send no more than so many lines a second to a running server; without it, as many as leave live events their time
    #[arg(long, value_name = "LINES", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Join lines that belong together: indented, java, postgresql, or container (CRI and Docker)
    #[arg(long, value_name = "RULE", value_parser = crate::ingest::file::Joining::PRESETS)]
    multiline: Option<String>,
    /// Import into this data folder
    #[arg(long, value_name = "FOLDER", env = "LONGAN_DATA", default_value = "longan-data")]
    data: PathBuf,
    /// Make the data folder when there is none
    #[arg(long)]
    create: bool,
    /// Trust these authorities (PEM) when the running server's HTTP input speaks TLS; by default those of the system
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Expect this name in the certificate of the running server's HTTP input, instead of its address
    #[arg(long, value_name = "NAME")]
    tls_name: Option<String>,
    /// Read the configuration from this file
    #[arg(long, value_name = "FILE", env = "LONGAN_CONFIG")]
    config: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read; what was read before it is imported.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    if let Some(problem) = missing_folder(&args) {
        eprintln!("longan: {problem}");
        return Ok(Exit::BadInput);
    }
    let settings = match settings_of(&args) {
        Ok(settings) => settings,
        Err(err) => {
            eprintln!("longan: {err:#}");
            return Ok(Exit::BadConfig);
        }
    };
    if let Err(err) = formats_are_known(&args, &settings) {
        eprintln!("longan: {err:#}");
        return Ok(Exit::BadInput);
    }
    let unread: Vec<String> = args.files.iter().filter_map(|path| unreadable(path)).collect();
    if !unread.is_empty() {
        unread.iter().for_each(|problem| eprintln!("longan: {problem}"));
        return Ok(Exit::BadInput);
    }
    let progress = Progress::new(&args.files);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    let server = match Server::on(&args.data) {
        Ok(server) => server,
        Err(err) => {
            eprintln!("longan: {err:#}");
            return Ok(Exit::BadConfig);
        }
    };
    match server {
        Some(server) => {
            if args.format.is_some() || args.charset != "utf-8" || args.multiline.is_some() {
                eprintln!(
                    "longan: a server runs on `{}`, and its HTTP input decides how lines are read\n  \
                     hint: stop the server, or set `input.http.format`",
                    args.data.display()
                );
                return Ok(Exit::BadInput);
            }
            let door = Door::to(server, args.tls_ca.as_deref(), args.tls_name.as_deref())?;
            let pace = Pace::with(&Place::on(&args.data), args.rate);
            runtime.block_on(send_all(&door, Files::of(&args), &progress, pace))?;
            progress.finish();
            eprintln!("longan: the server works through them; alerts appear in `longan alerts list`");
        }
        None => {
            logging::start(Target::Stderr, &std::env::var("LONGAN_LOG").unwrap_or_else(|_| "warn".to_owned()))
                .context("starting the log")?;
            let before = count_on(&args.data);
            let (files, told) = (Files::of(&args), progress.clone());
            let feed = move |door: &FeedDoor<'_>| feed_all(door, &files, &told);
            match runtime.block_on(pipeline::import(settings, Box::new(feed))) {
                Ok(()) => {}
                Err(StartError::Setup(err)) => {
                    crate::cli::tell(&err);
                    return Ok(Exit::BadConfig);
                }
                Err(StartError::Failed(err)) => return Err(err),
            }
            progress.finish();
            tell_alerts(&args, before);
        }
    }
    Ok(Exit::Fine)
}

fn settings_of(args: &Args) -> anyhow::Result<Settings> {
    let mut flags = Flags::default();
    flags.set("data", Some(args.data.display()));
    let mut settings = load(args.config.as_deref(), std::env::vars(), &flags)?;
    let inputs = args.files.iter().map(|path| FileInput {
        charset: args.charset.clone(),
        format: args.format.clone(),
        ..FileInput::followed(path.display().to_string(), settings.zone_offset_seconds)
    });
    settings.files = inputs.collect();
    Ok(settings)
}

/// A folder spelled wrong must not become a second, empty one.
fn missing_folder(args: &Args) -> Option<String> {
    let is_there = args.data.try_exists().unwrap_or(true);
    (!is_there && !args.create).then(|| {
        format!(
            "there is no data folder `{}`\n  hint: `--data` names it, `--create` makes it",
            SafeText::new(&args.data.display().to_string())
        )
    })
}

fn formats_are_known(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    if let Some(format) = &args.format {
        let (packs, _) = Packs::load(settings.parsers.folder.as_deref());
        anyhow::ensure!(packs.contains(format), "no format `{format}` (`longan parsers list` names them)");
    }
    args.charset.parse::<crate::parse::charset::Charset>()?;
    Ok(())
}

fn unreadable(path: &Path) -> Option<String> {
    let opened = std::fs::File::open(path).and_then(|file| file.metadata());
    match opened {
        Ok(data) if data.is_dir() => Some(format!("`{}` is a folder; name the files in it", path.display())),
        Ok(_) => None,
        Err(err) => Some(format!("cannot read `{}`: {err}", path.display())),
    }
}

/// What is read, how lines are joined, and where it is noted what was imported.
#[derive(Clone)]
struct Files {
    paths: Vec<PathBuf>,
    multiline: Option<Multiline>,
    data: PathBuf,
    again: bool,
}

impl Files {
    fn of(args: &Args) -> Files {
        let joining = args.multiline.as_deref().and_then(Joining::preset);
        Files {
            paths: args.files.clone(),
            multiline: joining.map(|joining| Multiline { joining, lines_max: JOINED_LINES }),
            data: args.data.clone(),
            again: args.again,
        }
    }
}

/// How far the files are read, shown as a bar on a terminal.
#[derive(Clone)]
struct Progress {
    bar: ProgressBar,
    before: Arc<AtomicU64>,
    lines: Arc<AtomicU64>,
    /// Events that were imported before.
    known: Arc<AtomicU64>,
    started: Instant,
}

impl Progress {
    fn new(files: &[PathBuf]) -> Progress {
        let total = files.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|data| data.len()).sum();
        let bar = if io::stderr().is_terminal() { ProgressBar::new(total) } else { ProgressBar::hidden() };
        let style =
            ProgressStyle::with_template("{bar:30} {percent}% {bytes}/{total_bytes} {bytes_per_sec} {eta} left  {msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Progress { bar, before: Arc::default(), lines: Arc::default(), known: Arc::default(), started: Instant::now() }
    }

    fn at(&self, bytes: u64) {
        self.bar.set_position(self.before.load(Ordering::Relaxed) + bytes);
    }

    fn stored(&self, lines: usize) {
        let all = self.lines.fetch_add(lines as u64, Ordering::Relaxed) + lines as u64;
        let rate = all as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        let name = self.bar.prefix();
        self.bar.set_message(format!("{rate:.0} events/s  {name}"));
    }

    fn begin(&self, path: &Path) {
        let name = SafeText::new(&path.display().to_string()).to_string();
        self.bar.set_prefix(name.clone());
        self.bar.set_message(name);
    }

    fn already_there(&self, events: u64) {
        self.known.fetch_add(events, Ordering::Relaxed);
    }

    /// Tells something above the bar.
    fn tell(&self, text: &str) {
        self.bar.suspend(|| eprintln!("longan: {text}"));
    }

    fn end(&self, path: &Path) {
        self.before.fetch_add(std::fs::metadata(path).map_or(0, |data| data.len()), Ordering::Relaxed);
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
        let known = self.known.load(Ordering::Relaxed);
        let there = if known > 0 {
            format!(", already there: {known} (`--again` imports them once more)")
        } else {
            String::new()
        };
        let (lines, seconds) = (self.lines.load(Ordering::Relaxed), self.started.elapsed().as_secs_f64());
        eprintln!("longan: {lines} events imported in {seconds:.1} s{there}");
    }
}

fn options_of(path: &Path, multiline: Option<&Multiline>) -> HistoryOptions {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    HistoryOptions {
        input: format!("file:{}", absolute.display()),
        frame_bytes_max: FRAME_BYTES_MAX,
        multiline: multiline.cloned(),
    }
}

/// What takes the groups.
trait Sink {
    /// Stores a group; returns when it is on the disk, or false when nothing more is wanted.
    fn store(&mut self, group: Group, journal: &Journal) -> anyhow::Result<bool>;

    /// Returns how far the log is with lines of files; `None` when nobody knows.
    fn places(&self) -> Option<&[FilePlace]>;
}

/// Hands all files to a sink, in order; false when it wanted no more.
fn import_all(clock: &dyn Clock, files: &Files, progress: &Progress, sink: &mut dyn Sink) -> anyhow::Result<bool> {
    let ledger = Ledger::of(&files.data);
    for path in &files.paths {
        progress.begin(path);
        if !import_file(clock, path, files, &ledger, progress, sink)
            .with_context(|| format!("reading `{}`", path.display()))?
        {
            return Ok(false);
        }
        progress.end(path);
    }
    Ok(true)
}

fn import_file(
    clock: &dyn Clock,
    path: &Path,
    files: &Files,
    ledger: &Ledger,
    progress: &Progress,
    sink: &mut dyn Sink,
) -> anyhow::Result<bool> {
    let options = options_of(path, files.multiline.as_ref());
    let key = content::key_of(path, &options, clock)?;
    let known = if files.again { Vec::new() } else { ledger.known(&key) };
    let (mut content, same) = Content::open(path, &options, clock, &known, |bytes| progress.at(bytes))?;
    let mut events = same.map_or(0, |known| known.done.events);
    progress.already_there(events);
    let mut next = content.group()?;
    if next.is_none() {
        return Ok(true);
    }
    let mut journal = ledger.open(&key, same, &options.input).context("noting what is imported")?;
    // Lines up to here are in the log, whether the journal knows or not.
    let places = sink.places();
    let in_log = same.zip(places).map_or(0, |(known, places)| known.end_in_log(places));
    let is_placed = places.is_some();
    if let Some(doubt) = same.and_then(|known| known.in_doubt.as_ref().filter(|_| !known.is_placed)) {
        let lines = doubt.events.saturating_sub(events);
        progress.tell(&format!("the last import of it was broken off: up to {lines} of its events may be there twice"));
    }
    while let Some(group) = next {
        let lines = group.frames.len();
        events += lines as u64;
        let done = content.done(events);
        let group = group.after(in_log);
        let new = group.frames.len();
        progress.already_there((lines - new) as u64);
        journal.begin(&done, is_placed)?;
        if new > 0 && !sink.store(group, &journal)? {
            return Ok(false);
        }
        journal.done(&done)?;
        progress.stored(new);
        next = content.group()?;
    }
    journal.sync()?;
    if let Some(damage) = content.damage() {
        progress.tell(&format!("`{}`: {}", SafeText::new(&path.display().to_string()), SafeText::new(&damage)));
    }
    Ok(true)
}

/// Into the log of this process.
struct IntoLog<'f> {
    door: &'f FeedDoor<'f>,
}

impl Sink for IntoLog<'_> {
    fn store(&mut self, group: Group, journal: &Journal) -> anyhow::Result<bool> {
        if self.door.stop.is_cancelled() {
            return Ok(false);
        }
        let places = group.ends.iter().map(|end| journal.place(*end)).collect();
        self.door.intake.submit_placed_blocking(group.frames, places)?.wait().context("storing events")?;
        Ok(true)
    }

    fn places(&self) -> Option<&[FilePlace]> {
        Some(self.door.places)
    }
}

fn feed_all(door: &FeedDoor<'_>, files: &Files, progress: &Progress) -> anyhow::Result<()> {
    if !import_all(door.clock, files, progress, &mut IntoLog { door })? {
        progress.tell("interrupted; the same command goes on where it ended");
    }
    Ok(())
}

/// To the HTTP input of a server.
struct IntoServer {
    groups: tokio::sync::mpsc::Sender<(Vec<Frame>, std::sync::mpsc::SyncSender<()>)>,
    pace: Pace,
}

impl Sink for IntoServer {
    fn store(&mut self, group: Group, _: &Journal) -> anyhow::Result<bool> {
        let (stored, told) = std::sync::mpsc::sync_channel(1);
        let lines = group.frames.len();
        if self.groups.blocking_send((group.frames, stored)).is_err() {
            return Ok(false);
        }
        let is_stored = told.recv().is_ok();
        std::thread::sleep(self.pace.after(lines));
        Ok(is_stored)
    }

    fn places(&self) -> Option<&[FilePlace]> {
        None
    }
}

async fn send_all(door: &Door, files: Files, progress: &Progress, pace: Pace) -> anyhow::Result<()> {
    let (sender, mut groups) = tokio::sync::mpsc::channel(1);
    let told = progress.clone();
    // The pace asks the server with a runtime of its own, so it lives and ends on this thread.
    let reading = tokio::task::spawn_blocking(move || {
        import_all(&SystemClock, &files, &told, &mut IntoServer { groups: sender, pace })
    });
    while let Some((frames, stored)) = groups.recv().await {
        door.send(&frames).await?;
        if stored.send(()).is_err() {
            // A reader that failed meanwhile says so below.
            break;
        }
    }
    reading.await.context("reading the files")?.map(drop)
}

/// Says what the rules made of it, and where to look.
fn tell_alerts(args: &Args, before: u64) {
    let raised = count_on(&args.data).saturating_sub(before);
    let data = args.data.display().to_string();
    match raised {
        0 => eprintln!("longan: no new alert was raised"),
        _ => eprintln!("longan: {raised} new alerts: `longan alerts list --data {}` shows them", SafeText::new(&data)),
    }
}
