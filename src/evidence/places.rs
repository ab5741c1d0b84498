//! Where things lie in a data folder.

use std::path::Path;
use std::path::PathBuf;

use crate::evidence::log::note::Verifier;
use crate::model::Timestamp;

/// The paths of the evidence of a data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    data: PathBuf,
}

impl Places {
    /// Returns those of a data folder.
    pub fn of(data: &Path) -> Places {
        Places { data: data.to_owned() }
    }

    /// Returns the data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Returns the folder with everything: keys, logs, sums.
    pub fn folder(&self) -> PathBuf {
        self.data.join("evidence")
    }

    /// Returns the folder of the evidence log.
    pub fn log(&self) -> PathBuf {
        self.folder().join("log")
    }

    /// Returns the folder of the audit log.
    pub fn audit(&self) -> PathBuf {
        self.folder().join("audit")
    }

    /// Returns the folder with the sums of partitions.
    pub fn sums(&self) -> PathBuf {
        self.folder().join("sums")
    }

    /// Returns the file with the sums of a partition.
    pub fn sums_of(&self, partition: &str) -> PathBuf {
        self.sums().join(partition)
    }

    /// Returns where the last check that the server made is kept, for those who ask.
    pub fn verification(&self) -> PathBuf {
        self.folder().join("verification.json")
    }

    /// Returns where it is kept how the places for checkpoints stand.
    pub fn pushed(&self) -> PathBuf {
        self.folder().join("pushed.json")
    }

    /// Returns the store's folder.
    pub fn store(&self) -> PathBuf {
        self.data.join("store")
    }

    /// Returns the write-ahead log's folder.
    pub fn wal(&self) -> PathBuf {
        self.data.join("wal")
    }

    /// Returns the name of a log of this place: it is that of the first key for ever.
    pub fn origin(&self, verifiers: &[Verifier], newest: &Verifier, log: &str) -> String {
        format!("{}/{log}", verifiers.first().unwrap_or(newest).name())
    }
}

/// Returns when a log, by its folder, was last signed: when the newest file of checkpoints was written.
pub fn signed_at(log: &Path) -> Option<Timestamp> {
    let entries = std::fs::read_dir(log).ok()?.filter_map(Result::ok);
    let notes = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("checkpoints-"));
    let newest = notes.filter_map(|entry| entry.metadata().ok()?.modified().ok()).max()?;
    let since = newest.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok().map(Timestamp)
}
