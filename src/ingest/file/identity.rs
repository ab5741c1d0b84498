//! Recognising a file again: by device and inode, and by the bytes at its beginning and just before the place.

use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;

use crate::ingest::file::lines::Line;
use crate::ingest::intake::Place;

/// How much of a file's beginning identifies it.
pub(super) const HEAD_BYTES_MAX: usize = 1024;
/// A shorter beginning is no proof that a file with another inode is a copy: it may be a banner all files begin with.
const COPY_HEAD_BYTES_MIN: u16 = 512;
/// Marks the place of a compressed file that was read to its end.
pub(super) const FINISHED: u64 = 1 << 63;

/// Which file it is, as far as the file system tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> FileId {
        FileId { device: metadata.dev(), inode: metadata.ino() }
    }

    pub(super) fn of_place(place: &Place) -> FileId {
        FileId { device: place.device, inode: place.inode }
    }

    /// Builds the place at the end of a line. `head` is the beginning of the file as far as it was read.
    pub(super) fn place(&self, head: &Head, line: &Line) -> Place {
        let covered = usize::try_from(line.end).unwrap_or(usize::MAX).min(HEAD_BYTES_MAX);
        let (head_bytes, head_crc) = head.covering(covered);
        let Line { end, tail_bytes, tail_crc, .. } = *line;
        let FileId { device, inode } = *self;
        let place = Place { device, inode, offset: end, head_bytes, tail_bytes, head_crc, tail_crc };
        place.with_taken(line.taken)
    }
}

/// The beginning of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Head {
    bytes: Vec<u8>,
    /// The CRC of all of it, once it is full.
    full_crc: Option<u32>,
}

impl Head {
    /// Takes what a chunk read at `offset` adds to the beginning.
    pub(super) fn extend(&mut self, offset: u64, chunk: &[u8]) {
        if self.bytes.len() < HEAD_BYTES_MAX && offset == self.bytes.len() as u64 {
            let room = HEAD_BYTES_MAX - self.bytes.len();
            self.bytes.extend_from_slice(chunk.get(..room).unwrap_or(chunk));
            self.full_crc = (self.bytes.len() == HEAD_BYTES_MAX).then(|| crc32c::crc32c(&self.bytes));
        }
    }

    fn covering(&self, bytes: usize) -> (u16, u32) {
        match self.full_crc.filter(|_| bytes >= HEAD_BYTES_MAX) {
            Some(crc) => (HEAD_BYTES_MAX as u16, crc),
            None => {
                let covered = self.bytes.get(..bytes).unwrap_or(&self.bytes);
                (covered.len() as u16, crc32c::crc32c(covered))
            }
        }
    }

    /// Returns whether a file that begins so can be the one of the place.
    pub(super) fn fits(&self, place: &Place) -> bool {
        let covered = self.bytes.get(..usize::from(place.head_bytes));
        covered.is_some_and(|covered| crc32c::crc32c(covered) == place.head_crc)
    }
}

/// Reads the beginning of a plain file, up to `offset`.
pub(super) fn read_head(file: &File, offset: u64) -> io::Result<Head> {
    let wanted = usize::try_from(offset).unwrap_or(usize::MAX).min(HEAD_BYTES_MAX);
    let mut head = Head::default();
    head.extend(0, &read_exactly(file, 0, wanted)?);
    Ok(head)
}

/// Returns whether the bytes just before the place are still those that were read.
pub(super) fn tail_fits(file: &File, place: &Place) -> io::Result<bool> {
    let tail_bytes = u64::from(place.tail());
    let Some(start) = place.offset.checked_sub(tail_bytes) else { return Ok(false) };
    let tail = read_exactly(file, start, usize::from(place.tail()))?;
    Ok(tail.len() as u64 == tail_bytes && crc32c::crc32c(&tail) == place.tail_crc)
}

/// Reads so many bytes, or fewer where the file ends.
fn read_exactly(file: &File, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; bytes];
    let mut have = 0;
    while have < bytes {
        match file.read_at(buffer.get_mut(have..).unwrap_or_default(), offset + have as u64)? {
            0 => break,
            read => have += read,
        }
    }
    buffer.truncate(have);
    Ok(buffer)
}

/// Returns the places that a file may go on from, the best first: its own, then those of files it may be a copy of.
pub(super) fn candidates(id: FileId, head: &Head, known: &[Place]) -> Vec<Place> {
    let mut fitting: Vec<Place> = known.iter().filter(|place| head.fits(place)).copied().collect();
    fitting.retain(|place| FileId::of_place(place) == id || place.head_bytes >= COPY_HEAD_BYTES_MIN);
    fitting.sort_by_key(|place| (FileId::of_place(place) != id, std::cmp::Reverse(place.offset & !FINISHED)));
    fitting
}
