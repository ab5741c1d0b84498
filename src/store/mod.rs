//! The store: events in, made searchable at once, sealed into immutable partitions, found again.
//!
//! - [`HotWriter`] takes events; each `cut` makes a small **split** in memory, searchable at once.
//! - The sealer merges splits into **partitions** on disk, one per retention class and UTC day, and moves the
//!   checkpoint: what lies at or below it survives without the WAL.
//! - [`Searcher`] sees a snapshot of both, in which every event is exactly once.
//!
//! Durability is the WAL's: what was not sealed is added again from there, and ids at or below the checkpoint are ignored.
//! What the files look like stands in `docs/store.md`.

mod archive;
mod catalog;
pub mod checked;
mod error;
mod format;
mod keeping;
mod manifest;
mod merged;
mod piece;
mod sealer;
mod search;
mod shared;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub use catalog::Catalog;
pub use catalog::PartitionReader;
pub use catalog::VisitRaw;
pub use error::StoreError;
pub use format::record::Columns;
pub use format::record::Stored;
pub use format::record::decode as decode_record;
pub use format::record::encode as encode_record;
pub use keeping::clock::ClockState;
pub use keeping::growth::Forecast;
pub use keeping::growth::Growth;
pub use keeping::growth::Stay;
pub use keeping::growth::Tier;
pub use keeping::growth::TierRow;
pub use keeping::hold::Hold;
pub use keeping::hold::HoldError;
pub use keeping::hold::NewHold;
pub use keeping::retention::Retention;
pub use manifest::RetentionClass;
pub use manifest::Tombstone;
pub use search::Count;
pub use search::Explain;
pub use search::Histogram;
pub use search::Hit;
pub use search::Options;
pub use search::SearchResult;
pub use search::Searcher;
pub use search::Walk;
pub use search::Walking;
pub use shared::PartitionInfo;
pub use writer::HotWriter;

use crate::model::EventId;
use crate::model::Timestamp;
use crate::store::sealer::Sealer;
use crate::store::shared::Shared;

/// Limits of the store.
#[derive(Debug, Clone)]
pub struct Config {
    /// Events kept in memory before they are sealed.
    pub hot_events_max: u64,
    /// Bytes of memory that hot splits may take before they are sealed.
    pub hot_bytes_max: u64,
    /// Age of the oldest event in memory at which everything is sealed.
    pub hot_age_max: std::time::Duration,
    /// So many partitions of one class, day and size are merged into one.
    pub compaction_fan_in: usize,
    /// Events of a partition that is never merged again.
    pub partition_events_max: u64,
    /// Bytes of records that one search may return.
    pub result_bytes_max: usize,
    /// Memory that the groups and rows of one piped search may take.
    pub pipe_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            hot_events_max: 200_000,
            hot_bytes_max: 256 << 20,
            hot_age_max: std::time::Duration::from_secs(600),
            compaction_fan_in: 8,
            partition_events_max: 4_000_000,
            result_bytes_max: 64 << 20,
            pipe_bytes_max: 128 << 20,
        }
    }
}

/// What opening the store found.
#[derive(Debug, Default)]
pub struct StoreReport {
    /// Partitions that are open.
    pub partitions: usize,
    /// Events in them.
    pub events: u64,
    /// Partitions that the manifest names and that could not be opened: folder and reason. They stay where they are.
    pub damaged: Vec<(String, String)>,
    /// Leftovers of an interrupted seal that were removed.
    pub leftovers_removed: usize,
}

/// An open store. Cloning shares it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    sealer: Option<Arc<Sealer>>,
}

impl Store {
    /// Opens the store in a folder for writing, making it when there is none, and starts the sealing thread.
    ///
    /// # Errors
    /// When the folder cannot be used, another process writes to it, or its manifest cannot be read.
    pub fn open(folder: &Path, config: Config) -> Result<(Store, StoreReport), StoreError> {
        let (shared, report) = Shared::open(folder, config)?;
        let shared = Arc::new(shared);
        let sealer = Arc::new(Sealer::start(Arc::clone(&shared))?);
        Ok((Store { shared, sealer: Some(sealer) }, report))
    }

