//! The list of sealed partitions and the checkpoint: one JSON file, always written whole.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use crate::model::EventId;
use crate::model::Timestamp;
use crate::store::checked::with_check;
use crate::store::error::StoreError;
use crate::store::keeping::hold::Hold;
use crate::wal::disk::durable;

/// The file's name in the store's folder.
pub(super) const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;
const FILE_MODE: u32 = 0o644;

/// Events of one class are kept equally long. Lower-case letters, digits and `_` only: it is part of folder names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RetentionClass(String);

impl RetentionClass {
    /// Takes a name; characters that cannot stand in a folder name become `_`.
    pub fn new(name: &str) -> RetentionClass {
        let clean = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        let name: String = name.chars().take(32).map(clean).collect();
        RetentionClass(if name.is_empty() { "standard".to_owned() } else { name })
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for RetentionClass {
    fn default() -> RetentionClass {
        RetentionClass("standard".to_owned())
    }
}

impl fmt::Display for RetentionClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What events share a partition: their class and, but for wild clocks, their UTC day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) class: RetentionClass,
    pub(super) day: i32,
}

/// What is known of a split or partition without opening it. The bounds are those of its events, both included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Summary {
    pub(super) class: RetentionClass,
    /// Days since 1970-01-01.
    pub(super) day: i32,
    pub(super) first_id: EventId,
    pub(super) last_id: EventId,
    pub(super) oldest_ns: i64,
    pub(super) newest_ns: i64,
    /// When the newest of its events was received, by our own clock: retention counts from here.
    pub(super) newest_ingested_ns: i64,
    pub(super) events: u64,
    /// On disk, or in memory for a split.
    pub(super) bytes: u64,
}

impl Summary {
    pub(super) fn key(&self) -> Key {
        Key { class: self.class.clone(), day: self.day }
    }

    /// Says whether an event of a span of time, `until` left out, can be in it.
    pub(super) fn touches(&self, since: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        since.is_none_or(|since| self.newest_ns >= since.0) && until.is_none_or(|until| self.oldest_ns < until.0)
    }

    /// Returns the summary of several of the same key taken together; `None` of none.
    pub(super) fn of_all<'s>(summaries: impl IntoIterator<Item = &'s Summary>) -> Option<Summary> {
        summaries.into_iter().cloned().reduce(|left, right| Summary {
            first_id: left.first_id.min(right.first_id),
            last_id: left.last_id.max(right.last_id),
            oldest_ns: left.oldest_ns.min(right.oldest_ns),
            newest_ns: left.newest_ns.max(right.newest_ns),
            newest_ingested_ns: left.newest_ingested_ns.max(right.newest_ingested_ns),
            events: left.events + right.events,
            bytes: left.bytes + right.bytes,
            class: left.class,
            day: left.day,
        })
    }
}

/// A sealed partition, as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartitionEntry {
    pub(super) folder: String,
    #[serde(flatten)]
    pub(super) summary: Summary,
}

/// What is left of a partition that retention deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    pub folder: String,
    pub class: RetentionClass,
    pub first_id: EventId,
    pub last_id: EventId,
    pub oldest_ns: i64,
    pub newest_ns: i64,
    /// When the newest of its events was received.
    #[serde(default)]
    pub received_ns: i64,
    pub events: u64,
    #[serde(default)]
    pub bytes: u64,
    pub deleted_ns: i64,
    #[serde(default)]
    pub why: String,
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// Every event with this id or a lower one is in a partition listed here (or was, until retention).
    pub(super) checkpoint: EventId,
    /// The number of the next folder; never used twice.
    pub(super) next_folder: u64,
    pub(super) partitions: Vec<PartitionEntry>,
    #[serde(default)]
    pub(super) tombstones: Vec<Tombstone>,
    /// Holds in force and ended ones.
    #[serde(default)]
    pub(super) holds: Vec<Hold>,
    /// The number given last.
    #[serde(default)]
    pub(super) last_hold: u64,
    /// The newest time of our own clock that was believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) clock_ns: Option<i64>,
}

impl Default for Manifest {
    fn default() -> Manifest {
        Manifest {
            format: FORMAT,
            checkpoint: EventId::ZERO,
            next_folder: 1,
            partitions: Vec::new(),
            tombstones: Vec::new(),
            holds: Vec::new(),
            last_hold: 0,
            clock_ns: None,
        }
    }
}

impl Manifest {
    /// Reads the manifest of a store; `None` when there is none.
    pub(super) fn read(folder: &Path) -> Result<Option<Manifest>, StoreError> {
        let path = folder.join(MANIFEST);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(StoreError::io(path)(err)),
        };
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|source| StoreError::Manifest { path: path.clone(), source })?;
        if manifest.format != FORMAT {
            return Err(StoreError::Format { path, format: manifest.format });
        }
        Ok(Some(manifest))
    }

    /// Replaces the manifest on disk, whole or not at all.
    pub(super) fn write(&self, folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(MANIFEST);
        let bytes =
            serde_json::to_vec_pretty(self).map_err(|source| StoreError::Manifest { path: path.clone(), source })?;
        durable::write_whole(&path, &with_check(bytes), FILE_MODE).map_err(StoreError::io(path))
    }
}
