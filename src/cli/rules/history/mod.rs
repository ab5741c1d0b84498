//! What a rule would have found in the stored events.

pub(super) mod backtest;
mod report;
