//! The writer of a log: entries are synced when `append` returns, a checkpoint is synced before anybody sees it.
//!
//! However the program ends, what was signed is never contradicted: at the next start the entries must give the root
//! of the last checkpoint, and the log goes on from there. Entries after it that are whole are kept, a torn one is cut off.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;

use crate::evidence::log::checkpoint::Checkpoint;
use crate::evidence::log::files;
use crate::evidence::log::files::CHECKPOINTS;
use crate::evidence::log::files::ENTRIES;
use crate::evidence::log::files::ENTRIES_A_BUNDLE;
use crate::evidence::log::files::entry_of;
use crate::evidence::log::merkle::Frontier;
use crate::evidence::log::merkle::Hash;
use crate::evidence::log::merkle::leaf_hash;
use crate::evidence::log::note::Signer;
use crate::evidence::log::note::Verifier;
use crate::wal::disk::Disk;
use crate::wal::disk::DiskFile;
use crate::wal::disk::LockError;
use crate::wal::disk::LockGuard;

/// Checkpoints in one file; the file before it is kept, older ones go.
const CHECKPOINTS_A_FILE: u64 = 4096;
/// The length of an entry must fit two bytes.
const ENTRY_BYTES_MAX: usize = 65_535;

/// Why a log cannot be opened or added to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    #[error("cannot use `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the log is in use")]
    Locked(#[from] LockError),
    #[error("`{}` is damaged at byte {offset}: {what}", path.display())]
    Damaged { path: PathBuf, offset: u64, what: String },
    #[error("the last checkpoint is signed over {signed} entries, and {found} are there")]
    Shorter { signed: u64, found: u64 },
    #[error("the entries are not those the last checkpoint, of size {0}, was signed over")]
    Contradicted(u64),
    #[error("an entry of {0} bytes is too long for the log")]
    TooLong(usize),
    #[error(
        "an earlier write failed; nobody knows what is on the disk, so nothing more is written until the next start"
    )]
    Stopped,
}

/// What opening found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Entries there are.
    pub entries: u64,
    /// Bytes of an unfinished entry that were cut off.
    pub torn_bytes: u64,
}

/// A log open for writing.
#[derive(Debug)]
pub struct SignedLog {
    disk: Arc<dyn Disk>,
    origin: String,
    hashes: Vec<Hash>,
    frontier: Frontier,
    entries: Growing,
    notes: Growing,
    /// The last signed checkpoint and the size it is of.
    last: Option<(u64, String)>,
    is_stopped: bool,
    _lock: Box<dyn LockGuard>,
}

/// The file that grows.
#[derive(Debug, Default)]
struct Growing {
    number: u64,
    file: Option<Box<dyn DiskFile>>,
    bytes: u64,
    items: u64,
}

