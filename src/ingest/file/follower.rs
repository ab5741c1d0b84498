//! One followed file: reads on from its place, notices truncation, and goes back when a batch was not stored.

use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tracing::info;

use crate::ingest::file::Config;
use crate::ingest::file::decompress;
use crate::ingest::file::decompress::Compression;
use crate::ingest::file::identity;
use crate::ingest::file::identity::FINISHED;
use crate::ingest::file::identity::FileId;
use crate::ingest::file::identity::HEAD_BYTES_MAX;
use crate::ingest::file::identity::Head;
use crate::ingest::file::lines::Joiner;
use crate::ingest::file::lines::Line;
use crate::ingest::file::lines::Splitter;
use crate::ingest::file::lines::TAIL_BYTES_MAX;
use crate::ingest::intake::Frame;
use crate::ingest::intake::Place;
use crate::model::Origin;
use crate::model::Timestamp;
use crate::telemetry::Counter;

const CHUNK_BYTES: usize = 256 * 1024;

/// What one look at a file gave.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) frames: Vec<Frame>,
    pub(super) places: Vec<Place>,
    /// The place before the file was truncated: a copy of it may turn up.
    pub(super) superseded: Option<Place>,
    /// There is more to read at once.
    pub(super) more: bool,
}

/// What opening a file led to.
#[derive(Debug)]
pub(super) enum Opened {
    Follower(Box<Follower>),
    /// A copy that is still being written: it cannot be told yet where it goes on.
    NotYet,
}

enum Source {
    Plain,
    /// The reader of the uncompressed bytes, and the chunk after the one handed out last.
    Packed(Box<dyn Read + Send>, Vec<u8>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Source::Plain) { "Plain" } else { "Packed" })
    }
}

/// A file with everything needed to read on.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) id: FileId,
    pub(super) path: PathBuf,
    /// Since when no pattern matches it any more: renamed or deleted.
    pub(super) detached: Option<Instant>,
    /// Nothing more will come.
    pub(super) finished: bool,
    file: File,
    compression: Compression,
    source: Source,
    origin: Arc<Origin>,
    pub(super) received: Counter,
    head: Head,
    splitter: Splitter,
    joiner: Joiner,
    /// The place up to which everything is stored.
    stored: Option<Place>,
    /// Where reading began, when nothing is stored yet.
    began: u64,
    grew: Instant,
    /// When the file was written to last, as of the last look.
    changed: (i64, i64),
}

impl Follower {
    /// Opens a file and finds out where to go on. `at_end` is for a file of which nothing is known.
    pub(super) fn open(
        file: File,
        path: &Path,
        (origin, received): (Arc<Origin>, Counter),
        known: &[Place],
        at_end: bool,
        config: &Config,
    ) -> io::Result<Opened> {
        let metadata = file.metadata()?;
        let bytes_max = config.frame_bytes_max.get();
        let mut follower = Follower {
            id: FileId::of(&metadata),
            path: path.to_owned(),
            detached: None,
            finished: false,
            file,
            compression: Compression::of(path),
            source: Source::Plain,
            origin,
            received,
            head: Head::default(),
            splitter: Splitter::new(bytes_max, 0),
            joiner: Joiner::new(bytes_max, 0),
            stored: None,
            began: 0,
            grew: Instant::now(),
            changed: (0, 0),
        };
        if follower.compression == Compression::None {
            let still_written =
                metadata.modified().ok().and_then(|at| at.elapsed().ok()).is_none_or(|age| age < config.rotated);
            if !follower.begin_plain(metadata.len(), known, at_end, still_written)? {
                return Ok(Opened::NotYet);
            }
        } else {
            follower.begin_packed(known)?;
        }
        Ok(Opened::Follower(Box::new(follower)))
    }

