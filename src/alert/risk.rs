//! The risk score, 0 to 100: what the list is sorted by. The same alert always has the same score.

use crate::alert::detection::Criticality;
use crate::model::RuleLevel;

/// Scores an alert by the rule's level first, then the entity's criticality, then how often it happened.
///
/// Ten points of repetition are reached at 1,024 detections: a flood of one level comes near the next level, and
/// passes it only on an entity that matters.
pub(crate) fn score(level: RuleLevel, criticality: Criticality, count: u64) -> u8 {
    let base: i32 = match level {
        RuleLevel::Informational => 5,
        RuleLevel::Low => 22,
        RuleLevel::Medium => 45,
        RuleLevel::High => 67,
        RuleLevel::Critical => 86,
    };
    let weight = match criticality {
        Criticality::Low => -6,
        Criticality::Normal => 0,
        Criticality::High => 5,
        Criticality::Critical => 10,
    };
    let repetition = i32::try_from(count.max(1).ilog2().min(10)).unwrap_or(10);
    u8::try_from((base + weight + repetition).clamp(0, 100)).unwrap_or(100)
}

/// Returns the least score an alert of a level or a higher one can have.
pub(crate) fn least(level: RuleLevel) -> u8 {
    score(level, Criticality::Low, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_alert_of_a_level_scores_less_than_its_least() {
        let criticalities = [Criticality::Low, Criticality::Normal, Criticality::High, Criticality::Critical];
        for (index, level) in RuleLevel::ALL.into_iter().enumerate() {
            for higher in RuleLevel::ALL.into_iter().skip(index) {
                for criticality in criticalities {
                    for count in [0, 1, 3, u64::MAX] {
                        assert!(score(higher, criticality, count) >= least(level), "{level} {higher} {criticality:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn level_leads_and_the_rest_refines() {
        let cases = [
            (RuleLevel::Informational, Criticality::Low, 1, 0),
            (RuleLevel::Medium, Criticality::Normal, 1, 45),
            (RuleLevel::Medium, Criticality::Normal, 1_000_000, 55),
            (RuleLevel::High, Criticality::Normal, 0, 67),
            (RuleLevel::High, Criticality::Critical, 2000, 87),
            (RuleLevel::Critical, Criticality::Normal, 1, 86),
            (RuleLevel::Critical, Criticality::Critical, u64::MAX, 100),
        ];
        for (level, criticality, count, expected) in cases {
            assert_eq!(score(level, criticality, count), expected, "{level} {criticality:?} {count}");
        }
    }
}
