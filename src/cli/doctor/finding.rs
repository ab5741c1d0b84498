//! What an examination found: how bad, where, what, and what to do about it; in both languages.

use std::path::Path;

use serde::Serialize;

use crate::cli::output::Language;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    /// Looked at, and right.
    Fine,
    /// Worth knowing; nothing has to be done.
    Note,
    /// It works, and will not always.
    Warning,
    /// Something does not work, or events can be lost.
    Error,
}

impl Severity {
    pub(super) fn word(self, language: Language) -> &'static str {
        match self {
            Severity::Fine => language.pick("tốt", "fine"),
            Severity::Note => language.pick("ghi chú", "note"),
            Severity::Warning => language.pick("CẢNH BÁO", "WARNING"),
            Severity::Error => language.pick("LỖI", "ERROR"),
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// What was examined: `config`, `data`, `disk`, `clock`, `system`, `ports`, `tls`, `content`, `store`, `enrichment`, `server`, `sources`.
    pub(super) area: &'static str,
    /// The file, folder, address or key it is about.
    pub(super) place: String,
    pub(super) what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
}

/// The findings of an examination, told in one language.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) language: Language,
    pub(super) all: Vec<Finding>,
}

/// A text in Vietnamese and in English.
pub(super) type Both = (String, String);

/// Makes a text of a pair.
pub(super) fn both(vietnamese: impl Into<String>, english: impl Into<String>) -> Both {
    (vietnamese.into(), english.into())
}

impl Findings {
    pub(super) fn new(language: Language) -> Findings {
        Findings { language, all: Vec::new() }
    }

    fn pick(&self, (vietnamese, english): Both) -> String {
        self.language.pick(vietnamese, english)
    }

    /// Adds a finding with nothing to do about it.
    pub(super) fn add(&mut self, severity: Severity, area: &'static str, place: impl ToString, what: Both) {
        let what = self.pick(what);
        self.all.push(Finding { severity, area, place: place.to_string(), what, hint: None });
    }

    /// Adds a finding with what to do about it.
    pub(super) fn advise(
        &mut self,
        severity: Severity,
        area: &'static str,
        place: impl ToString,
        what: Both,
        hint: Both,
    ) {
        let (what, hint) = (self.pick(what), self.pick(hint));
        self.all.push(Finding { severity, area, place: place.to_string(), what, hint: Some(hint) });
    }

    /// Adds what another module says of a problem, in its own words.
    pub(super) fn quote(&mut self, severity: Severity, area: &'static str, place: impl ToString, what: impl ToString) {
        let (what, place) = (what.to_string(), place.to_string());
        let (what, hint) = match what.split_once("\n  hint: ") {
            Some((what, hint)) => (what.to_owned(), Some(hint.to_owned())),
            None => (what, None),
        };
        self.all.push(Finding { severity, area, place, what, hint });
    }

    /// Returns how bad the worst of them is.
    pub(super) fn worst(&self) -> Severity {
        self.all.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Fine)
    }

    /// The worst first, else as they were found.
    pub(super) fn sort(&mut self) {
        self.all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    }
}

/// Writes a path as people see it.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