    /// Opens what is sealed for reading only, beside a running server or without one.
    ///
    /// # Errors
    /// When there is no store in the folder or its manifest cannot be read.
    pub fn open_read_only(folder: &Path, config: Config) -> Result<(Store, StoreReport), StoreError> {
        let (shared, report) = Shared::open_read_only(folder, config)?;
        Ok((Store { shared: Arc::new(shared), sealer: None }, report))
    }

    /// Returns the writer; the caller sees to it that there is only one.
    ///
    /// # Errors
    /// When the store was opened for reading only.
    pub fn writer(&self) -> Result<HotWriter, StoreError> {
        let sealer = self.sealer.as_ref().ok_or(StoreError::ReadOnly)?;
        Ok(HotWriter::new(Arc::clone(&self.shared), Arc::clone(sealer)))
    }

    /// Returns the id up to which every event is in a sealed partition: the WAL may forget up to here.
    pub fn checkpoint(&self) -> EventId {
        self.shared.checkpoint()
    }

    /// Returns a snapshot to search in.
    pub fn searcher(&self) -> Searcher {
        Searcher::new(self.shared.view(), self.shared.config.result_bytes_max)
    }

    /// Returns the limits the store was opened with.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Lists the sealed partitions, newest first.
    pub fn partitions(&self) -> Vec<PartitionInfo> {
        self.shared.partitions()
    }

    /// Lists the partitions that retention has deleted.
    pub fn tombstones(&self) -> Vec<Tombstone> {
        self.shared.manifest().tombstones
    }

    /// Lists the legal holds, in force and ended, oldest first.
    pub fn holds(&self) -> Vec<Hold> {
        self.shared.manifest().holds
    }

    /// Places a legal hold: what it covers is not deleted any more, whatever arrives of it later included.
    ///
    /// # Errors
    /// When it is not complete, its query cannot be read, there are too many, or the manifest cannot be written.
    pub fn place_hold(&self, wanted: NewHold, now: Timestamp) -> Result<Hold, HoldError> {
        self.shared.place_hold(wanted, now)
    }

    /// Lifts a legal hold; it stays listed with who lifted it and why.
    ///
    /// # Errors
    /// When no such hold is in force, there is no reason, or the manifest cannot be written.
    pub fn lift_hold(&self, number: u64, by: &str, why: &str, now: Timestamp) -> Result<Hold, HoldError> {
        self.shared.lift_hold(number, by, why, now)
    }

    /// Says what each class and day takes in each tier.
    pub fn tiers(&self) -> Vec<TierRow> {
        self.shared.tiers()
    }

    /// Returns the folder the store is in.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Rewrites the partitions of the days before `before` as archives, a tenth of their size; returns how many. `rest` is
    /// called after every chunk of work with the time it took, and returns false to stop.
    ///
    /// # Errors
    /// When a partition cannot be read or the archive not be written; the old partitions are there then.
    pub fn archive(
        &self,
        before: Timestamp,
        rest: &mut dyn FnMut(std::time::Duration) -> bool,
    ) -> Result<usize, StoreError> {
        self.archive_by(&|_| Some(before), rest)
    }

    /// Does as [`Store::archive`] with a time for each class; `None` leaves a class as it is.
    ///
    /// # Errors
    /// As [`Store::archive`].
    pub fn archive_by(
        &self,
        before: &dyn Fn(&RetentionClass) -> Option<Timestamp>,
        rest: &mut dyn FnMut(std::time::Duration) -> bool,
    ) -> Result<usize, StoreError> {
        if self.sealer.is_none() {
            return Err(StoreError::ReadOnly);
        }
        archive::archive_days(&self.shared, &|class| before(class).map(Timestamp::utc_day), rest)
    }

    /// Judges our own clock before something is deleted by it: whether it can be so late after what was believed last. Up to
    /// `jump_max` a server may have been switched off. What is believed is remembered.
    ///
    /// # Errors
    /// When the manifest cannot be written.
    pub fn judge_clock(&self, now: Timestamp, jump_max: std::time::Duration) -> Result<ClockState, StoreError> {
        self.shared.judge_clock(now, jump_max)
    }

    /// Deletes the partitions whose newest event was received longer ago than their class is kept; returns them.
    ///
    /// # Errors
    /// When the manifest cannot be written; nothing is deleted then.
    pub fn retain(&self, now: Timestamp, retention: &Retention) -> Result<Vec<Tombstone>, StoreError> {
        self.shared.retain(now, retention)
    }
}

#[cfg(test)]
mod tests;
