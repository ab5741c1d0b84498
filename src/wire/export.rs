//! Exporting evidence: `POST /v1/export` with an [`ExportRequest`] → a bundle (`application/x-tar`) that `longan verify` checks alone.

use serde::Deserialize;
use serde::Serialize;

/// What to prove.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportRequest {
    /// The query language of the manual; empty means everything.
    pub q: String,
    /// RFC 3339, or a span back from now such as `24h`; absent means the beginning.
    pub since: Option<String>,
    pub until: Option<String>,
}
