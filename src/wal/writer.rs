//! The WAL thread: takes what waits, appends it as one group, syncs once, tells the senders, hands the events on.
//!
//! Order matters: receipts go out before the events are handed on, so that a slow processing stage delays the next
//! group, never the acknowledgement of this one. Everything is bounded by the intake and by the forward channel.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use tokio::sync::mpsc::error::TryRecvError;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::ingest::intake::NotStored;
use crate::ingest::intake::Outlet;
use crate::ingest::intake::Submission;
use crate::model::Envelope;
use crate::model::EventId;
use crate::model::Origin;
use crate::telemetry::Counter;
use crate::telemetry::Gauge;
use crate::telemetry::Registry;
use crate::wal::Wal;

/// How many inputs' counters are kept at hand; beyond, they are looked up anew.
const INPUTS_MAX: usize = 4096;

/// How large a group may grow before it is synced, and how a full disk is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub group_frames_max: usize,
    pub group_bytes_max: usize,
    /// How often a full disk is looked at again.
    pub recheck: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { group_frames_max: 16_384, group_bytes_max: 4 * 1024 * 1024, recheck: Duration::from_secs(1) }
    }
}

/// Why the thread ended before its inputs did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriterError {
    /// Writing or syncing failed. Nothing that was not synced has been acknowledged.
    #[error("the write-ahead log stopped: {0}")]
    Failed(String),
    /// The processing stage is gone; what it had not taken is in the log and is replayed at the next start.
    #[error("the processing stage has ended")]
    ProcessingEnded,
}

/// What the thread works with besides the log and the queue.
#[derive(Debug)]
pub struct Handles {
    /// Where synced events go.
    pub forward: SyncSender<Vec<Envelope>>,
    /// The id up to which the events are durable elsewhere; segments at or below it are deleted.
    pub release: Arc<AtomicU64>,
    pub registry: Registry,
    pub limits: Limits,
}

/// Runs until every intake is dropped and the queue is drained; returns the log, synced.
///
/// # Errors
/// When the log failed or the processing stage is gone. All inputs are refused from then on.
pub fn run(wal: Wal, outlet: Outlet, handles: Handles) -> Result<Wal, WriterError> {
    let meters = Meters::new(&handles.registry);
    let mut writer = Writer { wal, outlet, handles, meters, group: Group::default(), held: Vec::new() };
    writer.meters.log_size(&writer.wal);
    match writer.run_to_end() {
        Ok(()) => Ok(writer.wal),
        Err(err) => {
            writer.refuse_everything(&err);
            Err(err)
        }
    }
}

/// The submissions of one sync.
#[derive(Debug, Default)]
struct Group {
    submissions: Vec<Submission>,
    frame_count: usize,
    bytes: usize,
}

impl Group {
    fn add(&mut self, submission: Submission) {
        self.frame_count += submission.frames.len();
        self.bytes += submission.frames.iter().map(|frame| frame.raw.len()).sum::<usize>();
        self.submissions.push(submission);
    }

    fn clear(&mut self) {
        self.submissions.clear();
        (self.frame_count, self.bytes) = (0, 0);
    }
}

#[derive(Debug)]
struct Writer {
    wal: Wal,
    outlet: Outlet,
    handles: Handles,
    meters: Meters,
    group: Group,
    /// What met a full disk and has a sender that cannot be told: stored first once there is room. Bounded, because the
    /// readers stop at the refusal and the queue is bounded.
    held: Vec<Submission>,
}

impl Writer {
    fn run_to_end(&mut self) -> Result<(), WriterError> {
        while self.fill_group() {
            match self.store() {
                Ok(envelopes) => {
                    if !envelopes.is_empty() {
                        self.handles.forward.send(envelopes).map_err(|_| WriterError::ProcessingEnded)?;
                    }
                }
                Err(NotStored::DiskFull) => {
                    if !self.wait_for_room()? {
                        break;
                    }
                }
                Err(err) => return Err(failed(err)),
            }
            self.release();
        }
        self.wal.sync().map_err(failed)
    }

    /// Takes what was held back, or waits for what comes; false when the inputs are gone.
    fn fill_group(&mut self) -> bool {
        if self.held.is_empty() {
            let Some(first) = self.outlet.receiver.blocking_recv() else { return false };
            self.gather(first);
        }
        for submission in mem::take(&mut self.held) {
            self.group.add(submission);
        }
        true
    }

    /// Takes what else waits, up to the limits.
    fn gather(&mut self, first: Submission) {
        let limits = self.handles.limits;
        self.group.add(first);
        while self.group.frame_count < limits.group_frames_max && self.group.bytes < limits.group_bytes_max {
            let Ok(next) = self.outlet.receiver.try_recv() else { break };
            self.group.add(next);
        }
    }

