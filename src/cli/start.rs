//! `longan start`.

use crate::cli::Exit;

/// The arguments of `longan start`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// Always, until it is written.
pub fn run(_args: Args) -> anyhow::Result<Exit> {
    anyhow::bail!("`start` is not written yet")
}
