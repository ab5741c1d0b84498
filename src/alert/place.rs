//! Where a detection goes: into the group that is open, into one just closed, or into a new alert. Pure.

use std::time::Duration;

use crate::alert::sla::Sla;
use crate::alert::state::AlertStatus;
use crate::alert::state::Disposition;
use crate::alert::state::State;
use crate::model::RuleLevel;
use crate::model::Timestamp;

/// What may be set about grouping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// For so long after an alert was closed as anything but a true positive, the same rule on the same entity is
    /// counted in the closed alert and raises no new one: the analyst has just answered it. Zero raises at once.
    pub quiet_after_close: Duration,
    /// How soon alerts shall be taken.
    pub sla: Sla,
}

impl Policy {
    /// One hour: long enough for a scan that goes on, short enough that nothing is hidden over a shift.
    pub const DEFAULT: Policy = Policy { quiet_after_close: Duration::from_secs(3600), sla: Sla::DEFAULT };
}

/// Where a detection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A new alert.
    Raise,
    /// The group, as it stands.
    Join,
    /// The group, which opens again because this is worse than what was closed.
    Reopen,
}

/// Decides for one detection, given the newest alert of the same rule and entity.
pub(crate) fn place(newest: Option<(&State, RuleLevel)>, level: RuleLevel, now: Timestamp, policy: Policy) -> Place {
    let Some((state, group_level)) = newest else { return Place::Raise };
    if state.status != AlertStatus::Closed {
        return Place::Join;
    }
    let closed = Timestamp(state.closed.unwrap_or(i64::MIN));
    let answered = state.disposition != Some(Disposition::TruePositive);
    let quiet = answered && now < closed.plus(policy.quiet_after_close);
    match (quiet, level > group_level) {
        (true, true) => Place::Reopen,
        (true, false) => Place::Join,
        (false, _) => Place::Raise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(status: AlertStatus, disposition: Option<Disposition>) -> State {
        State { status, disposition, closed: disposition.map(|_| 0), ..State::NEW }
    }

    #[test]
    fn a_closed_group_stays_quiet_for_a_while_but_not_for_worse() {
        use Disposition::*;
        use RuleLevel::*;
        let minute = Timestamp::from_seconds(60, 0);
        let later = Timestamp::from_seconds(7200, 0);
        let cases = [
            (AlertStatus::New, None, Low, later, Place::Join),
            (AlertStatus::Taken, None, Critical, later, Place::Join),
            (AlertStatus::Escalated, None, Medium, later, Place::Join),
            (AlertStatus::Closed, Some(FalsePositive), Medium, minute, Place::Join),
            (AlertStatus::Closed, Some(FalsePositive), High, minute, Place::Reopen),
            (AlertStatus::Closed, Some(Test), Medium, later, Place::Raise),
            (AlertStatus::Closed, Some(TruePositive), Medium, minute, Place::Raise),
        ];
        for (status, disposition, level, now, expected) in cases {
            let state = state(status, disposition);
            let placed = place(Some((&state, Medium)), level, now, Policy::DEFAULT);
            assert_eq!(placed, expected, "{status:?} {disposition:?} {level}");
        }
        assert_eq!(place(None, Low, minute, Policy::DEFAULT), Place::Raise);
        let closed = state(AlertStatus::Closed, Some(FalsePositive));
        let strict = Policy { quiet_after_close: Duration::ZERO, ..Policy::DEFAULT };
        assert_eq!(place(Some((&closed, Medium)), Medium, minute, strict), Place::Raise);
    }
}
