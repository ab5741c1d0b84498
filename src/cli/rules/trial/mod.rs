//! Trying rules: their cases, lines, events of a file.

pub(super) mod explain;
pub(super) mod match_events;
mod paint;
pub(super) mod test_cases;
