//! `longan incidents`: list, show, and what is done to an incident, for scripts.

mod show;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::alert::Sla;
use crate::cli::Exit;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::OutputArgs;
use crate::cli::output::Table;
use crate::cli::output::local;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::cli::place::Place;
use crate::cli::place::Source;
use crate::cli::place::exit_of;
use crate::incident::IncidentId;
use crate::incident::store::read_detail;
use crate::incident::store::read_window;
use crate::server::incident_detail;
use crate::server::incident_window;
use crate::wire::incident::Changed;
use crate::wire::incident::IncidentAction;
use crate::wire::incident::IncidentFilter;
use crate::wire::incident::IncidentPhase;
use crate::wire::incident::IncidentRow;
use crate::wire::incident::IncidentWindow;
use crate::wire::report::ReportRequest;

/// The arguments of `longan incidents`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List incidents, open ones first; works with no server running
    List {
        /// all, or open (not closed)
        #[arg(long, value_enum, default_value_t = Status::All)]
        status: Status,
    },
    /// Show everything about an incident (INC-3 or 3); works with no server running
    Show { id: IncidentId },
    /// Take an incident
    Take { id: IncidentId },
    /// Move an incident to another phase
    Phase {
        id: IncidentId,
        #[arg(value_enum)]
        phase: Phase,
        /// Why; closing and opening again need it
        #[arg(long)]
        note: Option<String>,
    },
    /// Add a note to the timeline
    Note { id: IncidentId, text: String },
    /// Say that a deadline was met
    Meet {
        id: IncidentId,
        /// The name of the clock
        clock: String,
    },
    /// Set when a deadline passes, or add one
    Deadline {
        id: IncidentId,
        /// The name of the clock
        clock: String,
        /// When, as 2026-01-31T07:00+07:00 or now+4h
        due: String,
        /// Why it moves
        #[arg(long)]
        why: String,
    },
    /// Correct the title or the level
    Edit {
        id: IncidentId,
        #[arg(long)]
        title: Option<String>,
        #[arg(long, value_parser = ["informational", "low", "medium", "high", "critical"])]
        level: Option<String>,
    },
    /// Give an incident to somebody else
    Assign {
        id: IncidentId,
        /// Nobody when absent
        to: Option<String>,
    },
    /// Add a task
    Task { id: IncidentId, text: String },
    /// Say that a task was done
    Done {
        id: IncidentId,
        /// Its number, as `show` tells it
        task: u32,
    },
    /// Note down something seen: an address, a hash, an account
    Observe {
        id: IncidentId,
        /// ip, domain, url, hash, user, host, file, email, or a word of your own
        kind: String,
        value: String,
        #[arg(long)]
        note: Option<String>,
    },
    /// Attach what a search finds as evidence: a bundle that proves itself
    Attach {
        id: IncidentId,
        /// What to look for, such as longan.id:90412
        query: String,
        /// From here on: a span back from now such as `24h`, or a time
        #[arg(long)]
        since: Option<String>,
        /// Up to here
        #[arg(long)]
        until: Option<String>,
        #[arg(long)]
        note: Option<String>,
    },
    /// Write a bundle that was attached; `longan verify FILE` checks it
    Evidence {
        id: IncidentId,
        /// Its number, as `show` tells it
        place: u32,
        /// Where to; must not be there yet
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
    },
    /// Put all of an incident into another one and close it
    Merge { id: IncidentId, into: IncidentId },
    /// Write the report of an incident
    Report(ReportArgs),
}

