//! Why a rule matches an event: its condition as a tree, each node true or false.

use serde::Deserialize;
use serde::Serialize;

/// What an alert's rule says of the newest event the alert keeps.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertWhy {
    pub event: u64,
    pub rule: RuleWhy,
}

/// What one rule says of one event. The rule is the one in force now, which may have been changed since.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleWhy {
    pub id: String,
    pub title: String,
    /// The rule matches; for a correlation: one of its rules does.
    pub matches: bool,
    /// How the event's log source differs from the one wanted, in words; empty when it fits.
    pub mismatches: Vec<String>,
    /// Absent for a correlation.
    pub condition: Option<WhyNode>,
    pub correlation: Option<WhyCorrelation>,
}

/// What a correlation is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WhyCorrelation {
    /// As Sigma calls it, such as `event_count`.
    pub kind: String,
    pub timespan_seconds: u64,
    /// What must hold over the span, in words.
    pub bounds: String,
    pub group_by: Vec<WhyGroup>,
    /// The rules it counts.
    pub rules: Vec<RuleWhy>,
    /// Names that no rule has.
    pub unknown: Vec<String>,
}

/// A group-by field and what the event has there; nothing when it has none and is not counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WhyGroup {
    pub field: String,
    pub value: Option<String>,
}

/// One node of a condition. At most 500 are told of one event, 40 deep.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WhyNode {
    /// The search identifier, where the node is one.
    pub name: Option<String>,
    /// `all`, `any`, `not` or `test`.
    pub join: String,
    pub holds: bool,
    pub test: Option<WhyTest>,
    pub parts: Vec<WhyNode>,
    /// Parts that are left out: of `any`, those that do not hold and do not matter.
    pub more: u64,
}

/// One test of one field.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WhyTest {
    /// As the rule names it; absent for a keyword.
    pub field: Option<String>,
    /// The test in words, such as `contains 'x'`.
    pub wants: String,
    /// What the event has there (its beginning, when long).
    pub value: Option<String>,
    /// Where what matched stands in the raw line: start and end in bytes.
    pub raw_span: Option<(u32, u32)>,
    /// Why it does not hold.
    pub why: Option<String>,
}

impl RuleWhy {
    /// Goes through where what matched stands in the raw line.
    pub fn raw_spans(&self) -> Vec<(u32, u32)> {
        let mut spans = Vec::new();
        let own = self.condition.iter();
        own.for_each(|node| node.add_spans(&mut spans));
        for rule in self.correlation.iter().flat_map(|correlation| &correlation.rules) {
            spans.extend(rule.raw_spans());
        }
        spans
    }
}

impl WhyNode {
    fn add_spans(&self, spans: &mut Vec<(u32, u32)>) {
        // What must not be there and is not, has nothing to show.
        if self.holds && self.join != "not" {
            spans.extend(self.test.as_ref().and_then(|test| test.raw_span));
            self.parts.iter().for_each(|part| part.add_spans(spans));
        }
    }
}
