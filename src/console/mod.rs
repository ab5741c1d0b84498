//! The console: one screen on which an analyst sees what needs a decision, decides with one key, and can prove why.
//!
//! A client like any other: it reads the API through `client`, never the store. `model` is plain data, `update` changes it
//! and says what to do, `view` draws it; both are pure. `runtime` is the world: terminal, keys, network, clock.

mod bars;
mod format;
mod input;
mod key;
mod keymap;
mod layout;
mod model;
mod msg;
mod plain;
mod runtime;
mod text;
mod theme;
mod update;
mod view;

pub use runtime::ConsoleError;
pub use runtime::Options;
pub use runtime::run;
pub use text::Lang;
pub use theme::Theme;
pub use theme::ThemeName;
