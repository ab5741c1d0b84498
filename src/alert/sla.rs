//! How soon somebody shall have looked at an alert, by its level: data, and nothing else.

use std::time::Duration;

use crate::model::RuleLevel;
use crate::model::Timestamp;

/// The time that each level leaves; a level without one may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sla {
    /// In the order of the levels, the lowest first.
    targets: [Option<Duration>; RuleLevel::ALL.len()],
}

impl Sla {
    /// A quarter of an hour for what is critical, then one, four and 24 hours; what is informational may wait.
    pub const DEFAULT: Sla = Sla {
        targets: [
            None,
            Some(Duration::from_secs(24 * 3600)),
            Some(Duration::from_secs(4 * 3600)),
            Some(Duration::from_secs(3600)),
            Some(Duration::from_secs(15 * 60)),
        ],
    };

    /// Returns it with another time for a level; `None` lets the level wait.
    #[must_use]
    pub fn with(mut self, level: RuleLevel, target: Option<Duration>) -> Sla {
        self.targets[level as usize] = target;
        self
    }

    /// Returns the time a level leaves; `None` when it may wait.
    pub fn target(&self, level: RuleLevel) -> Option<Duration> {
        self.targets[level as usize]
    }

    /// Returns by when an alert of a level, raised then, shall be taken.
    pub fn due(&self, level: RuleLevel, raised: Timestamp) -> Option<Timestamp> {
        self.target(level).map(|target| raised.plus(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graver_the_sooner() {
        let raised = Timestamp::from_seconds(1_700_000_000, 0);
        let dues: Vec<_> = RuleLevel::ALL.into_iter().rev().map(|level| Sla::DEFAULT.due(level, raised)).collect();
        assert!(dues.iter().flatten().is_sorted() && dues[0] == Some(raised.plus(Duration::from_secs(900))));
        assert_eq!(Sla::DEFAULT.due(RuleLevel::Informational, raised), None);
    }

    #[test]
    fn a_level_has_the_time_it_was_given() {
        let sla = Sla::DEFAULT.with(RuleLevel::Low, None).with(RuleLevel::High, Some(Duration::from_secs(60)));
        assert_eq!((sla.target(RuleLevel::Low), sla.target(RuleLevel::High)), (None, Some(Duration::from_secs(60))));
        assert_eq!(sla.target(RuleLevel::Medium), Sla::DEFAULT.target(RuleLevel::Medium));
    }
}
