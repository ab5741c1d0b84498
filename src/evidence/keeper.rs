//! Keeps the evidence log beside the store: looks at what is sealed, and writes down what the log does not say yet.
//!
//! It compares and does not listen: whatever was missed by a crash, the next look finds. A partition merged or rewritten
//! from others has the ids of known units, and only says which; ids that no unit covers become a new one. So a unit is
//! written once, from the first partition its records are in, and every later form of them must give the same root.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::evidence::entry::Deleted;
use crate::evidence::entry::Entry;
use crate::evidence::entry::Partition;
use crate::evidence::entry::RecordHash;
use crate::evidence::entry::Unit;
use crate::evidence::entry::record_hash;
use crate::evidence::entry::unit_hashes;
use crate::evidence::key;
use crate::evidence::key::KeyError;
use crate::evidence::ledger::Ledger;
use crate::evidence::log::LogError;
use crate::evidence::log::Recovered;
use crate::evidence::log::SignedLog;
use crate::evidence::log::merkle::hex;
use crate::evidence::log::merkle::sha256;
use crate::evidence::log::note::Signer;
use crate::evidence::places::Places;
use crate::evidence::sums::Sums;
use crate::store::Catalog;
use crate::store::PartitionInfo;
use crate::store::PartitionReader;
use crate::store::StoreError;
use crate::store::Tombstone;
use crate::wal::disk::Disk;
use crate::wal::disk::RealDisk;
use crate::wal::disk::durable;

/// Why the evidence could not be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    #[error("the key of the evidence")]
    Key(#[from] KeyError),
    #[error("the evidence log")]
    Log(#[from] LogError),
    #[error("the store")]
    Store(#[from] StoreError),
    #[error("cannot use `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// What is signed and where; shared by everybody who adds to one of the logs.
#[derive(Debug, Clone)]
pub struct Keeper {
    places: Places,
    signer: Arc<Signer>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug)]
struct Kept {
    log: SignedLog,
    ledger: Ledger,
}

/// What a look at the store added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Added {
    pub units: usize,
    pub partitions: usize,
    pub deletions: usize,
    /// Partitions that could not be read: they are left for the next look.
    pub unreadable: usize,
}

impl Keeper {
    /// Opens or begins the evidence of a data folder.
    ///
    /// # Errors
    /// When key or log cannot be used; a log that is not what was signed is not gone on with.
    pub fn open(data: &Path) -> Result<(Keeper, Recovered), KeepError> {
        let places = Places::of(data);
        let signer = Arc::new(key::signer(&places.folder())?);
        let disk = RealDisk::new(places.log()).map_err(io_at(&places.log()))?;
        durable::make_folders(&places.sums()).map_err(io_at(&places.sums()))?;
        Keeper::on_disk(places, signer, Arc::new(disk))
    }

    fn on_disk(places: Places, signer: Arc<Signer>, disk: Arc<dyn Disk>) -> Result<(Keeper, Recovered), KeepError> {
        let verifiers = match key::verifiers(&places.folder())? {
            known if known.is_empty() => vec![signer.verifier().clone()],
            known => known,
        };
        let origin = places.origin(&verifiers, signer.verifier(), "evidence");
        let mut ledger = Ledger::default();
        let (log, recovered) =
            SignedLog::open(disk, &origin, &verifiers, &mut |number, entry| ledger.take(number, entry))?;
        let keeper = Keeper { places, signer, kept: Arc::new(Mutex::new(Kept { log, ledger })) };
        keeper.announce_key()?;
        Ok((keeper, recovered))
    }

    /// The first entry names the key, and so does one after each change of it.
    fn announce_key(&self) -> Result<(), KeepError> {
        let mut kept = self.kept();
        let key = self.signer.verifier().to_string();
        if kept.ledger.keys.last() != Some(&key) {
            kept.add(vec![Entry::Key { key }])?;
            kept.log.sign(&self.signer)?;
        }
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where things lie.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Returns the key.
    pub fn signer(&self) -> &Arc<Signer> {
        &self.signer
    }

    /// Returns what the log says so far.
    pub fn ledger(&self) -> Ledger {
        self.kept().ledger.clone()
    }

    /// Runs something on the log.
    pub fn with_log<R>(&self, work: impl FnOnce(&mut SignedLog) -> R) -> R {
        work(&mut self.kept().log)
    }

    /// Signs the log when something was added since the last checkpoint; returns the last checkpoint.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub fn sign(&self) -> Result<String, KeepError> {
        Ok(self.kept().log.sign(&self.signer)?)
    }

    /// Compares the store with the log, writes down what is new, and signs.
    ///
    /// # Errors
    /// When the log cannot be written. A partition that cannot be read is no error: it is counted.
    pub fn look(&self, partitions: &[PartitionInfo], tombstones: &[Tombstone]) -> Result<Added, KeepError> {
        let mut kept = self.kept();
        let mut added = Added::default();
        for info in partitions {
            let Some(name) = name_of(&info.folder) else { continue };
            if kept.ledger.partitions.contains_key(&name) {
                continue;
            }
            let Some(units) = self.entries_of(&kept, info, &name, &mut added)? else { continue };
            added.units += units.new.len();
            added.partitions += 1;
            let first = kept.log.size();
            let numbers = units.known.into_iter().chain(first..first + units.new.len() as u64);
            let partition = Partition { folder: name, events: info.events, units: numbers.collect(), sums: units.sums };
            let entries = units.new.into_iter().map(Entry::Unit).chain([Entry::Partition(partition)]);
            kept.add(entries.collect())?;
        }
        for tombstone in tombstones {
            if !kept.ledger.deleted.contains_key(&tombstone.folder) {
                let deleted = deleted_of(&kept.ledger, tombstone, partitions);
                kept.add(vec![Entry::Deleted(deleted)])?;
                added.deletions += 1;
            }
        }
        kept.log.sign(&self.signer)?;
        self.tidy_sums(partitions);
        Ok(added)
    }

    /// Compares a store that no server runs on with the log.
    ///
    /// # Errors
    /// As [`Keeper::look`].
    pub fn look_at_folder(&self, store: &Path) -> Result<Added, KeepError> {
        match Catalog::read(store)? {
            None => Ok(Added::default()),
            Some(catalog) => self.look(&catalog.partitions, &catalog.tombstones),
        }
    }

    /// Works out what is to be said of a partition; `None` when it cannot be read, or is gone again.
    fn entries_of(
        &self,
        kept: &Kept,
        info: &PartitionInfo,
        name: &str,
        added: &mut Added,
    ) -> Result<Option<NewPartition>, KeepError> {
        let read = PartitionReader::open(info).and_then(|reader| {
            let split = kept.ledger.split(info, &reader.ids()?);
            let new = new_units(info, &reader, &split.unknown)?;
            Ok((split, new))
        });
        let (split, new) = match read {
            Ok(read) => read,
            Err(error) => {
                // A partition merged away meanwhile is not damage; one that is still there is told of by the verifier.
                if info.folder.try_exists().unwrap_or(true) {
                    tracing::error!(partition = name, %error, "a partition cannot be read, so nothing can be proven of it");
                    added.unreadable += 1;
                }
                return Ok(None);
            }
        };
        let Ok(sums) = Sums::of_folder(&info.folder) else { return Ok(None) };
        let bytes = sums.to_bytes();
        let path = self.places.sums_of(name);
        durable::write_whole(&path, &bytes, 0o640).map_err(io_at(&path))?;
        let mut known = split.whole;
        known.extend(split.partial.iter().map(|(number, _)| *number));
        Ok(Some(NewPartition { known, new, sums: hex(&sha256(&bytes)) }))
    }

    /// Removes the sums of partitions that are no more.
    fn tidy_sums(&self, partitions: &[PartitionInfo]) {
        let Ok(entries) = fs::read_dir(self.places.sums()) else { return };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_used = partitions.iter().any(|info| name_of(&info.folder).as_ref() == Some(&name));
            if !is_used && let Err(error) = fs::remove_file(entry.path()) {
                tracing::warn!(%error, name, "the sums of a partition that is no more were not removed");
            }
        }
    }
}

