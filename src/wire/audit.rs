//! The audit log over the API: `GET /v1/audit` (query: [`AuditRequest`]) → [`AuditWindow`].

use serde::Deserialize;
use serde::Serialize;

/// Which entries are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditRequest {
    pub who: Option<String>,
    pub action: Option<String>,
    /// A piece of the detail.
    pub text: Option<String>,
    /// RFC 3339.
    pub since: Option<String>,
    pub until: Option<String>,
    /// Entries with a lower number: the last one of the window before.
    pub before: Option<u64>,
    /// 1,000 at most, 200 when absent.
    pub limit: Option<u32>,
}

/// The newest entries that match, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuditWindow {
    pub entries: Vec<AuditRow>,
}

/// One deed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuditRow {
    /// The number of the entry in the log.
    pub number: u64,
    pub at: String,
    pub who: String,
    pub role: String,
    /// `socket`, `token`, `folder`, or empty for the program itself.
    pub via: String,
    pub action: String,
    pub detail: String,
}
