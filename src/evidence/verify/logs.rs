//! Checks a signed log by itself: entries, checkpoints, order, and what others have seen of it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::evidence::log::ENTRIES_A_BUNDLE;
use crate::evidence::log::checkpoint::Checkpoint;
use crate::evidence::log::merkle::Frontier;
use crate::evidence::log::merkle::Hash;
use crate::evidence::log::merkle::leaf_hash;
use crate::evidence::log::note::NoteError;
use crate::evidence::log::note::Verifier;
use crate::evidence::log::read_bundles;
use crate::evidence::log::read_notes;
use crate::evidence::said::Said;
use crate::evidence::said::said;
use crate::evidence::verify::LogState;
use crate::evidence::verify::Options;
use crate::evidence::verify::Report;
use crate::wal::disk::Disk;
use crate::wal::disk::RealDisk;

/// Which log, and by which keys.
pub(super) struct LogCheck<'k> {
    pub(super) folder: PathBuf,
    /// Below the data folder.
    pub(super) name: &'static str,
    /// The end of its origin.
    pub(super) log: &'static str,
    pub(super) verifiers: &'k [Verifier],
    /// The key known from elsewhere: the newest checkpoint must be signed with it.
    pub(super) pinned: Option<&'k Verifier>,
    /// Keys of the folder that came after that one.
    pub(super) later: &'k [Verifier],
}

