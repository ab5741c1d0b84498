//! Which contents were imported, and how far: so that importing a file again adds nothing, and an import that was broken off
//! goes on where it ended.
//!
//! A content is known by the hash of what was imported of it, never by its name: a copy, a renamed or a compressed file is the
//! same, and a file that grew is the same up to where it had ended. Each has a small journal in `DATA/imports`, one line for
//! each group that is on the disk. Without a server the log itself also says how far it is ([`Place`]), so that not even
//! `kill -9` between the two makes a line come twice.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;

use crate::ingest::intake::Place;

/// Stands for the device of an imported content: no followed file is on it.
const IMPORTED: u64 = u64::MAX;
/// Contents with the same beginning that are told apart.
const SAME_BEGINNING_MAX: usize = 1_000;
/// A journal that grew longer than this is damaged.
const JOURNAL_BYTES_MAX: u64 = 16 << 20;

/// How far a content is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    /// In the uncompressed content; in an event log, records.
    pub(super) end: u64,
    pub(super) events: u64,
    /// Of all before `end`.
    pub(super) sha256: String,
}

/// A line of a journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Note {
    /// The name it had, for whoever looks.
    Name(String),
    /// A group is about to be handed to a server.
    Begun(Done),
    /// A group is about to be handed to the log, which says itself whether it has it.
    Placed(Done),
    Done(Done),
}

/// A content that was imported, as a whole or in part.
#[derive(Debug, Clone)]
pub(super) struct Known {
    path: PathBuf,
    pub(super) done: Done,
    /// A group was handed over, and whether it was taken is not known: how far it goes.
    pub(super) in_doubt: Option<Done>,
    /// The log says whether it was.
    pub(super) is_placed: bool,
}

/// The folder of the journals.
pub(super) struct Ledger {
    folder: PathBuf,
}

/// The journal of the content that is being imported.
pub(super) struct Journal {
    file: File,
    /// What the places of its lines carry in the log.
    content: u64,
}

impl Ledger {
    pub(super) fn of(data: &Path) -> Ledger {
        Ledger { folder: data.join("imports") }
    }

    /// Returns what was imported of contents with this beginning, the furthest last. A journal that cannot be read is left out.
    pub(super) fn known(&self, key: &str) -> Vec<Known> {
        let mut known: Vec<Known> =
            (0..SAME_BEGINNING_MAX).map(|number| self.path(key, number)).map_while(read).flatten().collect();
        known.sort_by_key(|known| known.done.end);
        known
    }

    /// Opens the journal of a known content, or a new one.
    pub(super) fn open(&self, key: &str, known: Option<&Known>, name: &str) -> io::Result<Journal> {
        fs::create_dir_all(&self.folder)?;
        let path = match known {
            Some(known) => known.path.clone(),
            None => {
                let free = (0..SAME_BEGINNING_MAX).map(|number| self.path(key, number));
                let mut free = free.filter(|path| matches!(path.try_exists(), Ok(false)));
                free.next().ok_or_else(|| io::Error::other("too many files with the same beginning were imported"))?
            }
        };
        let file = File::options().create(true).append(true).open(&path)?;
        let mut journal = Journal { file, content: content_of(&path) };
        match known {
            // A line that was torn off must not spoil the next.
            Some(_) => journal.file.write_all(b"\n")?,
            None => journal.note(&Note::Name(name.to_owned()))?,
        }
        Ok(journal)
    }

    fn path(&self, key: &str, number: usize) -> PathBuf {
        self.folder.join(format!("{key}-{number}.jsonl"))
    }
}

/// Names a content in the log.
fn content_of(path: &Path) -> u64 {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let hash: [u8; 32] = Sha256::digest(name).into();
    u64::from_le_bytes(hash.first_chunk().copied().unwrap_or_default())
}

