//! Evidence bundles: what a search found, with the proof that it was received so, in one file that needs nothing else.
//!
//! A bundle is a tar archive. `bundle.note` is signed and names `sums.json`, which names every other file. For each unit
//! that the span of time touches it holds the hashes that join the records in it to the unit's root, so that every record
//! is accounted for: included, or committed to by a hash. The log's entries lead from there to the signed checkpoint.

mod check;
mod cover;
mod tar;
mod write;

pub use check::check;
pub use write::BundleError;
pub use write::Found;
pub use write::Request;
pub use write::write;

use serde::Deserialize;
use serde::Serialize;

const NOTE: &str = "bundle.note";
const SUMS: &str = "sums.json";
const ABOUT: &str = "about.json";
const CHECKPOINT: &str = "checkpoint";
const KEY: &str = "key.vkey";
const LOG: &str = "log.json";
const UNITS: &str = "units.json";
const RECORDS: &str = "records.ndjson";
const EVENTS: &str = "events.ndjson";
const CSV: &str = "events.csv";
/// The first line of the signed note.
const FIRST_LINE: &str = "longan-bundle/1";

/// What was asked and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct About {
    query: String,
    since: Option<String>,
    until: Option<String>,
    who: String,
    role: String,
    exported: String,
    /// Events found, of which `unsealed` have no proof yet.
    events: u64,
    unsealed: u64,
    /// Units whose span of time the search touches, and the records they hold.
    units: u64,
    records_covered: u64,
    origin: String,
    log_size: u64,
    key: String,
}

/// Entries of the evidence log, and what joins them to its root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LogProof {
    size: u64,
    /// The first entry, and all from the first covered unit on.
    entries: Vec<LogEntry>,
    /// Hashes, hexadecimal, from left to right.
    gaps: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LogEntry {
    n: u64,
    /// The entry byte for byte.
    entry: String,
}

/// What joins the records of one unit to its root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct UnitProof {
    /// The number of the unit's entry in the log.
    entry: u64,
    included: u64,
    gaps: Vec<String>,
}

/// One record, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    id: u64,
    /// When it was received, nanoseconds since 1970.
    received: i64,
    /// The number of its unit's entry, and its place there; absent while it is not sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
    /// Where the line is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_base64: Option<String>,
}

#[cfg(test)]
mod tests;
