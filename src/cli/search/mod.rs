//! `longan search`: the stored events from the shell, through the running server or, without one, from the data folder.

mod table;

use std::io;
use std::io::BufWriter;
use std::io::IsTerminal as _;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Map;
use serde_json::Value;

use crate::cli::Exit;
use crate::cli::place;
use crate::client::ClientError;
use crate::client::blocking::BlockingClient;
use crate::model::SafeText;
use crate::model::csv::csv_cell;
use crate::model::time::Clock as _;
use crate::model::time::SystemClock;
use crate::model::write_safe_json;
use crate::pipeline::api::FolderSearch;
use crate::query;
use crate::query::UnknownField;
use crate::wire::problem::Problem;
use crate::wire::search::SearchRequest;
use crate::wire::search::SearchTable;

/// Rows of a table unless more are asked for: a screen full.
const TABLE_ROWS: u32 = 100;
/// A search of a data folder without a server may take so long.
const DEADLINE: Duration = Duration::from_secs(600);
const MESSAGE_CHARS: usize = 300;

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One line an event: time, host, program, message
    Table,
    /// One flat ECS object a line
    Json,
    /// Comma-separated, as RFC 4180 has it
    Csv,
}

/// The arguments of `longan search`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to look for, in the query language; everything when absent
    #[arg(default_value = "")]
    query: String,
    /// Run the saved search of this name (`longan searches`); QUERY, --since and --until narrow it
    #[arg(long, value_name = "NAME")]
    saved: Option<String>,
    #[command(flatten)]
    place: place::Place,
    /// Begin here: a span back from now such as 24h, or a time
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// End before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Print at most so many events; by default all, or a screen full as a table
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u32>,
    /// Print the number of events alone
    #[arg(long)]
    count: bool,
    /// Tell how the query was read and what it cost: partitions left out, events and bytes read
    #[arg(long)]
    explain: bool,
    /// Print in this form; by default a table on a terminal and json when piped
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The fields of a csv, or of a table; a query with pipes has its own columns
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    fields: Vec<String>,
}

/// Where the events are.
enum Place {
    Server(BlockingClient),
    Folder(Box<FolderSearch>),
}

/// Why there is no answer.
enum Failure {
    /// The query or a time is wrong, or the server says no.
    Refused(Problem),
    Away(String),
    Output(anyhow::Error),
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read or the output not be written.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let args = match args.saved.clone() {
        None => args,
        Some(name) => match with_saved(args, &name) {
            Ok(Some(args)) => args,
            Ok(None) => {
                eprintln!(
                    "longan: no saved search `{}`\n  hint: `longan searches` lists those there are",
                    SafeText::new(&name)
                );
                return Ok(Exit::BadInput);
            }
            Err(err) => return place::exit_of(err),
        },
    };
    let Some(place) = place_of(&args)? else {
        let data = args.place.data().display();
        eprintln!("longan: there is no store in `{data}`\n  hint: `longan start --data {data}` makes one");
        return Ok(Exit::BadInput);
    };
    for warning in slips(&args.query) {
        eprintln!("longan: {}", SafeText::new(&warning));
    }
    match answer(&args, &place) {
        Ok(true) => Ok(Exit::Fine),
        Ok(false) => Ok(Exit::Findings),
        Err(Failure::Refused(problem)) => Ok(tell(&args.query, &problem)),
        Err(Failure::Away(reason)) => {
            eprintln!("longan: {}", SafeText::new(&reason));
            Ok(Exit::NoServer)
        }
        Err(Failure::Output(err)) if crate::cli::parse::is_closed_pipe(&err) => Ok(Exit::Fine),
        Err(Failure::Output(err)) => Err(err),
    }
}

/// Puts the saved search in place of what was not said; `None` when there is none of this name.
fn with_saved(args: Args, name: &str) -> anyhow::Result<Option<Args>> {
    let client = args.place.server()?;
    let list = client.call(async |client| client.saved_searches().await)?;
    let Some(saved) = list.searches.into_iter().find(|saved| saved.name == name) else { return Ok(None) };
    let query = match (saved.q.trim(), args.query.trim()) {
        (saved, "") => saved.to_owned(),
        ("", typed) => typed.to_owned(),
        (saved, typed) => {
            let has_pipes = query::parse_search(saved, SystemClock.now()).is_ok_and(|search| !search.stages.is_empty());
            anyhow::ensure!(!has_pipes, "`{name}` has pipes, so nothing can be added to it: `{saved}`");
            format!("({saved}) ({typed})")
        }
    };
    Ok(Some(Args { query, since: args.since.or(saved.since), until: args.until.or(saved.until), ..args }))
}

