//! The archive tier: a partition some days old, rewritten as columns of what its lines consist of.
//!
//! The folder is that of a partition whose index holds the columns `id`, `time` and `ingested` alone, and beside it
//! [`FILE`]: chunks of events, newest first, and a directory of them. There are no postings: a search decides on the
//! different tokens of each column, and reads what is left. Every record comes back byte for byte.

mod ask;
mod build;
mod bytes;
mod chunk;
mod column;
mod tokens;
mod writer;

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;

pub(in crate::store) use ask::Pick;
pub(in crate::store) use ask::Watch;
pub(in crate::store) use build::archive_days;
use tantivy::DocId;
pub(in crate::store) use writer::ChunkWriter;
pub(in crate::store) use writer::Form;
pub(in crate::store) use writer::MERGED;
pub(in crate::store) use writer::SEALED;

use crate::model::EventId;
use crate::model::Timestamp;
use crate::query::Query;
use crate::query::ast::Expr;
use crate::store::archive::ask::find::Finder;
use crate::store::archive::ask::find::Found;
use crate::store::archive::ask::find::Outside;
use crate::store::archive::ask::find::Rows;
use crate::store::archive::bytes::Input;
use crate::store::archive::chunk::Chunk;
use crate::store::error::StoreError;
use crate::store::format::record;
use crate::store::format::varint;
use crate::store::piece::Piece;

/// The file beside the columns.
pub(in crate::store) const FILE: &str = "archive.bin";
/// Begins the file; the byte after it is the version.
const MAGIC: &[u8; 7] = b"LNGARCH";
/// The version that is written; all before it are read.
const VERSION: u8 = 2;
/// Bytes before the first chunk.
const START_BYTES: usize = MAGIC.len() + 1;
/// Ends the file: the directory's length and checksum.
const TAIL_BYTES: usize = 12;
const DIRECTORY_BYTES_MAX: u64 = 64 << 20;
const CHUNK_BYTES_MAX: u64 = 512 << 20;
/// Fewer events of a chunk are read one by one, and its columns are not asked.
const PICKED_READ_MAX: usize = 32;

/// Where a chunk lies, and the documents in it.
#[derive(Debug, Clone)]
struct Place {
    offset: u64,
    length: u64,
    checksum: u32,
    docs: Range<DocId>,
}

/// An open archive. Chunks are kept by whoever reads them: an archive that nobody reads takes no memory.
pub(in crate::store) struct Archive {
    file: File,
    version: u8,
    places: Vec<Place>,
    last: Mutex<Last>,
}

/// The chunk that was read last.
#[derive(Default)]
struct Last {
    number: usize,
    chunk: Weak<Chunk>,
    /// It is not what was written: nobody need read it again to be told so, event by event.
    is_broken: bool,
}

/// The chunk that a reader of records has open.
#[derive(Default)]
pub(in crate::store) struct Held(Option<(usize, Arc<Chunk>)>);

/// Writes the directory of an archive after its chunks.
fn directory_of(places: &[Place]) -> Vec<u8> {
    let mut directory = Vec::new();
    varint::put(&mut directory, places.len() as u64);
    for place in places {
        varint::put(&mut directory, place.length);
        directory.extend(place.checksum.to_le_bytes());
        varint::put(&mut directory, u64::from(place.docs.end - place.docs.start));
    }
    let checksum = crc32c::crc32c(&directory);
    let length = directory.len() as u64;
    directory.extend(length.to_le_bytes());
    directory.extend(checksum.to_le_bytes());
    directory
}

fn directory_from(bytes: &[u8]) -> Option<Vec<Place>> {
    let mut input = Input::new(bytes);
    let (mut offset, mut doc) = (START_BYTES as u64, 0_u32);
    let count = input.size().filter(|count| *count <= bytes.len())?;
    (0..count)
        .map(|_| {
            let length = input.number().filter(|length| *length <= CHUNK_BYTES_MAX)?;
            let checksum = u32::from_le_bytes(input.take(4)?.try_into().ok()?);
            let end = doc.checked_add(u32::try_from(input.number()?).ok()?)?;
            let place = Place { offset, length, checksum, docs: doc..end };
            (offset, doc) = (offset.checked_add(length)?, end);
            Some(place)
        })
        .collect()
}

