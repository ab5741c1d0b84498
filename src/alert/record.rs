//! Alerts as the store reads them back.

use crate::alert::detection::Entity;
use crate::alert::detection::Known;
use crate::alert::detection::MatchedPart;
use crate::alert::state::Disposition;
use crate::alert::state::State;
use crate::model::AlertId;
use crate::model::EventId;
use crate::model::RuleLevel;
use crate::model::Timestamp;

/// One row of the list: a group of detections by rule and entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRecord {
    pub id: AlertId,
    pub rule_id: String,
    pub title: String,
    pub title_vi: Option<String>,
    /// The highest level seen in the group.
    pub level: RuleLevel,
    pub risk: u8,
    pub state: State,
    pub entity: String,
    pub entity_field: String,
    /// The host most recently involved.
    pub host: Option<String>,
    /// Detections in the group.
    pub count: u64,
    /// Event time of the earliest and the latest detection.
    pub first: Timestamp,
    pub last: Timestamp,
    /// When the alert was raised, by our clock.
    pub raised: Timestamp,
    /// The revision of the last change of any kind.
    pub revision: u64,
    /// The revision of the last change that matters to a decision: state, owner or level, not counters or notes.
    pub decided: u64,
    /// The revision that raised it.
    pub born: u64,
    pub tags: Vec<String>,
    /// The latest events, newest first; as many as were asked for.
    pub events: Vec<EventId>,
}

/// A window of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertWindow {
    pub rows: Vec<AlertRecord>,
    pub total: u64,
    /// The newest of all alerts when the window was read; 0 when there is none.
    pub newest: AlertId,
    /// The store's revision when the window was read.
    pub revision: u64,
}

/// An event that raised a detection, with what matched in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub event: EventId,
    pub timestamp: Timestamp,
    pub raw: String,
    pub parts: Vec<MatchedPart>,
}

/// Something that was done to an alert or an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    pub at: Timestamp,
    pub who: String,
    pub action: String,
    pub text: Option<String>,
}

/// An earlier alert of the same rule and entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precedent {
    pub id: AlertId,
    pub closed: Timestamp,
    pub disposition: Disposition,
    pub owner: Option<String>,
    pub note: Option<String>,
}

/// Everything about one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertDetail {
    pub row: AlertRecord,
    pub description: String,
    pub description_vi: Option<String>,
    pub false_positives: Vec<String>,
    pub response: Vec<String>,
    pub response_vi: Vec<String>,
    pub entities: Vec<Entity>,
    /// Newest first.
    pub evidence: Vec<Evidence>,
    /// Oldest first; the latest [`HISTORY_MAX`] at most.
    pub history: Vec<HistoryEntry>,
    /// Newest first.
    pub precedents: Vec<Precedent>,
    /// What was known of who is involved when it last fired.
    pub context: Vec<Known>,
    /// Steps of the response that were done.
    pub steps: Vec<StepDone>,
}

/// A step of the response that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepDone {
    /// From 1.
    pub step: u32,
    pub at: Timestamp,
    pub who: String,
}

/// The lines of history told of one alert; all are kept.
pub const HISTORY_MAX: usize = 1_000;
