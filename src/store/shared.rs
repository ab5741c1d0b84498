//! What writer, sealer and searchers share: the manifest, and the view that is swapped whole.

use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::model::EventId;
use crate::model::Timestamp;
use crate::store::Config;
use crate::store::StoreReport;
use crate::store::catalog::guarded;
use crate::store::error::StoreError;
use crate::store::keeping::clock::Believed;
use crate::store::manifest::Manifest;
use crate::store::manifest::PartitionEntry;
use crate::store::manifest::RetentionClass;
use crate::store::manifest::Summary;
use crate::store::piece::Piece;
use crate::wal::disk::durable;

/// The folder of the partitions within the store's.
const PARTITIONS: &str = "partitions";
/// Begins the name of a partition that is being written.
const UNFINISHED: &str = "new-";
/// A running server may replace partitions while they are being opened; then the manifest is read again.
const READ_ATTEMPTS: usize = 5;

/// A snapshot of all that can be searched. Every event is in exactly one of its pieces.
#[derive(Clone, Default)]
pub(super) struct View {
    pub(super) hot: Vec<Arc<Piece>>,
    pub(super) sealed: Vec<Arc<Piece>>,
}

struct State {
    manifest: Manifest,
    view: Arc<View>,
}

/// The heart of the store.
pub(super) struct Shared {
    pub(super) folder: PathBuf,
    pub(super) config: Config,
    state: Mutex<State>,
    /// Held while changing the manifest on disk, so that `state` need not be: searches never wait for the disk.
    changing: Mutex<()>,
    /// Held while partitions are chosen and replaced by others of the same events.
    pub(super) rewriting: Mutex<()>,
    believed: Mutex<Option<Believed>>,
    /// Held open: the lock ends with the file.
    _lock: Option<File>,
}

/// What a caller may know of a sealed partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionInfo {
    pub folder: PathBuf,
    pub class: RetentionClass,
    /// Days since 1970-01-01.
    pub day: i32,
    pub first_id: EventId,
    pub last_id: EventId,
    pub oldest: Timestamp,
    pub newest: Timestamp,
    pub events: u64,
    pub bytes: u64,
}

impl Shared {
    pub(super) fn open(folder: &Path, config: Config) -> Result<(Shared, StoreReport), StoreError> {
        let partitions = folder.join(PARTITIONS);
        durable::make_folders(&partitions).map_err(StoreError::io(&partitions))?;
        let lock_path = folder.join("lock");
        let lock = File::options().create(true).append(true).open(&lock_path).map_err(StoreError::io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(StoreError::Locked(folder.to_owned())),
            Err(fs::TryLockError::Error(err)) => return Err(StoreError::io(lock_path)(err)),
        }
        let manifest = match Manifest::read(folder)? {
            Some(manifest) => manifest,
            None => {
                refuse_orphans(&partitions)?;
                let manifest = Manifest::default();
                manifest.write(folder)?;
                manifest
            }
        };
        let leftovers_removed = remove_leftovers(&partitions, &manifest)?;
        let (sealed, mut report) = open_partitions(folder, &manifest);
        report.leftovers_removed = leftovers_removed;
        Ok((Shared::new(folder, config, manifest, sealed, Some(lock)), report))
    }

    pub(super) fn open_read_only(folder: &Path, config: Config) -> Result<(Shared, StoreReport), StoreError> {
        let mut attempt = 1;
        loop {
            let manifest = Manifest::read(folder)?.ok_or_else(|| StoreError::NoStore(folder.to_owned()))?;
            let (sealed, report) = open_partitions(folder, &manifest);
            let is_settled = report.damaged.is_empty() || Manifest::read(folder)?.as_ref() == Some(&manifest);
            if is_settled || attempt == READ_ATTEMPTS {
                return Ok((Shared::new(folder, config, manifest, sealed, None), report));
            }
            attempt += 1;
        }
    }

