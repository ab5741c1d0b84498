//! How far an input got that reads from something with an order of its own: a database table, the journal.
//!
//! Before a page of rows is handed in, the ledger notes on disk which rows the page has. The log itself keeps, beside each row, how
//! many this input had stored by then. After a crash the two together tell exactly which rows of the last page are stored: none is
//! repeated, none skipped, and the note alone never moves the position forward.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Digest as _;
use sha2::Sha256;
use tracing::warn;

use crate::ingest::intake::Place;

/// The device of places that are no places in a file; no file system has it.
const NO_DEVICE: u64 = 0x4c4f_4e47_414e_3a31;
const VERSION: u32 = 1;

/// What an input remembers between two runs.
pub trait Progress: Clone + Default + Serialize + DeserializeOwned {
    /// What is noted of one row before it is handed in.
    type Mark: Clone + Serialize + DeserializeOwned;

    /// Takes in that a row is stored.
    fn advance(&mut self, mark: &Self::Mark);
}

/// Why the position cannot be read or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    #[error("the position of an input cannot be kept in `{}`", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the position of an input in `{}` cannot be read", .path.display())]
    Unreadable { path: PathBuf, source: serde_json::Error },
    #[error("the position of an input in `{}` was written by a newer version ({version})", .path.display())]
    Newer { path: PathBuf, version: u32 },
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Note<P: Progress> {
    version: u32,
    /// What is read: with another table or query under the same name, the position means nothing.
    subject: String,
    /// Rows stored before the page.
    rows: u64,
    progress: P,
    /// The rows of the page handed in last; empty once all of it is known to be stored.
    page: Vec<P::Mark>,
}

/// The position of one input.
#[derive(Debug)]
pub struct Ledger<P: Progress> {
    path: PathBuf,
    inode: u64,
    subject: String,
    rows: u64,
    progress: P,
    /// The note on disk still has a page in it that is stored.
    is_settling: bool,
}

impl<P: Progress> Ledger<P> {
    /// Reads where the last run of the input ended. `places` is what the log remembers; `subject` says what is read.
    ///
    /// # Errors
    /// When the note is there and cannot be read: guessing would repeat or skip rows.
    pub fn open(folder: &Path, input: &str, subject: &str, places: &[Place]) -> Result<Ledger<P>, LedgerError> {
        let path = folder.join(format!("{}.json", input.replace([':', '/'], "-")));
        let failed = |source| LedgerError::Io { path: path.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o750).create(folder).map_err(failed)?;
        let inode = key_of(input);
        let stored = places.iter().find(|place| place.device == NO_DEVICE && place.inode == inode);
        let stored = stored.map(|place| place.offset);
        let mut ledger = Ledger {
            path: path.clone(),
            inode,
            subject: subject.to_owned(),
            rows: stored.unwrap_or(0),
            progress: P::default(),
            is_settling: false,
        };
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(ledger),
            Err(err) => return Err(failed(err)),
        };
        let note: Note<P> =
            serde_json::from_slice(&text).map_err(|source| LedgerError::Unreadable { path: path.clone(), source })?;
        if note.version > VERSION {
            return Err(LedgerError::Newer { path, version: note.version });
        }
        ledger.rows = ledger.rows.max(note.rows);
        if note.subject == subject {
            ledger.resume(note, stored);
        } else {
            warn!(input, "another table, query or order than before under this name: it is begun anew");
        }
        Ok(ledger)
    }

    fn resume(&mut self, note: Note<P>, stored: Option<u64>) {
        let page = note.page.len() as u64;
        let known = stored.unwrap_or(note.rows);
        if known > note.rows + page {
            warn!(path = %self.path.display(), "the log has more rows than the noted position: some may be read again");
        }
        let durable = known.saturating_sub(note.rows).min(page);
        self.progress = note.progress;
        note.page
            .iter()
            .take(usize::try_from(durable).unwrap_or(usize::MAX))
            .for_each(|mark| self.progress.advance(mark));
        self.rows = self.rows.max(note.rows + durable);
        self.is_settling = page > 0;
    }

    /// Returns what is known to be stored.
    pub fn progress(&self) -> &P {
        &self.progress
    }

    /// Notes the rows of a page about to be handed in, and returns the place that goes into the log beside each.
    ///
    /// # Errors
    /// When the note cannot be made durable: the page must not be handed in then.
    pub fn begin(&mut self, page: &[P::Mark]) -> Result<Vec<Place>, LedgerError> {
        self.write(page)?;
        self.is_settling = true;
        let place =
            |nth: u64| Place { device: NO_DEVICE, inode: self.inode, offset: self.rows + nth, ..Place::default() };
        Ok((1..=page.len() as u64).map(place).collect())
    }

    /// Takes in that the page is stored.
    pub fn stored(&mut self, page: &[P::Mark]) {
        page.iter().for_each(|mark| self.progress.advance(mark));
        self.rows += page.len() as u64;
    }

    /// Notes that the last page is stored, so that the log may forget its places.
    ///
    /// # Errors
    /// When the note cannot be made durable.
    pub fn settle(&mut self) -> Result<(), LedgerError> {
        if self.is_settling {
            self.write(&[])?;
            self.is_settling = false;
        }
        Ok(())
    }

    /// Sets a first position without a row.
    ///
    /// # Errors
    /// As [`Ledger::settle`].
    pub fn begin_at(&mut self, progress: P) -> Result<(), LedgerError> {
        self.progress = progress;
        self.write(&[])
    }

    /// The note is there whole or as it was before, also after a power cut.
    fn write(&self, page: &[P::Mark]) -> Result<(), LedgerError> {
        let failed = |source| LedgerError::Io { path: self.path.clone(), source };
        let note = Note {
            version: VERSION,
            subject: self.subject.clone(),
            rows: self.rows,
            progress: self.progress.clone(),
            page: page.to_vec(),
        };
        let text = serde_json::to_vec(&note).map_err(io::Error::from).map_err(failed)?;
        let new = self.path.with_extension("new");
        let mut file = File::create(&new).map_err(failed)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&new, &self.path).map_err(failed)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

