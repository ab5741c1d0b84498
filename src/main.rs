//! The `longan` program: parses arguments, runs the command, turns the result into an exit code.

use std::process::ExitCode;

use clap::Parser;
use longan::cli;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(err) => {
            // Help and version are answers, not mistakes; a closed pipe is no failure either.
            let exit = if err.use_stderr() { cli::Exit::BadInput } else { cli::Exit::Fine };
            drop(err.print());
            return exit.into();
        }
    };
    match cli::run(cli) {
        Ok(exit) => exit.into(),
        Err(err) => {
            cli::tell(&err);
            cli::Exit::BadInput.into()
        }
    }
}
