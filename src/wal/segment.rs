//! A segment file: its name, its header, and reading its records one after another past any damage.

use std::io;

use memchr::memmem;

use crate::model::EventId;
use crate::wal::disk::DiskFile;
use crate::wal::record;
use crate::wal::record::BodyReader;
use crate::wal::record::HEAD_BYTES;
use crate::wal::record::Key;
use crate::wal::record::Record;

const MAGIC: [u8; 8] = *b"LONGANWL";
/// Raised when an older program could not read what a newer one writes.
const VERSION: u32 = 1;
pub(super) const HEADER_BYTES: usize = 44;
const SUFFIX: &str = ".wal";
/// How much is read from the disk at once.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// A segment's name says all that is needed to check its records, should its header be damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SegmentName {
    /// No event before this one is in the segment.
    pub first: EventId,
    /// Counts the openings of the log.
    pub epoch: u64,
    pub salt: u64,
}

impl SegmentName {
    /// Returns the file name: sorts as the events do.
    pub(super) fn file_name(&self) -> String {
        let SegmentName { first, epoch, salt } = self;
        format!("{first:020}-{epoch:010}-{salt:016x}{SUFFIX}", first = first.0)
    }

    /// Reads a file name; `None` for files that are not segments.
    pub(super) fn parse(file_name: &str) -> Option<SegmentName> {
        let mut parts = file_name.strip_suffix(SUFFIX)?.splitn(3, '-');
        let name = SegmentName {
            first: EventId(parts.next()?.parse().ok()?),
            epoch: parts.next()?.parse().ok()?,
            salt: u64::from_str_radix(parts.next()?, 16).ok()?,
        };
        (name.file_name() == file_name).then_some(name)
    }

    pub(super) fn key(&self) -> Key {
        let mut seed = crc32c::crc32c(&self.salt.to_le_bytes());
        seed = crc32c::crc32c_append(seed, &self.first.0.to_le_bytes());
        seed = crc32c::crc32c_append(seed, &self.epoch.to_le_bytes());
        // The low half of the salt: nobody who sends us lines knows it.
        Key { marker: (self.salt as u32).to_le_bytes(), crc_seed: seed }
    }
}

/// Builds the header; `carried` is how many places follow it.
pub(super) fn header(name: &SegmentName, carried: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&carried.to_le_bytes());
    out.extend_from_slice(&name.first.0.to_le_bytes());
    out.extend_from_slice(&name.epoch.to_le_bytes());
    out.extend_from_slice(&name.salt.to_le_bytes());
    out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
    out
}

/// What the beginning of a segment turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// Good; so many carried places follow.
    Good { carried: u32 },
    /// Damaged or cut off: the name has to do.
    Damaged,
    /// Whole, but written by a newer program.
    Newer { version: u32 },
}

/// Checks a header's bytes against the file's name.
pub(super) fn check_header(bytes: &[u8], name: &SegmentName) -> Header {
    let Some((fields, crc)) = bytes.split_at_checked(HEADER_BYTES - 4) else { return Header::Damaged };
    if !fields.starts_with(&MAGIC) || crc != crc32c::crc32c(fields).to_le_bytes() {
        return Header::Damaged;
    }
    let number = |at: usize| fields.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    match (number(8), number(12)) {
        (Some(VERSION), Some(carried)) if bytes == header(name, carried) => Header::Good { carried },
        (Some(version), _) if version > VERSION => Header::Newer { version },
        _ => Header::Damaged,
    }
}

/// What stands next in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Record(Record),
    /// Bytes that are no record, up to the next one that is, or to the end when `to_end`.
    Damage {
        offset: u64,
        bytes: u64,
        to_end: bool,
    },
    End,
}

/// Reads a segment's records in bounded memory: one chunk, or the longest record.
#[derive(Debug)]
pub(super) struct SegmentReader {
    file: Box<dyn DiskFile>,
    key: Key,
    /// Where reading stops: the length when the reader was made.
    end: u64,
    /// The bytes from `offset` on that were read already.
    buffer: Vec<u8>,
    /// Where in `buffer` the next record starts.
    start: usize,
    /// Where in the file the next record starts.
    offset: u64,
    bodies: BodyReader,
}

impl SegmentReader {
    /// Reads the header, and stands at the first record.
    pub(super) fn new(file: Box<dyn DiskFile>, name: &SegmentName) -> io::Result<(SegmentReader, Header)> {
        let end = file.length()?;
        let buffer = Vec::with_capacity(CHUNK_BYTES);
        let bodies = BodyReader::default();
        let mut reader = SegmentReader { file, key: name.key(), end, buffer, start: 0, offset: 0, bodies };
        reader.fill(HEADER_BYTES)?;
        let header = check_header(reader.buffer.get(..HEADER_BYTES).unwrap_or(&reader.buffer), name);
        // A damaged header is damage like any other: the reader would find the first record behind it by itself.
        if header != Header::Damaged {
            reader.advance(HEADER_BYTES);
        }
        Ok((reader, header))
    }

