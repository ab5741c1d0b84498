//! Evidence for auditors: what was stored can be proven, and what was done with it can be told.
//!
//! Two logs that only grow, both signed: the **evidence** log says which raw records were sealed, into which partitions
//! they went and what retention deleted; the **audit** log says who did what. What the files look like stands in `docs/evidence.md`.

pub mod audit;
pub mod bundle;
mod entry;
mod keeper;
pub mod key;
mod ledger;
pub mod log;
mod places;
pub mod push;
pub mod said;
pub mod sums;
pub mod verify;

#[cfg(test)]
mod simulation;

pub use entry::Deleted;
pub use entry::Entry;
pub use entry::Partition;
pub use entry::RecordHash;
pub use entry::Unit;
pub use entry::record_hash;
pub use entry::unit_hashes;
pub use keeper::Added;
pub use keeper::KeepError;
pub use keeper::Keeper;
pub use ledger::Ledger;
pub use ledger::Split;
pub use places::Places;
pub use places::signed_at;
