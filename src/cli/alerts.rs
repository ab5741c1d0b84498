//! `longan alerts`: list, show, and everything an analyst does to an alert, for scripts.

pub(super) mod output;
pub(super) mod place;
mod show;

use std::collections::BTreeSet;

use crate::cli::Exit;
use crate::cli::alerts::output::Format;
use crate::cli::alerts::output::Language;
use crate::cli::alerts::output::OutputArgs;
use crate::cli::alerts::output::Table;
use crate::cli::alerts::output::to_stdout;
use crate::cli::alerts::output::write_json;
use crate::cli::alerts::place::Place;
use crate::cli::alerts::place::Source;
use crate::cli::alerts::place::exit_of;
use crate::model::AlertId;
use crate::model::SafeText;
use crate::model::time::Clock;
use crate::model::time::SystemClock;
use crate::server::alert_detail;
use crate::server::alert_filter;
use crate::server::alert_window;
use crate::wire::alert::AlertAction;
use crate::wire::alert::AlertCommand;
use crate::wire::alert::AlertFilter;
use crate::wire::alert::AlertRow;
use crate::wire::alert::AlertStatus;
use crate::wire::alert::AlertWindow;

/// The arguments of `longan alerts`.
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
    /// List alerts, the riskiest first; works with no server running
    List(ListArgs),
    /// Show everything about an alert; works with no server running
    Show { id: AlertId },
    /// Take alerts, so that nobody else works on them
    Take(Ids),
    /// Give alerts back
    Release(Ids),
    /// Close alerts with a verdict
    Close {
        #[command(flatten)]
        ids: Ids,
        /// The verdict
        #[arg(long = "as", value_enum, value_name = "VERDICT")]
        disposition: Disposition,
        /// Why; alerts of level high and critical need it
        #[arg(long)]
        note: Option<String>,
    },
    /// Open closed alerts again
    Reopen {
        #[command(flatten)]
        ids: Ids,
        #[arg(long)]
        note: Option<String>,
    },
    /// Add a note to an alert
    Note { id: AlertId, text: String },
    /// Declare an incident from an alert, or let it join one
    Escalate {
        id: AlertId,
        /// The incident to join
        #[arg(long)]
        incident: Option<u64>,
        /// The title of a new incident
        #[arg(long)]
        title: Option<String>,
        #[arg(long)]
        note: Option<String>,
    },
    /// Take back your own last take, release, close or reopen
    Undo(Ids),
}

#[derive(Debug, Clone, clap::Args)]
struct Ids {
    /// Alerts, as ALR-12 or 12
    #[arg(required = true, value_name = "ID")]
    ids: Vec<AlertId>,
}

#[derive(Debug, Clone, clap::Args)]
struct ListArgs {
    /// all, open (not closed), new, taken, escalated or closed
    #[arg(long, default_value = "all")]
    status: String,
    /// The lowest level shown: informational, low, medium, high or critical
    #[arg(long)]
    level: Option<String>,
    /// Part of the title, rule or entity; case and accents do not matter
    #[arg(long)]
    text: Option<String>,
    /// Who holds them
    #[arg(long)]
    owner: Option<String>,
    /// The id of the rule
    #[arg(long)]
    rule: Option<String>,
    /// The entity, whole
    #[arg(long)]
    entity: Option<String>,
    /// How many to list at most
    #[arg(long)]
    limit: Option<u64>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Disposition {
    #[value(alias = "fp")]
    FalsePositive,
    #[value(alias = "bp")]
    BenignPositive,
    #[value(alias = "tp")]
    TruePositive,
    Duplicate,
    Test,
}

/// Rows asked for at once, and the event ids with each.
const PAGE_ROWS: u32 = 500;
const EVENTS_MAX: u32 = 1_000;

/// Runs the command.
///
/// # Errors
/// When the arguments, the files or the output are at fault; what the server refused is an exit code.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let format = args.output.format();
    let done = match args.command {
        Command::List(list) => self::list(&args.place, &list, format),
        Command::Show { id } => show::show(&args.place, id, format),
        Command::Take(Ids { ids }) => act(&args.place, &ids, &AlertAction::Take, format),
        Command::Release(Ids { ids }) => act(&args.place, &ids, &AlertAction::Release, format),
        Command::Close { ids: Ids { ids }, disposition, note } => {
            act(&args.place, &ids, &AlertAction::Close { disposition: disposition.into(), note }, format)
        }
        Command::Reopen { ids: Ids { ids }, note } => act(&args.place, &ids, &AlertAction::Reopen { note }, format),
        Command::Note { id, text } => act(&args.place, &[id], &AlertAction::Note { text }, format),
        Command::Escalate { id, incident, title, note } => {
            act(&args.place, &[id], &AlertAction::Escalate { incident, title, note }, format)
        }
        Command::Undo(Ids { ids }) => act(&args.place, &ids, &AlertAction::Undo, format),
    };
    done.or_else(exit_of)
}

