//! The `longan` program: parses arguments, runs the command, turns the result into an exit code.

use std::process::ExitCode;

use clap::Parser;
use longan::cli;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(err) => {
            if !err.use_stderr() {
                // Help and version are answers, not mistakes; a closed pipe is no failure either.
                drop(err.print());
                return cli::Exit::Fine.into();
            }
            eprint!("{}", cli::harmless_lines(&err.render().to_string()));
            return cli::Exit::BadInput.into();
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
