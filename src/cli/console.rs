//! `longan console`.

use std::io::IsTerminal as _;

use anyhow::Context as _;

use crate::cli::Exit;
use crate::cli::place::Place;
use crate::console;
use crate::console::ConsoleError;
use crate::console::Lang;
use crate::console::Theme;
use crate::console::ThemeName;

/// The arguments of `longan console`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
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
    let endpoint = match args.place.endpoint() {
        Ok(endpoint) => endpoint,
        Err(err) if args.place.is_remote() => return Err(err).context("cannot use the remote server"),
        Err(err) => {
            eprintln!("longan: {err}\n  hint: start one with `longan start --data {}`", args.place.data().display());
            return Ok(Exit::NoServer);
        }
    };
    let plain = args.plain || !std::io::stdout().is_terminal();
    let lang = args.lang.as_deref().map_or_else(lang_of_environment, Lang::from_locale);
    let theme = theme_of(args.theme.as_deref());
    match console::run(console::Options { endpoint, lang, theme, ascii: args.ascii, plain, may_pause: true }) {
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
