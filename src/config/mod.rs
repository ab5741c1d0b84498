//! Reads, checks and explains the configuration: default < file < environment < flag.
//!
//! Checking never does anything (no bind, no resolve, no file created), so it is safe anywhere. Each module owns the
//! checked `Config` it runs with; only this module sees the `Raw…` form an operator writes. The manual of the keys is
//! `docs/configuration.md`.

mod check;
mod clashes;
mod database;
mod explain;
mod journald;
mod layers;
mod maintenance;
mod pieces;
mod push;
mod raw;
mod reading;
mod retention;
mod settings;
mod sla;

pub use explain::Setting;
pub use layers::ConfigError;
pub use layers::Flags;
pub use layers::load;
pub use maintenance::Maintenance;
pub use settings::Api;
pub use settings::Class;
pub use settings::Content;
pub use settings::DatabaseInput;
pub use settings::Enrich;
pub use settings::FileInput;
pub use settings::HttpInput;
pub use settings::JournalInput;
pub use settings::Limits;
pub use settings::Pieces;
pub use settings::Secret;
pub use settings::Settings;
pub use settings::Sources;
pub use settings::Store;
pub use settings::StreamInput;
pub use settings::Tls;
