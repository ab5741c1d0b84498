//! A split in memory or a partition on disk: both are one immutable tantivy segment, newest event first.

use std::cell::RefCell;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use tantivy::DocId;
use tantivy::Index;
use tantivy::Segment;
use tantivy::SegmentReader;
use tantivy::columnar::ColumnValues;
use tantivy::directory::MmapDirectory;
use tantivy::store::StoreReader;

use crate::model::EventId;
use crate::model::Timestamp;
use crate::store::archive::Archive;
use crate::store::archive::Held;
use crate::store::error::StoreError;
use crate::store::format::blocks::Blocks;
use crate::store::format::blocks::OpenBlock;
use crate::store::format::record;
use crate::store::format::record::Columns;
use crate::store::format::schema;
use crate::store::format::schema::FIELDS;
use crate::store::manifest::Summary;
use crate::wal::disk::durable;

/// One immutable segment with its columns at hand.
pub(super) struct Piece {
    pub(super) summary: Summary,
    /// Where it lies on disk; `None` for a split in memory.
    pub(super) folder: Option<PathBuf>,
    pub(super) segment: Segment,
    pub(super) reader: SegmentReader,
    /// The records, in chunks. Partitions of older programs have them in the index.
    pub(super) archive: Option<Archive>,
    /// The records of a split in memory.
    blocks: Option<Blocks>,
    /// Whether the segment has words and terms beside its columns; an archived partition has none.
    pub(super) has_index: bool,
    ids: Arc<dyn ColumnValues<u64>>,
    times: Arc<dyn ColumnValues<i64>>,
    ingested: Arc<dyn ColumnValues<i64>>,
    /// Set once no manifest names the folder any more: the last reader takes it away.
    is_obsolete: AtomicBool,
}

impl Piece {
    /// Opens a split in memory with its records.
    pub(super) fn in_memory(index: &Index, summary: Summary, blocks: Blocks) -> Result<Piece, StoreError> {
        Piece::new(index, summary, None, Some(blocks))
    }

    /// Opens the one segment of an index.
    fn new(
        index: &Index,
        summary: Summary,
        folder: Option<PathBuf>,
        blocks: Option<Blocks>,
    ) -> Result<Piece, StoreError> {
        let name = || folder.as_deref().map_or_else(|| "hot".to_owned(), |path| path.display().to_string());
        let mut segments = index.searchable_segments()?;
        let (Some(segment), true) = (segments.pop(), segments.is_empty()) else {
            return Err(StoreError::Record(name()));
        };
        let reader = SegmentReader::open(&segment)?;
        if u64::from(reader.max_doc()) != summary.events {
            return Err(StoreError::Record(name()));
        }
        let columns = reader.fast_fields();
        let ids = columns.u64(schema::ID)?.first_or_default_col(0);
        let times = columns.i64(schema::TIME)?.first_or_default_col(0);
        let ingested = columns.i64(schema::INGESTED)?.first_or_default_col(0);
        let archive = folder.as_deref().map_or(Ok(None), Archive::open)?;
        if archive.as_ref().is_some_and(|archive| archive.count() != reader.max_doc()) {
            return Err(StoreError::Record(name()));
        }
        let mut terms = 0;
        for field in [FIELDS.text, FIELDS.terms] {
            terms += reader.inverted_index(field)?.terms().num_terms();
        }
        let has_index = terms > 0 || archive.is_none();
        let is_obsolete = AtomicBool::new(false);
        let piece =
            Piece { summary, folder, segment, reader, archive, blocks, has_index, ids, times, ingested, is_obsolete };
        if piece.folder.is_some() && piece.archive.is_none() && piece.count() > 0 {
            // A partition without an archive has its records in the index; one that has lost it is not let in.
            piece.records()?.bytes(0)?;
        }
        Ok(piece)
    }

    /// Opens a sealed partition.
    pub(super) fn open(folder: &Path, summary: Summary) -> Result<Piece, StoreError> {
        let directory = MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?;
        let index = Index::open(directory)?;
        Piece::new(&index, summary, Some(folder.to_owned()), None)
    }

    /// Says whether it is of the archive tier.
    pub(super) fn is_archived(&self) -> bool {
        self.archive.is_some() && !self.has_index
    }

