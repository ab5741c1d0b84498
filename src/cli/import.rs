//! `longan import`: history from files, through the same pipeline and with the same alerts as what arrives live.
//!
//! Without a server the pipeline runs here until the files are worked through. With one, the lines go to its HTTP input,
//! so that there is one writer; each request is answered only after the sync.

mod send;

use std::io;
use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;

use crate::cli::Exit;
use crate::cli::alerts::count_on;
use crate::cli::import::send::Door;
use crate::cli::import::send::Server;
use crate::config::FileInput;
use crate::config::Flags;
use crate::config::Settings;
use crate::config::load;
use crate::ingest::Intake;
use crate::ingest::file::HistoryOptions;
use crate::ingest::file::Joining;
use crate::ingest::file::Multiline;
use crate::ingest::file::history;
use crate::ingest::intake::Frame;
use crate::ingest::syslog::FRAME_BYTES_MAX;
use crate::model::SafeText;
use crate::model::time::Clock;
use crate::model::time::SystemClock;
use crate::parse::Packs;
use crate::pipeline;
use crate::pipeline::StartError;
use crate::telemetry::logging;
use crate::telemetry::logging::Target;

/// Lines handed in together, so that they are synced together.
const LINES: usize = 2_000;
/// Lines of one event at most, where lines are joined.
const JOINED_LINES: NonZeroUsize = NonZeroUsize::new(500).expect("not zero");
const BYTES: usize = 1 << 20;

/// The arguments of `longan import`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read these files, one event a line; .gz and .zst are decompressed
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Read every line as this format (the name of a pack) instead of finding out
    #[arg(long = "as", value_name = "FORMAT")]
    format: Option<String>,
    /// Decode the lines from this character set: utf-8, windows-1258, tcvn3, viscii, vni
    #[arg(long, value_name = "CHARSET", default_value = "utf-8")]
    charset: String,
    /// Join lines that belong together: indented, java or postgresql
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
            runtime.block_on(send_all(&door, Files::of(&args), &progress))?;
            progress.finish();
            eprintln!("longan: the server works through them; alerts appear in `longan alerts list`");
        }
        None => {
            logging::start(Target::Stderr, &std::env::var("LONGAN_LOG").unwrap_or_else(|_| "warn".to_owned()))
                .context("starting the log")?;
            let before = count_on(&args.data);
            let (files, told) = (Files::of(&args), progress.clone());
            let feed = move |intake: &Intake, clock: &dyn Clock| feed_all(intake, clock, &files, &told);
            match runtime.block_on(pipeline::import(settings, Box::new(feed))) {
                Ok(()) => {}
                Err(StartError::Setup(err)) => {
                    eprintln!("longan: {err:#}");
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

/// What is read, and how lines are joined.
#[derive(Clone)]
struct Files {
    paths: Vec<PathBuf>,
    multiline: Option<Multiline>,
}

impl Files {
    fn of(args: &Args) -> Files {
        let joining = args.multiline.as_deref().and_then(Joining::preset);
        Files {
            paths: args.files.clone(),
            multiline: joining.map(|joining| Multiline { joining, lines_max: JOINED_LINES }),
        }
    }
}

/// How far the files are read, shown as a bar on a terminal.
#[derive(Clone)]
struct Progress {
    bar: ProgressBar,
    before: Arc<AtomicU64>,
    lines: Arc<AtomicU64>,
}

impl Progress {
    fn new(files: &[PathBuf]) -> Progress {
        let total = files.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|data| data.len()).sum();
        let bar = if io::stderr().is_terminal() { ProgressBar::new(total) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Progress { bar, before: Arc::default(), lines: Arc::default() }
    }

    fn at(&self, bytes: u64) {
        self.bar.set_position(self.before.load(Ordering::Relaxed) + bytes);
    }

    fn stored(&self, lines: usize) {
        self.lines.fetch_add(lines as u64, Ordering::Relaxed);
    }

    fn begin(&self, path: &Path) {
        self.bar.set_message(SafeText::new(&path.display().to_string()).to_string());
    }

    fn end(&self, path: &Path) {
        self.before.fetch_add(std::fs::metadata(path).map_or(0, |data| data.len()), Ordering::Relaxed);
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
        eprintln!("longan: {} events imported", self.lines.load(Ordering::Relaxed));
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

/// Hands groups of frames of all files to `store`, in order.
fn each_group(
    clock: &dyn Clock,
    files: &Files,
    progress: &Progress,
    store: &mut dyn FnMut(Vec<Frame>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for path in &files.paths {
        progress.begin(path);
        let reading = || format!("reading `{}`", path.display());
        let frames = history(path, &options_of(path, files.multiline.as_ref()), clock, |bytes| progress.at(bytes))
            .with_context(reading)?;
        let (mut group, mut bytes) = (Vec::with_capacity(LINES), 0);
        for frame in frames {
            let frame = frame.with_context(reading)?;
            bytes += frame.raw.len();
            group.push(frame);
            if group.len() >= LINES || bytes >= BYTES {
                store(std::mem::take(&mut group))?;
                bytes = 0;
            }
        }
        if !group.is_empty() {
            store(group)?;
        }
        progress.end(path);
    }
    Ok(())
}

fn feed_all(intake: &Intake, clock: &dyn Clock, files: &Files, progress: &Progress) -> anyhow::Result<()> {
    each_group(clock, files, progress, &mut |frames| {
        let count = frames.len();
        intake.submit_blocking(frames)?.wait().context("storing events")?;
        progress.stored(count);
        Ok(())
    })
}

async fn send_all(door: &Door, files: Files, progress: &Progress) -> anyhow::Result<()> {
    let (sender, mut groups) = tokio::sync::mpsc::channel::<Vec<Frame>>(2);
    let told = progress.clone();
    let reading = tokio::task::spawn_blocking(move || {
        each_group(&SystemClock, &files, &told, &mut |frames| Ok(sender.blocking_send(frames)?))
    });
    while let Some(frames) = groups.recv().await {
        door.send(&frames).await?;
        progress.stored(frames.len());
    }
    reading.await.context("reading the files")?
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