fn list(place: &Place, list: &ListArgs, format: Format) -> anyhow::Result<Exit> {
    let filter = AlertFilter {
        status: Some(list.status.clone()),
        level_min: list.level.clone(),
        text: list.text.clone(),
        owner: list.owner.clone(),
        rule: list.rule.clone(),
        entity: list.entity.clone(),
        offset: 0,
        limit: None,
        events: Some(if format == Format::Json { EVENTS_MAX } else { 0 }),
    };
    // Words that mean nothing are found before anything is asked of anybody.
    if let Err(unknown) = alert_filter(&filter) {
        let hint = unknown.hint.as_ref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
        anyhow::bail!("{unknown}{hint}");
    }
    let mut source = place.source()?;
    let language = Language::of_environment();
    let mut table = head(language);
    to_stdout(|out| {
        each_row(&mut source, filter, list.limit.unwrap_or(u64::MAX), |row| match format {
            Format::Json => Ok(write_json(out, &row)?),
            Format::Table => {
                push(&mut table, row, language);
                Ok(())
            }
        })?;
        if format == Format::Table {
            table.write(out)?;
        }
        Ok(())
    })?;
    Ok(Exit::Fine)
}

/// Goes through the list page by page; an alert that moved between two pages is told once.
fn each_row(
    source: &mut Source,
    mut filter: AlertFilter,
    rows_max: u64,
    mut each: impl FnMut(AlertRow) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut seen = BTreeSet::new();
    loop {
        let left = rows_max.saturating_sub(seen.len() as u64);
        filter.limit = Some(u32::try_from(left).unwrap_or(PAGE_ROWS).min(PAGE_ROWS));
        if left == 0 {
            return Ok(());
        }
        let window = page(source, &filter)?;
        if window.rows.is_empty() {
            return Ok(());
        }
        filter.offset += window.rows.len() as u64;
        for row in window.rows {
            if seen.insert(row.id) {
                each(row)?;
            }
        }
    }
}

fn page(source: &mut Source, filter: &AlertFilter) -> anyhow::Result<AlertWindow> {
    match source {
        Source::Server(client) => Ok(client.call(async |client| client.alerts(filter).await)?),
        Source::Files(reader) => Ok(alert_window(reader.window(&alert_filter(filter)?)?)),
    }
}

fn act(place: &Place, ids: &[AlertId], action: &AlertAction, format: Format) -> anyhow::Result<Exit> {
    let client = place.server()?;
    let language = Language::of_environment();
    let mut table = head(language);
    let mut exit = Exit::Fine;
    to_stdout(|out| {
        for id in ids {
            let command = AlertCommand { action: action.clone(), revision: None };
            match client.call(async |client| client.act_on_alert(id.0, &command).await) {
                Ok(row) if format == Format::Json => write_json(out, &row)?,
                Ok(row) => push(&mut table, row, language),
                // One alert that is refused is no reason to leave the others alone; a server that is away is.
                Err(err) if err.problem().is_some() => {
                    let text = err.to_string();
                    eprintln!("longan: {id}: {}", SafeText::new(&text));
                    exit = Exit::NoServer;
                }
                Err(err) => return Err(err.into()),
            }
        }
        if format == Format::Table {
            table.write(out)?;
        }
        Ok(())
    })?;
    Ok(exit)
}

fn head(language: Language) -> Table {
    Table::new(language.pick(
        ["Mã", "Mức", "Rủi ro", "Lần", "Trạng thái", "Người giữ", "Thực thể", "Lần cuối", "Luật"],
        ["ID", "Level", "Risk", "Count", "Status", "Owner", "Entity", "Last", "Rule"],
    ))
}

fn push(table: &mut Table, row: AlertRow, language: Language) {
    table.push([
        AlertId(row.id).to_string(),
        row.level,
        row.risk.to_string(),
        row.count.to_string(),
        status_word(row.status, language).to_owned(),
        row.owner.unwrap_or_else(|| "-".to_owned()),
        row.entity,
        row.last,
        match language {
            Language::Vietnamese => row.title_vi.unwrap_or(row.title),
            Language::English => row.title,
        },
    ]);
}

fn status_word(status: AlertStatus, language: Language) -> &'static str {
    match status {
        AlertStatus::New => language.pick("mới", "new"),
        AlertStatus::Taken => language.pick("đã nhận", "taken"),
        AlertStatus::Escalated => language.pick("đã leo thang", "escalated"),
        AlertStatus::Closed => language.pick("đã đóng", "closed"),
    }
}

impl From<Disposition> for crate::wire::alert::Disposition {
    fn from(disposition: Disposition) -> crate::wire::alert::Disposition {
        match disposition {
            Disposition::FalsePositive => Self::FalsePositive,
            Disposition::BenignPositive => Self::BenignPositive,
            Disposition::TruePositive => Self::TruePositive,
            Disposition::Duplicate => Self::Duplicate,
            Disposition::Test => Self::Test,
        }
    }
}
