//! The audit screen: what can be proven and when it was last checked, and who did what, newest first.

use crate::console::look::layout::Pane;
use crate::console::look::layout::Scroll;
use crate::wire::audit::AuditRequest;
use crate::wire::audit::AuditRow;
use crate::wire::evidence::AuditEntry;
use crate::wire::evidence::EvidenceState;
use crate::wire::evidence::VerifyState;

/// Entries asked for at once.
pub(crate) const PAGE_ENTRIES: u32 = 200;
/// Entries kept on the screen; more let the newest of them go.
pub(crate) const ENTRIES_MAX: usize = 2000;

/// The audit screen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Audit {
    pub state: Option<EvidenceState>,
    pub rows: Vec<AuditRow>,
    pub is_loaded: bool,
    pub is_loading: bool,
    /// There are older entries than the last one shown.
    pub has_more: bool,
    /// The filter as it was typed.
    pub filter: String,
    pub scroll: Scroll,
    /// `List` is the entries, `Detail` the state of the evidence or the entry that is open.
    pub focus: Pane,
    pub detail_top: usize,
    /// The entry under the cursor is shown with its proof.
    pub is_open: bool,
    pub entry: Option<AuditEntry>,
    /// Why there is nothing to show.
    pub problem: Option<String>,
}

impl Audit {
    /// Returns the entry under the cursor.
    pub(crate) fn focused(&self) -> Option<&AuditRow> {
        self.rows.get(self.scroll.cursor)
    }

    /// Returns the proof of the entry under the cursor, when it has come.
    pub(crate) fn focused_entry(&self) -> Option<&AuditEntry> {
        let number = self.focused()?.number;
        self.entry.as_ref().filter(|entry| entry.row.number == number)
    }

    /// Says whether a check runs.
    pub(crate) fn is_verifying(&self) -> bool {
        let verification = self.state.as_ref().and_then(|state| state.verification.as_ref());
        verification.is_some_and(|verification| verification.state == VerifyState::Running)
    }
}

/// Reads a filter: `who:an what:search since:24h until:… any text`.
pub(crate) fn read_filter(text: &str) -> AuditRequest {
    let mut request = AuditRequest { limit: Some(PAGE_ENTRIES), ..AuditRequest::default() };
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let slot = match word.split_once(':') {
            Some(("who", value)) => Some((&mut request.who, value)),
            Some(("what" | "action", value)) => Some((&mut request.action, value)),
            Some(("since", value)) => Some((&mut request.since, value)),
            Some(("until", value)) => Some((&mut request.until, value)),
            _ => None,
        };
        match slot {
            Some((slot, value)) if !value.is_empty() => *slot = Some(value.to_owned()),
            Some(_) => {}
            None => words.push(word),
        }
    }
    request.text = (!words.is_empty()).then(|| words.join(" "));
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_says_who_what_when_and_any_text() {
        let read = |text| {
            let AuditRequest { who, action, text, since, until, .. } = read_filter(text);
            [who, action, text, since, until].map(Option::unwrap_or_default)
        };
        assert_eq!(
            read(" who:an what:search  user.name:root x since:24h"),
            ["an", "search", "user.name:root x", "24h", ""]
        );
        assert_eq!(read("action:view until:2026-01-01 who:"), ["", "view", "", "", "2026-01-01"]);
        assert_eq!(read(""), [""; 5]);
    }
}
