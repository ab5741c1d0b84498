//! `longan parsers`: check, test, list and explain the parser packs.

mod draft;
mod explain;

use std::io;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use clap::ValueEnum;
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::configured::Configured;
use crate::cli::output::counted;
use crate::cli::parse::normalize;
use crate::diag::Located;
use crate::model::write_safe_json;
use crate::parse::PackError;
use crate::parse::Packs;

/// The arguments of `longan parsers`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What to do with the packs.
#[derive(Debug, Subcommand)]
enum Command {
    /// Check every pack file and report all problems, each with its place
    Check(Folder),
    /// Run the samples of the packs, all or one pack's
    Test {
        /// Only this pack
        pack: Option<String>,
        #[command(flatten)]
        folder: Folder,
    },
    /// List the packs
    List(Folder),
    /// Show how one line is read, step by step
    Explain(explain::Args),
    /// Make the draft of a pack from lines that no pack reads
    Draft(draft::Args),
}

/// Which packs, and how to print.
#[derive(Debug, clap::Args)]
struct Folder {
    /// Lay the packs of this folder over the built-in ones [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    parsers: Option<PathBuf>,
    #[command(flatten)]
    configured: Configured,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Runs the command.
///
/// # Errors
/// When the output cannot be written.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let mut out = io::stdout().lock();
    match args.command {
        Command::Check(folder) => check(&folder, &mut out),
        Command::Test { pack, folder } => test(pack.as_deref(), &folder, &mut out),
        Command::List(folder) => list(&folder, &mut out),
        Command::Draft(args) => draft::run(&args, &mut out),
        Command::Explain(args) => explain::run(&args, &mut out),
    }
}

impl Folder {
    /// The folder of the operator's own packs.
    fn own(&self) -> anyhow::Result<Option<PathBuf>> {
        match &self.parsers {
            Some(folder) => Ok(Some(folder.clone())),
            None => Ok(self.configured.settings(None)?.parsers.folder),
        }
    }
}

fn check(folder: &Folder, out: &mut impl Write) -> anyhow::Result<Exit> {
    let own = folder.own()?;
    let (packs, problems) = Packs::load(own.as_deref());
    let advice = own.as_deref().map(Packs::advice).unwrap_or_default();
    report(&problems, folder.format, out)?;
    for slip in &advice {
        match folder.format {
            Format::Json => json_line(&Slip { severity: "warning", slip }, out)?,
            Format::Text => writeln!(out, "warning: {slip}")?,
        }
    }
    if folder.format == Format::Text {
        let (packs, problems, warnings) = (packs.summaries().len(), problems.len(), advice.len());
        writeln!(
            out,
            "{}, {}, {}",
            counted(packs, "pack"),
            counted(problems, "problem"),
            counted(warnings, "warning")
        )?;
    }
    Ok(match (problems.is_empty(), advice.is_empty()) {
        (false, _) => Exit::BadInput,
        (true, false) => Exit::Findings,
        (true, true) => Exit::Fine,
    })
}

/// A slip among problems, told apart.
#[derive(Serialize)]
struct Slip<'a> {
    severity: &'static str,
    #[serde(flatten)]
    slip: &'a Located<PackError>,
}

fn test(pack: Option<&str>, folder: &Folder, out: &mut impl Write) -> anyhow::Result<Exit> {
    let own = folder.own()?;
    let (packs, problems) = Packs::load(own.as_deref());
    report(&problems, folder.format, out)?;
    if let Some(name) = pack
        && !packs.contains(name)
    {
        anyhow::bail!("no pack `{name}`");
    }
    let tested = packs.run_samples(pack, &mut normalize);
    report(&tested.problems, folder.format, out)?;
    if folder.format == Format::Text {
        writeln!(out, "{} packs, {} samples, {} differ", tested.packs, tested.samples, tested.problems.len())?;
    }
    Ok(match (problems.is_empty(), tested.problems.is_empty()) {
        (false, _) => Exit::BadInput,
        (true, false) => Exit::Findings,
        (true, true) => Exit::Fine,
    })
}

fn list(folder: &Folder, out: &mut impl Write) -> anyhow::Result<Exit> {
    let own = folder.own()?;
    let (packs, problems) = Packs::load(own.as_deref());
    for problem in &problems {
        eprintln!("{problem}");
    }
    for pack in packs.summaries() {
        match folder.format {
            Format::Json => json_line(&pack, out)?,
            Format::Text => {
                writeln!(
                    out,
                    "{:24} {:4} patterns {:4} samples  {}",
                    pack.name, pack.patterns, pack.samples, pack.title
                )?;
            }
        }
    }
    Ok(Exit::Fine)
}

fn report(problems: &[Located<PackError>], format: Format, out: &mut impl Write) -> anyhow::Result<()> {
    for problem in problems {
        match format {
            Format::Json => json_line(problem, out)?,
            Format::Text => writeln!(out, "{problem}")?,
        }
    }
    Ok(())
}

fn json_line(value: &impl Serialize, out: &mut impl Write) -> anyhow::Result<()> {
    write_safe_json(&mut *out, value).context("writing the result")?;
    writeln!(out)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_packs_are_sound_and_read_their_samples() {
        let (packs, problems) = Packs::load(None);
        let tested = packs.run_samples(None, &mut normalize);
        let all: Vec<String> = problems.iter().chain(&tested.problems).map(Located::to_string).collect();
        assert!(all.is_empty(), "{}", all.join("\n"));
        assert!(tested.packs > 5 && tested.samples > 20, "{tested:?}");
    }
}
