//! What can go wrong in the store.

use std::io;
use std::path::PathBuf;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    #[error("cannot use `{}`", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another process writes to the store in `{}`", .0.display())]
    Locked(PathBuf),
    #[error("the manifest `{}` cannot be read", path.display())]
    Manifest {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("`{}` holds partitions but no manifest; nothing was touched", .0.display())]
    ManifestMissing(PathBuf),
    #[error("the manifest `{}` is of format {format}, this program knows format 1", path.display())]
    Format { path: PathBuf, format: u32 },
    #[error("there is no store in `{}`", .0.display())]
    NoStore(PathBuf),
    #[error("the store is open for reading only")]
    ReadOnly,
    #[error("sealing failed: {0}")]
    SealFailed(String),
    #[error("the search was interrupted")]
    Interrupted,
    #[error("the index failed")]
    Index(#[from] tantivy::TantivyError),
    #[error("a stored record of partition `{0}` cannot be read")]
    Record(String),
}

impl StoreError {
    /// Wraps an I/O error with the path it happened at.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.into();
        move |source| StoreError::Io { path, source }
    }
}
