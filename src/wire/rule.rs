//! Rules over the API.
//!
//! `POST /v1/rules/backtest` ([`BacktestRequest`]) → NDJSON, [`BacktestMessage`]: progress, then the report;
//! `GET /v1/rules/{id}` → [`RuleDetail`], `POST /v1/rules/{id}/state` ([`StateRequest`]); `GET /v1/exceptions` → [`ExceptionList`],
//! `GET /v1/rules/{id}/source` → [`RuleSource`], `POST /v1/rules/source` ([`RuleSaveRequest`]) → the same; `POST /v1/rules/check`
//! ([`CheckRequest`]) → [`CheckReport`], `POST /v1/rules/test` ([`TestRequest`]) → [`TestReport`], `POST /v1/rules/states` ([`StatesRequest`]);
//! `POST /v1/exceptions/new` and `/v1/exceptions/preview` ([`ExceptionRequest`]), `POST /v1/exceptions/{id}/revoke` ([`RevokeRequest`]).

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
    /// Events read that are dated more than five minutes after their arrival: correlations take them as five minutes after it.
    pub ahead: u64,
    /// Set when it ended early.
    pub partial: Option<String>,
}

/// The state to put a rule in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRequest {
    /// `draft`, `shadow`, `live` or `retired`.
    pub state: String,
    pub reason: String,
}

/// Who did what to a rule, and the versions there were; newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleDetail {
    pub id: String,
    pub state: String,
    pub history: Vec<RuleChange>,
    pub versions: Vec<RuleVersion>,
}

/// A line of a rule's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChange {
    pub at: String,
    pub who: String,
    /// `loaded`, `changed`, `excepted`, `revoked`, or the state it was put in.
    pub action: String,
    pub text: Option<String>,
}

/// A version of a rule file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleVersion {
    pub hash: String,
    pub path: String,
    pub seen: String,
    pub text: String,
}

/// One condition of an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionCondition {
    pub field: String,
    /// `is`, `contains`, `startswith`, `endswith` or `cidr`.
    pub comparison: String,
    pub value: String,
}

/// An exception to try or to put in force.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExceptionRequest {
    /// The rule's id.
    pub rule: String,
    /// All must hold.
    pub conditions: Vec<ExceptionCondition>,
    pub reason: String,
    /// A span such as `7d`, which it is when absent; a year at most.
    pub lasts: Option<String>,
}

/// What an exception would have hidden.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExceptionPreview {
    /// Matches of the rule over the last days, and how many of them it would have hidden.
    pub days: u64,
    pub matches: u64,
    pub hidden: u64,
    /// Alerts of the rule that those were part of, by how analysts closed them.
    pub alerts: Verdicts,
    pub cost: BacktestCost,
}

/// Why an exception is ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeRequest {
    pub reason: String,
}

/// Exceptions, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExceptionList {
    pub exceptions: Vec<ExceptionRow>,
}

/// Which exceptions to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExceptionFilter {
    pub rule: Option<String>,
}

/// One exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionRow {
    pub id: u64,
    pub rule: String,
    pub conditions: Vec<ExceptionCondition>,
    pub reason: String,
    pub author: String,
    pub created: String,
    pub expires: String,
    /// In force, or over.
    pub is_in_force: bool,
    pub revoked: Option<String>,
    pub revoked_by: Option<String>,
    pub revoked_why: Option<String>,
    /// Detections it has hidden.
    pub hidden: u64,
    pub last_hidden: Option<String>,
    /// The latest events it hid; 20 at most.
    pub events: Vec<u64>,
}

/// The file a rule stands in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleSource {
    pub id: String,
    /// Below the folder of rules.
    pub path: String,
    pub text: String,
    /// Changes with the text: what is saved must be a change of this version.
    pub version: String,
    /// It lies in the operator's own folder; otherwise it came with the program, and saving lays a file over it.
    pub is_own: bool,
    /// What saving did beside: rules of the file that were live and raise nothing any more until they are promoted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quieted: Vec<String>,
}

/// A text to be checked as a rule file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckRequest {
    pub text: String,
}

/// What is to be said of a rule file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckReport {
    /// The ids of the rules in it.
    pub rules: Vec<String>,
    /// In the order of their places.
    pub problems: Vec<RuleProblem>,
    /// There are no errors: it can be saved.
    pub is_right: bool,
}

/// One problem of a rule file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleProblem {
    /// From 1, as the column, in characters.
    pub line: u32,
    pub column: u32,
    /// `error`, `warning` or `info`.
    pub severity: String,
    /// The linter's code; absent when the rule cannot be loaded.
    pub code: Option<String>,
    pub text: String,
    pub hint: Option<String>,
}

/// A rule whose cases are to be run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TestRequest {
    pub rule: String,
    /// A text to take in place of what the server has under the same ids.
    pub text: Option<String>,
}

/// How the cases fell out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TestReport {
    pub rule: String,
    pub cases: Vec<CaseOutcome>,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CaseOutcome {
    pub name: String,
    /// Where it stands in the file of cases.
    pub line: u32,
    pub must_match: bool,
    pub passed: bool,
    /// How often the rule was set off.
    pub detections: u64,
    /// The pack that read the last line.
    pub parser: Option<String>,
}

/// A rule file to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleSaveRequest {
    /// Below the folder of rules; ends with `.yml`.
    pub path: String,
    pub text: String,
    /// The version that was changed; absent for a file that is not there yet.
    pub version: Option<String>,
    /// The state to put its rules in first, such as `shadow`.
    pub state: Option<String>,
    pub reason: String,
}

/// Rules to put in a state, loaded or about to be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatesRequest {
    /// 10,000 at most.
    pub rules: Vec<String>,
    pub state: String,
    pub reason: String,
}

/// How many rules were put in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatesChanged {
    pub changed: u64,
}