/// Names the fields that look like a slip of the pen; a query that cannot be read is refused with its place later.
fn slips(text: &str) -> Vec<String> {
    let Ok(query) = query::parse_search(text, SystemClock.now()).map(|search| search.filter) else { return Vec::new() };
    let slip = |field: UnknownField| {
        Some(format!("no known field is called `{}`; did you mean `{}`?", field.name, field.suggestion?))
    };
    query.unknown_fields().into_iter().filter_map(slip).collect()
}

fn place_of(args: &Args) -> anyhow::Result<Option<Place>> {
    if args.place.is_remote() {
        return Ok(Some(Place::Server(args.place.server().context("cannot use the remote server")?)));
    }
    if let Ok(client) = args.place.server() {
        let answer = client.call(async |client| client.whoami().await);
        if !matches!(answer, Err(ClientError::Away { .. })) {
            return Ok(Some(Place::Server(client)));
        }
    }
    let settings = args.place.settings()?;
    let opened = FolderSearch::open(args.place.data(), settings, Arc::new(SystemClock), DEADLINE)?;
    let Some(search) = opened else { return Ok(None) };
    for (partition, reason) in &search.damaged {
        eprintln!("longan: partition {} is left out: {}", SafeText::new(partition), SafeText::new(reason));
    }
    Ok(Some(Place::Folder(Box::new(search))))
}

/// Prints the answer; says whether anything was found.
fn answer(args: &Args, place: &Place) -> Result<bool, Failure> {
    let format = args.format.unwrap_or(if io::stdout().is_terminal() { Format::Table } else { Format::Json });
    let limit = args.limit.or((format == Format::Table).then_some(TABLE_ROWS));
    let request = SearchRequest {
        q: args.query.clone(),
        since: args.since.clone(),
        until: args.until.clone(),
        limit,
        cursor: None,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    if args.count {
        let count = place.count(&request)?;
        writeln!(out, "{count}").and_then(|()| out.flush()).map_err(output)?;
        return Ok(count > 0);
    }
    let piped = query::parse_search(&args.query, SystemClock.now()).is_ok_and(|search| !search.stages.is_empty());
    // A table of rows that go through one by one need not be made before it is printed as JSON.
    if args.explain || (piped && format != Format::Json) {
        return print_table(args, place, &request, format, &mut out);
    }
    let mut printer = Printer { out: &mut out, format, fields: &args.fields, printed: 0, failed: None };
    printer.begin();
    let done = place.each(&request, &mut |event| printer.print(event));
    let Printer { printed, failed, .. } = printer;
    if let Some(err) = failed {
        return Err(output(err));
    }
    done?;
    out.flush().map_err(output)?;
    if format == Format::Table && limit == Some(u32::try_from(printed).unwrap_or(u32::MAX)) {
        eprintln!("longan: the newest {printed}; `--limit` shows more, `--count` counts all");
    }
    Ok(printed > 0)
}

/// Prints the table of a query with pipes, or what a query costs.
fn print_table(
    args: &Args,
    place: &Place,
    request: &SearchRequest,
    format: Format,
    out: &mut impl Write,
) -> Result<bool, Failure> {
    let request = SearchRequest { limit: args.limit, ..request.clone() };
    let found = place.table(&request)?;
    if args.explain {
        table::write_explain(out, &found).and_then(|()| out.flush()).map_err(output)?;
        return Ok(true);
    }
    match format {
        Format::Json => table::write_json(out, &found),
        Format::Csv => table::write_csv(out, &found),
        Format::Table => table::write(out, &found, table::terminal_width()),
    }
    .and_then(|()| out.flush())
    .map_err(output)?;
    for note in &found.notes {
        eprintln!("longan: {}", SafeText::new(note));
    }
    if let Some(reason) = &found.explain.partial {
        eprintln!("longan: this is only a part of the answer ({})", SafeText::new(reason));
    }
    Ok(!found.rows.is_empty())
}

fn output(err: io::Error) -> Failure {
    Failure::Output(anyhow::Error::from(err).context("writing events"))
}

impl Place {
    fn count(&self, request: &SearchRequest) -> Result<u64, Failure> {
        let client = match self {
            Place::Server(client) => client,
            Place::Folder(search) => return Ok(search.count(request)?),
        };
        let found = client.call(async |client| client.count(request).await)?;
        if let Some(reason) = found.explain.partial {
            eprintln!("longan: counted only a part ({})", SafeText::new(&reason));
        }
        Ok(found.count)
    }

    fn table(&self, request: &SearchRequest) -> Result<SearchTable, Failure> {
        match self {
            Place::Server(client) => Ok(client.call(async |client| client.table(request).await)?),
            Place::Folder(search) => Ok(search.table(request)?),
        }
    }

    fn each(&self, request: &SearchRequest, visit: &mut dyn FnMut(&Map<String, Value>) -> bool) -> Result<(), Failure> {
        match self {
            Place::Server(client) => {
                client.for_each(async |client| client.search_stream(request).await, |event| visit(&event))?;
            }
            Place::Folder(search) => search.each(request, visit)?,
        }
        Ok(())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure::Refused(problem)
    }
}

impl From<ClientError> for Failure {
    fn from(err: ClientError) -> Failure {
        match err {
            ClientError::Refused(problem) => Failure::Refused(*problem),
            other => Failure::Away(format!("{:#}", anyhow::Error::from(other))),
        }
    }
}

/// Says what is wrong with the query, with a mark below the place.
fn tell(query: &str, problem: &Problem) -> Exit {
    eprintln!("longan: {}", SafeText::new(&problem.detail));
    if let Some(column) = problem.column {
        let before = usize::try_from(column).unwrap_or(1).saturating_sub(1);
        eprintln!("  {}\n  {}^", SafeText::new(query), " ".repeat(before.min(query.chars().count())));
    }
    if let Some(hint) = &problem.hint {
        eprintln!("  hint: {}", SafeText::new(hint));
    }
    if matches!(problem.status, 400 | 413) { Exit::BadInput } else { Exit::NoServer }
}

struct Printer<'a, W: Write> {
    out: &'a mut W,
    format: Format,
    fields: &'a [String],
    printed: u64,
    failed: Option<io::Error>,
}