    /// Returns the offset of the next record.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns what stands next, and steps over it.
    pub(super) fn step(&mut self) -> io::Result<Step> {
        if self.offset >= self.end {
            return Ok(Step::End);
        }
        if let Some((record, bytes)) = self.record_at_start()? {
            self.advance(bytes);
            return Ok(Step::Record(record));
        }
        let damaged_from = self.offset;
        loop {
            let found = self.seek_marker()?;
            if !found || self.record_at_start()?.is_some() {
                let bytes = self.offset - damaged_from;
                return Ok(Step::Damage { offset: damaged_from, bytes, to_end: !found });
            }
        }
    }

    /// Reads the record at `offset` if there is one, with its length.
    fn record_at_start(&mut self) -> io::Result<Option<(Record, usize)>> {
        if !self.fill(HEAD_BYTES)? {
            return Ok(None);
        }
        let Some(body_bytes) = record::body_bytes(self.waiting(), self.key) else { return Ok(None) };
        let bytes = HEAD_BYTES + body_bytes;
        if !self.fill(bytes)? {
            return Ok(None);
        }
        let waiting = self.buffer.get(self.start..self.start + bytes).unwrap_or_default();
        let body = record::checked_body(waiting, self.key);
        Ok(body.and_then(|body| self.bodies.read(body)).map(|record| (record, bytes)))
    }

    /// Moves past the present byte to the next marker, or to the end.
    fn seek_marker(&mut self) -> io::Result<bool> {
        self.advance(1);
        loop {
            let more = self.fill(CHUNK_BYTES)?;
            if let Some(at) = memmem::find(self.waiting(), &self.key.marker) {
                self.advance(at);
                return Ok(true);
            }
            // The last bytes may be the beginning of a marker that the next chunk ends.
            let keep = if more { self.key.marker.len() - 1 } else { 0 };
            self.advance(self.waiting().len().saturating_sub(keep));
            if !more {
                return Ok(false);
            }
        }
    }

    fn waiting(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Makes at least `bytes` bytes wait in the buffer; false when the file ends before.
    fn fill(&mut self, bytes: usize) -> io::Result<bool> {
        if self.waiting().len() >= bytes {
            return Ok(true);
        }
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.start = 0;
        while self.buffer.len() < bytes {
            let have = self.buffer.len();
            let left = self.end.saturating_sub(self.offset + have as u64);
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min((bytes - have).max(CHUNK_BYTES));
            self.buffer.resize(have + wanted, 0);
            let read = if wanted == 0 {
                0
            } else {
                self.file.read_at(self.offset + have as u64, self.buffer.get_mut(have..).unwrap_or_default())?
            };
            self.buffer.truncate(have + read);
            if read == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_foreign_names_do_not() {
        let name = SegmentName { first: EventId(42), epoch: 3, salt: 0xfeed };
        assert_eq!(SegmentName::parse(&name.file_name()), Some(name));
        for foreign in ["lock", "1-1-1.wal", "", ".wal", "é-é-é.wal", "00000000000000000042-0000000003.wal"] {
            assert_eq!(SegmentName::parse(foreign), None, "{foreign}");
        }
        let later = SegmentName { first: EventId(u64::MAX), epoch: 0, salt: 0 };
        assert!(name.file_name() < later.file_name());
    }

    #[test]
    fn a_header_is_good_damaged_or_newer() {
        let name = SegmentName { first: EventId(42), epoch: 3, salt: 0xfeed };
        let good = header(&name, 7);
        assert_eq!(good.len(), HEADER_BYTES);
        assert_eq!(check_header(&good, &name), Header::Good { carried: 7 });
        assert_eq!(check_header(&good[..20], &name), Header::Damaged);
        assert_eq!(check_header(&good, &SegmentName { salt: 1, ..name }), Header::Damaged);
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 4;
            assert_eq!(check_header(&flipped, &name), Header::Damaged, "byte {at}");
        }
        let mut newer = good[..HEADER_BYTES - 4].to_vec();
        newer[8..12].copy_from_slice(&2u32.to_le_bytes());
        newer.extend_from_slice(&crc32c::crc32c(&newer).to_le_bytes());
        assert_eq!(check_header(&newer, &name), Header::Newer { version: 2 });
    }
}
