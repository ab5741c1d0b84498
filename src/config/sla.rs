//! How soon alerts shall be taken, checked.

use std::time::Duration;

use crate::alert::Sla;
use crate::config::check::Checker;
use crate::model::RuleLevel;

/// A year: longer is as good as never, which 0 says.
const MINUTES_MAX: i64 = 366 * 24 * 60;

impl Checker<'_> {
    /// Reads `[sla]`.
    pub(super) fn sla(&mut self) -> Sla {
        let critical =
            self.number("sla.critical_minutes", 15, 0..=MINUTES_MAX, |raw| raw.sla.critical_minutes.as_ref());
        let high = self.number("sla.high_minutes", 60, 0..=MINUTES_MAX, |raw| raw.sla.high_minutes.as_ref());
        let medium = self.number("sla.medium_minutes", 240, 0..=MINUTES_MAX, |raw| raw.sla.medium_minutes.as_ref());
        let low = self.number("sla.low_minutes", 1440, 0..=MINUTES_MAX, |raw| raw.sla.low_minutes.as_ref());
        let levels = [
            (RuleLevel::Critical, critical),
            (RuleLevel::High, high),
            (RuleLevel::Medium, medium),
            (RuleLevel::Low, low),
        ];
        levels.into_iter().fold(Sla::DEFAULT, |sla, (level, minutes)| sla.with(level, target(minutes)))
    }
}

fn target(minutes: i64) -> Option<Duration> {
    let minutes = u64::try_from(minutes).ok().filter(|minutes| *minutes > 0)?;
    Some(Duration::from_secs(minutes * 60))
}
