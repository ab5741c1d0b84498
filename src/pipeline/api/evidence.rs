//! The state of the evidence as the API tells it, and the check of everything stored, made beside the running server.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use crate::alert::AlertReader;
use crate::alert::store::FILE_NAME;
use crate::auth::Principal;
use crate::evidence::Places;
use crate::evidence::log::SignedLog;
use crate::evidence::signed_at;
use crate::evidence::verify::Finding;
use crate::evidence::verify::Options;
use crate::evidence::verify::Progress;
use crate::evidence::verify::Report;
use crate::evidence::verify::verify;
use crate::incident::IncidentError;
use crate::incident::handover::first_broken_handover;
use crate::model::Timestamp;
use crate::model::time::Clock;
use crate::pipeline::evidence::Evidence;
use crate::pipeline::live::Live;
use crate::server::EvidenceService;
use crate::wal::disk::durable::write_whole;
use crate::wire::evidence::EvidenceState;
use crate::wire::evidence::FindingRow;
use crate::wire::evidence::LogRow;
use crate::wire::evidence::Verification;
use crate::wire::evidence::VerifyState;
use crate::wire::problem::Problem;

/// Findings told one by one; all are counted.
const FINDINGS_MAX: usize = 500;
/// The longest rest between two pieces of work of a check.
const REST_MAX: Duration = Duration::from_millis(250);
/// A kept outcome is no longer than this.
const KEPT_BYTES_MAX: u64 = 4 << 20;

/// Checks a data folder whole: what is stored, both logs, and the chain of handovers.
///
/// # Errors
/// When the operating system cannot read a file; what is in it is a finding.
pub fn verify_data(
    data: &Path,
    options: &Options,
    now: Timestamp,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> io::Result<Report> {
    let mut report = verify(data, options, now, progress)?;
    report.findings.extend(broken_handover(data));
    Ok(report)
}

/// Finds the first handover that is not as it was signed.
fn broken_handover(data: &Path) -> Option<Finding> {
    let file = data.join(FILE_NAME);
    if !file.try_exists().unwrap_or(true) {
        return None;
    }
    let checked =
        AlertReader::open(&file).map_err(IncidentError::from).and_then(|mut it| first_broken_handover(&mut it));
    let what = match checked {
        Ok(None) => return None,
        Ok(Some(id)) => (
            format!("handover {id} is not what was signed, or the one before it is missing"),
            format!("biên bản giao ca {id} không đúng như khi ký, hoặc thiếu biên bản trước nó"),
        ),
        Err(err) => {
            let reason = format!("{:#}", anyhow::Error::from(err));
            (
                format!("the handovers cannot be read: {reason}"),
                format!("không đọc được các biên bản giao ca: {reason}"),
            )
        }
    };
    Some(Finding::new(FILE_NAME, what))
}

/// Answers about the evidence of the running server.
pub(in crate::pipeline) struct EvidenceOf {
    work: Arc<Work>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the API and the check share.
struct Work {
    data: PathBuf,
    evidence: Evidence,
    live: Arc<Live>,
    clock: Arc<dyn Clock>,
    last: Mutex<Option<Verification>>,
    is_cancelled: AtomicBool,
}

impl EvidenceOf {
    pub(in crate::pipeline) fn new(
        data: &Path,
        evidence: Evidence,
        live: Arc<Live>,
        clock: Arc<dyn Clock>,
    ) -> EvidenceOf {
        let last = Mutex::new(read_kept(&Places::of(data).verification()));
        let work = Work { data: data.to_owned(), evidence, live, clock, last, is_cancelled: AtomicBool::new(false) };
        EvidenceOf { work: Arc::new(work), thread: Mutex::new(None) }
    }
}

impl EvidenceOf {
    /// Returns the check that runs or the last one; one that broke off is not told as running for ever.
    fn verification(&self) -> Option<Verification> {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = thread.as_ref().is_none_or(JoinHandle::is_finished);
        let last = self.work.last().clone()?;
        let has_broken_off = is_over && last.state == VerifyState::Running;
        let problem = has_broken_off.then(|| "the check broke off".to_owned());
        Some(match problem {
            None => last,
            problem => Verification { state: VerifyState::Failed, problem, ..last },
        })
    }
}

impl Drop for EvidenceOf {
    fn drop(&mut self) {
        self.work.is_cancelled.store(true, Ordering::Relaxed);
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // A check that panicked has told so already.
        drop(thread.map(JoinHandle::join));
    }
}

impl EvidenceService for EvidenceOf {
    fn state(&self) -> EvidenceState {
        let Work { evidence, live, .. } = &*self.work;
        let places = Places::of(&self.work.data);
        let log = evidence.keeper.as_ref().map(|keeper| {
            let key = keeper.signer().verifier().to_string();
            keeper.with_log(|log| log_row("evidence", key, log, &places.log()))
        });
        let audit = evidence.audit.as_ref().map(|audit| {
            let key = audit.key();
            audit.with_log(|log| log_row("audit", key, log, &places.audit()))
        });
        EvidenceState {
            trouble: live.evidence_trouble(),
            logs: log.into_iter().chain(audit).collect(),
            verification: self.verification(),
            pushes: live.pushes(),
        }
    }

    fn verify(&self, caller: &Principal) -> Result<Verification, Problem> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            let by = self.work.last().as_ref().map(|last| last.by.clone());
            let detail = format!("a check of `{}` runs already", by.as_deref().unwrap_or_default());
            return Err(Problem { owner: by, ..problem(409, "conflict", detail) });
        }
        if let Some(ended) = thread.take() {
            drop(ended.join());
        }
        let started = Verification {
            by: caller.name.clone(),
            started: self.work.clock.now().to_string(),
            ..Verification::default()
        };
        self.work.is_cancelled.store(false, Ordering::Relaxed);
        *self.work.last() = Some(started.clone());
        let work = Arc::clone(&self.work);
        let spawned = std::thread::Builder::new().name("verify".to_owned()).spawn(move || work.run());
        *thread = Some(spawned.map_err(|err| problem(503, "busy", err.to_string()))?);
        Ok(started)
    }

    fn cancel(&self) -> Result<Verification, Problem> {
        let is_running = matches!(&*self.work.last(), Some(last) if last.state == VerifyState::Running);
        if is_running {
            self.work.is_cancelled.store(true, Ordering::Relaxed);
        }
        let last = self.work.last().clone();
        last.filter(|_| is_running).ok_or_else(|| problem(409, "conflict", "no check runs".to_owned()))
    }
}

