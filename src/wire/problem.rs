//! Errors over the API, in the form of RFC 9457 (`application/problem+json`).

use serde::Deserialize;
use serde::Serialize;

/// The content type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// HTTP status code.
    pub status: u16,
    /// A short constant name: `query_invalid`, `not_found`, `conflict`, `forbidden`, `too_large`, `busy`, `internal`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What was wrong, with the value.
    pub detail: String,
    pub hint: Option<String>,
    /// Where in the query, counted in characters from 1.
    pub column: Option<u32>,
    /// For a conflict: who holds the thing now.
    pub owner: Option<String>,
}
