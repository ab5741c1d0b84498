//! `longan start`: the whole SOC in one process.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::IsTerminal as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc;

use anyhow::Context as _;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::cli::Exit;
use crate::cli::console::lang_of_environment;
use crate::cli::console::theme_of;
use crate::client::Endpoint;
use crate::config::FileInput;
use crate::config::Flags;
use crate::config::Settings;
use crate::config::load;
use crate::console;
use crate::console::Lang;
use crate::console::Theme;
use crate::model::SafeText;
use crate::pipeline;
use crate::pipeline::Ready;
use crate::pipeline::StartError;
use crate::pipeline::demo;
use crate::telemetry::logging;
use crate::telemetry::logging::Target;

/// The data folder of the demo, so that it never mixes with real data.
const DEMO_DATA: &str = "longan-demo";
/// Where the program's own log goes while the console has the terminal.
const LOG_FILE: &str = "longan.log";

/// The arguments of `longan start`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read the configuration from this file
    #[arg(long, value_name = "FILE", env = "LONGAN_CONFIG")]
    config: Option<PathBuf>,
    /// Keep everything below this folder; by default longan-data, or longan-demo with --demo
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Only serve: open no console even on a terminal
    #[arg(long)]
    headless: bool,
    /// Play realistic traffic with attacks in it into the own inputs
    #[arg(long)]
    demo: bool,
    /// Listen for syslog over UDP here, or `off`; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    syslog_udp: Option<String>,
    /// Listen for syslog over TCP here, or `off`
    #[arg(long, value_name = "ADDRESS")]
    syslog_tcp: Option<String>,
    /// Listen for syslog over TLS here, or `off`
    #[arg(long, value_name = "ADDRESS")]
    syslog_tls: Option<String>,
    /// Listen for RELP here, or `off`
    #[arg(long, value_name = "ADDRESS")]
    relp: Option<String>,
    /// Listen for RELP over TLS here, or `off`
    #[arg(long, value_name = "ADDRESS")]
    relp_tls: Option<String>,
    /// Listen for events over HTTP here, or `off`
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
    /// Speak this language in the console: vi or en; by default as LANG says
    #[arg(long, value_name = "LANG", value_parser = ["vi", "en"])]
    lang: Option<String>,
    /// Use these colours in the console; NO_COLOR in the environment means mono
    #[arg(long, value_name = "THEME", value_parser = Theme::NAMES.map(|(name, _)| name))]
    theme: Option<String>,
    /// Draw borders and bars of the console with ASCII only
    #[arg(long)]
    ascii: bool,
}

/// Runs the command.
///
/// # Errors
/// When a stage fails while it runs; what keeps it from starting is told with exit code 3.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let settings = match settings_of(&args) {
        Ok(settings) => settings,
        Err(err) => {
            eprintln!("longan: {err:#}");
            return Ok(Exit::BadConfig);
        }
    };
    let with_console = !args.headless && std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    if with_console { run_with_console(&args, settings, &runtime) } else { run_headless(&args, settings, &runtime) }
}

fn settings_of(args: &Args) -> anyhow::Result<Settings> {
    let mut flags = Flags::default();
    let data = args.data.as_ref().map(|path| path.display().to_string());
    let has_data = data.is_some() || std::env::var_os("LONGAN_DATA").is_some();
    flags.set("data", data.or_else(|| (args.demo && !has_data).then(|| DEMO_DATA.to_owned())));
    // The demo must start beside anything else that runs on the machine.
    let demo_address = |input: &Option<String>| input.clone().or_else(|| args.demo.then(|| "127.0.0.1:0".to_owned()));
    flags.set("input.syslog_udp.address", demo_address(&args.syslog_udp));
    flags.set("input.syslog_tcp.address", demo_address(&args.syslog_tcp));
    flags.set("input.relp.address", demo_address(&args.relp));
    flags.set("input.http.address", demo_address(&args.http));
    flags.set("input.syslog_tls.address", args.syslog_tls.as_ref());
    flags.set("input.relp_tls.address", args.relp_tls.as_ref());
    flags.set("language", args.lang.as_ref());
    let mut settings = load(args.config.as_deref(), std::env::vars(), &flags)?;
    if args.demo {
        settings.files.extend(demo_files(&settings)?);
    }
    Ok(settings)
}

