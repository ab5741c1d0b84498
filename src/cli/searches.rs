//! `longan searches`: searches saved under a name, of one's own and shared; `longan search --saved NAME` runs one.

use clap::Subcommand;

use crate::cli::Exit;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::OutputArgs;
use crate::cli::output::Table;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::cli::place::Place;
use crate::cli::place::exit_of;
use crate::wire::saved::DeleteRequest;
use crate::wire::saved::SaveRequest;
use crate::wire::saved::SavedSearch;

/// The arguments of `longan searches`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: OutputArgs,
}

/// What to do with saved searches.
#[derive(Debug, Subcommand)]
enum Action {
    /// List one's own and what others share
    List,
    /// Save a query under a name; one's own of that name is replaced
    Save {
        name: String,
        query: String,
        /// Begin there when it is run: a span back such as 24h, or a time
        #[arg(long)]
        since: Option<String>,
        /// End there
        #[arg(long)]
        until: Option<String>,
        /// Let everybody see it
        #[arg(long)]
        shared: bool,
    },
    /// Delete one's own; an admin may name another owner
    Delete {
        name: String,
        #[arg(long)]
        owner: Option<String>,
    },
}

/// Runs the command.
///
/// # Errors
/// When the arguments or the output are at fault; a server that is away is an exit code.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    act(&args).or_else(exit_of)
}

fn act(args: &Args) -> anyhow::Result<Exit> {
    let client = args.place.server()?;
    let searches = match args.action.as_ref().unwrap_or(&Action::List) {
        Action::List => client.call(async |client| client.saved_searches().await)?.searches,
        Action::Save { name, query, since, until, shared } => {
            let request = SaveRequest {
                name: name.clone(),
                shared: *shared,
                q: query.clone(),
                since: since.clone(),
                until: until.clone(),
            };
            vec![client.call(async |client| client.save_search(&request).await)?]
        }
        Action::Delete { name, owner } => {
            let request = DeleteRequest { name: name.clone(), owner: owner.clone() };
            client.call(async |client| client.delete_search(&request).await)?.searches
        }
    };
    print(args, &searches)
}

fn print(args: &Args, searches: &[SavedSearch]) -> anyhow::Result<Exit> {
    let language = Language::of_environment();
    let mut table = Table::new(language.pick(
        ["Tên", "Của", "Chung", "Từ", "Đến", "Truy vấn"],
        ["Name", "Owner", "Shared", "Since", "Until", "Query"],
    ));
    to_stdout(|out| {
        for search in searches {
            match args.output.format() {
                Format::Json => write_json(out, search)?,
                Format::Table => {
                    let SavedSearch { name, owner, shared, q, since, until, .. } = search.clone();
                    let shared = if shared { language.pick("có", "yes") } else { "" };
                    table.push([
                        name,
                        owner,
                        shared.to_owned(),
                        since.unwrap_or_default(),
                        until.unwrap_or_default(),
                        q,
                    ]);
                }
            }
        }
        if args.output.format() == Format::Table {
            table.write(out)?;
        }
        Ok(())
    })?;
    Ok(if searches.is_empty() { Exit::Findings } else { Exit::Fine })
}
