//! The few operations that durability on a real file system rests on, each written once.
//!
//! What was written is there after a power cut when its file was synced, and found when each folder on the way to it was.
//! Tests watch these steps: they cut the power before each of them, or let it fail.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

/// Something that is about to be done to a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'p> {
    /// A file or folder gets a name.
    Create(&'p Path),
    Rename(&'p Path),
    Remove(&'p Path),
    SyncFile(&'p Path),
    SyncFolder(&'p Path),
}

#[cfg(not(test))]
fn about_to(_: Step<'_>) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use super::power::about_to;

/// Makes the folders on a path that are missing, each of them for good.
pub(crate) fn make_folders(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.try_exists()? {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_folders(parent)?;
    }
    match make_folder(path) {
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    sync_parent(path)
}

/// Makes a folder; it is there for good once the folder it stands in is synced.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    about_to(Step::Create(path))?;
    fs::create_dir(path)
}

/// Creates a file that must not exist yet, for reading and writing.
pub(crate) fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    about_to(Step::Create(path))?;
    File::options().read(true).write(true).create_new(true).mode(mode).open(path)
}

/// Gives something its name, in place of what has that name.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    about_to(Step::Rename(to))?;
    fs::rename(from, to)
}

/// Removes a file.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    about_to(Step::Remove(path))?;
    fs::remove_file(path)
}

/// Removes a folder with all that is in it.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    about_to(Step::Remove(path))?;
    fs::remove_dir_all(path)
}

/// Makes the bytes of a file durable. After an error nobody knows what is on the disk: the file must be written anew.
pub(crate) fn sync_file(file: &File, path: &Path) -> io::Result<()> {
    about_to(Step::SyncFile(path))?;
    file.sync_data()
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    about_to(Step::SyncFolder(path))?;
    File::open(path)?.sync_all()
}

/// Makes the name of something durable.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_folder(Path::new(".")),
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}

/// Makes all files of a folder and their names durable; returns their size.
pub(crate) fn sync_files(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let file = File::open(&path)?;
        sync_file(&file, &path)?;
        bytes += file.metadata()?.len();
    }
    sync_folder(folder)?;
    Ok(bytes)
}

/// Replaces a file, whole or not at all: written beside, synced, renamed.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    about_to(Step::Create(&beside))?;
    let mut file = File::options().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    sync_file(&file, &beside)?;
    rename(&beside, path)?;
    sync_parent(path)
}
