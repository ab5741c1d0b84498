//! The log itself: opened once, appended to in groups, synced, and cut at its old end.

use std::io;
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use crate::ingest::intake::Frame;
use crate::ingest::intake::NotStored;
use crate::ingest::intake::Place;
use crate::model::Envelope;
use crate::model::EventId;
use crate::wal::disk::Disk;
use crate::wal::disk::DiskFile;
use crate::wal::disk::LockError;
use crate::wal::disk::LockGuard;
use crate::wal::places::Places;
use crate::wal::record;
use crate::wal::record::Key;
use crate::wal::record::RAW_BYTES_MAX;
use crate::wal::recovery;
use crate::wal::recovery::Recovery;
use crate::wal::replay::Replay;
use crate::wal::segment;
use crate::wal::segment::SegmentName;

/// Encoded records go to the disk when so many bytes wait, even within one group.
const BUFFER_BYTES: usize = 1024 * 1024;

/// How the log behaves.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// A segment this large is closed and a new one begun.
    pub segment_bytes: u64,
    /// Nothing is appended while the file system has fewer free bytes than this.
    pub reserve_bytes: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { segment_bytes: 64 * 1024 * 1024, reserve_bytes: 256 * 1024 * 1024 }
    }
}

/// Why a log could not be opened, or its old end not be cut.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalError {
    /// Another process, or another part of this one, uses it.
    #[error("the write-ahead log `{}` cannot be taken", path.display())]
    Lock { path: PathBuf, source: LockError },
    /// A newer program wrote it; to read it wrongly would be worse than not to start.
    #[error("`{}` has format version {version}, which this program does not know", path.display())]
    Newer { path: PathBuf, version: u32 },
    #[error("the write-ahead log cannot be read or cut")]
    Io(#[source] io::Error),
}

#[derive(Debug)]
struct Segment {
    name: SegmentName,
    bytes: u64,
}

/// The segment that is written to.
#[derive(Debug)]
struct Active {
    file: Box<dyn DiskFile>,
    key: Key,
    /// Length of what was written whole.
    bytes: u64,
    /// How much of it is synced.
    synced: u64,
    /// What the newest [`record::put_synced`] mark says.
    marked: u64,
}

/// The write-ahead log of one data folder. Only one exists per folder, in all processes.
#[derive(Debug)]
pub struct Wal {
    disk: Arc<dyn Disk>,
    config: Config,
    /// In order; the last one is active when `active` is there.
    segments: Vec<Segment>,
    active: Option<Active>,
    /// Without an active segment so many of the newest must stay: together they know all places.
    held_segments: usize,
    epoch: u64,
    next_id: EventId,
    places: Places,
    /// Encoded but not yet written records; kept for its capacity.
    buffer: Vec<u8>,
    /// Why nothing is taken in any more.
    failed: Option<String>,
    _lock: Box<dyn LockGuard>,
}

impl Wal {
    /// Opens the log of a folder, cuts a torn tail, and tells what was found.
    ///
    /// The next id is above `keep_after` and above every id the log may ever have given out.
    ///
    /// # Errors
    /// When another process has the log, a newer program wrote it, or the disk cannot be read. Damage is no error.
    pub fn open(disk: Arc<dyn Disk>, config: Config, keep_after: EventId) -> Result<(Wal, Recovery), WalError> {
        let lock = disk.lock().map_err(|source| WalError::Lock { path: disk.path_of(""), source })?;
        let listed = disk.list().map_err(WalError::Io)?;
        let mut names: Vec<SegmentName> = listed.iter().filter_map(|name| SegmentName::parse(name)).collect();
        names.sort_unstable();
        let recovery = recovery::recover(&*disk, &names, keep_after)?;
        let mut places = Places::default();
        recovery.places.iter().for_each(|place| places.set(*place));
        let mut segments = Vec::with_capacity(names.len());
        for name in &names {
            let bytes = disk.open(&name.file_name()).and_then(|file| file.length()).map_err(WalError::Io)?;
            segments.push(Segment { name: *name, bytes });
        }
        let wal = Wal {
            disk,
            config,
            segments,
            active: None,
            held_segments: recovery.held_segments,
            epoch: names.iter().map(|name| name.epoch).max().unwrap_or(0).saturating_add(1),
            next_id: recovery.next_id,
            places,
            buffer: Vec::new(),
            failed: None,
            _lock: lock,
        };
        Ok((wal, recovery))
    }