impl Work {
    fn last(&self) -> MutexGuard<'_, Option<Verification>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks everything, resting as long as it works: events that arrive and analysts who search come first.
    fn run(&self) {
        let mut worked_since = Instant::now();
        let mut progress = |progress: Progress| {
            if let Some(last) = &mut *self.last() {
                (last.records, last.records_total) = (progress.records, progress.records_total);
            }
            std::thread::sleep(worked_since.elapsed().min(REST_MAX));
            worked_since = Instant::now();
            !self.is_cancelled.load(Ordering::Relaxed)
        };
        let checked = verify_data(&self.data, &Options::default(), self.clock.now(), &mut progress);
        let Some(last) = self.last().clone() else { return };
        let ended = self.settle(last, checked);
        self.evidence.record(&*self.clock, "verify", &outcome(&ended));
        let kept = serde_json::to_vec(&ended).map_err(io::Error::other);
        let path = Places::of(&self.data).verification();
        if let Err(error) = kept.and_then(|bytes| write_whole(&path, &bytes, 0o640)) {
            tracing::warn!(%error, "the outcome of a check is not kept for after a restart");
        }
        *self.last() = Some(ended);
    }

    fn settle(&self, last: Verification, checked: io::Result<Report>) -> Verification {
        let ended = Some(self.clock.now().to_string());
        let report = match checked {
            Err(err) => {
                return Verification { state: VerifyState::Failed, ended, problem: Some(err.to_string()), ..last };
            }
            Ok(_) if self.is_cancelled.load(Ordering::Relaxed) => {
                return Verification { state: VerifyState::Cancelled, ended, ..last };
            }
            Ok(report) => report,
        };
        Verification {
            state: VerifyState::Done,
            ended,
            records: report.records,
            records_total: report.records,
            partitions: report.partitions,
            units: report.units,
            deleted_units: report.deleted_units,
            unsealed: report.unsealed,
            findings_total: report.findings.len() as u64,
            findings: report.findings.into_iter().take(FINDINGS_MAX).map(finding_row).collect(),
            notes: report.notes,
            notes_vi: report.notes_vi,
            ..last
        }
    }
}