impl Kept {
    fn add(&mut self, entries: Vec<Entry>) -> Result<(), LogError> {
        let first = self.log.append(entries.iter().map(Entry::members).collect())?;
        for (number, entry) in (first..).zip(entries) {
            self.ledger.add(number, entry);
        }
        Ok(())
    }
}

struct NewPartition {
    known: Vec<u64>,
    new: Vec<Unit>,
    sums: String,
}

/// Makes a unit of each run of ids.
fn new_units(
    info: &PartitionInfo,
    reader: &PartitionReader,
    runs: &[Vec<crate::model::EventId>],
) -> Result<Vec<Unit>, StoreError> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let mut records = Vec::new();
    let mut failed = None;
    reader.each_raw(&mut |id, received, raw| {
        match raw {
            Ok(raw) => records.push(RecordHash { id, received, hash: record_hash(id, received, raw) }),
            Err(err) => failed = Some(err),
        }
        failed.is_none()
    })?;
    if let Some(err) = failed {
        return Err(err);
    }
    records.sort_unstable_by_key(|record| record.id);
    let unit_of_run = |run: &Vec<crate::model::EventId>| {
        let (first, last) = (run.first()?, run.last()?);
        let start = records.partition_point(|record| record.id < *first);
        let end = records.partition_point(|record| record.id <= *last);
        unit_of(info, records.get(start..end)?)
    };
    Ok(runs.iter().filter_map(unit_of_run).collect())
}

fn unit_of(info: &PartitionInfo, records: &[RecordHash]) -> Option<Unit> {
    let (first, last) = (records.first()?, records.last()?);
    let hashes = unit_hashes(records);
    Some(Unit {
        class: info.class.as_str().to_owned(),
        day: info.day,
        first_id: first.id.0,
        last_id: last.id.0,
        records: records.len() as u64,
        received_from: records.iter().map(|record| record.received.0).min()?,
        received_until: records.iter().map(|record| record.received.0).max()?,
        event_from: info.oldest.0,
        event_until: info.newest.0,
        root: hashes.root,
        sha256: hashes.sha256,
    })
}

fn deleted_of(ledger: &Ledger, tombstone: &Tombstone, there: &[PartitionInfo]) -> Deleted {
    Deleted {
        folder: tombstone.folder.clone(),
        class: tombstone.class.as_str().to_owned(),
        first_id: tombstone.first_id.0,
        last_id: tombstone.last_id.0,
        events: tombstone.events,
        units: ledger.units_of(tombstone, there),
        deleted: tombstone.deleted_ns,
    }
}

/// The last part of a partition's path.
pub(super) fn name_of(folder: &Path) -> Option<String> {
    folder.file_name().map(|name| name.to_string_lossy().into_owned())
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> KeepError {
    let path = path.to_owned();
    move |source| KeepError::Io { path, source }
}
