//! The life of an incident by the functions of NIST SP 800-61 r3 on CSF 2.0: detect, respond (analysis, containment,
//! eradication), recover. Pure.

use serde::Deserialize;
use serde::Serialize;

use crate::alert::Actor;
use crate::alert::IncidentId;
use crate::alert::state::NOTE_BYTES_MAX;
use crate::incident::observable;
use crate::model::RuleLevel;
use crate::model::Timestamp;

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentPhase {
    /// Detected and declared.
    Detect,
    Analysis,
    Containment,
    Eradication,
    Recover,
    Closed,
}

impl IncidentPhase {
    /// All of them, in the order of their codes in the store.
    pub const ALL: [IncidentPhase; 6] = [
        IncidentPhase::Detect,
        IncidentPhase::Analysis,
        IncidentPhase::Containment,
        IncidentPhase::Eradication,
        IncidentPhase::Recover,
        IncidentPhase::Closed,
    ];

    /// Returns the word for the phase.
    pub fn as_str(self) -> &'static str {
        match self {
            IncidentPhase::Detect => "detect",
            IncidentPhase::Analysis => "analysis",
            IncidentPhase::Containment => "containment",
            IncidentPhase::Eradication => "eradication",
            IncidentPhase::Recover => "recover",
            IncidentPhase::Closed => "closed",
        }
    }
}

/// What somebody does to an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncidentAction {
    Take,
    Phase {
        phase: IncidentPhase,
        note: Option<String>,
    },
    Note {
        text: String,
    },
    MeetClock {
        name: String,
    },
    /// Corrects the title or the level; refused when what is there is not what was seen.
    Edit(Edit),
    /// Gives it to somebody else, or to nobody.
    Assign {
        to: Option<String>,
    },
    AddTask {
        text: String,
    },
    /// Tasks are named by their place in the list, from 1.
    FinishTask {
        place: u32,
    },
    AddObservable(NewObservable),
    /// Sets when a deadline passes, or adds one; `why` is told in the timeline.
    SetClock {
        name: String,
        due: Timestamp,
        why: String,
    },
    /// Decides that a deadline does not apply to this incident; `why` is told in the timeline and in the report.
    WaiveClock {
        name: String,
        why: String,
    },
    /// Keeps a bundle that proves what a search found.
    Attach(NewEvidence),
    /// All of it goes into another incident, and this one is closed.
    MergeInto {
        incident: IncidentId,
    },
}

/// A correction: each value with the one that was seen when it was decided.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edit {
    pub title: Option<Changed<String>>,
    pub level: Option<Changed<RuleLevel>>,
}

/// A value as it was seen, and as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<T> {
    pub from: T,
    pub to: T,
}

/// Something seen in an incident that others can look for: an address, a hash, an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObservable {
    /// `ip`, `domain`, `url`, `hash`, `user`, `host`, `file`, `email`, or a word of the analyst's own.
    pub kind: String,
    pub value: String,
    pub note: Option<String>,
}

/// A bundle that proves what a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvidence {
    /// What was searched for.
    pub query: String,
    pub note: Option<String>,
    pub events: u64,
    /// SHA-256 of the bundle, hexadecimal.
    pub digest: String,
    pub bundle: Vec<u8>,
}

/// The part of an incident that people decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentState {
    pub phase: IncidentPhase,
    pub owner: Option<String>,
}

/// What an action led to, and the line for the timeline (`None` when nothing changed).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub state: IncidentState,
    pub record: Option<(&'static str, Option<String>)>,
}

