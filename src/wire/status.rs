//! The state of the server: `GET /v1/status` → [`Status`], `GET /v1/whoami` → [`Whoami`], `GET /v1/rules` → [`RuleList`].

use serde::Deserialize;
use serde::Serialize;

use crate::wire::evidence::PushRow;
use crate::wire::retention::Outlook;
use crate::wire::rule::Verdicts;

/// How the whole is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub started: String,
    pub now: String,
    /// Set while inputs refuse, with the reason.
    pub refusing: Option<String>,
    pub events_stored: u64,
    /// The newest event id, and the newest that search can find.
    pub last_event: u64,
    pub last_searchable: u64,
    pub events_per_second: u64,
    /// Milliseconds from arrival to searchable, over the last batches.
    pub lag_ms: u64,
    pub open_alerts: u64,
    pub alerts_by_level: Vec<(String, u64)>,
    pub rules_loaded: u64,
    /// Rule, pack and configuration files that were refused, as `path:line:column: problem`.
    pub problems: Vec<String>,
    pub packs_loaded: u64,
    /// Places that keep checkpoints of the evidence elsewhere.
    #[serde(default)]
    pub pushes: Vec<PushRow>,
    pub disk_used_bytes: u64,
    pub disk_free_bytes: u64,
    pub memory_bytes: u64,
    /// When the disk will be full; absent before an hour was measured.
    #[serde(default)]
    pub outlook: Option<Outlook>,
}

/// Who the caller is and may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whoami {
    pub name: String,
    /// `analyst`, `admin` or `auditor`.
    pub role: String,
    pub may_triage: bool,
    pub may_administer: bool,
    /// The zone the installation tells its times in (`zone` of its configuration), seconds east of UTC.
    #[serde(default)]
    pub zone_offset_seconds: Option<i32>,
}

/// One loaded rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRow {
    pub id: String,
    pub title: String,
    pub title_vi: Option<String>,
    pub level: String,
    pub status: String,
    pub path: String,
    pub tags: Vec<String>,
    /// Detections since the start.
    pub detections: u64,
    /// `draft`, `shadow`, `live` or `retired`.
    #[serde(default)]
    pub state: String,
    /// How analysts closed its alerts of the last 30 days.
    #[serde(default)]
    pub verdicts: Verdicts,
    /// Detections in its alerts of the last 30 days; of a rule in shadow, its matches.
    #[serde(default)]
    pub noise: u64,
    /// Exceptions in force.
    #[serde(default)]
    pub exceptions: u64,
    /// The cases beside it.
    #[serde(default)]
    pub cases: u64,
    /// Whether events of its log source came within the last 30 days.
    #[serde(default)]
    pub arrives: Option<bool>,
    /// It is there for correlations and raises nothing by itself.
    #[serde(default)]
    pub is_silent: bool,
    /// Detections since the start that were only counted, because the rule raised too many within a minute.
    #[serde(default)]
    pub suppressed: u64,
    /// Events since the start for which the rule was not asked, because it takes too long.
    #[serde(default)]
    pub skipped: u64,
}

/// The rules that run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleList {
    pub rules: Vec<RuleRow>,
}