impl Archive {
    /// Opens the archive of a partition; `None` when the partition is not archived.
    pub(in crate::store) fn open(folder: &Path) -> Result<Option<Archive>, StoreError> {
        let path = folder.join(FILE);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(StoreError::io(path)(err)),
        };
        let places = read_directory(&file).map_err(StoreError::io(&path))?;
        let (places, version) = places.ok_or_else(|| StoreError::Record(folder.display().to_string()))?;
        Ok(Some(Archive { file, version, places, last: Mutex::default() }))
    }

    /// Returns how many events it holds.
    pub(in crate::store) fn count(&self) -> DocId {
        self.places.last().map_or(0, |place| place.docs.end)
    }

    fn chunk(&self, number: usize) -> Option<Arc<Chunk>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.number == number {
            if last.is_broken {
                return None;
            }
            if let Some(chunk) = last.chunk.upgrade() {
                return Some(chunk);
            }
        }
        let chunk = self.read(number).map(Arc::new);
        let known = chunk.as_ref().map(Arc::downgrade).unwrap_or_default();
        *last = Last { number, chunk: known, is_broken: chunk.is_none() };
        chunk
    }

    fn read(&self, number: usize) -> Option<Chunk> {
        let place = self.places.get(number)?;
        let mut bytes = vec![0; usize::try_from(place.length).ok()?];
        self.file.read_exact_at(&mut bytes, place.offset).ok()?;
        let is_whole = crc32c::crc32c(&bytes) == place.checksum;
        is_whole.then(|| Chunk::decode(&bytes, self.version)).flatten().filter(|chunk| chunk.len() == place.docs.len())
    }

    /// Writes the record of a document over `out`; the chunk it is in stays in `held` for the next one.
    pub(in crate::store) fn record(&self, doc: DocId, held: &RefCell<Held>, out: &mut Vec<u8>) -> Option<()> {
        let number = self.places.partition_point(|place| place.docs.end <= doc);
        let place = self.places.get(number)?;
        let mut held = held.borrow_mut();
        let chunk = match held.0.take().filter(|(have, _)| *have == number) {
            Some((_, chunk)) => chunk,
            None => self.chunk(number)?,
        };
        let read = chunk.record((doc - place.docs.start) as usize, out);
        held.0 = Some((number, chunk));
        read
    }

    /// Hands the documents of a range that can match to `visit`, in order, and whether they do for certain, until it
    /// returns false. Chunks are read one after the other, newest first, and only as far as somebody wants them, `is_over`
    /// being asked before each. What an index has picked already are the only ones that can match.
    pub(in crate::store) fn each_candidate(
        &self,
        piece: &Piece,
        query: &Query,
        range: Range<DocId>,
        mut pick: Option<Pick<'_>>,
        is_over: &dyn Fn() -> bool,
        visit: &mut dyn FnMut(DocId, bool) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        if *query.root() == Expr::All {
            for doc in range {
                if !visit(doc, true)? {
                    break;
                }
            }
            return Ok(());
        }
        for (number, place) in self.places.iter().enumerate() {
            if place.docs.end <= range.start || place.docs.start >= range.end {
                continue;
            }
            if is_over() {
                return Ok(());
            }
            let picked = pick.as_mut().map(|pick| (pick.docs)(place.docs.clone()));
            if let Some(picked) = &picked
                && picked.len() < PICKED_READ_MAX
            {
                for doc in picked {
                    if !visit(*doc, false)? {
                        return Ok(());
                    }
                }
                continue;
            }
            let chunk = self.chunk(number).ok_or_else(|| StoreError::Record(piece.name()))?;
            let candidates = candidates(&chunk, piece, place.docs.start, query, picked.as_deref());
            for (doc, is_exact) in (place.docs.start..).zip(candidates) {
                if let Some(is_exact) = is_exact.filter(|_| range.contains(&doc))
                    && !visit(doc, is_exact)?
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn read_directory(file: &File) -> io::Result<Option<(Vec<Place>, u8)>> {
    let length = file.metadata()?.len();
    let mut start = [0; START_BYTES];
    let mut tail = [0; TAIL_BYTES];
    if length < (START_BYTES + TAIL_BYTES) as u64 {
        return Ok(None);
    }
    file.read_exact_at(&mut start, 0)?;
    let [magic @ .., version] = start;
    file.read_exact_at(&mut tail, length - TAIL_BYTES as u64)?;
    let [a, b, c, d, e, f, g, h, checksum @ ..] = tail;
    let directory_length = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    let room = length - (START_BYTES + TAIL_BYTES) as u64;
    if magic != *MAGIC || !(1..=VERSION).contains(&version) || directory_length > room.min(DIRECTORY_BYTES_MAX) {
        return Ok(None);
    }
    let mut directory = vec![0; usize::try_from(directory_length).unwrap_or(0)];
    file.read_exact_at(&mut directory, length - TAIL_BYTES as u64 - directory_length)?;
    if crc32c::crc32c(&directory) != u32::from_le_bytes(checksum) {
        return Ok(None);
    }
    let chunks = room - directory_length;
    let is_whole = |places: &Vec<Place>| places.iter().map(|place| place.length).sum::<u64>() == chunks;
    Ok(directory_from(&directory).filter(is_whole).map(|places| (places, version)))
}

/// The columns of a group's rows.
struct OutsideOf<'p> {
    piece: &'p Piece,
    first: DocId,
    events: &'p [u32],
}

impl OutsideOf<'_> {
    fn doc(&self, row: usize) -> DocId {
        self.first + self.events.get(row).copied().unwrap_or(0)
    }
}

impl Outside for OutsideOf<'_> {
    fn columns(&self, row: usize) -> (Timestamp, Timestamp, EventId) {
        let doc = self.doc(row);
        (self.piece.time(doc), self.piece.ingested(doc), self.piece.id(doc))
    }

    fn time(&self, row: usize) -> Timestamp {
        self.piece.time(self.doc(row))
    }
}

