//! The live stream: `GET /v1/stream?revision=N` → NDJSON, one [`StreamMessage`] a line, from revision N on. With
//! `&session=S` it also tells who is looking at what, the console of that session aside.

use serde::Deserialize;
use serde::Serialize;

use crate::wire::alert::AlertRow;
use crate::wire::presence::Looking;

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StreamMessage {
    /// First message: the server's present revision. `gap` says that changes after the asked revision can no longer be told
    /// one by one: read the window anew.
    Hello { revision: u64, gap: bool },
    /// An alert was raised or changed.
    Alert { revision: u64, is_new: bool, row: Box<AlertRow> },
    /// An incident was declared or changed.
    Incident { revision: u64, id: u64 },
    /// Who else is looking at what, all of them: at first, and whenever it changes. Only when a session was named.
    Presence { looking: Vec<Looking> },
    /// At least every five seconds: the figures of the status line.
    Pulse {
        revision: u64,
        now: String,
        events_per_second: u64,
        lag_ms: u64,
        open_alerts: u64,
        /// Alerts nobody has looked at in time.
        #[serde(default)]
        overdue_alerts: u64,
        silent_sources: u64,
        refusing: Option<String>,
    },
}
