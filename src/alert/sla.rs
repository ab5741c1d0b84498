//! How soon somebody shall have looked at an alert: data, and nothing else.

use std::time::Duration;

use crate::model::RuleLevel;
use crate::model::Timestamp;

/// Levels with their time, the gravest first; what is not named may wait.
pub const TARGETS: [(RuleLevel, Duration); 4] = [
    (RuleLevel::Critical, Duration::from_secs(15 * 60)),
    (RuleLevel::High, Duration::from_secs(3600)),
    (RuleLevel::Medium, Duration::from_secs(4 * 3600)),
    (RuleLevel::Low, Duration::from_secs(24 * 3600)),
];

/// Returns by when an alert of a level, raised then, shall be taken.
pub fn due(level: RuleLevel, raised: Timestamp) -> Option<Timestamp> {
    TARGETS.iter().find(|(of, _)| *of == level).map(|(_, target)| raised.plus(*target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graver_the_sooner() {
        let raised = Timestamp::from_seconds(1_700_000_000, 0);
        let dues: Vec<_> = RuleLevel::ALL.into_iter().rev().map(|level| due(level, raised)).collect();
        assert!(dues.iter().flatten().is_sorted() && dues[0] == Some(raised.plus(Duration::from_secs(900))));
        assert_eq!(due(RuleLevel::Informational, raised), None);
    }
}
