//! The layers of the configuration, and picking a value from the topmost that has it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use toml::Spanned;

use crate::config::Settings;
use crate::config::check;
use crate::config::raw::Raw;
use crate::config::reading;
use crate::config::reading::Mistake;
use crate::diag::Located;
use crate::diag::position_of;

/// Where values come from besides the file: key (dotted) → text, as flags and environment give them.
#[derive(Debug, Clone, Default)]
pub struct Flags(BTreeMap<String, String>);

impl Flags {
    /// Sets a key from a flag; `None` leaves it alone.
    pub fn set(&mut self, key: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.to_string());
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    #[error("no such configuration file `{}`", .0.display())]
    Missing(PathBuf),
    #[error("the configuration file `{}` cannot be read", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// Every problem found, each with its place.
    #[error("{}", render(.0))]
    Invalid(Vec<Located<String>>),
}

fn render(problems: &[Located<String>]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// One source of values.
pub(super) struct Layer {
    pub(super) raw: Raw,
    path: PathBuf,
    text: String,
    kind: LayerKind,
}

enum LayerKind {
    File,
    /// Flags and environment: the text was made by us, one key a line, and this tells what each line stands for.
    Lines(Vec<String>),
}

impl Layer {
    /// Says where a value of this layer stands.
    pub(super) fn origin<T>(&self, value: &Spanned<T>) -> String {
        let line = position_of(&self.text, value.span().start).line;
        match &self.kind {
            LayerKind::File => format!("{}:{line}", self.path.display()),
            LayerKind::Lines(names) => names.get(line as usize - 1).cloned().unwrap_or_default(),
        }
    }

    /// Places a problem at a value of this layer.
    pub(super) fn problem<T>(&self, value: &Spanned<T>, problem: String) -> Located<String> {
        match &self.kind {
            LayerKind::File => Located::at_offset(&self.path, &self.text, value.span().start, problem),
            LayerKind::Lines(_) => Located::unplaced(&self.origin(value), problem),
        }
    }
}

/// The prefix of the environment variables that set a key: `LONGAN_INPUT__HTTP__ADDRESS` is `input.http.address`.
const ENVIRONMENT_PREFIX: &str = "LONGAN_";

/// Loads and checks the configuration. `file` must exist when it is named; `environment` is what the process was given.
///
/// # Errors
/// All problems at once, each with path, line, column and a hint where there is one.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: &Flags,
) -> Result<Settings, ConfigError> {
    let environment: BTreeMap<String, String> =
        environment.into_iter().filter_map(|(name, value)| Some((environment_key(&name)?, value))).collect();
    let mut read = vec![
        lines_layer(&flags.0, |key| format!("flag --{}", flag_name(key)))?,
        lines_layer(&environment, |key| format!("environment {}", environment_name(key)))?,
    ];
    if let Some(path) = file {
        read.push(file_layer(path)?);
    }
    let (layers, problems): (Vec<Layer>, Vec<_>) = read.into_iter().unzip();
    let mut problems: Vec<Located<String>> = problems.into_iter().flatten().collect();
    match check::check(&layers) {
        Ok(settings) if problems.is_empty() => Ok(settings),
        checked => {
            problems.extend(checked.err().unwrap_or_default());
            Err(ConfigError::Invalid(problems))
        }
    }
}

/// A layer with what could not be taken of it.
type Read = (Layer, Vec<Located<String>>);

/// Variables of this program that are no keys of the file.
const NOT_KEYS: [&str; 3] = ["LONGAN_CONFIG", "LONGAN_LOG", "LONGAN_TOKEN"];

fn environment_key(name: &str) -> Option<String> {
    let key = name.strip_prefix(ENVIRONMENT_PREFIX).filter(|_| !NOT_KEYS.contains(&name))?;
    Some(key.to_ascii_lowercase().replace("__", "."))
}

fn environment_name(key: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

fn flag_name(key: &str) -> String {
    let short = key.strip_prefix("input.").and_then(|key| key.strip_suffix(".address")).unwrap_or(key);
    short.replace(['_', '.'], "-")
}

fn file_layer(path: &Path) -> Result<Read, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ConfigError::Missing(path.to_owned()),
        _ => ConfigError::Unreadable { path: path.to_owned(), source },
    })?;
    let place = |mistake: Mistake| with_hint(Located::at_offset(path, &text, mistake.offset, mistake.message));
    let (raw, mistakes) = reading::read(&text).map_err(|mistake| {
        let line = (position_of(&text, mistake.offset).line as usize).saturating_sub(1);
        let problem = place(mistake);
        ConfigError::Invalid(vec![match text.lines().nth(line).and_then(unquoted_offset) {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        }])
    })?;
    let problems = mistakes.into_iter().map(place).collect();
    Ok((Layer { raw, path: path.to_owned(), text, kind: LayerKind::File }, problems))
}

/// An offset from UTC is text for TOML, and easily written without its quotes.
fn unquoted_offset(line: &str) -> Option<String> {
    let (key, value) = line.split_once('=')?;
    let value = value.split('#').next()?.trim();
    let is_offset = value.starts_with(['+', '-']) && value.contains(|c: char| c.is_ascii_digit());
    (key.trim() == "zone" && is_offset).then(|| format!("put it in quotes: `zone = \"{value}\"`"))
}

/// serde lists the keys it would have taken; the nearest of them makes a hint.
fn with_hint(problem: Located<String>) -> Located<String> {
    let quoted: Vec<&str> = problem.error.split('`').skip(1).step_by(2).collect();
    let suggestion = match quoted.split_first() {
        Some((written, known)) if problem.error.starts_with("unknown field") => {
            crate::diag::closest(written, known.iter().copied())
        }
        _ => None,
    };
    match suggestion.map(|known| format!("did you mean `{known}`?")) {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }
}

fn lines_layer(values: &BTreeMap<String, String>, name: impl Fn(&str) -> String) -> Result<Read, ConfigError> {
    let names: Vec<String> = values.keys().map(|key| name(key)).collect();
    let lines: Vec<String> = values.iter().map(|(key, value)| format!("{key} = {}", toml_literal(value))).collect();
    let text = lines.join("\n");
    let place = |mistake: Mistake| {
        let line = position_of(&text, mistake.offset).line as usize;
        let name = names.get(line - 1).map_or("flags", String::as_str);
        with_hint(Located::unplaced(name, mistake.message))
    };
    let (raw, mistakes) = reading::read(&text).map_err(|mistake| ConfigError::Invalid(vec![place(mistake)]))?;
    let problems = mistakes.into_iter().map(place).collect();
    Ok((Layer { raw, path: PathBuf::new(), text, kind: LayerKind::Lines(names) }, problems))
}

/// Numbers and truth values stay what they are; everything else is text.
fn toml_literal(value: &str) -> String {
    let is_plain = value.parse::<i64>().is_ok() || matches!(value, "true" | "false");
    if is_plain { value.to_owned() } else { toml::Value::String(value.to_owned()).to_string() }
}
