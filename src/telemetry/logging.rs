//! Sets up the program's own log: lines on standard error, or in a file while the console owns the terminal.

use std::fs::File;
use std::io::IsTerminal as _;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::util::TryInitError;

/// Where log lines go.
#[derive(Debug)]
pub enum Target {
    /// Standard error.
    Stderr,
    /// A file opened for appending.
    File(File),
}

/// Starts logging. `filter` follows the syntax of `EnvFilter` (`info`, `longan::store=debug`, …).
///
/// # Errors
/// When a logger is installed already.
pub fn start(target: Target, filter: &str) -> Result<(), TryInitError> {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    match target {
        Target::Stderr => {
            // Colours are for people: a journal or a file gets plain text.
            let with_colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            registry.with(fmt::layer().with_ansi(with_colours).with_writer(std::io::stderr)).try_init()
        }
        Target::File(file) => registry.with(fmt::layer().with_ansi(false).with_writer(Mutex::new(file))).try_init(),
    }
}
