//! What an analyst's action does to an alert: a state machine without I/O.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

use crate::model::RuleLevel;
use crate::model::Timestamp;

/// The id of an incident, shown as `INC-<number>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub u64);

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INC-{}", self.0)
    }
}

impl FromStr for IncidentId {
    type Err = ParseIntError;

    /// Reads `INC-3`, `inc-3` or `3`.
    fn from_str(text: &str) -> Result<IncidentId, ParseIntError> {
        let digits = text.get(..4).filter(|prefix| prefix.eq_ignore_ascii_case("INC-")).map_or(text, |_| &text[4..]);
        digits.parse().map(IncidentId)
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    /// Nobody has taken it.
    New,
    /// Somebody works on it.
    Taken,
    /// It became (part of) an incident.
    Escalated,
    /// Closed with a disposition.
    Closed,
}

impl AlertStatus {
    /// All of them, in the order of their codes in the store.
    pub const ALL: [AlertStatus; 4] =
        [AlertStatus::New, AlertStatus::Taken, AlertStatus::Escalated, AlertStatus::Closed];

    /// Returns the word for the status.
    pub fn as_str(self) -> &'static str {
        match self {
            AlertStatus::New => "new",
            AlertStatus::Taken => "taken",
            AlertStatus::Escalated => "escalated",
            AlertStatus::Closed => "closed",
        }
    }
}

/// The analyst's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    FalsePositive,
    BenignPositive,
    TruePositive,
    Duplicate,
    Test,
}

impl Disposition {
    /// All of them, in the order of their codes in the store.
    pub const ALL: [Disposition; 5] = [
        Disposition::FalsePositive,
        Disposition::BenignPositive,
        Disposition::TruePositive,
        Disposition::Duplicate,
        Disposition::Test,
    ];

    /// Returns the word for the disposition.
    pub fn as_str(self) -> &'static str {
        match self {
            Disposition::FalsePositive => "false_positive",
            Disposition::BenignPositive => "benign_positive",
            Disposition::TruePositive => "true_positive",
            Disposition::Duplicate => "duplicate",
            Disposition::Test => "test",
        }
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub name: String,
    /// Whether they may act on what others hold: an admin may, so that nothing stays locked by someone on leave.
    pub may_override: bool,
}

impl Actor {
    /// Somebody who respects what others hold.
    pub fn analyst(name: impl Into<String>) -> Actor {
        Actor { name: name.into(), may_override: false }
    }
}

/// What they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Take,
    Release,
    Close {
        disposition: Disposition,
        note: Option<String>,
    },
    Reopen {
        note: Option<String>,
    },
    Note {
        text: String,
    },
    Escalate {
        incident: IncidentId,
        note: Option<String>,
    },
    /// Says that a step of the response, counted from 1, was done, or takes that back.
    Step {
        step: u32,
        is_done: bool,
    },
    Undo,
}

/// The part of an alert that people decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub status: AlertStatus,
    pub owner: Option<String>,
    pub disposition: Option<Disposition>,
    /// When it was closed, in nanoseconds since the epoch.
    pub closed: Option<i64>,
    pub closing_note: Option<String>,
    pub incident: Option<IncidentId>,
}

impl State {
    /// The state of an alert just raised.
    pub const NEW: State = State {
        status: AlertStatus::New,
        owner: None,
        disposition: None,
        closed: None,
        closing_note: None,
        incident: None,
    };
}

/// The last decision, kept so that whoever made it can take it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undoable {
    pub who: String,
    /// The history word of what was done.
    pub what: String,
    pub before: State,
}

/// What the state machine knows of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    pub level: RuleLevel,
    pub state: State,
    pub undoable: Option<Undoable>,
}

/// The result of an action: the alert as it is now, and the line for its history (`None` when nothing changed).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub state: State,
    pub undoable: Option<Undoable>,
    pub record: Option<Record>,
}

/// A line of history, without who and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub action: &'static str,
    pub text: Option<String>,
}

