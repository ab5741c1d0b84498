//! The running whole: stages, channels, supervision, reload, shutdown. Wiring, and nothing that decides.
//!
//! Inputs hand frames to the WAL thread; what is synced goes on to **one** processing thread that parses, normalizes,
//! detects and indexes, and commits alerts with their position. The API reads beside it. Shutdown follows the data: inputs
//! stop first, every later stage ends when its channel does.

/// Returns the state of a rule that nobody has put in one: what its author says of it.
pub(crate) fn default_state(status: crate::detect::sigma::rule::RuleStatus) -> crate::alert::rulebook::RuleState {
    use crate::alert::rulebook::RuleState;
    use crate::detect::sigma::rule::RuleStatus;
    match status {
        RuleStatus::Deprecated | RuleStatus::Unsupported => RuleState::Retired,
        RuleStatus::Stable | RuleStatus::Test | RuleStatus::Experimental => RuleState::Live,
    }
}

pub mod api;
pub mod backtest;
mod content;
pub mod demo;
mod endpoints;
mod evidence;
pub mod foresight;
mod inputs;
mod knowledge;
mod live;
mod open;
mod own_events;
pub mod processing;
mod push;
mod run;
pub mod shapes;
pub mod stages;
pub mod trial;
mod upkeep;

pub use content::Content;
pub use run::Feed;
pub use run::FeedDoor;
pub use run::Ready;
pub use run::StartError;
pub use run::import;
pub use run::serve;