#[derive(Debug, clap::Args)]
struct ReportArgs {
    id: IncidentId,
    /// vi or en; the language of the environment when absent
    #[arg(long, value_parser = ["vi", "en"])]
    language: Option<String>,
    /// Write a page for a browser instead of Markdown
    #[arg(long)]
    html: bool,
    /// Where to; standard output when absent
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Status {
    All,
    Open,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Phase {
    Detect,
    Analysis,
    Containment,
    Eradication,
    Recover,
    Closed,
}

/// Rows asked for at once.
const ROWS_MAX: u32 = 2_000;

/// Runs the command.
///
/// # Errors
/// When the arguments, the files or the output are at fault; what the server refused is an exit code.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let format = args.output.format();
    let done = match args.command {
        Command::List { status } => list(&args.place, status, format),
        Command::Show { id } => show_one(&args.place, id, format),
        Command::Take { id } => act(&args.place, id, &IncidentAction::Take, format),
        Command::Phase { id, phase, note } => {
            act(&args.place, id, &IncidentAction::Phase { phase: phase.into(), note }, format)
        }
        Command::Note { id, text } => act(&args.place, id, &IncidentAction::Note { text }, format),
        Command::Meet { id, clock } => act(&args.place, id, &IncidentAction::MeetClock { name: clock }, format),
        Command::Deadline { id, clock, due, why } => {
            act(&args.place, id, &IncidentAction::SetClock { name: clock, due, why }, format)
        }
        Command::Edit { id, title, level } => edit(&args.place, id, title, level, format),
        Command::Assign { id, to } => act(&args.place, id, &IncidentAction::Assign { to }, format),
        Command::Task { id, text } => act(&args.place, id, &IncidentAction::AddTask { text }, format),
        Command::Done { id, task } => act(&args.place, id, &IncidentAction::FinishTask { place: task }, format),
        Command::Observe { id, kind, value, note } => {
            act(&args.place, id, &IncidentAction::AddObservable { kind, value, note }, format)
        }
        Command::Attach { id, query, since, until, note } => {
            act(&args.place, id, &IncidentAction::Attach { q: query, since, until, note }, format)
        }
        Command::Evidence { id, place, out } => evidence(&args.place, id, place, &out),
        Command::Merge { id, into } => act(&args.place, id, &IncidentAction::MergeInto { incident: into.0 }, format),
        Command::Report(wanted) => report(&args.place, &wanted),
    };
    done.or_else(exit_of)
}

fn list(place: &Place, status: Status, format: Format) -> anyhow::Result<Exit> {
    let mut source = place.source()?;
    let mut rows: Vec<IncidentRow> = Vec::new();
    loop {
        let offset = rows.len() as u64;
        let window = page(&mut source, status, offset)?;
        let is_last = window.rows.is_empty() || offset + window.rows.len() as u64 >= window.total;
        rows.extend(window.rows);
        if is_last {
            // What moved between two pages may stand on both.
            let mut seen = BTreeSet::new();
            rows.retain(|row| seen.insert(row.id));
            return write_rows(&rows, format);
        }
    }
}

fn page(source: &mut Source, status: Status, offset: u64) -> anyhow::Result<IncidentWindow> {
    let is_open_only = status == Status::Open;
    Ok(match source {
        Source::Server(client) => {
            let word = if is_open_only { "open" } else { "all" };
            let filter = IncidentFilter { status: Some(word.to_owned()), offset, limit: Some(ROWS_MAX) };
            client.call(async |client| client.incidents(&filter).await)?
        }
        Source::Files(reader) => incident_window(read_window(reader, is_open_only, offset, ROWS_MAX)?),
    })
}

fn act(place: &Place, id: IncidentId, action: &IncidentAction, format: Format) -> anyhow::Result<Exit> {
    let row = place.server()?.call(async |client| client.act_on_incident(id.0, action).await)?;
    write_rows(&[row], format)
}

/// Corrects what is there now: a script decides on what it has just read, as a person does on what is shown.
fn edit(
    place: &Place,
    id: IncidentId,
    title: Option<String>,
    level: Option<String>,
    format: Format,
) -> anyhow::Result<Exit> {
    let client = place.server()?;
    let now = client.call(async |client| client.incident(id.0).await)?.row;
    let title = title.map(|to| Changed { from: now.title, to });
    let level = level.map(|to| Changed { from: now.level, to });
    let action = IncidentAction::Edit { title, level };
    let row = client.call(async |client| client.act_on_incident(id.0, &action).await)?;
    write_rows(&[row], format)
}

fn report(place: &Place, wanted: &ReportArgs) -> anyhow::Result<Exit> {
    let language = wanted.language.clone().unwrap_or_else(|| Language::of_environment().pick("vi", "en").to_owned());
    let form = if wanted.html { "html" } else { "markdown" };
    let request = ReportRequest { language: Some(language), form: Some(form.to_owned()) };
    let text = place.server()?.call(async |client| client.incident_report(wanted.id.0, &request).await)?;
    match &wanted.out {
        Some(path) => {
            fs::write(path, &text).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        // Every value in it was made safe when it was put in.
        None => to_stdout(|out| Ok(out.write_all(text.as_bytes())?))?,
    }
    Ok(Exit::Fine)
}

fn evidence(place: &Place, id: IncidentId, wanted: u32, path: &Path) -> anyhow::Result<Exit> {
    let bundle = place.server()?.call(async |client| client.incident_evidence(id.0, wanted).await)?;
    let failed = || format!("cannot write `{}`", path.display());
    let mut file = fs::File::options().write(true).create_new(true).open(path).with_context(failed)?;
    file.write_all(&bundle).and_then(|()| file.sync_all()).with_context(failed)?;
    Ok(Exit::Fine)
}

fn write_rows(rows: &[IncidentRow], format: Format) -> anyhow::Result<Exit> {
    let language = Language::of_environment();
    let mut table = Table::new(language.pick(
        ["Mã", "Mức", "Giai đoạn", "Người giữ", "Cảnh báo", "Biết lúc", "Hạn gần nhất", "Tên"],
        ["ID", "Level", "Phase", "Owner", "Alerts", "Known", "Next deadline", "Title"],
    ));
    to_stdout(|out| {
        for row in rows {
            match format {
                Format::Json => write_json(out, row)?,
                Format::Table => table.push([
                    IncidentId(row.id).to_string(),
                    row.level.clone(),
                    phase_word(row.phase, language).to_owned(),
                    row.owner.clone().unwrap_or_else(|| "-".to_owned()),
                    row.alerts.to_string(),
                    local(&row.known),
                    row.next_due.as_deref().map_or_else(|| "-".to_owned(), local),
                    row.title.clone(),
                ]),
            }
        }
        if format == Format::Table {
            table.write(out)?;
        }
        Ok(())
    })?;
    Ok(Exit::Fine)
}

fn show_one(place: &Place, id: IncidentId, format: Format) -> anyhow::Result<Exit> {
    let detail = match place.source()? {
        Source::Server(client) => client.call(async |client| client.incident(id.0).await)?,
        Source::Files(mut reader) => incident_detail(read_detail(&mut reader, id)?, Sla::DEFAULT),
    };
    to_stdout(|out| match format {
        Format::Json => Ok(write_json(out, &detail)?),
        Format::Table => Ok(show::write_detail(out, &detail, Language::of_environment())?),
    })?;
    Ok(Exit::Fine)
}

fn phase_word(phase: IncidentPhase, language: Language) -> &'static str {
    match phase {
        IncidentPhase::Detect => language.pick("phát hiện", "detect"),
        IncidentPhase::Analysis => language.pick("phân tích", "analysis"),
        IncidentPhase::Containment => language.pick("ngăn chặn", "containment"),
        IncidentPhase::Eradication => language.pick("loại bỏ", "eradication"),
        IncidentPhase::Recover => language.pick("khôi phục", "recover"),
        IncidentPhase::Closed => language.pick("đã đóng", "closed"),
    }
}

impl From<Phase> for IncidentPhase {
    fn from(phase: Phase) -> IncidentPhase {
        match phase {
            Phase::Detect => IncidentPhase::Detect,
            Phase::Analysis => IncidentPhase::Analysis,
            Phase::Containment => IncidentPhase::Containment,
            Phase::Eradication => IncidentPhase::Eradication,
            Phase::Recover => IncidentPhase::Recover,
            Phase::Closed => IncidentPhase::Closed,
        }
    }
}