/// Reads a journal; `None` when there is none, nothing within when it says nothing.
fn read(path: PathBuf) -> Option<Option<Known>> {
    let length = fs::metadata(&path).ok()?.len();
    let text = if length <= JOURNAL_BYTES_MAX { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
    let (mut last, mut in_doubt, mut is_placed) = (None, None, false);
    for note in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        match note {
            Note::Name(_) => {}
            Note::Begun(begun) => (in_doubt, is_placed) = (Some(begun), false),
            Note::Placed(begun) => (in_doubt, is_placed) = (Some(begun), true),
            Note::Done(done) => (last, in_doubt) = (Some(done), None),
        }
    }
    let nothing = || Done { end: 0, events: 0, sha256: hex(&Sha256::digest([]).into()) };
    // What was begun and never ended is known as well: the log may have it.
    let done = last.or_else(|| in_doubt.is_some().then(nothing));
    Some(done.map(|done| Known { path, done, in_doubt, is_placed }))
}

impl Known {
    /// Returns how far the log is with this content, from the places in it.
    pub(super) fn end_in_log(&self, places: &[Place]) -> u64 {
        let content = content_of(&self.path);
        let own = places.iter().filter(|place| place.device == IMPORTED && place.inode == content);
        own.map(|place| place.offset).max().unwrap_or(0)
    }
}

impl Journal {
    /// Returns what a line that ends there carries in the log.
    pub(super) fn place(&self, end: u64) -> Place {
        Place { device: IMPORTED, inode: self.content, offset: end, ..Place::default() }
    }

    /// Notes that a group is about to be handed over, and how far it is when that is stored.
    pub(super) fn begin(&mut self, done: &Done, is_placed: bool) -> io::Result<()> {
        let done = done.clone();
        self.note(&if is_placed { Note::Placed(done) } else { Note::Begun(done) })
    }

    /// Notes that everything up to `done` is stored.
    pub(super) fn done(&mut self, done: &Done) -> io::Result<()> {
        self.note(&Note::Done(done.clone()))
    }

    /// Makes sure that a power cut does not take the notes away.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn note(&mut self, note: &Note) -> io::Result<()> {
        let mut line = serde_json::to_vec(note)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }
}

/// Writes a hash.
pub(super) fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(end: u64) -> Done {
        Done { end, events: end / 10, sha256: format!("{end:064}") }
    }

    #[test]
    fn contents_with_one_beginning_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::of(folder.path());
        assert!(ledger.known("k").is_empty());
        for end in [500, 100] {
            let mut journal = ledger.open("k", None, "a.log").unwrap();
            journal.begin(&done(end), false).unwrap();
            journal.done(&done(end)).unwrap();
            journal.sync().unwrap();
        }
        let known = ledger.known("k");
        assert_eq!(known.iter().map(|known| known.done.end).collect::<Vec<_>>(), [100, 500]);
        assert!(known.iter().all(|known| known.in_doubt.is_none()) && ledger.known("other").is_empty());
        ledger.open("k", Some(&known[0]), "a.log").unwrap().done(&done(300)).unwrap();
        assert_eq!(ledger.known("k")[0].done, done(300));
    }

    #[test]
    fn what_was_broken_off_is_in_doubt_and_torn_lines_do_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::of(folder.path());
        let mut journal = ledger.open("k", None, "a.log").unwrap();
        journal.begin(&done(100), true).unwrap();
        let known = &ledger.known("k")[0];
        assert!(known.in_doubt == Some(done(100)) && known.is_placed && known.done.end == 0);
        let place = journal.place(70);
        assert_eq!(known.end_in_log(&[place, Place { device: 1, ..journal.place(90) }]), 70);
        journal.done(&done(100)).unwrap();
        journal.file.write_all(b"{\"done\":{\"end\":2").unwrap();
        let known = &ledger.known("k")[0];
        assert!(known.in_doubt.is_none() && known.done == done(100));
        ledger.open("k", Some(known), "a.log").unwrap().done(&done(200)).unwrap();
        assert_eq!(ledger.known("k")[0].done, done(200));
    }
}
