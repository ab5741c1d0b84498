//! The state of the evidence over the API: `GET /v1/evidence` → [`EvidenceState`]; `POST /v1/verify` starts a check of everything
//! stored and `POST /v1/verify/cancel` ends it, both → [`Verification`]; `GET /v1/audit/{id}` → [`AuditEntry`].

use serde::Deserialize;
use serde::Serialize;

use crate::wire::audit::AuditRow;

/// What can be proven at present, and when it was last checked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EvidenceState {
    /// Why nothing is written down, when that is so.
    pub trouble: Option<String>,
    /// The evidence log and the audit log, as far as they are kept.
    pub logs: Vec<LogRow>,
    /// The check that runs, or the last one there was.
    pub verification: Option<Verification>,
    /// The places outside this machine that keep checkpoints.
    pub pushes: Vec<PushRow>,
}

/// A place that keeps checkpoints, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PushRow {
    pub place: String,
    /// When it was given one last.
    pub given: Option<String>,
    /// Since when it lacks one.
    pub behind_since: Option<String>,
    /// For how many hours, when that is too long.
    pub late_hours: Option<u64>,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// One log that can only grow.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LogRow {
    /// `evidence` or `audit`.
    pub name: String,
    pub origin: String,
    pub entries: u64,
    /// Entries that the last checkpoint is signed over.
    pub signed: u64,
    /// The key it is signed with: name and id.
    pub key: String,
    /// The last checkpoint, a signed note.
    pub checkpoint: String,
    /// When it was written, by our own clock.
    pub signed_at: Option<String>,
}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyState {
    #[default]
    Running,
    Done,
    /// Somebody ended it: it says nothing.
    Cancelled,
    /// It could not be made; `problem` says why.
    Failed,
}

/// A check of everything stored, as `longan verify` makes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Verification {
    pub state: VerifyState,
    pub by: String,
    pub started: String,
    pub ended: Option<String>,
    /// Records looked at, and how many there are.
    pub records: u64,
    pub records_total: u64,
    pub partitions: u64,
    /// Sealed units whose Merkle root was computed anew.
    pub units: u64,
    pub deleted_units: u64,
    /// Events in the write-ahead log that nothing proves yet.
    pub unsealed: u64,
    /// The first of them; `findings_total` counts all.
    pub findings: Vec<FindingRow>,
    pub findings_total: u64,
    /// What cannot be said, in words.
    pub notes: Vec<String>,
    /// The same in Vietnamese.
    pub notes_vi: Vec<String>,
    pub problem: Option<String>,
}

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FindingRow {
    /// The file, below the data folder.
    pub place: String,
    /// The byte in the file.
    pub offset: Option<u64>,
    /// The first and the last record concerned.
    pub records: Option<(u64, u64)>,
    pub what: String,
    /// The same in Vietnamese.
    pub what_vi: String,
}

/// One entry of the audit log with what joins it to a signature.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditEntry {
    pub row: AuditRow,
    /// The entry byte for byte, as it is hashed.
    pub entry: String,
    /// SHA-256 over a zero byte and the entry (RFC 6962 §2.1), in hex.
    pub leaf: String,
    /// The hashes that lead from the leaf to the root of the checkpoint (RFC 6962 §2.1.1), in hex.
    pub proof: Vec<String>,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
}
