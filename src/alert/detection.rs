//! What the pipeline hands in: one rule matched one event, with everything an analyst will want to read later.

use serde::Deserialize;
use serde::Serialize;

use crate::model::EventId;
use crate::model::RuleLevel;
use crate::model::Timestamp;

/// How much an entity matters to the province; unknown counts as normal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criticality {
    Low,
    #[default]
    Normal,
    High,
    Critical,
}

/// One part of why a rule matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchedPart {
    /// The field the predicate looked at; empty for a keyword search of the raw line.
    pub field: String,
    /// The field's value; cut to [`VALUE_BYTES_MAX`] when kept.
    pub value: String,
    /// The predicate in the rule's own words.
    pub predicate: String,
    /// Where the matched bytes stand in the raw line, start and end, where they stand there.
    pub raw_span: Option<(u32, u32)>,
}

/// Something known of who is involved: of the machine, its unit, an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub field: String,
    pub value: String,
}

/// An entity worth pivoting to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// `ip`, `user`, `host`, `domain`, `hash`, `file`.
    pub kind: String,
    pub field: String,
    pub value: String,
}

/// A detection on its way to becoming part of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewDetection {
    pub rule_id: String,
    pub title: String,
    pub title_vi: Option<String>,
    pub level: RuleLevel,
    pub tags: Vec<String>,
    pub description: String,
    pub description_vi: Option<String>,
    pub false_positives: Vec<String>,
    /// What to do, step by step.
    pub response: Vec<String>,
    pub response_vi: Vec<String>,
    /// The ECS field the entity was taken from.
    pub entity_field: String,
    /// What the alert is about; alerts group by rule and entity.
    pub entity: String,
    pub criticality: Criticality,
    pub host: Option<String>,
    /// The events that made the rule fire. The last to arrive (the highest id) is the one that triggered it.
    pub event_ids: Vec<EventId>,
    /// When the triggering event happened.
    pub event_time: Timestamp,
    /// The triggering event's raw line; cut to [`RAW_BYTES_MAX`] when kept.
    pub raw: String,
    pub parts: Vec<MatchedPart>,
    pub entities: Vec<Entity>,
    /// What enrichment knew, in the order it is shown.
    pub context: Vec<Known>,
}

/// A raw line is kept up to this length with an alert; the store has it whole.
pub const RAW_BYTES_MAX: usize = 64 * 1024;
/// A matched value is kept up to this length.
pub const VALUE_BYTES_MAX: usize = 1024;
/// A title, rule id or entity is kept, compared and grouped up to this length.
pub const NAME_BYTES_MAX: usize = 4096;
/// Matched parts kept of one detection.
pub const PARTS_MAX: usize = 64;
/// Event ids kept of one alert.
pub const EVENTS_MAX: usize = 1000;
/// Detections of one alert kept with their raw line and what matched.
pub const EVIDENCE_MAX: usize = 20;
/// Things known that are kept of one alert.
pub const CONTEXT_MAX: usize = 30;
/// Entities kept of one alert.
pub const ENTITIES_MAX: usize = 50;

impl NewDetection {
    /// Returns the event that triggered the rule.
    pub fn trigger(&self) -> EventId {
        self.event_ids.iter().copied().max().unwrap_or(EventId::ZERO)
    }
}

/// Cuts a text to at most `bytes_max` bytes, at a character boundary.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trigger_is_the_last_event_and_a_cut_keeps_characters_whole() {
        let detection = NewDetection { event_ids: vec![EventId(7), EventId(9), EventId(3)], ..NewDetection::default() };
        assert_eq!(detection.trigger(), EventId(9));
        assert_eq!(NewDetection::default().trigger(), EventId::ZERO);
        assert_eq!(cut("số", 2), "s");
        assert_eq!(cut("số", 9), "số");
    }
}
