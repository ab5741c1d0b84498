//! A log that can only grow, in files that other tools can check: entries in bundles, checkpoints signed.
//!
//! Formats are those of C2SP: `tlog-tiles` (entry bundles), `tlog-checkpoint`, `signed-note`; hashes are those of RFC 6962.

pub mod checkpoint;
mod files;
pub mod merkle;
pub mod note;
mod signed;
mod tiles;

pub use files::Bundle;
pub use files::ENTRIES_A_BUNDLE;
pub use files::Fault;
pub use files::entry_of;
pub use files::note_offsets;
pub use files::notes_in;
pub use files::one_line;
pub use files::read_bundle;
pub use files::read_bundles;
pub use files::read_bundles_back;
pub use files::read_entry;
pub use files::read_notes;
pub use signed::LogError;
pub use signed::Recovered;
pub use signed::SignedLog;
pub use tiles::TileFile;
pub use tiles::tiles_between;

#[cfg(test)]
mod tests;
