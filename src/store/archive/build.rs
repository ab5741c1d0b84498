//! Rewriting the partitions of a day as one archive: in a folder of its own, synced, then named, then listed.
//!
//! Until the manifest names the new folder the old ones are what there is; a crash before that leaves a leftover, one
//! after it removes the old ones at the next start. Work is done in short turns with rests between them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use tantivy::Index;
use tantivy::SingleSegmentIndexWriter;
use tantivy::TantivyDocument;
use tantivy::directory::MmapDirectory;

use crate::model::time::civil_from_days;
use crate::store::archive::writer::ARCHIVED;
use crate::store::archive::writer::ChunkWriter;
use crate::store::error::StoreError;
use crate::store::format::schema;
use crate::store::format::schema::FIELDS;
use crate::store::manifest::Key;
use crate::store::manifest::PartitionEntry;
use crate::store::manifest::RetentionClass;
use crate::store::manifest::Summary;
use crate::store::piece::Piece;
use crate::store::sealer::forget;
use crate::store::sealer::settle;
use crate::store::shared::Shared;
use crate::wal::disk::durable;

/// Memory the writer of the columns plans for.
const INDEX_MEMORY: usize = 30 << 20;

/// Archives the days before `before_day` of each class, at most one folder's worth of events each; returns how many partitions were rewritten.
/// `rest` is called between chunks with the time the last one took; it returns false to stop, and then nothing is changed.
pub(in crate::store) fn archive_days(
    shared: &Shared,
    before_day: &dyn Fn(&RetentionClass) -> Option<i32>,
    rest: &mut dyn FnMut(Duration) -> bool,
) -> Result<usize, StoreError> {
    let mut days: BTreeMap<Key, Vec<Arc<Piece>>> = BTreeMap::new();
    for piece in &shared.view().sealed {
        let is_due = before_day(&piece.summary.class).is_some_and(|before| piece.summary.day < before);
        if is_due && !piece.is_archived() {
            days.entry(piece.summary.key()).or_default().push(Arc::clone(piece));
        }
    }
    let mut rewritten = 0;
    for (key, mut pieces) in days {
        pieces.sort_by_key(|piece| piece.summary.first_id);
        let mut batch: Vec<Arc<Piece>> = Vec::new();
        let mut events = 0;
        let mut batches = Vec::new();
        for piece in pieces {
            if events > 0 && events + piece.summary.events > shared.config.partition_events_max {
                batches.push(std::mem::take(&mut batch));
                events = 0;
            }
            events += piece.summary.events;
            batch.push(piece);
        }
        batches.push(batch);
        for batch in batches {
            match write_archive(shared, &key, &batch, rest)? {
                Some(made) => {
                    if shared.replace_if_current(&batch, made)? {
                        rewritten += batch.len();
                    }
                }
                None => return Ok(rewritten),
            }
        }
    }
    Ok(rewritten)
}

/// Writes the archive of some partitions; `None` when it was stopped.
fn write_archive(
    shared: &Shared,
    key: &Key,
    pieces: &[Arc<Piece>],
    rest: &mut dyn FnMut(Duration) -> bool,
) -> Result<Option<(PartitionEntry, Arc<Piece>)>, StoreError> {
    let number = shared.next_folder();
    let unfinished = shared.unfinished_path(number);
    durable::make_folder(&unfinished).map_err(StoreError::io(&unfinished))?;
    let written = write_files(&unfinished, pieces, rest);
    if !matches!(written, Ok(true)) {
        forget(&[&unfinished]);
        return written.map(|_| None);
    }
    let (year, month, day) = civil_from_days(i64::from(key.day));
    let name = format!("{year:04}-{month:02}-{day:02}-{}-{number}", key.class);
    let folder = shared.partition_path(&name);
    let bytes = settle(&unfinished, &folder).inspect_err(|_| forget(&[&unfinished, &folder]))?;
    let Some(mut summary) = Summary::of_all(pieces.iter().map(|piece| &piece.summary)) else {
        return Err(StoreError::Record(name));
    };
    summary.bytes = bytes;
    let piece = Piece::open(&folder, summary.clone())?;
    Ok(Some((PartitionEntry { folder: name, summary }, Arc::new(piece))))
}

/// Writes the columns and the chunks; false when it was stopped.
fn write_files(
    folder: &Path,
    pieces: &[Arc<Piece>],
    rest: &mut dyn FnMut(Duration) -> bool,
) -> Result<bool, StoreError> {
    let directory = MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?;
    let mut columns: SingleSegmentIndexWriter<TantivyDocument> = Index::builder()
        .schema(FIELDS.schema.clone())
        .settings(schema::hot_settings())
        .tokenizers(schema::tokenizers())
        .single_segment_index_writer(directory, INDEX_MEMORY)?;
    let mut chunks = ChunkWriter::new(folder, ARCHIVED)?;
    let readers = pieces.iter().map(|piece| piece.records()).collect::<Result<Vec<_>, _>>()?;
    // The newest event of each piece; all of them are newest first.
    let rank = |piece: usize, doc: u32| pieces.get(piece).map(|piece| (piece.time(doc), piece.id(doc)));
    let mut next: BinaryHeap<_> = (0..pieces.len())
        .filter(|piece| pieces.get(*piece).is_some_and(|piece| piece.count() > 0))
        .map(|piece| (rank(piece, 0), Reverse(piece), 0_u32))
        .collect();
    while !next.is_empty() {
        let started = Instant::now();
        let mut is_written = false;
        while !is_written && let Some((_, Reverse(index), doc)) = next.pop() {
            let (Some(piece), Some(reader)) = (pieces.get(index), readers.get(index)) else { continue };
            let mut document = TantivyDocument::default();
            document.add_u64(FIELDS.id, piece.id(doc).0);
            document.add_i64(FIELDS.time, piece.time(doc).0);
            document.add_i64(FIELDS.ingested, piece.ingested(doc).0);
            columns.add_document(document)?;
            chunks.push(reader.bytes(doc)?)?;
            is_written = chunks.is_between();
            if doc + 1 < piece.count() {
                next.push((rank(index, doc + 1), Reverse(index), doc + 1));
            }
        }
        if !rest(started.elapsed()) {
            return Ok(false);
        }
    }
    chunks.finish()?;
    columns.finalize()?;
    Ok(true)
}