impl LogCheck<'_> {
    /// Checks the log and hands its entries to `visit`; false when there is none.
    pub(super) fn check(
        &self,
        options: &Options,
        report: &mut Report,
        visit: &mut dyn FnMut(u64, &[u8]),
    ) -> io::Result<bool> {
        if !self.folder.try_exists()? {
            for note in &options.checkpoints {
                if self.is_of_this_log(note) {
                    let what = (
                        "the log is gone, and a checkpoint of it is kept elsewhere",
                        "nhật ký đã mất, trong khi một điểm kiểm của nó còn được giữ ở nơi khác",
                    );
                    report.find(self.name, what);
                }
            }
            return Ok(false);
        }
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(&self.folder)?);
        // Checkpoints first: a running server may sign more entries while we read, never fewer.
        let notes = read_notes(&disk)?;
        let roots = self.read_entries(&disk, report, visit)?;
        let mut state = LogState { entries: roots.len() as u64 - 1, ..LogState::default() };
        self.check_notes(&notes, &roots, &mut state, report);
        for note in &options.checkpoints {
            self.check_seen(note, &roots, report);
        }
        report.logs.push(state);
        Ok(true)
    }

    /// Reads the entries; returns the root after each number of them, from none on.
    fn read_entries(
        &self,
        disk: &Arc<dyn Disk>,
        report: &mut Report,
        visit: &mut dyn FnMut(u64, &[u8]),
    ) -> io::Result<Vec<Hash>> {
        let mut frontier = Frontier::default();
        let mut roots = vec![frontier.root()];
        read_bundles(disk, &mut |file, bundle| {
            let place = format!("{}/{file}", self.name);
            if bundle.first > frontier.size() {
                let (from, to) = (frontier.size(), bundle.first - 1);
                report.find(&place, said!("entries {from} to {to} are missing", "thiếu các mục từ {from} đến {to}"));
            }
            if bundle.entries.len() as u64 > ENTRIES_A_BUNDLE {
                let what = ("it holds more entries than a bundle has", "tệp có nhiều mục hơn một bó có thể có");
                report.find(&place, what);
            }
            for (entry, number) in bundle.entries.iter().zip(bundle.first..) {
                if number == frontier.size() {
                    frontier.push(leaf_hash(entry));
                    roots.push(frontier.root());
                }
                visit(number, entry);
            }
            if let Some(fault) = bundle.fault {
                report.find(&place, fault.what).offset = Some(fault.offset);
            }
        })?;
        Ok(roots)
    }

    fn check_notes(&self, notes: &[(String, u64, String)], roots: &[Hash], state: &mut LogState, report: &mut Report) {
        let (mut last_size, mut later_from) = (0, None);
        for (index, (file, offset, note)) in notes.iter().enumerate() {
            let place = format!("{}/{file}", self.name);
            let checkpoint = match self.open(note) {
                Ok((checkpoint, key)) => {
                    state.key = key.to_string();
                    checkpoint
                }
                Err(NoteError::Malformed) if self.lost_its_end(note) => {
                    let what = ("the byte after this checkpoint was changed", "byte sau điểm kiểm này đã bị đổi");
                    report.find(&place, what).offset = Some(*offset);
                    continue;
                }
                Err(NoteError::Malformed) if index + 1 == notes.len() && !note.ends_with('\n') => {
                    report.note(said!(
                        "{place}: the last checkpoint is unfinished; it was shown to nobody",
                        "{place}: điểm kiểm cuối ghi dở; chưa ai được thấy nó",
                    ));
                    continue;
                }
                Err(_) if self.later.iter().any(|key| Checkpoint::open(note, key).is_ok()) => {
                    later_from.get_or_insert((place, *offset));
                    continue;
                }
                Err(err) => {
                    let reason = err.in_vietnamese();
                    let what = (
                        format!("a checkpoint was changed or signed by another: {err}"),
                        format!("một điểm kiểm đã bị đổi hoặc do khoá khác ký: {reason}"),
                    );
                    report.find(&place, what).offset = Some(*offset);
                    continue;
                }
            };
            if checkpoint.size < last_size {
                let what =
                    ("a checkpoint is smaller than the one before it", "một điểm kiểm nhỏ hơn điểm kiểm trước nó");
                report.find(&place, what).offset = Some(*offset);
            }
            if let Some(what) = contradiction(&checkpoint, roots) {
                let Said { english, vietnamese } = what;
                let what = said!("{english}, says the checkpoint here", "{vietnamese}, theo điểm kiểm ở đây");
                report.find(&place, what).offset = Some(*offset);
            }
            last_size = last_size.max(checkpoint.size);
            state.checkpoints += 1;
            state.origin = checkpoint.origin;
            state.signed = last_size;
            state.checkpoint.clone_from(note);
        }
        self.check_newest(later_from, state, report);
        if state.checkpoints == 0 {
            let what = ("no checkpoint is signed with a known key", "không có điểm kiểm nào được ký bằng khoá đã biết");
            report.find(self.name, what);
        }
    }

    /// What is signed with a later key only is not proven by the one that was given.
    fn check_newest(&self, later_from: Option<(String, u64)>, state: &LogState, report: &mut Report) {
        if let Some((place, offset)) = later_from {
            let what = (
                "from here on checkpoints are signed with a key that came after the one that was given: check with that one, noted down elsewhere",
                "từ đây các điểm kiểm được ký bằng một khoá có sau khoá được đưa vào: hãy kiểm bằng khoá đó, đã ghi lại ở nơi khác",
            );
            report.find(place, what).offset = Some(offset);
        } else if state.checkpoints > 0 && self.pinned.is_some_and(|pinned| pinned.to_string() != state.key) {
            let what = (
                "the newest checkpoint is not signed with the key that was given",
                "điểm kiểm mới nhất không được ký bằng khoá được đưa vào",
            );
            report.find(self.name, what);
        }
    }

    fn open(&self, note: &str) -> Result<(Checkpoint, &Verifier), NoteError> {
        let mut failed = NoteError::Malformed;
        for key in self.verifiers {
            match Checkpoint::open(note, key) {
                Ok(checkpoint) if checkpoint.origin.ends_with(&format!("/{}", self.log)) => {
                    return Ok((checkpoint, key));
                }
                Ok(_) => failed = NoteError::Malformed,
                Err(err) => failed = err,
            }
        }
        Err(failed)
    }

    /// A checkpoint that is whole but for the empty line after it: nothing but a changed byte leaves one so.
    fn lost_its_end(&self, note: &str) -> bool {
        let mut without = note.chars();
        without.next_back();
        !note.ends_with('\n') && self.open(without.as_str()).is_ok()
    }

    fn is_of_this_log(&self, note: &str) -> bool {
        note.lines().next().is_some_and(|origin| origin.ends_with(&format!("/{}", self.log)))
    }

    /// Compares with a checkpoint from elsewhere.
    fn check_seen(&self, note: &str, roots: &[Hash], report: &mut Report) {
        if !self.is_of_this_log(note) {
            return;
        }
        match self.open(note) {
            Err(err) => {
                let reason = err.in_vietnamese();
                let what = (
                    format!("the checkpoint from elsewhere is not of this log's key: {err}"),
                    format!("điểm kiểm từ nơi khác không thuộc khoá của nhật ký này: {reason}"),
                );
                report.find(self.name, what);
            }
            Ok((checkpoint, _)) => {
                if let Some(what) = contradiction(&checkpoint, roots) {
                    let Said { english, vietnamese } = what;
                    let what = said!(
                        "{english}, says the checkpoint from elsewhere",
                        "{vietnamese}, theo điểm kiểm từ nơi khác"
                    );
                    report.find(self.name, what);
                }
            }
        }
    }
}

/// Says how a checkpoint contradicts the entries, if it does.
fn contradiction(checkpoint: &Checkpoint, roots: &[Hash]) -> Option<Said> {
    let entries = roots.len() as u64 - 1;
    match usize::try_from(checkpoint.size).ok().and_then(|size| roots.get(size)) {
        None => {
            let last = checkpoint.size - 1;
            Some(said!("entries {entries} to {last} were removed", "các mục từ {entries} đến {last} đã bị gỡ"))
        }
        Some(root) if *root != checkpoint.root => {
            let size = checkpoint.size;
            Some(said!(
                "the first {size} entries were rewritten, removed or put in another order",
                "{size} mục đầu đã bị viết lại, gỡ bỏ hoặc đảo thứ tự",
            ))
        }
        Some(_) => None,
    }
}
