//! Inputs and sources over the API: `GET /v1/sources` → [`SourceList`].

use serde::Deserialize;
use serde::Serialize;

/// One input with its account: received = stored + rejected + dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRow {
    /// The configured name.
    pub name: String,
    /// `syslog_udp`, `syslog_tcp`, `syslog_tls`, `relp`, `http`, `file`.
    pub kind: String,
    /// The bound address or the path.
    pub place: String,
    pub received: u64,
    pub stored: u64,
    pub rejected: u64,
    pub dropped: u64,
    pub truncated: u64,
    pub bytes: u64,
    pub connections: u64,
    /// Whether senders learn that an event is safe.
    pub acknowledges: bool,
}

/// One sender, as seen through one input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRow {
    /// Host name as claimed, or the peer's address.
    pub name: String,
    pub peer: Option<String>,
    pub input: String,
    pub events: u64,
    /// Events no pack recognised.
    pub unparsed: u64,
    /// The packs that read most of it.
    pub parsers: Vec<String>,
    pub last_seen: String,
    /// Seconds since the last event.
    pub silent_seconds: u64,
    pub is_silent: bool,
    /// Events per minute over the last hour, oldest first; 60 values at most.
    pub per_minute: Vec<u32>,
    /// The device's clock minus ours, in milliseconds, where the line has a time.
    pub clock_skew_ms: Option<i64>,
}

/// All inputs and the sources seen (10,000 at most).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceList {
    pub inputs: Vec<InputRow>,
    pub sources: Vec<SourceRow>,
}
