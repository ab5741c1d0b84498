//! Checks a data folder against its evidence, with a server running on it or not; changes nothing.
//!
//! Whatever is wrong is named with its place: file and byte where the sums tell, record ids where they do not.

mod logs;
mod partitions;
mod unsealed;

use std::io;
use std::path::Path;

use serde::Serialize;

use crate::evidence::key;
use crate::evidence::ledger::Ledger;
use crate::evidence::log::note::Signer;
use crate::evidence::log::note::Verifier;
use crate::evidence::places::Places;
use crate::evidence::said::Said;
use crate::evidence::said::said;
use crate::evidence::verify::logs::LogCheck;
use crate::model::Timestamp;
use crate::store::Catalog;
use crate::store::checked;
use crate::store::checked::Checked;

/// What to check by.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The key that checkpoints must be signed with, known from elsewhere; otherwise the folder's own are believed.
    pub key: Option<Verifier>,
    /// Checkpoints kept off this machine: every entry they were signed over must be there, unchanged.
    pub checkpoints: Vec<String>,
}

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file, below the data folder.
    pub place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// The first and the last record concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<(u64, u64)>,
    /// The byte in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    pub what: String,
    /// The same in Vietnamese.
    pub what_vi: String,
}

/// What one log says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct LogState {
    pub origin: String,
    pub entries: u64,
    /// Entries that the last checkpoint covers.
    pub signed: u64,
    pub checkpoints: u64,
    /// The last signed checkpoint.
    pub checkpoint: String,
    /// The key it is signed with.
    pub key: String,
}

/// What was looked at and found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// What cannot be said, in words.
    pub notes: Vec<String>,
    /// The same in Vietnamese.
    pub notes_vi: Vec<String>,
    pub logs: Vec<LogState>,
    pub partitions: u64,
    pub records: u64,
    pub units: u64,
    pub deleted_units: u64,
    /// Events in the write-ahead log that are in no partition yet.
    pub unsealed: u64,
}

impl Finding {
    /// Makes one of a file as a whole.
    pub fn new(place: impl Into<String>, what: impl Into<Said>) -> Finding {
        let Said { english: what, vietnamese: what_vi } = what.into();
        Finding { place: place.into(), partition: None, records: None, offset: None, what, what_vi }
    }
}

impl Report {
    /// Says whether everything is as it was.
    pub fn is_right(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn find(&mut self, place: impl Into<String>, what: impl Into<Said>) -> &mut Finding {
        self.findings.push(Finding::new(place, what));
        self.findings.last_mut().expect("one was just pushed")
    }

    pub(super) fn note(&mut self, note: impl Into<Said>) {
        let Said { english, vietnamese } = note.into();
        self.notes.push(english);
        self.notes_vi.push(vietnamese);
    }
}

/// How far a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub records: u64,
    pub records_total: u64,
}

