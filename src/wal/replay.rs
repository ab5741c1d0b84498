//! Reading the log from an event on, in order, in bounded memory, past any damage.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::Envelope;
use crate::model::EventId;
use crate::wal::disk::Disk;
use crate::wal::record::Record;
use crate::wal::recovery::Damage;
use crate::wal::segment::SegmentName;
use crate::wal::segment::SegmentReader;
use crate::wal::segment::Step;

/// A part of the log that could not be replayed; what follows it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorruptRecord {
    /// Bytes that are no record.
    #[error("`{}`: {} bytes at offset {} are damaged", .0.path.display(), .0.bytes, .0.offset)]
    Damaged(Damage),
    /// The rest of a segment could not be read.
    #[error("`{}`: cannot be read from offset {offset} on", path.display())]
    Unreadable { path: PathBuf, offset: u64, source: io::Error },
}

/// Reads a log that nobody writes to, without taking its lock and without changing anything.
///
/// # Errors
/// When the folder cannot be listed.
pub fn read_only(disk: Arc<dyn Disk>, after: EventId) -> io::Result<Replay> {
    let mut names: Vec<SegmentName> = disk.list()?.iter().filter_map(|name| SegmentName::parse(name)).collect();
    names.sort_unstable();
    Ok(Replay::new(disk, &names, after))
}

/// The events after a given one, oldest first; each id at most once.
#[derive(Debug)]
pub struct Replay {
    disk: Arc<dyn Disk>,
    waiting: VecDeque<SegmentName>,
    current: Option<(SegmentName, SegmentReader)>,
    after: EventId,
}

impl Replay {
    /// `names` in order; segments that hold nothing after `after` are not opened.
    pub(super) fn new(disk: Arc<dyn Disk>, names: &[SegmentName], after: EventId) -> Replay {
        let useful = names.iter().enumerate().filter(|(index, _)| {
            // All events of a segment are below the first of the next.
            names.get(index + 1).is_none_or(|next| next.first.0 > after.0.saturating_add(1))
        });
        let waiting = useful.map(|(_, name)| *name).collect();
        Replay { disk, waiting, current: None, after }
    }

    fn open_next(&mut self) -> Option<Result<(), CorruptRecord>> {
        let name = self.waiting.pop_front()?;
        let opened = self.disk.open(&name.file_name()).and_then(|file| SegmentReader::new(file, &name));
        Some(match opened {
            Ok((reader, _)) => {
                self.current = Some((name, reader));
                Ok(())
            }
            Err(source) => {
                Err(CorruptRecord::Unreadable { path: self.disk.path_of(&name.file_name()), offset: 0, source })
            }
        })
    }
}

impl Iterator for Replay {
    type Item = Result<Envelope, CorruptRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((name, reader)) = &mut self.current else {
                match self.open_next()? {
                    Ok(()) => continue,
                    Err(err) => return Some(Err(err)),
                }
            };
            match reader.step() {
                // Ids only grow: one that does not would be a repetition.
                Ok(Step::Record(Record::Event(envelope, _))) if envelope.id > self.after => {
                    self.after = envelope.id;
                    return Some(Ok(envelope));
                }
                Ok(Step::Record(_)) => {}
                Ok(Step::Damage { offset, bytes, .. }) => {
                    let path = self.disk.path_of(&name.file_name());
                    return Some(Err(CorruptRecord::Damaged(Damage { path, offset, bytes })));
                }
                Ok(Step::End) => self.current = None,
                Err(source) => {
                    let (path, offset) = (self.disk.path_of(&name.file_name()), reader.offset());
                    self.current = None;
                    return Some(Err(CorruptRecord::Unreadable { path, offset, source }));
                }
            }
        }
    }
}
