//! `longan alerts`.

use crate::cli::Exit;

/// The arguments of `longan alerts`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// Always, until it is written.
pub fn run(_args: Args) -> anyhow::Result<Exit> {
    anyhow::bail!("`alerts` is not written yet")
}
