//! `longan alerts`: list, show, and everything an analyst does to an alert, for scripts.

mod bulk;
mod list;
pub(super) mod show;

use crate::cli::Exit;
use crate::cli::alerts::bulk::Targets;
use crate::cli::alerts::list::ListArgs;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::OutputArgs;
use crate::cli::output::Table;
use crate::cli::output::local;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::cli::place::Place;
use crate::cli::place::code_of_problem;
use crate::cli::place::exit_of;
use crate::incident::IncidentId;
use crate::model::AlertId;
use crate::model::SafeText;
use crate::wire::alert::AlertAction;
use crate::wire::alert::AlertCommand;
use crate::wire::alert::AlertRow;
use crate::wire::alert::AlertStatus;

pub(super) use list::count_on;

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
    Take(Targets),
    /// Give alerts back
    Release(Targets),
    /// Close alerts with a verdict
    Close {
        #[command(flatten)]
        targets: Targets,
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
        targets: Targets,
        #[arg(long)]
        note: Option<String>,
    },
    /// Add a note to an alert
    Note { id: AlertId, text: String },
    /// Say that a step of the response was done
    Step {
        id: AlertId,
        /// Its number, as `show` tells it
        step: u32,
        /// It is not done after all
        #[arg(long)]
        undo: bool,
    },
    /// Declare an incident from an alert, or let it join one
    Escalate {
        id: AlertId,
        /// The incident to join, as INC-3 or 3
        #[arg(long)]
        incident: Option<IncidentId>,
        /// The title of a new incident
        #[arg(long)]
        title: Option<String>,
        #[arg(long)]
        note: Option<String>,
    },
    /// Take back your own last take, release, close or reopen
    Undo(Targets),
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

/// Runs the command.
///
/// # Errors
/// When the arguments, the files or the output are at fault; what the server refused is an exit code.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let (place, format) = (args.place, args.output.format());
    let done = match args.command {
        Command::List(list) => list::list(&place, &list, format),
        Command::Show { id } => show::show(&place, id, format),
        Command::Take(targets) => act_on(&place, &targets, &AlertAction::Take, format),
        Command::Release(targets) => act_on(&place, &targets, &AlertAction::Release, format),
        Command::Close { targets, disposition, note } => {
            act_on(&place, &targets, &AlertAction::Close { disposition: disposition.into(), note }, format)
        }
        Command::Reopen { targets, note } => act_on(&place, &targets, &AlertAction::Reopen { note }, format),
        Command::Note { id, text } => act(&place, &[id], &AlertAction::Note { text }, format),
        Command::Step { id, step, undo } => act(&place, &[id], &AlertAction::Step { step, done: !undo }, format),
        Command::Escalate { id, incident, title, note } => {
            let incident = incident.map(|incident| incident.0);
            act(&place, &[id], &AlertAction::Escalate { incident, title, note }, format)
        }
        Command::Undo(targets) => act_on(&place, &targets, &AlertAction::Undo, format),
    };
    done.or_else(exit_of)
}

fn act_on(place: &Place, targets: &Targets, action: &AlertAction, format: Format) -> anyhow::Result<Exit> {
    match targets.bulk(action)? {
        Some(command) => bulk::act(&place.server()?, &command, format),
        None => act(place, &targets.ids, action, format),
    }
}

/// Acts on one alert after the other; one that is refused is no reason to leave the others alone.
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
                Err(err) => {
                    let Some(problem) = err.problem() else { return Err(err.into()) };
                    exit = worse(exit, code_of_problem(problem));
                    eprintln!("longan: {id}: {}", SafeText::new(&problem.detail));
                    if let Some(hint) = &problem.hint {
                        eprintln!("  hint: {}", SafeText::new(hint));
                    }
                }
            }
        }
        if format == Format::Table && !table.is_empty() {
            table.write(out)?;
        }
        Ok(())
    })?;
    Ok(exit)
}

fn worse(one: Exit, other: Exit) -> Exit {
    if one as u8 >= other as u8 { one } else { other }
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
        local(&row.last),
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
