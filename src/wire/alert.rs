//! Alerts over the API.
//!
//! `GET /v1/alerts` (query: [`AlertFilter`]) → [`AlertWindow`]; `GET /v1/alerts/{id}` → [`AlertDetail`];
//! `POST /v1/alerts/{id}/actions` ([`AlertCommand`]) → [`AlertRow`]; `POST /v1/alerts/actions` ([`BulkCommand`]) → [`BulkResult`].

use serde::Deserialize;
use serde::Serialize;

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

/// Which alerts a window shows; every member narrows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertFilter {
    /// `open` (not closed; the default), `all`, or one status.
    pub status: Option<String>,
    /// The lowest level shown: `informational` to `critical`.
    pub level_min: Option<String>,
    /// Part of the title, rule id or entity, case and accents aside.
    pub text: Option<String>,
    /// Only what this user holds.
    pub owner: Option<String>,
    /// Rule id.
    pub rule: Option<String>,
    /// Entity, whole.
    pub entity: Option<String>,
    /// Only alerts with this number or a lower one: what was seen stays what it was when others come up.
    pub up_to: Option<u64>,
    /// Rows to skip, in the window's order (risk, then newest activity).
    pub offset: u64,
    /// Rows wanted; 2,000 at most, 200 when absent.
    pub limit: Option<u32>,
    /// Event ids wanted with each row, the latest first; 1,000 at most, 20 when absent.
    pub events: Option<u32>,
}

/// One row of the list: a group of detections by rule and entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRow {
    pub id: u64,
    /// The rule's id (UUID or our own slug).
    pub rule: String,
    /// The rule's title in English and, where the rule has one, Vietnamese.
    pub title: String,
    pub title_vi: Option<String>,
    /// Sigma level, the highest seen in the group.
    pub level: String,
    /// 0 to 100: level, repetition, and the entity's criticality.
    pub risk: u8,
    pub status: AlertStatus,
    /// What the group is about: an address, user or host.
    pub entity: String,
    /// The ECS field the entity was taken from.
    pub entity_field: String,
    /// The host (or unit) most recently involved.
    pub host: Option<String>,
    /// Detections in the group.
    pub count: u64,
    /// Event time of the first and the last detection.
    pub first: String,
    pub last: String,
    /// When this program raised it.
    pub raised: String,
    pub owner: Option<String>,
    pub disposition: Option<Disposition>,
    /// Changes with every change of the alert; sent back with a command.
    pub revision: u64,
    /// ATT&CK technique and tactic tags.
    pub tags: Vec<String>,
    /// Ids of the latest events, newest first: as many as the filter asked for in a window, 20 in the stream and after an
    /// action, all that are kept (1,000 at most) in the detail.
    pub events: Vec<u64>,
    /// By when somebody shall have taken it; absent when somebody has, and for a level that may wait.
    #[serde(default)]
    pub due: Option<String>,
}

/// A window of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertWindow {
    pub rows: Vec<AlertRow>,
    /// How many alerts the filter admits in all.
    pub total: u64,
    /// The number of the newest of all alerts when the window was read; for [`AlertFilter::up_to`].
    #[serde(default)]
    pub newest: u64,
    /// The store's revision when the window was read; what changed later arrives in the stream.
    pub revision: u64,
}

/// One part of why a rule matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchedPart {
    /// The field the predicate looked at; empty for a keyword search of the raw line.
    pub field: String,
    /// The field's value (its beginning, when long).
    pub value: String,
    /// The predicate in the rule's own words, such as `contains 'union select'`.
    pub predicate: String,
    /// Where the matched bytes stand in the raw line, where they stand there: start and end in bytes.
    pub raw_span: Option<(u32, u32)>,
}

/// An event that raised a detection, with what matched in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertEvidence {
    pub event: u64,
    pub timestamp: String,
    /// The raw line (64 KiB at most).
    pub raw: String,
    pub parts: Vec<MatchedPart>,
}

/// Something somebody did to an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub at: String,
    pub who: String,
    /// `raised`, `taken`, `released`, `noted`, `closed`, `reopened`, `escalated`, `level_raised`, `step_done`, `step_open`, `undone`.
    pub action: String,
    pub text: Option<String>,
}

/// An earlier alert of the same rule and entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precedent {
    pub id: u64,
    pub closed: String,
    pub disposition: Disposition,
    pub owner: Option<String>,
    pub note: Option<String>,
}

/// An entity worth pivoting to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// `ip`, `user`, `host`, `domain`, `hash`, `file`.
    pub kind: String,
    pub field: String,
    pub value: String,
}

/// Everything about one alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertDetail {
    #[serde(flatten)]
    pub row: AlertRow,
    pub description: String,
    pub description_vi: Option<String>,
    pub false_positives: Vec<String>,
    /// What to do, step by step, from the rule.
    pub response: Vec<String>,
    pub response_vi: Vec<String>,
    pub entities: Vec<Entity>,
    /// The latest events with what matched, newest first; 20 at most.
    pub evidence: Vec<AlertEvidence>,
    pub history: Vec<HistoryEntry>,
    /// Alerts of the same rule and entity closed in the last 30 days.
    pub precedents: Vec<Precedent>,
    pub incident: Option<u64>,
    /// What is known of who is involved: unit, system, owner and weight of the machine, place and network of an
    /// address, threat lists.
    #[serde(default)]
    pub context: Vec<Known>,
    /// Steps of the response that were done.
    #[serde(default)]
    pub steps: Vec<StepDone>,
}

impl AlertDetail {
    /// Returns the steps of the response: the Vietnamese ones where they are wanted and there.
    pub fn steps_in(&self, is_vietnamese: bool) -> &[String] {
        if is_vietnamese && !self.response_vi.is_empty() { &self.response_vi } else { &self.response }
    }
}

/// Something known of who is involved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub field: String,
    pub value: String,
}

/// A step of the response that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepDone {
    /// From 1.
    pub step: u32,
    pub at: String,
    pub who: String,
}

/// What an analyst does to an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum AlertAction {
    /// Atomic: the loser gets `409` naming the owner.
    Take,
    Release,
    /// High and critical alerts need a note.
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
    /// Declares an incident (or joins `incident`).
    Escalate {
        incident: Option<u64>,
        title: Option<String>,
        note: Option<String>,
    },
    /// Says that a step of the response was done, or takes that back.
    Step {
        step: u32,
        done: bool,
    },
    /// Reverts the caller's own last take, release, close or reopen; recorded as an action of its own.
    Undo,
}

/// An action with the revision it was decided on; `409` when the alert has changed in a way that matters since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertCommand {
    #[serde(flatten)]
    pub action: AlertAction,
    pub revision: Option<u64>,
}

/// One action on many alerts: those named, or all a filter admits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkCommand {
    #[serde(flatten)]
    pub action: AlertAction,
    #[serde(default)]
    pub ids: Vec<u64>,
    #[serde(default)]
    pub filter: Option<AlertFilter>,
    /// How many alerts the caller believes the filter admits; `409` when there are more.
    pub expected: Option<u64>,
}

/// What became of a bulk action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkResult {
    pub done: Vec<u64>,
    /// Alerts left alone, with the reason.
    pub refused: Vec<(u64, String)>,
}
