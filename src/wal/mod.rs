//! The write-ahead log: every frame is on disk, synced, before anybody is told that it was taken in.
//!
//! A log is a folder of segments; a segment is a header and records; a record is checked by a salted CRC32C. Nothing
//! here knows what is in a frame. The format is described in `docs/wal.md`. The disk stands behind a trait, so that the
//! tests can lose unsynced bytes, tear writes and fail at any step.

pub mod disk;
mod log;
mod places;
mod record;
mod recovery;
mod replay;
mod segment;
pub mod writer;

pub use log::Config;
pub use log::Wal;
pub use log::WalError;
pub use record::RAW_BYTES_MAX;
pub use recovery::Damage;
pub use recovery::Recovery;
pub use replay::CorruptRecord;
pub use replay::Replay;
pub use replay::read_only;

#[cfg(test)]
mod tests;