/// The files the demo writes, as inputs.
fn demo_files(settings: &Settings) -> anyhow::Result<Vec<FileInput>> {
    let folder = settings.data.join(demo::FOLDER);
    std::fs::create_dir_all(&folder).with_context(|| format!("the demo's folder `{}`", folder.display()))?;
    let files = demo::followed_files(&folder)?.into_iter();
    Ok(files.map(|path| FileInput::followed(path.display().to_string(), settings.zone_offset_seconds)).collect())
}

fn run_headless(args: &Args, settings: Settings, runtime: &Runtime) -> anyhow::Result<Exit> {
    start_log(Target::Stderr)?;
    let is_demo = args.demo;
    let done = runtime.block_on(pipeline::serve(settings, is_demo, CancellationToken::new(), |ready| announce(&ready)));
    exit_of(done)
}

/// Says on standard error where everything is.
fn announce(ready: &Ready) {
    eprintln!("longan: data in {}", SafeText::new(&ready.data.display().to_string()));
    for (name, place) in &ready.inputs {
        match name.strip_prefix("file:") {
            Some(path) => eprintln!("longan: follows {}", SafeText::new(path)),
            None => eprintln!("longan: {} listens on {}", SafeText::new(name), SafeText::new(place)),
        }
    }
    eprintln!(
        "longan: ready; `longan console --data {}` opens the console",
        SafeText::new(&ready.data.display().to_string())
    );
}

/// Serves on the runtime's threads, while the console has the terminal and this thread.
fn run_with_console(args: &Args, settings: Settings, runtime: &Runtime) -> anyhow::Result<Exit> {
    let log = settings.data.join(LOG_FILE);
    std::fs::create_dir_all(&settings.data)
        .with_context(|| format!("cannot use the data folder `{}`", settings.data.display()))?;
    start_log(Target::File(open_log(&log)?))?;
    eprintln!("longan: data in {}, own log in {}", settings.data.display(), log.display());
    let lang = settings.language.as_deref().map_or_else(lang_of_environment, Lang::from_locale);
    let stop = CancellationToken::new();
    let (sender, readiness) = mpsc::channel();
    let serving = runtime.spawn(pipeline::serve(settings, args.demo, stop.clone(), move |ready| {
        // Nobody waits only when this command has failed already.
        drop(sender.send(ready));
    }));
    // The sender goes with a server that could not start.
    if let Ok(ready) = readiness.recv() {
        let options = console::Options {
            endpoint: Endpoint::Unix(ready.socket),
            lang,
            theme: theme_of(args.theme.as_deref()),
            ascii: args.ascii,
            plain: false,
            may_pause: false,
        };
        let shown = console::run(options);
        eprintln!("longan: stopping; everything received is being written down");
        stop.cancel();
        let done = runtime.block_on(serving).context("the server")?;
        shown?;
        return exit_of(done);
    }
    exit_of(runtime.block_on(serving).context("the server")?)
}

fn start_log(target: Target) -> anyhow::Result<()> {
    let filter = std::env::var("LONGAN_LOG").unwrap_or_else(|_| "info".to_owned());
    logging::start(target, &filter).context("starting the log")
}

fn open_log(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("the log file `{}`", path.display()))
}

fn exit_of(done: Result<(), StartError>) -> anyhow::Result<Exit> {
    match done {
        Ok(()) => Ok(Exit::Fine),
        Err(StartError::Setup(err)) => {
            crate::cli::tell(&err);
            Ok(Exit::BadConfig)
        }
        Err(StartError::Failed(err)) => Err(err),
    }
}