    fn begin_plain(&mut self, length: u64, known: &[Place], at_end: bool, still_written: bool) -> io::Result<bool> {
        self.head = identity::read_head(&self.file, length)?;
        for place in identity::candidates(self.id, &self.head, known) {
            let own = FileId::of_place(&place) == self.id;
            if place.offset > length {
                if !own && still_written && place.offset & FINISHED == 0 {
                    return Ok(false);
                }
            } else if identity::tail_fits(&self.file, &place)? {
                self.go_to(place.offset);
                self.joiner.resume(&place);
                let FileId { device, inode } = self.id;
                self.stored = Some(Place { device, inode, ..place });
                return Ok(true);
            }
        }
        self.go_to(if at_end { length } else { 0 });
        Ok(true)
    }

    fn begin_packed(&mut self, known: &[Place]) -> io::Result<()> {
        self.restart_packed()?;
        let Source::Packed(reader, _) = &mut self.source else { return Ok(()) };
        let mut beginning = vec![0; HEAD_BYTES_MAX];
        let read = decompress::read_full(&mut **reader, &mut beginning)?;
        beginning.truncate(read);
        self.head.extend(0, &beginning);
        for place in identity::candidates(self.id, &self.head, known) {
            if place.offset & FINISHED != 0 {
                self.finished = true;
                return Ok(());
            }
            self.restart_packed()?;
            if self.skip_to(&place)? {
                self.go_to(place.offset);
                self.joiner.resume(&place);
                self.stored = Some(place);
                return self.peek();
            }
        }
        self.restart_packed()?;
        self.go_to(0);
        self.peek()
    }