    fn new(folder: &Path, config: Config, manifest: Manifest, sealed: Vec<Arc<Piece>>, lock: Option<File>) -> Shared {
        let view = Arc::new(View { hot: Vec::new(), sealed });
        let state = Mutex::new(State { manifest, view });
        Shared {
            folder: folder.to_owned(),
            config,
            state,
            changing: Mutex::new(()),
            rewriting: Mutex::new(()),
            believed: Mutex::new(None),
            _lock: lock,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time of our own clock that was believed last.
    pub(super) fn believed(&self) -> MutexGuard<'_, Option<Believed>> {
        self.believed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn view(&self) -> Arc<View> {
        Arc::clone(&self.state().view)
    }

    pub(super) fn manifest(&self) -> Manifest {
        self.state().manifest.clone()
    }

    pub(super) fn checkpoint(&self) -> EventId {
        self.state().manifest.checkpoint
    }

    /// Adds splits to the view.
    pub(super) fn add_hot(&self, pieces: Vec<Arc<Piece>>) {
        let mut state = self.state();
        let mut view = View::clone(&state.view);
        view.hot.extend(pieces);
        state.view = Arc::new(view);
    }

    /// Replaces splits by one that holds the same events.
    pub(super) fn replace_hot(&self, old: &[Arc<Piece>], new: Arc<Piece>) {
        let mut state = self.state();
        let mut view = View::clone(&state.view);
        view.hot.retain(|piece| !contains(old, piece));
        view.hot.push(new);
        state.view = Arc::new(view);
    }

    /// Replaces pieces, hot or sealed, by sealed ones with the same events: on disk first, then in one step for searches.
    pub(super) fn replace(
        &self,
        old: &[Arc<Piece>],
        new: Vec<(PartitionEntry, Arc<Piece>)>,
        checkpoint: EventId,
    ) -> Result<(), StoreError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut manifest = self.manifest();
        let is_old = |entry: &PartitionEntry| {
            old.iter().any(|piece| piece.folder.as_deref() == Some(&*self.partition_path(&entry.folder)))
        };
        manifest.partitions.retain(|entry| !is_old(entry));
        manifest.checkpoint = manifest.checkpoint.max(checkpoint);
        let (entries, pieces): (Vec<_>, Vec<_>) = new.into_iter().unzip();
        manifest.partitions.extend(entries);
        manifest.write(&self.folder)?;
        let mut state = self.state();
        let mut view = View::clone(&state.view);
        view.hot.retain(|piece| !contains(old, piece));
        view.sealed.retain(|piece| !contains(old, piece));
        view.sealed.extend(pieces);
        manifest.next_folder = manifest.next_folder.max(state.manifest.next_folder);
        *state = State { manifest, view: Arc::new(view) };
        drop(state);
        old.iter().filter(|piece| piece.folder.is_some()).for_each(|piece| piece.retire());
        Ok(())
    }

    /// Replaces sealed pieces by one with the same events, unless one of them is gone by now; the new folder goes then.
    pub(super) fn replace_if_current(
        &self,
        old: &[Arc<Piece>],
        new: (PartitionEntry, Arc<Piece>),
    ) -> Result<bool, StoreError> {
        let _rewriting = self.rewriting.lock().unwrap_or_else(PoisonError::into_inner);
        let view = self.view();
        if old.iter().all(|piece| contains(&view.sealed, piece)) {
            self.replace(old, vec![new], EventId::ZERO)?;
            return Ok(true);
        }
        new.1.retire();
        Ok(false)
    }

    /// Changes entries of the manifest and drops from the view what is no longer listed.
    pub(super) fn edit<R>(&self, change: impl FnOnce(&mut Manifest) -> R) -> Result<R, StoreError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut manifest = self.manifest();
        let result = change(&mut manifest);
        manifest.write(&self.folder)?;
        let mut state = self.state();
        let mut view = View::clone(&state.view);
        let is_listed = |piece: &Arc<Piece>| {
            let listed = |entry: &PartitionEntry| piece.folder.as_deref() == Some(&*self.partition_path(&entry.folder));
            manifest.partitions.iter().any(listed)
        };
        let (kept, gone): (Vec<_>, Vec<_>) = view.sealed.into_iter().partition(is_listed);
        view.sealed = kept;
        manifest.next_folder = manifest.next_folder.max(state.manifest.next_folder);
        *state = State { manifest, view: Arc::new(view) };
        drop(state);
        gone.iter().for_each(|piece| piece.retire());
        Ok(result)
    }

