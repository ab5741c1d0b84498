//! `longan token`: who may reach the API over the network, and as what. Works with the server running or not.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use crate::auth::Role;
use crate::auth::TOKENS_FILE_NAME;
use crate::auth::TokenError;
use crate::auth::TokenInfo;
use crate::auth::TokenStore;
use crate::cli::Exit;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::OutputArgs;
use crate::cli::output::Table;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::model::Timestamp;
use crate::model::time::Clock as _;
use crate::model::time::SystemClock;

/// The arguments of `longan token`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The data folder of the server
    #[arg(long, env = "LONGAN_DATA", default_value = "longan-data", value_name = "FOLDER", global = true)]
    data: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Issue a token and print it, this once: only its digest is kept
    Issue {
        /// Whose it is: letters, digits, `.`, `-`, `_`
        name: String,
        /// What they may do: analyst, admin or auditor
        #[arg(long)]
        role: Role,
        /// How long it lasts
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_650))]
        days: u64,
    },
    /// List the tokens
    List,
    /// Take a token back; its streams end within seconds
    Revoke { name: String },
}

/// What may be told of a token.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    role: Role,
    created: String,
    expires: String,
    is_expired: bool,
}

/// Runs the command.
///
/// # Errors
/// When the arguments, the file or the output are at fault.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let format = args.output.format();
    anyhow::ensure!(args.data.is_dir(), "no such data folder `{}`", args.data.display());
    let tokens = TokenStore::open(&args.data.join(TOKENS_FILE_NAME))?;
    let now = SystemClock.now();
    match args.command {
        Command::Issue { name, role, days } => {
            let issued = tokens.issue(&name, role, Duration::from_secs(days * 86_400), now)?;
            to_stdout(|out| Ok(writeln!(out, "{}", issued.text)?)).context("the token was issued but not printed")?;
            eprintln!("longan: {name} ({role}), {}", issued.expires);
            Ok(Exit::Fine)
        }
        Command::List => list(tokens.list()?, now, format),
        Command::Revoke { name } => match tokens.revoke(&name) {
            Err(err @ TokenError::NoSuchToken(_)) => {
                eprintln!("longan: {err}");
                Ok(Exit::Findings)
            }
            revoked => {
                revoked?;
                Ok(Exit::Fine)
            }
        },
    }
}

fn list(tokens: Vec<TokenInfo>, now: Timestamp, format: Format) -> anyhow::Result<Exit> {
    let language = Language::of_environment();
    let mut table =
        Table::new(language.pick(["Tên", "Vai trò", "Cấp lúc", "Hết hạn"], ["Name", "Role", "Created", "Expires"]));
    to_stdout(|out| {
        for token in tokens {
            let row = Row {
                name: token.name,
                role: token.role,
                created: token.created.to_string(),
                expires: token.expires.to_string(),
                is_expired: token.expires <= now,
            };
            match format {
                Format::Json => write_json(out, &row)?,
                Format::Table => {
                    let ended = if row.is_expired { language.pick(" (đã hết)", " (over)") } else { "" };
                    table.push([row.name, row.role.to_string(), row.created, format!("{}{ended}", row.expires)]);
                }
            }
        }
        if format == Format::Table {
            table.write(out)?;
        }
        Ok(())
    })?;
    Ok(Exit::Fine)
}
