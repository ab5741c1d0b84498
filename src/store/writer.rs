//! The one writer: events in, splits out, and the decision when to seal.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use tantivy::Index;
use tantivy::SingleSegmentIndexWriter;
use tantivy::directory::RamDirectory;

use crate::model::Event;
use crate::model::EventId;
use crate::store::error::StoreError;
use crate::store::format::batch::Batch;
use crate::store::format::batch::BatchDocument;
use crate::store::format::blocks::BlockWriter;
use crate::store::format::schema;
use crate::store::format::schema::FIELDS;
use crate::store::manifest::Key;
use crate::store::manifest::RetentionClass;
use crate::store::manifest::Summary;
use crate::store::piece::Piece;
use crate::store::sealer::Sealer;
use crate::store::shared::Shared;

/// One cut makes at most so many splits; what wild clocks scatter over more days shares the last one.
const SPLITS_PER_CUT_MAX: usize = 8;
/// Memory the index writer plans its first hash table for; it grows past it when it must.
const INDEX_MEMORY: usize = 30 << 20;

/// Adds events to the store. There is one, and its thread is the only one that indexes.
pub struct HotWriter {
    shared: Arc<Shared>,
    sealer: Arc<Sealer>,
    /// Events not yet cut, by retention class.
    pending: BTreeMap<RetentionClass, Batch>,
    last_id: EventId,
    /// A seal has been asked for up to here.
    sealing_to: EventId,
    /// Since when something is hot.
    hot_since: Option<Instant>,
}

impl HotWriter {
    pub(super) fn new(shared: Arc<Shared>, sealer: Arc<Sealer>) -> HotWriter {
        let last_id = shared.checkpoint();
        HotWriter { shared, sealer, pending: BTreeMap::new(), last_id, sealing_to: last_id, hot_since: None }
    }

    /// Adds an event of the standard class. An id at or below the last one added or sealed is ignored: it is a replay.
    pub fn add(&mut self, event: &Event<'_>) {
        self.add_to(&RetentionClass::default(), event, event.raw.as_bytes());
    }

    /// Adds an event with the bytes it was received as; they are kept beside the line when they differ from it.
    pub fn add_with_raw(&mut self, event: &Event<'_>, raw: &[u8]) {
        self.add_to(&RetentionClass::default(), event, raw);
    }

    /// Adds an event of some class with the bytes it was received as.
    pub fn add_to(&mut self, class: &RetentionClass, event: &Event<'_>, raw: &[u8]) {
        if event.id <= self.last_id {
            return;
        }
        self.last_id = event.id;
        let exact = (raw != event.raw.as_bytes()).then_some(raw);
        if !self.pending.contains_key(class) {
            self.pending.insert(class.clone(), Batch::default());
        }
        if let Some(batch) = self.pending.get_mut(class) {
            batch.push(event, exact);
        }
    }

    /// Returns how many events wait for the next cut.
    pub fn pending_events(&self) -> usize {
        self.pending.values().map(|batch| batch.entries.len()).sum()
    }

    /// Returns how much memory the waiting events take.
    pub fn pending_bytes(&self) -> usize {
        self.pending.values().map(Batch::bytes).sum()
    }

    /// Makes what was added searchable, and seals when there is enough of it. Waits only when sealing falls behind.
    ///
    /// # Errors
    /// When the index cannot be built or an earlier seal failed.
    pub fn cut(&mut self) -> Result<(), StoreError> {
        let mut pieces = Vec::new();
        for (class, batch) in mem::take(&mut self.pending) {
            build_splits(&class, &Arc::new(batch), &mut pieces)?;
        }
        if !pieces.is_empty() {
            self.shared.add_hot(pieces);
            self.hot_since.get_or_insert_with(Instant::now);
        }
        if self.is_seal_due() {
            self.start_seal()?;
        }
        self.sealer.tidy_hot();
        Ok(())
    }

    /// Makes what was added searchable and has everything in memory sealed in the background.
    ///
    /// # Errors
    /// As [`HotWriter::cut`].
    pub fn seal(&mut self) -> Result<(), StoreError> {
        self.cut()?;
        self.start_seal()
    }