    /// Takes the number of a folder to be written; the manifest on disk learns of it with the next change, and a number
    /// lost in a crash is free again because its folder is a leftover.
    pub(super) fn next_folder(&self) -> u64 {
        let mut state = self.state();
        let number = state.manifest.next_folder;
        state.manifest.next_folder += 1;
        number
    }

    pub(super) fn partition_path(&self, name: &str) -> PathBuf {
        self.folder.join(PARTITIONS).join(name)
    }

    pub(super) fn unfinished_path(&self, number: u64) -> PathBuf {
        self.partition_path(&format!("{UNFINISHED}{number}"))
    }

    pub(super) fn partitions(&self) -> Vec<PartitionInfo> {
        let mut partitions: Vec<PartitionInfo> =
            self.manifest().partitions.into_iter().map(|entry| info_of(&self.folder, entry)).collect();
        partitions.sort_by_key(|info| std::cmp::Reverse((info.newest, info.last_id)));
        partitions
    }
}

/// What a caller may know of a partition that the manifest names.
pub(super) fn info_of(store: &Path, entry: PartitionEntry) -> PartitionInfo {
    let Summary { class, day, first_id, last_id, oldest_ns, newest_ns, events, bytes, .. } = entry.summary;
    PartitionInfo {
        folder: store.join(PARTITIONS).join(&entry.folder),
        class,
        day,
        first_id,
        last_id,
        oldest: Timestamp(oldest_ns),
        newest: Timestamp(newest_ns),
        events,
        bytes,
    }
}

fn contains(pieces: &[Arc<Piece>], piece: &Arc<Piece>) -> bool {
    pieces.iter().any(|have| Arc::ptr_eq(have, piece))
}

fn open_partitions(folder: &Path, manifest: &Manifest) -> (Vec<Arc<Piece>>, StoreReport) {
    let mut report = StoreReport::default();
    let mut sealed = Vec::with_capacity(manifest.partitions.len());
    for entry in &manifest.partitions {
        let opened =
            guarded(&entry.folder, || Piece::open(&folder.join(PARTITIONS).join(&entry.folder), entry.summary.clone()));
        match opened {
            Ok(piece) => {
                report.partitions += 1;
                report.events += entry.summary.events;
                sealed.push(Arc::new(piece));
            }
            Err(err) => report.damaged.push((entry.folder.clone(), chain(&err))),
        }
    }
    (sealed, report)
}

/// Writes an error with its causes.
pub(super) fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// A store whose manifest is gone must not look like a new one: everything in it would be taken for a leftover.
fn refuse_orphans(partitions: &Path) -> Result<(), StoreError> {
    for name in names_in(partitions)? {
        if !name.starts_with(UNFINISHED) {
            return Err(StoreError::ManifestMissing(partitions.to_owned()));
        }
    }
    Ok(())
}

fn remove_leftovers(partitions: &Path, manifest: &Manifest) -> Result<usize, StoreError> {
    let mut removed = 0;
    for name in names_in(partitions)? {
        if !manifest.partitions.iter().any(|entry| entry.folder == name) {
            let path = partitions.join(&name);
            durable::remove_folder(&path).map_err(StoreError::io(path))?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn names_in(folder: &Path) -> Result<Vec<String>, StoreError> {
    let entries = fs::read_dir(folder).map_err(StoreError::io(folder))?;
    entries
        .map(|entry| {
            entry.map(|entry| entry.file_name().to_string_lossy().into_owned()).map_err(StoreError::io(folder))
        })
        .collect()
}
