//! Who is looking at what: `POST /v1/presence` ([`LookRequest`]) → [`Looks`]; changes are told in the stream.

use serde::Deserialize;
use serde::Serialize;

/// What one console shows at present: an alert, an incident, or neither. To be sent again before the lease ends.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LookRequest {
    /// Tells several consoles of one user apart: letters and digits of the caller's own choice, 64 at most.
    pub session: String,
    pub alert: Option<u64>,
    pub incident: Option<u64>,
}

/// Somebody who is looking at an alert or an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looking {
    pub who: String,
    pub alert: Option<u64>,
    pub incident: Option<u64>,
    /// Since when.
    pub since: String,
}

/// Who else is looking, and how long what was said holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looks {
    pub lease_seconds: u64,
    pub looking: Vec<Looking>,
}
