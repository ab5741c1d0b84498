//! Detection: Sigma rules, read, compiled together, and matched against events as they arrive.
//!
//! Pure but for reading rule files: no clock, no network, no threads. The same events and rules always give the same
//! detections, live, replayed or tested.

mod engine;
mod ruleset;
pub mod sigma;

pub use engine::Engine;
pub use engine::Match;
pub use engine::MatchedPart;
pub use ruleset::Options;
pub use ruleset::RuleFile;
pub use ruleset::RuleSet;
pub use ruleset::read_folder;
pub use ruleset::rule_files;
pub use sigma::error::RuleError;
pub use sigma::rule::RuleMeta;
