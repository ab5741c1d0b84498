//! The log's folder on a real file system.

use std::fs;
use std::fs::File;
use std::fs::TryLockError;
use std::hash::BuildHasher;
use std::hash::Hasher;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use crate::wal::disk::Disk;
use crate::wal::disk::DiskFile;
use crate::wal::disk::LockError;
use crate::wal::disk::LockGuard;
use crate::wal::disk::durable;

/// The file whose lock says that a process uses the folder.
const LOCK_NAME: &str = "lock";
/// Raw log lines are nobody else's business.
const FILE_MODE: u32 = 0o600;

/// A folder on a file system; created when missing.
#[derive(Debug)]
pub struct RealDisk {
    folder: PathBuf,
}

impl RealDisk {
    /// Uses `folder`, creating it, for good, when it is missing.
    ///
    /// # Errors
    /// When the folder cannot be created or is not a folder.
    pub fn new(folder: impl Into<PathBuf>) -> io::Result<RealDisk> {
        let folder = folder.into();
        durable::make_folders(&folder)?;
        // Fails early, and says so, where the folder may not be read.
        fs::read_dir(&folder)?;
        Ok(RealDisk { folder })
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            // A name that is not UTF-8 is not one of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let path = self.folder.join(name);
        let file = durable::create_new(&path, FILE_MODE)?;
        Ok(Box::new(RealFile { file, path }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let path = self.folder.join(name);
        let file = match File::options().read(true).write(true).open(&path) {
            // Who may only read can still replay; writing to it fails where it is tried.
            Err(err) if matches!(err.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
                File::open(&path)?
            }
            opened => opened?,
        };
        Ok(Box::new(RealFile { file, path }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        durable::remove_file(&self.folder.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        durable::sync_folder(&self.folder)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = nix::sys::statvfs::statvfs(&self.folder)?;
        // What an unprivileged process may use: the blocks kept for root do not count.
        Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
    }

    fn lock(&self) -> Result<Box<dyn LockGuard>, LockError> {
        let path = self.folder.join(LOCK_NAME);
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(read_pid(&mut file))),
            Err(TryLockError::Error(err)) => return Err(LockError::Io(err)),
        }
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Box::new(RealLock { _file: file }))
    }

    fn salt(&self) -> u64 {
        // The standard library seeds its hash maps from the system's random source.
        std::collections::hash_map::RandomState::new().build_hasher().finish()
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The lock ends with the process, however it ends: the kernel holds it, the pid inside only informs.
#[derive(Debug)]
struct RealLock {
    _file: File,
}

impl LockGuard for RealLock {}

#[derive(Debug)]
struct RealFile {
    file: File,
    path: PathBuf,
}

impl DiskFile for RealFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        durable::sync_file(&self.file, &self.path)
    }
}
