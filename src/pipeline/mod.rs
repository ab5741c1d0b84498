//! The running whole: stages, channels, supervision, reload, shutdown. Wiring, and nothing that decides.
//!
//! Inputs hand frames to the WAL thread; what is synced goes on to **one** processing thread that parses, normalizes,
//! detects and indexes, and commits alerts with their position. The API reads beside it. Shutdown follows the data: inputs
//! stop first, every later stage ends when its channel does.

pub mod api;
mod content;
pub mod demo;
mod endpoints;
mod inputs;
mod knowledge;
mod live;
mod open;
mod own_events;
pub mod processing;
mod run;
pub mod shapes;
pub mod stages;

pub use content::Content;
pub use run::Feed;
pub use run::Ready;
pub use run::StartError;
pub use run::import;
pub use run::serve;
