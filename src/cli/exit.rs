//! The exit codes, which are a contract with scripts.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine = 0,
    /// A check had findings, or a search found nothing.
    Findings = 1,
    /// What the user gave (rules, lines, query, arguments) is wrong.
    BadInput = 2,
    /// The configuration is wrong.
    BadConfig = 3,
    /// The server refused or is away.
    NoServer = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