/// Why an action was refused; the alert is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    #[error("`{owner}` holds it")]
    HeldBy { owner: String },
    #[error("it is closed")]
    Closed,
    #[error("it is not closed")]
    NotClosed,
    #[error("nobody holds it")]
    NotHeld,
    #[error("it belongs to `{0}` already")]
    Escalated(IncidentId),
    #[error("closing an alert of level `{0}` needs a note")]
    NoteNeeded(RuleLevel),
    #[error("the note is empty")]
    NoteEmpty,
    #[error("the note is longer than {NOTE_BYTES_MAX} bytes")]
    NoteTooLong,
    #[error("there is no action of `{who}` to undo")]
    NothingToUndo { who: String },
    #[error("it has no step {0}")]
    NoSuchStep(u32),
    #[error("step {step} was done by `{who}` already")]
    StepDone { step: u32, who: String },
    #[error("step {0} is not done")]
    StepOpen(u32),
    #[error("it has changed since revision {seen}")]
    ChangedSince { seen: u64, owner: Option<String> },
}

/// The longest note taken.
pub const NOTE_BYTES_MAX: usize = 8 * 1024;

impl Alert {
    /// Decides what an action does.
    ///
    /// # Errors
    /// When the alert's state, its owner or the action itself forbids it.
    pub fn apply(&self, action: &Action, who: &Actor, now: Timestamp) -> Result<Applied, Refusal> {
        match action {
            Action::Take => self.take(who),
            Action::Release => self.release(who),
            Action::Close { disposition, note } => self.close(*disposition, note.as_deref(), who, now),
            Action::Reopen { note } => self.reopen(note.as_deref(), who),
            Action::Note { text } => {
                let text = checked_note(Some(text))?.ok_or(Refusal::NoteEmpty)?;
                let record = Record { action: "noted", text: Some(text) };
                Ok(Applied { state: self.state.clone(), undoable: self.undoable.clone(), record: Some(record) })
            }
            Action::Step { is_done, .. } => self.step(*is_done),
            Action::Escalate { incident, note } => self.escalate(*incident, note.as_deref(), who),
            Action::Undo => self.undo(who),
        }
    }

    /// Anybody may help with the steps, whoever holds the alert; which step it is, the caller knows.
    fn step(&self, is_done: bool) -> Result<Applied, Refusal> {
        if self.state.status == AlertStatus::Closed {
            return Err(Refusal::Closed);
        }
        let action = if is_done { "step_done" } else { "step_open" };
        let record = Record { action, text: None };
        Ok(Applied { state: self.state.clone(), undoable: self.undoable.clone(), record: Some(record) })
    }

    fn take(&self, who: &Actor) -> Result<Applied, Refusal> {
        if self.state.status == AlertStatus::Closed {
            return Err(Refusal::Closed);
        }
        match &self.state.owner {
            // Taking twice is what a retried request looks like.
            Some(owner) if *owner == who.name => {
                Ok(Applied { state: self.state.clone(), undoable: self.undoable.clone(), record: None })
            }
            Some(owner) => Err(Refusal::HeldBy { owner: owner.clone() }),
            None => {
                let status = match self.state.status {
                    AlertStatus::New => AlertStatus::Taken,
                    other => other,
                };
                let state = State { status, owner: Some(who.name.clone()), ..self.state.clone() };
                Ok(self.decided(state, who, "taken", None))
            }
        }
    }

    fn release(&self, who: &Actor) -> Result<Applied, Refusal> {
        let owner = match self.state.status {
            AlertStatus::Closed => return Err(Refusal::Closed),
            _ => self.state.owner.as_ref().ok_or(Refusal::NotHeld)?,
        };
        self.held_by_no_other(who)?;
        let text = (*owner != who.name).then(|| format!("was held by {owner}"));
        let status = match self.state.status {
            AlertStatus::Taken => AlertStatus::New,
            other => other,
        };
        Ok(self.decided(State { status, owner: None, ..self.state.clone() }, who, "released", text))
    }

