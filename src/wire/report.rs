//! Figures and handovers over the API.
//!
//! `GET /v1/reports/triage` (query: [`Period`]) → [`TriageReport`]; `GET /v1/incidents/{id}/report` (query:
//! [`ReportRequest`]) → a text, Markdown or HTML; `GET /v1/handovers` (query: [`HandoverFilter`]) → [`HandoverList`];
//! `POST /v1/handovers/draft` ([`DraftRequest`]) → [`HandoverDraft`]; `POST /v1/handovers/sign`
//! ([`HandoverDraft`]) → [`Handover`].

use serde::Deserialize;
use serde::Serialize;

/// From when to when, as a search takes them: `24h`, `2026-01-31`, RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Period {
    /// Seven days back when absent.
    pub since: Option<String>,
    /// Now when absent.
    pub until: Option<String>,
}

/// What happened to the alerts that came up in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriageReport {
    pub since: String,
    pub until: String,
    /// The gravest level first.
    pub levels: Vec<LevelReport>,
    /// Days of UTC on which alerts came up, oldest first.
    pub days: Vec<DayReport>,
    /// Dispositions and how many alerts were closed with each.
    pub dispositions: Vec<(String, u64)>,
    /// The rules with the most alerts.
    pub rules: Vec<RuleReport>,
    /// The people who did the most.
    pub analysts: Vec<AnalystReport>,
}

/// The alerts of one level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelReport {
    pub level: String,
    pub raised: u64,
    /// Not yet taken, escalated or closed.
    pub untouched: u64,
    pub closed: u64,
    /// From coming up to the first who took, escalated or closed it.
    pub to_acknowledge: Option<Spread>,
    /// From coming up to closed.
    pub to_resolve: Option<Spread>,
}

/// Seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    pub mean: u64,
    pub median: u64,
    pub p90: u64,
}

/// The alerts of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayReport {
    /// As `2026-01-31`.
    pub day: String,
    /// As the report's levels.
    pub raised: Vec<u64>,
}

/// The alerts of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleReport {
    pub rule: String,
    pub title: String,
    pub title_vi: Option<String>,
    pub raised: u64,
    pub true_positives: u64,
    /// Closed as false or as benign positives.
    pub false_positives: u64,
}

/// What one person did, to alerts of any age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalystReport {
    pub name: String,
    pub taken: u64,
    pub escalated: u64,
    pub closed: u64,
}

/// How a report is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportRequest {
    /// `vi` (the default) or `en`.
    pub language: Option<String>,
    /// `markdown` (the default) or `html`.
    pub form: Option<String>,
}

/// Which handovers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HandoverFilter {
    pub offset: u64,
    /// 200 at most; 50 when absent.
    pub limit: Option<u32>,
}

/// What a draft is made with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DraftRequest {
    /// `vi` (the default) or `en`.
    pub language: Option<String>,
    pub note: Option<String>,
}

/// A handover not signed yet; sent back as it was read, it is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverDraft {
    pub since: String,
    pub until: String,
    /// Markdown.
    pub text: String,
}

/// A signed handover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    pub id: u64,
    pub since: String,
    /// What happened up to here is told; the next handover begins here.
    #[serde(default)]
    pub until: String,
    pub signed: String,
    pub who: String,
    pub text: String,
    /// SHA-256 over the digest of the handover before it and what is signed.
    pub digest: String,
}

/// Signed handovers, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverList {
    pub handovers: Vec<Handover>,
}
