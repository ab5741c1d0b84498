//! From decoded text to fields: header grammars, structured formats and packs. Pure: no I/O but loading pack files.

pub mod header;
pub mod pack;
pub mod structure;
pub mod timestamp;

pub use pack::Hint;
pub use pack::PackError;
pub use pack::Packs;