/// The same for a name in every version of the program.
fn key_of(input: &str) -> u64 {
    let digest = Sha256::digest(input.as_bytes());
    digest.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    struct Sum(u64);

    impl Progress for Sum {
        type Mark = u64;

        fn advance(&mut self, mark: &u64) {
            self.0 += mark;
        }
    }

    fn open(folder: &Path, places: &[Place]) -> Ledger<Sum> {
        Ledger::open(folder, "database:x", "table", places).expect("opened")
    }

    #[test]
    fn a_crash_inside_a_page_keeps_exactly_what_the_log_has() {
        for durable in 0..=3 {
            let folder = tempfile::tempdir().expect("a folder");
            let mut ledger = open(folder.path(), &[]);
            let first = ledger.begin(&[1, 10]).expect("noted");
            ledger.stored(&[1, 10]);
            let second = ledger.begin(&[100, 1_000, 10_000]).expect("noted");
            assert_eq!(second.iter().map(|place| place.offset).collect::<Vec<_>>(), [3, 4, 5]);
            drop(ledger);
            let mut log = first;
            log.extend(second.into_iter().take(durable));
            let ledger = open(folder.path(), &log[log.len() - 1..]);
            assert_eq!(ledger.progress(), &Sum([11, 111, 1_111, 11_111][durable]), "{durable}");
            assert_eq!(ledger.rows, 2 + durable as u64);
        }
    }

    #[test]
    fn a_settled_position_needs_no_place_in_the_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut ledger = open(folder.path(), &[]);
        ledger.begin(&[7]).expect("noted");
        ledger.stored(&[7]);
        ledger.settle().expect("settled");
        assert_eq!((open(folder.path(), &[]).progress(), open(folder.path(), &[]).rows), (&Sum(7), 1));
        let other: Ledger<Sum> = Ledger::open(folder.path(), "database:x", "other", &[]).expect("opened");
        assert_eq!((other.progress(), other.rows), (&Sum(0), 1), "another table begins anew; the count goes on");
    }

    #[test]
    fn a_note_that_cannot_be_read_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        for (text, part) in [
            ("{", "cannot be read"),
            ("{\"version\":9,\"subject\":\"\",\"rows\":1,\"progress\":0,\"page\":[]}", "newer"),
        ] {
            fs::write(folder.path().join("database-x.json"), text).expect("written");
            let err = Ledger::<Sum>::open(folder.path(), "database:x", "table", &[]).expect_err("refused");
            assert!(err.to_string().contains(part), "{err}");
        }
    }
}