impl<W: Write> Printer<'_, W> {
    fn begin(&mut self) {
        if self.format == Format::Csv {
            let fields: Vec<&str> = self.csv_fields();
            let header: Vec<String> = fields.into_iter().map(csv_cell).collect();
            self.failed = writeln!(self.out, "{}", header.join(",")).err();
        }
    }

    fn print(&mut self, event: &Map<String, Value>) -> bool {
        if self.failed.is_some() {
            return false;
        }
        let done = match self.format {
            Format::Json => write_safe_json(&mut *self.out, event).and_then(|()| self.out.write_all(b"\n")),
            Format::Table => self.row(event),
            Format::Csv => {
                let cells: Vec<String> =
                    self.csv_fields().into_iter().map(|field| csv_cell(&text_of(event, field))).collect();
                writeln!(self.out, "{}", cells.join(","))
            }
        };
        self.printed += 1;
        self.failed = done.err();
        self.failed.is_none()
    }

    fn csv_fields(&self) -> Vec<&str> {
        const USUAL: [&str; 7] =
            ["@timestamp", "longan.id", "host.name", "process.name", "source.ip", "user.name", "event.original"];
        if self.fields.is_empty() { USUAL.to_vec() } else { self.fields.iter().map(String::as_str).collect() }
    }

    fn row(&mut self, event: &Map<String, Value>) -> io::Result<()> {
        if !self.fields.is_empty() {
            let cells: Vec<String> =
                self.fields.iter().map(|field| SafeText::new(&text_of(event, field)).to_string()).collect();
            return writeln!(self.out, "{}", cells.join("  "));
        }
        let first = |names: [&str; 2]| {
            let found = names.into_iter().map(|name| text_of(event, name)).find(|text| !text.is_empty());
            found.unwrap_or_else(|| "-".to_owned())
        };
        let original = text_of(event, "event.original");
        let message: String = original.chars().take(MESSAGE_CHARS).collect();
        let more = if message.len() < original.len() { "…" } else { "" };
        writeln!(
            self.out,
            "{}  {:<15} {:<12} {}{more}",
            SafeText::new(&text_of(event, "@timestamp")),
            SafeText::new(&first(["host.name", "longan.peer.ip"])).to_string(),
            SafeText::new(&first(["process.name", "longan.parser"])).to_string(),
            SafeText::new(&message),
        )
    }
}

fn text_of(event: &Map<String, Value>, field: &str) -> String {
    match event.get(field) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(values)) => {
            let texts: Vec<String> =
                values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
            texts.join(" ")
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_a_slip_is_told() {
        assert_eq!(slips("usr.name:x"), ["no known field is called `usr.name`; did you mean `user.name`?"]);
        for right in ["", "user.name:x AND failed", "fortinet.policy_id:7", "user.name:("] {
            assert_eq!(slips(right), [] as [&str; 0], "{right}");
        }
    }
}
