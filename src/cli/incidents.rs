//! `longan incidents`.

use crate::cli::Exit;

/// The arguments of `longan incidents`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// Always, until it is written.
pub fn run(_args: Args) -> anyhow::Result<Exit> {
    anyhow::bail!("`incidents` is not written yet")
}