    /// Appends and syncs the group, and tells its senders how that ended.
    fn store(&mut self) -> Result<Vec<Envelope>, NotStored> {
        let bytes = self.group.bytes as u64;
        // Counted before the frames are moved; per input because the operator's books are kept per input.
        let promised = self.meters.tally(self.group.submissions.iter().filter(|one| one.receipt.is_some()));
        let unpromised: Vec<Submission> =
            self.group.submissions.iter().filter(|one| one.receipt.is_none()).map(copy_of).collect();
        let frames = self.group.submissions.iter_mut().flat_map(|submission| {
            let mut places = mem::take(&mut submission.places).into_iter();
            mem::take(&mut submission.frames).into_iter().map(move |frame| (frame, places.next()))
        });
        let began = Instant::now();
        let stored = self.wal.append_placed(frames).and_then(|envelopes| {
            let began = Instant::now();
            self.wal.sync()?;
            self.meters.synced(began.elapsed());
            Ok(envelopes)
        });
        self.meters.count(&promised, if stored.is_ok() { Fate::Stored } else { Fate::Rejected });
        match &stored {
            Ok(_) => self.meters.count(&self.meters.tally(&unpromised), Fate::Stored),
            Err(NotStored::DiskFull) => self.held = unpromised,
            Err(_) => self.meters.count(&self.meters.tally(&unpromised), Fate::Dropped),
        }
        if stored.is_ok() {
            self.meters.group_stored(bytes, began.elapsed());
        }
        self.meters.log_size(&self.wal);
        let told = stored.as_ref().map(|_| ()).map_err(Clone::clone);
        if told.is_err() {
            // Before the receipts: who hears of the refusal must not find the door open.
            self.outlet.refusal.send_replace(told.clone().err());
        }
        tell(&mut self.group.submissions, &told);
        self.group.clear();
        stored
    }

    /// Refuses all inputs until there is room; false when the inputs are gone.
    fn wait_for_room(&mut self) -> Result<bool, WriterError> {
        error!("the disk is full or its reserve is reached: inputs are refused until there is room");
        let mut looked = Instant::now();
        loop {
            match self.outlet.receiver.try_recv() {
                Ok(late) if late.receipt.is_none() => self.held.push(late),
                Ok(late) => self.refuse(late, &NotStored::DiskFull),
                Err(TryRecvError::Disconnected) => {
                    self.give_up_held();
                    return Ok(false);
                }
                Err(TryRecvError::Empty) => thread::sleep(self.handles.limits.recheck.min(Duration::from_millis(50))),
            }
            if looked.elapsed() >= self.handles.limits.recheck {
                looked = Instant::now();
                // Releasing old segments is what makes room when the log itself fills the disk.
                self.release();
                if self.wal.has_room() {
                    info!("there is room on the disk again: inputs are accepted");
                    self.outlet.refusal.send_replace(None);
                    return Ok(true);
                }
            }
        }
    }

    fn release(&mut self) {
        let through = EventId(self.handles.release.load(Ordering::Acquire));
        let before = self.wal.segment_count();
        if let Err(err) = self.wal.release(through) {
            warn!(error = %err, "an old log segment could not be deleted");
        }
        if self.wal.segment_count() != before {
            self.meters.log_size(&self.wal);
        }
    }

    fn refuse(&self, mut submission: Submission, why: &NotStored) {
        let fate = if submission.receipt.is_some() { Fate::Rejected } else { Fate::Dropped };
        self.meters.count(&self.meters.tally([&submission]), fate);
        tell(std::slice::from_mut(&mut submission), &Err(why.clone()));
    }

    /// Counts as lost what was held back when the program ends before there is room.
    fn give_up_held(&mut self) {
        let held = mem::take(&mut self.held);
        if !held.is_empty() {
            let frames: usize = held.iter().map(|one| one.frames.len()).sum();
            error!(frames, "lost: the disk stayed full until the end");
            self.meters.count(&self.meters.tally(&held), Fate::Dropped);
        }
    }

    fn refuse_everything(&mut self, err: &WriterError) {
        let why = match err {
            WriterError::Failed(why) => NotStored::LogFailed(why.clone()),
            WriterError::ProcessingEnded => NotStored::Closed,
        };
        error!(error = %err, "nothing is taken in any more");
        self.give_up_held();
        self.outlet.refusal.send_replace(Some(why.clone()));
        self.outlet.receiver.close();
        while let Some(late) = self.outlet.receiver.blocking_recv() {
            self.refuse(late, &why);
        }
    }
}

/// Copies what nobody waits for: the bytes are shared.
fn copy_of(submission: &Submission) -> Submission {
    Submission { frames: submission.frames.clone(), places: submission.places.clone(), receipt: None }
}

fn failed(err: NotStored) -> WriterError {
    match err {
        NotStored::LogFailed(why) => WriterError::Failed(why),
        other => WriterError::Failed(other.to_string()),
    }
}

fn tell(submissions: &mut [Submission], outcome: &Result<(), NotStored>) {
    for submission in submissions {
        if let Some(receipt) = submission.receipt.take() {
            // A sender that went away does not wait for an answer.
            drop(receipt.send(outcome.clone()));
        }
    }
}

