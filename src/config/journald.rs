//! The journal input of a configuration, checked.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::config::check::Checker;
use crate::config::check::path;
use crate::config::check::plain;
use crate::config::check::size;
use crate::config::settings::JournalInput;
use crate::ingest::journald::Config;

/// The program that reads the journal, looked for in the `PATH`.
const PROGRAM: &str = "journalctl";
const ENTRY_BYTES: i64 = 64 * 1024;

impl Checker<'_> {
    /// The input is there when it is switched on.
    pub(super) fn journald(&mut self) -> Option<JournalInput> {
        let before = self.problems.len();
        let (is_on, _) = self.pick("input.journald.enabled", Some(false), |raw| raw.input.journald.enabled.as_ref());
        let folder = self.text("input.journald.folder", None, |raw| raw.input.journald.folder.as_ref(), path);
        let units = self.text("input.journald.units", None, |raw| raw.input.journald.units.as_ref(), units);
        let (from_beginning, _) =
            self.pick("input.journald.from_beginning", Some(false), |raw| raw.input.journald.from_beginning.as_ref());
        let entry_bytes_max = self.number("input.journald.entry_bytes_max", ENTRY_BYTES, 1_024..=1024 * 1024, |raw| {
            raw.input.journald.entry_bytes_max.as_ref()
        });
        let format = self.text("input.journald.format", None, |raw| raw.input.journald.format.as_ref(), plain);
        if is_on != Some(true) || self.problems.len() > before {
            return None;
        }
        let config = Config {
            name: "journald".to_owned(),
            program: PathBuf::from(PROGRAM),
            folder,
            units: units.unwrap_or_default(),
            is_from_beginning: from_beginning.unwrap_or(false),
            entry_bytes_max: NonZeroUsize::new(size(entry_bytes_max).get()).unwrap_or(NonZeroUsize::MIN),
            positions: PathBuf::new(),
        };
        Some(JournalInput { config, format })
    }
}

/// Names of units between commas.
fn units(text: &str) -> Result<Vec<String>, (String, String)> {
    let units: Vec<String> =
        text.split(',').map(str::trim).filter(|unit| !unit.is_empty()).map(str::to_owned).collect();
    let is_name = |unit: &String| {
        !unit.starts_with('-') && unit.chars().all(|c| c.is_ascii_alphanumeric() || "@:-_.\\*?[]".contains(c))
    };
    match units.iter().find(|unit| !is_name(unit)) {
        Some(unit) => {
            Err((format!("`{unit}` is no name of a unit"), "for example \"ssh.service, nginx.service\"".to_owned()))
        }
        None if units.is_empty() => Err(("no unit is named".to_owned(), "leave the key away for all units".to_owned())),
        None => Ok(units),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_names_and_never_options() {
        assert_eq!(
            units("ssh.service, getty@tty1.service,"),
            Ok(vec!["ssh.service".into(), "getty@tty1.service".into()])
        );
        for text in ["--output=cat", "a b", "a;b", " , "] {
            assert!(units(text).is_err(), "{text}");
        }
    }
}
