//! Writing the records of a partition in chunks.

use std::fs::File;
use std::io::BufWriter;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use crate::store::archive::FILE;
use crate::store::archive::MAGIC;
use crate::store::archive::Place;
use crate::store::archive::START_BYTES;
use crate::store::archive::VERSION;
use crate::store::archive::chunk;
use crate::store::archive::chunk::CHUNK_EVENTS;
use crate::store::archive::directory_of;
use crate::store::error::StoreError;

/// How big chunks are, and how hard they are pressed.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Form {
    pub(super) events: usize,
    /// Of zstd.
    pub(super) level: i32,
}

/// Of a partition just sealed: quick to write, and one event is quick to find.
pub(in crate::store) const SEALED: Form = Form { events: 8_192, level: 3 };
/// Of a partition merged from sealed ones: written once more, and read less often.
pub(in crate::store) const MERGED: Form = Form { events: 16_384, level: 6 };
/// Of an archive: written once, at leisure, and kept for years.
pub(super) const ARCHIVED: Form = Form { events: CHUNK_EVENTS, level: 19 };

/// Events of the first chunk: the newest events are asked for most, and are read without those after them.
const FIRST_EVENTS: usize = 256;

/// Takes records in the order of the documents.
pub(in crate::store) struct ChunkWriter {
    path: PathBuf,
    out: BufWriter<File>,
    form: Form,
    places: Vec<Place>,
    offset: u64,
    first: u32,
    records: Vec<Vec<u8>>,
}

impl ChunkWriter {
    pub(in crate::store) fn new(folder: &Path, form: Form) -> Result<ChunkWriter, StoreError> {
        let path = folder.join(FILE);
        let mut out = BufWriter::new(File::create(&path).map_err(StoreError::io(&path))?);
        out.write_all(MAGIC).and_then(|()| out.write_all(&[VERSION])).map_err(StoreError::io(&path))?;
        let records = Vec::with_capacity(form.events);
        Ok(ChunkWriter { path, out, form, places: Vec::new(), offset: START_BYTES as u64, first: 0, records })
    }

    pub(in crate::store) fn push(&mut self, record: Vec<u8>) -> Result<(), StoreError> {
        self.records.push(record);
        let most = if self.places.is_empty() { FIRST_EVENTS } else { self.form.events };
        if self.records.len() >= most { self.write() } else { Ok(()) }
    }

    /// Says whether everything pushed so far is written.
    pub(super) fn is_between(&self) -> bool {
        self.records.is_empty()
    }

    /// Writes what is left and the directory. The file is not synced yet.
    pub(in crate::store) fn finish(mut self) -> Result<(), StoreError> {
        if !self.is_between() {
            self.write()?;
        }
        let directory = directory_of(&self.places);
        self.out.write_all(&directory).and_then(|()| self.out.flush()).map_err(StoreError::io(&self.path))
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let chunk = chunk::encode(&self.records, self.form.level).map_err(StoreError::io(&self.path))?;
        self.out.write_all(&chunk).map_err(StoreError::io(&self.path))?;
        let (offset, length) = (self.offset, chunk.len() as u64);
        let end = self.first + u32::try_from(self.records.len()).unwrap_or(0);
        self.places.push(Place { offset, length, checksum: crc32c::crc32c(&chunk), docs: self.first..end });
        (self.offset, self.first) = (offset + length, end);
        self.records.clear();
        Ok(())
    }
}
