//! The thread that merges splits into partitions, partitions into bigger ones, and small splits into fewer.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::thread;
use std::thread::JoinHandle;

use tantivy::Segment;
use tantivy::directory::MmapDirectory;
use tantivy::directory::RamDirectory;
use tantivy::indexer::merge_filtered_segments;

use crate::model::EventId;
use crate::model::time::civil_from_days;
use crate::store::archive;
use crate::store::archive::ChunkWriter;
use crate::store::archive::Form;
use crate::store::error::StoreError;
use crate::store::format::blocks::BlockWriter;
use crate::store::format::schema;
use crate::store::manifest::Key;
use crate::store::manifest::PartitionEntry;
use crate::store::manifest::Summary;
use crate::store::merged::each_record;
use crate::store::piece::Piece;
use crate::store::shared::Shared;
use crate::store::shared::chain;
use crate::wal::disk::durable;

/// More splits than this of one class and day are merged in memory, so that a search has few to visit.
const HOT_SPLITS_MAX: usize = 32;

/// What the thread is asked to do; a later wish replaces an earlier one of its kind.
#[derive(Default)]
struct Wishes {
    /// Seal everything up to here.
    seal: Option<EventId>,
    tidy: bool,
    is_busy: bool,
    is_closed: bool,
    failure: Option<String>,
}

#[derive(Default)]
struct Desk {
    wishes: Mutex<Wishes>,
    changed: Condvar,
}

impl Desk {
    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'w>(&self, wishes: MutexGuard<'w, Wishes>) -> MutexGuard<'w, Wishes> {
        self.changed.wait(wishes).unwrap_or_else(PoisonError::into_inner)
    }
}

/// The handle on the sealing thread; dropping it lets the thread finish what it was asked.
pub(super) struct Sealer {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

impl Sealer {
    pub(super) fn start(shared: Arc<Shared>) -> Result<Sealer, StoreError> {
        let desk = Arc::new(Desk::default());
        let folder = shared.folder.clone();
        let thread = thread::Builder::new()
            .name("store-sealer".to_owned())
            .spawn({
                let desk = Arc::clone(&desk);
                move || run(&desk, &shared)
            })
            .map_err(StoreError::io(folder))?;
        Ok(Sealer { desk, thread: Some(thread) })
    }

    /// Asks for a seal. When one is waiting already, waits until the thread takes it up: memory stays bounded.
    pub(super) fn seal(&self, checkpoint: EventId) -> Result<(), StoreError> {
        let mut wishes = self.desk.wishes();
        while wishes.seal.is_some() && wishes.failure.is_none() {
            wishes = self.desk.wait(wishes);
        }
        wishes.seal = Some(checkpoint);
        self.desk.changed.notify_all();
        take_failure(&mut wishes)
    }

    /// Has small splits merged when there is nothing better to do.
    pub(super) fn tidy_hot(&self) {
        self.desk.wishes().tidy = true;
        self.desk.changed.notify_all();
    }

    /// Waits until everything asked for is done.
    pub(super) fn wait(&self) -> Result<(), StoreError> {
        let mut wishes = self.desk.wishes();
        while wishes.seal.is_some() || wishes.tidy || wishes.is_busy {
            wishes = self.desk.wait(wishes);
        }
        take_failure(&mut wishes)
    }
}

fn take_failure(wishes: &mut Wishes) -> Result<(), StoreError> {
    wishes.failure.take().map_or(Ok(()), |reason| Err(StoreError::SealFailed(reason)))
}

impl Drop for Sealer {
    fn drop(&mut self) {
        self.desk.wishes().is_closed = true;
        self.desk.changed.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the sealing thread panicked");
        }
    }
}

fn run(desk: &Desk, shared: &Shared) {
    loop {
        let mut wishes = desk.wishes();
        while wishes.seal.is_none() && !wishes.tidy && !wishes.is_closed {
            wishes = desk.wait(wishes);
        }
        let (seal, tidy) = (wishes.seal.take(), std::mem::take(&mut wishes.tidy));
        if seal.is_none() && !tidy {
            return;
        }
        wishes.is_busy = true;
        drop(wishes);
        desk.changed.notify_all();
        let result = match seal {
            Some(checkpoint) => seal_up_to(shared, checkpoint).and_then(|()| compact(shared)),
            None => tidy_hot(shared),
        };
        let mut wishes = desk.wishes();
        wishes.is_busy = false;
        if let Err(err) = result {
            let reason = chain(&err);
            tracing::error!(error = %reason, "sealing failed");
            wishes.failure = Some(reason);
        }
        drop(wishes);
        desk.changed.notify_all();
    }
}

/// Merges every split up to `checkpoint` into partitions. On an error everything stays hot, and the next seal tries again.
fn seal_up_to(shared: &Shared, checkpoint: EventId) -> Result<(), StoreError> {
    let view = shared.view();
    let frozen: Vec<Arc<Piece>> =
        view.hot.iter().filter(|piece| piece.summary.last_id <= checkpoint).map(Arc::clone).collect();
    if frozen.is_empty() {
        return Ok(());
    }
    let sealed = by_key(&frozen)
        .into_iter()
        .map(|(key, pieces)| write_partition(shared, &key, &pieces, archive::SEALED))
        .collect::<Result<Vec<_>, _>>()?;
    shared.replace(&frozen, sealed, checkpoint)
}