    /// Returns its name for people.
    pub(super) fn name(&self) -> String {
        let folder = self.folder.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy());
        folder.map_or_else(|| "hot".to_owned(), |name| name.into_owned())
    }

    pub(super) fn count(&self) -> DocId {
        self.reader.max_doc()
    }

    pub(super) fn time(&self, doc: DocId) -> Timestamp {
        Timestamp(self.times.get_val(doc))
    }

    pub(super) fn id(&self, doc: DocId) -> EventId {
        EventId(self.ids.get_val(doc))
    }

    pub(super) fn ingested(&self, doc: DocId) -> Timestamp {
        Timestamp(self.ingested.get_val(doc))
    }

    /// Returns the first document that is older than `time`, or as old when `is_included`; documents are newest first.
    pub(super) fn first_before(&self, time: Timestamp, is_included: bool) -> DocId {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = low + (high - low) / 2;
            let there = self.time(middle);
            if there > time || (there == time && !is_included) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Returns the documents of a span of time; `until` is left out.
    pub(super) fn docs_between(&self, since: Option<Timestamp>, until: Option<Timestamp>) -> std::ops::Range<DocId> {
        let start = until.map_or(0, |until| self.first_before(until, false));
        let end = since.map_or(self.count(), |since| match since.0.checked_sub(1) {
            Some(before) => self.first_before(Timestamp(before), true),
            None => self.count(),
        });
        start..end.max(start)
    }

    /// Finds an event by its id.
    pub(super) fn find(&self, id: EventId) -> Option<DocId> {
        if !(self.summary.first_id..=self.summary.last_id).contains(&id) {
            return None;
        }
        (0..self.count()).find(|doc| self.ids.get_val(*doc) == id.0)
    }

    /// Returns a reader of the records that keeps a few decompressed blocks.
    pub(super) fn records(&self) -> Result<Records<'_>, StoreError> {
        const BLOCKS_CACHED: usize = 4;
        let store = match (&self.archive, &self.blocks) {
            (Some(archive), _) => Source::Archive(archive, RefCell::default()),
            (None, Some(blocks)) => Source::Memory(blocks, RefCell::default()),
            (None, None) => {
                Source::Index(self.reader.get_store_reader(BLOCKS_CACHED).map_err(tantivy::TantivyError::from)?)
            }
        };
        Ok(Records { piece: self, store })
    }

    /// Has the folder taken away once nobody reads from it any more.
    pub(super) fn retire(&self) {
        self.is_obsolete.store(true, Ordering::Release);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(folder) = self.folder.as_ref().filter(|_| self.is_obsolete.load(Ordering::Acquire))
            && let Err(err) = durable::remove_folder(folder)
        {
            // The next start removes it: no manifest names it.
            tracing::warn!(folder = %folder.display(), error = %err, "obsolete partition not removed");
        }
    }
}

/// Reads records of one piece.
pub(super) struct Records<'p> {
    piece: &'p Piece,
    store: Source<'p>,
}

enum Source<'p> {
    Archive(&'p Archive, RefCell<Held>),
    Memory(&'p Blocks, RefCell<OpenBlock>),
    Index(StoreReader),
}

impl Records<'_> {
    /// Reads one event and hands it to `visit`.
    pub(super) fn with<R>(
        &self,
        doc: DocId,
        visit: impl FnOnce(&record::Stored<'_>, usize) -> R,
    ) -> Result<R, StoreError> {
        let columns =
            Columns { id: self.piece.id(doc), timestamp: self.piece.time(doc), ingested: self.piece.ingested(doc) };
        let unreadable = || StoreError::Record(self.piece.name());
        match &self.store {
            Source::Memory(blocks, open) => blocks
                .with(doc, open, |record| record::decode(record, columns).map(|stored| visit(&stored, record.len())))
                .flatten()
                .ok_or_else(unreadable),
            Source::Index(store) => {
                let document = store.get_document_bytes(doc)?;
                let stored = record_of(&document).and_then(|record| record::decode(record, columns));
                stored.map(|stored| visit(&stored, document.len())).ok_or_else(unreadable)
            }
            Source::Archive(archive, held) => {
                let mut record = Vec::with_capacity(512);
                archive.record(doc, held, &mut record).ok_or_else(unreadable)?;
                let stored = record::decode(&record, columns).ok_or_else(unreadable)?;
                Ok(visit(&stored, record.len()))
            }
        }
    }

    /// Reads the bytes of a record.
    pub(super) fn bytes(&self, doc: DocId) -> Result<Vec<u8>, StoreError> {
        let unreadable = || StoreError::Record(self.piece.name());
        match &self.store {
            Source::Memory(blocks, open) => blocks.with(doc, open, <[u8]>::to_vec).ok_or_else(unreadable),
            Source::Index(store) => {
                let document = store.get_document_bytes(doc)?;
                record_of(&document).map(<[u8]>::to_vec).ok_or_else(unreadable)
            }
            Source::Archive(archive, held) => {
                let mut record = Vec::new();
                archive.record(doc, held, &mut record).ok_or_else(unreadable)?;
                Ok(record)
            }
        }
    }
}

/// Finds the record in a stored document: tantivy writes how many values there are, then for the only one its field
/// (4 bytes), its kind (1 byte), its length in groups of 7 bits of which the last has the high bit set, and its bytes.
fn record_of(document: &[u8]) -> Option<&[u8]> {
    const BEFORE_LENGTH: usize = 6;
    let rest = document.get(BEFORE_LENGTH..)?;
    let length_bytes = rest.iter().position(|byte| byte & 0x80 != 0)? + 1;
    let mut length = 0_usize;
    for (index, byte) in rest.get(..length_bytes)?.iter().enumerate().take(5) {
        length |= usize::from(byte & 0x7f) << (7 * index);
    }
    rest.get(length_bytes..)?.get(..length)
}