    fn restart_packed(&mut self) -> io::Result<()> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        let (reader, _) = decompress::reader(file, self.compression)?;
        self.source = Source::Packed(reader, Vec::new());
        Ok(())
    }

    /// Skips what was read before; false when the bytes before the place are not those.
    fn skip_to(&mut self, place: &Place) -> io::Result<bool> {
        let Source::Packed(reader, _) = &mut self.source else { return Ok(false) };
        let tail_bytes = u64::from(place.tail()).min(TAIL_BYTES_MAX as u64);
        let skipped = place.offset.saturating_sub(tail_bytes);
        if io::copy(&mut reader.by_ref().take(skipped), &mut io::sink())? < skipped {
            return Ok(false);
        }
        let mut tail = vec![0; usize::from(place.tail()).min(TAIL_BYTES_MAX)];
        let read = decompress::read_full(&mut **reader, &mut tail)?;
        Ok(read == tail.len() && crc32c::crc32c(&tail) == place.tail_crc)
    }

    /// Reads the chunk after the one handed out: only so the last line can be known as the last.
    fn peek(&mut self) -> io::Result<()> {
        if let Source::Packed(reader, next) = &mut self.source {
            next.resize(CHUNK_BYTES, 0);
            let read = decompress::read_full(&mut **reader, next);
            next.truncate(*read.as_ref().unwrap_or(&0));
            read?;
        }
        Ok(())
    }

    fn go_to(&mut self, offset: u64) {
        let bytes_max = self.splitter.bytes_max();
        self.splitter = Splitter::new(bytes_max, offset);
        self.joiner = Joiner::new(bytes_max, offset);
        self.began = offset;
        self.stored = None;
    }

    /// Reads a chunk, and returns the frames that are complete.
    pub(super) fn read(&mut self, config: &Config, now: Timestamp) -> io::Result<Batch> {
        if self.finished {
            return Ok(Batch::default());
        }
        let mut batch = Batch::default();
        let mut lines = Vec::new();
        match self.source {
            Source::Plain => self.read_plain(config, &mut lines, &mut batch)?,
            Source::Packed(..) => self.read_packed(&mut lines, &mut batch)?,
        }
        let idle = self.grew.elapsed() >= config.idle;
        let over = self.finished || batch.superseded.is_some() || self.is_left(config);
        let flush = over || (idle && !batch.more);
        if flush {
            self.splitter.flush(&mut lines);
        }
        if let Some(rules) = &config.multiline {
            let single = std::mem::take(&mut lines);
            self.joiner.feed(rules, single, &mut lines);
            if flush {
                self.joiner.flush(&mut lines);
            }
        }
        self.fill(&mut batch, lines, now);
        if batch.superseded.is_some() {
            self.go_to(0);
            self.head = Head::default();
        }
        self.finished |= self.is_left(config) && !batch.more;
        Ok(batch)
    }

    fn is_left(&self, config: &Config) -> bool {
        self.detached.is_some_and(|since| since.elapsed() >= config.rotated && self.grew.elapsed() >= config.rotated)
    }

    fn read_plain(&mut self, config: &Config, lines: &mut Vec<Line>, batch: &mut Batch) -> io::Result<()> {
        let offset = self.splitter.offset();
        let metadata = self.file.metadata()?;
        let (length, changed) = (metadata.len(), (metadata.mtime(), metadata.mtime_nsec()));
        // A file that was truncated and has grown to the very same length tells only by its time.
        if length == offset && self.changed == changed {
            return Ok(());
        }
        self.changed = changed;
        let stored = self.stored;
        let rewritten = match &stored {
            Some(place) => !identity::tail_fits(&self.file, place)?,
            None => false,
        };
        if length < offset || rewritten {
            info!(path = %self.path.display(), offset, length, "followed file was truncated, reading it from its start");
            batch.superseded = Some(stored.unwrap_or_default());
            batch.more = true;
            return Ok(());
        }
        if length == offset {
            return Ok(());
        }
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = self.file.read_at(&mut chunk, offset)?;
        chunk.truncate(read);
        batch.more = read == CHUNK_BYTES;
        self.take(Bytes::from(chunk), lines);
        debug_assert!(self.splitter.bytes_max() == config.frame_bytes_max.get(), "one limit a follower");
        Ok(())
    }

    fn read_packed(&mut self, lines: &mut Vec<Line>, batch: &mut Batch) -> io::Result<()> {
        let Source::Packed(_, next) = &mut self.source else { return Ok(()) };
        let chunk = Bytes::from(std::mem::take(next));
        self.take(chunk, lines);
        let peeked = self.peek();
        let Source::Packed(_, next) = &self.source else { return Ok(()) };
        batch.more = !next.is_empty();
        self.finished = next.is_empty();
        peeked
    }

    fn take(&mut self, chunk: Bytes, lines: &mut Vec<Line>) {
        if !chunk.is_empty() {
            self.head.extend(self.splitter.offset(), &chunk);
            self.splitter.feed(&chunk, lines);
            self.grew = Instant::now();
        }
    }

    fn fill(&self, batch: &mut Batch, lines: Vec<Line>, now: Timestamp) {
        batch.places = lines.iter().map(|line| self.id.place(&self.head, line)).collect();
        let packed = matches!(self.source, Source::Packed(..));
        if let Some(last) = batch.places.last_mut().filter(|_| self.finished && packed) {
            last.offset |= FINISHED;
        }
        batch.frames = lines
            .into_iter()
            .map(|line| Frame {
                received: now,
                origin: Arc::clone(&self.origin),
                truncated: line.truncated,
                raw: line.raw,
            })
            .collect();
    }

    /// Notes that a batch is stored up to this place.
    pub(super) fn stored(&mut self, place: Place, superseded: bool) {
        // After a truncation the place belongs to the content that is gone.
        if !superseded {
            self.stored = Some(place);
        }
    }

    /// Goes back to what is stored, because the last batch was not.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        let stored = self.stored;
        let offset = stored.map_or(self.began, |place| place.offset);
        if matches!(self.source, Source::Packed(..)) {
            self.finished = false;
            self.restart_packed()?;
            if let Some(place) = stored {
                self.skip_to(&place)?;
            }
            self.peek()?;
        }
        let began = self.began;
        self.go_to(offset);
        if let Some(place) = &stored {
            self.joiner.resume(place);
        }
        (self.stored, self.began) = (stored, began);
        Ok(())
    }

    /// Returns how many bytes of a plain file have not been read.
    pub(super) fn behind_bytes(&self) -> u64 {
        match self.source {
            Source::Plain => {
                let length = self.file.metadata().map_or(0, |metadata| metadata.len());
                length.saturating_sub(self.splitter.offset())
            }
            Source::Packed(..) => 0,
        }
    }
}
