//! One file to import, read in groups: what of it is there already, and what comes.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::path::Path;

use sha2::Digest as _;
use sha2::Sha256;

use crate::cli::import::ledger::Done;
use crate::cli::import::ledger::Known;
use crate::cli::import::ledger::hex;
use crate::ingest::file::Evtx;
use crate::ingest::file::History;
use crate::ingest::file::HistoryOptions;
use crate::ingest::file::evtx;
use crate::ingest::file::history;
use crate::ingest::intake::Frame;
use crate::model::time::Clock;

/// Lines handed over together, so that they are synced together.
const LINES: usize = 2_000;
const BYTES: usize = 1 << 20;
/// What makes two contents have the same beginning: the first lines, so that a small file may grow.
const HEAD_LINES: usize = 4;
const HEAD_BYTES: u64 = 4_096;

/// Frames that are stored together, with where each ends.
pub(super) struct Group {
    pub(super) frames: Vec<Frame>,
    pub(super) ends: Vec<u64>,
}

impl Group {
    /// Leaves out what ends at or before a place.
    pub(super) fn after(self, end: u64) -> Group {
        let old = self.ends.partition_point(|have| *have <= end);
        let frames = self.frames.into_iter().skip(old).collect();
        Group { frames, ends: self.ends.into_iter().skip(old).collect() }
    }
}

/// A file that is being read.
pub(super) enum Content<'a> {
    Lines {
        reader: Box<History<'a>>,
        /// What ended the reading, once all before it was handed on.
        failure: Option<io::Error>,
    },
    EventLog {
        records: Box<Evtx<'a>>,
        sha256: [u8; 32],
        end: u64,
        /// Damaged places that were passed over, and the first of them.
        damaged: u64,
        first_damage: Option<String>,
    },
}

fn is_event_log(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("evtx"))
}

/// Returns what contents of the same beginning have in common.
pub(super) fn key_of(path: &Path, options: &HistoryOptions, clock: &dyn Clock) -> anyhow::Result<String> {
    if is_event_log(path) {
        // Windows writes an event log anew all over; only the very same file is the same.
        return Ok(format!("evtx-{}", hex(&hash_of_file(path)?)));
    }
    let options = HistoryOptions { multiline: None, ..options.clone() };
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    for frame in history(path, &options, clock, |_| {})?.take(HEAD_LINES) {
        let frame = frame?;
        bytes += frame.raw.len() as u64;
        hash.update((frame.raw.len() as u64).to_le_bytes());
        hash.update(&frame.raw);
        if bytes >= HEAD_BYTES {
            break;
        }
    }
    let hash: [u8; 32] = hash.finalize().into();
    Ok(hex(&hash))
}

fn hash_of_file(path: &Path) -> io::Result<[u8; 32]> {
    let (mut file, mut hash, mut buffer) = (File::open(path)?, Sha256::new(), vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hash.finalize().into());
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
}

impl<'a> Content<'a> {
    /// Opens a file behind what is known of it; returns the content that it is, too.
    pub(super) fn open<'k>(
        path: &Path,
        options: &HistoryOptions,
        clock: &'a dyn Clock,
        known: &'k [Known],
        progress: impl Fn(u64) + Clone + 'a,
    ) -> anyhow::Result<(Content<'a>, Option<&'k Known>)> {
        if is_event_log(path) {
            let sha256 = hash_of_file(path)?;
            let mut records = Box::new(evtx(path, options, clock)?);
            let known = known.last();
            let end = known.map_or(0, |known| known.done.end);
            for _ in 0..end {
                records.next();
            }
            let (damaged, first_damage) = (0, None);
            return Ok((Content::EventLog { records, sha256, end, damaged, first_damage }, known));
        }
        let open = || history(path, options, clock, progress.clone());
        let mut reader = open()?;
        let (found, at) = same(&mut reader, known)?;
        let end = found.map_or(0, |known| known.done.end);
        if at != end {
            // Read beyond what is the same: once more from the beginning.
            reader = open()?;
            reader.skip_to(end)?;
        }
        Ok((Content::Lines { reader: Box::new(reader), failure: None }, found))
    }

    /// Reads the next group; `None` at the end.
    pub(super) fn group(&mut self) -> anyhow::Result<Option<Group>> {
        let mut group = Group { frames: Vec::with_capacity(LINES), ends: Vec::with_capacity(LINES) };
        let mut bytes = 0;
        while group.frames.len() < LINES && bytes < BYTES {
            let Some(frame) = self.frame() else { break };
            bytes += frame.raw.len();
            group.frames.push(frame);
            group.ends.push(self.end());
        }
        if let (true, Content::Lines { failure, .. }) = (group.frames.is_empty(), &mut *self)
            && let Some(err) = failure.take()
        {
            return Err(err.into());
        }
        Ok((!group.frames.is_empty()).then_some(group))
    }

    fn frame(&mut self) -> Option<Frame> {
        match self {
            Content::Lines { reader, failure } => match reader.next() {
                None => None,
                Some(Ok(frame)) => Some(frame),
                Some(Err(err)) => {
                    *failure = Some(err);
                    None
                }
            },
            Content::EventLog { records, end, damaged, first_damage, .. } => loop {
                let record = records.next()?;
                *end += 1;
                match record {
                    Ok(frame) => return Some(frame),
                    Err(damage) => {
                        *damaged += 1;
                        first_damage.get_or_insert_with(|| damage.to_string());
                    }
                }
            },
        }
    }

    fn end(&self) -> u64 {
        match self {
            Content::Lines { reader, .. } => reader.end(),
            Content::EventLog { end, .. } => *end,
        }
    }

    /// Returns how far it is with so many events.
    pub(super) fn done(&mut self, events: u64) -> Done {
        let sha256 = match self {
            Content::Lines { reader, .. } => hex(&reader.digest()),
            Content::EventLog { sha256, .. } => hex(sha256),
        };
        Done { end: self.end(), events, sha256 }
    }

    /// Says what could not be read, if anything.
    pub(super) fn damage(&self) -> Option<String> {
        match self {
            Content::EventLog { damaged, first_damage: Some(first), .. } => {
                Some(format!("{damaged} damaged records or chunks were passed over, the first: {first}"))
            }
            _ => None,
        }
    }
}

/// Finds the known content that goes furthest with a reader, and how far the reader was read for it.
fn same<'k>(reader: &mut History<'_>, known: &'k [Known]) -> io::Result<(Option<&'k Known>, u64)> {
    // What was in doubt must be the same too: the log may say that it is there.
    let points = |known: &'k Known| std::iter::once(&known.done).chain(&known.in_doubt);
    let mut all: Vec<&Done> = known.iter().flat_map(points).collect();
    all.sort_by_key(|done| done.end);
    let (mut right, mut at): (Vec<&Done>, u64) = (Vec::new(), 0);
    for point in all {
        let Some(hash) = reader.skip_to(point.end)? else {
            at = u64::MAX;
            break;
        };
        at = point.end;
        if hex(&hash) == point.sha256 {
            right.push(point);
        }
    }
    let found = known.iter().rev().find(|known| points(known).all(|point| right.contains(&point)));
    Ok((found, at))
}