/// Checks everything; `progress` is told now and then and ends the check by returning false.
///
/// # Errors
/// When a file cannot be read by the operating system; what is in it is never an error but a finding.
pub fn verify(
    data: &Path,
    options: &Options,
    now: Timestamp,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> io::Result<Report> {
    let places = Places::of(data);
    let mut report = Report::default();
    // The manifest first: whatever it names then, the log named before or names within a second.
    let catalog = read_catalog(&places, &mut report);
    let Keys { believed: verifiers, later } = read_keys(&places, options, &mut report);
    let (pinned, later) = (options.key.as_ref(), later.as_slice());
    let mut ledger = Ledger::default();
    let keys = &verifiers;
    let evidence =
        LogCheck { folder: places.log(), name: "evidence/log", log: "evidence", verifiers: keys, pinned, later };
    let is_kept = evidence.check(options, &mut report, &mut |number, entry| ledger.take(number, entry))?;
    let audit =
        LogCheck { folder: places.audit(), name: "evidence/audit", log: "audit", verifiers: keys, pinned, later };
    audit.check(options, &mut report, &mut |_, _| {})?;
    if !is_kept {
        report.note((
            "there is no evidence log: nothing stored can be proven",
            "không có nhật ký bằng chứng: không chứng minh được gì về những gì đang lưu",
        ));
    }
    check_announced_key(&ledger, &verifiers, &mut report);
    if let Some(catalog) = catalog {
        partitions::check(&places, &catalog, &ledger, now, &mut report, progress)?;
        unsealed::check(&places, &catalog, &mut report)?;
    }
    Ok(report)
}

fn read_catalog(places: &Places, report: &mut Report) -> Option<Catalog> {
    const PLACE: &str = "store/manifest.json";
    let read = Catalog::read(&places.store());
    let check = match &read {
        Ok(Some(catalog)) => catalog.check,
        Ok(None) => {
            report.find(PLACE, ("there is no store", "không có kho"));
            return None;
        }
        Err(_) => {
            std::fs::read(places.store().join("manifest.json")).map_or(Checked::Missing, |bytes| checked::check(&bytes))
        }
    };
    match check {
        Checked::Right => {}
        Checked::Missing => {
            report.find(
                PLACE,
                (
                    "the manifest has no check of its own, or was cut off",
                    "bản kê không có mã kiểm của nó, hoặc đã bị cắt cụt",
                ),
            );
        }
        Checked::Changed(at) => {
            report.find(PLACE, changed(at)).offset = at.map(|at| at as u64);
        }
    }
    match read {
        Ok(catalog) => catalog,
        Err(err) => {
            report.find(PLACE, said!("the manifest cannot be read: {err}", "không đọc được bản kê: {err}"));
            None
        }
    }
}

/// Says of bytes with a check of their own that they were changed.
pub(super) fn changed(at: Option<usize>) -> Said {
    match at {
        Some(_) => ("this byte was changed", "byte này đã bị đổi").into(),
        None => ("it was changed", "nội dung đã bị đổi").into(),
    }
}

/// Whose signatures are believed, and which keys only came after the one that was given.
struct Keys {
    believed: Vec<Verifier>,
    later: Vec<Verifier>,
}

fn read_keys(places: &Places, options: &Options, report: &mut Report) -> Keys {
    let own = match key::verifiers(&places.folder()) {
        Ok(own) => own,
        Err(err) => {
            report.find("evidence/key.pub", said!("{err}", "không dùng được khoá công khai: {err}"));
            Vec::new()
        }
    };
    check_secret(places, &own, report);
    match &options.key {
        None => Keys { believed: own, later: Vec::new() },
        Some(pinned) => {
            if !own.contains(pinned) {
                let known = own.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let what = said!(
                    "the key that was given, `{pinned}`, is not among this folder's: {known}",
                    "khoá được đưa vào, `{pinned}`, không có trong các khoá của thư mục này: {known}",
                );
                report.find("evidence/key.pub", what);
            }
            // Those before it signed older checkpoints, and the newest must be of the key itself. Nothing shows that those
            // after it were not put there by a forger.
            let mut later = own.iter().skip_while(|key| *key != pinned).skip(1).cloned().collect();
            let mut believed: Vec<Verifier> = own.iter().take_while(|key| *key != pinned).cloned().collect();
            if !own.contains(pinned) {
                (believed, later) = (Vec::new(), Vec::new());
            }
            believed.push(pinned.clone());
            Keys { believed, later }
        }
    }
}

/// The secret key, where we may read it, must be that of the newest public one.
fn check_secret(places: &Places, own: &[Verifier], report: &mut Report) {
    const PLACE: &str = "evidence/key";
    match std::fs::read_to_string(places.folder().join("key")) {
        Ok(text) => match Signer::parse(&text) {
            Ok(signer) if own.last() == Some(signer.verifier()) => {}
            Ok(_) => {
                let what = (
                    "the secret key is not that of the newest public key",
                    "khoá bí mật không phải của khoá công khai mới nhất",
                );
                report.find(PLACE, what);
            }
            Err(err) => {
                report.find(PLACE, (err.to_string(), err.in_vietnamese()));
            }
        },
        Err(err) if err.kind() == io::ErrorKind::InvalidData => {
            report.find(PLACE, ("this is no key", "đây không phải là khoá"));
        }
        // Auditors need not be able to read it, and an exported folder need not have it.
        Err(_) => {}
    }
}

/// The log itself names the keys: a signature of another is somebody else's.
fn check_announced_key(ledger: &Ledger, verifiers: &[Verifier], report: &mut Report) {
    let (Some(announced), false) = (ledger.keys.last(), verifiers.is_empty()) else { return };
    if !verifiers.iter().any(|key| key.to_string() == *announced) {
        let what = said!(
            "the evidence log is kept with the key `{announced}`, and the key file has another",
            "nhật ký bằng chứng được ghi bằng khoá `{announced}`, còn tệp khoá lại có khoá khác",
        );
        report.find("evidence/key.pub", what);
    }
}

#[cfg(test)]
pub(super) mod tests;
