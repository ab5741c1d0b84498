//! `longan console`.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::cli::Exit;
use crate::client::Endpoint;
use crate::client::RemoteOptions;
use crate::console;
use crate::console::ConsoleError;
use crate::console::Lang;
use crate::console::Theme;
use crate::console::ThemeName;

/// The arguments of `longan console`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Find the server that runs on this data folder
    #[arg(long, value_name = "FOLDER", env = "LONGAN_DATA", default_value = "longan-data")]
    data: PathBuf,
    /// Reach a remote server over TLS, as https://host:port
    #[arg(long, value_name = "URL", requires_all = ["ca", "token_file"])]
    server: Option<String>,
    /// Trust the certificates of this PEM file
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Read the token from the first line of this file
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Speak this language: vi or en; by default as LANG says
    #[arg(long, value_name = "LANG", value_parser = ["vi", "en"])]
    lang: Option<String>,
    /// Use these colours; NO_COLOR in the environment means mono
    #[arg(long, value_name = "THEME", value_parser = Theme::NAMES.map(|(name, _)| name))]
    theme: Option<String>,
    /// Draw borders and bars with ASCII only
    #[arg(long)]
    ascii: bool,
    /// Print alerts line by line instead of painting a screen
    #[arg(long)]
    plain: bool,
}

/// Runs the command.
///
/// # Errors
/// When the terminal cannot be used or the server's address, certificates or token are wrong.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    let endpoint = match (args.server, args.ca, args.token_file) {
        (Some(server), Some(ca_file), Some(token_file)) => {
            Endpoint::remote(&RemoteOptions { server, ca_file, token_file }).context("cannot use the remote server")?
        }
        _ => match Endpoint::in_data_folder(&args.data) {
            Ok(endpoint) => endpoint,
            Err(err) => {
                eprintln!("longan: {err}\n  hint: start one with `longan start --data {}`", args.data.display());
                return Ok(Exit::NoServer);
            }
        },
    };
    let plain = args.plain || !std::io::stdout().is_terminal();
    let lang = args.lang.as_deref().map_or_else(lang_of_environment, Lang::from_locale);
    let theme = theme_of(args.theme.as_deref());
    match console::run(console::Options { endpoint, lang, theme, ascii: args.ascii, plain }) {
        Ok(()) => Ok(Exit::Fine),
        Err(ConsoleError::Server(reason)) => {
            eprintln!("longan: {reason}");
            Ok(Exit::NoServer)
        }
        Err(err) => Err(err.into()),
    }
}

/// Returns the language the locale asks for.
pub(super) fn lang_of_environment() -> Lang {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    Lang::from_locale(&locale.unwrap_or_default())
}

/// Returns the theme asked for, or the one the environment asks for.
pub(super) fn theme_of(name: Option<&str>) -> ThemeName {
    let named = name.and_then(|name| Theme::NAMES.iter().find(|(known, _)| *known == name));
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    named.map_or(if is_plain { ThemeName::Mono } else { ThemeName::Default }, |(_, theme)| *theme)
}
