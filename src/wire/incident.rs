//! Incidents over the API.
//!
//! `GET /v1/incidents` (query: [`IncidentFilter`]) → [`IncidentWindow`]; `GET /v1/incidents/{id}` → [`IncidentDetail`];
//! `POST /v1/incidents/{id}/actions` ([`IncidentAction`]) → [`IncidentRow`].

use serde::Deserialize;
use serde::Serialize;

use crate::wire::alert::AlertRow;
use crate::wire::alert::Entity;
use crate::wire::alert::HistoryEntry;

/// Which incidents a window shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentFilter {
    /// `open` (not closed) or `all` (the default).
    pub status: Option<String>,
    /// Rows to skip, in the window's order: open ones first, then by level, then the newest.
    pub offset: u64,
    /// Rows wanted; 2,000 at most, 200 when absent.
    pub limit: Option<u32>,
}

/// Where an incident stands: the functions of NIST SP 800-61 r3 on CSF 2.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentPhase {
    /// Detected and declared.
    Detect,
    /// Respond: analysis.
    Analysis,
    /// Respond: containment.
    Containment,
    /// Respond: eradication.
    Eradication,
    Recover,
    Closed,
}

/// One row of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentRow {
    pub id: u64,
    pub title: String,
    pub level: String,
    pub phase: IncidentPhase,
    pub owner: Option<String>,
    /// When the province came to know of it: the clocks run from here.
    pub known: String,
    pub alerts: u64,
    /// The next deadline that is not met; absent once it is closed.
    #[serde(default)]
    pub next_due: Option<String>,
    pub revision: u64,
}

/// A window of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentWindow {
    pub rows: Vec<IncidentRow>,
    pub total: u64,
}

/// A deadline that runs from the time of knowledge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentClock {
    pub name: String,
    pub due: String,
    /// When it was met or found not to apply, if it was.
    pub met: Option<String>,
    /// Why it does not apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<String>,
}

/// In place of the time of a deadline: it does not apply to this incident.
pub const NO_DEADLINE: &str = "none";

/// Everything about one incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentDetail {
    #[serde(flatten)]
    pub row: IncidentRow,
    /// Named apart from the row's `alerts`, their number, which is flattened into the same object.
    #[serde(rename = "alert_rows")]
    pub alerts: Vec<AlertRow>,
    pub entities: Vec<Entity>,
    pub timeline: Vec<HistoryEntry>,
    pub clocks: Vec<IncidentClock>,
    #[serde(default)]
    pub tasks: Vec<IncidentTask>,
    #[serde(default)]
    pub observables: Vec<IncidentObservable>,
    #[serde(default)]
    pub evidence: Vec<IncidentEvidence>,
    /// The incident all of it went into.
    #[serde(default)]
    pub merged_into: Option<u64>,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentTask {
    /// Its place in the list, from 1: what `finish_task` names.
    pub place: u32,
    pub text: String,
    pub added_by: String,
    /// When it was done, if it was.
    pub done: Option<String>,
    pub done_by: Option<String>,
}

/// Something an analyst noted down as seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentObservable {
    pub kind: String,
    pub value: String,
    pub note: Option<String>,
    pub added: String,
    pub added_by: String,
}

/// A bundle that proves what a search found: `GET /v1/incidents/{id}/evidence?place=1` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentEvidence {
    /// Its place in the list, from 1.
    pub place: u32,
    pub query: String,
    pub note: Option<String>,
    pub events: u64,
    /// SHA-256 of the bundle, hexadecimal.
    pub digest: String,
    pub bytes: u64,
    pub added: String,
    pub added_by: String,
}

/// Which bundle of an incident is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EvidenceRequest {
    pub place: u32,
}

/// A value as it was seen, and as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    pub from: String,
    pub to: String,
}

/// What somebody does to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
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
    /// Corrects the title or the level (409 with both values when it is not `from` any more).
    Edit {
        title: Option<Changed>,
        level: Option<Changed>,
    },
    /// Gives it to somebody else, or to nobody.
    Assign {
        to: Option<String>,
    },
    AddTask {
        text: String,
    },
    FinishTask {
        place: u32,
    },
    AddObservable {
        kind: String,
        value: String,
        note: Option<String>,
    },
    /// Sets when a deadline passes (RFC 3339, `now+4h`), or adds one; [`NO_DEADLINE`] says that it does not apply.
    SetClock {
        name: String,
        due: String,
        why: String,
    },
    /// Has what a search finds exported with its proofs, and keeps the bundle.
    Attach {
        q: String,
        since: Option<String>,
        until: Option<String>,
        note: Option<String>,
    },
    /// All of it goes into another incident; this one is closed.
    MergeInto {
        incident: u64,
    },
}
