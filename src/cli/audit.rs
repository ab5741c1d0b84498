//! `longan audit`: who did what. Asks the server, or reads the log of a folder that no server runs on.

use crate::cli::Exit;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::OutputArgs;
use crate::cli::output::Table;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::cli::place::Place;
use crate::cli::place::exit_of;
use crate::client::ClientError;
use crate::client::EndpointError;
use crate::evidence::audit::Filter;
use crate::evidence::audit::list_of_folder;
use crate::model::time::Clock as _;
use crate::model::time::SystemClock;
use crate::query::time::parse_bound;
use crate::wire::audit::AuditRequest;
use crate::wire::audit::AuditRow;

/// The arguments of `longan audit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only entries whose detail holds this
    text: Option<String>,
    /// Only what this person did
    #[arg(long)]
    who: Option<String>,
    /// Only deeds of this kind: login, search, view, alert, incident, rule, hold, export, verify, config, delete, refused, start, stop
    #[arg(long)]
    action: Option<String>,
    /// From here on: a span back from now such as `24h`, or a time
    #[arg(long)]
    since: Option<String>,
    /// Up to here
    #[arg(long)]
    until: Option<String>,
    /// So many, the newest first
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
///
/// # Errors
/// When the arguments or the output are at fault; a server that is away is an exit code.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    show(&args).or_else(exit_of)
}

fn show(args: &Args) -> anyhow::Result<Exit> {
    let rows = rows(args)?;
    let language = Language::of_environment();
    let mut table = Table::new(
        language
            .pick(["Số", "Lúc", "Ai", "Vai trò", "Việc", "Chi tiết"], ["No.", "At", "Who", "Role", "Action", "Detail"]),
    );
    to_stdout(|out| {
        for row in &rows {
            match args.output.format() {
                Format::Json => write_json(out, row)?,
                Format::Table => {
                    let AuditRow { number, at, who, role, action, detail, .. } = row.clone();
                    table.push([number.to_string(), at, who, role, action, detail]);
                }
            }
        }
        if args.output.format() == Format::Table {
            table.write(out)?;
        }
        Ok(())
    })?;
    Ok(if rows.is_empty() { Exit::Findings } else { Exit::Fine })
}

fn rows(args: &Args) -> anyhow::Result<Vec<AuditRow>> {
    let now = SystemClock.now();
    let bound = |text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => match parse_bound(text, now) {
            Some(time) => Ok(Some(time.to_string())),
            None => anyhow::bail!("`{text}` is no time; a span back from now such as `24h`, or a time"),
        },
    };
    let request = AuditRequest {
        who: args.who.clone(),
        action: args.action.clone(),
        text: args.text.clone(),
        since: bound(&args.since)?,
        until: bound(&args.until)?,
        before: None,
        limit: Some(args.limit),
    };
    let asked = match args.place.server() {
        Ok(client) => client.call(async |client| client.audit(&request).await),
        Err(err) if err.downcast_ref().is_some_and(|err| matches!(err, EndpointError::NotRunning(_))) => {
            return of_folder(args, request);
        }
        Err(err) => return Err(err),
    };
    match asked {
        Ok(window) => Ok(window.entries),
        Err(ClientError::Away { .. }) if !args.place.is_remote() => of_folder(args, request),
        Err(err) => Err(err.into()),
    }
}

fn of_folder(args: &Args, request: AuditRequest) -> anyhow::Result<Vec<AuditRow>> {
    anyhow::ensure!(args.place.data().is_dir(), "no such data folder `{}`", args.place.data().display());
    let AuditRequest { who, action, text, since, until, before, .. } = request;
    let filter = Filter { who, action, text, before, since, until };
    let entries = list_of_folder(args.place.data(), &filter, args.limit as usize)?;
    let row = |entry: crate::evidence::audit::Entry| AuditRow {
        number: entry.n,
        at: entry.deed.at,
        who: entry.deed.who,
        role: entry.deed.role,
        via: entry.deed.via,
        action: entry.deed.action,
        detail: entry.deed.detail,
    };
    Ok(entries.into_iter().map(row).collect())
}