/// The books of one input.
#[derive(Debug, Clone)]
struct InputCounters {
    stored: Counter,
    stored_bytes: Counter,
    rejected: Counter,
    dropped: Counter,
}

/// What became of frames.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Stored,
    /// The sender was told, and still has them.
    Rejected,
    /// Lost without the sender knowing.
    Dropped,
}

/// How much of a group came from one input.
#[derive(Debug)]
struct Tally {
    counters: InputCounters,
    frames: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Meters {
    registry: Registry,
    inputs: std::cell::RefCell<HashMap<String, InputCounters>>,
    groups: Counter,
    group_microseconds: Counter,
    written_bytes: Counter,
    syncs: Counter,
    sync_microseconds: Counter,
    sync_microseconds_max: Gauge,
    segments: Gauge,
    bytes: Gauge,
    last_id: Gauge,
}

impl Meters {
    fn new(registry: &Registry) -> Meters {
        Meters {
            registry: registry.clone(),
            inputs: std::cell::RefCell::default(),
            groups: registry.counter("longan_wal_groups_total", &[]),
            group_microseconds: registry.counter("longan_wal_group_microseconds_total", &[]),
            written_bytes: registry.counter("longan_wal_raw_bytes_total", &[]),
            syncs: registry.counter("longan_wal_syncs_total", &[]),
            sync_microseconds: registry.counter("longan_wal_sync_microseconds_total", &[]),
            sync_microseconds_max: registry.gauge("longan_wal_sync_microseconds_max", &[]),
            segments: registry.gauge("longan_wal_segments", &[]),
            bytes: registry.gauge("longan_wal_bytes", &[]),
            last_id: registry.gauge("longan_wal_last_id", &[]),
        }
    }

    /// Adds up a group per input; frames of one connection share their origin, so most are one comparison.
    fn tally<'s>(&self, submissions: impl IntoIterator<Item = &'s Submission>) -> Vec<Tally> {
        let mut tallies: Vec<(Arc<Origin>, Tally)> = Vec::new();
        let mut current = 0;
        for frame in submissions.into_iter().flat_map(|submission| &submission.frames) {
            let same = |(origin, _): &(Arc<Origin>, Tally)| {
                Arc::ptr_eq(origin, &frame.origin) || origin.input == frame.origin.input
            };
            if !tallies.get(current).is_some_and(same) {
                current = tallies.iter().position(same).unwrap_or(tallies.len());
            }
            if current == tallies.len() {
                let counters = self.counters(&frame.origin.input);
                tallies.push((Arc::clone(&frame.origin), Tally { counters, frames: 0, bytes: 0 }));
            }
            if let Some((_, tally)) = tallies.get_mut(current) {
                tally.frames += 1;
                tally.bytes += frame.raw.len() as u64;
            }
        }
        tallies.into_iter().map(|(_, tally)| tally).collect()
    }

    fn counters(&self, input: &str) -> InputCounters {
        let mut inputs = self.inputs.borrow_mut();
        if let Some(counters) = inputs.get(input) {
            return counters.clone();
        }
        let labels = [("input", input)];
        let counters = InputCounters {
            stored: self.registry.counter("longan_input_stored_total", &labels),
            stored_bytes: self.registry.counter("longan_input_stored_bytes_total", &labels),
            rejected: self.registry.counter("longan_input_rejected_total", &labels),
            dropped: self.registry.counter("longan_input_dropped_total", &labels),
        };
        if inputs.len() >= INPUTS_MAX {
            inputs.clear();
        }
        inputs.insert(input.to_owned(), counters.clone());
        counters
    }

    fn count(&self, tallies: &[Tally], fate: Fate) {
        for Tally { counters, frames, bytes } in tallies {
            match fate {
                Fate::Stored => {
                    counters.stored.add(*frames);
                    counters.stored_bytes.add(*bytes);
                }
                Fate::Rejected => counters.rejected.add(*frames),
                Fate::Dropped => counters.dropped.add(*frames),
            }
        }
    }

    fn group_stored(&self, bytes: u64, took: Duration) {
        self.groups.increment();
        self.written_bytes.add(bytes);
        self.group_microseconds.add(whole_microseconds(took));
    }

    fn synced(&self, took: Duration) {
        let microseconds = whole_microseconds(took);
        self.syncs.increment();
        self.sync_microseconds.add(microseconds);
        let microseconds = i64::try_from(microseconds).unwrap_or(i64::MAX);
        if microseconds > self.sync_microseconds_max.get() {
            self.sync_microseconds_max.set(microseconds);
        }
    }

    fn log_size(&self, wal: &Wal) {
        self.segments.set(i64::try_from(wal.segment_count()).unwrap_or(i64::MAX));
        self.bytes.set(i64::try_from(wal.bytes_on_disk()).unwrap_or(i64::MAX));
        self.last_id.set(i64::try_from(wal.last_id().0).unwrap_or(i64::MAX));
    }
}

fn whole_microseconds(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}
