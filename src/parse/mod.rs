//! From text to fields: syslog headers, structured formats, times, and the packs that know the sources. Pure but for
//! reading pack files: no clock, no network.

pub mod charset;
pub mod header;
mod keys;
pub mod pack;
mod seen;
pub mod structure;
pub mod timestamp;
pub mod windows;

pub use pack::Hint;
pub use pack::PackError;
pub use pack::Packs;
pub use pack::Step;