/// For each event of a chunk: `None` when it does not match, otherwise whether it does for certain; of those picked, if any were.
fn candidates(
    chunk: &Chunk,
    piece: &Piece,
    first: DocId,
    query: &Query,
    picked: Option<&[DocId]>,
) -> Vec<Option<bool>> {
    let mut all = vec![None; chunk.len()];
    let is_everything = picked.is_none_or(|picked| picked.len() == chunk.len());
    let picked_events = || picked.into_iter().flatten().map(|doc| (doc.saturating_sub(first)) as usize);
    let mut has_picked = vec![is_everything; chunk.groups.len() + 1];
    if !is_everything {
        for (group, _) in picked_events().filter_map(|event| chunk.place_of(event)) {
            if let Some(slot) = has_picked.get_mut(group) {
                *slot = true;
            }
        }
    }
    let by_group = chunk.events_by_group();
    for (number, events) in by_group.iter().enumerate().filter(|(number, _)| has_picked.get(*number) == Some(&true)) {
        let found = chunk.groups.get(number).and_then(|group| {
            let outside = OutsideOf { piece, first, events };
            let (timestamp, ingested, id) = outside.columns(0);
            let columns = record::Columns { id, timestamp, ingested };
            let sample = record::decode(&group.sample, columns)?.event;
            Some(Finder::new(group, &sample, &outside).find(query.root()))
        });
        // What cannot be told is read, and reading tells what is wrong with it.
        let found = found.unwrap_or(Found { rows: Rows::All, is_exact: false });
        for (row, event) in events.iter().enumerate() {
            if found.rows.has(row)
                && let Some(slot) = all.get_mut(*event as usize)
            {
                *slot = Some(found.is_exact);
            }
        }
    }
    if !is_everything {
        let mut is_picked = vec![false; chunk.len()];
        for event in picked_events() {
            if let Some(slot) = is_picked.get_mut(event) {
                *slot = true;
            }
        }
        all.iter_mut().zip(is_picked).filter(|(_, is_picked)| !is_picked).for_each(|(candidate, _)| *candidate = None);
    }
    all
}