    /// Appends frames and gives them their ids. They are stored only once [`Wal::sync`] has returned.
    ///
    /// # Errors
    /// When the disk is full or its reserve reached (nothing of this call is kept), or the log has failed.
    pub fn append(&mut self, frames: impl IntoIterator<Item = Frame>) -> Result<Vec<Envelope>, NotStored> {
        self.append_placed(frames.into_iter().map(|frame| (frame, None)))
    }

    /// As [`Wal::append`], for frames of which some end at a place in a file.
    ///
    /// # Errors
    /// As [`Wal::append`].
    pub fn append_placed(
        &mut self,
        frames: impl IntoIterator<Item = (Frame, Option<Place>)>,
    ) -> Result<Vec<Envelope>, NotStored> {
        self.check()?;
        let mut active = self.prepare()?;
        let good_bytes = active.bytes;
        let mut envelopes = Vec::new();
        let written = self.write_all(&mut active, frames, &mut envelopes);
        let cut = match &written {
            Ok(_) => Ok(()),
            Err(err) if is_full(err) => cut_back(&mut active, good_bytes),
            Err(_) => Ok(()),
        };
        self.note_length(&active);
        self.active = Some(active);
        match (written, cut) {
            (Ok(places), _) => {
                places.into_iter().for_each(|place| self.places.set(place));
                Ok(envelopes)
            }
            (Err(err), Ok(())) if is_full(&err) => Err(NotStored::DiskFull),
            (Err(err), Ok(())) => Err(self.fail("cannot write", &err)),
            (Err(_), Err(err)) => Err(self.fail("cannot cut back a failed write", &err)),
        }
    }

    /// Encodes and writes a group; returns the places in it. The ids of a failed group are never used again.
    fn write_all(
        &mut self,
        active: &mut Active,
        frames: impl IntoIterator<Item = (Frame, Option<Place>)>,
        envelopes: &mut Vec<Envelope>,
    ) -> io::Result<Vec<Place>> {
        let mut places = Vec::new();
        let mut buffer = mem::take(&mut self.buffer);
        buffer.clear();
        if active.marked < active.synced {
            record::put_synced(&mut buffer, active.key, active.synced);
            active.marked = active.synced;
        }
        let mut written = Ok(());
        for (mut frame, place) in frames {
            let id = self.next_id;
            self.next_id = id.next();
            record::put_event(&mut buffer, active.key, id, &frame, place.as_ref());
            places.extend(place);
            if frame.raw.len() > RAW_BYTES_MAX {
                frame.raw.truncate(RAW_BYTES_MAX);
                frame.truncated = true;
            }
            let Frame { received, origin, truncated, raw } = frame;
            envelopes.push(Envelope { id, received, origin, truncated, raw });
            if buffer.len() >= BUFFER_BYTES {
                written = active.write(&mut buffer);
                if written.is_err() {
                    break;
                }
            }
        }
        written = written.and_then(|()| active.write(&mut buffer));
        // One long line must not hold its memory for ever.
        buffer.clear();
        buffer.shrink_to(2 * BUFFER_BYTES);
        self.buffer = buffer;
        written.map(|()| places)
    }

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// When the disk did not confirm: nothing is taken in any more, because what unsynced bytes became of is unknown.
    pub fn sync(&mut self) -> Result<(), NotStored> {
        self.check()?;
        let Some(active) = self.active.as_mut().filter(|active| active.synced < active.bytes) else { return Ok(()) };
        match active.file.sync() {
            Ok(()) => {
                active.synced = active.bytes;
                Ok(())
            }
            Err(err) => Err(self.fail("cannot sync", &err)),
        }
    }

    /// Returns whether there is room to try again after [`NotStored::DiskFull`].
    pub fn has_room(&self) -> bool {
        // Room for a group beyond the reserve, lest every second refuses and accepts in turn.
        let wanted = self.config.reserve_bytes.saturating_add(2 * BUFFER_BYTES as u64);
        self.disk.free_bytes().is_ok_and(|free| free >= wanted)
    }

    /// Replays the events after `after`, oldest first, as the log stands now.
    pub fn replay(&self, after: EventId) -> Replay {
        let names: Vec<SegmentName> = self.segments.iter().map(|segment| segment.name).collect();
        Replay::new(Arc::clone(&self.disk), &names, after)
    }

