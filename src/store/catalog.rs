//! What auditors need of the store: what the manifest says, and the raw bytes of one partition after the other.
//!
//! Nothing here believes the files: a partition whose bytes were changed is an error, never a panic.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;

use crate::model::EventId;
use crate::model::Timestamp;
use crate::store::PartitionInfo;
use crate::store::Tombstone;
use crate::store::checked;
use crate::store::checked::Checked;
use crate::store::error::StoreError;
use crate::store::manifest::MANIFEST;
use crate::store::manifest::Manifest;
use crate::store::manifest::Summary;
use crate::store::piece::Piece;
use crate::store::shared::info_of;

/// The manifest of a store, read without opening any partition.
#[derive(Debug, Clone)]
pub struct Catalog {
    pub path: PathBuf,
    /// What the manifest's own check says.
    pub check: Checked,
    /// Every event up to here is in a partition, or was.
    pub checkpoint: EventId,
    pub partitions: Vec<PartitionInfo>,
    pub tombstones: Vec<Tombstone>,
}

impl Catalog {
    /// Reads the manifest in a store's folder; `None` when there is no store.
    ///
    /// # Errors
    /// When it cannot be read or is of another format.
    pub fn read(folder: &Path) -> Result<Option<Catalog>, StoreError> {
        let Some(manifest) = Manifest::read(folder)? else { return Ok(None) };
        let path = folder.join(MANIFEST);
        let check = checked::check(&fs::read(&path).map_err(StoreError::io(&path))?);
        let partitions = manifest.partitions.into_iter().map(|entry| info_of(folder, entry)).collect();
        let Manifest { checkpoint, tombstones, .. } = manifest;
        Ok(Some(Catalog { path, check, checkpoint, partitions, tombstones }))
    }
}

/// Takes the id, the time of receipt and the bytes of an event; says whether to go on.
pub type VisitRaw<'v> = dyn FnMut(EventId, Timestamp, Result<&[u8], StoreError>) -> bool + 'v;

/// One partition, open for reading its raw bytes.
pub struct PartitionReader {
    piece: Piece,
}

impl PartitionReader {
    /// Opens a partition.
    ///
    /// # Errors
    /// When it cannot be opened or does not hold what the manifest says.
    pub fn open(info: &PartitionInfo) -> Result<PartitionReader, StoreError> {
        let summary = Summary {
            class: info.class.clone(),
            day: info.day,
            first_id: info.first_id,
            last_id: info.last_id,
            oldest_ns: info.oldest.0,
            newest_ns: info.newest.0,
            newest_ingested_ns: info.newest.0,
            events: info.events,
            bytes: info.bytes,
        };
        let name = info.folder.display().to_string();
        guarded(&name, || Piece::open(&info.folder, summary)).map(|piece| PartitionReader { piece })
    }

    /// Returns the ids of the events, ascending.
    ///
    /// # Errors
    /// When the column cannot be read.
    pub fn ids(&self) -> Result<Vec<EventId>, StoreError> {
        guarded("the ids", || {
            let mut ids: Vec<EventId> = (0..self.piece.count()).map(|doc| self.piece.id(doc)).collect();
            ids.sort_unstable();
            Ok(ids)
        })
    }

    /// Hands the raw bytes of every event to `visit`, in the order of the partition, with the time it was received; or
    /// why one cannot be read. Stops when `visit` returns false.
    ///
    /// # Errors
    /// When no record can be read at all.
    pub fn each_raw(&self, visit: &mut VisitRaw<'_>) -> Result<(), StoreError> {
        let records = guarded("the records", || self.piece.records())?;
        for doc in 0..self.piece.count() {
            let (id, received) = guarded("the columns", || Ok((self.piece.id(doc), self.piece.ingested(doc))))?;
            // Copied out, so that nothing that `visit` does is taken for damage.
            let read = guarded("a record", || {
                records.with(doc, |stored, _| stored.exact.unwrap_or(stored.event.raw.as_bytes()).to_vec())
            });
            let goes_on = match read {
                Ok(raw) => visit(id, received, Ok(&raw)),
                Err(err) => visit(id, received, Err(err)),
            };
            if !goes_on {
                break;
            }
        }
        Ok(())
    }
}

/// Runs code of the index library over files that may have been changed: what it panics about is damage.
pub(super) fn guarded<T>(what: &str, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(StoreError::Record(what.to_owned())))
}
