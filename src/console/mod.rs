//! The console: one screen on which an analyst sees what needs a decision, decides with one key, and can prove why.
//!
//! A client like any other: it reads the API through `client`, never the store. `model` is plain data, `update` changes it
//! and says what to do, `view` draws it; both are pure. `runtime` is the world: terminal, keys, network, clock.

mod keys;
mod look;
mod model;
mod msg;
mod plain;
mod runtime;
mod update;
mod view;

#[cfg(test)]
mod tests;

pub use look::text::Lang;
pub use look::theme::Theme;
pub use look::theme::ThemeName;
pub use runtime::ConsoleError;
pub use runtime::Options;
pub use runtime::run;
