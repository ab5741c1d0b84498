//! The deadlines that run from the time an incident is known: data, not code, because the rules that set them change.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

/// One deadline: its name, and the hours from the time of knowledge (0 is at once).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockRule {
    pub name: String,
    pub hours: u32,
}

impl ClockRule {
    /// Returns how long the deadline leaves.
    pub fn duration(&self) -> Duration {
        Duration::from_secs(u64::from(self.hours) * 3600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_a_name_and_hours() {
        let clock: ClockRule = serde_json::from_str(r#"{"name":"x","hours":24}"#).expect("well-formed");
        assert_eq!(clock.duration().as_secs(), 86_400);
        assert!(serde_json::from_str::<ClockRule>(r#"{"name":"x","hours":1,"days":2}"#).is_err());
    }
}
