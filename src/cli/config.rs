//! `longan config`.

use crate::cli::Exit;

/// The arguments of `longan config`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// Always, until it is written.
pub fn run(_args: Args) -> anyhow::Result<Exit> {
    anyhow::bail!("`config` is not written yet")
}
