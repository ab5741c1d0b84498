//! For tests: what a power cut would leave of a folder on a real file system.
//!
//! It is told of each step that durability rests on, and remembers what was synced: the bytes of files and the names in
//! folders. An image is what is certain, and of everything else what chance leaves: sectors of files, names that were
//! given or taken. A rename is done or not. Nothing is taken for durable that POSIX does not promise.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use super::durable::Step;
use super::sim::Random;
use super::sim::survivors;

/// One file or folder, whatever it is called: inode numbers are used again, so its birth is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Id {
    inode: u64,
    born: Option<SystemTime>,
    is_folder: bool,
}

impl Id {
    fn of(path: &Path) -> io::Result<Id> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Id { inode: metadata.ino(), born: metadata.created().ok(), is_folder: metadata.is_dir() })
    }
}

type Names = BTreeMap<String, Id>;

/// What is durable below a folder.
#[derive(Debug)]
pub(crate) struct Platter {
    root: PathBuf,
    files: BTreeMap<Id, Vec<u8>>,
    folders: BTreeMap<Id, Names>,
    /// Files of which a sync failed: what was dirty is taken for clean and never reaches the disk.
    lost: BTreeSet<Id>,
}

impl Platter {
    /// Takes all that is in a folder for durable, as after a start.
    pub(crate) fn new(root: &Path) -> io::Result<Platter> {
        let mut platter =
            Platter { root: root.to_owned(), files: BTreeMap::new(), folders: BTreeMap::new(), lost: BTreeSet::new() };
        for (path, id) in tree(root)? {
            platter.keep(&path, id)?;
        }
        Ok(platter)
    }

    fn keep(&mut self, path: &Path, id: Id) -> io::Result<()> {
        if id.is_folder {
            self.folders.insert(id, names(path)?);
        } else if !self.lost.contains(&id) {
            self.files.insert(id, fs::read(path)?);
        }
        Ok(())
    }

    /// Remembers what a step that is about to succeed makes durable.
    pub(crate) fn done(&mut self, step: Step<'_>) -> io::Result<()> {
        match step {
            Step::SyncFile(path) | Step::SyncFolder(path) => self.keep(path, Id::of(path)?),
            // A file that is written anew is dirty again.
            Step::Create(path) if path.try_exists()? => {
                self.lost.remove(&Id::of(path)?);
                Ok(())
            }
            Step::Create(_) | Step::Rename(_) | Step::Remove(_) => Ok(()),
        }
    }

    /// Remembers that a step is about to fail.
    pub(crate) fn failed(&mut self, step: Step<'_>) -> io::Result<()> {
        if let Step::SyncFile(path) = step {
            self.lost.insert(Id::of(path)?);
        }
        Ok(())
    }

    /// Writes what a power cut now could leave into another folder.
    pub(crate) fn image(&self, random: &mut Random, into: &Path) -> io::Result<()> {
        let there: BTreeMap<Id, PathBuf> = tree(&self.root)?.into_iter().map(|(path, id)| (id, path)).collect();
        self.image_folder(Id::of(&self.root)?, &there, random, into)
    }

    fn image_folder(&self, id: Id, there: &BTreeMap<Id, PathBuf>, random: &mut Random, into: &Path) -> io::Result<()> {
        fs::create_dir_all(into)?;
        let synced = self.folders.get(&id).cloned().unwrap_or_default();
        let current = there.get(&id).map(|path| names(path)).transpose()?.unwrap_or_default();
        for (name, id) in survivors_of_names(random, &synced, &current) {
            let path = into.join(name);
            if id.is_folder {
                self.image_folder(id, there, random, &path)?;
            } else {
                let durable = self.files.get(&id).map(Vec::as_slice).unwrap_or_default();
                let content = match there.get(&id).filter(|_| !self.lost.contains(&id)) {
                    Some(path) => survivors(random, durable, &fs::read(path)?),
                    None => durable.to_vec(),
                };
                fs::write(&path, content)?;
                fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            }
        }
        Ok(())
    }
}

/// Everything below a folder, itself included.
fn tree(folder: &Path) -> io::Result<Vec<(PathBuf, Id)>> {
    let mut found = vec![(folder.to_owned(), Id::of(folder)?)];
    for (name, id) in names(folder)? {
        let path = folder.join(name);
        if id.is_folder { found.extend(tree(&path)?) } else { found.push((path, id)) }
    }
    Ok(found)
}

fn names(folder: &Path) -> io::Result<Names> {
    let mut names = Names::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // What another thread removes meanwhile is gone.
        if let Ok(id) = Id::of(&entry.path()) {
            names.insert(entry.file_name().to_string_lossy().into_owned(), id);
        }
    }
    Ok(names)
}

/// Decides which names are there: those that are certain, changed by all, none or some of what was done since.
fn survivors_of_names(random: &mut Random, synced: &Names, current: &Names) -> Names {
    let luck = random.below(4);
    let mut left = synced.clone();
    let old_name = |id: Id| synced.iter().find(|(_, old)| **old == id).map(|(name, _)| name);
    for (name, id) in current {
        if synced.get(name) == Some(id) || !survives(random, luck) {
            continue;
        }
        if let Some(from) = old_name(*id) {
            left.remove(from);
        }
        left.insert(name.clone(), *id);
    }
    for (name, id) in synced {
        let is_renamed = current.values().any(|there| there == id);
        if !current.contains_key(name) && !is_renamed && survives(random, luck) {
            left.remove(name);
        }
    }
    left
}

fn survives(random: &mut Random, luck: u64) -> bool {
    match luck {
        0 => true,
        1 => false,
        _ => random.one_in(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_is_there_and_nothing_else_is_certain() {
        let (folder, images) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let mut platter = Platter::new(folder.path()).expect("readable");
        let (sure, unsure) = (folder.path().join("sure"), folder.path().join("unsure"));
        fs::write(&sure, b"1").expect("written");
        platter.done(Step::SyncFile(&sure)).expect("synced");
        platter.done(Step::SyncFolder(folder.path())).expect("synced");
        fs::write(&unsure, vec![7; 2_000]).expect("written");
        let renamed = folder.path().join("renamed");
        fs::rename(&sure, &renamed).expect("renamed");
        let (mut kinds, mut lengths) = (BTreeSet::new(), BTreeSet::new());
        for seed in 0..60 {
            let image = images.path().join(seed.to_string());
            platter.image(&mut Random::new(seed), &image).expect("written");
            let there: Vec<String> = names(&image).expect("readable").into_keys().collect();
            let is_renamed = there.iter().any(|name| name == "renamed");
            let path = image.join(if is_renamed { "renamed" } else { "sure" });
            assert_eq!(fs::read(path).expect("there under one name"), b"1", "{there:?}");
            lengths.extend(fs::read(image.join("unsure")).ok().map(|content| content.len()));
            kinds.insert(there);
        }
        assert_eq!(kinds.len(), 4, "both names, each with and without the other file: {kinds:?}");
        assert!(lengths.len() > 5, "{lengths:?}");
    }
}
