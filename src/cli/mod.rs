//! The command line: one file per command, each with its arguments and a `run` that returns the exit code.
//!
//! The only module that may print. Results go to standard output, everything else to standard error.

mod exit;
mod hint;
mod output;
mod place;

pub mod alerts;
pub mod audit;
pub mod config;
mod configured;
pub mod console;
pub mod doctor;
pub mod enrich;
pub mod export;
pub mod import;
pub mod incidents;
pub mod parse;
pub mod parsers;
pub mod report;
pub mod retention;
pub mod rules;
pub mod search;
pub mod searches;
pub mod sources;
pub mod start;
pub mod status;
pub mod token;
pub mod verify;

pub use exit::Exit;
pub use hint::tell;

use clap::Parser;
use clap::Subcommand;

use crate::model::SafeText;

/// Returns a text of several lines with nothing in it that a terminal would obey: a message may quote what was asked for.
pub fn harmless_lines(text: &str) -> String {
    text.split('\n').map(|line| SafeText::new(line).into_string()).collect::<Vec<_>>().join("\n")
}

/// Watch a data centre: collect, normalize, index, detect, triage, prove
#[derive(Debug, Parser)]
#[command(name = "longan", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole SOC; on a terminal also open the console
    Start(start::Args),
    /// Open the console on a running server
    Console(console::Args),
    /// Search the stored events
    Search(search::Args),
    /// List, save and delete searches under a name
    Searches(searches::Args),
    /// Feed old log files through the pipeline
    Import(import::Args),
    /// Normalize lines from standard input; no server needed
    Parse(parse::Args),
    /// Check, test and try detection rules
    Rules(rules::Args),
    /// Check, test and try parser packs
    Parsers(parsers::Args),
    /// List alerts and act on them
    Alerts(alerts::Args),
    /// List incidents and act on them
    Incidents(incidents::Args),
    /// Figures of a period, and handovers of shifts
    Report(report::Args),
    /// Check or explain the configuration
    Config(config::Args),
    /// Examine a whole set-up, and say what is wrong and what to do
    Doctor(doctor::Args),
    /// Check threat lists and look values up; no server needed
    Enrich(enrich::Args),
    /// Show how the running server is doing
    Status(status::Args),
    /// Check that everything stored is as it was sealed
    Verify(verify::Args),
    /// Export what a search finds as a bundle that proves itself
    Export(export::Args),
    /// Show who did what
    Audit(audit::Args),
    /// List who sends, and mute a source for maintenance
    Sources(sources::Args),
    /// Show how long events are kept, hold some of them, list what was deleted
    Retention(retention::Args),
    /// Issue, list and take back tokens for the API
    Token(token::Args),
}

/// Runs a command to its end.
///
/// # Errors
/// When the command failed in a way its own exit codes do not tell; the caller prints the chain of causes.
pub fn run(cli: Cli) -> anyhow::Result<Exit> {
    match run_command(cli.command) {
        // `longan parsers list | head` has had what it wanted.
        Err(err) if parse::is_closed_pipe(&err) => Ok(Exit::Fine),
        result => result,
    }
}

fn run_command(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Start(args) => start::run(args),
        Command::Console(args) => console::run(args),
        Command::Search(args) => search::run(args),
        Command::Searches(args) => searches::run(args),
        Command::Import(args) => import::run(args),
        Command::Parse(args) => parse::run(args),
        Command::Rules(args) => rules::run(args),
        Command::Parsers(args) => parsers::run(args),
        Command::Alerts(args) => alerts::run(args),
        Command::Incidents(args) => incidents::run(args),
        Command::Report(args) => report::run(args),
        Command::Config(args) => config::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Enrich(args) => enrich::run(args),
        Command::Status(args) => status::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Export(args) => export::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Sources(args) => sources::run(args),
        Command::Retention(args) => retention::run(args),
        Command::Token(args) => token::run(args),
    }
}
