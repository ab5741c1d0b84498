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
    /// What is not as it should be: `silent`, `gaps`, `clock`, `unparsed`, `drop`, `surge`; the worst first.
    #[serde(default)]
    pub conditions: Vec<String>,
    /// Whether its usual rate at this time of the week is still being learned.
    #[serde(default)]
    pub is_learning: bool,
    /// Events an hour that are usual at this time.
    #[serde(default)]
    pub usual_per_hour: Option<u64>,
    /// After how many seconds without an event it counts as silent.
    #[serde(default)]
    pub silent_after_seconds: Option<u64>,
    /// Of its last hundred events, how many no pack recognised.
    #[serde(default)]
    pub unparsed_percent: Option<u8>,
    /// Whether the clock is off by about a multiple of half an hour: likely the time zone.
    #[serde(default)]
    pub clock_looks_like_zone: bool,
    /// Messages that never came, by the sender's own numbering.
    #[serde(default)]
    pub missing: u64,
    /// The commonest shapes of the lines that no pack recognised.
    #[serde(default)]
    pub shapes: Vec<ShapeRow>,
    /// Set while nothing is told of it.
    #[serde(default)]
    pub muted: Option<MuteRow>,
}

/// Lines that look alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShapeRow {
    /// The line with `<*>` for what differs.
    pub text: String,
    pub count: u64,
    /// Of all events of the source.
    pub percent: u8,
    /// Some of the lines, whole.
    pub examples: Vec<String>,
}

/// A mute of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuteRow {
    pub until: String,
    pub by: String,
    pub reason: String,
}

/// What an admin does about a source: `POST /v1/sources/actions` → [`SourceRow`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCommand {
    pub input: String,
    pub name: String,
    #[serde(flatten)]
    pub action: SourceAction,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum SourceAction {
    /// Nothing is told of it for so long.
    Mute { seconds: u64, reason: String },
    /// Ends a mute.
    Unmute,
}

/// All inputs and the sources seen (10,000 at most).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceList {
    pub inputs: Vec<InputRow>,
    pub sources: Vec<SourceRow>,
    /// The log sources, in Sigma's words, that events came from; 1,000 at most.
    #[serde(default)]
    pub log_sources: Vec<LogSourceRow>,
}

/// A log source, and when an event of it came last, to the minute.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LogSourceRow {
    pub product: Option<String>,
    pub service: Vec<String>,
    pub category: Vec<String>,
    pub last_seen: String,
}
