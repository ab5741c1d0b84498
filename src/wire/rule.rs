//! Rules over the API.
//!
//! `POST /v1/rules/backtest` ([`BacktestRequest`]) → NDJSON, [`BacktestMessage`]: progress, then the report.

use serde::Deserialize;
use serde::Serialize;

/// Which rule to try on which history.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BacktestRequest {
    /// The rule's id or name.
    pub rule: String,
    /// The text of a rule file to take in place of what the server has under the same ids.
    pub text: Option<String>,
    /// RFC 3339, or a span back from now; 30 days when absent.
    pub since: Option<String>,
    /// As `since`; now when absent.
    pub until: Option<String>,
}

/// A line of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BacktestMessage {
    Progress(BacktestProgress),
    Report(Box<BacktestReport>),
    /// The history could not be read to its end.
    Failed(String),
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BacktestProgress {
    pub pieces_done: u64,
    pub pieces: u64,
    pub events_done: u64,
    pub events: u64,
}

/// What the rule would have done.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BacktestReport {
    pub rule: String,
    pub title: String,
    pub title_vi: Option<String>,
    pub level: String,
    pub since: String,
    pub until: String,
    /// How often the rule was set off.
    pub matches: u64,
    /// Alerts it comes to: one for each entity.
    pub alerts: u64,
    /// One entry a day of local time, from the first to the last.
    pub days: Vec<BacktestDay>,
    /// The entities it was about, the most frequent first; 20 at most.
    pub entities: Vec<BacktestEntity>,
    /// The newest matches, newest first; 10 at most.
    pub examples: Vec<BacktestExample>,
    /// How analysts closed this rule's alerts of the time.
    pub past_of_rule: Verdicts,
    /// How they closed the alerts of all entities it would have been about, whatever the rule.
    pub past_of_entities: Verdicts,
    pub cost: BacktestCost,
}

/// One day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacktestDay {
    /// `2026-11-24`.
    pub day: String,
    pub matches: u64,
}

/// One entity.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BacktestEntity {
    pub field: String,
    pub value: String,
    pub matches: u64,
    /// How analysts closed the alerts about it.
    pub past: Verdicts,
}

/// One match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacktestExample {
    /// The event that set it off, and all that are involved.
    pub event: u64,
    pub events: Vec<u64>,
    pub timestamp: String,
    pub entity: String,
    pub line: String,
}

/// How alerts were closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Verdicts {
    pub true_positive: u64,
    pub false_positive: u64,
    pub benign_positive: u64,
    /// Duplicates and tests.
    pub other: u64,
    pub open: u64,
}

impl Verdicts {
    /// Returns the share of true positives among what was judged right or wrong, in percent; `None` when nothing was.
    pub fn precision(&self) -> Option<u8> {
        let judged = self.true_positive + self.false_positive + self.benign_positive;
        let percent = (self.true_positive * 100 + judged / 2).checked_div(judged)?;
        u8::try_from(percent).ok()
    }

    /// Returns how many alerts there are in all.
    pub fn total(&self) -> u64 {
        self.true_positive + self.false_positive + self.benign_positive + self.other + self.open
    }
}

/// What it took.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BacktestCost {
    /// Events of the span.
    pub events: u64,
    /// Events that were read and judged.
    pub events_read: u64,
    pub partitions: u64,
    pub partitions_total: u64,
    pub elapsed_ms: u64,
    /// What the index was asked first; `None`: nothing the rule needs is in it, so every event was read.
    pub prefilter: Option<String>,
    /// False when events were too many to be taken in the order of their arrival: correlations may differ a little.
    pub in_order: bool,
    /// Set when it ended early.
    pub partial: Option<String>,
}
