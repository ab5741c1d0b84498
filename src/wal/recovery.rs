//! What opening a log finds: the tail, damage, the next id, and how far followed files had been read.

use std::io;
use std::path::PathBuf;

use crate::ingest::intake::Place;
use crate::model::EventId;
use crate::wal::disk::Disk;
use crate::wal::log::WalError;
use crate::wal::places::Places;
use crate::wal::record::RECORD_BYTES_MIN;
use crate::wal::record::Record;
use crate::wal::segment::CHUNK_BYTES;
use crate::wal::segment::HEADER_BYTES;
use crate::wal::segment::Header;
use crate::wal::segment::SegmentName;
use crate::wal::segment::SegmentReader;
use crate::wal::segment::Step;

/// A stretch of a segment that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    pub path: PathBuf,
    pub offset: u64,
    pub bytes: u64,
}

/// What opening the log found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    pub segments: usize,
    pub bytes: u64,
    /// The id the next event gets; above every id that may ever have been given out.
    pub next_id: EventId,
    /// The unfinished end of the last write, now cut off. Nothing in it was ever acknowledged.
    pub torn_tail: Option<Damage>,
    /// Damage found while looking for the tail; older segments tell theirs when they are replayed.
    pub damage: Vec<Damage>,
    /// How far each followed file had been read.
    pub places: Vec<Place>,
    /// How many of the newest segments it took to know all places: they stay until a new one has carried them over.
    pub(super) held_segments: usize,
}

/// Finds the tail, cuts it clean, and reads from the newest segments what the log must know to go on.
pub(super) fn recover(disk: &dyn Disk, names: &[SegmentName], keep_after: EventId) -> Result<Recovery, WalError> {
    let mut recovery = Recovery { segments: names.len(), next_id: following(keep_after), ..Recovery::default() };
    let mut scans = Vec::new();
    for (age, name) in names.iter().rev().enumerate() {
        let scan = scan(disk, name)?;
        recovery.next_id = recovery.next_id.max(scan.next_id);
        if age == 0 {
            settle(disk, name, &scan).map_err(WalError::Io)?;
            recovery.torn_tail = scan.tail.clone();
        }
        recovery.damage.extend(scan.damage.iter().cloned());
        let whole = scan.places_whole;
        scans.push(scan);
        if whole {
            break;
        }
    }
    recovery.held_segments = scans.len();
    let mut places = Places::default();
    scans.iter().rev().flat_map(|scan| &scan.places).for_each(|place| places.set(*place));
    recovery.places = places.to_vec();
    for name in names {
        recovery.bytes += disk.open(&name.file_name()).and_then(|file| file.length()).map_err(WalError::Io)?;
    }
    Ok(recovery)
}

/// As `EventId::next`, for ids that come from a disk.
fn following(id: EventId) -> EventId {
    EventId(id.0.saturating_add(1))
}

#[derive(Debug, Default)]
struct Scan {
    next_id: EventId,
    damage: Vec<Damage>,
    tail: Option<Damage>,
    /// Everything before this offset is known to have been synced.
    synced: u64,
    places: Vec<Place>,
    /// The segment told all places by itself: its carried table was read whole.
    places_whole: bool,
}

fn scan(disk: &dyn Disk, name: &SegmentName) -> Result<Scan, WalError> {
    let file_name = name.file_name();
    let path = disk.path_of(&file_name);
    let file = disk.open(&file_name).map_err(WalError::Io)?;
    let (mut reader, header) = SegmentReader::new(file, name).map_err(WalError::Io)?;
    if let Header::Newer { version } = header {
        return Err(WalError::Newer { path, version });
    }
    let mut scan = Scan { next_id: name.first, ..Scan::default() };
    let mut carried = 0;
    // Header and carried places are synced before the segment is used.
    let mut gaps = Gaps { synced: HEADER_BYTES as u64, ..Gaps::default() };
    loop {
        let offset = reader.offset();
        match reader.step().map_err(WalError::Io)? {
            Step::Record(Record::Event(envelope, place)) => {
                scan.next_id = scan.next_id.max(following(envelope.id));
                gaps.places.extend(place.map(|place| (offset, place)));
            }
            Step::Record(Record::Place(place)) => {
                carried += u32::from(gaps.first_after(0).is_none());
                gaps.places.push((offset, place));
            }
            Step::Record(Record::Synced(before)) => gaps.synced = gaps.synced.max(before),
            Step::Damage { offset, bytes, to_end } => {
                // Whatever ids the lost records had, the next one is above them.
                scan.next_id = EventId(scan.next_id.0.saturating_add(bytes / RECORD_BYTES_MIN + 1));
                gaps.damaged.push(offset);
                let damage = Damage { path: path.clone(), offset, bytes };
                if to_end { scan.tail = Some(damage) } else { scan.damage.push(damage) }
            }
            Step::End => break,
        }
    }
    scan.synced = gaps.synced;
    scan.places = gaps.trusted_places();
    scan.places_whole = matches!(header, Header::Good { carried: expected } if expected == carried);
    Ok(scan)
}

/// Decides which places may be believed when bytes are missing.
///
/// A power cut may keep the later pages of an unsynced write and lose the earlier ones. Lines in such a gap were never
/// stored, so a file must be read again from before the gap: a place behind it would skip them. A gap in what had been
/// synced is a failing disk, and rewinding for it would repeat all that followed.
#[derive(Debug, Default)]
struct Gaps {
    places: Vec<(u64, Place)>,
    damaged: Vec<u64>,
    /// Everything before this offset had been synced.
    synced: u64,
}

impl Gaps {
    fn first_after(&self, offset: u64) -> Option<u64> {
        self.damaged.iter().copied().find(|damaged| *damaged >= offset)
    }

    fn trusted_places(&self) -> Vec<Place> {
        let end = self.first_after(self.synced).unwrap_or(u64::MAX);
        // Only the last of each file matters: a segment of 300,000 lines has a handful of them.
        let mut places = Places::default();
        self.places.iter().filter(|(offset, _)| *offset < end).for_each(|(_, place)| places.set(*place));
        places.to_vec()
    }
}

/// Cuts the torn tail and makes durable what is left.
///
/// What a killed process had written but not synced can be read now, and would be gone after a power cut, when others
/// rely on it already. It is written once more before the sync: after a failed sync the kernel takes the pages for clean.
fn settle(disk: &dyn Disk, name: &SegmentName, scan: &Scan) -> io::Result<()> {
    let mut file = disk.open(&name.file_name())?;
    if let Some(tail) = &scan.tail {
        file.cut(tail.offset)?;
    }
    let mut offset = scan.synced;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read_at(offset, &mut chunk)?;
        if read == 0 {
            return file.sync();
        }
        file.write_at(offset, chunk.get(..read).unwrap_or_default())?;
        offset += read as u64;
    }
}