impl SignedLog {
    /// Opens or begins the log on a disk, and hands every entry there is to `visit`, in order.
    ///
    /// # Errors
    /// When the disk fails, another process has the log, or it is not what was signed; nothing was changed then.
    pub fn open(
        disk: Arc<dyn Disk>,
        origin: &str,
        keys: &[Verifier],
        visit: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<(SignedLog, Recovered), LogError> {
        let lock = disk.lock()?;
        let mut log = SignedLog {
            disk,
            origin: origin.to_owned(),
            hashes: Vec::new(),
            frontier: Frontier::default(),
            entries: Growing::default(),
            notes: Growing::default(),
            last: None,
            is_stopped: false,
            _lock: lock,
        };
        let good_bytes = log.read_entries(visit)?;
        log.read_last_note(keys)?;
        log.compare()?;
        let torn_bytes = log.settle(good_bytes)?;
        let entries = log.size();
        Ok((log, Recovered { entries, torn_bytes }))
    }

    /// Reads all entries; returns how many bytes of the last file are good.
    fn read_entries(&mut self, visit: &mut dyn FnMut(u64, &[u8])) -> Result<u64, LogError> {
        let numbers = files::numbers(&*self.disk, ENTRIES).map_err(|err| self.io("", err))?;
        let mut good_bytes = 0;
        for (index, number) in numbers.iter().enumerate() {
            let name = files::name_of(ENTRIES, *number);
            let bytes = files::read_file(&*self.disk, &name).map_err(|err| self.io(&name, err))?;
            let bundle = files::read_bundle(number.saturating_mul(ENTRIES_A_BUNDLE), &bytes);
            let is_last = index + 1 == numbers.len();
            let is_whole = bundle.fault.is_none() && bundle.entries.len() as u64 == ENTRIES_A_BUNDLE;
            if *number != index as u64 || (!is_last && !is_whole) || bundle.entries.len() as u64 > ENTRIES_A_BUNDLE {
                let what = ("entries are missing", "thiếu mục").into();
                let fault = bundle.fault.unwrap_or(files::Fault { offset: bundle.good_bytes, what });
                return Err(LogError::Damaged {
                    path: self.disk.path_of(&name),
                    offset: fault.offset,
                    what: fault.what.english,
                });
            }
            for (entry, number) in bundle.entries.iter().zip(bundle.first..) {
                self.take(entry);
                visit(number, entry);
            }
            good_bytes = bundle.good_bytes;
            self.entries =
                Growing { number: *number, file: None, bytes: good_bytes, items: bundle.entries.len() as u64 };
        }
        Ok(good_bytes)
    }

    fn take(&mut self, entry: &[u8]) {
        let hash = leaf_hash(entry);
        self.hashes.push(hash);
        self.frontier.push(hash);
    }

    /// Finds the newest checkpoint that is signed with one of the keys.
    fn read_last_note(&mut self, keys: &[Verifier]) -> Result<(), LogError> {
        let numbers = files::numbers(&*self.disk, CHECKPOINTS).map_err(|err| self.io("", err))?;
        for number in numbers.iter().rev() {
            let name = files::name_of(CHECKPOINTS, *number);
            let bytes = files::read_file(&*self.disk, &name).map_err(|err| self.io(&name, err))?;
            let notes = files::note_offsets(&bytes);
            if Some(number) == numbers.last() {
                let good = notes.last().map_or(0, |(offset, note)| offset + note.len() as u64 + 1);
                self.notes = Growing { number: *number, file: None, bytes: good, items: notes.len() as u64 };
            }
            let opened = notes.into_iter().rev().find_map(|(_, note)| {
                let checkpoint = keys.iter().find_map(|key| Checkpoint::open(&note, key).ok())?;
                (checkpoint.origin == self.origin).then_some((checkpoint.size, note))
            });
            if opened.is_some() {
                self.last = opened;
                return Ok(());
            }
        }
        Ok(())
    }

    /// The entries must be those that were signed, and may go on after them.
    fn compare(&self) -> Result<(), LogError> {
        let Some((signed, note)) = &self.last else { return Ok(()) };
        let found = self.size();
        let Some(covered) = usize::try_from(*signed).ok().and_then(|signed| self.hashes.get(..signed)) else {
            return Err(LogError::Shorter { signed: *signed, found });
        };
        let mut frontier = Frontier::default();
        covered.iter().for_each(|hash| frontier.push(*hash));
        let is_same = Checkpoint::parse(note).is_some_and(|checkpoint| checkpoint.root == frontier.root());
        if is_same { Ok(()) } else { Err(LogError::Contradicted(*signed)) }
    }

    /// Cuts off what is unfinished, and makes durable what will be built upon.
    ///
    /// It is written once more before the sync: after a sync that failed the kernel takes the pages for clean, and they can
    /// be read until the power goes.
    fn settle(&mut self, good_bytes: u64) -> Result<u64, LogError> {
        let mut torn_bytes = 0;
        for (prefix, good) in [(ENTRIES, good_bytes), (CHECKPOINTS, self.notes.bytes)] {
            let number = if prefix == ENTRIES { self.entries.number } else { self.notes.number };
            let name = files::name_of(prefix, number);
            let Ok(mut file) = self.disk.open(&name) else { continue };
            let settled = file.length().and_then(|length| {
                if length > good {
                    file.cut(good)?;
                }
                let bytes = files::read_file(&*self.disk, &name)?;
                file.write_at(0, &bytes)?;
                file.sync()?;
                Ok(length.saturating_sub(good))
            });
            torn_bytes += settled.map_err(|err| self.io(&name, err))?;
            let growing = if prefix == ENTRIES { &mut self.entries } else { &mut self.notes };
            growing.file = Some(file);
        }
        self.disk.sync_folder().map_err(|err| self.io("", err))?;
        Ok(torn_bytes)
    }

    /// Returns how many entries there are.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Returns the hashes of the entries.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Returns the last signed checkpoint, and the size of the log it is of.
    pub fn last_signed(&self) -> Option<(u64, &str)> {
        self.last.as_ref().map(|(size, note)| (*size, note.as_str()))
    }

    /// Returns the log's name in its checkpoints.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the disk the log is on.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Adds entries; when it returns, they are durable. Returns the number of the first.
    ///
    /// # Errors
    /// When an entry is too long, or they could not be made durable: then nothing more can be added until the log is opened again.
    pub fn append(&mut self, entries: Vec<Map<String, Value>>) -> Result<u64, LogError> {
        if self.is_stopped {
            return Err(LogError::Stopped);
        }
        let first = self.size();
        let numbered = entries.into_iter().zip(first..).map(|(members, number)| entry_of(number, members));
        let entries: Vec<Vec<u8>> = numbered.collect();
        if let Some(long) = entries.iter().find(|entry| entry.len() > ENTRY_BYTES_MAX) {
            return Err(LogError::TooLong(long.len()));
        }
        self.is_stopped = true;
        let mut rest = entries.as_slice();
        while !rest.is_empty() {
            let room = usize::try_from(ENTRIES_A_BUNDLE - self.entries.items.min(ENTRIES_A_BUNDLE)).unwrap_or(0);
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.write_entries(now)?;
            rest = later;
            if self.entries.items >= ENTRIES_A_BUNDLE {
                self.entries = Growing { number: self.entries.number + 1, ..Growing::default() };
            }
        }
        self.is_stopped = false;
        entries.iter().for_each(|entry| self.take(entry));
        Ok(first)
    }

    fn write_entries(&mut self, entries: &[Vec<u8>]) -> Result<(), LogError> {
        let mut bytes = Vec::new();
        for entry in entries {
            let length = u16::try_from(entry.len()).map_err(|_| LogError::TooLong(entry.len()))?;
            bytes.extend(length.to_be_bytes());
            bytes.extend(entry);
        }
        let name = files::name_of(ENTRIES, self.entries.number);
        let done = self.entries.write(&*self.disk, &name, &bytes, entries.len() as u64);
        done.map_err(|err| self.io(&name, err))
    }

    /// Signs the log as it is and makes the checkpoint durable; when nothing was added since the last one, returns that.
    ///
    /// # Errors
    /// As [`SignedLog::append`].
    pub fn sign(&mut self, signer: &Signer) -> Result<String, LogError> {
        // A new key signs anew also what has not grown.
        if let Some((size, note)) = &self.last
            && *size == self.size()
            && signer.verifier().open(note).is_ok()
        {
            return Ok(note.clone());
        }
        if self.is_stopped {
            return Err(LogError::Stopped);
        }
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: self.size(), root: self.frontier.root() };
        let note = checkpoint.signed(signer);
        self.is_stopped = true;
        if self.notes.items >= CHECKPOINTS_A_FILE {
            self.notes = Growing { number: self.notes.number + 1, ..Growing::default() };
        }
        let name = files::name_of(CHECKPOINTS, self.notes.number);
        let done = self.notes.write(&*self.disk, &name, format!("{note}\n").as_bytes(), 1);
        done.and_then(|()| self.forget_old_notes()).map_err(|err| self.io(&name, err))?;
        self.is_stopped = false;
        self.last = Some((checkpoint.size, note.clone()));
        Ok(note)
    }

    fn forget_old_notes(&self) -> io::Result<()> {
        if self.notes.items != 1 {
            return Ok(());
        }
        for number in files::numbers(&*self.disk, CHECKPOINTS)? {
            if number + 1 < self.notes.number {
                self.disk.remove(&files::name_of(CHECKPOINTS, number))?;
            }
        }
        Ok(())
    }

    fn io(&self, name: &str, source: io::Error) -> LogError {
        LogError::Io { path: self.disk.path_of(name), source }
    }
}

impl Growing {
    fn write(&mut self, disk: &dyn Disk, name: &str, bytes: &[u8], items: u64) -> io::Result<()> {
        let is_new = self.file.is_none();
        let file = match &mut self.file {
            Some(file) => file,
            empty => empty.insert(disk.create(name)?),
        };
        file.write_at(self.bytes, bytes)?;
        file.sync()?;
        if is_new {
            disk.sync_folder()?;
        }
        self.bytes += bytes.len() as u64;
        self.items += items;
        Ok(())
    }
}
