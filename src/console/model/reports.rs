//! The reports screen: the figures of a period and the handovers that were signed.

use crate::wire::report::Handover;
use crate::wire::report::TriageReport;

/// The periods that can be shown, as the server takes them.
pub(crate) const PERIODS: [&str; 4] = ["12h", "7d", "30d", "365d"];

/// The reports screen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reports {
    pub triage: Option<Box<TriageReport>>,
    pub handovers: Vec<Handover>,
    /// Which of [`PERIODS`], counted from the week.
    pub period: usize,
    pub top: usize,
}

impl Reports {
    /// Returns the period that is shown.
    pub(crate) fn since(&self) -> &'static str {
        PERIODS[(self.period + 1) % PERIODS.len()]
    }
}
