//! `longan rules backtest`: what a rule would have found in the stored events, through the running server or from the data
//! folder alone.

use std::io::IsTerminal as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;

use super::report;
use crate::alert::AlertReader;
use crate::cli::Exit;
use crate::cli::output::Language;
use crate::cli::place;
use crate::cli::rules::Format;
use crate::client::ClientError;
use crate::client::blocking::BlockingClient;
use crate::detect;
use crate::model::SafeText;
use crate::model::time::Clock as _;
use crate::model::time::SystemClock;
use crate::model::write_safe_json;
use crate::pipeline::api::FolderSearch;
use crate::pipeline::api::rules::content_of;
use crate::pipeline::backtest::Backtest;
use crate::pipeline::backtest::History;
use crate::pipeline::backtest::Past;
use crate::store::Options;
use crate::wire::problem::Problem;
use crate::wire::rule::BacktestMessage;
use crate::wire::rule::BacktestProgress;
use crate::wire::rule::BacktestReport;
use crate::wire::rule::BacktestRequest;

/// Opening a folder for a backtest sets no deadline: Ctrl-C ends it.
const NO_DEADLINE: Duration = Duration::from_secs(86_400);

/// Run a rule over the stored events
#[derive(Debug, clap::Args)]
pub(in crate::cli::rules) struct Args {
    /// The rule: its id, its name, or a file
    rule: String,
    #[command(flatten)]
    place: place::Place,
    /// Begin here: a span back from now such as 24h, or a time
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: String,
    /// End before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Lay the rules of this folder over our own; without a server the configuration's folder when absent
    #[arg(long, value_name = "DIR")]
    rules: Option<std::path::PathBuf>,
    /// How to print the outcome
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(in crate::cli::rules) fn run(args: &Args) -> anyhow::Result<Exit> {
    let request = request(args)?;
    let bar = Bar::new();
    let outcome = match args.place.running().context("cannot use the remote server")? {
        Some(client) => by_server(&client, &request, &bar),
        None => match in_folder(args, &request, &bar)? {
            Some(outcome) => outcome,
            None => {
                let data = args.place.data().display();
                eprintln!("longan: there is no store in `{data}`\n  hint: `longan start --data {data}` makes one");
                return Ok(Exit::BadInput);
            }
        },
    };
    bar.clear();
    match outcome {
        Ok(report) => print(args, &report),
        Err(problem) => {
            eprintln!("longan: {}", SafeText::new(&problem.detail));
            if let Some(hint) = &problem.hint {
                eprintln!("  hint: {}", SafeText::new(hint));
            }
            Ok(match problem.status {
                400 | 404 => Exit::BadInput,
                _ => Exit::NoServer,
            })
        }
    }
}

/// What to ask: a file is sent as text, and meant is the last rule in it, which a correlation is.
fn request(args: &Args) -> anyhow::Result<BacktestRequest> {
    let mut request = BacktestRequest {
        rule: args.rule.clone(),
        text: None,
        since: Some(args.since.clone()),
        until: args.until.clone(),
    };
    let path = Path::new(&args.rule);
    if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") && path.is_file() {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let mut content = detect::Content::default();
        detect::inspect::lay_over(&mut content, path, &text);
        let inspector = detect::inspect::Inspector::new(&content, 0);
        if let Some(last) = inspector.metas().last() {
            request.rule = last.id.clone();
        }
        request.text = Some(text);
    }
    Ok(request)
}

fn by_server(client: &BlockingClient, request: &BacktestRequest, bar: &Bar) -> Result<BacktestReport, Problem> {
    let mut outcome = Err(away("the server ended without an answer".to_owned()));
    let answer = client.for_each(
        async |client| client.backtest(request).await,
        |message| {
            match message {
                BacktestMessage::Progress(progress) => bar.show(progress),
                BacktestMessage::Report(report) => outcome = Ok(*report),
                BacktestMessage::Failed(reason) => outcome = Err(away(reason)),
            }
            true
        },
    );
    match answer {
        Ok(()) => outcome,
        Err(ClientError::Refused(problem)) => Err(*problem),
        Err(other) => Err(away(format!("{:#}", anyhow::Error::from(other)))),
    }
}

fn away(detail: String) -> Problem {
    Problem { status: 503, kind: "busy".to_owned(), detail, hint: None, column: None, owner: None }
}

type Outcome = Result<BacktestReport, Problem>;

fn in_folder(args: &Args, request: &BacktestRequest, bar: &Bar) -> anyhow::Result<Option<Outcome>> {
    let settings = args.place.settings()?;
    let zone = settings.zone_offset_seconds;
    let mut content = content_of(&settings);
    if let Some(folder) = &args.rules {
        crate::cli::rules::source::require(folder)?;
        content = content.overlaid(folder, detect::Content::of_folder(folder).0);
    }
    let Some(folder) = FolderSearch::open(args.place.data(), settings, Arc::new(SystemClock), NO_DEADLINE)? else {
        return Ok(None);
    };
    for (partition, reason) in &folder.damaged {
        eprintln!("longan: partition {} is left out: {}", SafeText::new(partition), SafeText::new(reason));
    }
    let backtest = match Backtest::prepare(content, request, SystemClock.now(), zone) {
        Ok(backtest) => backtest,
        Err(problem) => return Ok(Some(Err(problem))),
    };
    let alerts = args.place.data().join(crate::alert::store::FILE_NAME);
    let mut reader = AlertReader::open(&alerts).ok();
    let past = reader.as_mut().map_or(Past::Nowhere, Past::File);
    let cancel = Arc::new(AtomicBool::new(false));
    cancel_on_interrupt(&cancel);
    let options = Options { cancel: Some(cancel), ..Options::default() };
    let history = History { searcher: folder.searcher(), folder: Some(&folder) };
    let report = backtest.report(&history, past, &options, &mut |progress| bar.show(progress));
    Ok(Some(report.map_err(|err| away(err.to_string()))))
}

/// The first Ctrl-C ends the walk, and what was found so far is told; the second ends the program.
fn cancel_on_interrupt(cancel: &Arc<AtomicBool>) {
    let cancel = Arc::clone(cancel);
    let listen = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            cancel.store(true, Ordering::Relaxed);
        }
    };
    // Without the thread Ctrl-C ends the program, as ever.
    drop(std::thread::Builder::new().name("interrupt".to_owned()).spawn(listen));
}

fn print(args: &Args, found: &BacktestReport) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Json => {
            write_safe_json(&mut out, found)?;
            out.write_all(b"\n")?;
        }
        Format::Text => report::print(found, Language::of_environment(), &mut out)?,
    }
    Ok(if found.matches == 0 { Exit::Findings } else { Exit::Fine })
}

/// The progress bar, on a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Bar {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let template = "{msg:<22} {wide_bar} {human_pos}/{human_len} {elapsed}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Bar(bar)
    }

    fn show(&self, progress: BacktestProgress) {
        let asks = progress.pieces_done < progress.pieces;
        let (message, done, all) = if asks {
            ("asking the index", progress.pieces_done, progress.pieces)
        } else {
            ("judging events", progress.events_done, progress.events)
        };
        self.0.set_message(message);
        self.0.set_length(all);
        self.0.set_position(done);
    }

    fn clear(&self) {
        self.0.finish_and_clear();
    }
}
