//! `longan search`.

use crate::cli::Exit;

/// The arguments of `longan search`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// Always, until it is written.
pub fn run(_args: Args) -> anyhow::Result<Exit> {
    anyhow::bail!("`search` is not written yet")
}