/// Says in one line what came of a check.
fn outcome(ended: &Verification) -> String {
    let by = &ended.by;
    match ended.state {
        VerifyState::Done if ended.findings_total == 0 => {
            format!("intact: {} records in {} partitions; asked by {by}", ended.records, ended.partitions)
        }
        VerifyState::Done => {
            let first = ended.findings.first().map(|first| format!("{}: {}", first.place, first.what));
            format!("NOT INTACT: {} findings, first {}; asked by {by}", ended.findings_total, first.unwrap_or_default())
        }
        VerifyState::Cancelled => format!("cancelled after {} records; asked by {by}", ended.records),
        VerifyState::Failed | VerifyState::Running => {
            format!("failed: {}; asked by {by}", ended.problem.as_deref().unwrap_or_default())
        }
    }
}

fn finding_row(finding: Finding) -> FindingRow {
    let Finding { place, offset, records, what, what_vi, .. } = finding;
    FindingRow { place, offset, records, what, what_vi }
}

fn log_row(name: &str, key: String, log: &SignedLog, folder: &Path) -> LogRow {
    let (signed, checkpoint) = log.last_signed().unwrap_or_default();
    LogRow {
        name: name.to_owned(),
        origin: log.origin().to_owned(),
        entries: log.size(),
        signed,
        key,
        checkpoint: checkpoint.to_owned(),
        signed_at: signed_at(folder).map(|at| at.to_string()),
    }
}

fn read_kept(path: &Path) -> Option<Verification> {
    let length = fs::metadata(path).ok()?.len();
    let bytes = (length <= KEPT_BYTES_MAX).then(|| fs::read(path).ok())??;
    serde_json::from_slice(&bytes).ok()
}

fn problem(status: u16, kind: &str, detail: String) -> Problem {
    Problem { status, kind: kind.to_owned(), detail, hint: None, column: None, owner: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;
    use crate::auth::Via;
    use crate::evidence::audit::Filter;
    use crate::model::time::SystemClock;
    use crate::store;
    use crate::store::Store;

    fn service(data: &Path) -> EvidenceOf {
        EvidenceOf::new(data, Evidence::open(data), Arc::new(Live::default()), Arc::new(SystemClock))
    }

    fn checked(service: &EvidenceOf, caller: &Principal) -> Verification {
        service.verify(caller).expect("none runs");
        let thread = service.thread.lock().expect("whole").take().expect("it was started");
        thread.join().expect("it ends well");
        service.state().verification.expect("it was made")
    }

    #[test]
    fn a_check_is_made_told_written_down_and_known_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path();
        drop(Store::open(&data.join("store"), store::Config::default()).expect("a store"));
        let caller = Principal { name: "kiem".to_owned(), role: Role::Auditor, via: Via::Token };
        let first = service(data);
        assert_eq!(first.state().verification, None);
        assert_eq!(first.cancel().map_err(|problem| problem.status), Err(409));
        let right = checked(&first, &caller);
        assert_eq!((right.state, right.findings_total, right.by.as_str()), (VerifyState::Done, 0, "kiem"), "{right:?}");
        let logs: Vec<_> = first.state().logs.into_iter().map(|log| (log.name, log.signed_at.is_some())).collect();
        assert_eq!(logs, [("evidence".to_owned(), true), ("audit".to_owned(), true)]);

        let log = data.join("evidence/log/entries-000000000");
        let mut bytes = fs::read(&log).expect("a log");
        bytes[20] ^= 1;
        fs::write(&log, bytes).expect("a byte is changed");
        let wrong = checked(&first, &caller);
        let found = wrong.findings.first().expect("it is found");
        assert_eq!((found.place.as_str(), found.offset), ("evidence/log/entries-000000000", Some(20)), "{wrong:?}");
        let audit = first.work.evidence.audit.clone().expect("an audit log");
        let told = audit.list(&Filter::default(), 1).expect("readable");
        assert!(told[0].deed.detail.starts_with("NOT INTACT: "), "{told:?}");
        drop((first, audit));
        let kept = service(data).state().verification.expect("it was kept");
        assert_eq!((kept.state, kept.findings), (VerifyState::Done, wrong.findings));
    }
}
