//! `longan rules`: everything a rule writer does.

mod check;
mod decide;
mod history;
mod import;
mod overview;
mod source;
mod trial;

use clap::Subcommand;

use crate::cli::Exit;
use crate::cli::rules::history::backtest;
use crate::cli::rules::overview::coverage;
use crate::cli::rules::overview::list;
use crate::cli::rules::trial::explain;
use crate::cli::rules::trial::match_events;
use crate::cli::rules::trial::test_cases;

pub use import::gather::gather;

/// The arguments of `longan rules`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What to do with the rules.
#[derive(Debug, Subcommand)]
enum Command {
    /// Check rules: every problem with its place and a hint
    Check(check::Args),
    /// Run the cases of rules: lines that must and must not match
    Test(test_cases::Args),
    /// Match events from a file against rules
    Match(match_events::Args),
    /// Show why a rule matches a line or does not
    Explain(explain::Args),
    /// Run a rule over the stored events
    Backtest(backtest::Args),
    /// Show or change the state of a rule: draft, shadow, live, retired
    State(decide::StateArgs),
    /// Keep a rule quiet about something harmless, for a reason and for a time
    Except(decide::ExceptArgs),
    /// List exceptions, or revoke one
    Exceptions(decide::ExceptionsArgs),
    /// List the rules
    List(list::Args),
    /// Import rules from a folder or archive, such as a checkout of SigmaHQ
    Import(import::Args),
    /// Show which techniques of ATT&CK the rules look for
    Coverage(coverage::Args),
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

/// Runs the command.
///
/// # Errors
/// When files cannot be read or output cannot be written.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    match args.command {
        Command::Check(args) => check::run(&args),
        Command::Test(args) => test_cases::run(&args),
        Command::Match(args) => match_events::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::State(args) => decide::state(&args),
        Command::Except(args) => decide::except(&args),
        Command::Exceptions(args) => decide::exceptions(&args),
        Command::List(args) => list::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Coverage(args) => coverage::run(&args),
    }
}
