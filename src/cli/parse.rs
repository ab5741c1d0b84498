//! `longan parse`.

use crate::cli::Exit;

/// The arguments of `longan parse`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// Always, until it is written.
pub fn run(_args: Args) -> anyhow::Result<Exit> {
    anyhow::bail!("`parse` is not written yet")
}
