//! What the log needs of a disk: one flat folder of files that grow at their end.

pub(crate) mod durable;
#[cfg(test)]
pub(crate) mod platter;
#[cfg(test)]
pub(crate) mod power;
mod real;
pub mod sim;

pub use real::RealDisk;

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A folder of files. All names are plain file names.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Returns the names of all files, in no order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates a file that must not exist yet.
    ///
    /// # Errors
    /// When it exists or cannot be created.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for reading and cutting.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Removes a file; durable only after [`Disk::sync_folder`].
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes creations and removals durable.
    ///
    /// # Errors
    /// When the folder could not be synced.
    fn sync_folder(&self) -> io::Result<()>;

    /// Returns how many bytes can still be written.
    ///
    /// # Errors
    /// When the file system cannot tell.
    fn free_bytes(&self) -> io::Result<u64>;

    /// Takes the folder for this process until the guard is dropped.
    ///
    /// # Errors
    /// When another process has it, or the lock file cannot be written.
    fn lock(&self) -> Result<Box<dyn LockGuard>, LockError>;

    /// Returns a number nobody outside can guess, different at every call.
    fn salt(&self) -> u64;

    /// Returns how a file is called in messages to people.
    fn path_of(&self, name: &str) -> PathBuf;
}

/// One open file.
pub trait DiskFile: Send + fmt::Debug {
    /// Returns the present length in bytes.
    ///
    /// # Errors
    /// When the file system cannot tell.
    fn length(&self) -> io::Result<u64>;

    /// Reads from `offset`; returns how many bytes were read, 0 at the end.
    ///
    /// # Errors
    /// When the disk cannot read.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all bytes at `offset`; after an error any part of them may have been written.
    ///
    /// # Errors
    /// When not all could be written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file to `length` bytes.
    ///
    /// # Errors
    /// When it could not be cut.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Makes content and length durable. After an error the state of unsynced bytes is unknown for ever.
    ///
    /// # Errors
    /// When the disk did not confirm.
    fn sync(&mut self) -> io::Result<()>;
}

/// Holds the folder's lock while it lives.
pub trait LockGuard: Send + fmt::Debug {}

/// Why the folder could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// A running process has it; its id, where the lock file tells.
    #[error("in use by process {}", .0.map_or_else(|| "(unknown)".to_owned(), |pid| pid.to_string()))]
    Held(Option<u32>),
    #[error("the lock file cannot be used")]
    Io(#[from] io::Error),
}
