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

/// The deadlines an incident starts with when the operator has set none.
pub fn defaults() -> Vec<ClockRule> {
    [("immediate", 0), ("first_notice", 24), ("cause_and_fix", 72), ("personal_data", 72)]
        .map(|(name, hours)| ClockRule { name: name.to_owned(), hours })
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_regulations() {
        let hours: Vec<u64> = defaults().iter().map(|clock| clock.duration().as_secs() / 3600).collect();
        assert_eq!(hours, [0, 24, 72, 72]);
        assert!(serde_json::from_str::<ClockRule>(r#"{"name":"x","hours":1,"days":2}"#).is_err());
    }
}