    /// Deletes the segments all of whose events are at or below `through`.
    ///
    /// The caller has made these events durable elsewhere first. The newest segment always stays, and at times an
    /// older one: they carry the ids and the places of followed files on.
    ///
    /// # Errors
    /// When a segment cannot be deleted; the log can still be used.
    pub fn release(&mut self, through: EventId) -> Result<(), WalError> {
        let after = EventId(through.0.saturating_add(1));
        let below = self.segments.windows(2).take_while(|pair| pair[1].name.first <= after).count();
        let count = below.min(self.segments.len().saturating_sub(self.held_segments));
        if count == 0 {
            return Ok(());
        }
        for done in 0..count {
            let name = self.segments[done].name.file_name();
            match self.disk.remove(&name) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => {
                    self.segments.drain(..done);
                    return Err(WalError::Io(err));
                }
                _ => {}
            }
        }
        self.segments.drain(..count);
        self.disk.sync_folder().map_err(WalError::Io)
    }

    /// Returns the size of all segments.
    pub fn bytes_on_disk(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Returns the number of segments.
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// Returns the newest id given out, or one that never will be.
    pub fn last_id(&self) -> EventId {
        EventId(self.next_id.0.saturating_sub(1))
    }

    fn check(&self) -> Result<(), NotStored> {
        self.failed.as_ref().map_or(Ok(()), |why| Err(NotStored::LogFailed(why.clone())))
    }

    fn fail(&mut self, what: &str, err: &io::Error) -> NotStored {
        let why = format!("{what}: {err}");
        self.failed = Some(why.clone());
        NotStored::LogFailed(why)
    }

    /// Returns the segment to append to, out of `self` so that both can be borrowed; the caller puts it back.
    fn prepare(&mut self) -> Result<Active, NotStored> {
        if self.disk.free_bytes().is_ok_and(|free| free < self.config.reserve_bytes) {
            return Err(NotStored::DiskFull);
        }
        if self.active.as_ref().is_some_and(|active| active.bytes >= self.config.segment_bytes) {
            // What is closed is whole: only the newest segment can have an unsynced end.
            self.sync()?;
        }
        match self.active.take() {
            Some(active) if active.bytes < self.config.segment_bytes => Ok(active),
            full => self.begin_segment().map_err(|err| {
                self.active = full;
                if is_full(&err) { NotStored::DiskFull } else { self.fail("cannot begin a segment", &err) }
            }),
        }
    }

    /// Creates a segment with everything that must outlive the older ones, and syncs it before it is used.
    fn begin_segment(&mut self) -> io::Result<Active> {
        let name = SegmentName { first: self.next_id, epoch: self.epoch, salt: self.disk.salt() };
        let places = self.places.to_vec();
        let carried = u32::try_from(places.len()).expect("the table of places is bounded");
        let mut bytes = segment::header(&name, carried);
        places.iter().for_each(|place| record::put_place(&mut bytes, name.key(), place));

        let file_name = name.file_name();
        let file = self.disk.create(&file_name)?;
        let mut active = Active { file, key: name.key(), bytes: 0, synced: 0, marked: 0 };
        let prepared =
            active.write(&mut bytes).and_then(|()| active.file.sync()).and_then(|()| self.disk.sync_folder());
        if let Err(err) = prepared {
            // Left behind it would only be an empty segment; but on a full disk it may be what fills it.
            drop(self.disk.remove(&file_name));
            return Err(err);
        }
        active.synced = active.bytes;
        active.marked = active.bytes;
        self.segments.push(Segment { name, bytes: active.bytes });
        // This one has carried over what the older ones knew.
        self.held_segments = 1;
        Ok(active)
    }

    fn note_length(&mut self, active: &Active) {
        if let Some(segment) = self.segments.last_mut() {
            segment.bytes = active.bytes;
        }
    }
}

impl Active {
    fn write(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        self.file.write_at(self.bytes, buffer)?;
        self.bytes += buffer.len() as u64;
        buffer.clear();
        Ok(())
    }
}

/// Cuts off what a failed group wrote, durably: a refused frame must not come back by itself.
fn cut_back(active: &mut Active, good_bytes: u64) -> io::Result<()> {
    active.file.cut(good_bytes)?;
    active.file.sync()?;
    active.bytes = good_bytes;
    active.synced = good_bytes;
    // The mark may have been cut off.
    active.marked = active.marked.min(good_bytes.saturating_sub(1));
    Ok(())
}

/// Tells a full disk or quota, which passes, from a failing disk, which does not.
fn is_full(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
