//! Detection: Sigma rules, read, compiled together, and matched against events as they arrive.
//!
//! Pure but for reading rule files: no clock, no network, no threads. The same events and rules always give the same
//! detections, live, replayed or tested.

pub mod attack;
pub mod cases;
mod correlate;
mod detector;
mod engine;
pub mod inspect;
mod limits;
pub mod lint;
mod mapping;
mod prefilter;
mod ruleset;
pub mod sigma;

pub use correlate::Counts;
pub use correlate::RestoreError;
pub use correlate::is_ahead;
pub use correlate::reach;
pub use detector::Detection;
pub use detector::Detector;
pub use detector::Entity;
pub use engine::Engine;
pub use engine::Match;
pub use engine::MatchedPart;
pub use limits::Limits;
pub use limits::Strain;
pub use lint::Finding;
pub use lint::lint;
pub use lint::lint_all;
pub use mapping::Mapping;
pub use mapping::Pipeline;
pub use prefilter::prefilter;
pub use ruleset::Content;
pub use ruleset::Options;
pub use ruleset::RuleFile;
pub use ruleset::RuleSet;
pub use ruleset::read_folder;
pub use sigma::error::RuleError;
pub use sigma::rule::RuleMeta;

#[cfg(test)]
mod tests;