/// Why an action was refused; the incident is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IncidentRefusal {
    #[error("`{owner}` holds it")]
    HeldBy { owner: String },
    #[error("it is closed")]
    Closed,
    #[error("it is in that phase already")]
    SamePhase,
    #[error("closing an incident, and opening it again, needs a note")]
    NoteNeeded,
    #[error("the note is empty")]
    NoteEmpty,
    #[error("the note is longer than {NOTE_BYTES_MAX} bytes")]
    NoteTooLong,
    #[error("it has no clock `{0}`")]
    NoSuchClock(String),
    #[error("the clock `{0}` was met already")]
    ClockMet(String),
    #[error("it has no task {0}")]
    NoSuchTask(u32),
    #[error("task {0} is done already")]
    TaskDone(u32),
    #[error("{what} is `{theirs}` by now, not `{seen}`: it was not made `{yours}`")]
    ChangedSince { what: &'static str, seen: String, yours: String, theirs: String },
    #[error("{what} is empty")]
    Empty { what: &'static str },
    #[error("{what} is longer than {bytes_max} bytes")]
    TooLong { what: &'static str, bytes_max: usize },
    #[error("it has {count_max} {what} already")]
    Full { what: &'static str, count_max: u32 },
    #[error("it went into {0}")]
    Merged(IncidentId),
    #[error("the shift was handed over at {at}, after this was drafted")]
    HandedOver { at: Timestamp },
    #[error("`{value}` is no {what}")]
    NotA { what: &'static str, value: String },
    #[error("it cannot go into itself")]
    MergeIntoItself,
}

impl IncidentState {
    /// Decides what an action does; a clock is looked up by the caller, who knows them.
    ///
    /// The phases are worked through by judgement, not in a fixed order: analysis goes on during containment, and a
    /// fire that flares up goes back from recovery. What is fixed is that closing and opening again say why.
    ///
    /// # Errors
    /// When the incident's state, its owner or the action itself forbids it.
    pub fn apply(&self, action: &IncidentAction, who: &Actor) -> Result<Applied, IncidentRefusal> {
        match action {
            IncidentAction::Take => self.take(who),
            IncidentAction::Phase { phase, note } => self.enter(*phase, note.as_deref(), who),
            IncidentAction::Note { text } => {
                let text = checked_note(Some(text))?.ok_or(IncidentRefusal::NoteEmpty)?;
                Ok(Applied { state: self.clone(), record: Some(("noted", Some(text))) })
            }
            IncidentAction::MeetClock { name } => self.same(("clock_met", Some(name.clone()))),
            // What is owed to others is settled after closing, too.
            IncidentAction::WaiveClock { name, why } => {
                let (name, why) = (bounded("the clock's name", name)?, bounded("the reason", why)?);
                self.same(("clock_waived", Some(format!("{name}: {why}"))))
            }
            // What a closed case holds is what it was closed with.
            _ if self.phase == IncidentPhase::Closed => Err(IncidentRefusal::Closed),
            IncidentAction::Assign { to } => self.assign(to.as_deref(), who),
            IncidentAction::Edit(edit) => self.same(("edited", Some(edit.told()))),
            IncidentAction::AddTask { text } => self.same(("task_added", Some(bounded("the task", text)?))),
            IncidentAction::FinishTask { place } => self.same(("task_done", Some(place.to_string()))),
            IncidentAction::AddObservable(new) => self.same(("observable_added", Some(new.told()?))),
            IncidentAction::SetClock { name, due, why } => {
                let (name, why) = (bounded("the clock's name", name)?, bounded("the reason", why)?);
                self.same(("clock_set", Some(format!("{name} {due}: {why}"))))
            }
            IncidentAction::Attach(new) => self.same(("evidence_added", Some(new.told()?))),
            IncidentAction::MergeInto { incident } => {
                self.held_by_another(who)?;
                let owner = self.owner.clone().or_else(|| Some(who.name.clone()));
                let state = IncidentState { phase: IncidentPhase::Closed, owner };
                Ok(Applied { state, record: Some(("merged_into", Some(incident.to_string()))) })
            }
        }
    }

    fn same(&self, record: (&'static str, Option<String>)) -> Result<Applied, IncidentRefusal> {
        Ok(Applied { state: self.clone(), record: Some(record) })
    }

    fn held_by_another(&self, who: &Actor) -> Result<(), IncidentRefusal> {
        match &self.owner {
            Some(owner) if *owner != who.name && !who.may_override => {
                Err(IncidentRefusal::HeldBy { owner: owner.clone() })
            }
            _ => Ok(()),
        }
    }

    fn assign(&self, to: Option<&str>, who: &Actor) -> Result<Applied, IncidentRefusal> {
        self.held_by_another(who)?;
        let to = to.map(|to| bounded("the name", to)).transpose()?;
        if to == self.owner {
            return Ok(Applied { state: self.clone(), record: None });
        }
        let state = IncidentState { owner: to.clone(), ..self.clone() };
        Ok(Applied { state, record: Some(("assigned", to)) })
    }

    fn take(&self, who: &Actor) -> Result<Applied, IncidentRefusal> {
        match &self.owner {
            _ if self.phase == IncidentPhase::Closed => Err(IncidentRefusal::Closed),
            Some(owner) if *owner == who.name => Ok(Applied { state: self.clone(), record: None }),
            Some(owner) if !who.may_override => Err(IncidentRefusal::HeldBy { owner: owner.clone() }),
            previous => {
                let text = previous.as_ref().map(|owner| format!("was held by {owner}"));
                let state = IncidentState { owner: Some(who.name.clone()), ..self.clone() };
                Ok(Applied { state, record: Some(("taken", text)) })
            }
        }
    }

    fn enter(&self, phase: IncidentPhase, note: Option<&str>, who: &Actor) -> Result<Applied, IncidentRefusal> {
        if phase == self.phase {
            return Err(IncidentRefusal::SamePhase);
        }
        self.held_by_another(who)?;
        let note = checked_note(note)?;
        let needs_note = phase == IncidentPhase::Closed || self.phase == IncidentPhase::Closed;
        if needs_note && note.is_none() {
            return Err(IncidentRefusal::NoteNeeded);
        }
        let moved = format!("{} -> {}", self.phase.as_str(), phase.as_str());
        let text = note.map_or_else(|| moved.clone(), |note| format!("{moved}: {note}"));
        let owner = self.owner.clone().or_else(|| Some(who.name.clone()));
        Ok(Applied { state: IncidentState { phase, owner }, record: Some(("phase", Some(text))) })
    }
}

impl Edit {
    /// What it changes, for the timeline.
    fn told(&self) -> String {
        let title = self.title.as_ref().map(|title| format!("title: {} -> {}", title.from, title.to));
        let level = self.level.as_ref().map(|level| format!("level: {} -> {}", level.from.as_str(), level.to.as_str()));
        title.into_iter().chain(level).collect::<Vec<_>>().join("; ")
    }
}

impl NewEvidence {
    /// What it is, for the timeline, when it can be kept.
    fn told(&self) -> Result<String, IncidentRefusal> {
        let query = bounded("the query", &self.query)?;
        checked_note(self.note.as_deref())?;
        Ok(format!("{query} ({}, sha256 {})", self.events, self.digest))
    }
}

impl NewObservable {
    /// What it is, for the timeline, when it can be kept.
    fn told(&self) -> Result<String, IncidentRefusal> {
        let (kind, value) = (bounded("the kind", &self.kind)?, bounded("the value", &self.value)?);
        observable::check(&kind, &value)?;
        checked_note(self.note.as_deref())?;
        Ok(format!("{kind} {value}"))
    }
}

/// Words an incident keeps, other than notes, are no longer than this.
pub const WORDS_BYTES_MAX: usize = 2_048;

/// Returns a text trimmed, when there is one and it is not too long.
fn bounded(what: &'static str, text: &str) -> Result<String, IncidentRefusal> {
    match text.trim() {
        "" => Err(IncidentRefusal::Empty { what }),
        text if text.len() > WORDS_BYTES_MAX => Err(IncidentRefusal::TooLong { what, bytes_max: WORDS_BYTES_MAX }),
        text => Ok(text.to_owned()),
    }
}

fn checked_note(note: Option<&str>) -> Result<Option<String>, IncidentRefusal> {
    let checked = crate::alert::state::checked_note(note);
    checked.map_err(|_| IncidentRefusal::NoteTooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_move_by_judgement_and_close_with_a_word() {
        use IncidentPhase::*;
        let held = || IncidentRefusal::HeldBy { owner: "ha".to_owned() };
        let cases = [
            (Detect, None, Analysis, None, Ok(Analysis)),
            (Detect, Some("an"), Containment, Some("cô lập máy"), Ok(Containment)),
            (Recover, Some("an"), Containment, None, Ok(Containment)),
            (Recover, Some("an"), Closed, None, Err(IncidentRefusal::NoteNeeded)),
            (Recover, Some("an"), Closed, Some("xong"), Ok(Closed)),
            (Closed, Some("an"), Analysis, None, Err(IncidentRefusal::NoteNeeded)),
            (Closed, Some("an"), Analysis, Some("tái phát"), Ok(Analysis)),
            (Analysis, Some("ha"), Containment, None, Err(held())),
            (Analysis, None, Analysis, None, Err(IncidentRefusal::SamePhase)),
        ];
        for (from, owner, to, note, expected) in cases {
            let state = IncidentState { phase: from, owner: owner.map(str::to_owned) };
            let action = IncidentAction::Phase { phase: to, note: note.map(str::to_owned) };
            let applied = state.apply(&action, &Actor::analyst("an")).map(|applied| applied.state.phase);
            assert_eq!(applied, expected, "{from:?} -> {to:?}");
        }
    }

    #[test]
    fn taking_is_atomic_and_an_admin_may_take_over() {
        let state = IncidentState { phase: IncidentPhase::Analysis, owner: Some("ha".to_owned()) };
        let refused = state.apply(&IncidentAction::Take, &Actor::analyst("an"));
        assert_eq!(refused, Err(IncidentRefusal::HeldBy { owner: "ha".to_owned() }));
        let admin = Actor { name: "root".to_owned(), may_override: true };
        let taken = state.apply(&IncidentAction::Take, &admin).unwrap();
        assert_eq!(taken.state.owner.as_deref(), Some("root"));
        assert_eq!(taken.record, Some(("taken", Some("was held by ha".to_owned()))));
        let closed = IncidentState { phase: IncidentPhase::Closed, owner: None };
        assert_eq!(closed.apply(&IncidentAction::Take, &admin), Err(IncidentRefusal::Closed));
        let empty = closed.apply(&IncidentAction::Note { text: String::new() }, &admin);
        assert_eq!(empty, Err(IncidentRefusal::NoteEmpty));
    }
}