    /// Seals everything and waits until it is on disk: for the shutdown.
    ///
    /// # Errors
    /// When it could not be written; the checkpoint is where it was then.
    pub fn seal_and_wait(&mut self) -> Result<(), StoreError> {
        self.cut()?;
        self.start_seal()?;
        self.sealer.wait()
    }

    #[cfg(test)]
    pub(super) fn sealer_wait(&self) {
        self.sealer.wait().expect("no seal failed");
    }

    fn is_seal_due(&self) -> bool {
        let view = self.shared.view();
        // What is being sealed stays in the view until it is done, and must not have a second seal started.
        let fresh = || view.hot.iter().filter(|piece| piece.summary.last_id > self.sealing_to);
        let events: u64 = fresh().map(|piece| piece.summary.events).sum();
        let bytes: u64 = fresh().map(|piece| piece.summary.bytes).sum();
        let config = &self.shared.config;
        let is_old = self.hot_since.is_some_and(|since| since.elapsed() >= config.hot_age_max);
        events >= config.hot_events_max || bytes >= config.hot_bytes_max || (events > 0 && is_old)
    }

    fn start_seal(&mut self) -> Result<(), StoreError> {
        self.hot_since = None;
        self.sealing_to = self.last_id;
        self.sealer.seal(self.last_id)
    }
}

/// Groups a batch by day and builds one split a group.
fn build_splits(class: &RetentionClass, batch: &Arc<Batch>, out: &mut Vec<Arc<Piece>>) -> Result<(), StoreError> {
    let mut days: BTreeMap<Reverse<i32>, Vec<usize>> = BTreeMap::new();
    for (index, entry) in batch.entries.iter().enumerate() {
        days.entry(Reverse(entry.timestamp.utc_day())).or_default().push(index);
    }
    let mut groups: Vec<(i32, Vec<usize>)> = days.into_iter().map(|(Reverse(day), events)| (day, events)).collect();
    let scattered: Vec<usize> =
        groups.drain(SPLITS_PER_CUT_MAX.min(groups.len())..).flat_map(|(_, events)| events).collect();
    if let Some((_, last)) = groups.last_mut() {
        last.extend(scattered);
    }
    for (day, mut events) in groups {
        events
            .sort_unstable_by_key(|index| batch.entries.get(*index).map(|entry| Reverse((entry.timestamp, entry.id))));
        let key = Key { class: class.clone(), day };
        if let Some(summary) = summary_of(&key, batch, &events) {
            out.push(Arc::new(build_split(summary, batch, &events)?));
        }
    }
    Ok(())
}

fn build_split(mut summary: Summary, batch: &Arc<Batch>, events: &[usize]) -> Result<Piece, StoreError> {
    let directory = RamDirectory::create();
    let mut writer: SingleSegmentIndexWriter<BatchDocument> = Index::builder()
        .schema(FIELDS.schema.clone())
        .settings(schema::hot_settings())
        .tokenizers(schema::tokenizers())
        .single_segment_index_writer(directory.clone(), INDEX_MEMORY)?;
    for index in events {
        writer.add_document(BatchDocument::new(Arc::clone(batch), *index))?;
    }
    let index = writer.finalize()?;
    let mut records = BlockWriter::new()?;
    for entry in events.iter().filter_map(|index| batch.entries.get(*index)) {
        records.push(batch.record(entry))?;
    }
    let blocks = records.finish()?;
    summary.bytes = (directory.total_mem_usage() + blocks.bytes()) as u64;
    Piece::in_memory(&index, summary, blocks)
}

fn summary_of(key: &Key, batch: &Batch, events: &[usize]) -> Option<Summary> {
    let entries = events.iter().filter_map(|index| batch.entries.get(*index));
    Some(Summary {
        class: key.class.clone(),
        day: key.day,
        first_id: entries.clone().map(|entry| entry.id).min()?,
        last_id: entries.clone().map(|entry| entry.id).max()?,
        oldest_ns: entries.clone().map(|entry| entry.timestamp.0).min()?,
        newest_ns: entries.clone().map(|entry| entry.timestamp.0).max()?,
        newest_ingested_ns: entries.map(|entry| entry.ingested.0).max()?,
        events: events.len() as u64,
        bytes: 0,
    })
}
