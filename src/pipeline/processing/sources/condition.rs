//! What can be wrong with a source, and the words of the own events that tell of it.
//!
//! `parsers/longan.toml` reads these words back, and with them the state of what was told: whatever was told stands in
//! the log, so a replay after a crash knows it too.

use crate::model::Timestamp;

/// Something that is not as it should be with a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) enum Condition {
    Silent,
    Drop,
    Surge,
    Unparsed,
    Clock,
    Gaps,
}

impl Condition {
    /// All of them, the worst first.
    pub(in crate::pipeline) const ALL: [Condition; 6] =
        [Condition::Silent, Condition::Gaps, Condition::Clock, Condition::Unparsed, Condition::Drop, Condition::Surge];

    /// Returns the word the API has for it.
    pub(in crate::pipeline) fn as_str(self) -> &'static str {
        match self {
            Condition::Silent => "silent",
            Condition::Drop => "drop",
            Condition::Surge => "surge",
            Condition::Unparsed => "unparsed",
            Condition::Clock => "clock",
            Condition::Gaps => "gaps",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Several conditions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Conditions(u8);

impl Conditions {
    pub(super) fn has(self, condition: Condition) -> bool {
        self.0 & condition.bit() != 0
    }

    pub(super) fn set(&mut self, condition: Condition, holds: bool) {
        if holds { self.0 |= condition.bit() } else { self.0 &= !condition.bit() }
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Condition> {
        Condition::ALL.into_iter().filter(move |condition| self.has(*condition))
    }
}

/// Something to be told of a source: the message id and text of an own event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pipeline) struct Finding {
    pub(in crate::pipeline) message_id: &'static str,
    pub(in crate::pipeline) text: String,
    /// False for the end of a condition.
    pub(in crate::pipeline) is_warning: bool,
}

/// Writes a name as one word, which is how it is read back.
pub(super) fn word(name: &str) -> String {
    let plain = |c: char| if c.is_whitespace() || c.is_control() { '_' } else { c };
    name.chars().take(200).map(plain).collect()
}

/// The longest reason of a mute that is kept.
pub(super) const REASON_CHARS_MAX: usize = 300;

/// The own event that silences what would be told of a source.
pub(in crate::pipeline) fn muted(input: &str, name: &str, until: Timestamp, by: &str, reason: &str) -> Finding {
    let (input, name, by) = (word(input), word(name), word(by));
    let reason: String = reason.chars().take(REASON_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = format!("source {name} of input {input} is muted until {until} by {by}: {}", reason.trim());
    Finding { message_id: "source-muted", text, is_warning: false }
}

/// The own event that ends a mute.
pub(in crate::pipeline) fn unmuted(input: &str, name: &str, by: &str) -> Finding {
    let text = format!("source {} of input {} is unmuted by {}", word(name), word(input), word(by));
    Finding { message_id: "source-unmuted", text, is_warning: false }
}

/// Figures that the texts name.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    pub(super) silent_seconds: i64,
    pub(super) recent: u64,
    pub(super) usual: u64,
    pub(super) unparsed_percent: u8,
    pub(super) clock_seconds: i64,
    pub(super) untold: u64,
    pub(super) missing: u64,
}

/// The own event of a condition's beginning.
pub(super) fn begins(condition: Condition, input: &str, name: &str, figures: Figures) -> Finding {
    let Figures { silent_seconds, recent, usual, unparsed_percent, clock_seconds, untold, missing } = figures;
    let (message_id, what) = match condition {
        Condition::Silent => ("source-silent", format!("is silent for {silent_seconds} s")),
        Condition::Drop => ("source-drop", format!("sends only {recent} in 15 min, usually {usual}")),
        Condition::Surge => ("source-surge", format!("sends {recent} in 15 min, usually {usual}")),
        Condition::Unparsed => ("source-unparsed", format!("has {unparsed_percent} of 100 lines unread")),
        Condition::Clock => ("source-clock", format!("has its clock off by {clock_seconds} s")),
        Condition::Gaps => ("source-gaps", format!("skipped {untold} messages, {missing} in all")),
    };
    Finding { message_id, text: about(input, name, &what), is_warning: true }
}

/// The own event of a condition's end; gaps have none.
pub(super) fn ends(condition: Condition, input: &str, name: &str) -> Option<Finding> {
    let (message_id, what) = match condition {
        Condition::Silent => ("source-back", "sends again"),
        Condition::Drop | Condition::Surge => ("source-usual", "sends as usual"),
        Condition::Unparsed => ("source-read", "is read again"),
        Condition::Clock => ("source-clock-right", "has its clock right again"),
        Condition::Gaps => return None,
    };
    Some(Finding { message_id, text: about(input, name, what), is_warning: false })
}

fn about(input: &str, name: &str, what: &str) -> String {
    format!("source {} of input {} {what}", word(name), word(input))
}
