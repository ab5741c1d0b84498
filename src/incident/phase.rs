//! The life of an incident by the functions of NIST SP 800-61 r3 on CSF 2.0: detect, respond (analysis, containment,
//! eradication), recover. Pure.

use serde::Deserialize;
use serde::Serialize;

use crate::alert::Actor;
use crate::alert::state::NOTE_BYTES_MAX;

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
    Phase { phase: IncidentPhase, note: Option<String> },
    Note { text: String },
    MeetClock { name: String },
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
            IncidentAction::MeetClock { name } => {
                Ok(Applied { state: self.clone(), record: Some(("clock_met", Some(name.clone()))) })
            }
        }
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
        match &self.owner {
            Some(owner) if *owner != who.name && !who.may_override => {
                return Err(IncidentRefusal::HeldBy { owner: owner.clone() });
            }
            _ => {}
        }
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
