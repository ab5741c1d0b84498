//! `longan config`: check the configuration, or explain each of its values. Does nothing else, so it is safe anywhere.

use std::io;
use std::path::PathBuf;

use crate::cli::Exit;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::OutputArgs;
use crate::cli::output::Table;
use crate::cli::output::counted;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::config::ConfigError;
use crate::config::Flags;
use crate::config::Settings;
use crate::config::load;
use crate::diag::Located;
use crate::pipeline::foresight::Foreseen;
use crate::pipeline::foresight::foresee;

/// The arguments of `longan config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file; without one the defaults and the environment are all there is
    #[arg(long, value_name = "FILE", env = "LONGAN_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// The data folder, as `start --data` would set it
    #[arg(long, value_name = "FOLDER", global = true)]
    data: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum Command {
    /// Check it and report all problems, each with its place
    Check,
    /// Print each value and where it came from
    Explain,
}

/// Runs the command.
///
/// # Errors
/// When the output cannot be written.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let format = args.output.format();
    let mut flags = Flags::default();
    flags.set("data", args.data.as_ref().map(|data| data.display()));
    // A variable that is no text cannot be one of ours.
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    match (load(args.config.as_deref(), environment, &flags), args.command) {
        (Err(err), _) => refuse(&err, format),
        (Ok(settings), Command::Explain) => explain(&settings, format),
        (Ok(settings), Command::Check) => look_ahead(&settings, format),
    }
}

/// Tells what a start would run into: the values are right, and what they name may yet be absent or broken.
fn look_ahead(settings: &Settings, format: Format) -> anyhow::Result<Exit> {
    let Foreseen { errors, warnings } = foresee(settings);
    to_stdout(|out| {
        use io::Write as _;
        for (severity, problem) in
            errors.iter().map(|one| ("error", one)).chain(warnings.iter().map(|one| ("warning", one)))
        {
            match format {
                Format::Json => write_json(out, &Foretold { severity, problem })?,
                Format::Table => writeln!(out, "{severity}: {problem}")?,
            }
        }
        Ok(())
    })?;
    if !errors.is_empty() {
        return Ok(Exit::BadConfig);
    }
    if format == Format::Table {
        let language = Language::of_environment();
        let told = match warnings.len() {
            0 => language.pick("cấu hình đúng", "the configuration is right").to_owned(),
            count => match language {
                Language::Vietnamese => format!("cấu hình dùng được, {count} cảnh báo"),
                Language::English => format!("the configuration can be used, {}", counted(count, "warning")),
            },
        };
        eprintln!("{told}");
    }
    Ok(Exit::Fine)
}

/// A problem with what it would come to.
#[derive(serde::Serialize)]
struct Foretold<'a> {
    severity: &'static str,
    #[serde(flatten)]
    problem: &'a Located<String>,
}

/// The problems are the result: on standard output, one after the other.
fn refuse(err: &ConfigError, format: Format) -> anyhow::Result<Exit> {
    let ConfigError::Invalid(problems) = err else {
        let text = format!("{:#}", anyhow::Error::msg(err.to_string()));
        eprintln!("longan: {}", crate::model::SafeText::new(&text));
        return Ok(Exit::BadConfig);
    };
    to_stdout(|out| {
        use io::Write as _;
        for problem in problems {
            match format {
                Format::Json => write_json(out, problem)?,
                Format::Table => writeln!(out, "{problem}")?,
            }
        }
        Ok(())
    })?;
    Ok(Exit::BadConfig)
}

fn explain(settings: &Settings, format: Format) -> anyhow::Result<Exit> {
    let mut table = Table::new(Language::of_environment().pick(["Khoá", "Giá trị", "Từ"], ["Key", "Value", "From"]));
    to_stdout(|out| {
        for setting in &settings.explained {
            match format {
                Format::Json => write_json(out, setting)?,
                Format::Table => table.push([setting.key.clone(), setting.value.clone(), setting.origin.clone()]),
            }
        }
        if format == Format::Table {
            table.write(out)?;
        }
        Ok(())
    })?;
    Ok(Exit::Fine)
}