    fn close(
        &self,
        disposition: Disposition,
        note: Option<&str>,
        who: &Actor,
        now: Timestamp,
    ) -> Result<Applied, Refusal> {
        if self.state.status == AlertStatus::Closed {
            return Err(Refusal::Closed);
        }
        self.held_by_no_other(who)?;
        let note = checked_note(note)?;
        if note.is_none() && self.level >= RuleLevel::High {
            return Err(Refusal::NoteNeeded(self.level));
        }
        let text = match &note {
            Some(note) => format!("{}: {note}", disposition.as_str()),
            None => disposition.as_str().to_owned(),
        };
        let state = State {
            status: AlertStatus::Closed,
            owner: self.state.owner.clone().or_else(|| Some(who.name.clone())),
            disposition: Some(disposition),
            closed: Some(now.0),
            closing_note: note,
            incident: self.state.incident,
        };
        Ok(self.decided(state, who, "closed", Some(text)))
    }

    fn reopen(&self, note: Option<&str>, who: &Actor) -> Result<Applied, Refusal> {
        if self.state.status != AlertStatus::Closed {
            return Err(Refusal::NotClosed);
        }
        let text = checked_note(note)?;
        Ok(self.decided(self.state.reopened(), who, "reopened", text))
    }

    fn escalate(&self, incident: IncidentId, note: Option<&str>, who: &Actor) -> Result<Applied, Refusal> {
        match (self.state.status, self.state.incident) {
            (AlertStatus::Closed, _) => return Err(Refusal::Closed),
            (AlertStatus::Escalated, Some(present)) => return Err(Refusal::Escalated(present)),
            _ => self.held_by_no_other(who)?,
        }
        let text = match checked_note(note)? {
            Some(note) => format!("{incident}: {note}"),
            None => incident.to_string(),
        };
        let state = State {
            status: AlertStatus::Escalated,
            owner: self.state.owner.clone().or_else(|| Some(who.name.clone())),
            incident: Some(incident),
            ..self.state.clone()
        };
        // An incident is not undone by a key: it has a timeline of its own, and others may be at work on it.
        let record = Record { action: "escalated", text: Some(text) };
        Ok(Applied { state, undoable: None, record: Some(record) })
    }

    fn undo(&self, who: &Actor) -> Result<Applied, Refusal> {
        let undoable = self.undoable.as_ref().filter(|undoable| undoable.who == who.name);
        let undoable = undoable.ok_or_else(|| Refusal::NothingToUndo { who: who.name.clone() })?;
        let record = Record { action: "undone", text: Some(undoable.what.clone()) };
        Ok(Applied { state: undoable.before.clone(), undoable: None, record: Some(record) })
    }

    fn held_by_no_other(&self, who: &Actor) -> Result<(), Refusal> {
        match &self.state.owner {
            Some(owner) if *owner != who.name && !who.may_override => Err(Refusal::HeldBy { owner: owner.clone() }),
            _ => Ok(()),
        }
    }

    fn decided(&self, state: State, who: &Actor, action: &'static str, text: Option<String>) -> Applied {
        let undoable = Undoable { who: who.name.clone(), what: action.to_owned(), before: self.state.clone() };
        Applied { state, undoable: Some(undoable), record: Some(Record { action, text }) }
    }
}

impl State {
    /// Returns the state after being opened again: free to take, still part of its incident if it has one.
    pub(crate) fn reopened(&self) -> State {
        match self.incident {
            Some(incident) => State { status: AlertStatus::Escalated, incident: Some(incident), ..State::NEW },
            None => State::NEW,
        }
    }
}

/// Trims a note; an empty one is none.
///
/// # Errors
/// When it is too long.
pub(crate) fn checked_note(note: Option<&str>) -> Result<Option<String>, Refusal> {
    let note = note.map(str::trim).filter(|note| !note.is_empty());
    match note {
        Some(note) if note.len() > NOTE_BYTES_MAX => Err(Refusal::NoteTooLong),
        note => Ok(note.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests;
