//! What lies over a screen: menus, questions, help. Each takes the keys while it is open.

use crate::console::keys::input::Input;
use crate::console::model::exception::ExceptionForm;
use crate::wire::alert::Disposition;
use crate::wire::incident::IncidentPhase;
use crate::wire::report::HandoverDraft;
use crate::wire::saved::SavedSearch;

/// What is open over the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Overlay {
    /// Help and palette: all actions of the screen, searched by what is typed.
    Commands { title: CommandsTitle, input: Input, cursor: usize },
    /// Closing: a disposition, a note, above 100 alerts their number.
    Close(CloseForm),
    /// A line of text for a purpose.
    Line { purpose: Purpose, input: Input, problem: Option<String> },
    /// A choice by digit.
    Choice(Choice),
    /// The handover of the shift that ends now, to be read and signed; absent until the server has drafted it.
    Handover { draft: Option<HandoverDraft>, top: usize },
    /// Excepting something harmless from a rule.
    Except(ExceptionForm),
    /// The saved searches, absent until the server has told them.
    Saved { rows: Option<Vec<SavedSearch>>, cursor: usize },
    /// A bundle being made, or made.
    Export(Exporting),
    /// The fields of the loaded events.
    Fields { rows: Vec<(String, usize)>, cursor: usize },
    /// The values of one field, counted over the loaded events, or when `is_whole` over all that the query finds.
    Counts { field: String, rows: Vec<(String, usize)>, cursor: usize, is_whole: bool },
}

/// How far an export is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exporting {
    Running { path: String },
    Done { path: String, bytes: u64 },
}

/// How the list of commands is headed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommandsTitle {
    Help,
    Palette,
}

/// What an action is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    One {
        id: u64,
        revision: u64,
        needs_note: bool,
    },
    Many {
        ids: Vec<u64>,
        needs_note: bool,
    },
    /// All that the filter admits, as many as were there when decided; none that came up after the newest then.
    Filtered {
        expected: u64,
        newest: u64,
        needs_note: bool,
    },
}

impl Target {
    /// Returns how many alerts it is.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Target::One { .. } => 1,
            Target::Many { ids, .. } => ids.len() as u64,
            Target::Filtered { expected, .. } => *expected,
        }
    }

    /// Says whether closing needs a note.
    pub(crate) fn needs_note(&self) -> bool {
        match self {
            Target::One { needs_note, .. } | Target::Many { needs_note, .. } | Target::Filtered { needs_note, .. } => {
                *needs_note
            }
        }
    }
}

/// The questions of closing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CloseForm {
    pub target: Target,
    pub disposition: Option<Disposition>,
    pub note: Input,
    /// Open when the number of alerts must be typed.
    pub typed_count: Option<Input>,
    pub problem: Option<String>,
}

/// What a typed line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    Filter,
    Note(Target),
    Reopen(Target),
    Escalate(Target),
    NoteIncident(u64),
    /// A task of an incident.
    Task(u64),
    /// What was seen in an incident: a word for its kind, then the value.
    Observable(u64),
    /// An incident's title, and the one that was seen.
    Title(u64, String),
    /// The incident another one goes into.
    Merge(u64),
    /// Whom an incident is given to; nobody when empty.
    Assign(u64),
    /// A deadline: name, when, why.
    Deadline(u64),
    /// Why an incident goes into a phase.
    PhaseNote(u64, IncidentPhase),
    /// What is attached to an incident as evidence: a query.
    Attach(u64),
    /// Where the list of alerts goes.
    WriteAlerts,
    /// Where an incident's report goes.
    WriteReport(u64),
    /// Where a bundle goes: the incident and the bundle's place.
    WriteEvidence(u64, u32),
    /// What the next shift must know.
    HandoverNote,
    /// Input and name of the source to mute.
    Mute(String, String),
    /// The exception to revoke.
    Revoke(u64),
    /// The edited rule is saved, to run in shadow.
    SaveRule,
    /// The rule to put into a state, and the state.
    RuleState(String, &'static str),
    /// The file that a bundle is written to.
    Export,
    /// The name a search is saved under.
    SaveSearch,
}

/// What a digit chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// An entity to search for: kind, field, value.
    Pivot(Vec<(String, String, String)>),
    TimeSpan,
    /// The incident's next phase.
    Phase(u64),
    /// The names of the incident's open deadlines.
    Clock(u64, Vec<String>),
    /// The incident's open tasks: place and text.
    Task(u64, Vec<(u32, String)>),
    /// The steps of an alert's response: number, whether done, text.
    Step(u64, Vec<(u32, bool, String)>),
    /// The bundles of an incident: place and query.
    Evidence(u64, Vec<(u32, String)>),
    /// The incident's level as it was seen.
    Level(u64, String),
    /// The rule that is put into a state.
    RuleState(String),
    /// What becomes of the changes of a rule.
    LeaveEditor,
}