/// Merges partitions of one class, day and order of size, when there are enough of them.
fn compact(shared: &Shared) -> Result<(), StoreError> {
    let fan_in = shared.config.compaction_fan_in.max(2);
    let _rewriting = shared.rewriting.lock().unwrap_or_else(PoisonError::into_inner);
    let sealed: Vec<Arc<Piece>> = shared.view().sealed.iter().filter(|piece| !piece.is_archived()).cloned().collect();
    for (key, pieces) in by_key(&sealed) {
        let mut tiers: BTreeMap<u32, Vec<Arc<Piece>>> = BTreeMap::new();
        for piece in pieces {
            tiers.entry(piece.summary.events.max(1).ilog(fan_in as u64)).or_default().push(piece);
        }
        for (_, tier) in tiers {
            let events: u64 = tier.iter().map(|piece| piece.summary.events).sum();
            if tier.len() >= fan_in && events <= shared.config.partition_events_max {
                let merged = write_partition(shared, &key, &tier, archive::MERGED)?;
                shared.replace(&tier, vec![merged], EventId::ZERO)?;
            }
        }
    }
    Ok(())
}

fn tidy_hot(shared: &Shared) -> Result<(), StoreError> {
    for (_, pieces) in by_key(&shared.view().hot) {
        if pieces.len() <= HOT_SPLITS_MAX {
            continue;
        }
        let Some(mut summary) = Summary::of_all(pieces.iter().map(|piece| &piece.summary)) else { continue };
        let directory = RamDirectory::create();
        let settings =
            tantivy::IndexSettings { sort_by_field: schema::sealed_settings().sort_by_field, ..schema::hot_settings() };
        let index =
            merge_filtered_segments(&segments_of(&pieces), settings, nothing_left_out(&pieces), directory.clone())?;
        let mut records = BlockWriter::new()?;
        let sources = pieces.iter().map(|piece| &**piece);
        each_record(&index, sources, &mut |record| records.push(&record))?;
        let blocks = records.finish()?;
        summary.bytes = (directory.total_mem_usage() + blocks.bytes()) as u64;
        shared.replace_hot(&pieces, Arc::new(Piece::in_memory(&index, summary, blocks)?));
    }
    Ok(())
}

fn by_key(pieces: &[Arc<Piece>]) -> BTreeMap<Key, Vec<Arc<Piece>>> {
    let mut groups: BTreeMap<Key, Vec<Arc<Piece>>> = BTreeMap::new();
    for piece in pieces {
        groups.entry(piece.summary.key()).or_default().push(Arc::clone(piece));
    }
    groups
}

fn segments_of(pieces: &[Arc<Piece>]) -> Vec<Segment> {
    pieces.iter().map(|piece| piece.segment.clone()).collect()
}

fn nothing_left_out(pieces: &[Arc<Piece>]) -> Vec<Option<tantivy::fastfield::AliveBitSet>> {
    pieces.iter().map(|_| None).collect()
}

/// Merges pieces into a new partition: written beside the others, synced, then given its name.
fn write_partition(
    shared: &Shared,
    key: &Key,
    pieces: &[Arc<Piece>],
    form: Form,
) -> Result<(PartitionEntry, Arc<Piece>), StoreError> {
    let number = shared.next_folder();
    let unfinished = shared.unfinished_path(number);
    let (year, month, day) = civil_from_days(i64::from(key.day));
    let name = format!("{year:04}-{month:02}-{day:02}-{}-{number}", key.class);
    let folder = shared.partition_path(&name);
    let Some(mut summary) = Summary::of_all(pieces.iter().map(|piece| &piece.summary)) else {
        return Err(StoreError::Record(name));
    };
    let written = write_files(&unfinished, pieces, form).and_then(|()| settle(&unfinished, &folder));
    // A disk that is full must not be filled further by what could not be finished.
    summary.bytes = written.inspect_err(|_| forget(&[&unfinished, &folder]))?;
    let piece = Piece::open(&folder, summary.clone())?;
    Ok((PartitionEntry { folder: name, summary }, Arc::new(piece)))
}

fn write_files(unfinished: &Path, pieces: &[Arc<Piece>], form: Form) -> Result<(), StoreError> {
    durable::make_folder(unfinished).map_err(StoreError::io(unfinished))?;
    let directory = MmapDirectory::open(unfinished).map_err(tantivy::TantivyError::from)?;
    let settings = schema::sealed_settings();
    let index = merge_filtered_segments(&segments_of(pieces), settings, nothing_left_out(pieces), directory)?;
    let mut chunks = ChunkWriter::new(unfinished, form)?;
    each_record(&index, pieces.iter().map(|piece| &**piece), &mut |record| chunks.push(record))?;
    chunks.finish()
}

/// Makes the files of an unfinished partition durable and gives it its name; returns their size.
pub(super) fn settle(unfinished: &Path, folder: &Path) -> Result<u64, StoreError> {
    let bytes = durable::sync_files(unfinished).map_err(StoreError::io(unfinished))?;
    durable::rename(unfinished, folder).and_then(|()| durable::sync_parent(folder)).map_err(StoreError::io(folder))?;
    Ok(bytes)
}

/// Removes what could not be finished; what is left of it goes at the next start, because no manifest names it.
pub(super) fn forget(folders: &[&Path]) {
    for folder in folders.iter().filter(|folder| folder.try_exists().unwrap_or(true)) {
        if let Err(error) = durable::remove_folder(folder) {
            tracing::warn!(folder = %folder.display(), %error, "an unfinished partition was not removed");
        }
    }
}
